//! The distinct keys of a stream, each with the smallest origin that has it: what `unique` counts by.
//!
//! - Merging is a set union: the number of keys and the rows found to repeat one do not depend on who saw which row.
//! - 16 bytes per distinct key (64 bits of its hash, beside the 8 that choose its shard, and its origin), and a third more for free slots
//!   (`speed::keys_cost_about_twenty_bytes_each` measures it).
//!
//! # Why
//! 256 hash tables instead of one: a table that grows needs the old one beside the new, and a shard of 256 is small. Slots are in the order of
//! the hashes, so that a growing table is read and written from front to back. Sorted runs, which were here before, took 28 bytes, and to sort
//! took twice as long as to hash. Of n keys two different ones are taken for one with a chance of n^2 / 2^73: one in ten thousand for a billion.
//!
//! The keys of a batch are taken in the order of their hashes, so that the tables are walked from front to back: in the order of rows, each
//! look would be at another page of memory, and cost more than all else that is done for a row.
//!
//! The origin costs 8 bytes per key and buys that samples name the same rows however rows were spread: which row repeats another is known
//! only when two states meet, and then nothing else of the row is left.

use tidegate_sdk::Result;

use crate::{
    hash::Hash128,
    state::{Reader, Writer},
};

const SHARDS: usize = 256;
/// Bytes of an entry, in memory and in a state.
const ENTRY_BYTES: usize = 16;
/// The slots of a shard that gets its first key.
const FIRST_SLOTS: usize = 16;

/// Into so many parts the keys of a batch are ordered: eight per shard.
const BUCKETS: usize = SHARDS * 8;

fn bucket(hash: Hash128) -> usize {
    (((hash.0 >> 56) << 3) | (hash.1 >> 61)) as usize
}

/// A key's hash and the smallest origin that has it.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Never [`FREE`].
    tag: u64,
    origin: u64,
}

const FREE: u64 = 0;

/// A set of keys.
#[derive(Debug)]
pub struct Keys {
    /// By the first byte of the hash.
    shards: Vec<Shard>,
}

/// A table with open addressing. An entry's first slot is its tag's place among all tags.
#[derive(Debug, Clone, Default)]
struct Shard {
    slots: Vec<Entry>,
    keys: usize,
}

impl Keys {
    pub fn new() -> Self {
        Self { shards: vec![Shard::default(); SHARDS] }
    }

    /// Takes the keys of rows, each with the row's origin. `repeats` hears of each row that is not the first with its key, once.
    pub fn insert_all(&mut self, rows: &[(Hash128, u64)], mut repeats: impl FnMut(u64)) {
        let mut ends = [0_usize; BUCKETS];
        rows.iter().for_each(|(hash, _)| ends[bucket(*hash)] += 1);
        ends.iter_mut().fold(0, |sum, end| std::mem::replace(end, sum) + sum);
        let mut ordered = vec![(Hash128(0, 0), 0); rows.len()];
        for row in rows {
            let end = &mut ends[bucket(row.0)];
            ordered[*end] = *row;
            *end += 1;
        }
        for (hash, origin) in ordered {
            let tag = if hash.1 == FREE { 1 } else { hash.1 };
            self.shards[(hash.0 >> 56) as usize].insert(Entry { tag, origin }, &mut repeats);
        }
    }

    /// How many keys there are.
    pub fn distinct(&self) -> u64 {
        self.shards.iter().map(|shard| shard.keys as u64).sum()
    }

    /// How many bytes [`Keys::save`] writes.
    pub fn saved_bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.keys).sum::<usize>() * ENTRY_BYTES + SHARDS * 8
    }

    pub fn save(&self, out: &mut Writer) {
        for shard in &self.shards {
            out.number(shard.keys as u64);
            for entry in shard.entries() {
                out.number(entry.tag);
                out.number(entry.origin);
            }
        }
    }

    pub fn merge(&mut self, input: &mut Reader<'_>, mut repeats: impl FnMut(u64)) -> Result<()> {
        for shard in &mut self.shards {
            let count = input.count(ENTRY_BYTES)?;
            // A state is in the order of the hashes: in a table that grows with it, all would crowd at the front.
            shard.reserve(count);
            for _ in 0..count {
                let (tag, origin) = (input.number()?, input.number()?);
                shard.insert(Entry { tag: tag.max(1), origin }, &mut repeats);
            }
        }
        Ok(())
    }
}

impl Shard {
    fn insert(&mut self, entry: Entry, mut repeats: impl FnMut(u64)) {
        // Beyond that, a look passes more slots than it is worth: 23 for a new key, 9 where a quarter is free.
        if self.keys * 20 >= self.slots.len() * 17 {
            self.grow();
        }
        let slot = self.slot_of(entry.tag);
        let found = &mut self.slots[slot];
        if found.tag == FREE {
            *found = entry;
            self.keys += 1;
        } else {
            repeats(entry.origin.max(found.origin));
            found.origin = entry.origin.min(found.origin);
        }
    }

    /// The slot that holds a tag, or the free one where it belongs.
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

    /// A quarter more slots: a third of them is free then.
    fn grow(&mut self) {
        self.resize((self.slots.len() * 5 / 4).max(FIRST_SLOTS));
    }

    fn reserve(&mut self, more: usize) {
        let slots = (self.keys + more) * 5 / 4;
        if slots > self.slots.len() {
            self.resize(slots.max(FIRST_SLOTS));
        }
    }

    fn resize(&mut self, slots: usize) {
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

    #[test]
    fn keys_met_in_two_sets_count_once_and_name_the_later_row() {
        let (mut left, mut right) = (Keys::new(), Keys::new());
        let mut repeated = Vec::new();
        for number in 0..1000_u64 {
            left.insert_all(&[(Hash128::of(&number.to_le_bytes()), number)], |origin| repeated.push(origin));
            right.insert_all(&[(Hash128::of(&(number + 990).to_le_bytes()), 5000 - number)], |origin| repeated.push(origin));
        }
        let mut out = Writer::default();
        right.save(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(bytes.len(), right.saved_bytes());
        left.merge(&mut Reader::new(&bytes), |origin| repeated.push(origin)).unwrap();
        assert_eq!(left.distinct(), 1990);
        repeated.sort_unstable();
        assert_eq!(repeated, (4991..=5000).collect::<Vec<_>>());
    }

    #[test]
    fn a_key_is_found_again_however_full_its_shard_is() {
        let mut keys = Keys::new();
        // All in one shard, at the end of its slots: they go round to its beginning.
        let hash = |number: u64| Hash128(7 << 56, u64::MAX - number % 3000);
        let mut repeated = 0;
        let rows: Vec<_> = (0..6000).map(|number| (hash(number), number)).collect();
        keys.insert_all(&rows, |_| repeated += 1);
        assert_eq!((keys.distinct(), repeated), (3000, 3000));
        // The hash that stands for a free slot is a key like others.
        keys.insert_all(&[(Hash128(0, 0), 0), (Hash128(0, 0), 1)], |_| repeated += 1);
        assert_eq!((keys.distinct(), repeated), (3001, 3001));
    }

    #[test]
    fn broken_states_are_refused() {
        let mut out = Writer::default();
        Keys::new().save(&mut out);
        let mut bytes = out.into_bytes();
        bytes[0] = 200;
        assert!(Keys::new().merge(&mut Reader::new(&bytes), |_| ()).is_err());
        assert!(Keys::new().merge(&mut Reader::new(&bytes[..7]), |_| ()).is_err());
    }
}
