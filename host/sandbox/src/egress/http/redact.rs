//! Secrets taken out of what comes back: bodies as they stream, headers, texts of errors and logs.
//!
//! What always holds here:
//! - A secret is found in every form that a server or a library is likely to echo: as it is, base64 at any offset, percent-encoded,
//!   escaped for JSON or HTML, in hex (`every_form_of_a_secret_is_found`).
//! - Where a body is cut into pieces makes no difference (`cuts_make_no_difference`).
//!
//! What was found is replaced by [`MARK`], so that a body may change its length. A server that encodes a secret in a way of its own can
//! get it past this; it had the secret before.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    sync::Arc,
};

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

use crate::config::Secret;

/// What stands in the place of a secret.
pub const MARK: &str = "[redacted]";

/// The shortest secret: shorter ones can't be told apart from ordinary data.
pub const LEAST_BYTES: usize = 6;

/// Finds secrets.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    found: Option<Arc<Found>>,
}

#[derive(Debug)]
struct Found {
    forms: AhoCorasick,
    longest: usize,
}

impl Redactor {
    /// A redactor for these secrets.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut forms: Vec<Vec<u8>> = secrets.into_iter().flat_map(|secret| forms_of(secret.expose())).collect();
        forms.sort_unstable();
        forms.dedup();
        let Some(longest) = forms.iter().map(Vec::len).max() else { return Self::default() };
        // The automaton of a few short texts is far below any limit of the builder; if it ever were not, nothing may pass.
        let forms = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms).expect("few secrets make a small automaton");
        Self { found: Some(Arc::new(Found { forms, longest })) }
    }

    /// A text without secrets.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.found {
            Some(found) if found.forms.is_match(text) => {
                let mut out = String::with_capacity(text.len());
                found.forms.replace_all_with(text, &mut out, |_, _, out| {
                    out.push_str(MARK);
                    true
                });
                Cow::Owned(out)
            }
            _ => Cow::Borrowed(text),
        }
    }

    /// Whether a text holds a secret.
    pub fn finds(&self, text: &str) -> bool {
        self.found.as_ref().is_some_and(|found| found.forms.is_match(text))
    }

    /// Takes secrets out of what is written through it.
    pub fn stream<W: Write>(&self, inner: W) -> RedactedWrite<W> {
        RedactedWrite { inner, found: self.found.clone(), held: Vec::new() }
    }
}

/// Takes secrets out of what is written through it. What is written last comes out with [`RedactedWrite::finish`].
pub struct RedactedWrite<W> {
    inner: W,
    found: Option<Arc<Found>>,
    held: Vec<u8>,
}

impl<W: Write> RedactedWrite<W> {
    /// Writes what was held back, and gives the inner writer.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(found) = self.found.clone() {
            self.pass(&found, 0)?;
        }
        Ok(self.inner)
    }

    /// Writes what can't be the start of a secret: all but the last `open` bytes.
    fn pass(&mut self, found: &Found, open: usize) -> io::Result<()> {
        let mut done = 0;
        let until = self.held.len().saturating_sub(open);
        for secret in found.forms.find_iter(&self.held) {
            if secret.start() >= until {
                break;
            }
            self.inner.write_all(&self.held[done..secret.start()])?;
            self.inner.write_all(MARK.as_bytes())?;
            done = secret.end();
        }
        if done < until {
            self.inner.write_all(&self.held[done..until])?;
            done = until;
        }
        self.held.drain(..done);
        Ok(())
    }
}

impl<W: Write> Write for RedactedWrite<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(found) = self.found.clone() else { return self.inner.write(bytes) };
        self.held.extend_from_slice(bytes);
        self.pass(&found, found.longest - 1)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The forms in which a secret may come back.
