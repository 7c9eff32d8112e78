//! `numeric`: groups of four decimal digits, written straight from the integer that an Arrow decimal is.
//!
//! What always holds here (tests in `tests` and, against a server, in `round_trip`):
//! - A value that its column can't hold is unfit; PostgreSQL never rounds one. (`digits_that_the_column_lacks_are_unfit`)
//! - The cell has no zero groups at either end, so that equal numbers of a column have equal bytes.
//!   (`numerics_are_groups_of_four_digits`)
//!
//! The format is that of `numeric_send` in PostgreSQL's `src/backend/utils/adt/numeric.c`.

use std::borrow::Cow;

use arrow::{
    array::{Array, AsArray},
    datatypes::{DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, UInt64Type, i256},
};

use super::super::types::{Digits, PgType};
use super::{
    Out, Reason,
    number::{integers, widened},
};

const GROUP: u64 = 10_000;
/// 77 digits of 256 bits in groups that the point may cut anywhere.
const MAX_GROUPS: usize = 21;
const NEGATIVE: u16 = 0x4000;
const TOO_MANY_DIGITS: Reason = "number with more digits than its column";

/// A column of exact numbers.
pub(super) struct Numeric<'a> {
    values: Values<'a>,
    scale: i8,
    limit: Option<Digits>,
}

