//! From text to [`Spec`]: a parser by recursive descent, whose errors say where.

use super::{Condition, Operator, Part, Position, Span, Spec, Subfields, Term, Test};

/// What is wrong, and before which byte.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub at: usize,
    pub message: String,
}

/// Braces inside braces, at most.
const DEEPEST: usize = 16;
/// Codes in one spec, at most: there are fewer different ones.
const MOST_CODES: usize = 100;

#[derive(Debug)]
pub(crate) struct Parser<'a> {
    text: &'a str,
    pub at: usize,
    /// Where what the last whole spec takes of its field begins: after tag and index.
    pub part_at: usize,
    depth: usize,
}

type Parsed<T> = Result<T, Mistake>;

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, part_at: 0, depth: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What has not been taken.
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes `wanted` if it comes next.
    pub(crate) fn take(&mut self, wanted: &str) -> bool {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(wanted));
        if found {
            self.at += wanted.len();
        }
        found
    }

    /// The next character, which is taken.
    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.text.get(self.at..)?.chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(crate) fn mistake<T>(&self, message: impl Into<String>) -> Parsed<T> {
        Err(Mistake { at: self.at, message: message.into() })
    }

    /// A spec, as far as it goes.
    pub(crate) fn spec(&mut self) -> Parsed<Spec> {
        let start = self.at;
        let tag: [u8; 3] = match self.text.as_bytes().get(start..).and_then(|rest| rest.first_chunk()) {
            Some(tag) => *tag,
            None => return self.mistake("a tag of three characters is wanted here"),
        };
        let known = |&byte: &u8| byte == b'.' || byte.is_ascii_alphanumeric();
        if let Some(odd) = tag.iter().position(|byte| !known(byte)) {
            self.at += odd;
            return self.mistake("a tag is three letters or digits, with . for any");
        }
        let mixed = |case: fn(&u8) -> bool| tag.iter().any(case);
        if mixed(u8::is_ascii_lowercase) && mixed(u8::is_ascii_uppercase) {
            return self.mistake("the letters of a tag are all small or all capital");
        }
        if let (true, Some(any)) = (tag[0].is_ascii_digit(), tag.iter().position(|&byte| byte == b'X')) {
            self.at += any;
            return self.mistake("X is a letter like others in a spec; any character is .");
        }
        self.at += 3;
        let index = self.index()?;
        let part_at = self.at;
        let part = self.part()?;
        // After those of the specs inside.
        self.part_at = part_at;
        Ok(Spec { tag, index, part })
    }

    fn index(&mut self) -> Parsed<Option<Span>> {
        if !self.take("[") {
            return Ok(None);
        }
        let span = self.span()?;
        if self.take("]") { Ok(Some(span)) } else { self.mistake("the index is not closed: ] is wanted here") }
    }

    fn part(&mut self) -> Parsed<Part> {
        match self.peek() {
            Some(b'$') => self.subfields(),
            Some(b'^') => {
                self.at += 1;
                let number = match self.peek() {
                    Some(b'1') => 0,
                    Some(b'2') => 1,
                    _ => return self.mistake("an indicator is ^1 or ^2"),
                };
                self.at += 1;
                Ok(Part::Indicator { number, conditions: self.conditions()? })
            }
            _ => {
                let chars = self.chars()?;
                Ok(Part::Text { chars, conditions: self.conditions()? })
            }
        }
    }

    fn chars(&mut self) -> Parsed<Option<Span>> {
        if self.take("/") { Ok(Some(self.span()?)) } else { Ok(None) }
    }

    fn span(&mut self) -> Parsed<Span> {
        let start_at = self.at;
        let start = self.position()?;
        if !self.take("-") {
            return Ok(Span { start, end: start });
        }
        let end = self.position()?;
        if let (Position::At(first), Position::At(last)) = (start, end)
            && first > last
        {
            self.at = start_at;
            return self.mistake("the range ends before it starts");
        }
        Ok(Span { start, end })
    }

    fn position(&mut self) -> Parsed<Position> {
        if self.take("#") {
            return Ok(Position::Last);
        }
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        let digits = self.text.get(start..self.at).unwrap_or_default();
        if digits.len() > 1 && digits.starts_with('0') {
            self.at = start;
            return self.mistake("a position has no leading zero");
        }
        match digits.parse() {
            Ok(number) => Ok(Position::At(number)),
            Err(_) if digits.is_empty() => self.mistake("a position is wanted here: a number, or # for the last"),
            Err(_) => {
                self.at = start;
                self.mistake("this position is too large")
            }
        }
    }

    fn subfields(&mut self) -> Parsed<Part> {
        let mut subfields = Vec::new();
        while self.take("$") {
            if subfields.len() == MOST_CODES {
                self.at -= 1;
                return self.mistake(format!("a spec has at most {MOST_CODES} codes"));
            }
            let first = self.code()?;
            let mut last = first;
            if self.peek() == Some(b'-') {
                self.at += 1;
                last = self.code()?;
                let alike = first.is_ascii_lowercase() && last.is_ascii_lowercase()
                    || first.is_ascii_digit() && last.is_ascii_digit();
                if !alike || first > last {
                    self.at -= 1;
                    return self.mistake("a range of codes goes from a letter to a later one, or from digit to digit");
                }
            }
            let index = self.index()?;
            let chars = self.chars()?;
            subfields.push(Subfields { first, last, index, chars, conditions: self.conditions()? });
        }
        Ok(Part::Subfields(subfields))
    }

    fn code(&mut self) -> Parsed<u8> {
        match self.peek() {
            Some(code @ (b'!'..=b'?' | b'['..=b'{' | b'}'..=b'~')) => {
                self.at += 1;
                Ok(code)
            }
            _ => self.mistake("a code is one printable character, no capital letter and no |"),
        }
    }

    fn conditions(&mut self) -> Parsed<Vec<Condition>> {
        let mut conditions = Vec::new();
        while self.take("{") {
            if self.depth == DEEPEST {
                self.at -= 1;
                return self.mistake("braces are nested too deeply");
            }
            self.depth += 1;
            let mut tests = vec![self.test()?];
            while self.take("|") {
                tests.push(self.test()?);
            }
            self.depth -= 1;
            if !self.take("}") {
                return self.mistake("an operator, | or } is wanted here");
            }
            conditions.push(tests);
        }
        Ok(conditions)
    }

    fn test(&mut self) -> Parsed<Test> {
        if let Some(operator) = self.operator() {
            return Ok(Test { left: None, operator, right: self.right()? });
        }
        let term = self.term()?;
        match self.operator() {
            Some(operator) => Ok(Test { left: Some(term), operator, right: self.right()? }),
            None => Ok(Test { left: None, operator: Operator::Exists, right: term }),
        }
    }

    /// What is compared with, which many take for text.
    fn right(&mut self) -> Parsed<Term> {
        let is_spec = !matches!(self.peek(), Some(b'\\' | b'/' | b'[' | b'$' | b'^'));
        self.term().map_err(|mut mistake| {
            if is_spec {
                mistake.message.push_str("; text begins with a backslash");
            }
            mistake
        })
    }

    fn operator(&mut self) -> Option<Operator> {
        let known = [
            ("!=", Operator::NotEqual),
            ("!~", Operator::NotIncludes),
            ("=", Operator::Equal),
            ("~", Operator::Includes),
            ("?", Operator::Exists),
            ("!", Operator::Absent),
        ];
        known.into_iter().find(|(text, _)| self.take(text)).map(|(_, operator)| operator)
    }

    fn term(&mut self) -> Parsed<Term> {
        match self.peek() {
            Some(b'\\') => {
                self.at += 1;
                self.literal().map(Term::Literal)
            }
            Some(b'/') => {
                self.at += 1;
                self.span().map(Term::Chars)
            }
            Some(b'[') => Ok(Term::Outer { index: self.index()?, part: self.part()? }),
            Some(b'$' | b'^') => Ok(Term::Outer { index: None, part: self.part()? }),
            _ => self.spec().map(Term::Record),
        }
    }

    /// A string, after its backslash.
    fn literal(&mut self) -> Parsed<String> {
        let mut text = String::new();
        loop {
            match self.peek() {
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        Some(b's') => text.push(' '),
                        Some(byte @ (b'$' | b'{' | b'}' | b'!' | b'=' | b'~' | b'?' | b'|' | b'\\')) => {
                            text.push(char::from(byte));
                        }
                        // Before any other character a backslash is one.
                        Some(byte @ b'!'..=b'~') => text.extend(['\\', char::from(byte)]),
                        _ => return self.mistake("a character is wanted after the backslash"),
                    }
                    self.at += 1;
                }
                Some(b'$' | b'{') => return self.mistake("in a string, this needs a backslash before it"),
                Some(b'}' | b'!' | b'~' | b'?' | b'|') | None => return Ok(text),
                // The first character may be one that is an operator elsewhere: there are two terms already, or none.
                Some(b'=') if !text.is_empty() => return Ok(text),
                Some(byte @ b'!'..=b'~') => {
                    text.push(char::from(byte));
                    self.at += 1;
                }
                Some(_) => return self.mistake("a string is visible ASCII, with \\s for a blank"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parses(text: &str) -> Result<Spec, Mistake> {
        let mut parser = Parser::new(text);
        let spec = parser.spec()?;
        if parser.at == text.len() { Ok(spec) } else { parser.mistake("more") }
    }

    #[test]
    fn mistakes_are_pointed_at() {
        for (text, at) in [
            ("24", 0),
            ("24é", 2),
            ("aB1", 0),
            ("6XX$a", 1),
            ("24X", 2),
            ("245{$a=9X9}", 8),
            ("245$A", 4),
            ("245$a-", 6),
            ("245$a-9", 6),
            ("245[", 4),
            ("245[01]", 4),
            ("245[2-1]", 4),
            ("245[1", 5),
            ("245^3", 4),
            ("245$a{", 6),
            ("245$a{$b", 8),
            ("245$a{$b=\\x y}", 11),
            ("245$a x", 5),
            ("008/18{LDR/6=t}", 13),
            ("245[99999999999999999999999]", 4),
        ] {
            assert_eq!(parses(text).map_err(|mistake| mistake.at), Err(at), "{text}");
        }
        let deep = format!("245$a{}{}", "{$b".repeat(60_000), "}".repeat(60_000));
        assert_eq!(parses(&deep).map_err(|mistake| mistake.at), Err(5 + 16 * 3));
        let long = format!("245{}", "$a".repeat(101));
        assert_eq!(parses(&long).map_err(|mistake| mistake.at), Err(3 + 100 * 2));
    }
}
