//! Whether a page is still what came.

use std::{
    fs,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::{Page, writer::hex};

/// The most bytes of a page's file that are read at once.
const MOST_READ_AHEAD: u64 = 1 << 18;
/// The least: a manifest may not know how large a page is.
const LEAST_READ_AHEAD: u64 = 1 << 13;

/// What is wrong with an archived page.
#[derive(Debug, thiserror::Error)]
pub enum PageFault {
    /// Its file is gone.
    #[error("the page `{}` is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Its file can't be read or unpacked.
    #[error("the page `{}` can't be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its bytes are others than came.
    #[error("the page `{}` holds other bytes than were archived", path.display())]
    Differs {
        /// The file.
        path: PathBuf,
    },
}

/// The bytes of a page below `root` as they came.
pub fn unpacked(root: &Path, page: &Page) -> io::Result<Box<dyn Read + Send>> {
    let file = fs::File::open(root.join(&page.archived))?;
    // A page of an API is small; room for a large one would be made, and cleared by the system, for each of them.
    let room = page.packed_bytes.clamp(LEAST_READ_AHEAD, MOST_READ_AHEAD) as usize;
    let file = BufReader::with_capacity(room, file);
    Ok(if page.is_as_it_came() { Box::new(file) } else { Box::new(MultiGzDecoder::new(file)) })
}

/// Reads a page below `root` and compares it with what the manifest says of it.
pub fn verify(root: &Path, page: &Page) -> Result<(), PageFault> {
    let path = root.join(&page.archived);
    let summed = unpacked(root, page).and_then(sum);
    match summed {
        Ok((bytes, sha256)) if bytes == page.bytes && sha256 == page.sha256 => Ok(()),
        Ok(_) => Err(PageFault::Differs { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(PageFault::Missing { path }),
        Err(source) => Err(PageFault::Unreadable { path, source }),
    }
}

fn sum(mut from: Box<dyn Read + Send>) -> io::Result<(u64, String)> {
    let mut digest = Sha256::new();
    let bytes = io::copy(&mut from, &mut digest)?;
    Ok((bytes, hex(digest)))
}
