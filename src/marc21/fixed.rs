//! Fixed fields: which table a record's leader, 006, 007 or 008 has, and what its codes mean.

use std::borrow::Cow;

use super::positions::FIXED;

/// Codes and what they mean, in the order of codes. They are of one character each, or as long as their position.
pub(crate) type Codes = &'static [(&'static str, &'static str)];

/// A field whose characters mean something by their place.
#[derive(Debug)]
pub(crate) struct FixedField {
    pub tag: [u8; 3],
    /// Names of positions, over all tables.
    pub names: &'static [&'static str],
    pub(super) tables: &'static [Table],
    /// What all bibliographic materials have.
    pub(super) common: &'static [Position],
}

/// What stands where in the field of one material.
#[derive(Debug)]
pub(super) struct Table {
    pub material: &'static str,
    /// What chooses it: leader/06, or the first character of a 006 or 007.
    pub types: &'static str,
    /// Leader/07, where it matters.
    pub levels: &'static str,
    pub positions: &'static [Position],
}

/// A named place in the field.
#[derive(Debug)]
pub(crate) struct Position {
    /// Its place among [`FixedField::names`].
    pub name: usize,
    /// The first and last character.
    pub start: usize,
    pub end: usize,
    pub codes: Codes,
}

/// The fixed field that has this tag.
pub(crate) fn fixed_field(tag: [u8; 3]) -> Option<&'static FixedField> {
    FIXED.iter().find(|field| field.tag == tag)
}

impl FixedField {
    /// The material, `None` where it is none that MARC 21 knows, and the positions, in order.
    pub(crate) fn table(&self, leader: &str, value: &str) -> (Option<&'static str>, &'static [Position]) {
        let mut of_leader = leader.chars().skip(6);
        let (kind, level) = match &self.tag {
            b"006" | b"007" => (value.chars().next(), None),
            _ => (of_leader.next(), of_leader.next()),
        };
        // What is not ASCII is in no set.
        let byte = |letter: Option<char>| letter.and_then(|letter| u8::try_from(letter).ok());
        let (kind, level) = (byte(kind), byte(level));
        let has = |set: &str, letter: Option<u8>| letter.is_some_and(|letter| set.as_bytes().contains(&letter));
        let chosen = |table: &&Table| has(table.types, kind) && (table.levels.is_empty() || has(table.levels, level));
        match self.tables.iter().find(chosen) {
            Some(table) => (Some(table.material), table.positions),
            None => (None, self.common),
        }
    }
}

impl Position {
    /// What stands there; `None` if the field ends before. That `value` is ASCII is asked once for all of its positions.
    pub(crate) fn of<'v>(&self, value: &'v str, is_ascii: bool) -> Option<&'v str> {
        if is_ascii {
            return value.get(self.start..=self.end);
        }
        let mut starts = value.char_indices().map(|(at, _)| at).chain([value.len()]);
        let start = starts.nth(self.start)?;
        value.get(start..starts.nth(self.end - self.start)?)
    }

    /// What `value` means. Codes that have no meaning are left as they are.
    ///
    /// Where a position holds several codes of one character each, their meanings are joined with `; `. A blank among them
    /// only fills it up, and what is said twice is said once.
    pub(crate) fn meaning<'v>(&self, value: &'v str) -> Cow<'v, str> {
        let find = |code: &str| {
            let place = self.codes.binary_search_by_key(&code, |&(code, _)| code).ok()?;
            self.codes.get(place).map(|&(_, meaning)| meaning)
        };
        if let Some(meaning) = find(value) {
            return Cow::Borrowed(meaning);
        }
        if self.start == self.end {
            return Cow::Borrowed(value);
        }
        // Filled with the fill character, of which tables have one or as many as there is room for.
        if value.bytes().all(|byte| byte == b'|') {
            return find("|").map_or(Cow::Borrowed(value), Cow::Borrowed);
        }
        let single = self.codes.iter().any(|(code, _)| code.len() == 1 && *code != "|");
        if !single {
            return Cow::Borrowed(value);
        }
        let blank = value.bytes().all(|byte| byte == b' ');
        let mut meanings: Vec<&str> = Vec::new();
        for (at, letter) in value.char_indices() {
            let code = value.get(at..at + letter.len_utf8()).unwrap_or_default();
            let meaning = find(code).unwrap_or(code);
            if (letter != ' ' || blank) && !meanings.contains(&meaning) {
                meanings.push(meaning);
            }
        }
        Cow::Owned(meanings.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_hold_together() {
        for field in &FIXED {
            for table in field.tables {
                assert!(table.positions.iter().is_sorted_by(|a, b| a.end < b.start), "{}", table.material);
                for position in table.positions {
                    assert!(position.start <= position.end && field.names.get(position.name).is_some());
                    assert!(position.codes.is_sorted_by(|a, b| a.0 < b.0));
                    let width = position.end - position.start + 1;
                    assert!(position.codes.iter().all(|(code, _)| code.len() == 1 || code.len() == width));
                }
            }
        }
    }

    fn position(tag: [u8; 3], leader: &str, value: &str, name: &str) -> Option<&'static Position> {
        let field = fixed_field(tag)?;
        let (_, positions) = field.table(leader, value);
        positions.iter().find(|position| field.names.get(position.name) == Some(&name))
    }

    #[test]
    fn the_leader_says_what_an_008_is_of() {
        for (kind, level, material) in [
            ('a', 'm', Some("books")),
            ('a', 's', Some("continuing_resources")),
            ('a', ' ', None),
            ('t', ' ', Some("books")),
            ('j', 'm', Some("music")),
            ('z', ' ', Some("authority")),
            ('y', ' ', Some("holdings")),
            ('\u{FFFD}', 'm', None),
        ] {
            let leader = format!("00000n{kind}{level} a2200000 a 4500");
            assert_eq!(fixed_field(*b"008").map(|field| field.table(&leader, "").0), Some(material), "{leader}");
        }
        assert_eq!(fixed_field(*b"008").map(|field| field.table("", "").0), Some(None));
        assert!(fixed_field(*b"009").is_none());
    }

    #[test]
    fn characters_are_what_is_counted() {
        let language = position(*b"008", "00000nam", "", "language").unwrap();
        for (value, found) in [
            ("860506s1957    nyua     b    000 0 eng  ", Some("eng")),
            ("860506s1957    nyüa     b    000 0 eng  ", Some("eng")),
            ("860506s1957    nyua     b    000 0 éng", Some("éng")),
            ("860506s1957    nyua     b    000 0 en", None),
            ("860506s1957    nyua     b    000 0 é", None),
            ("", None),
        ] {
            assert_eq!(language.of(value, value.is_ascii()), found, "{value}");
        }
    }

    #[test]
    fn codes_mean_what_the_tables_say() {
        for (name, code, meaning) in [
            ("date_type", "s", "Single known date/probable date"),
            ("date_type", "9", "9"),
            ("language", "ger", "German"),
            ("language", "   ", "No information provided"),
            ("country", "ne ", "Netherlands"),
            ("country", "|||", "No attempt to code"),
            ("country", "ne|", "ne|"),
            ("illustrations", "ab  ", "Illustrations; Maps"),
            ("illustrations", "    ", "No illustrations"),
            ("illustrations", "||||", "No attempt to code"),
            ("illustrations", "aa? ", "Illustrations; ?"),
            ("date1", "1957", "1957"),
        ] {
            assert_eq!(position(*b"008", "00000nam", "", name).unwrap().meaning(code), meaning, "{name} {code}");
        }
    }
}
