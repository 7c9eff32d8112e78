//! How many different keys there are, and which rows repeat one: for those who judge when all rows were seen.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use crate::{Hash, ROOM, SHARDS, grown, lost, mix, shard_of, spill::Spilled};

/// How many rows that repeat a key are named.
pub const NAMED: usize = 10;

/// Counts different keys.
///
/// - What it says depends neither on the order of keys and rows nor on how they were spread over several of it that became one.
///
/// # Why
/// Nobody asks about a key before the end. So the keys of a shard wait until there are [`WAITING`] of them: then its table, which fits a core's
/// cache, takes all at once. A full census goes to disk as it is and begins anew; at the end the parts of each shard are put together, one shard
/// after the other. 72 bits of a hash are kept: of n keys two different ones are taken for one with a chance of n^2 / 2^73, one in ten
/// thousand for a billion.
#[derive(Debug)]
pub struct Census {
    shards: Vec<Shard>,
    /// How many keys are in the shards' tables.
    keys: usize,
    /// How many may be.
    room: usize,
    parts: Vec<Spilled>,
    /// The smallest origins of rows that repeat a key.
    repeats: Repeats,
    folder: PathBuf,
    /// Whether keys were lost when the folder could not be written.
    lost: bool,
}

/// What a [`Census`] counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// How many different keys there are.
    pub distinct: u64,
    /// The smallest origins of rows that are not the first with their key, ascending: at most [`NAMED`]. The first is the one with the
    /// smallest origin.
    pub repeats: Vec<u64>,
}

#[derive(Debug, Default)]
struct Repeats(BTreeSet<u64>);

/// A table with open addressing. An entry's first slot is its tag's place among all tags.
#[derive(Debug, Clone, Default)]
struct Shard {
    slots: Vec<Entry>,
    keys: usize,
    /// What is not in the table yet.
    waiting: Vec<Entry>,
}

/// A key's hash below its first byte, and the smallest origin that has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Never [`FREE`].
    tag: u64,
    origin: u64,
}

const FREE: u64 = 0;

/// How many keys of a shard wait at most: 8 KiB, in all 2 MiB.
const WAITING: usize = 512;

impl Census {
    /// An empty census. What outgrows memory goes to `folder`, which is touched no sooner.
    pub fn new(folder: &Path) -> Self {
        Self::with_room(folder, ROOM)
    }

    fn with_room(folder: &Path, room: usize) -> Self {
        let shards = vec![Shard::default(); SHARDS];
        Self { shards, keys: 0, room, parts: Vec::new(), repeats: Repeats::default(), folder: folder.to_owned(), lost: false }
    }

    /// Adds the keys of rows with the rows' origins, in pairs.
    ///
    /// # Errors
    /// Where the folder can't be written; the census can't be used any more then.
    pub fn add(&mut self, rows: impl IntoIterator<Item = (Hash, u64)>) -> io::Result<()> {
        for (hash, origin) in rows {
            let hash = mix(hash);
            self.insert(shard_of(hash), Entry { tag: hash.1.max(1), origin })?;
        }
        Ok(())
    }

    #[inline]
    fn insert(&mut self, shard: usize, entry: Entry) -> io::Result<()> {
        let table = &mut self.shards[shard];
        table.waiting.push(entry);
        if table.waiting.len() < WAITING {
            return Ok(());
        }
        let before = table.keys;
        table.settle(&mut self.repeats);
        self.keys += table.keys - before;
        if self.keys >= self.room { self.spill() } else { Ok(()) }
    }

    /// Adds what another one has.
    ///
    /// # Errors
    /// Where the folder can't be written; the census can't be used any more then.
    pub fn absorb(&mut self, other: Self) -> io::Result<()> {
        other.intact()?;
        self.parts.extend(other.parts);
        other.repeats.0.into_iter().for_each(|origin| self.repeats.offer(origin));
        for (number, shard) in other.shards.into_iter().enumerate() {
            for entry in shard.entries().chain(&shard.waiting) {
                self.insert(number, *entry)?;
            }
        }
        Ok(())
    }

    /// What was counted so far.
    ///
    /// # Errors
    /// Where the folder can't be read; the census can't be used any more then.
    pub fn count(&mut self) -> io::Result<Count> {
        self.intact()?;
        let (mut distinct, mut bytes) = (0, Vec::new());
        // A row that repeats a key does so whatever else comes: what is found here is kept.
        let repeats = &mut self.repeats;
        for (number, shard) in self.shards.iter_mut().enumerate() {
            shard.settle(repeats);
            if self.parts.is_empty() {
                distinct += shard.keys;
                continue;
            }
            let mut whole = shard.clone();
            for part in &mut self.parts {
                part.shard(number, &mut bytes)?;
                read_entries(&bytes).for_each(|entry| whole.insert(entry, repeats));
            }
            distinct += whole.keys;
        }
        self.keys = self.shards.iter().map(|shard| shard.keys).sum();
        Ok(Count { distinct: distinct as u64, repeats: self.repeats.0.iter().copied().collect() })
    }

    fn intact(&self) -> io::Result<()> {
        if self.lost { Err(lost()) } else { Ok(()) }
    }

