//! The distinct keys of a stream, each with the smallest origin that has it: what `unique` counts by.
//!
//! - Merging is a set union: the number of keys and the rows found to repeat one do not depend on who saw which row.
//! - 24 bytes per distinct key (hash and origin) in sorted runs, and at most a quarter more for what is not yet sorted in
//!   (`speed::keys_cost_about_thirty_bytes_each` measures it).
//!
//! # Why
//! Sorted runs in 256 shards instead of one hash table: a table doubles, and needs the old half beside the new whole while it does; a shard
//! grows by an eighth at a time. The origin costs 8 bytes per key and buys that samples name the same rows however rows were spread:
//! which row repeats another is known only when two states meet, and then nothing else of the row is left.

use tidegate_sdk::Result;

use crate::{
    hash::Hash128,
    state::{Reader, Writer},
};

const SHARDS: usize = 256;
/// Bytes of an entry, in memory and in a state.
const ENTRY_BYTES: usize = 24;
/// Rows a shard collects at least before it sorts them in.
const PENDING: usize = 128;

/// Sorts by hash, then by origin: of equal hashes the smallest origin comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: Hash128,
    origin: u64,
}

/// A set of keys.
#[derive(Debug)]
pub struct Keys {
    /// By the first byte of the hash.
    shards: Vec<Shard>,
}

#[derive(Debug, Clone, Default)]
struct Shard {
    sorted: Vec<Entry>,
    pending: Vec<Entry>,
}

impl Keys {
    pub fn new() -> Self {
        Self { shards: vec![Shard::default(); SHARDS] }
    }

    /// Takes a row's key. `repeats` hears, now or in a later call, of each row that is not the first with its key, once.
    pub fn insert(&mut self, hash: Hash128, origin: u64, repeats: impl FnMut(u64)) {
        let shard = &mut self.shards[(hash.0 >> 56) as usize];
        shard.pending.push(Entry { hash, origin });
        if shard.pending.len() >= PENDING.max(shard.sorted.len() / 8) {
            shard.settle(repeats);
        }
    }

    /// How many keys there are.
    pub fn distinct(&mut self, mut repeats: impl FnMut(u64)) -> u64 {
        self.shards.iter_mut().for_each(|shard| shard.settle(&mut repeats));
        self.shards.iter().map(|shard| shard.sorted.len() as u64).sum()
    }

    /// How many bytes [`Keys::save`] writes.
    pub fn saved_bytes(&self) -> usize {
        let entries: usize = self.shards.iter().map(|shard| shard.sorted.len() + shard.pending.len()).sum();
        entries * ENTRY_BYTES + SHARDS * 8
    }

    pub fn save(&self, out: &mut Writer) {
        for shard in &self.shards {
            out.number((shard.sorted.len() + shard.pending.len()) as u64);
            for entry in shard.sorted.iter().chain(&shard.pending) {
                out.number(entry.hash.0);
                out.number(entry.hash.1);
                out.number(entry.origin);
            }
        }
    }

    pub fn merge(&mut self, input: &mut Reader<'_>, mut repeats: impl FnMut(u64)) -> Result<()> {
        for shard in &mut self.shards {
            for _ in 0..input.count(ENTRY_BYTES)? {
                shard.pending.push(Entry { hash: Hash128(input.number()?, input.number()?), origin: input.number()? });
            }
            shard.settle(&mut repeats);
            shard.pending.shrink_to(PENDING);
        }
        Ok(())
    }
}

impl Shard {
    /// Sorts what is pending in and drops repeated keys.
    fn settle(&mut self, mut repeats: impl FnMut(u64)) {
        if self.pending.is_empty() {
            return;
        }
        self.pending.sort_unstable();
        self.sorted.reserve_exact(self.pending.len());
        self.sorted.append(&mut self.pending);
        // Two ascending runs: the stable sort finds and merges them.
        self.sorted.sort();
        self.sorted.dedup_by(|next, kept| {
            let repeated = next.hash == kept.hash;
            if repeated {
                repeats(next.origin);
            }
            repeated
        });
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
        let mut out = Writer::default();
        right.save(&mut out);
        let bytes = out.into_bytes();
        left.merge(&mut Reader::new(&bytes), |origin| repeated.push(origin)).unwrap();
        assert_eq!(left.distinct(|origin| repeated.push(origin)), 1990);
        repeated.sort_unstable();
        assert_eq!(repeated, (4991..=5000).collect::<Vec<_>>());
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
