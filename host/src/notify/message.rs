//! News as a channel says them: a subject and a text, from the usual templates or the channel's own.

use sha2::{Digest, Sha256};

use super::{Kind, News};
use crate::config::{Alert, template::fill};

/// The usual subject.
pub const SUBJECT: &str = "{pipeline} {what}";

/// The usual text. A line whose placeholders are all empty is left out.
pub const TEXT: &str = "\
{pipeline} {what}

{why}

run: {run}
time: {at}
host: {host}
page: {link}
not told: {kept_back} more like this since the last message
";

/// A subject longer than this is cut: mail clients, Slack's headers (150) and phones show no more.
const SUBJECT_CHARS: usize = 150;

/// What a channel is to say.
#[derive(Debug, Clone)]
pub(super) struct Message<'n> {
    /// What it is about.
    pub news: &'n News,
    /// The channel's name.
    pub channel: &'n str,
    /// How many like it were kept back since the last one.
    pub kept_back: u64,
    /// One line.
    pub subject: String,
    /// The whole text, in lines.
    pub text: String,
}

impl<'n> Message<'n> {
    /// What the channel says of these news.
    pub fn new(channel: &'n str, alert: &Alert, news: &'n News, kept_back: u64, host: &str) -> Self {
        let value = |name: &str| match name {
            "pipeline" => news.pipeline.clone(),
            "what" => news.what.clone(),
            "kind" => news.kind.name().to_owned(),
            "why" => news.why.iter().map(|why| plain(why)).collect::<Vec<_>>().join("\n"),
            "run" => news.run.clone().unwrap_or_default(),
            "at" => news.at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            "link" => news.link.as_ref().map(ToString::to_string).unwrap_or_default(),
            "kept_back" if kept_back > 0 => kept_back.to_string(),
            "channel" => channel.to_owned(),
            "host" => host.to_owned(),
            _ => String::new(),
        };
        let subject = fill(alert.subject.as_deref().unwrap_or(SUBJECT), value);
        let text = fill(alert.text.as_deref().unwrap_or(TEXT), value);
        Self { news, channel, kept_back, subject: one_line(&subject), text }
    }

    /// Names the message: the same for every try, another one for other news, so that a receiver can tell a repetition.
    pub fn id(&self) -> String {
        let News { kind, pipeline, run, at, .. } = self.news;
        let run = run.as_deref().unwrap_or_default();
        let parts = [self.channel, kind.name(), pipeline, run, &at.timestamp_micros().to_string()].join("\n");
        let digest = Sha256::digest(parts);
        digest.iter().take(16).fold("msg_".to_owned(), |id, byte| format!("{id}{byte:02x}"))
    }

    /// The colour that the news have where a channel shows one.
    pub fn is_good(&self) -> bool {
        self.news.kind == Kind::Recovery
    }
}

/// Control characters do nothing good in a message; a line feed may stay.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    cut(line.trim(), SUBJECT_CHARS)
}

/// A text of that many characters at most; where it was longer it says so.
pub(super) fn cut(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(chars.saturating_sub(2)).collect();
    format!("{} …", kept.trim_end())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn news() -> News {
        News {
            kind: Kind::Hold,
            pipeline: "shop".into(),
            run: Some("20261127T033000000Z-5f3a91".into()),
            at: "2026-11-27T03:30:00Z".parse().unwrap(),
            what: "is held by its gate".into(),
            why: vec!["items: integrity is 99.90 %, 0.10 points under its floor of 100 %".into(), "overall: <b>&\u{7}".into()],
            link: "https://etl.example.com/runs/shop/r".parse().ok(),
        }
    }

    pub fn alert(more: &str) -> Alert {
        toml::from_str(&format!("kind = \"webhook\"\nurl = {{ env = \"URL\" }}\n{more}")).unwrap()
    }

    #[test]
    fn a_message_says_what_why_and_where() {
        let news = news();
        let message = Message::new("ops", &alert(""), &news, 2, "etl-1");
        assert_eq!(message.subject, "shop is held by its gate");
        assert_eq!(
            message.text,
            "shop is held by its gate\n\nitems: integrity is 99.90 %, 0.10 points under its floor of 100 %\noverall: <b>& \n\n\
             run: 20261127T033000000Z-5f3a91\ntime: 2026-11-27 03:30:00 UTC\nhost: etl-1\npage: https://etl.example.com/runs/shop/r\n\
             not told: 2 more like this since the last message"
        );
    }

    #[test]
    fn what_there_is_not_is_not_spoken_of() {
        let news = News { run: None, link: None, why: Vec::new(), ..news() };
        let message = Message::new("ops", &alert(""), &news, 0, "");
        assert_eq!(message.text, "shop is held by its gate\n\n\ntime: 2026-11-27 03:30:00 UTC");
    }

    #[test]
    fn a_channel_has_its_own_words() {
        let news = news();
        let own = alert("subject = \"[{kind}] {pipeline}\"\ntext = \"{what} on {host}\"");
        let message = Message::new("ops", &own, &news, 0, "etl-1");
        assert_eq!((message.subject.as_str(), message.text.as_str()), ("[hold] shop", "is held by its gate on etl-1"));
    }

    #[test]
    fn a_message_has_one_name_however_often_it_is_sent() {
        let news = news();
        let id = |channel| Message::new(channel, &alert(""), &news, 0, "").id();
        assert_eq!(id("ops"), id("ops"));
        assert_ne!(id("ops"), id("dev"));
        assert_eq!(id("ops").len(), 4 + 32);
    }

    #[test]
    fn a_subject_is_one_line_of_readable_length() {
        let news = News { what: format!("failed\r\nBcc: all@example.com {}", "x".repeat(200)), ..news() };
        let subject = Message::new("ops", &alert(""), &news, 0, "").subject;
        assert!(subject.starts_with("shop failed  Bcc") && subject.ends_with("x …"), "{subject}");
        assert_eq!(subject.chars().count(), 150);
    }
}
