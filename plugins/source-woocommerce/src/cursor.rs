//! What a stream remembers from run to run.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Failure, Result};

use crate::ids::{self, Ids};

/// What a stream remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The end of the last window, in seconds since 1970-01-01T00:00:00Z; none before the first run.
    pub until: Option<i64>,
    /// When the ids were last swept.
    pub swept: Option<i64>,
    /// The ids that were given and not found deleted since.
    pub known: Ids,
}

/// The cursor as text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    until: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    swept: Option<i64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ids: String,
}

impl Cursor {
    /// Reads the cursor that the host kept; none is the first run.
    pub fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else { return Ok(Self::default()) };
        let text: Text =
            serde_json::from_str(text).map_err(|_| Failure::config("the stream's cursor is not one of this plugin; reset the cursor"))?;
        Ok(Self { until: Some(text.until), swept: text.swept, known: ids::read(&text.ids)? })
    }

    /// The cursor of a stream that was read up to `until`.
    pub fn write(until: i64, swept: Option<i64>, known: &Ids) -> String {
        let text = Text { until, swept, ids: ids::write(known) };
        serde_json::to_string(&text).expect("numbers and text are JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let known: Ids = [3, 4, 9].into_iter().collect();
        let text = Cursor::write(1_795_176_000, Some(7), &known);
        assert_eq!(Cursor::read(Some(&text)).unwrap(), Cursor { until: Some(1_795_176_000), swept: Some(7), known });
        assert_eq!(Cursor::read(None).unwrap(), Cursor::default());
        assert_eq!(Cursor::write(5, None, &Ids::new()), r#"{"until":5}"#);
    }

    #[test]
    fn a_strange_cursor_is_refused() {
        for text in ["", "2026-11-20", r#"{"until":"x"}"#, r#"{"until":1,"ids":"!"}"#] {
            assert!(Cursor::read(Some(text)).unwrap_err().message.contains("reset the cursor"), "{text}");
        }
    }
}
