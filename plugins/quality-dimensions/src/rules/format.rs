//! `format`: texts in a named format, recognised byte by byte. One measure per column, over the cells that are not null.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    rows::Rows,
    stream::{Family, Stream},
    tally::Tally,
};

/// Texts in a named format.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns: texts.
    pub column: Names,
    /// The format.
    pub format: Format,
    /// Counts for this dimension instead of conformity.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `format`.
    pub name: Option<String>,
}

/// Formats with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// 32 hexadecimal digits.
    Hex32,
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// `YYYY-MM-DD`, a day of the calendar.
    IsoDate,
    /// A day, `T` or a space, `hh:mm:ss` with an optional fraction and an optional offset: `2018-10-17T17:30:18.5Z`.
    IsoTimestamp,
    /// One or more of 0 to 9.
    Digits,
    /// Five of 0 to 9.
    Digits5,
    /// Eight of 0 to 9.
    Digits8,
    /// Two capital letters A to Z: a country, a state.
    Letters2,
    /// Three capital letters A to Z: a currency.
    Letters3,
    /// An address as mail servers take it: no quotes, no comments, a domain with a dot.
    Email,
    /// An address that starts with `http://` or `https://` and holds no white space.
    Url,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let check = |name: &String| {
            let column = stream.column(name, &[Family::Text])?.index;
            Ok(Counted::one([name], Formatted { column, format: self.format }))
        };
        self.column.0.iter().map(check).collect()
    }
}

struct Formatted {
    column: usize,
    format: Format,
}

impl Check for Formatted {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let array = rows.column(self.column);
        // The match stands outside the loop over rows.
        match self.format {
            Format::Hex32 => rows.judge_text(array, tally, |text| hex32(text.as_bytes())),
            Format::Uuid => rows.judge_text(array, tally, |text| uuid(text.as_bytes())),
            Format::IsoDate => rows.judge_text(array, tally, |text| iso_date(text.as_bytes())),
            Format::IsoTimestamp => rows.judge_text(array, tally, |text| iso_timestamp(text.as_bytes())),
            Format::Digits => rows.judge_text(array, tally, |text| !text.is_empty() && all_digits(text.as_bytes())),
            Format::Digits5 => rows.judge_text(array, tally, |text| text.len() == 5 && all_digits(text.as_bytes())),
            Format::Digits8 => rows.judge_text(array, tally, |text| text.len() == 8 && all_digits(text.as_bytes())),
            Format::Letters2 => rows.judge_text(array, tally, |text| text.len() == 2 && all_capitals(text.as_bytes())),
            Format::Letters3 => rows.judge_text(array, tally, |text| text.len() == 3 && all_capitals(text.as_bytes())),
            Format::Email => rows.judge_text(array, tally, email),
            Format::Url => rows.judge_text(array, tally, url),
        }
    }
}

/// Without an early end, so that the loop can be unrolled.
fn hex32(text: &[u8]) -> bool {
    let Ok(digits) = <&[u8; 32]>::try_from(text) else { return false };
    digits.iter().fold(true, |good, byte| good & byte.is_ascii_hexdigit())
}

fn uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

fn all_capitals(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_uppercase)
}

/// The number of a run of digits; 0 where there is another byte, which `digits_at` rules out.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit.wrapping_sub(b'0')))
}

/// Whether digits stand where the template has a `0`, and its other bytes where it has them.
fn shaped(text: &[u8], template: &[u8]) -> bool {
    text.len() == template.len()
        && text.iter().zip(template).all(|(byte, wanted)| if *wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted })
}

fn iso_date(text: &[u8]) -> bool {
    if !shaped(text, b"0000-00-00") {
        return false;
    }
    let (year, month, day) = (number(&text[..4]), number(&text[5..7]), number(&text[8..]));
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

fn iso_timestamp(text: &[u8]) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else { return false };
    let Some((time, rest)) = rest.split_at_checked(9) else { return false };
    let separated = matches!(time[0], b'T' | b' ') && shaped(&time[1..], b"00:00:00");
    if !separated || !iso_date(day) || number(&time[1..3]) > 23 || number(&time[4..6]) > 59 || number(&time[7..]) > 59 {
        return false;
    }
    let fraction = rest.strip_prefix(b".").map_or(0, |digits| 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count());
    fraction != 1 && offset(&rest[fraction..])
}

fn offset(text: &[u8]) -> bool {
    match text {
        [] | b"Z" => true,
        [b'+' | b'-', offset @ ..] => shaped(offset, b"00:00") && number(&offset[..2]) < 24 && number(&offset[3..]) < 60,
        _ => false,
    }
}

fn email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let dotted = |text: &str| !text.starts_with('.') && !text.ends_with('.') && !text.contains("..");
    let local_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && dotted(local)
        && local.bytes().all(local_byte)
        && domain.contains('.')
        && domain.len() < 254
        && domain.split('.').all(label)
}

