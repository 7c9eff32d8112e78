//! Host side of the import `keys`: sets of hashes that a plugin fills and asks.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tidegate_keys::{Census, Count, Hash, Seen};
use wasmtime::component::Resource;

use super::{
    Stop,
    bindings::{keys, types},
    guest::Guest,
};

/// Where a run's sets of keys go when they outgrow memory, and where its instances find each other's.
#[derive(Clone)]
pub struct KeyDesk(Arc<Desk>);

struct Desk {
    folder: PathBuf,
    /// By ticket. A ticket can't be guessed: of one run's plugins none gets at what another one counted.
    offered: Mutex<HashMap<u64, SharedCensus>>,
}

/// A census that its instance, and whoever has its ticket, may hold.
pub type SharedCensus = Arc<Mutex<Census>>;

impl KeyDesk {
    /// Sets that outgrow memory go to nameless files in `folder`, which is made when the first one does.
    pub fn new(folder: PathBuf) -> Self {
        Self(Arc::new(Desk { folder, offered: Mutex::default() }))
    }

    fn offered(&self) -> MutexGuard<'_, HashMap<u64, SharedCensus>> {
        self.0.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn locked(census: &SharedCensus) -> MutexGuard<'_, Census> {
    census.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Guest {
    /// Counts keys against the limit.
    fn count_keys(&mut self, numbers: usize) -> wasmtime::Result<()> {
        self.keys = self.keys.saturating_add(numbers as u64 / 2);
        let limit = self.limits.keys;
        if self.keys > limit { Err(self.stop(Stop::Keys(limit))) } else { Ok(()) }
    }
}

impl keys::Host for Guest {}

impl keys::HostSeen for Guest {
    async fn new(&mut self) -> wasmtime::Result<Resource<Seen>> {
        self.hold_set()?;
        Ok(self.table.push(Seen::new(&self.desk.0.folder))?)
    }

    async fn insert(&mut self, seen: Resource<Seen>, hashes: Vec<u64>) -> wasmtime::Result<Result<Vec<u32>, types::Failure>> {
        self.count_keys(hashes.len())?;
        let Some(hashes) = pairs(&hashes) else { return Ok(Err(odd())) };
        Ok(self.table.get_mut(&seen)?.insert(&hashes.collect::<Vec<_>>()).map_err(|error| failed(&error)))
    }

    async fn drop(&mut self, seen: Resource<Seen>) -> wasmtime::Result<()> {
        self.table.delete(seen)?;
        self.sets -= 1;
        Ok(())
    }
}

impl keys::HostCensus for Guest {
    async fn new(&mut self) -> wasmtime::Result<Resource<SharedCensus>> {
        self.hold_set()?;
        Ok(self.table.push(Arc::new(Mutex::new(Census::new(&self.desk.0.folder))))?)
    }

    async fn add(
        &mut self,
        census: Resource<SharedCensus>,
        hashes: Vec<u64>,
        origins: Vec<u64>,
    ) -> wasmtime::Result<Result<(), types::Failure>> {
        self.count_keys(hashes.len())?;
        let Some(pairs) = pairs(&hashes).filter(|pairs| pairs.len() == origins.len()) else { return Ok(Err(odd())) };
        Ok(locked(self.table.get(&census)?).add(pairs.zip(origins)).map_err(|error| failed(&error)))
    }

    async fn ticket(&mut self, census: Resource<SharedCensus>) -> wasmtime::Result<u64> {
        let census = self.table.get(&census)?.clone();
        let mut offered = self.desk.offered();
        if let Some((ticket, _)) = offered.iter().find(|(_, other)| Arc::ptr_eq(other, &census)) {
            return Ok(*ticket);
        }
        let ticket = RandomState::new().hash_one(offered.len());
        offered.insert(ticket, census);
        Ok(ticket)
    }

    async fn absorb(&mut self, census: Resource<SharedCensus>, ticket: u64) -> wasmtime::Result<Result<(), types::Failure>> {
        let began = Instant::now();
        let own = self.table.get(&census)?.clone();
        let other = {
            let mut offered = self.desk.offered();
            match offered.remove(&ticket) {
                Some(other) if !Arc::ptr_eq(&own, &other) => other,
                Some(itself) => {
                    offered.insert(ticket, itself);
                    return Ok(Err(bug("a census can't take in itself")));
                }
                None => return Ok(Err(bug("no census of this run has this ticket; it may have been taken in already"))),
            }
        };
        let taken = std::mem::replace(&mut *locked(&other), Census::new(&self.desk.0.folder));
        let absorbed = locked(&own).absorb(taken).map_err(|error| failed(&error));
        self.served(began);
        Ok(absorbed)
    }

    async fn count(&mut self, census: Resource<SharedCensus>) -> wasmtime::Result<Result<keys::Count, types::Failure>> {
        let began = Instant::now();
        let counted = locked(self.table.get(&census)?).count();
        self.served(began);
        Ok(counted.map(|Count { distinct, repeats }| keys::Count { distinct, repeats }).map_err(|error| failed(&error)))
    }

    async fn drop(&mut self, census: Resource<SharedCensus>) -> wasmtime::Result<()> {
        self.table.delete(census)?;
        self.sets -= 1;
        Ok(())
    }
}

fn pairs(numbers: &[u64]) -> Option<impl ExactSizeIterator<Item = Hash> + '_> {
    let (pairs, rest) = numbers.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[first, second]| (*first, *second)))
}

fn odd() -> types::Failure {
    bug("hashes are two numbers for each key, with one origin where there are origins")
}

fn bug(message: &str) -> types::Failure {
    types::Failure { kind: types::FailureKind::Bug, message: message.to_owned() }
}

fn failed(error: &io::Error) -> types::Failure {
    types::Failure {
        kind: types::FailureKind::Unavailable,
        message: format!("the keys that outgrew memory can't be kept on disk: {error}"),
    }
}
