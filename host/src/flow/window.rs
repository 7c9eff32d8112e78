//! The window of a backfill: how the sources of a run are told of it, and what a run must not do with it.
//!
//! What always holds here:
//! - A source with `backfill` settings reads its window and nothing else: it is given no cursor, and its cursor stays as it is
//!   (`tests/suite/schedule/backfill.rs`).
//! - A table that keeps only the rows of its last run is not fed from a window (`a_window_never_takes_the_place_of_all_rows`).
//!
//! # Why
//! A source gets its config and a cursor, nothing else (`wit/source.wit`), and what a cursor means only it knows. So the window goes where every
//! source has a place for it: into its config.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Plan, RunError};
use crate::{
    config::{ConfigError, Loaded, Mode, Part},
    state::tasks::Span,
};

/// Tells the sources of a pipeline their window: `backfill` takes the place of keys of `config`.
pub(super) fn apply(loaded: &mut Loaded, window: Span) {
    for source in loaded.pipeline.sources.values_mut() {
        if let Some(settings) = &source.backfill {
            lay_over(&mut source.config, &filled(settings, window));
        }
    }
}

/// The sources that are told their window.
pub(super) fn told(loaded: &Loaded) -> BTreeSet<String> {
    let sources = loaded.pipeline.sources.iter().filter(|(_, source)| source.backfill.is_some());
    sources.map(|(name, _)| name.clone()).collect()
}

/// Refuses a plan whose window would take the place of all rows of a table.
pub(super) fn check(plan: &Plan, told: &BTreeSet<String>) -> Result<(), RunError> {
    for table in plan.tables.iter().filter(|table| table.mode == Mode::Replace) {
        let fed = plan.streams.iter().filter(|stream| told.contains(&stream.source)).find(|stream| {
            table.stream.as_ref() == Some(&stream.name) || table.sql.as_ref().is_some_and(|sql| super::prepare::names(sql, &stream.name))
        });
        if let Some(stream) = fed {
            let message = format!("a window of stream `{}` would take the place of all rows of `{}`", stream.name, table.name);
            let help = "write `mode = \"merge\"` with a key, or `mode = \"append\"`, to backfill it".to_owned();
            let problem = plan.loaded.problem(&["tables", table.name.as_str()], Part::Key, message).with_help(help);
            return Err(RunError::Config(ConfigError::from(problem)));
        }
    }
    Ok(())
}

/// Lays settings over others: tables are merged key by key, anything else takes the place of what was there.
fn lay_over(config: &mut Value, settings: &Value) {
    match (config, settings) {
        (Value::Object(config), Value::Object(settings)) => {
            for (key, value) in settings {
                lay_over(config.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (config, settings) => *config = settings.clone(),
    }
}

/// Settings with `{from}` and `{until}` in their texts replaced.
fn filled(settings: &Value, window: Span) -> Value {
    match settings {
        Value::String(text) => Value::String(fill(text, window)),
        Value::Array(values) => Value::Array(values.iter().map(|value| filled(value, window)).collect()),
        Value::Object(table) => Value::Object(table.iter().map(|(key, value)| (key.clone(), filled(value, window))).collect()),
        other => other.clone(),
    }
}

/// `{from}` and `{until}` are the window's limits in RFC 3339; `{from:%Y-%m-%d}` is written as chrono's `strftime` writes it.
fn fill(text: &str, window: Span) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        let word = rest.find('}').and_then(|close| Some((limit(&rest[1..close], window)?, close)));
        match word {
            Some((limit, close)) => {
                filled.push_str(&limit);
                rest = &rest[close + 1..];
            }
            None => {
                filled.push('{');
                rest = &rest[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn limit(word: &str, window: Span) -> Option<String> {
    let (name, format) = word.split_once(':').map_or((word, None), |(name, format)| (name, Some(format)));
    let at: DateTime<Utc> = match name {
        "from" => window.from,
        "until" => window.until,
        _ => return None,
    };
    match format {
        None => Some(at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)),
        Some(format) => {
            let items: Vec<_> = chrono::format::StrftimeItems::new(format).collect();
            // A format that is none stays as it is written, which the plugin then names.
            let valid = !items.iter().any(|item| matches!(item, chrono::format::Item::Error));
            valid.then(|| at.format_with_items(items.into_iter()).to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn window() -> Span {
        Span { from: "2026-01-01T00:00:00Z".parse().unwrap(), until: "2026-01-02T00:00:00Z".parse().unwrap() }
    }

    #[test]
    fn settings_are_laid_over_the_config_key_by_key() {
        let mut config = json!({ "zone": "UTC", "streams": { "orders": { "files": "*.csv", "format": "csv" } }, "days": [1] });
        let settings = json!({ "since": "{from}", "streams": { "orders": { "files": "{from:%Y/%m/%d}/*.csv" } }, "days": ["{until}"] });
        lay_over(&mut config, &filled(&settings, window()));
        let wanted = json!({
            "zone": "UTC",
            "streams": { "orders": { "files": "2026/01/01/*.csv", "format": "csv" } },
            "days": ["2026-01-02T00:00:00Z"],
            "since": "2026-01-01T00:00:00Z",
        });
        assert_eq!(config, wanted);
    }

    #[test]
    fn other_braces_stay() {
        assert_eq!(fill("a{b}{c {from:%Y} }{from:%Q}{", window()), "a{b}{c 2026 }{from:%Q}{");
        assert_eq!(fill("{until:%s}", window()), "1767312000");
    }
}
