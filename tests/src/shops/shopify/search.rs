//! Search filters: `updated_at:>='2026-01-01T00:00:00Z' AND updated_at:<='...'`. What is not known is ignored, as Shopify ignores it.

use chrono::DateTime;
use serde_json::{Map, Value};

use super::graph::Refusal;

/// What a list is narrowed to.
#[derive(Debug, Default)]
pub struct Filter {
    bounds: Vec<(Bound, i64)>,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
}

const OPERATORS: [(&str, Bound); 5] =
    [(">=", Bound::AtLeast), ("<=", Bound::AtMost), (">", Bound::Above), ("<", Bound::Below), ("", Bound::Equal)];

impl Filter {
    /// The filter of a field's arguments.
    pub fn of(arguments: &Map<String, Value>) -> Result<Self, Refusal> {
        let text = arguments.get("query").and_then(Value::as_str).unwrap_or_default();
        let mut filter = Self::default();
        for term in text.split(' ').filter(|term| !matches!(*term, "" | "AND")) {
            let Some(value) = term.strip_prefix("updated_at:") else { continue };
            let (operator, bound) = OPERATORS.iter().find(|(operator, _)| value.starts_with(operator)).expect("the last one always fits");
            let value = value[operator.len()..].trim_matches('\'');
            // An empty bound brings the server down.
            let internal = Refusal {
                message: "Internal error. Looks like something went wrong on our end.".to_owned(),
                code: Some("INTERNAL_SERVER_ERROR"),
            };
            let time = DateTime::parse_from_rfc3339(value).map_err(|_| internal)?;
            filter.bounds.push((*bound, time.timestamp()));
        }
        Ok(filter)
    }

    /// Whether a time lies inside.
    pub fn takes(&self, time: i64) -> bool {
        self.bounds.iter().all(|(bound, limit)| match bound {
            Bound::AtLeast => time >= *limit,
            Bound::Above => time > *limit,
            Bound::AtMost => time <= *limit,
            Bound::Below => time < *limit,
            Bound::Equal => time == *limit,
        })
    }

    /// The same of a time as a text.
    pub fn takes_text(&self, time: &str) -> bool {
        self.takes(DateTime::parse_from_rfc3339(time).expect("the shop writes times").timestamp())
    }
}
