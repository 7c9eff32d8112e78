//! Values of any length: `text`, `bytea`, and `uuid` from text or bytes.
//!
//! What always holds here (each with its test in `tests`):
//! - No `text` with the character 0x00 gets out, also not from a slice of a batch. (`a_zero_character_is_unfit`)
//! - A `uuid` is read as PostgreSQL reads it. (`uuids_are_read_in_every_spelling_that_postgres_knows`)

use arrow::{
    array::{Array, AsArray, BinaryViewArray, GenericByteArray, StringViewArray},
    datatypes::{ArrowNativeType, ByteArrayType, DataType},
};

use super::{Out, Reason, prefix};

const ZERO: Reason = "text with the character 0x00";
const TOO_LONG: Reason = "text that is longer than its column";
const NO_UUID: Reason = "text that is no uuid";

/// Byte strings, whatever array they are in.
pub(super) enum Bytes<'a> {
    Small { offsets: &'a [i32], data: &'a [u8] },
    Large { offsets: &'a [i64], data: &'a [u8] },
    TextViews(&'a StringViewArray),
    ByteViews(&'a BinaryViewArray),
    Fixed { width: usize, data: &'a [u8] },
}

impl<'a> Bytes<'a> {
    pub(super) fn of_text(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => small(array.as_string::<i32>()),
            DataType::LargeUtf8 => large(array.as_string::<i64>()),
            DataType::Utf8View => Self::TextViews(array.as_string_view()),
            _ => return None,
        })
    }

    pub(super) fn of_binary(array: &'a dyn Array) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Binary => small(array.as_binary::<i32>()),
            DataType::LargeBinary => large(array.as_binary::<i64>()),
            DataType::BinaryView => Self::ByteViews(array.as_binary_view()),
            DataType::FixedSizeBinary(width) => {
                let data = array.as_fixed_size_binary().value_data();
                Self::Fixed { width: usize::try_from(*width).ok()?, data }
            }
            _ => return None,
        })
    }

    pub(super) fn of_sixteen(array: &'a dyn Array) -> Option<Self> {
        if *array.data_type() == DataType::FixedSizeBinary(16) { Self::of_binary(array) } else { None }
    }

    #[inline]
    pub(super) fn value(&self, row: usize) -> &'a [u8] {
        match self {
            Self::Small { offsets, data } => &data[offsets[row].as_usize()..offsets[row + 1].as_usize()],
            Self::Large { offsets, data } => &data[offsets[row].as_usize()..offsets[row + 1].as_usize()],
            Self::TextViews(array) => array.value(row).as_bytes(),
            Self::ByteViews(array) => array.value(row),
            Self::Fixed { width, data } => &data[row * width..(row + 1) * width],
        }
    }

    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Out) -> Result<(), Reason> {
        put(out, self.value(row))
    }

    /// About how many bytes the values have, for a reservation.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::TextViews(array) => array.total_buffer_bytes_used(),
            Self::ByteViews(array) => array.total_buffer_bytes_used(),
            _ => self.together().map_or(0, <[u8]>::len),
        }
    }

    /// The values one behind the other, where they are kept so.
    fn together(&self) -> Option<&'a [u8]> {
        match self {
            Self::Small { offsets: [first, .., last], data } => data.get(first.as_usize()..last.as_usize()),
            Self::Large { offsets: [first, .., last], data } => data.get(first.as_usize()..last.as_usize()),
            Self::Fixed { data, .. } => Some(data),
            _ => None,
        }
    }
}

fn small<T: ByteArrayType<Offset = i32>>(array: &GenericByteArray<T>) -> Bytes<'_> {
    Bytes::Small { offsets: array.value_offsets(), data: array.value_data() }
}

fn large<T: ByteArrayType<Offset = i64>>(array: &GenericByteArray<T>) -> Bytes<'_> {
    Bytes::Large { offsets: array.value_offsets(), data: array.value_data() }
}

/// A column of `text` or `varchar`.
pub(super) struct Text<'a> {
    values: Bytes<'a>,
    /// Whether one look at all values found no 0x00, so that each need not be looked at.
    clean: bool,
    max_chars: Option<usize>,
}

impl<'a> Text<'a> {
    pub(super) fn of(array: &'a dyn Array, max_chars: Option<u32>) -> Option<Self> {
        let values = Bytes::of_text(array)?;
        let clean = values.together().is_some_and(|all| memchr::memchr(0, all).is_none());
        Some(Self { values, clean, max_chars: max_chars.and_then(|max| usize::try_from(max).ok()) })
    }

    #[inline]
    pub(super) fn write(&self, row: usize, out: &mut Out) -> Result<(), Reason> {
        let value = self.values.value(row);
        if !self.clean && memchr::memchr(0, value).is_some() {
            return Err(ZERO);
        }
        if self.max_chars.is_some_and(|max| value.len() > max && chars(value) > max) {
            return Err(TOO_LONG);
        }
        put(out, value)
    }

    pub(super) fn size(&self) -> usize {
        self.values.size()
    }
}

#[inline]
fn put(out: &mut Out, value: &[u8]) -> Result<(), Reason> {
    // Many ids are that long, and a copy whose length is known is no call.
    if let Ok(id) = <&[u8; 32]>::try_from(value) {
        let mut cell = [0; 36];
        cell[3] = 32;
        cell[4..].copy_from_slice(id);
        out.extend_from_slice(&cell);
        return Ok(());
    }
    prefix(out, value.len())?;
    out.extend_from_slice(value);
    Ok(())
}

/// The characters of a text in UTF-8: all bytes but the continuing ones, which are 10xxxxxx.
fn chars(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// The bytes of a UUID: 32 hexadecimal digits, with a hyphen after any four of them or not, in braces or not.
pub(super) fn uuid(text: &[u8]) -> Result<[u8; 16], Reason> {
    let mut rest = text.strip_prefix(b"{").map_or(Ok(text), |inner| inner.strip_suffix(b"}").ok_or(NO_UUID))?;
    let mut bytes = [0; 16];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let ([high, low], after) = rest.split_first_chunk().ok_or(NO_UUID)?;
        *byte = hex(*high)? << 4 | hex(*low)?;
        let group_ends = index % 2 == 1 && index < 15;
        rest = if group_ends { after.strip_prefix(b"-").unwrap_or(after) } else { after };
    }
    if rest.is_empty() { Ok(bytes) } else { Err(NO_UUID) }
}

fn hex(digit: u8) -> Result<u8, Reason> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(NO_UUID),
    }
}
