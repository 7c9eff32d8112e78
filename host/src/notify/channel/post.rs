//! The channels that take a POST of JSON.

use std::{path::Path, time::Duration};

use chrono::Utc;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER},
};
use serde_json::Value;
use url::{Host, Url};

use super::{Refusal, chain, is_distrust, redactor, resolve, slack, teams, webhook};
use crate::{
    config::{Alert, AlertKind, Secret},
    egress::http::redact::Redactor,
    notify::{
        message::{Message, cut},
        sign,
    },
};

/// How much of a refusal's text is shown.
const SHOWN_CHARS: usize = 200;

/// A URL that takes messages.
pub(in crate::notify) struct Post {
    kind: AlertKind,
    client: reqwest::Client,
    url: Url,
    key: Option<Secret>,
    redactor: Redactor,
}

impl Post {
    pub(super) fn open(alert: &Alert, root: &Path, client: &Result<reqwest::Client, String>) -> Result<Self, Refusal> {
        let client = client.as_ref().map_err(|why| never(&format!("there is no HTTP client: {why}")))?;
        let text = resolve(alert.url.as_ref(), "url", root)?.ok_or_else(|| never("it has no `url`"))?;
        let key = resolve(alert.secret.as_ref(), "secret", root)?;
        let url = address(text.expose())?;
        // A library may show the path alone, a server the token at its end.
        let path = Secret::new(url.path());
        let last = url.path_segments().and_then(|mut segments| segments.next_back()).filter(|last| last.len() >= 16).map(Secret::new);
        let query = url.query().map(Secret::new);
        let long = Some(&path).filter(|path| path.expose().len() >= 16);
        let redactor = redactor(&[Some(&text), long, last.as_ref(), query.as_ref(), key.as_ref()]);
        Ok(Self { kind: alert.kind, client: client.clone(), url, key, redactor })
    }

    pub(super) async fn send(&self, message: &Message<'_>) -> Result<(), Refusal> {
        let body = self.body(message).to_string();
        let mut request = self.client.post(self.url.clone()).header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.kind == AlertKind::Webhook {
            request = request.headers(self.names(message, &body)?);
        }
        match request.body(body).send().await {
            Ok(answer) => self.judge(answer).await,
            Err(error) => {
                // The URL is a secret, and no news.
                let error = error.without_url();
                let why = chain(&error, &self.redactor);
                match is_distrust(&error) {
                    true => Err(Refusal::Never { why }),
                    false => Err(Refusal::Later { why, wait: None }),
                }
            }
        }
    }

    fn body(&self, message: &Message<'_>) -> Value {
        match self.kind {
            AlertKind::Slack => slack::body(message),
            AlertKind::Teams => teams::body(message),
            AlertKind::Webhook | AlertKind::Email => webhook::body(message),
        }
    }

    /// The headers of Standard Webhooks: the message's name, the time, and with a key the signature over both and the body.
    fn names(&self, message: &Message<'_>, body: &str) -> Result<HeaderMap, Refusal> {
        let (id, now) = (message.id(), Utc::now().timestamp());
        let signature = self.key.as_ref().map(|key| sign::signature(key.expose(), &id, now, body));
        let fields = [("webhook-id", Some(id)), ("webhook-timestamp", Some(now.to_string())), ("webhook-signature", signature)];
        let mut headers = HeaderMap::new();
        for (name, value) in fields.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            let value = HeaderValue::from_str(&value).map_err(|_| never("its message has no name that a header can carry"))?;
            headers.insert(name, value);
        }
        Ok(headers)
    }

    async fn judge(&self, answer: reqwest::Response) -> Result<(), Refusal> {
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let wait = retry_after(answer.headers());
        let said = answer.text().await.unwrap_or_default();
        let said = cut(self.redactor.text(said.trim()).replace(|c: char| c.is_control(), " ").trim(), SHOWN_CHARS);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let why = format!("it answered {status}{said}");
        let passing = status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        if passing {
            return Err(Refusal::Later { why, wait });
        }
        let hint = match status {
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => "; is its `url` still right?",
            status if status.is_redirection() => "; a redirect is not followed, write the new place into its `url`",
            _ => "",
        };
        Err(Refusal::Never { why: format!("{why}{hint}") })
    }
}

/// What a URL of an alert must be. It is never shown.
fn address(text: &str) -> Result<Url, Refusal> {
    let url = Url::parse(text).map_err(|error| never(&format!("its `url` is none: {error}")))?;
    let here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if here => Ok(url),
        _ => Err(never("its `url` must begin with `https://`: it is a secret, which goes in the clear to this very machine only")),
    }
}

fn never(why: &str) -> Refusal {
    Refusal::Never { why: why.to_owned() }
}

/// The wait that a server asks for: seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(Utc::now().into()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_sent_to_in_the_clear_on_this_machine_only() {
        for good in ["https://hooks.slack.com/services/T/B/x", "http://127.0.0.1:9/x", "http://localhost/x", "http://[::1]/x"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["http://hooks.slack.com/services/T0000/B0000/token", "ftp://127.0.0.1/x", "hooks.slack.com", ""] {
            let Err(Refusal::Never { why }) = address(bad) else { panic!("{bad} was taken") };
            assert!(!why.contains("token"), "{why}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let wait = |text: &'static str| retry_after(&[(RETRY_AFTER, HeaderValue::from_static(text))].into_iter().collect());
        assert_eq!(wait("3"), Some(Duration::from_secs(3)));
        assert_eq!(wait("-1"), Some(Duration::ZERO));
        assert_eq!(wait("Fri, 27 Nov 2020 11:00:07 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
    }
}
