//! Filters: which records are wanted, as `008/35-37 = "fre" and exists(856$u)`.
//!
//! What is compared is a column expression. A bare spec has all of its values there, and one that fits is enough; `!=`, `!~` and
//! `not in` are the opposite of `=`, `~` and `in`, so that none must fit.

use std::cmp::Ordering;
use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, LargeListArray, StringViewArray, UInt32Array};

use super::Keep;
use super::column::{Column, column_prefix, pointed_at, separator};
use super::parse::{Mistake, Parser};
use crate::error::Error;

/// What gives the values that a file lists, for `in @FILE`.
pub type Lists<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<String>, Error>;

/// A test of records.
///
/// ```
/// use mrrc_arrow::Filter;
///
/// let french = Filter::parse(r#"008/35-37 = "fre" and not exists(880)"#, &mut |_| Ok(Vec::new()));
/// assert!(french.is_ok());
/// ```
#[derive(Debug, Clone)]
pub struct Filter {
    columns: Vec<(String, Column)>,
    root: Node,
}

#[derive(Debug, Clone)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Of a column, by its place.
    Test(usize, Test),
}

#[derive(Debug, Clone)]
enum Test {
    /// There is a value; it is true, or not 0.
    Any,
    Compare(Comparison, Literal),
    In {
        texts: HashSet<String>,
        numbers: Vec<Number>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Includes,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
enum Literal {
    Text(String),
    Number(Number),
}

/// A decimal number of any length, exactly: identifiers have more digits than binary fractions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Number {
    text: String,
    is_negative: bool,
    /// Without zeros before it, and behind it.
    whole: String,
    fraction: String,
}

impl Number {
    fn new(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) || digits.ends_with('.') {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self {
            text: text.to_owned(),
            is_negative: text.starts_with('-') && !is_zero,
            whole: whole.to_owned(),
            fraction: fraction.to_owned(),
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        let size = || {
            let whole = (self.whole.len(), &self.whole).cmp(&(other.whole.len(), &other.whole));
            whole.then_with(|| self.fraction.cmp(&other.fraction))
        };
        match (self.is_negative, other.is_negative) {
            (false, false) => size(),
            (true, true) => size().reverse(),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

type Parsed<T> = Result<T, Mistake>;

/// Parentheses and `not` inside of each other, at most.
const DEEPEST: usize = 64;

impl Filter {
    /// Reads `text`; `lists` gives the values that files list.
    ///
    /// # Errors
    ///
    /// What is no filter, with a caret under where it ceases to be one; what `lists` says.
    pub fn parse(text: &str, lists: Lists<'_>) -> Result<Self, Error> {
        let mut failed = None;
        let mut this = Reading { parser: Parser::new(text), columns: Vec::new(), lists, failed: &mut failed, depth: 0 };
        let root = this.whole();
        let columns = std::mem::take(&mut this.columns);
        match (root, failed) {
            (_, Some(error)) => Err(error),
            (Ok(root), None) => Ok(Self { columns, root }),
            (Err(mistake), None) => Err(pointed_at("no filter", text, mistake)),
        }
    }

    /// The opposite.
    #[must_use]
    pub fn inverted(self) -> Self {
        Self { root: Node::Not(Box::new(self.root)), ..self }
    }

    /// The columns that [`Filter::rows`] looks at.
    pub(crate) fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// Which of so many rows are wanted, by those columns with views.
    pub(crate) fn rows(&self, columns: &[ArrayRef], rows: usize) -> Vec<bool> {
        let values: Vec<Values<'_>> = columns.iter().map(Values::new).collect();
        (0..rows).map(|row| self.root.holds(&values, row)).collect()
    }
}

struct Reading<'a> {
    parser: Parser<'a>,
    columns: Vec<(String, Column)>,
    lists: Lists<'a>,
    failed: &'a mut Option<Error>,
    depth: usize,
}

impl Reading<'_> {
    fn whole(&mut self) -> Parsed<Node> {
        let root = self.any_of()?;
        self.blanks();
        if self.parser.peek().is_some() {
            return self.parser.mistake("and, or, or the end is wanted here");
        }
        Ok(root)
    }

    fn blanks(&mut self) {
        while matches!(self.parser.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.parser.at += 1;
        }
    }

    /// Takes a word, in capitals or not, if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let rest = self.parser.rest();
        let is_it = rest.get(..word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word));
        let ends = !rest.as_bytes().get(word.len()).is_some_and(u8::is_ascii_alphanumeric);
        if is_it && ends {
            self.parser.at += word.len();
        }
        is_it && ends
    }

    fn any_of(&mut self) -> Parsed<Node> {
        let mut nodes = vec![self.all_of()?];
        while self.word("or") {
            nodes.push(self.all_of()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) })
    }

