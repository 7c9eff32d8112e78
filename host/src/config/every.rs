//! A length of time as people write it: `30s`, `15m`, `6h`, `2d`, `1h30m`.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

/// Units from the longest to the shortest, with their seconds.
const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// A length of time of whole seconds, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Every(u64);

/// The text is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time: write whole numbers with `d`, `h`, `m` or `s` behind them, such as `90s`, `15m` or `1h30m`")]
pub struct NotEvery(String);

impl Every {
    /// A length of that many seconds; none becomes one.
    pub const fn seconds(seconds: u64) -> Self {
        Self(if seconds == 0 { 1 } else { seconds })
    }

    /// As the standard library has it.
    pub const fn get(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl FromStr for Every {
    type Err = NotEvery;

    fn from_str(text: &str) -> Result<Self, NotEvery> {
        let wrong = || NotEvery(text.to_owned());
        let mut rest = text.trim();
        let mut total: u64 = 0;
        let mut next = 0;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            let letter = rest[digits..].chars().next().ok_or_else(wrong)?;
            // Each unit once, the longer before the shorter: what is written otherwise is a slip.
            let unit = UNITS.iter().skip(next).position(|(unit, _)| *unit == letter).ok_or_else(wrong)? + next;
            let seconds = number.checked_mul(UNITS[unit].1).ok_or_else(wrong)?;
            total = total.checked_add(seconds).ok_or_else(wrong)?;
            next = unit + 1;
            rest = rest[digits + letter.len_utf8()..].trim_start();
        }
        // Longer than a century is a slip too, and what follows may add it to a date.
        if total == 0 || total > 100 * 366 * 86_400 { Err(wrong()) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        for (unit, seconds) in UNITS {
            if rest >= seconds {
                write!(f, "{}{unit}", rest / seconds)?;
                rest %= seconds;
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Every {
    fn schema_name() -> Cow<'static, str> {
        "Every".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time: `30s`, `15m`, `6h`, `2d`, `1h30m`.",
            "type": "string",
            "pattern": "^ *([0-9]+d *)?([0-9]+h *)?([0-9]+m *)?([0-9]+s *)?$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_reads_back_as_it_is_written() {
        for (text, seconds, shown) in [("90s", 90, "1m30s"), ("15m", 900, "15m"), ("1h30m", 5400, "1h30m"), ("2d", 172_800, "2d")] {
            let every: Every = text.parse().unwrap();
            assert_eq!((every.get().as_secs(), every.to_string().as_str()), (seconds, shown));
            assert_eq!(shown.parse(), Ok(every));
        }
        assert_eq!(" 1h 5s ".parse(), Ok(Every::seconds(3605)));
    }

    #[test]
    fn what_is_no_length_is_refused() {
        for text in ["", "0s", "5", "m", "5 minutes", "-5m", "1m1h", "1h1h", "1.5h", "99999999999999999999d", "40000d", "5µ"] {
            assert!(text.parse::<Every>().is_err(), "{text}");
        }
    }
}
