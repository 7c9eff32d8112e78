//! Words of a fixed set: order statuses, payment types.

use tidegate_sdk::arrow_array::StringArray;

use crate::{
    cells::text::{Cell, lower, rewrite, trim},
    rules::RuleIndex,
    sheet::Sheet,
};

/// A fixed set of words.
pub struct Words {
    /// As they are written, the frequent ones first.
    pub known: &'static [&'static str],
    /// Other spellings, each with the known word that it means.
    pub spellings: &'static [(&'static str, &'static str)],
}

impl Words {
    fn find(&self, text: &str) -> Option<&'static str> {
        let text = lower(text).replace([' ', '-'], "_");
        let spelling = self.spellings.iter().find(|(spelling, _)| *spelling == text).map(|(_, word)| *word);
        spelling.or_else(|| self.known.iter().find(|word| **word == text).copied())
    }
}

impl Sheet<'_> {
    /// Rejects the rows whose cell is present and none of the words.
    pub fn words(&mut self, column: &str, words: &Words, known: impl Into<RuleIndex>) -> StringArray {
        let known = known.into();
        rewrite(self.column(column), |row, cell, _| {
            let Some(text) = cell else { return Cell::Null };
            if words.known.contains(&text) {
                return Cell::Same;
            }
            if let Some(word) = words.find(text) {
                return Cell::Text(word);
            }
            if !trim(text).is_empty() {
                self.verdict.reject(row, known);
            }
            Cell::Null
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_spaces_and_spellings_are_forgiven() {
        let words = Words { known: &["canceled", "credit_card"], spellings: &[("cancelled", "canceled")] };
        assert_eq!(words.find(" Canceled "), Some("canceled"));
        assert_eq!(words.find("CANCELLED"), Some("canceled"));
        assert_eq!(words.find("Credit Card"), Some("credit_card"));
        assert_eq!(words.find("lost"), None);
    }
}
