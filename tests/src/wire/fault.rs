//! What goes wrong between server and client, and which request it hits.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use super::{Asked, Reply, locked};

/// What goes wrong with one reply. Bytes are counted in the body as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Another reply comes instead.
    Instead(Box<Reply>),
    /// The body is cut at byte n, in a reply that is whole otherwise: JSON that is broken there.
    CutAt(usize),
    /// The connection is reset after n bytes of the body, before its last one at the latest.
    ResetAfter(usize),
    /// The connection is reset before the head.
    ResetBeforeHead,
    /// The connection is closed after n bytes of the body, before its last one at the latest.
    CloseAfter(usize),
    /// The connection is closed before the head.
    CloseBeforeHead,
    /// The body is compressed and cut in its middle, in a reply that is whole otherwise.
    TruncatedGzip,
    /// `Content-Length` is so much more than the body, or less; then the connection is closed.
    WrongLength(i64),
    /// Two headers `Content-Length` contradict each other.
    TwoLengths,
    /// A few bytes at a time.
    Drip {
        /// How many bytes at a time.
        bytes: usize,
        /// How long between them.
        every: Duration,
    },
    /// Nothing comes, until the client or the server goes.
    Silence,
    /// Nothing more comes after n bytes of the body.
    SilenceAfter(usize),
    /// The head is no HTTP.
    GarbageHead,
    /// A chunk has a size that is no number.
    BrokenChunk,
    /// The body comes in chunks and the last one, which ends it, never comes.
    MissingLastChunk,
}

/// Which request meets which fault.
pub struct Plan {
    kind: Kind,
    state: Mutex<State>,
}

enum Kind {
    Numbered(HashMap<usize, Fault>),
    Seeded { seed: u64, one_in: u64, in_a_row: usize, faults: Vec<Fault> },
}

#[derive(Default)]
struct State {
    given: usize,
    /// How often a target failed since it was last answered well.
    in_a_row: HashMap<String, usize>,
}

impl Plan {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::at([])
    }

    /// Faults by the number of the request, from 1.
    pub fn at(faults: impl IntoIterator<Item = (usize, Fault)>) -> Self {
        Self { kind: Kind::Numbered(faults.into_iter().collect()), state: Mutex::default() }
    }

    /// About one request in `one_in` meets one of `faults`, in turn by chance; the same seed chooses the same numbers. No target fails
    /// more than `in_a_row` times before it is answered.
    pub fn seeded(seed: u64, one_in: u64, in_a_row: usize, faults: Vec<Fault>) -> Self {
        assert!(one_in > 0 && !faults.is_empty(), "a plan has faults, one in one or more requests");
        Self { kind: Kind::Seeded { seed, one_in, in_a_row, faults }, state: Mutex::default() }
    }

    /// The fault that this request meets.
    pub fn next(&self, asked: &Asked) -> Option<Fault> {
        let mut state = locked(&self.state);
        let fault = match &self.kind {
            Kind::Numbered(faults) => faults.get(&asked.number).cloned(),
            Kind::Seeded { seed, one_in, in_a_row, faults } => {
                let chance = mixed(seed.wrapping_add(asked.number as u64));
                let failed = state.in_a_row.entry(asked.target.clone()).or_default();
                let hit = chance.is_multiple_of(*one_in) && *failed < *in_a_row;
                *failed = if hit { *failed + 1 } else { 0 };
                hit.then(|| faults[(mixed(chance) % faults.len() as u64) as usize].clone())
            }
        };
        state.given += usize::from(fault.is_some());
        fault
    }

    pub(super) fn given(&self) -> usize {
        locked(&self.state).given
    }
}

/// SplitMix64's mixing of one number.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
