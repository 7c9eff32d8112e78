//! Zip prefixes: the first five digits of a CEP, as text. Programs that take them for numbers drop leading zeros; these come back.

use tidegate_sdk::arrow_array::StringArray;

use crate::{
    cells::text::{Cell, rewrite, trim},
    rules::RuleIndex,
    sheet::Sheet,
};

/// No CEP begins lower: 01000 is the centre of São Paulo.
const FIRST: &str = "01000";

impl Sheet<'_> {
    /// Rejects the rows whose cell is present and no zip prefix.
    pub fn zips(&mut self, column: &str, format: impl Into<RuleIndex>) -> StringArray {
        let format = format.into();
        rewrite(self.column(column), |row, cell, scratch| {
            let Some(text) = cell else { return Cell::Null };
            if text.len() == 5 && is_digits(text) && text >= FIRST {
                return Cell::Same;
            }
            if prefix(text, scratch) {
                return Cell::Scratch;
            }
            if !trim(text).is_empty() {
                self.verdict.reject(row, format);
            }
            Cell::Null
        })
    }
}

/// Writes the five digits that `text` stands for. `1027`, `1027.0` and `01027-000` are all 01027.
fn prefix(text: &str, scratch: &mut String) -> bool {
    let text = trim(text);
    let text = text.strip_suffix(".0").unwrap_or(text);
    let digits = match text.split_once('-') {
        Some((prefix, suffix)) if prefix.len() == 5 && suffix.len() == 3 && is_digits(suffix) => prefix,
        Some(_) => return false,
        None if text.len() == 8 && is_digits(text) => &text[..5],
        None => text,
    };
    if digits.is_empty() || digits.len() > 5 || !is_digits(digits) {
        return false;
    }
    scratch.push_str(&"00000"[digits.len()..]);
    scratch.push_str(digits);
    scratch.as_str() >= FIRST
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let mut scratch = String::new();
        prefix(text, &mut scratch).then_some(scratch)
    }

    #[test]
    fn lost_zeros_come_back() {
        for text in ["01027", "1027", " 1027 ", "1027.0", "01027-000", "01027000"] {
            assert_eq!(read(text).as_deref(), Some("01027"), "{text}");
        }
    }

    #[test]
    fn what_no_cep_begins_with_is_refused() {
        for text in ["0", "999", "00999", "123456", "1234567", "0102a", "1027,0", "-1027", "01027-00", "é1027", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
