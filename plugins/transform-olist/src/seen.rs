//! Remembers the keys of accepted rows, so that the first of its kind is kept and the rest are duplicates.
//!
//! # Why
//! 12 bytes per slot whatever the key's length, 104 bits of its hash: two different keys are taken for one with a chance of 1 in 10^13 for a
//! billion rows. 256 tables instead of one, since a table that grows needs the old one beside the new; with a quarter more slots each time,
//! a key takes 16 bytes. Slots are in the order of the hashes, so that a growing table is read and written from front to back.
//!
//! The hashes of a batch are taken shard by shard, and the slots of all that go to one are touched before the first is looked up: in the order
//! of rows each look would wait for another page of memory, and cost more than all else that is done for a row; now they wait at the same time.

use tidegate_sdk::Hash128;

/// The hash of a key.
pub fn hash(key: &[u8]) -> u128 {
    let Hash128(first, second) = Hash128::of(key);
    u128::from(first) << 64 | u128::from(second)
}

/// A set of hashes.
pub struct Seen {
    /// By the first byte of the hash.
    shards: Vec<Shard>,
}

/// A table with open addressing. A hash's first slot is its place among all hashes.
#[derive(Clone, Default)]
struct Shard {
    slots: Vec<Tag>,
    keys: usize,
}

/// What is kept of a hash, below its first byte; [`FREE`] where there is none.
type Tag = [u32; 3];

const FREE: Tag = [0; 3];

const SHARDS: usize = 256;

/// A small table should not cost more than its rows.
const FIRST_SLOTS: usize = 16;

impl Default for Seen {
    fn default() -> Self {
        Self { shards: vec![Shard::default(); SHARDS] }
    }
}

impl Seen {
    /// Adds hashes and calls `again` with the place of each one that was there already.
    pub fn insert_all(&mut self, hashes: &[u128], mut again: impl FnMut(usize)) {
        let mut ends = [0_usize; SHARDS];
        hashes.iter().for_each(|hash| ends[shard(*hash)] += 1);
        ends.iter_mut().fold(0, |sum, end| std::mem::replace(end, sum) + sum);
        // Of equal hashes the first stays the first.
        let mut ordered = vec![(FREE, 0); hashes.len()];
        for (place, hash) in hashes.iter().enumerate() {
            let end = &mut ends[shard(*hash)];
            ordered[*end] = (tag(*hash), place);
            *end += 1;
        }
        let mut begin = 0;
        for (shard, end) in self.shards.iter_mut().zip(ends) {
            shard.insert_all(&ordered[begin..end], &mut again);
            begin = end;
        }
    }
}

fn shard(hash: u128) -> usize {
    (hash >> 120) as usize
}

fn tag(hash: u128) -> Tag {
    let tag = [(hash >> 88) as u32, (hash >> 56) as u32, (hash >> 24) as u32];
    if tag == FREE { [0, 0, 1] } else { tag }
}

impl Shard {
    /// Adds tags and calls `again` with the number beside each one that was there already.
    fn insert_all(&mut self, tags: &[(Tag, usize)], mut again: impl FnMut(usize)) {
        if tags.is_empty() {
            return;
        }
        self.make_room();
        // Loads that do not depend on each other: the processor makes them at the same time.
        let touched = tags.iter().fold(0, |touched, (tag, _)| touched ^ self.slots[self.first_slot(*tag)][0]);
        std::hint::black_box(touched);
        for (tag, place) in tags {
            self.make_room();
            let slot = self.slot_of(*tag);
            if self.slots[slot] == FREE {
                self.slots[slot] = *tag;
                self.keys += 1;
            } else {
                again(*place);
            }
        }
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

    /// Makes room for one more key, unless there is: beyond 17 of 20 slots, a look passes more of them than it is worth: 23 for a new key, 9
    /// where a quarter is free.
    #[inline]
    fn make_room(&mut self) {
        if self.keys * 20 >= self.slots.len() * 17 {
            self.grow();
        }
    }

    #[inline(never)]
    fn grow(&mut self) {
        let slots = (self.slots.len() * 5 / 4).max(FIRST_SLOTS);
        for tag in std::mem::replace(&mut self.slots, vec![FREE; slots]) {
            if tag != FREE {
                let slot = self.slot_of(tag);
                self.slots[slot] = tag;
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
        let keys: usize = seen.shards.iter().map(|shard| shard.keys).sum();
        assert_eq!((again, keys), (0, 100_000));
        let mut places = Vec::new();
        seen.insert_all(&hashes, |place| places.push(place));
        places.sort_unstable();
        assert_eq!(places, (0..100_000).collect::<Vec<_>>());
        let slots: usize = seen.shards.iter().map(|shard| shard.slots.len()).sum();
        assert!(slots * 12 < 100_000 * 18, "{slots} slots");
    }

    #[test]
    fn a_key_twice_in_one_call_is_new_once() {
        let (mut seen, mut places) = (Seen::default(), Vec::new());
        seen.insert_all(&[7 << 64, 0, 7 << 64, 1 << 127, 0], |place| places.push(place));
        places.sort_unstable();
        assert_eq!(places, [2, 4]);
    }
}