enum Values<'a> {
    Integers(Cow<'a, [i64]>),
    Unsigned(&'a [u64]),
    Decimals(Cow<'a, [i128]>),
    Wide(&'a [i256]),
}

impl<'a> Numeric<'a> {
    pub(super) fn of(array: &'a dyn Array, target: &PgType) -> Option<Self> {
        let PgType::Numeric(limit) = target else { return None };
        let (values, scale) = match array.data_type() {
            DataType::UInt64 => (Values::Unsigned(array.as_primitive::<UInt64Type>().values()), 0),
            DataType::Decimal32(_, scale) => (Values::Integers(widened::<Decimal32Type, _>(array)), *scale),
            DataType::Decimal64(_, scale) => (Values::Integers(Cow::Borrowed(array.as_primitive::<Decimal64Type>().values())), *scale),
            DataType::Decimal128(_, scale) => (Values::Decimals(Cow::Borrowed(array.as_primitive::<Decimal128Type>().values())), *scale),
            DataType::Decimal256(_, scale) => (Values::Wide(array.as_primitive::<Decimal256Type>().values()), *scale),
            _ => (Values::Integers(integers(array)?), 0),
        };
        Some(Self { values, scale, limit: *limit })
    }

    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Out) -> Result<(), Reason> {
        let mut groups = Groups::starting_at(self.scale);
        let negative = match &self.values {
            Values::Integers(values) => groups.push(values[row].into()),
            Values::Unsigned(values) => groups.push(values[row].into()),
            Values::Decimals(values) => groups.push(values[row]),
            Values::Wide(values) => groups.push_wide(values[row]),
        };
        groups.trim();
        if self.limit.is_some_and(|limit| !groups.fit(limit)) {
            return Err(TOO_MANY_DIGITS);
        }
        groups.write(negative, self.scale.max(0).unsigned_abs(), out);
        Ok(())
    }
}

/// The groups of a number, the least first: `groups[i]` counts 10000^(`lowest` + i).
struct Groups {
    groups: [u16; MAX_GROUPS],
    used: std::ops::Range<usize>,
    lowest: i32,
    /// How many digits of the first group are in the integer: 1 to 3 where the point is not at a group's end, else 0.
    partial: u32,
}

impl Groups {
    fn starting_at(scale: i8) -> Self {
        let partial = i32::from(scale).rem_euclid(4);
        let lowest = -(i32::from(scale) + (4 - partial) % 4) / 4;
        Self { groups: [0; MAX_GROUPS], used: 0..0, lowest, partial: partial.unsigned_abs() }
    }

    /// Adds the groups of `value` and says whether it is below zero.
    fn push(&mut self, value: i128) -> bool {
        self.push_magnitude(value.unsigned_abs());
        value < 0
    }

    /// Like [`Self::push`], in three pieces of which each fits 128 bits.
    fn push_wide(&mut self, value: i256) -> bool {
        if let Some(value) = value.to_i128() {
            return self.push(value);
        }
        let least_digits = 28 + self.partial;
        let (rest, least) = cut(value, least_digits);
        let (most, middle) = cut(rest, 32);
        self.push_piece(least, least_digits);
        self.push_piece(middle, 32);
        self.push_magnitude(most.as_i128().unsigned_abs());
        value.is_negative()
    }

    fn push_magnitude(&mut self, value: u128) {
        let Ok(small) = u64::try_from(value) else {
            let digits = 12 + self.partial;
            let piece = 10_u128.pow(digits);
            self.push_piece(value % piece, digits);
            return self.push_magnitude(value / piece);
        };
        self.push_small(small);
    }

    /// Adds a piece that more digits follow, hence with its leading zeros.
    fn push_piece(&mut self, value: u128, digits: u32) {
        let end = self.used.end + digits.div_ceil(4) as usize;
        self.push_magnitude(value);
        self.used.end = end;
    }

    fn push_small(&mut self, mut value: u64) {
        if self.partial > 0 {
            let point = 10_u64.pow(self.partial);
            self.push_group(value % point * 10_u64.pow(4 - self.partial));
            value /= point;
            self.partial = 0;
        }
        while value > 0 {
            self.push_group(value % GROUP);
            value /= GROUP;
        }
    }

    fn push_group(&mut self, group: u64) {
        self.groups[self.used.end] = group as u16;
        self.used.end += 1;
    }

    fn trim(&mut self) {
        while !self.used.is_empty() && self.groups[self.used.start] == 0 {
            self.used.start += 1;
        }
        while !self.used.is_empty() && self.groups[self.used.end - 1] == 0 {
            self.used.end -= 1;
        }
    }

    /// Whether the trimmed groups are a value of `numeric` with these digits.
    fn fit(&self, limit: Digits) -> bool {
        let (Some(least), Some(most)) = (self.trimmed().first(), self.trimmed().last()) else { return true };
        let trailing_zeros = (1..4).take_while(|digits| least % 10_u16.pow(*digits) == 0).count() as i32;
        let integral = self.weight() * 4 + most.ilog10() as i32 + 1;
        let fraction = -(self.lowest + self.used.start as i32) * 4 - trailing_zeros;
        integral <= limit.integral() && fraction <= i32::from(limit.scale)
    }

    fn trimmed(&self) -> &[u16] {
        &self.groups[self.used.clone()]
    }

    /// The power of 10000 of the most significant group.
    fn weight(&self) -> i32 {
        if self.used.is_empty() { 0 } else { self.lowest + self.used.end as i32 - 1 }
    }

    /// Writes count, weight, sign, digits behind the point as they are shown, and the groups, the most significant first.
    fn write(&self, negative: bool, shown_scale: u8, out: &mut Out) {
        let sign = if negative { NEGATIVE } else { 0 };
        let head = [self.used.len() as u16, self.weight() as u16, sign, shown_scale.into()];
        let mut cell = [0; 4 + 2 * (4 + MAX_GROUPS)];
        let words = head.iter().chain(self.trimmed().iter().rev());
        for (place, word) in cell[4..].as_chunks_mut::<2>().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        let length = 2 * (head.len() + self.used.len());
        cell[..4].copy_from_slice(&(length as u32).to_be_bytes());
        out.extend_from_slice(&cell[..4 + length]);
    }
}

/// `value` without its last digits, and these without a sign.
fn cut(value: i256, digits: u32) -> (i256, u128) {
    let power = i256::from_i128(10_i128.pow(digits));
    (value.wrapping_div(power), value.wrapping_rem(power).as_i128().unsigned_abs())
}
