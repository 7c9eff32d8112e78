//! Ids: 32 hexadecimal digits, trimmed and lower-cased.

use tidegate_sdk::arrow_array::{Array, StringArray};

use crate::{
    cells::text::{Cell, rewrite, trim},
    rules::RuleIndex,
    sheet::Sheet,
};

const LENGTH: usize = 32;

impl Sheet<'_> {
    /// Rejects the rows whose cell is present and no id.
    pub fn ids(&mut self, column: &str, format: impl Into<RuleIndex>) -> StringArray {
        let (cells, format) = (self.column(column), format.into());
        if are_clean(cells) {
            return cells.clone();
        }
        rewrite(cells, |row, cell, scratch| {
            let Some(text) = cell else { return Cell::Null };
            if text.len() == LENGTH && text.bytes().all(is_lower_hex) {
                return Cell::Same;
            }
            scratch.push_str(trim(text));
            scratch.make_ascii_lowercase();
            if scratch.len() == LENGTH && scratch.bytes().all(is_lower_hex) {
                return Cell::Scratch;
            }
            if !scratch.is_empty() {
                self.verdict.reject(row, format);
            }
            Cell::Null
        })
    }
}

/// Whether all cells are ids already: one pass over the bytes of the column, without a branch per cell.
fn are_clean(cells: &StringArray) -> bool {
    let offsets = cells.value_offsets();
    let (first, last) = (offsets[0] as usize, offsets[cells.len()] as usize);
    cells.null_count() == 0
        && offsets.windows(2).fold(true, |clean, ends| clean & (ends[1] - ends[0] == LENGTH as i32))
        && cells.value_data()[first..last].iter().fold(true, |clean, byte| clean & is_lower_hex(*byte))
}

fn is_lower_hex(byte: u8) -> bool {
    (byte.wrapping_sub(b'0') < 10) | (byte.wrapping_sub(b'a') < 6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{REJECTED, with_sheet};

    const ID: &str = "6fd2c8f3a0b14e7d9c5a1b2e3f405162";

    fn ids(cells: &[Option<&str>]) -> Vec<(Option<String>, bool)> {
        with_sheet(cells, |sheet, column| {
            let ids = sheet.ids(column, REJECTED);
            ids.iter().enumerate().map(|(row, id)| (id.map(str::to_owned), sheet.verdict.keeps(row))).collect()
        })
    }

    #[test]
    fn ids_are_trimmed_and_lower_cased() {
        let upper = format!(" {} ", ID.to_uppercase());
        let id = (Some(ID.to_owned()), true);
        assert_eq!(ids(&[Some(ID), Some(&upper), Some(ID)]), [id.clone(), id.clone(), id]);
    }

    #[test]
    fn what_is_not_32_hexadecimal_digits_is_rejected() {
        let cells = [Some(&ID[1..]), Some("gfd2c8f3a0b14e7d9c5a1b2e3f405162"), Some("1,234E+31")];
        assert!(ids(&cells).iter().all(|(_, kept)| !kept));
    }

    #[test]
    fn a_missing_id_is_left_to_its_own_rule() {
        assert_eq!(ids(&[None, Some("  ")]), [(None, true), (None, true)]);
    }

    #[test]
    fn clean_columns_are_handed_on_also_as_slices() {
        let cells = StringArray::from(vec!["x", ID, ID]);
        assert!(!are_clean(&cells));
        assert!(are_clean(&cells.slice(1, 2)));
        assert!(are_clean(&cells.slice(3, 0)));
    }
}
