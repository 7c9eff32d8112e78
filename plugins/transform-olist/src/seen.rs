//! Remembers the keys of accepted rows, so that the first of its kind is kept and the rest are duplicates.
//!
//! # Why
//! 16 bytes per slot whatever the key's length, and one cache miss per look where the set of the standard library has two. Slots are in the
//! order of the hashes' first bits, so that growing reads and writes from front to back. Two different keys are taken for one with a
//! chance of 1 in 2^128 per pair: below 10^-20 for a billion rows.

use xxhash_rust::xxh3::xxh3_128;

/// The hash of a key: without a seed, the same on every instance and in every replay.
pub fn hash(key: &[u8]) -> u128 {
    xxh3_128(key)
}

/// A set of hashes with open addressing. At least a quarter of its slots is free.
#[derive(Default)]
pub struct Seen {
    /// A power of two of slots; [`FREE`] where there is no hash.
    slots: Vec<u128>,
    /// How far a hash is shifted to leave the number of its first slot.
    shift: u32,
    keys: usize,
}

const FREE: u128 = 0;

/// 16 KiB: a small table should not cost more than its rows.
const FIRST_SLOTS: usize = 1024;

/// So many slots are brought into the cache side by side: a miss costs more than all else that is done for a row.
const TOUCHED: usize = 32;

impl Seen {
    /// Adds hashes and calls `again` with the place of each one that was there already.
    pub fn insert_all(&mut self, hashes: &[u128], mut again: impl FnMut(usize)) {
        while (self.keys + hashes.len()) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        for (chunk, hashes) in hashes.chunks(TOUCHED).enumerate() {
            let touched = hashes.iter().fold(0, |sum, hash| sum ^ self.slots[self.first_slot(*hash)]);
            std::hint::black_box(touched);
            for (place, hash) in hashes.iter().enumerate() {
                if !self.insert(*hash) {
                    again(chunk * TOUCHED + place);
                }
            }
        }
    }

    fn insert(&mut self, hash: u128) -> bool {
        let hash = if hash == FREE { 1 } else { hash };
        let slot = self.slot_of(hash);
        let new = self.slots[slot] == FREE;
        self.slots[slot] = hash;
        self.keys += usize::from(new);
        new
    }

    fn first_slot(&self, hash: u128) -> usize {
        (hash >> self.shift) as usize
    }

    /// The slot that holds `hash`, or the free one where it belongs.
    fn slot_of(&self, hash: u128) -> usize {
        let mut slot = self.first_slot(hash);
        while self.slots[slot] != FREE && self.slots[slot] != hash {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() * 2).max(FIRST_SLOTS);
        self.shift = u128::BITS - slots.trailing_zeros();
        for hash in std::mem::replace(&mut self.slots, vec![FREE; slots]) {
            if hash != FREE {
                let slot = self.slot_of(hash);
                self.slots[slot] = hash;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_its_kind_is_new_and_the_rest_are_not() {
        let mut seen = Seen::default();
        let hashes: Vec<u128> = (0..100_000_u32).map(|key| hash(&key.to_le_bytes())).collect();
        let mut again = 0;
        for hashes in hashes.chunks(1000) {
            seen.insert_all(hashes, |_| again += 1);
        }
        assert_eq!((again, seen.keys), (0, 100_000));
        let mut places = Vec::new();
        seen.insert_all(&hashes, |place| places.push(place));
        assert_eq!(places, (0..100_000).collect::<Vec<_>>());
        assert!(seen.slots.len() <= 1 << 19);
    }

    #[test]
    fn a_key_twice_in_one_call_is_new_once() {
        let (mut seen, mut places) = (Seen::default(), Vec::new());
        seen.insert_all(&[7, 0, 7, 1 << 127, 0], |place| places.push(place));
        assert_eq!(places, [2, 4]);
    }
}