    fn all_of(&mut self) -> Parsed<Node> {
        let mut nodes = vec![self.one()?];
        while self.word("and") {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::And(nodes) })
    }

    fn one(&mut self) -> Parsed<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.parser.mistake(format!("at most {DEEPEST} inside of each other"));
        }
        let node = if self.word("not") {
            Node::Not(Box::new(self.one()?))
        } else if self.parser.take("(") {
            let inner = self.any_of()?;
            self.blanks();
            if !self.parser.take(")") {
                return self.parser.mistake(") is wanted here");
            }
            inner
        } else {
            self.test()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn test(&mut self) -> Parsed<Node> {
        self.blanks();
        let start = self.parser.at;
        let is_bare = !self.parser.rest().starts_with("first(");
        let mut column = column_prefix(&mut self.parser)?;
        match column.keep {
            Keep::First if is_bare => column.keep = Keep::All(None),
            Keep::Fields | Keep::Fixed { .. } => {
                self.parser.at = start;
                return self.parser.mistake("fields and fixed have nothing that could be compared");
            }
            _ => {}
        }
        let keep = column.keep.clone();
        let place = self.columns.iter().position(|(_, known)| *known == column).unwrap_or(self.columns.len());
        if place == self.columns.len() {
            self.columns.push((place.to_string(), column));
        }
        self.blanks();
        let operator = self.parser.at;
        let (is_not, test) = self.comparison()?;
        let is_fine = match (&keep, &test) {
            (_, Test::Any) | (Keep::Count, Test::Compare(_, Literal::Number(_))) => true,
            (Keep::Count, Test::In { texts, .. }) => texts.is_empty(),
            (Keep::Count | Keep::Exists, _) => false,
            _ => true,
        };
        if !is_fine {
            self.parser.at = operator;
            return self.parser.mistake(if keep == Keep::Exists {
                "exists is a test by itself"
            } else {
                "a count is compared with a number"
            });
        }
        let node = Node::Test(place, test);
        Ok(if is_not { Node::Not(Box::new(node)) } else { node })
    }

    fn comparison(&mut self) -> Parsed<(bool, Test)> {
        use Comparison::{Equal, Greater, GreaterOrEqual, Includes, Less, LessOrEqual};
        const OPERATORS: [(&str, bool, Comparison); 8] = [
            ("!=", true, Equal),
            ("!~", true, Includes),
            ("<=", false, LessOrEqual),
            (">=", false, GreaterOrEqual),
            ("=", false, Equal),
            ("~", false, Includes),
            ("<", false, Less),
            (">", false, Greater),
        ];
        if let Some((_, is_not, comparison)) = OPERATORS.into_iter().find(|(text, ..)| self.parser.take(text)) {
            self.blanks();
            return Ok((is_not, Test::Compare(comparison, self.literal()?)));
        }
        let start = self.parser.at;
        let is_not = self.word("not");
        if self.word("in") {
            return Ok((is_not, self.set()?));
        }
        self.parser.at = start;
        Ok((false, Test::Any))
    }

    fn literal(&mut self) -> Parsed<Literal> {
        if self.parser.peek() == Some(b'"') {
            return separator(&mut self.parser).map(Literal::Text);
        }
        let rest = self.parser.rest();
        let length =
            rest.bytes().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+')).count();
        let text = rest.get(..length).unwrap_or_default();
        let Some(number) = Number::new(text) else {
            return self.parser.mistake("text in double quotes, or a number, is wanted here");
        };
        self.parser.at += length;
        Ok(Literal::Number(number))
    }

    fn set(&mut self) -> Parsed<Test> {
        self.blanks();
        if self.parser.take("@") {
            let start = self.parser.at;
            let path = if self.parser.peek() == Some(b'"') {
                separator(&mut self.parser)?
            } else {
                let rest = self.parser.rest();
                let length = rest.find([' ', '\t', '\n', ')']).unwrap_or(rest.len());
                self.parser.at += length;
                rest.get(..length).unwrap_or_default().to_owned()
            };
            return match (self.lists)(&path) {
                Ok(values) => Ok(Test::In { texts: values.into_iter().collect(), numbers: Vec::new() }),
                Err(error) => {
                    *self.failed = Some(error);
                    self.parser.at = start;
                    self.parser.mistake("this file")
                }
            };
        }
        if !self.parser.take("(") {
            return self.parser.mistake("(\"…\", \"…\") or @FILE is wanted here");
        }
        let (mut texts, mut numbers) = (HashSet::new(), Vec::new());
        loop {
            self.blanks();
            match self.literal()? {
                Literal::Text(text) => {
                    texts.insert(text);
                }
                Literal::Number(number) => numbers.push(number),
            }
            self.blanks();
            if self.parser.take(")") {
                return Ok(Test::In { texts, numbers });
            }
            if !self.parser.take(",") {
                return self.parser.mistake(", or ) is wanted here");
            }
        }
    }
}

