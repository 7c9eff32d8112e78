//! The name of a run.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// The name of a run: `YYYYMMDDTHHMMSSmmmZ-xxxxxx`, its start in UTC and six hexadecimal digits. Sorted as text, runs are in the order
/// of their starts. It is fit to be the name of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

/// The text is not the name of a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a run: one looks like `20181017T173018000Z-5f3a91`")]
pub struct NotARunId(String);

const SECONDS: &str = "%Y%m%dT%H%M%S";
/// `20181017T173018000Z-5f3a91`
const BYTES: usize = 26;

impl RunId {
    /// The name of a run that process `pid` starts at `started`. Two that start in the same millisecond differ by pid or nanoseconds.
    pub fn new(started: DateTime<Utc>, pid: u32) -> Self {
        let millis = started.timestamp_subsec_millis().min(999);
        Self(format!("{}{millis:03}Z-{:06x}", started.format(SECONDS), tail(started.timestamp_subsec_nanos(), pid)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 24 bits of FNV-1a over both numbers.
fn tail(nanos: u32, pid: u32) -> u32 {
    let bytes = nanos.to_le_bytes().into_iter().chain(pid.to_le_bytes());
    let hash = bytes.fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash >> 24) ^ (hash & 0x00ff_ffff)
}

impl FromStr for RunId {
    type Err = NotARunId;

    fn from_str(text: &str) -> Result<Self, NotARunId> {
        let valid = || {
            let (time, tail) = text.split_once("Z-")?;
            let (seconds, millis) = time.split_at_checked(15)?;
            let hex = tail.len() == 6 && tail.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let digits = millis.len() == 3 && millis.bytes().all(|byte| byte.is_ascii_digit());
            (text.len() == BYTES && hex && digits && NaiveDateTime::parse_from_str(seconds, SECONDS).is_ok()).then_some(())
        };
        valid().map(|()| Self(text.to_owned())).ok_or_else(|| NotARunId(text.to_owned()))
    }
}

impl TryFrom<String> for RunId {
    type Error = NotARunId;

    fn try_from(text: String) -> Result<Self, NotARunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_is_named_after_its_start() {
        let id = RunId::new(at("2018-10-17T17:30:18.042Z"), 7);
        assert!(id.as_str().starts_with("20181017T173018042Z-"), "{id}");
        assert_eq!(id.as_str().len(), BYTES);
        assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn names_sort_by_start() {
        let starts = ["2018-10-17T17:30:18.042Z", "2018-10-17T17:30:18.043Z", "2018-11-01T00:00:00Z", "2019-01-01T00:00:00Z"];
        let ids: Vec<_> = starts.map(|start| RunId::new(at(start), 99)).into();
        assert!(ids.is_sorted());
    }

    #[test]
    fn runs_of_one_millisecond_differ() {
        let start = at("2018-10-17T17:30:18.042000001Z");
        assert_ne!(RunId::new(start, 1), RunId::new(start, 2));
        assert_ne!(RunId::new(start, 1), RunId::new(at("2018-10-17T17:30:18.042000002Z"), 1));
        assert_eq!(RunId::new(start, 1), RunId::new(start, 1));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "x",
            "20181017T173018042Z-00000G",
            "20181317T173018042Z-000000",
            "../20181017T173018042Z-000000",
            "20181017T17301804éZ-00000",
        ] {
            assert_eq!(text.parse::<RunId>(), Err(NotARunId(text.into())));
        }
        assert!(serde_json::from_str::<RunId>("\"..\"").is_err());
    }
}
