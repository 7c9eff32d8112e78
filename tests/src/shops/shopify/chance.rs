//! Chance that is the same on every machine: splitmix64.

/// A sequence of numbers that its seed fixes.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    /// `rare` once in so many times, else `usual`.
    pub fn one_in<T>(&mut self, times: u64, rare: T, usual: T) -> T {
        if self.below(times) == 0 { rare } else { usual }
    }

    /// One of these.
    pub fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }

    /// One of these, if there are any.
    pub fn pick<T: Clone>(&mut self, values: &[T]) -> Option<T> {
        let place = self.below(values.len() as u64) as usize;
        values.get(place).cloned()
    }

    /// Some of these words, in their order.
    pub fn some(&mut self, words: &[&str]) -> Vec<String> {
        words.iter().filter(|_| self.below(3) == 0).map(|word| (*word).to_owned()).collect()
    }
}
