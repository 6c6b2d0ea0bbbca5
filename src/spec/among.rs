//! Comparing with many values, in less than a comparison with each.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;

use aho_corasick::AhoCorasick;

use super::Operator;

/// The values of a term.
pub(super) struct Values<'a> {
    all: Vec<Cow<'a, str>>,
    /// Places of the different ones, the longest first.
    different: OnceCell<Vec<usize>>,
    searcher: OnceCell<Option<AhoCorasick>>,
}

/// So many are compared with one by one.
const FEW: usize = 8;

impl<'a> Values<'a> {
    pub(super) fn new(all: Vec<Cow<'a, str>>) -> Self {
        Self { all, different: OnceCell::new(), searcher: OnceCell::new() }
    }

    pub(super) fn all(&self) -> &[Cow<'a, str>] {
        &self.all
    }

    /// Whether `operator` holds between `left` and one of the values.
    pub(super) fn any(&self, operator: Operator, left: &str) -> bool {
        if self.all.len() <= FEW {
            return self.all.iter().any(|right| compare(operator, left, right));
        }
        match operator {
            Operator::Equal => {
                let order = |&place: &usize| self.order(place).cmp(&(Reverse(left.len()), left));
                self.different().binary_search_by(order).is_ok()
            }
            Operator::NotEqual => {
                self.different().len() > 1 || self.all.first().is_some_and(|right| right.as_ref() != left)
            }
            Operator::Includes => {
                match self.searcher.get_or_init(|| AhoCorasick::new(self.all.iter().map(Cow::as_ref)).ok()) {
                    Some(searcher) => searcher.is_match(left),
                    None => self.all.iter().any(|right| left.contains(right.as_ref())),
                }
            }
            // The longest first: it is the one that is likely not to be in it.
            Operator::NotIncludes => self.different().iter().any(|&place| !left.contains(self.order(place).1)),
            Operator::Exists | Operator::Absent => false,
        }
    }

    /// Whether `operator` holds between one of `left` and one of the values.
    pub(super) fn any_of(&self, operator: Operator, left: &Self) -> bool {
        // Those that hold both ways go through the fewer.
        let (few, many) = match operator {
            Operator::Equal | Operator::NotEqual if left.all.len() > self.all.len() => (self, left),
            _ => (left, self),
        };
        few.all.iter().any(|left| many.any(operator, left))
    }

    fn different(&self) -> &[usize] {
        self.different.get_or_init(|| {
            let mut places: Vec<usize> = (0..self.all.len()).collect();
            places.sort_unstable_by(|&one, &other| self.order(one).cmp(&self.order(other)));
            places.dedup_by(|one, other| self.order(*one) == self.order(*other));
            places
        })
    }

    fn order(&self, place: usize) -> (Reverse<usize>, &str) {
        let value = self.all.get(place).map_or("", Cow::as_ref);
        (Reverse(value.len()), value)
    }
}

/// Whether an operator compares two values; others ask whether there are any.
pub(super) fn compares(operator: Operator) -> bool {
    !matches!(operator, Operator::Exists | Operator::Absent)
}

/// How an operator compares two values.
pub(super) fn compare(operator: Operator, left: &str, right: &str) -> bool {
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Includes => left.contains(right),
        Operator::NotIncludes => !left.contains(right),
        Operator::Exists | Operator::Absent => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn many_values_are_compared_with_as_one_by_one(
            values in prop::collection::vec("[ab]{0,3}", 0..40),
            same in any::<bool>(),
            left in "[ab]{0,4}",
        ) {
            let values: Vec<Cow<'_, str>> = if same {
                values.iter().map(|_| Cow::Borrowed("ab")).collect()
            } else {
                values.iter().map(|value| Cow::Borrowed(value.as_str())).collect()
            };
            let found = Values::new(values.clone());
            for operator in [Operator::Equal, Operator::NotEqual, Operator::Includes, Operator::NotIncludes] {
                let expected = values.iter().any(|right| compare(operator, &left, right));
                prop_assert_eq!(found.any(operator, &left), expected, "{:?} {:?}", operator, &left);
                let lefts = Values::new(vec![Cow::Borrowed(&left), Cow::Borrowed("bab")]);
                let either = expected || values.iter().any(|right| compare(operator, "bab", right));
                prop_assert_eq!(found.any_of(operator, &lefts), either);
            }
        }
    }
}
