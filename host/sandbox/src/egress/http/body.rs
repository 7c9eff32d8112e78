//! The body of an answer on its way into the archive: unpacked, capped, without secrets, never whole in memory. Of one that breaks off, what
//! could be the beginning of a secret is not written.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
};

use flate2::write::MultiGzDecoder;

use super::redact::{RedactedWrite, Redactor};
use crate::egress::archive::PageWriter;

/// The largest body that is also kept in memory, to be read without unpacking it again.
pub(super) const MOST_IN_MEMORY: usize = 1 << 20;

/// Where a body goes.
pub(super) enum Store {
    /// A page of the archive.
    Page(Box<PageWriter>),
    /// A file that vanishes with the source: nothing is archived where nothing is loaded.
    Scratch { page: u32, file: BufWriter<File> },
}

impl Store {
    /// Its number.
    pub fn page(&self) -> u32 {
        match self {
            Self::Page(page) => page.page(),
            Self::Scratch { page, .. } => *page,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Page(page) => page.write(bytes),
            Self::Scratch { file, .. } => file.write_all(bytes),
        }
    }
}

/// Why a body did not get where it goes.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is larger than it may be.
    TooLarge,
    /// It is not whole gzip.
    Packing,
    /// It can't be written.
    Disk(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::TooLarge,
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Packing,
            _ => Self::Disk(error),
        }
    }
}

/// The end of the way: counts, caps, and writes.
struct Spool<'s> {
    store: &'s mut Store,
    memory: Option<Vec<u8>>,
    bytes: u64,
    cap: u64,
}

impl Write for Spool<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.cap {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.memory = self.memory.take().filter(|memory| memory.len() + bytes.len() <= MOST_IN_MEMORY);
        if let Some(memory) = &mut self.memory {
            memory.extend_from_slice(bytes);
        }
        self.store.write(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Way<'s> {
    Plain(RedactedWrite<Spool<'s>>),
    Gzip(Box<MultiGzDecoder<RedactedWrite<Spool<'s>>>>),
}

/// A body on its way.
pub(super) struct Body<'s> {
    way: Way<'s>,
    came: u64,
}

/// A body that arrived.
pub(super) struct Arrived {
    /// Its bytes after unpacking.
    pub bytes: u64,
    /// The body itself, where it is small.
    pub memory: Option<Vec<u8>>,
}

impl<'s> Body<'s> {
    pub fn new(store: &'s mut Store, redactor: &Redactor, gzip: bool, cap: u64) -> Self {
        let spool = redactor.stream(Spool { store, memory: Some(Vec::new()), bytes: 0, cap });
        Self { way: if gzip { Way::Gzip(Box::new(MultiGzDecoder::new(spool))) } else { Way::Plain(spool) }, came: 0 }
    }

    /// Takes bytes as they come.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.came += bytes.len() as u64;
        match &mut self.way {
            Way::Plain(plain) => plain.write_all(bytes)?,
            Way::Gzip(gzip) => gzip.write_all(bytes)?,
        }
        Ok(())
    }

    /// Takes the end.
    pub fn finish(self) -> Result<Arrived, Fault> {
        let rest = match self.way {
            Way::Plain(plain) => plain,
            // A body without a byte has no packing: an answer to HEAD, or a 204.
            Way::Gzip(_) if self.came == 0 => return Ok(Arrived { bytes: 0, memory: Some(Vec::new()) }),
            Way::Gzip(gzip) => gzip.finish()?,
        };
        let spool = rest.finish()?;
        Ok(Arrived { bytes: spool.bytes, memory: spool.memory })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::config::Secret;

    fn through(pieces: &[&[u8]], gzip: bool, cap: u64) -> Result<(Arrived, String), Fault> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut store = Store::Scratch { page: 0, file: BufWriter::new(file.reopen().unwrap()) };
        let mut body = Body::new(&mut store, &Redactor::new(&[Secret::new("sesame-open")]), gzip, cap);
        for piece in pieces {
            body.write(piece)?;
        }
        let arrived = body.finish()?;
        drop(store);
        let mut text = String::new();
        file.reopen().unwrap().read_to_string(&mut text).unwrap();
        Ok((arrived, text))
    }

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_body_is_unpacked_and_its_secrets_taken_out() {
        let bytes = [packed(b"say sesame-"), packed(b"open to it")].concat();
        let pieces: Vec<_> = bytes.chunks(3).collect();
        let (arrived, text) = through(&pieces, true, 100).unwrap();
        assert_eq!(text, "say [redacted] to it");
        assert_eq!(arrived.memory.as_deref(), Some(text.as_bytes()));
        assert_eq!(arrived.bytes, text.len() as u64);
    }

    #[test]
    fn a_bomb_is_cut_at_the_cap() {
        let bomb = packed(&vec![0; 50 << 20]);
        assert!(bomb.len() < 1 << 19);
        assert!(matches!(through(&[&bomb], true, 1 << 20), Err(Fault::TooLarge)));
        assert!(matches!(through(&[b"12345"], false, 4), Err(Fault::TooLarge)));
    }

    #[test]
    fn gzip_that_breaks_off_is_broken_wherever_it_does() {
        let whole = packed(b"one two three");
        for end in 1..whole.len() {
            assert!(matches!(through(&[&whole[..end]], true, 100), Err(Fault::Packing)), "{end} of {} bytes", whole.len());
        }
        assert!(matches!(through(&[b"no gzip at all"], true, 100), Err(Fault::Packing)));
        assert_eq!(through(&[], true, 100).unwrap().1, "");
    }

    #[test]
    fn a_large_body_is_not_kept_in_memory() {
        let piece = vec![b'a'; 1 << 19];
        assert!(through(&[&piece, &piece], false, 10 << 20).unwrap().0.memory.is_some());
        assert!(through(&[&piece, &piece, b"b"], false, 10 << 20).unwrap().0.memory.is_none());
    }
}
