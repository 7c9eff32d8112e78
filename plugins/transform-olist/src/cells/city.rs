//! City names: lower-case, without accents, and without what people put beside the name. A row is never rejected for its city.
//!
//! In this order: an e-mail address names no city; a remark in parentheses goes; of parts separated by `/`, `\`, `,`, `;` or a spaced
//! hyphen the first one that names a city stays; the row's own state code at the end goes; what is not a letter, digit, space,
//! apostrophe, hyphen or period goes. A name without two letters, and a bare state code, is [`UNKNOWN`].

use tidegate_sdk::arrow_array::{Array, StringArray};

use crate::{
    cells::{
        state::state,
        text::{Cell, rewrite},
    },
    sheet::Sheet,
};

/// What a row gets whose city says nothing.
pub const UNKNOWN: &str = "unknown";

impl Sheet<'_> {
    /// City names. `states` are the cleaned states of the same rows.
    pub fn cities(&mut self, column: &str, states: &StringArray) -> StringArray {
        let mut folded = String::new();
        rewrite(self.column(column), |row, cell, scratch| {
            let Some(text) = cell else { return Cell::Text(UNKNOWN) };
            let state = if states.is_valid(row) { states.value(row) } else { "" };
            if is_clean(text, state) {
                return Cell::Same;
            }
            folded.clear();
            text.chars().for_each(|letter| fold(letter, &mut folded));
            if folded.contains('%') {
                folded = folded.replace("%26apos%3b", "'");
            }
            match name(&folded, state, scratch) {
                true => Cell::Scratch,
                false => Cell::Text(UNKNOWN),
            }
        })
    }
}

/// Whether a name is plain lower-case words and does not end with the state's code. A `false` may be wrong, a `true` may not.
fn is_clean(text: &str, state: &str) -> bool {
    let bytes = text.as_bytes();
    let mut before = b' ';
    for byte in bytes {
        let plain = byte.is_ascii_lowercase() || matches!(byte, b' ' | b'\'') && before.is_ascii_lowercase();
        if !plain {
            return false;
        }
        before = *byte;
    }
    before.is_ascii_lowercase() && bytes.len() > 2 && without_state(text, state).is_none()
}

/// `andira-pr` and `brasilia df` without the code, where it is the row's own state's.
fn without_state<'t>(text: &'t str, state: &str) -> Option<&'t str> {
    let (start, code) = text.split_at_checked(text.len().checked_sub(2)?)?;
    (code.eq_ignore_ascii_case(state)).then(|| start.strip_suffix([' ', '-'])).flatten()
}

/// Writes the city that a folded text names. Says whether there is one.
fn name(folded: &str, own_state: &str, scratch: &mut String) -> bool {
    if folded.contains('@') {
        return false;
    }
    let text = folded.split('(').next().unwrap_or_default();
    text.split(['/', '\\', ',', ';']).any(|part| match part.contains('-') {
        true => part.split(" -").flat_map(|part| part.split("- ")).any(|part| names_city(part, own_state, scratch)),
        false => names_city(part, own_state, scratch),
    })
}

/// Writes the city that a part of a text names. Says whether there is one.
fn names_city(part: &str, own_state: &str, scratch: &mut String) -> bool {
    scratch.clear();
    write_words(part, scratch);
    while let Some(shorter) = without_state(scratch, own_state) {
        let length = shorter.trim_end().len();
        scratch.truncate(length);
    }
    scratch.bytes().filter(|byte| byte.is_ascii_alphabetic()).count() >= 2 && state(scratch).is_none()
}

/// Writes what may stand in a name, with single spaces, and neither space nor mark at the ends.
fn write_words(part: &str, scratch: &mut String) {
    let is_named = |letter: char| letter.is_alphanumeric() || matches!(letter, '\'' | '-' | '.');
    for word in part.split(|letter: char| !is_named(letter)) {
        if !word.is_empty() && !scratch.is_empty() {
            scratch.push(' ');
        }
        scratch.push_str(word);
    }
    let trimmed = scratch.trim_matches(['\'', '-', '.', ' ']);
    let (start, length) = (trimmed.as_ptr() as usize - scratch.as_ptr() as usize, trimmed.len());
    scratch.truncate(start + length);
    scratch.drain(..start);
}

