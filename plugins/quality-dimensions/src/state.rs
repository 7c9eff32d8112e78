//! The bytes of a state: little-endian, length-prefixed, read without trust in them.

use tidegate_sdk::{Failure, Result};

/// Writes a state.
#[derive(Debug, Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub fn text(&mut self, value: &str) {
        self.number(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a state.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> Result<u8> {
        let (&first, rest) = self.0.split_first().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(first)
    }

    pub fn number(&mut self) -> Result<u64> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*bytes))
    }

    pub fn text(&mut self) -> Result<&'a str> {
        let length = usize::try_from(self.number()?).map_err(|_| cut_short())?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(cut_short)?;
        self.0 = rest;
        std::str::from_utf8(bytes).map_err(|_| Failure::bug("the state holds a text that is not UTF-8"))
    }

    /// How many items of `size` bytes follow, at most what the bytes left can hold.
    pub fn count(&mut self, size: usize) -> Result<usize> {
        let count = usize::try_from(self.number()?).map_err(|_| cut_short())?;
        if count.checked_mul(size).is_none_or(|bytes| bytes > self.0.len()) { Err(cut_short()) } else { Ok(count) }
    }

    pub fn end(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::bug("the state is longer than its rules")) }
    }
}

fn cut_short() -> Failure {
    Failure::bug("the state is cut short")
}
