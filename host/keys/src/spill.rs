//! What left memory: a nameless file with records of one size, one shard after the other.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};

use crate::SHARDS;

#[derive(Debug)]
pub struct Spilled {
    file: File,
    /// Where each shard begins, in bytes, and where the last one ends.
    begins: Vec<u64>,
}

impl Spilled {
    /// Writes a file in `folder`, which is made where it is missing. `fill` is asked for the bytes of each shard in turn.
    pub fn write(folder: &Path, mut fill: impl FnMut(usize, &mut Vec<u8>) -> io::Result<()>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut file = tempfile::tempfile_in(folder)?;
        let (mut bytes, mut begins, mut end) = (Vec::new(), Vec::with_capacity(SHARDS + 1), 0);
        for shard in 0..SHARDS {
            bytes.clear();
            fill(shard, &mut bytes)?;
            file.write_all(&bytes)?;
            begins.push(end);
            end += bytes.len() as u64;
        }
        begins.push(end);
        Ok(Self { file, begins })
    }

    /// Where the bytes of a shard are.
    pub fn place(&self, shard: usize) -> Range<u64> {
        self.begins[shard]..self.begins[shard + 1]
    }

    /// Reads the bytes of a shard, in place of what is in `into`.
    pub fn shard(&mut self, shard: usize, into: &mut Vec<u8>) -> io::Result<()> {
        self.read(self.place(shard), into)
    }

    /// Reads bytes, in place of what is in `into`.
    pub fn read(&mut self, place: Range<u64>, into: &mut Vec<u8>) -> io::Result<()> {
        into.resize(usize::try_from(place.end - place.start).map_err(io::Error::other)?, 0);
        self.file.seek(SeekFrom::Start(place.start))?;
        self.file.read_exact(into)
    }
}
