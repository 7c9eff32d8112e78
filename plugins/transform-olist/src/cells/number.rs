//! Whole numbers, and the loop that parsed columns share.

use tidegate_sdk::arrow_array::StringArray;

use crate::{cells::text::trim, rules::RuleIndex, sheet::Sheet};

impl Sheet<'_> {
    /// Whole numbers. Rejects the rows whose cell is present and none, or one that does not fit.
    pub fn integers(&mut self, column: &str, format: impl Into<RuleIndex>) -> Vec<Option<i32>> {
        self.parsed(column, format, integer)
    }

    /// Cells as `parse` reads them. Rejects the rows whose cell is present and can't be parsed.
    pub fn parsed<T>(&mut self, column: &str, format: impl Into<RuleIndex>, parse: impl Fn(&str) -> Option<T>) -> Vec<Option<T>> {
        let (cells, format): (&StringArray, RuleIndex) = (self.column(column), format.into());
        let mut values = Vec::with_capacity(self.rows());
        for (row, cell) in cells.iter().enumerate() {
            let value = cell.and_then(&parse);
            if value.is_none() && cell.is_some_and(|cell| !trim(cell).is_empty()) {
                self.verdict.reject(row, format);
            }
            values.push(value);
        }
        values
    }

    /// Rejects the rows whose value is present and fails `holds`.
    pub fn check<T: Copy>(&mut self, values: &[Option<T>], rule: impl Into<RuleIndex>, holds: impl Fn(T) -> bool) {
        let rule = rule.into();
        for (row, value) in values.iter().enumerate() {
            if value.is_some_and(|value| !holds(value)) {
                self.verdict.reject(row, rule);
            }
        }
    }

    /// Rejects the rows that have both values and where the two fail `holds`.
    pub fn check_pair<T: Copy>(
        &mut self,
        left: &[Option<T>],
        right: &[Option<T>],
        rule: impl Into<RuleIndex>,
        holds: impl Fn(T, T) -> bool,
    ) {
        let rule = rule.into();
        for (row, pair) in left.iter().zip(right).enumerate() {
            if let (Some(left), Some(right)) = pair
                && !holds(*left, *right)
            {
                self.verdict.reject(row, rule);
            }
        }
    }
}

/// The whole number that `text` spells. `40.0` and `40.` are 40: that is how programs that take a column with gaps for floats write it.
pub fn integer(text: &str) -> Option<i32> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let text = trim(text);
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    decimals.bytes().all(|byte| byte == b'0').then(|| whole.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_also_where_a_program_made_floats_of_them() {
        for (text, wanted) in [("40", 40), (" 40 ", 40), ("40.0", 40), ("40.00", 40), ("-1", -1), ("007", 7)] {
            assert_eq!(integer(text), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_or_does_not_fit_is_refused() {
        for text in ["", "40.5", "4e1", "abc", "2147483648", "1,000", ".0"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }
}
