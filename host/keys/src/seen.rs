//! Which keys came before: for those who keep the first of its kind.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{Hash, ROOM, SHARDS, grown, lost, mix, shard_of, spill::Spilled};

/// A set that says of each key at once whether it was there.
///
/// # Why
/// 12 bytes per slot whatever the key's length, 104 bits of its hash: two different keys are taken for one with a chance of 1 in 10^13 for a
/// billion of them. A full table becomes a [`Run`], in order and on disk, and begins anew; eight runs become one. A key is looked for in the
/// table, then in those runs whose filter does not deny it: for a new key one in two hundred does not.
///
/// The keys of a call are taken shard by shard, and the slots of all that go to one are touched before the first is looked up: in the order in
/// which they came each look would wait for another page of memory; now they wait at the same time.
#[derive(Debug)]
pub struct Seen {
    shards: Vec<Shard>,
    /// How many keys are in the shards.
    keys: usize,
    /// How many may be.
    room: usize,
    /// The older, the larger.
    runs: Vec<Run>,
    folder: PathBuf,
    /// Memory for what a run is asked.
    bytes: Vec<u8>,
    /// Whether keys were lost when the folder could not be written.
    lost: bool,
}

/// A table with open addressing. A tag's first slot is its place among all tags.
#[derive(Debug, Clone, Default)]
struct Shard {
    slots: Vec<Tag>,
    keys: usize,
}

/// What is kept of a hash, below its first byte; [`FREE`] where there is none.
type Tag = [u32; 3];

const FREE: Tag = [0; 3];

const TAG_BYTES: usize = size_of::<Tag>();

/// How many keys are looked up together: what a call may take beside its input.
const TOGETHER: usize = 1 << 16;

/// As many runs of a size become one.
const FAN_IN: usize = 8;

/// One tag of so many is remembered of a run, so that one read finds the others.
const BLOCK: usize = 128;

impl Seen {
    /// An empty set. What outgrows memory goes to `folder`, which is touched no sooner.
    pub fn new(folder: &Path) -> Self {
        Self::with_room(folder, ROOM)
    }

    fn with_room(folder: &Path, room: usize) -> Self {
        Self {
            shards: vec![Shard::default(); SHARDS],
            keys: 0,
            room,
            runs: Vec::new(),
            folder: folder.to_owned(),
            bytes: Vec::new(),
            lost: false,
        }
    }

    /// Adds keys and gives the places of those that were there already, in the set or earlier in `hashes`, ascending.
    ///
    /// # Errors
    /// Where the folder can't be written or read; the set can't be used any more then.
    pub fn insert(&mut self, hashes: &[Hash]) -> io::Result<Vec<u32>> {
        if self.lost {
            return Err(lost());
        }
        let mut again = Vec::new();
        let mut first = 0;
        for hashes in hashes.chunks(TOGETHER) {
            self.insert_some(hashes, first, &mut again)?;
            first += hashes.len();
        }
        again.sort_unstable();
        Ok(again)
    }

    fn insert_some(&mut self, hashes: &[Hash], first: usize, again: &mut Vec<u32>) -> io::Result<()> {
        let hashes: Vec<Hash> = hashes.iter().map(|hash| mix(*hash)).collect();
        let mut ends = [0_usize; SHARDS];
        hashes.iter().for_each(|hash| ends[shard_of(*hash)] += 1);
        ends.iter_mut().fold(0, |sum, end| std::mem::replace(end, sum) + sum);
        // Of equal hashes the first stays the first.
        let mut ordered = vec![(FREE, 0_u32); hashes.len()];
        for (place, hash) in hashes.iter().enumerate() {
            let end = &mut ends[shard_of(*hash)];
            ordered[*end] = (tag(*hash), (first + place) as u32);
            *end += 1;
        }
        let mut begin = 0;
        for (shard, end) in ends.into_iter().enumerate() {
            self.insert_tags(shard, &ordered[begin..end], again)?;
            begin = end;
        }
        if self.keys >= self.room { self.spill() } else { Ok(()) }
    }

    fn insert_tags(&mut self, shard: usize, tags: &[(Tag, u32)], again: &mut Vec<u32>) -> io::Result<()> {
        if tags.is_empty() {
            return Ok(());
        }
        let table = &mut self.shards[shard];
        table.make_room();
        table.touch(tags);
        for (tag, place) in tags {
            table.make_room();
            let slot = table.slot_of(*tag);
            if table.slots[slot] == *tag || has(&mut self.runs, shard, *tag, &mut self.bytes)? {
                again.push(*place);
            } else {
                table.slots[slot] = *tag;
                table.keys += 1;
                self.keys += 1;
            }
        }
        Ok(())
    }

