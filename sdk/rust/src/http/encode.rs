//! URLs: percent-encoding (RFC 3986, section 2), and references resolved against a base (section 5).

/// Percent-encodes everything but unreserved characters: for a segment of a path, or a name or value of a query.
pub fn percent(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                encoded.extend(['%', char::from(HEX[usize::from(byte >> 4)]), char::from(HEX[usize::from(byte & 15)])]);
            }
        }
    }
    encoded
}

/// As [`percent`], with `+` for a space.
pub(super) fn form(text: &str) -> String {
    percent(text).replace("%20", "+")
}

/// Adds a parameter to a URL's query, before its fragment.
pub(super) fn add_query(url: &str, name: &str, value: &str) -> String {
    let (url, fragment) = split_before(url, '#');
    let sign = match url.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{url}{sign}{}={}{fragment}", percent(name), percent(value))
}

/// A URL without a parameter.
pub(super) fn without_query(url: &str, name: &str) -> String {
    let (url, fragment) = split_before(url, '#');
    let Some((path, query)) = url.split_once('?') else { return format!("{url}{fragment}") };
    let name = percent(name);
    let kept: Vec<_> = query.split('&').filter(|pair| pair.split('=').next() != Some(&name)).collect();
    if kept.is_empty() { format!("{path}{fragment}") } else { format!("{path}?{}{fragment}", kept.join("&")) }
}

/// What `reference` means on the page `base`: a whole URL, one without a scheme, a path, a query.
pub fn join(base: &str, reference: &str) -> String {
    let scheme = |text: &str| text.split_once(':').is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.bytes().all(in_scheme));
    if scheme(reference) {
        return reference.to_owned();
    }
    let (start, rest) = base.split_once("://").unwrap_or(("https", base));
    let (authority, path) = split_at(rest, &['/', '?', '#']);
    let (path, _) = split_at(path, &['?', '#']);
    match reference.as_bytes() {
        [b'/', b'/', ..] => format!("{start}:{reference}"),
        [b'/', ..] => format!("{start}://{authority}{}", without_dots(reference)),
        [] | [b'?' | b'#', ..] => format!("{start}://{authority}{path}{reference}"),
        _ => {
            let folder = path.rfind('/').map_or("/", |at| &path[..=at]);
            format!("{start}://{authority}{}", without_dots(&format!("{folder}{reference}")))
        }
    }
}

fn in_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.')
}

fn split_at<'a>(text: &'a str, at: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(at).unwrap_or(text.len()))
}

fn split_before(text: &str, at: char) -> (&str, &str) {
    split_at(text, &[at])
}

/// Takes `.` and `..` out of a path.
fn without_dots(reference: &str) -> String {
    let (path, behind) = split_at(reference, &['?', '#']);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if segments.peek().is_none() {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}{behind}", kept.join("/"))
}

/// The path of a URL, for messages: no host, no query.
pub(super) fn path(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (path, _) = split_at(rest, &['?', '#']);
    path.find('/').map_or("/", |at| &path[at..])
}

/// The first value of a query parameter, decoded.
#[cfg(not(target_family = "wasm"))]
pub(super) fn query_value(url: &str, name: &str) -> Option<String> {
    let (url, _) = split_before(url, '#');
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key) == name).then(|| decode(value))
    })
}

#[cfg(not(target_family = "wasm"))]
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let (byte, length) = match (first, hex) {
            (b'%', Some(byte)) => (byte, 3),
            (b'+', _) => (b' ', 1),
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[length..];
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        let url = add_query("https://a.example/x", "updated since", "2026-11-27T00:12:39+00:00");
        assert_eq!(url, "https://a.example/x?updated%20since=2026-11-27T00%3A12%3A39%2B00%3A00");
        assert_eq!(add_query("https://a.example/x?a=1#top", "b", "é&="), "https://a.example/x?a=1&b=%C3%A9%26%3D#top");
        assert_eq!(query_value(&url, "updated since").unwrap(), "2026-11-27T00:12:39+00:00");
        assert_eq!(form("a b&c"), "a+b%26c");
    }

    #[test]
    fn a_parameter_is_taken_out() {
        assert_eq!(without_query("https://a.example/x?page=1&per_page=2", "page"), "https://a.example/x?per_page=2");
        assert_eq!(without_query("https://a.example/x?page=1", "page"), "https://a.example/x");
    }

    #[test]
    fn references_are_resolved() {
        let base = "https://a.example:8443/v1/orders?page=1";
        for (reference, expected) in [
            ("https://b.example/x", "https://b.example/x"),
            ("//b.example/x", "https://b.example/x"),
            ("/v2/orders?page=2", "https://a.example:8443/v2/orders?page=2"),
            ("?page=2", "https://a.example:8443/v1/orders?page=2"),
            ("items", "https://a.example:8443/v1/items"),
            ("../v2/./items?at=1:2", "https://a.example:8443/v2/items?at=1:2"),
            ("", "https://a.example:8443/v1/orders"),
        ] {
            assert_eq!(join(base, reference), expected, "{reference}");
        }
        assert_eq!(join("https://a.example", "x"), "https://a.example/x");
        assert_eq!(path("https://a.example/v1/orders?key=1"), "/v1/orders");
        assert_eq!(path("https://a.example?key=1"), "/");
    }
}
