//! Failures out of answers with a status of 400 and more.
//!
//! The server's own words help, and may quote data: words that look like values are blotted out.

use std::time::Duration;

use serde_json::Value;

use super::Response;
use crate::{Failure, instant};

/// How much of an answer is looked at.
const LOOKED_AT_BYTES: u32 = 64 << 10;
/// How long the server's words may be.
const MOST_CHARS: usize = 200;
/// Where APIs put their words.
const KEYS: [&str; 9] = ["message", "error_description", "detail", "title", "error", "errors", "reason", "code", "type"];

/// The failure that an answer stands for.
pub(super) fn failure(mut response: Response) -> Failure {
    let body = response.read(LOOKED_AT_BYTES).unwrap_or_default();
    let said = words(&body).map(|said| format!(": {said}")).unwrap_or_default();
    let message = format!("the server answered {} to `{}`{said}", status(response.status), response.path());
    match response.status {
        401 | 403 | 407 => Failure::auth(message),
        429 => Failure::rate_limited(wait(&response), message),
        408 | 423 | 425 | 500.. => Failure::unavailable(message),
        _ => Failure::config(message),
    }
}

fn status(status: u16) -> String {
    let name = match status {
        400 => "bad request",
        401 => "unauthorized",
        402 => "payment required",
        403 => "forbidden",
        404 => "not found",
        405 => "method not allowed",
        406 => "not acceptable",
        409 => "conflict",
        410 => "gone",
        414 => "URI too long",
        422 => "unprocessable",
        423 => "locked",
        429 => "too many requests",
        500 => "internal error",
        503 => "unavailable",
        _ => return status.to_string(),
    };
    format!("{status} ({name})")
}

/// How long the server asks to wait: seconds, also with a fraction, or a date, which counts from the answer's own.
fn wait(response: &Response) -> Option<Duration> {
    let text = response.header("retry-after")?;
    let seconds = text.trim().parse().ok();
    let until = || instant::parse_http_date(text).zip(response.date()).map(|(until, now)| (until - now).max(0) as f64);
    Duration::try_from_secs_f64(seconds.or_else(until)?).ok()
}

/// The server's words, without what looks like a value; none where there are none.
fn words(body: &[u8]) -> Option<String> {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return None };
    let mut found = Vec::new();
    collect(&value, &mut found);
    let text = blot(&found.join("; "));
    (!text.is_empty()).then_some(text)
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !found.iter().any(|word| word == text) => found.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Value::Object(map) => {
            let named: Vec<_> = KEYS.iter().filter_map(|key| map.get(*key)).collect();
            // Some APIs answer with one text per field: {"errors": {"limit": ["must be positive"]}}.
            if named.is_empty() {
                map.values().for_each(|value| collect(value, found))
            } else {
                named.iter().for_each(|value| collect(value, found))
            }
        }
        _ => {}
    }
}

/// Blots out what is quoted and what holds digits or an `@`, and cuts the rest.
fn blot(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut quote = None;
    for word in text.split_whitespace() {
        let opens = word.chars().next().filter(|first| matches!(first, '"' | '\'' | '`' | '“' | '‘' | '«'));
        let inside = quote.is_some();
        quote = quote.or(opens.map(closing));
        if quote.is_some_and(|quote| word.chars().skip(usize::from(!inside)).any(|c| c == quote)) {
            quote = None;
        }
        let value = inside || opens.is_some() || word.chars().any(|c| c.is_numeric() || matches!(c, '@' | '"'));
        if !value {
            words.push(word.to_owned());
        } else if words.last().is_none_or(|last| last != "…") {
            words.push("…".to_owned());
        }
    }
    let text = words.join(" ");
    match text.char_indices().nth(MOST_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn closing(open: char) -> char {
    match open {
        '“' => '”',
        '‘' => '’',
        '«' => '»',
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        FailureKind,
        http::{self, testing},
    };

    fn refused(reply: testing::Reply) -> Failure {
        testing::answer(move |_| Ok(reply.clone()));
        http::get("https://a.example/v1/things?email=ann@example.org").send().unwrap().success().err().unwrap()
    }

    #[test]
    fn a_refusal_is_told_without_values() {
        let error = json!({ "error": { "type": "invalid_request_error", "message": "No such customer: 'cus_9 x' for ann@example.org" } });
        let failure = refused(testing::Reply::json(404, &error));
        assert_eq!(failure.kind, FailureKind::Config);
        let expected = "the server answered 404 (not found) to `/v1/things`: No such customer: … for … invalid_request_error";
        assert_eq!(failure.message, expected);
    }

    #[test]
    fn the_words_are_found_where_apis_put_them() {
        assert_eq!(words(br#"{"errors":{"limit":["must be positive"]}}"#).unwrap(), "must be positive");
        assert_eq!(words(br#"{"errors":"Not Found"}"#).unwrap(), "Not Found");
        assert_eq!(words(br#"{"errors":[{"message":"Throttled","extensions":{"code":"X"}}]}"#).unwrap(), "Throttled");
        assert_eq!(words(b"<html>"), None);
        assert_eq!(blot(&"long ".repeat(100)).chars().count(), MOST_CHARS + 1);
    }

    #[test]
    fn a_status_has_its_kind_of_failure() {
        let config = refused(testing::Reply::json(422, &json!({})));
        assert_eq!(
            (config.kind, config.message.as_str()),
            (FailureKind::Config, "the server answered 422 (unprocessable) to `/v1/things`")
        );
        assert_eq!(refused(testing::Reply::json(423, &json!({}))).kind, FailureKind::Unavailable);
    }
}
