//! Rows that were seen a short while ago: paging by number or offset repeats rows when others are added or change in front of them.

use std::{
    collections::{HashSet, VecDeque},
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
};

/// How many rows are remembered. A row is repeated on the next pages, not a list later; so many are 1.5 MB.
const REMEMBERED: usize = 1 << 16;

/// The last rows by hash of their key and version.
#[derive(Debug, Default)]
pub(super) struct Recent {
    known: HashSet<u64, BuildHasherDefault<AsItIs>>,
    order: VecDeque<u64>,
}

/// The hash of a hash.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Recent {
    /// Whether a row of this key and version was seen; from now on it was.
    pub fn saw<'a>(&mut self, parts: impl Iterator<Item = Option<&'a str>>) -> bool {
        let mut hasher = DefaultHasher::new();
        parts.for_each(|part| part.hash(&mut hasher));
        let hash = hasher.finish();
        if !self.known.insert(hash) {
            return true;
        }
        self.order.push_back(hash);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        false
    }

    /// Forgets the last `count` rows.
    pub fn forget(&mut self, count: usize) {
        for hash in self.order.drain(self.order.len().saturating_sub(count)..) {
            self.known.remove(&hash);
        }
    }

    /// How many rows are remembered.
    pub fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_known_until_so_many_came_after_it() {
        let mut recent = Recent::default();
        let mut saw = |key: &str| recent.saw([Some(key), None].into_iter());
        assert!(!saw("a") && saw("a"));
        for number in 0..REMEMBERED {
            assert!(!saw(&number.to_string()));
        }
        assert!(!saw("a"));
        recent.forget(1);
        assert!(!recent.saw([Some("a"), None].into_iter()));
    }
}
