//! Sets of keys that may outgrow memory, for plugins that deduplicate a stream or look for keys that repeat.
//!
//! - A key is here as 128 bits of its hash; two keys with one hash are one key. [`Seen`] says at once which keys it had; [`Census`] counts
//!   them and names the rows that repeat one when all rows were seen.
//! - Up to [`SET_BYTES`] of a set are in memory, what is beyond that in nameless files of a folder: they go with the set, however the
//!   process ends.
//!
//! # Why
//! The alternative, tables in a plugin's own memory, costs a gigabyte for fifty million keys, is lost at the plugin's memory cap, and each
//! language's SDK would bring its own. Nothing of DataFusion fits: its aggregation spills whole batches and gives rows when all were seen, while
//! a transform must say of each batch which rows are new. An embedded key-value store (redb, fjall) brings recovery, transactions and caches for
//! a file that nobody opens again.

mod census;
mod seen;
mod spill;

use std::{
    hash::{BuildHasher, RandomState},
    io,
    sync::LazyLock,
};

pub use census::{Census, Count, NAMED};
pub use seen::Seen;

/// 128 bits of a key's hash.
pub type Hash = (u64, u64);

/// How many bytes a set takes in memory, rounded up: tables of [`ROOM`] keys, what waits, and while it grows half of that again.
pub const SET_BYTES: usize = 16 << 20;

/// How many keys of a set are in memory at most. Spread over the shards, they fill tables of 2,048 slots to three quarters; one shard in thousands
/// has so many more than the others that its table doubles.
const ROOM: usize = 400_000;

/// A set is cut into as many shards, by the first byte of the hash: a shard is small enough to be put in order in a core's cache, and a table
/// that grows needs its old self beside it.
const SHARDS: usize = 256;

/// The slots of a shard that gets its first key.
const FIRST_SLOTS: usize = 16;

/// What is said of a set whose keys went where a disk failed.
fn lost() -> io::Error {
    io::Error::other("some of its keys were lost when they could not be written before")
}

fn shard_of((first, _): Hash) -> usize {
    (first >> 56) as usize
}

/// How many slots a table is given for so many keys; none where `slots` are enough. Beyond 17 of 20 a look passes more slots than it is
/// worth: 23 for a new key, 9 where a quarter is free. Tables double: of what they leave behind, little is of a size that is never asked for again.
fn grown(keys: usize, slots: usize) -> Option<usize> {
    (keys * 20 > slots * 17).then(|| (keys * 20 / 17 + 1).next_power_of_two().max(FIRST_SLOTS))
}

/// Who knows where a hash goes could fill one place of a table and make each look a long one; a plugin chooses the hashes, so they are mixed
/// with numbers that it does not know. One to one: two rounds of a Feistel network whose function is a folded multiplication.
fn mix((first, second): Hash) -> Hash {
    let [a, b, c, d] = *SECRETS;
    let first = first ^ fold(second ^ a, b);
    (first, second ^ fold(first ^ c, d))
}

/// One set of numbers for the process: a [`Census`] takes in another one.
static SECRETS: LazyLock<[u64; 4]> = LazyLock::new(|| std::array::from_fn(|_| RandomState::new().hash_one(()) | 1));

fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some hash: mixed well enough by what is under test.
    pub fn hash(number: u64) -> Hash {
        (number, !number)
    }

    #[test]
    fn mixing_spreads_and_loses_nothing() {
        let mixed: std::collections::HashSet<_> = (0..100_000).map(|number| mix(hash(number))).collect();
        assert_eq!(mixed.len(), 100_000);
        let mut shards = [0; SHARDS];
        mixed.iter().for_each(|hash| shards[shard_of(*hash)] += 1);
        let (least, most) = (shards.iter().min(), shards.iter().max());
        assert!(least > Some(&250) && most < Some(&550), "{least:?} {most:?}");
    }
}
