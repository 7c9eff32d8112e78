//! The payload of the generic webhook, as docs/alerts.md has it.

use serde_json::{Value, json};

use crate::notify::message::Message;

/// The version of the payload; keys may be added to one.
const VERSION: u32 = 1;

pub(super) fn body(message: &Message<'_>) -> Value {
    let news = message.news;
    json!({
        "version": VERSION,
        "kind": news.kind,
        "pipeline": news.pipeline,
        "run": news.run,
        "at": news.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "what": news.what,
        "why": news.why,
        "link": news.link.as_ref().map(url::Url::as_str),
        "kept_back": message.kept_back,
        "subject": message.subject,
        "text": message.text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::message::tests::{alert, news};

    #[test]
    fn the_payload_is_the_documented_one() {
        let news = news();
        let body = body(&Message::new("ops", &alert("text = \"t\""), &news, 3, ""));
        let documented = include_str!("../../../../docs/alerts.md");
        for key in body.as_object().unwrap().keys() {
            assert!(documented.contains(&format!("| `{key}` |")), "docs/alerts.md does not speak of `{key}`");
        }
        assert_eq!(body["at"], "2026-11-27T03:30:00.000Z");
        assert_eq!((body["kind"].as_str(), body["kept_back"].as_u64(), body["text"].as_str()), (Some("hold"), Some(3), Some("t")));
    }
}
