//! A column's type from a sample: only a type that every value of the sample spells plainly. Identifiers stay text: values with a
//! leading zero or plus, with 16 digits or more, or hexadecimal ones that look like powers of ten (`12e45`).

use crate::{kind::Kind, parse};

/// How many records of the first file are looked at, at most.
pub const SAMPLE_RECORDS: usize = 10_000;
/// How many bytes of the first file are looked at, at most.
pub const SAMPLE_BYTES: u64 = 1 << 20;
/// Whole numbers with more digits are identifiers: no double holds them all, and nobody counts so far.
const MAX_DIGITS: usize = 15;

/// Whether a value plainly spells a type.
type Fits = fn(&[u8]) -> bool;

/// The order in which the types are preferred.
const TYPES: [(Kind, Fits); 5] = [
    (Kind::Boolean, |text| text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false")),
    (Kind::Integer, is_plain_integer),
    (Kind::Number, is_plain_number),
    (Kind::Date, |text| text.len() == 10 && parse::date(text).is_some()),
    (Kind::Timestamp, |text| text.len() >= 10 && !text[0].is_ascii_whitespace() && parse::timestamp(text).is_some()),
];

/// What a column may still be.
#[derive(Debug, Clone, Copy)]
pub struct Candidates {
    possible: [bool; TYPES.len()],
    seen: bool,
}

impl Default for Candidates {
    fn default() -> Self {
        Self { possible: [true; TYPES.len()], seen: false }
    }
}

impl Candidates {
    /// Takes a value that is not null into account.
    pub fn see(&mut self, text: &[u8]) {
        self.seen = true;
        for (possible, (_, fits)) in self.possible.iter_mut().zip(TYPES) {
            *possible = *possible && fits(text);
        }
    }

    /// Takes a JSON string into account: it may be a date, but a number in quotes is text on purpose.
    pub fn see_string(&mut self, text: &[u8]) {
        self.see(text);
        self.possible[..3].fill(false);
    }

    /// The column holds something that only text holds.
    pub fn see_other(&mut self) {
        self.seen = true;
        self.possible.fill(false);
    }

    /// The type: text where nothing else fits or nothing was seen.
    pub fn kind(&self) -> Kind {
        let fitting = self.possible.iter().zip(TYPES).find(|(possible, _)| **possible);
        fitting.filter(|_| self.seen).map_or(Kind::Text, |(_, (kind, _))| kind)
    }
}

fn is_plain_integer(text: &[u8]) -> bool {
    whole_digits(text).is_some_and(|(_, rest)| rest.is_empty())
}

fn is_plain_number(text: &[u8]) -> bool {
    let Some((_, rest)) = whole_digits(text) else { return false };
    let (has_fraction, rest) = match rest {
        [b'.', rest @ ..] => match digits(rest) {
            0 => return false,
            count => (true, &rest[count..]),
        },
        rest => (false, rest),
    };
    let exponent = match rest {
        [] => return true,
        [b'e' | b'E', exponent @ ..] => exponent,
        _ => return false,
    };
    match exponent {
        [b'+' | b'-', power @ ..] => !power.is_empty() && digits(power) == power.len(),
        power => has_fraction && !power.is_empty() && digits(power) == power.len(),
    }
}

/// The digits before the point and what follows them; `None` where they are no number or rather an identifier.
fn whole_digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = text.split_at(digits(text));
    let zero_leads = whole.len() > 1 && whole[0] == b'0';
    (!whole.is_empty() && whole.len() <= MAX_DIGITS && !zero_leads).then_some((whole, rest))
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|b| b.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(values: &[&str]) -> Kind {
        let mut candidates = Candidates::default();
        values.iter().for_each(|value| candidates.see(value.as_bytes()));
        candidates.kind()
    }

    #[test]
    fn plain_values_are_typed() {
        assert_eq!(kind(&["1", "-20", "0"]), Kind::Integer);
        assert_eq!(kind(&["1", "2.5", "0.25", "1e-05", "1.5E3"]), Kind::Number);
        assert_eq!(kind(&["-23.538301166801343"]), Kind::Number);
        assert_eq!(kind(&["true", "False"]), Kind::Boolean);
        assert_eq!(kind(&["2018-10-17", "2018-01-01"]), Kind::Date);
        assert_eq!(kind(&["2018-10-17", "2018-01-01 10:00:00"]), Kind::Timestamp);
    }

    #[test]
    fn identifiers_stay_text() {
        for value in ["01310", "00", "+551199", "1234567890123456", "12e45", "1e5", "f34a6e87", "04482255", "1.", ".5", "1,5", " 1", "nan"]
        {
            assert_eq!(kind(&["7", value]), Kind::Text, "{value}");
        }
    }

    #[test]
    fn a_column_without_values_is_text() {
        assert_eq!(kind(&[]), Kind::Text);
    }

    #[test]
    fn json_strings_are_never_numbers() {
        let mut candidates = Candidates::default();
        candidates.see_string(b"12");
        assert_eq!(candidates.kind(), Kind::Text);
    }
}
