//! The bytes of a file from one place to another, some at a time, after a look at their encoding.

use tidegate_sdk::{
    Failure, Result,
    files::{self, File, Packing},
};

/// How much is read at a time: so little that it stays in a core's cache, and that the host has memory at hand for it.
pub const READ_BYTES: u32 = 256 << 10;

/// An open file, or a part of one.
pub struct Input {
    file: File,
    path: String,
    buffer: Vec<u8>,
    position: usize,
    /// How many bytes may still be read; `None` up to the end of the file.
    left: Option<u64>,
    /// Whether the end of what may be read is a record's end. A sample is cut anywhere.
    whole: bool,
    read: u64,
}

impl Input {
    /// The bytes of `path` from `start` up to `end`, both at the beginning of a record. At byte 0 the encoding is looked at and a byte order mark is left out.
    pub fn open(directory: &str, path: &str, packing: Packing, start: u64, end: Option<u64>) -> Result<Self> {
        let file = files::open(directory, path, packing, start).map_err(|failure| named(path, failure))?;
        let left = end.map(|end| end - start);
        let mut input = Self { file, path: path.to_owned(), buffer: Vec::new(), position: 0, left, whole: true, read: 0 };
        if start == 0 {
            input.look()?;
        }
        Ok(input)
    }

    /// The first `bytes` bytes of `path`, which may end inside a record.
    pub fn sample(directory: &str, path: &str, packing: Packing, bytes: u64) -> Result<Self> {
        let mut input = Self::open(directory, path, packing, 0, Some(bytes))?;
        // Where the file ends earlier, its end is a record's end.
        input.whole = false;
        Ok(input)
    }

    /// Which page of the run's archive this is.
    pub fn page(&self) -> u32 {
        self.file.page()
    }

    /// The file's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How many bytes were read so far.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// What was read and not consumed.
    pub fn rest(&self) -> &[u8] {
        &self.buffer[self.position..]
    }

    /// Marks bytes of [`Input::rest`] as used.
    pub fn consume(&mut self, bytes: usize) {
        self.position += bytes;
        debug_assert!(self.position <= self.buffer.len(), "consumed what was not there");
    }

    /// Reads on once everything is consumed; false at the end.
    pub fn refill(&mut self) -> Result<bool> {
        debug_assert!(self.rest().is_empty(), "refilled before everything was consumed");
        self.buffer = self.pull()?;
        self.position = 0;
        Ok(!self.buffer.is_empty())
    }

    /// Whether the end that was reached is one that a sample made, perhaps inside a record.
    pub fn was_cut(&self) -> bool {
        !self.whole && self.left == Some(0)
    }

    fn pull(&mut self) -> Result<Vec<u8>> {
        let most = self.left.map_or(READ_BYTES, |left| READ_BYTES.min(u32::try_from(left).unwrap_or(u32::MAX)));
        if most == 0 {
            return Ok(Vec::new());
        }
        let bytes = self.file.read(most).map_err(|failure| named(&self.path, failure))?;
        self.read += bytes.len() as u64;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(bytes.len() as u64);
        }
        Ok(bytes)
    }

    /// Looks at the first bytes of the file.
    fn look(&mut self) -> Result<()> {
        while self.buffer.len() < 4 {
            let more = self.pull()?;
            if more.is_empty() {
                break;
            }
            self.buffer.extend_from_slice(&more);
        }
        if let Some(encoding) = unreadable(&self.buffer) {
            return Err(Failure::bad_data(format!("`{}` is {encoding}", self.path)));
        }
        if self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.position = 3;
        }
        Ok(())
    }
}

/// What the first bytes of a file say it is, where that can't be read.
fn unreadable(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xff, 0xfe, 0, 0, ..] => Some("UTF-32 (little endian): save it as UTF-8"),
        [0, 0, 0xfe, 0xff, ..] => Some("UTF-32 (big endian): save it as UTF-8"),
        [0xff, 0xfe, ..] => Some("UTF-16 (little endian): save it as UTF-8"),
        [0xfe, 0xff, ..] => Some("UTF-16 (big endian): save it as UTF-8"),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some("UTF-16 (little endian, without a byte order mark): save it as UTF-8"),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some("UTF-16 (big endian, without a byte order mark): save it as UTF-8"),
        [0x1f, 0x8b, ..] => Some("packed with gzip, which its name must say: let it end in `.gz`"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive, perhaps a workbook: save its content as CSV"),
        _ => None,
    }
}

/// A failure of the host with the file's name in it.
fn named(path: &str, failure: Failure) -> Failure {
    match failure.message.contains(path) {
        true => failure,
        false => Failure { message: format!("`{path}`: {}", failure.message), ..failure },
    }
}
