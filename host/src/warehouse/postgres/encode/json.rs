//! `jsonb`: declared JSON text, checked as PostgreSQL checks it, and nested columns, written by Arrow's JSON writer.
//!
//! What always holds here (each with its test in `tests`):
//! - Text that `jsonb` refuses is unfit: malformed, `\u0000`, half of a surrogate pair, a number beyond `numeric`, too deep, too long.
//!   (`json_is_judged_as_postgres_judges_it`)
//!
//! # Why
//! serde_json's scan without building values lets a lone surrogate and 1e999999 pass, on which PostgreSQL ends the whole `COPY`.

use std::sync::LazyLock;

use arrow::{
    array::Array,
    datatypes::FieldRef,
    json::writer::{EncoderOptions, NullableEncoder, make_encoder},
};

use super::{Out, Reason, prefix};

/// The first byte of a `jsonb` cell: the version of its format, the only one that there is.
const VERSION: u8 = 1;
/// Far below what PostgreSQL's default `max_stack_depth` of 2 MB carries.
const MAX_DEPTH: usize = 1_000;
/// PostgreSQL stores at most 256 MB in one `jsonb`, in which the shortest number takes six times the bytes of its text: 32 MB of `1,` were
/// 201 MB in PostgreSQL 15.
const MAX_BYTES: usize = 32 << 20;
/// What `numeric` holds before and behind the point (appendix "PostgreSQL Limits" has them rounded, `numeric.c` like this).
const MAX_INTEGRAL_DIGITS: i64 = 131_072;
const MAX_FRACTION_DIGITS: i64 = 16_383;

const MALFORMED: Reason = "malformed JSON";
const ZERO: Reason = "JSON with the character 0x00";
const SURROGATE: Reason = "JSON with half of a surrogate pair";
const NUMBER: Reason = "JSON with a number of too many digits";
const TOO_DEEP: Reason = "JSON of more than 1000 levels";
const TOO_LONG: Reason = "JSON of more than 32 MB";

/// A column of structs, maps or lists of these.
pub(super) struct Nested<'a> {
    writer: NullableEncoder<'a>,
    text: Vec<u8>,
}

impl<'a> Nested<'a> {
    pub(super) fn of(field: &'a FieldRef, array: &'a dyn Array) -> Option<Self> {
        static OPTIONS: LazyLock<EncoderOptions> = LazyLock::new(EncoderOptions::default);
        if !array.data_type().is_nested() {
            return None;
        }
        make_encoder(field, array, &OPTIONS).ok().map(|writer| Self { writer, text: Vec::new() })
    }

    pub(super) fn write(&mut self, row: usize, out: &mut Out) -> Result<(), Reason> {
        self.text.clear();
        self.writer.encode(row, &mut self.text);
        write(&self.text, out)
    }
}

/// Writes JSON text that PostgreSQL takes.
pub(super) fn write(text: &[u8], out: &mut Out) -> Result<(), Reason> {
    judge(text)?;
    prefix(out, 1 + text.len())?;
    out.extend_from_slice(&[VERSION]);
    out.extend_from_slice(text);
    Ok(())
}

fn judge(text: &[u8]) -> Result<(), Reason> {
    if text.len() > MAX_BYTES {
        return Err(TOO_LONG);
    }
    let mut scan = Scan { rest: text };
    scan.value(0)?;
    scan.space();
    if scan.rest.is_empty() { Ok(()) } else { Err(MALFORMED) }
}

/// Reads JSON (RFC 8259) without keeping it.
struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn value(&mut self, depth: usize) -> Result<(), Reason> {
        if depth > MAX_DEPTH {
            return Err(TOO_DEEP);
        }
        self.space();
        match self.next()? {
            b'{' => self.members(b'}', |scan| {
                scan.space();
                scan.expect(b"\"")?;
                scan.string()?;
                scan.space();
                scan.expect(b":")?;
                scan.value(depth + 1)
            }),
            b'[' => self.members(b']', |scan| scan.value(depth + 1)),
            b'"' => self.string(),
            b't' => self.expect(b"rue"),
            b'f' => self.expect(b"alse"),
            b'n' => self.expect(b"ull"),
            b'-' => {
                let first = self.next()?;
                self.number(first)
            }
            first => self.number(first),
        }
    }

    fn members(&mut self, end: u8, member: impl Fn(&mut Self) -> Result<(), Reason>) -> Result<(), Reason> {
        self.space();
        if self.take(end) {
            return Ok(());
        }
        loop {
            member(self)?;
            self.space();
            match self.next()? {
                b',' => {}
                byte if byte == end => return Ok(()),
                _ => return Err(MALFORMED),
            }
        }
    }

    fn string(&mut self) -> Result<(), Reason> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                0 => return Err(ZERO),
                1..0x20 => return Err(MALFORMED),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), Reason> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => match self.code_unit()? {
                0 => Err(ZERO),
                0xd800..=0xdbff => self.low_surrogate(),
                0xdc00..=0xdfff => Err(SURROGATE),
                _ => Ok(()),
            },
            _ => Err(MALFORMED),
        }
    }

    fn low_surrogate(&mut self) -> Result<(), Reason> {
        self.expect(b"\\u").map_err(|_| SURROGATE)?;
        if matches!(self.code_unit()?, 0xdc00..=0xdfff) { Ok(()) } else { Err(SURROGATE) }
    }

    fn code_unit(&mut self) -> Result<u32, Reason> {
        (0..4).try_fold(0, |unit, _| {
            let digit = char::from(self.next()?).to_digit(16).ok_or(MALFORMED)?;
            Ok(unit << 4 | digit)
        })
    }

    fn number(&mut self, first: u8) -> Result<(), Reason> {
        let integral = match first {
            b'0' => 0,
            b'1'..=b'9' => 1 + self.digits(),
            _ => return Err(MALFORMED),
        };
        let fraction = if self.take(b'.') { self.some_digits()? } else { 0 };
        let exponent = if self.take(b'e') || self.take(b'E') { self.exponent()? } else { 0 };
        let fits = integral + exponent <= MAX_INTEGRAL_DIGITS && fraction - exponent <= MAX_FRACTION_DIGITS;
        if fits { Ok(()) } else { Err(NUMBER) }
    }

    fn exponent(&mut self) -> Result<i64, Reason> {
        let negative = self.take(b'-');
        if !negative {
            self.take(b'+');
        }
        let text = self.rest;
        let count = self.some_digits()?;
        let digits = text.iter().take(count as usize);
        // Beyond this every exponent is too large, and sums with it stay in range.
        let value = digits.fold(0, |value, digit| i64::min(value * 10 + i64::from(digit - b'0'), 1 << 40));
        Ok(if negative { -value } else { value })
    }

    fn some_digits(&mut self) -> Result<i64, Reason> {
        match self.digits() {
            0 => Err(MALFORMED),
            count => Ok(count),
        }
    }

    fn digits(&mut self) -> i64 {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = &self.rest[count..];
        count as i64
    }

    fn space(&mut self) {
        let count = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.rest = &self.rest[count..];
    }

    fn next(&mut self) -> Result<u8, Reason> {
        let (first, rest) = self.rest.split_first().ok_or(MALFORMED)?;
        self.rest = rest;
        Ok(*first)
    }

    fn take(&mut self, wanted: u8) -> bool {
        let rest = self.rest.strip_prefix(&[wanted]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: &[u8]) -> Result<(), Reason> {
        self.rest = self.rest.strip_prefix(wanted).ok_or(MALFORMED)?;
        Ok(())
    }
}