    fn spill(&mut self) -> io::Result<()> {
        self.intact()?;
        // Until all of it is on disk.
        self.lost = true;
        let (shards, repeats) = (&mut self.shards, &mut self.repeats);
        let part = Spilled::write(&self.folder, |shard, bytes| {
            let table = &mut shards[shard];
            table.settle(repeats);
            for entry in table.entries() {
                bytes.extend_from_slice(&entry.tag.to_le_bytes());
                bytes.extend_from_slice(&entry.origin.to_le_bytes());
            }
            table.slots.fill(Entry { tag: FREE, origin: 0 });
            table.keys = 0;
            Ok(())
        })?;
        self.keys = 0;
        self.lost = false;
        self.parts.push(part);
        Ok(())
    }
}

fn read_entries(bytes: &[u8]) -> impl Iterator<Item = Entry> {
    let (numbers, _) = bytes.as_chunks::<8>();
    numbers.chunks_exact(2).map(|pair| Entry { tag: u64::from_le_bytes(pair[0]), origin: u64::from_le_bytes(pair[1]) })
}

impl Repeats {
    fn offer(&mut self, origin: u64) {
        if self.0.len() == NAMED && self.0.last().is_some_and(|last| origin >= *last) {
            return;
        }
        self.0.insert(origin);
        if self.0.len() > NAMED {
            self.0.pop_last();
        }
    }
}

impl Shard {
    #[inline(never)]
    fn settle(&mut self, repeats: &mut Repeats) {
        let mut waiting = std::mem::take(&mut self.waiting);
        for entry in waiting.drain(..) {
            self.insert(entry, repeats);
        }
        // Its memory is kept.
        self.waiting = waiting;
    }

    #[inline]
    fn insert(&mut self, entry: Entry, repeats: &mut Repeats) {
        if let Some(slots) = grown(self.keys + 1, self.slots.len()) {
            self.grow(slots);
        }
        let slot = self.slot_of(entry.tag);
        let found = &mut self.slots[slot];
        if found.tag == FREE {
            *found = entry;
            self.keys += 1;
        } else {
            repeats.offer(entry.origin.max(found.origin));
            found.origin = entry.origin.min(found.origin);
        }
    }

    /// The slot that holds a tag, or the free one where it belongs.
    #[inline]
    fn slot_of(&self, tag: u64) -> usize {
        let slots = self.slots.len();
        let mut slot = (((tag >> 32) * slots as u64) >> 32) as usize;
        loop {
            let found = self.slots[slot].tag;
            if found == tag || found == FREE {
                return slot;
            }
            slot = if slot + 1 == slots { 0 } else { slot + 1 };
        }
    }

    #[inline(never)]
    fn grow(&mut self, slots: usize) {
        let old = std::mem::replace(&mut self.slots, vec![Entry { tag: FREE, origin: 0 }; slots]);
        for entry in old.into_iter().filter(|entry| entry.tag != FREE) {
            let slot = self.slot_of(entry.tag);
            self.slots[slot] = entry;
        }
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.slots.iter().filter(|entry| entry.tag != FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::hash;

    fn census(folder: &Path, rows: impl IntoIterator<Item = (u64, u64)>) -> Census {
        let mut census = Census::with_room(folder, 1000);
        census.add(rows.into_iter().map(|(key, origin)| (hash(key), origin))).unwrap();
        census
    }

    #[test]
    fn keys_met_in_two_of_them_count_once_and_name_the_later_row() {
        let folder = tempfile::tempdir().unwrap();
        let mut left = census(folder.path(), (0..1000).map(|number| (number, number)));
        let right = census(folder.path(), (0..1000).map(|number| (number + 990, 5000 - number)));
        left.absorb(right).unwrap();
        let wanted = Count { distinct: 1990, repeats: (4991..=5000).collect() };
        assert_eq!(left.count().unwrap(), wanted);
        // Asking changes nothing.
        assert_eq!(left.count().unwrap(), wanted);
    }

    #[test]
    fn what_left_memory_counts_as_what_is_there() {
        const ROWS: u64 = 1_200_000;
        let folder = tempfile::tempdir().unwrap();
        // Of each nine rows two have the key of an earlier one.
        let rows = || (0..ROWS).map(|row| (if row % 9 > 6 { row / 9 } else { row + ROWS }, row));
        let mut whole = Census::with_room(folder.path(), usize::MAX);
        whole.add(rows().map(|(key, origin)| (hash(key), origin))).unwrap();
        assert!(whole.parts.is_empty());
        let wanted = whole.count().unwrap();
        // Of each nine, seven are alone with their key, and two share theirs.
        assert_eq!(wanted.distinct, (0..ROWS).filter(|row| row % 9 != 8).count() as u64);
        assert_eq!(wanted.repeats, (0..10).map(|number| 8 + 9 * number).collect::<Vec<_>>());

        let mut small = census(folder.path(), rows().filter(|(_, row)| row % 2 == 0));
        assert!(small.parts.len() > 1, "{}", small.parts.len());
        small.count().unwrap();
        let mut other = census(folder.path(), []);
        other.absorb(census(folder.path(), rows().filter(|(_, row)| row % 2 == 1))).unwrap();
        small.absorb(other).unwrap();
        assert_eq!(small.count().unwrap(), wanted);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_can_not_be_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut census = Census::with_room(&file.path().join("keys"), 100);
        assert!(census.add((0..1_000_000).map(|key| (hash(key), key))).is_err());
        // What is left is not all, and nobody may take it for that.
        assert_eq!(census.count().unwrap_err().to_string(), lost().to_string());
        assert_eq!(Census::new(file.path()).absorb(census).unwrap_err().to_string(), lost().to_string());
    }
}
