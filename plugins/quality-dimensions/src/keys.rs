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
//! Nobody asks about a key before the end. So the keys of a shard wait until there are [`WAITING`] of them: then its table, which fits a core's
//! cache, takes all at once. Looked up as they come, each key would be at another page of memory: that took a sixth of a run's CPU.
//!
//! The origin costs 8 bytes per key and buys that samples name the same rows however rows were spread: which row repeats another is known
//! only when two states meet, and then nothing else of the row is left.

use tidegate_sdk::{Hash128, Result};

use crate::state::{Reader, Writer};

const SHARDS: usize = 256;
/// Bytes of an entry, in memory and in a state.
const ENTRY_BYTES: usize = 16;
/// The slots of a shard that gets its first key.
const FIRST_SLOTS: usize = 16;
/// How many keys of a shard wait at most: 16 KiB, in all 4 MiB.
const WAITING: usize = 1024;

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
    /// What is not in the table yet.
    waiting: Vec<Entry>,
}

impl Keys {
    pub fn new() -> Self {
        Self { shards: vec![Shard::default(); SHARDS] }
    }

    /// Takes the key of a row with the row's origin. `repeats` hears of each row that is not the first with its key, once: of this one or of
    /// others, now or when [`Keys::settle`] is called.
    #[inline]
    pub fn insert(&mut self, hash: Hash128, origin: u64, repeats: impl FnMut(u64)) {
        let tag = if hash.1 == FREE { 1 } else { hash.1 };
        let shard = &mut self.shards[(hash.0 >> 56) as usize];
        shard.waiting.push(Entry { tag, origin });
        if shard.waiting.len() == WAITING {
            shard.settle(repeats);
        }
    }

    /// Puts into the tables what waits. Before this [`Keys::distinct`] and [`Keys::save`] know nothing of it.
    pub fn settle(&mut self, mut repeats: impl FnMut(u64)) {
        self.shards.iter_mut().for_each(|shard| shard.settle(&mut repeats));
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
    #[inline(never)]
    fn settle(&mut self, mut repeats: impl FnMut(u64)) {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.reserve(waiting.len());
        for entry in waiting.drain(..) {
            self.insert(entry, &mut repeats);
        }
        // Its memory is kept.
        self.waiting = waiting;
    }

    #[inline]
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

    /// A quarter more slots: a third of them is free then.
    fn grow(&mut self) {
        self.resize((self.slots.len() * 5 / 4).max(FIRST_SLOTS));
    }

    /// Makes room for more keys at once, unless there is room for them.
    fn reserve(&mut self, more: usize) {
        let (keys, slots) = (self.keys + more, self.slots.len());
        if keys * 20 > slots * 17 {
            self.resize((keys.max(slots) * 5 / 4).max(FIRST_SLOTS));
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
            left.insert(Hash128::of(&number.to_le_bytes()), number, |origin| repeated.push(origin));
            right.insert(Hash128::of(&(number + 990).to_le_bytes()), 5000 - number, |origin| repeated.push(origin));
        }
        right.settle(|origin| repeated.push(origin));
        let mut out = Writer::default();
        right.save(&mut out);
        let bytes = out.into_bytes();
        assert_eq!(bytes.len(), right.saved_bytes());
        left.merge(&mut Reader::new(&bytes), |origin| repeated.push(origin)).unwrap();
        // What waited when the other set came is found all the same.
        left.settle(|origin| repeated.push(origin));
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
        (0..6000).for_each(|number| keys.insert(hash(number), number, |_| repeated += 1));
        keys.settle(|_| repeated += 1);
        assert_eq!((keys.distinct(), repeated), (3000, 3000));
        // The hash that stands for a free slot is a key like others.
        (0..2).for_each(|origin| keys.insert(Hash128(0, 0), origin, |_| repeated += 1));
        keys.settle(|_| repeated += 1);
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
