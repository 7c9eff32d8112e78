//! Sets of keys that may outgrow the plugin's memory. The host keeps them, on disk where they are many.
//!
//! A key is here as its [`Hash128`]; two keys with one hash are one key. Natively, for unit tests, sets are the host's own without the host.

use crate::{Hash128, Result};

/// Keys that came before, for those who keep the first of its kind.
///
/// ```
/// use tidegate_sdk::{Hash128, keys::Seen};
///
/// let mut seen = Seen::default();
/// let keys = ["a", "b", "a"].map(|key| Hash128::of(key.as_bytes()));
/// assert_eq!(seen.insert(&keys)?, [2]);
/// assert_eq!(seen.insert(&keys[..1])?, [0]);
/// # Ok::<(), tidegate_sdk::Failure>(())
/// ```
#[derive(Default)]
pub struct Seen(imp::Seen);

impl Seen {
    /// Adds keys and gives the places in `keys` of those that were there already, in the set or earlier in `keys`, ascending. Fails as
    /// `unavailable` where the host can't write or read what is on disk; the set is lost then.
    pub fn insert(&mut self, keys: &[Hash128]) -> Result<Vec<u32>> {
        self.0.insert(keys)
    }
}

/// What a [`Census`] counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// How many different keys there are.
    pub distinct: u64,
    /// The smallest origins of rows that are not the first with their key, ascending: at most ten. The first is the one with the smallest
    /// origin.
    pub repeats: Vec<u64>,
}

/// Counts different keys, for those who judge when all rows were seen. What it says depends neither on the order of rows nor on how they were
/// spread over instances.
#[derive(Default)]
pub struct Census(imp::Census);

impl Census {
    /// Adds the keys of rows with the rows' origins: as many as there are keys. Fails as `unavailable` where the host can't write.
    pub fn add(&mut self, keys: &[Hash128], origins: &[u64]) -> Result<()> {
        self.0.add(keys, origins)
    }

    /// A number that stands for this census in the state of a [`crate::Quality`], good in this run.
    pub fn ticket(&self) -> u64 {
        self.0.ticket()
    }

    /// Adds what another census has, and takes it away from there. Fails as `bug` where no census has this ticket, or it is its own.
    pub fn absorb(&mut self, ticket: u64) -> Result<()> {
        self.0.absorb(ticket)
    }

    /// What was counted so far. Fails as `unavailable` where the host can't read.
    pub fn count(&mut self) -> Result<Count> {
        self.0.count()
    }
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::Count;
    use crate::{Hash128, Result, bindings::types_world::tidegate::plugin::keys as host};

    fn numbers(keys: &[Hash128]) -> Vec<u64> {
        keys.iter().flat_map(|Hash128(first, second)| [*first, *second]).collect()
    }

    pub struct Seen(host::Seen);

    impl Default for Seen {
        fn default() -> Self {
            Self(host::Seen::new())
        }
    }

    impl Seen {
        pub fn insert(&mut self, keys: &[Hash128]) -> Result<Vec<u32>> {
            Ok(self.0.insert(&numbers(keys))?)
        }
    }

    pub struct Census(host::Census);

    impl Default for Census {
        fn default() -> Self {
            Self(host::Census::new())
        }
    }

    impl Census {
        pub fn add(&mut self, keys: &[Hash128], origins: &[u64]) -> Result<()> {
            Ok(self.0.add(&numbers(keys), origins)?)
        }

        pub fn ticket(&self) -> u64 {
            self.0.ticket()
        }

        pub fn absorb(&mut self, ticket: u64) -> Result<()> {
            Ok(self.0.absorb(ticket)?)
        }

        pub fn count(&mut self) -> Result<Count> {
            let host::Count { distinct, repeats } = self.0.count()?;
            Ok(Count { distinct, repeats })
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod imp {
    use std::{cell::RefCell, collections::HashMap, env, io, rc::Rc};

    use super::Count;
    use crate::{Failure, Hash128, Result};

    fn hashes(keys: &[Hash128]) -> impl Iterator<Item = tidegate_keys::Hash> + '_ {
        keys.iter().map(|Hash128(first, second)| (*first, *second))
    }

    fn failed(error: io::Error) -> Failure {
        Failure::unavailable(format!("the keys that outgrew memory can't be kept on disk: {error}"))
    }

    pub struct Seen(tidegate_keys::Seen);

    impl Default for Seen {
        fn default() -> Self {
            Self(tidegate_keys::Seen::new(&env::temp_dir()))
        }
    }

    impl Seen {
        pub fn insert(&mut self, keys: &[Hash128]) -> Result<Vec<u32>> {
            self.0.insert(&hashes(keys).collect::<Vec<_>>()).map_err(failed)
        }
    }

    type Shared = Rc<RefCell<tidegate_keys::Census>>;

    thread_local! {
        /// What has a ticket, on this thread.
        static OFFERED: RefCell<HashMap<u64, Shared>> = RefCell::default();
    }

    pub struct Census(Shared);

    impl Default for Census {
        fn default() -> Self {
            Self(Rc::new(RefCell::new(tidegate_keys::Census::new(&env::temp_dir()))))
        }
    }

    impl Census {
        pub fn add(&mut self, keys: &[Hash128], origins: &[u64]) -> Result<()> {
            self.0.borrow_mut().add(hashes(keys).zip(origins.iter().copied())).map_err(failed)
        }

        pub fn ticket(&self) -> u64 {
            OFFERED.with_borrow_mut(|offered| {
                let known = offered.iter().find(|(_, other)| Rc::ptr_eq(other, &self.0)).map(|(ticket, _)| *ticket);
                known.unwrap_or_else(|| {
                    let ticket = (0..).find(|ticket| !offered.contains_key(ticket)).expect("few have a ticket");
                    offered.insert(ticket, self.0.clone());
                    ticket
                })
            })
        }

        pub fn absorb(&mut self, ticket: u64) -> Result<()> {
            let Some(other) = OFFERED.with_borrow_mut(|offered| offered.remove(&ticket)).filter(|other| !Rc::ptr_eq(other, &self.0)) else {
                return Err(Failure::bug("no other census of this run has this ticket; it may have been taken in already"));
            };
            let taken = other.replace(tidegate_keys::Census::new(&env::temp_dir()));
            self.0.borrow_mut().absorb(taken).map_err(failed)
        }

        pub fn count(&mut self) -> Result<Count> {
            let tidegate_keys::Count { distinct, repeats } = self.0.borrow_mut().count().map_err(failed)?;
            Ok(Count { distinct, repeats })
        }
    }
}
