//! The rows of a profile, in their order.

use super::cells::{Cell, Cells, Counts, Merge, Sample, Values};
use super::key::{Key, Symbol};
use super::{Name, Profile};

/// What a row is about; rows of one kind come together, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Leader,
    Encoding,
    Problem,
    Field,
    Indicators,
    Subfield,
}

impl Kind {
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("file", Self::File),
        ("leader", Self::Leader),
        ("encoding", Self::Encoding),
        ("problem", Self::Problem),
        ("field", Self::Field),
        ("indicators", Self::Indicators),
        ("subfield", Self::Subfield),
    ];

    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|&&(_, kind)| kind == self).map_or("", |&(name, _)| name)
    }
}

/// One row; `None` is null.
#[derive(Debug, Clone)]
pub(crate) struct Row<'a> {
    pub kind: Kind,
    pub position: Option<u8>,
    /// Tag and indicators, or tag and code; `None` too for what had no cell of its own.
    pub key: Option<Key>,
    pub value: Option<&'a str>,
    pub records: Option<u64>,
    pub occurrences: Option<u64>,
    pub max_per_record: Option<u64>,
    pub bytes: Option<u64>,
    pub lengths: Option<Lengths>,
    pub values: Option<&'a Values>,
    /// None but for values.
    pub samples: &'a [Sample],
}

/// Of values, in characters; of records, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    pub shortest: u64,
    pub mean: f64,
    pub longest: u64,
}

impl Lengths {
    #[allow(clippy::cast_precision_loss)] // a mean is rounded
    fn new(shortest: u64, longest: u64, total: u64, count: u64) -> Option<Self> {
        (count > 0).then(|| Self { shortest, mean: total as f64 / count as f64, longest })
    }
}

impl Row<'_> {
    /// How many different values there are: no more than there are values, whatever the estimate says.
    pub(crate) fn distinct(&self) -> Option<u64> {
        let most = self.occurrences.unwrap_or(u64::MAX);
        self.values.map(|values| values.distinct().min(most))
    }

    fn new(kind: Kind) -> Self {
        Self {
            kind,
            position: None,
            key: None,
            value: None,
            records: None,
            occurrences: None,
            max_per_record: None,
            bytes: None,
            lengths: None,
            values: None,
            samples: &[],
        }
    }

    pub(crate) fn tag(&self) -> Option<String> {
        self.key.map(|key| key.tag.text())
    }

    pub(crate) fn indicators(&self) -> [Option<String>; 2] {
        let key = self.key.filter(|_| self.kind == Kind::Indicators).unwrap_or_default();
        [key.first.text(), key.second.text()]
    }

    pub(crate) fn code(&self) -> Option<String> {
        self.symbol().text()
    }

    fn symbol(&self) -> Symbol {
        self.key.filter(|_| self.kind == Kind::Subfield).map_or(Symbol::NULL, |key| key.first)
    }
}

/// Rows that have to do with cells.
fn rows_of<'a, V: Merge>(
    kind: Kind,
    cells: &'a Cells<V>,
    finish: impl Fn(&mut Row<'a>, &'a V) + Copy,
) -> impl Iterator<Item = Row<'a>> {
    let row = move |key: Option<Key>, cell: &'a Cell<V>, samples: &'a [Sample]| {
        let Counts { records, occurrences, max, .. } = cell.counts;
        let mut row = Row { key, occurrences: Some(occurrences), samples, ..Row::new(kind) };
        if key.is_some() {
            // Those without a cell of their own were of the same record, or not.
            row.records = Some(records);
            row.max_per_record = Some(max.into());
        }
        finish(&mut row, &cell.values);
        row
    };
    let sorted = cells.sorted().into_iter().map(move |(key, cell, samples)| row(Some(key), cell, samples));
    cells.beyond().map(move |cell| row(None, cell, &[])).into_iter().chain(sorted)
}

impl Profile {
    /// All rows: what comes first is what had no cell of its own.
    pub(crate) fn rows(&self) -> Vec<Row<'_>> {
        let file = &self.file;
        let mut rows = vec![Row {
            records: Some(file.records),
            bytes: Some(file.bytes),
            lengths: Lengths::new(file.shortest, file.longest, file.total, file.records),
            ..Row::new(Kind::File)
        }];
        rows.extend(self.named.iter().map(|(name, count)| {
            let (kind, position, value) = match name {
                Name::Leader(position, value) => (Kind::Leader, Some(*position), value),
                Name::Encoding(value) => (Kind::Encoding, None, value),
                Name::Problem(value) => (Kind::Problem, None, value),
            };
            let (records, occurrences) = (count.records, Some(count.occurrences));
            Row { position, value: Some(value), records, occurrences, ..Row::new(kind) }
        }));
        rows.extend(rows_of(Kind::Field, &self.fields, |_, ()| ()));
        rows.extend(rows_of(Kind::Indicators, &self.indicators, |_, ()| ()));
        rows.extend(rows_of(Kind::Subfield, &self.subfields, |row, values| {
            let count = row.occurrences.unwrap_or_default();
            row.lengths = Lengths::new(values.shortest.into(), values.longest.into(), values.total, count);
            row.values = Some(values);
        }));
        rows
    }
}