/// Writes `letter` lower-case and without its accent; typographic apostrophes and hyphens become plain ones. Combining accents go.
pub fn fold(letter: char, folded: &mut String) {
    match letter {
        'a'..='z' | '0'..='9' | ' ' => folded.push(letter),
        'A'..='Z' => folded.push(letter.to_ascii_lowercase()),
        'à'..='å' | 'À'..='Å' | 'ā' | 'Ā' | 'ª' => folded.push('a'),
        'ç' | 'Ç' => folded.push('c'),
        'è'..='ë' | 'È'..='Ë' | 'ē' | 'Ē' => folded.push('e'),
        'ì'..='ï' | 'Ì'..='Ï' | 'ī' | 'Ī' => folded.push('i'),
        'ñ' | 'Ñ' => folded.push('n'),
        'ò'..='ö' | 'Ò'..='Ö' | 'ō' | 'Ō' | 'º' | '°' => folded.push('o'),
        'ù'..='ü' | 'Ù'..='Ü' | 'ū' | 'Ū' => folded.push('u'),
        'ý' | 'ÿ' | 'Ý' => folded.push('y'),
        '´' | '`' | '‘' | '’' => folded.push('\''),
        '‐'..='—' => folded.push('-'),
        '\u{300}'..='\u{36f}' => {}
        _ => folded.extend(letter.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn city(text: &str, state: &str) -> String {
        let (mut folded, mut scratch) = (String::new(), String::new());
        if is_clean(text, state) {
            return text.to_owned();
        }
        text.chars().for_each(|letter| fold(letter, &mut folded));
        if name(&folded, state, &mut scratch) { scratch } else { UNKNOWN.to_owned() }
    }

    #[test]
    fn accents_case_and_spaces_are_evened_out() {
        assert_eq!(city("São  Paulo ", "SP"), "sao paulo");
        assert_eq!(city("Sa\u{303}o Paulo", "SP"), "sao paulo");
        assert_eq!(city("santa barbara d´oeste", "SP"), "santa barbara d'oeste");
        assert_eq!(city("BIRIGÜI", "SP"), "birigui");
        assert_eq!(city("4º centenário", "MG"), "4o centenario");
    }

    #[test]
    fn hyphens_and_apostrophes_inside_names_stay() {
        for name in ["embu-guacu", "dias d'avila", "mogi das cruzes", "xique-xique"] {
            assert_eq!(city(name, "SP"), name);
        }
    }

    #[test]
    fn what_stands_beside_the_name_goes() {
        for text in [
            "sao paulo - sp",
            "sao paulo-sp",
            "sao paulo sp",
            "sao paulo / sao paulo",
            "sao paulo, sp, brasil",
            "sao paulo\\rj",
            "sp / sao paulo",
        ] {
            assert_eq!(city(text, "SP"), "sao paulo", "{text}");
        }
        assert_eq!(city("arraial d'ajuda (porto seguro)", "BA"), "arraial d'ajuda");
        assert_eq!(city("novo hamburgo, rio grande do sul, brasil", "RS"), "novo hamburgo");
        assert_eq!(city("* teresopolis.", "RJ"), "teresopolis");
    }

    #[test]
    fn only_the_own_state_is_cut_off() {
        assert_eq!(city("andira-pr", "PR"), "andira");
        assert_eq!(city("brasilia df", "DF"), "brasilia");
        assert_eq!(city("brasilia df", "GO"), "brasilia df");
    }

    #[test]
    fn what_names_no_city_is_unknown() {
        for text in ["04482255", "vendas@example.com", "sp / sp", "sp", "", " - ", "x", "(sao paulo)"] {
            assert_eq!(city(text, "SP"), UNKNOWN, "{text}");
        }
    }
}
