//! The payload of Microsoft Teams' workflow webhooks ("Post to a channel when a webhook request is received"): an Adaptive Card. The older
//! Office 365 connectors took MessageCards and are gone.
//!
//! Texts are runs of a `RichTextBlock`, in which no markdown is read: what a plugin said can't become a link.

use serde_json::{Value, json};

use crate::notify::message::{Message, cut};

/// The whole payload may have 28 KiB; the text is most of it, and a character has up to 4 bytes, or 6 where JSON escapes it.
const TEXT_CHARS: usize = 4000;

pub(super) fn body(message: &Message<'_>) -> Value {
    let colour = if message.is_good() { "Good" } else { "Attention" };
    let head = json!({ "type": "TextRun", "text": message.subject, "weight": "Bolder", "size": "Large", "color": colour });
    let text = json!({ "type": "TextRun", "text": cut(&message.text, TEXT_CHARS), "fontType": "Monospace" });
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": message.subject,
        "msteams": { "width": "Full" },
        "body": [{ "type": "RichTextBlock", "inlines": [head] }, { "type": "RichTextBlock", "inlines": [text] }],
    });
    if let Some(link) = &message.news.link {
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open the run", "url": link.as_str() }]);
    }
    let attachment = json!({ "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": card });
    json!({ "type": "message", "attachments": [attachment] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::{
        News,
        message::tests::{alert, news},
    };

    #[test]
    fn a_message_is_an_adaptive_card() {
        let news = news();
        let body = body(&Message::new("ops", &alert(""), &news, 0, ""));
        assert_eq!(body["type"], "message");
        let attachment = &body["attachments"][0];
        assert_eq!(attachment["contentType"], "application/vnd.microsoft.card.adaptive");
        let card = &attachment["content"];
        assert_eq!((card["type"].as_str(), card["version"].as_str()), (Some("AdaptiveCard"), Some("1.4")));
        assert_eq!(card["body"][0]["inlines"][0]["text"], "shop is held by its gate");
        assert_eq!(card["actions"][0]["url"], "https://etl.example.com/runs/shop/r");
    }

    #[test]
    fn a_card_stays_below_the_limit_of_teams() {
        let news = News { why: vec!["\u{1f600}".repeat(20_000)], link: None, ..news() };
        let body = body(&Message::new("ops", &alert(""), &news, 0, ""));
        assert!(body.to_string().len() < 28 << 10);
        assert!(body["attachments"][0]["content"].get("actions").is_none());
    }
}
