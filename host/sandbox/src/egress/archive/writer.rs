//! A page that is being written: packed and summed up as it comes, under a temporary name.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    Asked, Exchange, Page,
    pages::{ArchiveError, Register},
};

/// A page that is being written. Dropping it leaves nothing.
pub struct PageWriter {
    register: Arc<Register>,
    page: u32,
    archived: PathBuf,
    body: Body,
}

/// The bytes so far.
struct Body {
    packer: GzEncoder<NamedTempFile>,
    digest: Sha256,
    bytes: u64,
}

impl Body {
    fn new(folder: &Path, level: u32) -> io::Result<Self> {
        let file = unfinished(folder)?;
        Ok(Self { packer: GzEncoder::new(file, Compression::new(level)), digest: Sha256::new(), bytes: 0 })
    }
}

impl PageWriter {
    pub(super) fn new(register: Arc<Register>, page: u32, archived: PathBuf) -> Result<Self, ArchiveError> {
        let body = Body::new(register.folder(), register.level()).map_err(|source| register.failed(&archived, &archived, source))?;
        Ok(Self { register, page, archived, body })
    }

    /// The page's number.
    pub fn page(&self) -> u32 {
        self.page
    }

    /// The bytes that were written so far.
    pub fn bytes(&self) -> u64 {
        self.body.bytes
    }

    /// Adds bytes of the body.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.body.packer.write_all(bytes)?;
        self.body.digest.update(bytes);
        self.body.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Gives the page its name and its line in the manifest, once it is on disk. Blocks as long as the disk takes.
    pub fn finish(self, exchange: Exchange) -> Result<Page, ArchiveError> {
        let Self { register, page, archived, body } = self;
        let written = Written::of(body, &register.root().join(&archived));
        let written = written.map_err(|source| register.failed(Path::new(&exchange.url), &archived, source))?;
        register.add(written.page(page, archived, Asked::Http(Box::new(exchange))))
    }
}

/// What became of a page's bytes.
pub(super) struct Written {
    pub bytes: u64,
    pub packed_bytes: u64,
    pub sha256: String,
}

impl Written {
    fn of(body: Body, target: &Path) -> io::Result<Self> {
        let file = body.packer.finish()?;
        let packed_bytes = settle(file, target)?;
        Ok(Self { bytes: body.bytes, packed_bytes, sha256: hex(body.digest) })
    }

    pub fn page(self, page: u32, archived: PathBuf, asked: Asked) -> Page {
        let Self { bytes, packed_bytes, sha256 } = self;
        Page { page, archived, bytes, packed_bytes, sha256, asked }
    }
}

/// A file in `folder` that vanishes unless it is settled.
pub(super) fn unfinished(folder: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(folder)?;
    tempfile::Builder::new().prefix(".page-").tempfile_in(folder)
}

/// Brings a file to disk, then gives it its name. Its size.
pub(super) fn settle(file: NamedTempFile, target: &Path) -> io::Result<u64> {
    let bytes = file.as_file().metadata()?.len();
    file.as_file().sync_all()?;
    file.persist(target)?;
    Ok(bytes)
}

pub(super) fn hex(digest: Sha256) -> String {
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
