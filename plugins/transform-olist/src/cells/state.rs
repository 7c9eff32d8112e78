//! The 27 federative units by their two-letter codes, upper-cased.

use tidegate_sdk::arrow_array::StringArray;

use crate::{
    cells::text::{Cell, rewrite, trim},
    rules::RuleIndex,
    sheet::Sheet,
};

/// In descending order of customers, so that the search is short.
const STATES: [&str; 27] = [
    "SP", "RJ", "MG", "RS", "PR", "SC", "BA", "DF", "ES", "GO", "PE", "CE", "PA", "MT", "MA", "MS", "PB", "PI", "RN", "AL", "SE", "TO",
    "RO", "AM", "AC", "AP", "RR",
];

impl Sheet<'_> {
    /// Rejects the rows whose cell is present and no state.
    pub fn states(&mut self, column: &str, known: impl Into<RuleIndex>) -> StringArray {
        let known = known.into();
        rewrite(self.column(column), |row, cell, _| {
            let Some(text) = cell else { return Cell::Null };
            if STATES.contains(&text) {
                return Cell::Same;
            }
            if let Some(state) = state(text) {
                return Cell::Text(state);
            }
            if !trim(text).is_empty() {
                self.verdict.reject(row, known);
            }
            Cell::Null
        })
    }
}

/// The state whose code `text` is, in whatever case.
pub fn state(text: &str) -> Option<&'static str> {
    STATES.into_iter().find(|state| state.eq_ignore_ascii_case(trim(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_upper_cased_and_strangers_refused() {
        assert_eq!(state(" sp"), Some("SP"));
        assert_eq!(state("XX"), None);
        assert_eq!(state("São Paulo"), None);
        let distinct: std::collections::HashSet<_> = STATES.into_iter().collect();
        assert_eq!(distinct.len(), 27);
    }
}
