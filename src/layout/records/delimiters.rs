//! The delimiters of a record's tape, field by field.

/// Hands out the delimiters of field after field; fields mostly come in the order of the tape.
pub(super) struct Delimiters<'a> {
    tape: &'a [u32],
    next: usize,
    /// Where the field before ended.
    reached: usize,
}

impl<'a> Delimiters<'a> {
    pub(super) fn new(tape: &'a [u32]) -> Self {
        Self { tape, next: 0, reached: 0 }
    }

    #[inline]
    pub(super) fn between(&mut self, start: usize, end: usize) -> &'a [u32] {
        if start < self.reached {
            self.next = self.tape.partition_point(|&at| (at as usize) < start);
        }
        self.reached = end;
        let rest = self.tape.get(self.next..).unwrap_or_default();
        let skipped = match rest.first() {
            Some(&at) if (at as usize) < start => rest.partition_point(|&at| (at as usize) < start),
            _ => 0,
        };
        let rest = rest.get(skipped..).unwrap_or_default();
        let count = rest.iter().take_while(|&&at| (at as usize) < end).count();
        self.next += skipped + count;
        rest.get(..count).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found_in_any_order_of_fields() {
        let tape = [3, 5, 9, 12, 20];
        let mut delimiters = Delimiters::new(&tape);
        assert_eq!(delimiters.between(0, 6), [3, 5]);
        assert_eq!(delimiters.between(10, 15), [12]);
        assert_eq!(delimiters.between(4, 10), [5, 9]);
        assert_eq!(delimiters.between(15, 15), [0u32; 0]);
        assert_eq!(delimiters.between(15, 30), [20]);
    }
}