fn url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !rest.contains(|letter: char| letter.is_whitespace() || letter.is_control())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{LargeStringArray, StringViewArray};

    use crate::testing::{counts, ints, problem, rows, texts};

    /// The texts that fail, of those given.
    fn failing<'a>(format: &str, cells: &[&'a str]) -> Vec<&'a str> {
        let batch = rows(vec![("a", texts(cells.iter().map(|cell| Some(*cell)))), ("place", ints((0..cells.len() as i64).map(Some)))]);
        let config = format!(r#"{{"key":["place"],"rules":[{{"kind":"format","column":"a","format":"{format}"}}]}}"#);
        let samples = crate::testing::measure(&config, &batch).remove(0).samples;
        samples.iter().map(|place| cells[place.parse::<usize>().unwrap()]).collect()
    }

    #[test]
    fn identifiers() {
        let hex = "00e7ee1b050b8499577073aeb2a297a1";
        assert_eq!(failing("hex32", &[hex, &hex.to_uppercase(), &hex[1..], &format!("{hex}0"), &hex.replace('0', "g")]).len(), 3);
        let uuid = "123e4567-e89b-12d3-a456-426614174000";
        assert_eq!(failing("uuid", &[uuid, hex, "123e4567-e89b-12d3-a456-42661417400g", "123e4567ae89b-12d3-a456-426614174000"]).len(), 3);
        assert_eq!(failing("digits5", &["01310", "1310", "0131O", "013101", ""]), ["1310", "0131O", "013101", ""]);
        assert_eq!(failing("digits8", &["01310100", "0131010"]), ["0131010"]);
        assert_eq!(failing("digits", &["0", "", "1a", "٣"]), ["", "1a", "٣"]);
        assert_eq!(failing("letters2", &["SP", "sp", "SPX"]), ["sp", "SPX"]);
        assert_eq!(failing("letters3", &["BRL", "BR", "É1"]), ["BR", "É1"]);
    }

    #[test]
    fn days_and_instants() {
        let wrong = ["2018-02-29", "2018-13-01", "2018-00-10", "2018-01-00", "2018-1-01", "2018/01/01", "1900-02-29", ""];
        assert_eq!(failing("iso-date", &[&["2016-02-29", "2000-02-29", "2018-12-31"][..], &wrong].concat()), wrong);
        let right = ["2018-10-17T17:30:18Z", "2018-10-17 17:30:18", "2018-10-17T17:30:18.123-03:00"];
        let wrong = [
            "2018-10-17",
            "2018-10-17T24:00:00",
            "2018-10-17T17:30:18.",
            "2018-10-17T17:30:18z",
            "2018-10-17x17:30:18",
            "2018-10-17T17:30:18+3:00",
            "2018-10-17T17:30:60",
            "2018-10-17T1é:30:18",
        ];
        assert_eq!(failing("iso-timestamp", &[&right[..], &wrong].concat()), wrong);
    }

    #[test]
    fn addresses() {
        let wrong = [
            "ana",
            "ana@",
            "@example.com",
            "ana@example",
            "a..b@example.com",
            "ana@-x.com",
            "a na@example.com",
            "ana@exa_mple.com",
            "ána@example.com",
        ];
        assert_eq!(failing("email", &[&["ana.b+c@mail.example.com", "a@b.co"][..], &wrong].concat()), wrong);
        assert_eq!(
            failing("url", &["https://example.com/a?b#c", "http://x", "https://", "ftp://x", "https://a b"]),
            ["https://", "ftp://x", "https://a b"]
        );
    }

    #[test]
    fn nulls_are_not_counted_and_every_text_layout_is_read() {
        let cells = vec![Some("01310"), None, Some("x")];
        let config = r#"{"rules":[{"kind":"format","column":["a","b","c"],"format":"digits5"}]}"#;
        let batch = rows(vec![
            ("a", texts(cells.clone())),
            ("b", Arc::new(LargeStringArray::from(cells.clone()))),
            ("c", Arc::new(StringViewArray::from(cells))),
        ]);
        assert_eq!(counts(config, &batch), ["a", "b", "c"].map(|name| format!("conformity format {name} 1/2 1:3")));
    }

    #[test]
    fn unknown_formats_columns_and_other_types_are_refused() {
        let batch = rows(vec![("a", texts([None])), ("i", ints([None]))]);
        let said = |rule: &str| problem(&format!(r#"{{"rules":[{{"kind":"format",{rule}}}]}}"#), &batch);
        assert!(
            said(r#""column":"a","format":"hex""#).contains("rule 1 (`format`): unknown variant `hex`, expected one of `hex32`, `uuid`")
        );
        assert!(said(r#""column":"i","format":"hex32""#).contains("column `i` is Int64; this rule reads texts"));
        assert!(said(r#""column":"q","format":"hex32""#).contains("no column `q`"));
    }
}