    /// Makes a run of what is in memory.
    fn spill(&mut self) -> io::Result<()> {
        // Until all of it is on disk.
        self.lost = true;
        let shards = &mut self.shards;
        let run = Run::write(&self.folder, 0, self.keys, |shard, tags| {
            let table = &mut shards[shard];
            tags.extend(table.slots.iter().filter(|slot| **slot != FREE));
            table.slots.fill(FREE);
            table.keys = 0;
            Ok(())
        })?;
        self.keys = 0;
        self.runs.push(run);
        while let Some(level) = self.runs.last().map(|run| run.level)
            && self.runs.iter().filter(|run| run.level == level).count() == FAN_IN
        {
            let mut parts = self.runs.split_off(self.runs.len() - FAN_IN);
            let keys = parts.iter().map(|run| run.keys).sum();
            let mut bytes = Vec::new();
            let run = Run::write(&self.folder, level + 1, keys, |shard, tags| {
                for part in &mut parts {
                    part.file.shard(shard, &mut bytes)?;
                    tags.extend(read_tags(&bytes));
                }
                Ok(())
            })?;
            self.runs.push(run);
        }
        self.lost = false;
        Ok(())
    }
}

fn has(runs: &mut [Run], shard: usize, tag: Tag, bytes: &mut Vec<u8>) -> io::Result<bool> {
    for run in runs {
        if run.filter.may_have(order(shard, tag), tag) && run.has(shard, tag, bytes)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn tag((first, second): Hash) -> Tag {
    let tag = [(first >> 24) as u32, (first << 8) as u32 | (second >> 56) as u32, (second >> 24) as u32];
    if tag == FREE { [0, 0, 1] } else { tag }
}

/// The start of a key's place among all keys: 40 bits.
fn order(shard: usize, tag: Tag) -> u64 {
    (shard as u64) << 32 | u64::from(tag[0])
}

fn read_tags(bytes: &[u8]) -> impl Iterator<Item = Tag> {
    let (tags, _) = bytes.as_chunks::<TAG_BYTES>();
    tags.iter().map(|tag| {
        let part = |at: usize| u32::from_le_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]);
        [part(0), part(4), part(8)]
    })
}

impl Shard {
    /// Loads that do not depend on each other: the processor makes them at the same time.
    fn touch(&self, tags: &[(Tag, u32)]) {
        std::hint::black_box(tags.iter().fold(0, |touched, (tag, _)| touched ^ self.slots[self.first_slot(*tag)][0]));
    }

    fn first_slot(&self, [first, ..]: Tag) -> usize {
        ((u64::from(first) * self.slots.len() as u64) >> 32) as usize
    }

    /// The slot that holds `tag`, or the free one where it belongs.
    fn slot_of(&self, tag: Tag) -> usize {
        let mut slot = self.first_slot(tag);
        while self.slots[slot] != FREE && self.slots[slot] != tag {
            slot = if slot + 1 == self.slots.len() { 0 } else { slot + 1 };
        }
        slot
    }

    /// Makes room for one more key.
    #[inline]
    fn make_room(&mut self) {
        if let Some(slots) = grown(self.keys + 1, self.slots.len()) {
            self.grow(slots);
        }
    }

    #[inline(never)]
    fn grow(&mut self, slots: usize) {
        for tag in std::mem::replace(&mut self.slots, vec![FREE; slots]) {
            if tag != FREE {
                let slot = self.slot_of(tag);
                self.slots[slot] = tag;
            }
        }
    }
}

/// Keys in order, in a file.
#[derive(Debug)]
struct Run {
    file: Spilled,
    keys: usize,
    /// How often its keys were made one run with others.
    level: u32,
    filter: Filter,
    /// The [`order`] of the first key of each block.
    blocks: Vec<u64>,
}

impl Run {
    /// Writes `keys` keys. `fill` is asked for those of each shard in turn.
    fn write(folder: &Path, level: u32, keys: usize, mut fill: impl FnMut(usize, &mut Vec<Tag>) -> io::Result<()>) -> io::Result<Self> {
        let (mut filter, mut blocks, mut tags, mut written) = (Filter::new(keys), Vec::new(), Vec::new(), 0);
        let file = Spilled::write(folder, |shard, bytes| {
            tags.clear();
            fill(shard, &mut tags)?;
            tags.sort_unstable();
            for tag in &tags {
                let order = order(shard, *tag);
                if written % BLOCK == 0 {
                    blocks.push(order);
                }
                written += 1;
                filter.add(order, *tag);
                tag.iter().for_each(|part| bytes.extend_from_slice(&part.to_le_bytes()));
            }
            Ok(())
        })?;
        Ok(Self { file, keys, level, filter, blocks })
    }

    fn has(&mut self, shard: usize, tag: Tag, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let order = order(shard, tag);
        // A block that begins with this order may follow one that ends with it.
        let first = self.blocks.partition_point(|begin| *begin < order).saturating_sub(1);
        let end = self.blocks.partition_point(|begin| *begin <= order);
        let (own, block) = (self.file.place(shard), (BLOCK * TAG_BYTES) as u64);
        let (begin, end) = (own.start.max(first as u64 * block), own.end.min(end as u64 * block));
        if begin >= end {
            return Ok(false);
        }
        self.file.read(begin..end, bytes)?;
        Ok(read_tags(bytes).any(|found| found == tag))
    }
}

