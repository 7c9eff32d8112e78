//! Text: trimmed, without control characters, empty is null; and the loop that all text columns share.

use std::borrow::Cow;

use tidegate_sdk::arrow_array::{Array, StringArray, builder::StringBuilder};

use crate::sheet::Sheet;

/// What becomes of a cell.
pub enum Cell<'c> {
    /// It is clean as it came.
    Same,
    /// This text takes its place.
    Text(&'c str),
    /// What was written to the scratch takes its place.
    Scratch,
    /// It becomes null.
    Null,
}

/// Rewrites a column. Cells are copied only from the first one that changes on: a clean column is handed on as it came.
pub fn rewrite(cells: &StringArray, mut clean: impl for<'c> FnMut(usize, Option<&'c str>, &mut String) -> Cell<'c>) -> StringArray {
    let mut scratch = String::new();
    let mut rewritten: Option<StringBuilder> = None;
    for (row, cell) in cells.iter().enumerate() {
        scratch.clear();
        let (new, same) = match clean(row, cell, &mut scratch) {
            Cell::Same => (cell, true),
            Cell::Text(text) => (Some(text), cell == Some(text)),
            Cell::Scratch => (Some(scratch.as_str()), false),
            Cell::Null => (None, cell.is_none()),
        };
        match &mut rewritten {
            Some(rewritten) => rewritten.append_option(new),
            None if same => {}
            None => rewritten.insert(copy_of_first(cells, row)).append_option(new),
        }
    }
    rewritten.map_or_else(|| cells.clone(), |mut rewritten| rewritten.finish())
}

fn copy_of_first(cells: &StringArray, rows: usize) -> StringBuilder {
    let mut copy = StringBuilder::with_capacity(cells.len(), cells.value_data().len());
    copy.append_array(&cells.slice(0, rows)).expect("a part of a column fits where the column did");
    copy
}

/// What becomes of line breaks and runs of whitespace inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One line: every run of whitespace becomes one space.
    Line,
    /// As they are; CR LF and a lone CR become LF.
    Lines,
}

impl Sheet<'_> {
    /// Free text that may be missing.
    pub fn texts(&mut self, column: &str, layout: Layout) -> StringArray {
        rewrite(self.column(column), |_, cell, scratch| {
            let Some(text) = cell else { return Cell::Null };
            let trimmed = text.trim_matches(is_edge);
            if trimmed.is_empty() {
                return Cell::Null;
            }
            if is_clean(trimmed, layout) {
                return Cell::Text(trimmed);
            }
            tidy(trimmed, layout, scratch);
            if scratch.is_empty() { Cell::Null } else { Cell::Scratch }
        })
    }
}

/// The text without whitespace at its ends. Most cells begin and end with a visible letter: these are seen at once.
pub fn trim(cell: &str) -> &str {
    match cell.as_bytes() {
        [b'!'..=b'~'] | [b'!'..=b'~', .., b'!'..=b'~'] => cell,
        _ => cell.trim(),
    }
}

/// Trims, and lower-cases where that changes anything: how words of a fixed set and names are compared.
pub fn lower(cell: &str) -> Cow<'_, str> {
    let trimmed = trim(cell);
    if trimmed.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) { trimmed.to_lowercase().into() } else { trimmed.into() }
}

/// Whether [`tidy`] would change nothing. A `false` may be wrong, a `true` may not.
fn is_clean(text: &str, layout: Layout) -> bool {
    let bytes = text.as_bytes();
    let plain = |byte: &u8| match byte {
        b'\n' => layout == Layout::Lines,
        // 0xC2 starts the C1 controls and the no-break space, 0xE2 the wide spaces, 0xEF the byte order mark.
        0..=31 | 127 | 0xC2 | 0xE2 | 0xE3 | 0xEF => false,
        _ => true,
    };
    bytes.iter().all(plain) && (layout == Layout::Lines || !bytes.windows(2).any(|pair| pair == b"  "))
}

fn tidy(text: &str, layout: Layout, scratch: &mut String) {
    let mut space = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter.is_whitespace() && layout == Layout::Line => space = true,
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' => scratch.push('\n'),
            '\n' => scratch.push('\n'),
            '\t' => scratch.push(' '),
            _ if is_removed(letter) => {}
            _ => {
                if std::mem::take(&mut space) && !scratch.is_empty() {
                    scratch.push(' ');
                }
                scratch.push(letter);
            }
        }
    }
}

fn is_edge(letter: char) -> bool {
    letter.is_whitespace() || is_removed(letter)
}

/// Control characters and the byte order mark. Joiners stay: emoji are made with them.
fn is_removed(letter: char) -> bool {
    letter.is_control() || letter == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::with_sheet;

    fn texts(cells: &[Option<&str>], layout: Layout) -> Vec<Option<String>> {
        with_sheet(cells, |sheet, column| sheet.texts(column, layout).iter().map(|cell| cell.map(str::to_owned)).collect())
    }

    #[test]
    fn messages_keep_their_lines_and_lose_control_characters_and_outer_spaces() {
        let cells = [Some("  um\r\ndois\rtr\u{0}ês \u{feff}"), Some(" \r\n "), None, Some("👍🏽 bom  demais"), Some("a\tb")];
        let wanted = [Some("um\ndois\ntrês"), None, None, Some("👍🏽 bom  demais"), Some("a b")];
        assert_eq!(texts(&cells, Layout::Lines), wanted.map(|cell| cell.map(str::to_owned)));
    }

    #[test]
    fn titles_become_one_line() {
        let cells = [Some("super \r\n  recomendo"), Some("a\u{a0}b"), Some("\u{1}")];
        assert_eq!(texts(&cells, Layout::Line), [Some("super recomendo".to_owned()), Some("a b".to_owned()), None]);
    }

    #[test]
    fn a_clean_column_is_handed_on_without_a_copy() {
        let cells = StringArray::from(vec![Some("um"), None, Some("dois")]);
        let same = rewrite(&cells, |_, _, _| Cell::Same);
        assert!(std::ptr::eq(same.value_data().as_ptr(), cells.value_data().as_ptr()));
    }

    #[test]
    fn what_was_clean_before_the_first_change_is_kept() {
        let cells = StringArray::from(vec![Some("um"), None, Some("dois"), Some("tres")]);
        let new = rewrite(&cells, |row, _, _| if row == 2 { Cell::Text("2") } else { Cell::Same });
        assert_eq!(new, StringArray::from(vec![Some("um"), None, Some("2"), Some("tres")]));
    }
}
