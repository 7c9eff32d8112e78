//! What a pipeline's channels were told, and when: a small file beside its runs, so that processes that come and go keep one measure.
//!
//! What always holds here:
//! - News of one kind go to a channel once in its `every` at most; what is kept back is counted
//!   (`news_of_one_kind_come_once_in_their_time`).
//! - Recovery is told whenever there was trouble before, and only then (`recovery_follows_trouble_and_nothing_else`).
//! - A message that was being sent when its process ended is sent again by the next one (`a_process_that_died_has_told_nothing`).
//! - A file that is lost or broken costs one message too many, never one too few (`a_broken_memory_is_an_empty_one`).

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::config::Every;

/// The memory can't be kept.
#[derive(Debug, thiserror::Error)]
#[error("can't write `{}`, where it is kept what alerts were told", path.display())]
pub struct MemoryError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// What a pipeline's channels were told.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// The channels for which the pipeline is in trouble: they have not been told that it is over.
    troubled: BTreeSet<String>,
    /// By channel and kind.
    told: BTreeMap<String, BTreeMap<Kind, Last>>,
}

/// The last message of a kind to a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Last {
    at: DateTime<Utc>,
    kept_back: u64,
    /// The notifier that is still at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    telling: Option<u64>,
}

/// Whether a channel is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    /// It is. Should that fail, [`Memory::not_told`] takes what was remembered before.
    Tell {
        /// How many like it were kept back since the last one.
        kept_back: u64,
        /// What was remembered before.
        before: Option<Last>,
    },
    /// It is not.
    Keep {
        /// Until when.
        until: DateTime<Utc>,
    },
}

