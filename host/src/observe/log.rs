//! The program's log as JSON: one object in a line, for those who collect logs.
//!
//! What always holds here: whatever an event carries, a line is one JSON object (`a_line_is_one_object_whatever_is_in_it`).

use std::fmt;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext,
        format::{FormatEvent, FormatFields, Writer},
    },
    registry::LookupSpan,
};

/// Writes events as JSON: `timestamp`, `level`, `target`, `message`, and the event's own fields under `fields`.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("timestamp".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into());
        line.insert("level".to_owned(), metadata.level().as_str().to_ascii_lowercase().into());
        line.insert("target".to_owned(), metadata.target().into());
        line.insert("message".to_owned(), fields.0.remove("message").unwrap_or_default());
        if !fields.0.is_empty() {
            line.insert("fields".to_owned(), Value::Object(fields.0));
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// An event's fields as JSON values.
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no infinity.
        let value = serde_json::Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number);
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.put(field, crate::error::chain(value).into());
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt().event_format(JsonLines).with_writer(move || to.clone()).finish();
        let nasty = "a \"quoted\"\nline\u{1b}[31m \u{2028} \\ {}";
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(plugin = %"p@1", rows = 3_u64, share = f64::INFINITY, ok = true, "{nasty}");
            tracing::info!("second");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert_eq!((lines[0]["message"].as_str(), lines[0]["level"].as_str()), (Some(nasty), Some("warn")));
        assert_eq!(lines[0]["fields"], serde_json::json!({ "plugin": "p@1", "rows": 3, "share": "inf", "ok": true }));
        assert!(lines[0]["timestamp"].as_str().unwrap().ends_with('Z'));
        assert_eq!(lines[1].get("fields"), None);
    }
}