/// A column of the records that are asked about.
enum Values<'a> {
    Texts(&'a LargeListArray, &'a StringViewArray),
    Text(&'a StringViewArray),
    Count(&'a UInt32Array),
    Flag(&'a BooleanArray),
    /// Of no type that a column has.
    Nothing,
}

impl<'a> Values<'a> {
    fn new(column: &'a ArrayRef) -> Self {
        if let Some(lists) = column.as_list_opt::<i64>()
            && let Some(texts) = lists.values().as_string_view_opt()
        {
            return Self::Texts(lists, texts);
        }
        if let Some(texts) = column.as_string_view_opt() {
            return Self::Text(texts);
        }
        if let Some(counts) = column.as_primitive_opt::<UInt32Type>() {
            return Self::Count(counts);
        }
        column.as_boolean_opt().map_or(Self::Nothing, Self::Flag)
    }

    fn holds(&self, test: &Test, row: usize) -> bool {
        match self {
            Self::Texts(lists, texts) => {
                let mut places = match lists.value_offsets().get(row..row + 2) {
                    #[allow(clippy::cast_sign_loss)] // offsets count from 0
                    Some(&[start, end]) => start as usize..end as usize,
                    _ => 0..0,
                };
                places.any(|place| test.holds(texts.value(place)))
            }
            Self::Text(texts) => texts.is_valid(row) && test.holds(texts.value(row)),
            Self::Count(counts) => match test {
                Test::Any => counts.value(row) > 0,
                test => test.holds(&counts.value(row).to_string()),
            },
            Self::Flag(flags) => flags.value(row),
            Self::Nothing => false,
        }
    }
}

impl Test {
    /// Whether it holds of a value.
    fn holds(&self, value: &str) -> bool {
        match self {
            Self::Any => true,
            Self::In { texts, numbers } => {
                texts.contains(value)
                    || !numbers.is_empty()
                        && number_of(value)
                            .is_some_and(|value| numbers.iter().any(|number| value.order(number).is_eq()))
            }
            Self::Compare(Comparison::Includes, Literal::Text(text) | Literal::Number(Number { text, .. })) => {
                value.contains(text)
            }
            Self::Compare(comparison, Literal::Text(text)) => comparison.holds(value.cmp(text)),
            // What is no number is not compared with one.
            Self::Compare(comparison, Literal::Number(number)) => {
                number_of(value).is_some_and(|value| comparison.holds(value.order(number)))
            }
        }
    }
}

fn number_of(value: &str) -> Option<Number> {
    Number::new(value.trim())
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Includes => false,
        }
    }
}

impl Node {
    fn holds(&self, columns: &[Values<'_>], row: usize) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().all(|node| node.holds(columns, row)),
            Self::Or(nodes) => nodes.iter().any(|node| node.holds(columns, row)),
            Self::Not(node) => !node.holds(columns, row),
            Self::Test(column, test) => columns.get(*column).is_some_and(|values| values.holds(test, row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Filter, Error> {
        Filter::parse(text, &mut |path| Ok(vec![path.to_owned(), "b".to_owned()]))
    }

    #[test]
    fn a_column_that_comes_twice_is_read_once() {
        let filter = parse(r#"245$a = "x" or 245$a ~ "y" or first(245$a) = "z" or 245$b"#).unwrap();
        assert_eq!(filter.columns().len(), 3);
    }

    #[test]
    fn operators_need_no_blanks_and_words_no_capitals() {
        for text in [
            r#"245$a="x"AND NOT(650)"#,
            r#"(245$a!="x")OR 001 in("a","b")"#,
            "008/7-10>=1900 and count(650)<-1.5",
            "001 NOT IN @list and 245",
            r#"001 in @"with blank""#,
        ] {
            parse(text).unwrap();
        }
    }

    #[test]
    fn what_is_no_filter_is_pointed_at() {
        for text in
            ["", "245 and", "(245", "245)", "245 = ", "245 = x", "245 in x", "245 in ()", "count(245) = \"1\"", "0"]
        {
            let told = parse(text).unwrap_err().message().to_owned();
            assert!(told.starts_with("no filter: ") && told.ends_with('^'), "{told}");
        }
    }

    #[test]
    fn lists_that_cannot_be_read_say_why() {
        let told = Filter::parse("001 in @list", &mut |_| Err(Error::option("no such list"))).unwrap_err();
        assert_eq!(told.message(), "no such list");
    }

    #[test]
    fn values_are_compared_as_text_or_as_numbers() {
        let holds = |text: &str, value: &str| match parse(&format!("001 {text}")).unwrap().root {
            Node::Test(_, test) => test.holds(value),
            Node::Not(node) => !matches!(*node, Node::Test(_, ref test) if test.holds(value)),
            _ => unreachable!(),
        };
        for (text, value, expected) in [
            ("= 19", "019", true),
            (r#"= "19""#, "019", false),
            ("< 100", "20", true),
            (r#"< "100""#, "20", false),
            ("> 100", "much", false),
            ("!= 5", "much", true),
            (r#"~ "uc""#, "much", true),
            ("~ 9", "1990", true),
            (r#"!~ "x""#, "much", true),
            (r#"in ("a", 5)"#, "5", true),
            (r#"not in ("a", 5)"#, "5", false),
            ("in @a", "b", true),
            ("= 9912345678901234567", "9912345678901234568", false),
            ("in (9912345678901234567)", "09912345678901234567", true),
            ("> 100", "Infinity", false),
            ("> 100", "1e3", false),
            ("= 1.50", "1.5", true),
            ("< -1", "-2", true),
            ("> -1.5", "-1.25", true),
            ("= 0", "-0.0", true),
        ] {
            assert_eq!(holds(text, value), expected, "{value} {text}");
        }
    }
}
