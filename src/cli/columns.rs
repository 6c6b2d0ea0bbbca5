//! Text in columns, for people.

use std::fmt::Write as _;

/// On which side of its column a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Right,
}

/// Lines of cells below titles; columns without any are left out.
pub(super) struct Columns {
    titles: Vec<(String, Align)>,
    lines: Vec<Vec<String>>,
}

/// The least that is left of a last column.
const LEAST: usize = 8;

impl Columns {
    pub(super) fn new(titles: Vec<(&str, Align)>) -> Self {
        Self { titles: titles.into_iter().map(|(title, align)| (title.to_owned(), align)).collect(), lines: Vec::new() }
    }

    pub(super) fn push(&mut self, cells: impl IntoIterator<Item = Option<String>>) {
        self.lines.push(cells.into_iter().map(Option::unwrap_or_default).collect());
    }

    /// Appends an empty line and the table, if it has lines. A last column whose text is on the left is cut to this width.
    pub(super) fn write(&self, text: &mut String, width: usize) {
        if self.lines.is_empty() {
            return;
        }
        let titles: Vec<String> = self.titles.iter().map(|(title, _)| title.clone()).collect();
        let widths: Vec<usize> = (0..titles.len())
            .map(|column| {
                let cells = || self.lines.iter().filter_map(move |line| line.get(column));
                let longest = cells().map(|cell| columns_of(cell)).max().unwrap_or_default();
                if longest == 0 { 0 } else { longest.max(titles.get(column).map_or(0, |title| columns_of(title))) }
            })
            .collect();
        text.push('\n');
        for line in std::iter::once(&titles).chain(&self.lines) {
            let mut written = String::new();
            let mut reached = 0;
            for (index, ((cell, &column), (_, align))) in line.iter().zip(&widths).zip(&self.titles).enumerate() {
                if column == 0 {
                    continue;
                }
                if reached > 0 {
                    written.push_str("  ");
                    reached += 2;
                }
                let room = width.saturating_sub(reached).max(LEAST);
                let is_last = index + 1 == self.titles.len() && *align == Align::Left;
                let cell = if is_last { cut(cell, room) } else { cell.clone() };
                let padding = if is_last { 0 } else { column - columns_of(&cell).min(column) };
                // Writing to a string does not fail.
                let _ = match align {
                    Align::Left => write!(written, "{cell}{:padding$}", ""),
                    Align::Right => write!(written, "{:padding$}{cell}", ""),
                };
                reached += column;
            }
            text.push_str(written.trim_end());
            text.push('\n');
        }
    }
}

/// How many columns of a terminal a character takes: two, if it is Chinese, Japanese or Korean, or a pictograph.
fn width_of(character: char) -> usize {
    match u32::from(character) {
        0x1100..=0x115F
        | 0x2E80..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF01..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1FAFF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

fn columns_of(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

/// As much of `text` as so many columns hold, with `…` in place of the rest.
fn cut(text: &str, columns: usize) -> String {
    if columns_of(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(1);
    let fits = |character: &char| match left.checked_sub(width_of(*character)) {
        Some(after) => {
            left = after;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// `text` with escapes for what a terminal would obey: control characters, and those that turn the direction of text.
pub(super) fn printable(text: &str) -> String {
    let is_obeyed = |character: char| {
        character.is_control()
            || matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) { printable.extend(character.escape_default()) } else { printable.push(character) }
    }
    printable
}

/// A number with a comma after each third digit from the right.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A share of a hundred, which is 0.0 and 100.0 for none and all alone.
pub(super) fn percent(part: u64, whole: u64) -> String {
    #[allow(clippy::cast_precision_loss)] // it is rounded
    let share = part as f64 * 100.0 / whole.max(1) as f64;
    if part > 0 && share < 0.05 {
        "<0.1".to_owned()
    } else if part < whole && share >= 99.95 {
        ">99.9".to_owned()
    } else {
        format!("{share:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(percent(0, 10), "0.0");
        assert_eq!(percent(1, 1_000_000), "<0.1");
        assert_eq!(percent(999_999, 1_000_000), ">99.9");
        assert_eq!(percent(10, 10), "100.0");
        assert_eq!(percent(0, 0), "0.0");
    }

    #[test]
    fn texts_are_cut_by_columns_and_obeyed_by_nothing() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("図書館の本", 6), "図書…");
        assert_eq!(printable("a\u{1b}[31m\u{202e}é\n"), "a\\u{1b}[31m\\u{202e}é\\n");
    }

    #[test]
    fn columns_line_up_and_empty_ones_are_left_out() {
        let mut columns = Columns::new(vec![
            ("name", Align::Left),
            ("nothing", Align::Right),
            ("n", Align::Right),
            ("last", Align::Left),
        ]);
        columns.push([Some("a".into()), None, Some("1".into()), Some("first of them".into())]);
        columns.push([Some("longer".into()), None, Some("234".into()), None]);
        let mut text = String::new();
        columns.write(&mut text, 25);
        assert_eq!(
            text,
            "\nname      n  last\na         1  first of t…\nlonger  234\n".replace("first of t…", "first of th…")
        );
        let mut nothing = String::new();
        Columns::new(vec![("a", Align::Left)]).write(&mut nothing, 80);
        assert_eq!(nothing, "");
    }
}