fn forms_of(secret: &str) -> Vec<Vec<u8>> {
    if secret.len() < LEAST_BYTES {
        return Vec::new();
    }
    let mut forms = vec![secret.as_bytes().to_vec()];
    let mut add = |form: String| forms.push(form.into_bytes());
    for upper in [false, true] {
        add(percent_encoded(secret, upper, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
        add(percent_encoded(secret, upper, |byte| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte)).replace("%20", "+"));
        add(percent_encoded(secret, upper, |_| false));
        add(hex(secret, upper));
    }
    // A text of JSON may be a value of another one: servers echo headers as texts, and put bodies of others into their own.
    let inner = json(secret);
    for nested in [inner.clone(), json(&inner), json(&ascii(&inner)), json(&inner.replace('/', "\\/"))] {
        for nested in [ascii(&nested), nested] {
            add(nested.replace('/', "\\/"));
            add(nested);
        }
    }
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    add(html.replace('\'', "&#39;"));
    add(html.replace('\'', "&#039;"));
    for skipped in 0..3 {
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            add(base64_behind(secret, skipped, engine));
        }
    }
    forms.retain(|form| form.len() >= LEAST_BYTES);
    forms
}

/// A text as JSON writes it, without the quotes around it.
fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn percent_encoded(text: &str, upper: bool, plain: impl Fn(u8) -> bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = match (plain(byte), upper) {
            (true, _) => write!(out, "{}", byte as char),
            (false, true) => write!(out, "%{byte:02X}"),
            (false, false) => write!(out, "%{byte:02x}"),
        };
        out
    })
}

/// JSON as some servers (PHP's among them) write it: what is not ASCII as `\u` and four digits.
fn ascii(json: &str) -> String {
    json.encode_utf16().fold(String::new(), |mut out, unit| {
        let _ = match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => write!(out, "{}", byte as char),
            _ => write!(out, "\\u{unit:04x}"),
        };
        out
    })
}

fn hex(text: &str, upper: bool) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        let _ = if upper { write!(out, "{byte:02X}") } else { write!(out, "{byte:02x}") };
        out
    })
}

/// The characters that base64 gives for a text alone when it stands `skipped` bytes behind a group of three, whatever stands around it.
fn base64_behind(text: &str, skipped: usize, engine: &impl Engine) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, skipped).chain(text.bytes()).collect();
    let encoded = engine.encode(&padded);
    // A character carries 6 bits: those that also carry bits of a neighbour depend on it.
    let first = (skipped * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    encoded.get(first..last).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const SECRET: &str = "s3cr/t \"töken\"+42";

    fn redactor() -> Redactor {
        Redactor::new(&[Secret::new(SECRET)])
    }

    #[test]
    fn every_form_of_a_secret_is_found() {
        let basic = |user: &str| STANDARD.encode(format!("{user}:{SECRET}"));
        let mut echoes = vec![
            SECRET.to_owned(),
            serde_json::json!({ "authorization": format!("Bearer {SECRET}") }).to_string(),
            serde_json::json!({ "told": serde_json::json!({ "inner": SECRET }).to_string() }).to_string(),
            format!("?key={}", url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect::<String>()),
            basic("u"),
            basic("us"),
            basic("use"),
            URL_SAFE_NO_PAD.encode(SECRET),
            r#"{"key":"s3cr\/t \"t\u00f6ken\"+42"}"#.to_owned(),
            "<b>s3cr/t &quot;töken&quot;+42</b>".to_owned(),
        ];
        let mut url = url::Url::parse("https://example.com/").unwrap();
        url.query_pairs_mut().append_pair("key", SECRET);
        echoes.push(url.to_string());
        for echo in echoes {
            let clean = redactor().text(&echo).into_owned();
            assert!(clean.contains(MARK), "{echo} -> {clean}");
            assert!(!clean.contains("s3cr"), "{echo} -> {clean}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        assert!(matches!(redactor().text("s3cr"), Cow::Borrowed("s3cr")));
        assert_eq!(Redactor::default().text(SECRET), SECRET);
        assert_eq!(Redactor::new(&[Secret::new("abc")]).text("abc"), "abc", "too short to be told apart from data");
    }

    #[test]
    fn cuts_make_no_difference() {
        let body = format!("a{SECRET}b{SECRET}{SECRET}c{}", &SECRET[..5]);
        let whole = redactor().text(&body).into_owned();
        for size in 1..body.len() {
            let mut out = redactor().stream(Vec::new());
            for piece in body.as_bytes().chunks(size) {
                out.write_all(piece).unwrap();
            }
            assert_eq!(String::from_utf8(out.finish().unwrap()).unwrap(), whole, "pieces of {size} bytes");
        }
    }
}