impl Memory {
    /// What the file says.
    pub fn read(path: &Path) -> Self {
        let Ok(text) = fs::read(path) else { return Self::default() };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!("`{}` is read as empty: {error}", path.display());
            Self::default()
        })
    }

    /// Puts the file in its place in one step.
    pub fn write(&self, path: &Path) -> Result<(), MemoryError> {
        let failed = |source| MemoryError { path: path.to_owned(), source };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        io::Write::write_all(&mut file, &text).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// There is trouble, of which these channels will want to know that it is over.
    pub fn trouble<'c>(&mut self, channels: impl Iterator<Item = &'c String>) {
        self.troubled.extend(channels.cloned());
    }

    /// Whether `channel`, which wants news of a kind once in `every` at most, is to be told at `at` by the notifier `by`. It is remembered as
    /// being told until [`Self::settled`] or [`Self::not_told`], or counted as kept back. None where there is nothing to tell: no trouble
    /// before the recovery, or these very news were told.
    pub fn rule(&mut self, channel: &str, kind: Kind, every: Every, at: DateTime<Utc>, by: u64) -> Option<Ruling> {
        if kind == Kind::Recovery && !self.troubled.contains(channel) {
            return None;
        }
        let told = self.told.entry(channel.to_owned()).or_default();
        let before = told.get(&kind).copied();
        // A century fits; see `Every`.
        let every = TimeDelta::from_std(every.get()).unwrap_or(TimeDelta::MAX);
        // What another notifier was telling when it ended nobody may have heard.
        let heard = |last: &&mut Last| last.telling.is_none_or(|telling| telling == by);
        if kind == Kind::Recovery && before.is_some_and(|last| last.telling == Some(by)) {
            return None;
        }
        if let Some(last) = told.get_mut(&kind).filter(|_| kind != Kind::Recovery).filter(heard) {
            let since = at - last.at;
            if since == TimeDelta::zero() {
                return None;
            }
            // A clock that was set back must not silence a channel.
            if since > TimeDelta::zero() && since < every {
                last.kept_back += 1;
                return Some(Ruling::Keep { until: last.at + every });
            }
        }
        told.insert(kind, Last { at, kept_back: 0, telling: Some(by) });
        Some(Ruling::Tell { kept_back: before.map_or(0, |last| last.kept_back), before })
    }

    /// A channel was told.
    pub fn settled(&mut self, channel: &str, kind: Kind) {
        if kind == Kind::Recovery {
            self.troubled.remove(channel);
        }
        if let Some(last) = self.told.get_mut(channel).and_then(|told| told.get_mut(&kind)) {
            last.telling = None;
        }
    }

    /// Takes back that a channel was told.
    pub fn not_told(&mut self, channel: &str, kind: Kind, before: Option<Last>) {
        let told = self.told.entry(channel.to_owned()).or_default();
        match before {
            Some(last) => told.insert(kind, last),
            None => told.remove(&kind),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Every = Every::seconds(3600);
    /// The notifier of these tests.
    const ME: u64 = 7;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minute * 60, 0).unwrap()
    }

    fn told(memory: &mut Memory, kind: Kind, minute: i64) -> Option<u64> {
        match memory.rule("ops", kind, HOUR, at(minute), ME) {
            Some(Ruling::Tell { kept_back, .. }) => {
                memory.settled("ops", kind);
                Some(kept_back)
            }
            Some(Ruling::Keep { .. }) | None => None,
        }
    }

    fn trouble(memory: &mut Memory) {
        memory.trouble([&"ops".to_owned()].into_iter());
    }

    #[test]
    fn news_of_one_kind_come_once_in_their_time() {
        let mut memory = Memory::default();
        let found: Vec<_> = [0, 1, 59, 60, 61, 121].map(|minute| told(&mut memory, Kind::Failure, minute)).into();
        assert_eq!(found, [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(told(&mut memory, Kind::Hold, 122), Some(0), "another kind has its own measure");
        let other = memory.rule("dev", Kind::Failure, HOUR, at(122), ME);
        assert_eq!(other, Some(Ruling::Tell { kept_back: 0, before: None }), "so has another channel");
        assert_eq!(memory.rule("ops", Kind::Failure, HOUR, at(122), ME), Some(Ruling::Keep { until: at(181) }));
        assert_eq!(memory.rule("dev", Kind::Failure, HOUR, at(122), ME), None, "the very same news are not counted against themselves");
    }

    #[test]
    fn recovery_follows_trouble_and_nothing_else() {
        let mut memory = Memory::default();
        assert_eq!(told(&mut memory, Kind::Recovery, 0), None);
        for minute in [1, 2, 3] {
            trouble(&mut memory);
            assert_eq!(told(&mut memory, Kind::Recovery, minute), Some(0), "it is never kept back");
            assert_eq!(told(&mut memory, Kind::Recovery, minute), None);
        }
        trouble(&mut memory);
        assert_eq!(memory.rule("new", Kind::Recovery, HOUR, at(4), ME), None, "a channel that is new knows of no trouble");
    }

    #[test]
    fn a_message_that_could_not_be_sent_silences_nothing() {
        let mut memory = Memory::default();
        let Some(Ruling::Tell { before, .. }) = memory.rule("ops", Kind::Failure, HOUR, at(0), ME) else { panic!("the first is told") };
        memory.not_told("ops", Kind::Failure, before);
        assert_eq!(told(&mut memory, Kind::Failure, 1), Some(0));
        assert_eq!(told(&mut memory, Kind::Failure, 2), None);
        let Some(Ruling::Tell { before, kept_back: 1 }) = memory.rule("ops", Kind::Failure, HOUR, at(61), ME) else { panic!("it is time") };
        memory.not_told("ops", Kind::Failure, before);
        assert_eq!(told(&mut memory, Kind::Failure, 62), Some(1), "what was kept back is still to be said");
        trouble(&mut memory);
        let Some(Ruling::Tell { before, .. }) = memory.rule("ops", Kind::Recovery, HOUR, at(63), ME) else { panic!("it is news") };
        memory.not_told("ops", Kind::Recovery, before);
        assert_eq!(told(&mut memory, Kind::Recovery, 63), Some(0), "the recovery is still to be told");
    }

    #[test]
    fn a_process_that_died_has_told_nothing() {
        let mut memory = Memory::default();
        trouble(&mut memory);
        for kind in [Kind::Failure, Kind::Recovery] {
            assert!(memory.rule("ops", kind, HOUR, at(0), 1).is_some());
            assert_eq!(memory.rule("ops", kind, HOUR, at(0), 1), None, "it is at it");
            assert_eq!(told(&mut memory, kind, 0), Some(0), "the next process tells");
            assert_eq!(told(&mut memory, kind, 0), None);
        }
    }

    #[test]
    fn a_clock_that_was_set_back_silences_nothing() {
        let mut memory = Memory::default();
        assert_eq!([0, -600].map(|minute| told(&mut memory, Kind::Failure, minute)), [Some(0), Some(0)]);
    }

    #[test]
    fn a_broken_memory_is_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alerts/shop.json");
        assert_eq!(Memory::read(&path), Memory::default());
        let mut memory = Memory::default();
        trouble(&mut memory);
        told(&mut memory, Kind::Hold, 0);
        memory.write(&path).unwrap();
        assert_eq!(Memory::read(&path), memory);
        fs::write(&path, "{").unwrap();
        assert_eq!(Memory::read(&path), Memory::default());
    }
}
