//! The generator's own randomness: SplitMix64 (Steele, Lea, Flood 2014), keyed by seed, domain and index.
//!
//! Every order, product, seller and person has a generator of its own, so that any of them can be drawn again without keeping a table:
//! that is what bounds the memory. The same key gives the same draws on every machine.

/// What a generator is for. The numbers are part of what a seed means: never reorder them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Domain {
    Order = 1,
    Customer = 2,
    Person = 3,
    Product = 4,
    Seller = 5,
    Review = 6,
    Geolocation = 7,
    OrderId = 8,
    ProductId = 9,
    SellerId = 10,
    PersonId = 11,
    Repeat = 12,
    Prefix = 13,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

#[derive(Debug, Clone)]
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn of(seed: u64, domain: Domain, index: u64) -> Self {
        Self(mix(mix(seed.wrapping_add(GAMMA.wrapping_mul(domain as u64))) ^ index))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A 128-bit id; the files write it as 32 hex digits.
    pub(super) fn id(&mut self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }

    /// A whole number below `end`, which is at least 1.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A whole number from `first` to `last`, both included.
    pub(super) fn between(&mut self, first: i64, last: i64) -> i64 {
        first + self.below((last - first + 1) as u64) as i64
    }

    /// A number in [0, 1).
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// True in `per_mille` of 1,000 cases.
    pub(super) fn per_mille(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// One of `of`, whose `weight` says how often.
    pub(super) fn weighted<'a, T>(&mut self, of: &'a [T], weight: impl Fn(&T) -> u32) -> &'a T {
        let total: u64 = of.iter().map(|one| u64::from(weight(one))).sum();
        let mut left = self.below(total);
        for one in of {
            let share = u64::from(weight(one));
            if left < share {
                return one;
            }
            left -= share;
        }
        unreachable!("a draw below the sum of the weights falls into one of them")
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Domain, Rng};

    #[test]
    fn splitmix_gives_the_published_first_values() {
        let mut rng = Rng(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn domains_and_indexes_do_not_share_draws() {
        let draw = |domain, index| Rng::of(42, domain, index).next();
        assert_ne!(draw(Domain::Order, 0), draw(Domain::Customer, 0));
        assert_ne!(draw(Domain::Order, 0), draw(Domain::Order, 1));
    }
}
