//! Category names: lower-case words joined by underscores, without accents, so that products and translation meet.

use tidegate_sdk::arrow_array::StringArray;

use crate::{
    cells::{
        city::fold,
        text::{Cell, rewrite},
    },
    sheet::Sheet,
};

/// What a product without a category gets.
pub const UNKNOWN: &str = "unknown";

impl Sheet<'_> {
    /// Category names; a missing one becomes [`UNKNOWN`].
    pub fn categories(&mut self, column: &str) -> StringArray {
        rewrite(self.column(column), |_, cell, scratch| {
            let Some(text) = cell else { return Cell::Text(UNKNOWN) };
            if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
                return Cell::Same;
            }
            for word in text.split(|letter: char| letter == '_' || letter.is_whitespace() || letter.is_control()) {
                if !word.is_empty() && !scratch.is_empty() {
                    scratch.push('_');
                }
                word.chars().for_each(|letter| fold(letter, scratch));
            }
            if scratch.is_empty() { Cell::Text(UNKNOWN) } else { Cell::Scratch }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_sheet;

    #[test]
    fn names_are_normalised_and_missing_ones_unknown() {
        let cells = [Some("beleza_saude"), Some(" Beleza Saúde "), Some("casa_conforto_2"), Some(" "), None, Some("pcs\r")];
        let cleaned = with_sheet(&cells, |sheet, column| sheet.categories(column));
        let wanted = vec!["beleza_saude", "beleza_saude", "casa_conforto_2", "unknown", "unknown", "pcs"];
        assert_eq!(cleaned, StringArray::from(wanted));
    }
}