/// A blocked Bloom filter (Putze, Sanders, Singler 2007): 12 bits per key, 6 of them set, all in one line of the cache.
#[derive(Debug)]
struct Filter(Vec<[u64; 8]>);

impl Filter {
    fn new(keys: usize) -> Self {
        Self(vec![[0; 8]; (keys * 12).div_ceil(512).max(1)])
    }

    /// Keys in order fill it from front to back.
    fn line(&self, order: u64) -> usize {
        ((u128::from(order) * self.0.len() as u128) >> 40) as usize
    }

    fn bits([_, second, third]: Tag) -> impl Iterator<Item = (usize, u64)> {
        let bits = u64::from(second) << 32 | u64::from(third);
        (0..6).map(move |at| (bits >> (at * 9)) & 511).map(|bit| ((bit >> 6) as usize, 1 << (bit & 63)))
    }

    fn add(&mut self, order: u64, tag: Tag) {
        let line = self.line(order);
        Self::bits(tag).for_each(|(word, bit)| self.0[line][word] |= bit);
    }

    fn may_have(&self, order: u64, tag: Tag) -> bool {
        let line = &self.0[self.line(order)];
        Self::bits(tag).all(|(word, bit)| line[word] & bit > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::hash;

    #[test]
    fn the_first_of_its_kind_is_new_and_the_rest_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut seen = Seen::new(folder.path());
        let hashes: Vec<Hash> = (0..100_000).map(hash).collect();
        for hashes in hashes.chunks(1000) {
            assert_eq!(seen.insert(hashes).unwrap(), []);
        }
        assert_eq!(seen.insert(&hashes).unwrap(), (0..100_000).collect::<Vec<_>>());
        let slots: usize = seen.shards.iter().map(|shard| shard.slots.len()).sum();
        assert!(slots < 100_000 * 3, "{slots} slots");
        assert!(seen.runs.is_empty());
    }

    #[test]
    fn a_key_twice_in_one_call_is_new_once() {
        let mut seen = Seen::new(Path::new("nowhere"));
        assert_eq!(seen.insert(&[(7, 0), (0, 0), (7, 0), (1 << 63, 0), (0, 0)]).unwrap(), [2, 4]);
    }

    #[test]
    fn what_left_memory_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        // More than 64 runs, of which eight become one, and eight of those one again.
        let mut seen = Seen::with_room(folder.path(), 1000);
        let keys = seen.room as u64 * 100;
        for begin in (0..keys).step_by(500) {
            let mut hashes: Vec<Hash> = (begin..keys.min(begin + 500)).map(hash).collect();
            // One of the first runs, one of a later one, and one of this call.
            hashes.extend([hash(begin / 7), hash(begin.saturating_sub(3000)), hash(begin)]);
            let places = hashes.len() as u32;
            assert_eq!(seen.insert(&hashes).unwrap(), (places - 3..places).collect::<Vec<_>>(), "{begin}");
        }
        let levels: Vec<_> = seen.runs.iter().map(|run| run.level).collect();
        assert!(levels.starts_with(&[2]) && levels.is_sorted_by(|a, b| a >= b) && levels.len() < 15, "{levels:?}");
        let all: Vec<Hash> = (0..keys).map(hash).collect();
        assert_eq!(seen.insert(&all).unwrap().len(), all.len());
        assert_eq!(seen.insert(&(keys..keys + 1000).map(hash).collect::<Vec<_>>()).unwrap(), []);
        // The files have no names.
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn few_new_keys_get_past_the_filter() {
        let mut filter = Filter::new(100_000);
        let taken = |number: u64| {
            let hash = mix(hash(number));
            (order(shard_of(hash), tag(hash)), tag(hash))
        };
        let mut numbers: Vec<_> = (0..100_000).map(taken).collect();
        numbers.iter().for_each(|(order, tag)| filter.add(*order, *tag));
        assert!(numbers.iter().all(|(order, tag)| filter.may_have(*order, *tag)));
        numbers = (100_000..200_000).map(taken).collect();
        let past = numbers.iter().filter(|(order, tag)| filter.may_have(*order, *tag)).count();
        assert!((1..1500).contains(&past), "{past} of 100,000");
    }

    #[test]
    fn a_folder_that_can_not_be_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut seen = Seen::with_room(&file.path().join("keys"), 100);
        assert!(seen.insert(&(0..1000).map(hash).collect::<Vec<_>>()).is_err());
        assert_eq!(seen.insert(&[hash(1)]).unwrap_err().to_string(), lost().to_string());
    }
}
