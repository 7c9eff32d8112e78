//! The payload of Slack's incoming webhooks, in Block Kit.
//!
//! Texts are `plain_text` and preformatted rich text, in which Slack reads no markup, so that what a plugin said can't mention a channel or
//! hide a link. Only the fallback for notifications is markup, and escaped.

use serde_json::{Value, json};

use crate::notify::message::{Message, cut};

/// What Slack takes in one text object of a section.
const SECTION_CHARS: usize = 3000;

pub(super) fn body(message: &Message<'_>) -> Value {
    let mark = if message.is_good() { "✅" } else { "🔴" };
    let mut blocks = vec![json!({ "type": "header", "text": plain(&cut(&format!("{mark} {}", message.subject), 150)) })];
    blocks.push(json!({
        "type": "rich_text",
        "elements": [{ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": cut(&shown(&message.text), SECTION_CHARS) }] }],
    }));
    if let Some(link) = &message.news.link {
        blocks.push(json!({
            "type": "actions",
            "elements": [{ "type": "button", "text": plain("Open the run"), "url": link.as_str(), "action_id": "open_run" }],
        }));
    }
    json!({ "text": escaped(&message.subject), "blocks": blocks })
}

fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": true })
}

/// Slack refuses an empty text.
fn shown(text: &str) -> String {
    if text.trim().is_empty() { "(no text)".to_owned() } else { text.to_owned() }
}

/// The three characters that steer Slack's markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{
        News,
        message::tests::{alert, news},
    };

    #[test]
    fn a_message_is_blocks_that_read_no_markup() {
        let news = News { what: "failed <!channel>".into(), ..news() };
        let body = body(&Message::new("ops", &alert(""), &news, 0, ""));
        assert_eq!(body["text"], "shop failed &lt;!channel&gt;");
        assert_eq!(body["blocks"][0]["text"]["type"], "plain_text");
        assert_eq!(body["blocks"][1]["elements"][0]["type"], "rich_text_preformatted");
        assert!(body["blocks"][1]["elements"][0]["elements"][0]["text"].as_str().unwrap().contains("integrity is 99.90 %"));
        assert_eq!(body["blocks"][2]["elements"][0]["url"], "https://etl.example.com/runs/shop/r");
        assert!(!body.to_string().contains("mrkdwn"));
    }

    #[test]
    fn texts_stay_below_slacks_limits() {
        let news = News { why: vec!["x".repeat(9000)], what: "y".repeat(400), link: None, ..news() };
        let body = body(&Message::new("ops", &alert(""), &news, 0, ""));
        assert!(body["blocks"][0]["text"]["text"].as_str().unwrap().chars().count() <= 150);
        assert_eq!(body["blocks"][1]["elements"][0]["elements"][0]["text"].as_str().unwrap().chars().count(), 3000);
        assert_eq!(body["blocks"].as_array().unwrap().len(), 2);
    }
}
