//! A page of an API: an answer whose body is JSON, read whole.

use serde::de::DeserializeOwned;

use super::find::{Finder, Seen};
use crate::{
    Failure, Result,
    http::{self, Response},
};

/// A page. Its body is in memory: lines that go on and on are read with [`super::Lines`].
#[derive(Debug)]
pub struct Page {
    text: String,
    damaged: bool,
    number: u32,
    url: String,
    headers: Vec<(String, String)>,
    place: String,
    date: Option<i64>,
}

impl Page {
    /// Reads the body of an answer. A status of 400 and more is a failure.
    pub fn read(response: Response) -> Result<Self> {
        let mut response = response.success()?;
        let bytes = response.bytes()?;
        let (mut text, damaged) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        };
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        let (number, url, place) = (response.page(), response.url().to_owned(), response.place());
        Ok(Self { text, damaged, number, url, headers: response.headers().to_vec(), place, date: response.date() })
    }

    /// The number of the archived page, for [`crate::Origin`].
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The URL that was asked.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The body as it came.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first header of this name, which is written in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// When the server answered, by its own clock, in seconds since 1970-01-01T00:00:00Z.
    pub fn date(&self) -> Option<i64> {
        self.date
    }

    /// The URL of the header `link` with this relation (`next`), made whole.
    pub fn link(&self, relation: &str) -> Option<String> {
        super::link::target(&self.headers, relation).map(|target| http::join(&self.url, target))
    }

    /// The JSON texts at these pointers, found in one pass; none where a pointer leads nowhere or to null.
    pub fn at<const N: usize>(&self, pointers: [&str; N]) -> Result<[Option<&str>; N]> {
        let (mut finder, root) = Finder::new();
        let mut slots = [0; N];
        for (slot, pointer) in slots.iter_mut().zip(pointers) {
            *slot = finder.value(root, pointer)?;
        }
        let found = self.walk(&finder, &mut |_, _| ())?;
        Ok(slots.map(|slot| found[slot].filter(|raw| *raw != "null")))
    }

    /// The JSON texts of the items of the list at `pointer`; none where there is no list.
    pub fn records(&self, pointer: &str) -> Result<Vec<&str>> {
        let (mut finder, root) = Finder::new();
        let item = finder.items(root, pointer)?;
        let slot = finder.value(item, "")?;
        let mut records = Vec::new();
        self.walk(&finder, &mut |found, _| records.extend(found[slot]))?;
        Ok(records)
    }

    /// The value at `pointer`, parsed; none where it leads nowhere or to null.
    pub fn parse<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>> {
        let [raw] = self.at([pointer])?;
        let Some(raw) = raw else { return Ok(None) };
        // Serde's own message may quote the data.
        serde_json::from_str(raw).map(Some).map_err(|_| Failure::bad_data(format!("{}: `{pointer}` is not what was expected", self.place)))
    }

    /// Whether bytes that are not UTF-8 were replaced in the text.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Path and page, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn walk<'de>(&'de self, finder: &Finder, seen: &mut Seen<'_, 'de>) -> Result<Vec<Option<&'de str>>> {
        finder.walk(&self.text, seen).map_err(|broken| crate::http::not_json(&self.place, self.text.len(), broken.at))
    }
}

/// The text of a JSON value that names something: a text, a number; none for null, false, an empty text, and what is nested.
pub(super) fn word(raw: &str) -> Option<String> {
    match raw.as_bytes() {
        [b'"', ..] => serde_json::from_str(raw).ok().filter(|text: &String| !text.is_empty()),
        [b'-' | b'0'..=b'9', ..] => Some(raw.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        FailureKind,
        http::testing::{self, Reply},
    };

    fn page(reply: Reply) -> Result<Page> {
        testing::answer(move |_| Ok(reply.clone()));
        Page::read(http::get("https://a.example/v1/orders?page=1").send()?)
    }

    #[test]
    fn a_page_gives_its_records_and_what_stands_beside_them() {
        let reply = Reply::text(200, "\u{feff}{\"orders\": [ {\"id\": 1.0} , 2 ], \"meta\": {\"next\": null, \"n\": 2}}")
            .header("Link", "<?page=2>; rel=next");
        let page = page(reply).unwrap();
        assert_eq!(page.records("/orders").unwrap(), ["{\"id\": 1.0}", "2"]);
        assert_eq!(page.at(["/meta/n", "/meta/next", "/other"]).unwrap(), [Some("2"), None, None]);
        assert_eq!(page.parse::<u32>("/meta/n").unwrap(), Some(2));
        assert_eq!(page.link("next").unwrap(), "https://a.example/v1/orders?page=2");
        assert_eq!(page.records("/none").unwrap().len(), 0);
    }

    #[test]
    fn a_body_that_is_not_json_is_asked_for_again_by_the_host() {
        let failure = page(Reply::text(200, "{\"orders\": [{\"id\": 1},\n<b>Fatal error</b>")).unwrap().records("/orders").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable);
        assert_eq!(failure.message, "`/v1/orders` (page 0) is not JSON at byte 23 of 41");
        assert_eq!(page(Reply::text(200, "")).unwrap().records("").unwrap_err().message, "`/v1/orders` (page 0) is empty");
    }

    #[test]
    fn words_name_something() {
        assert_eq!(
            ["\"a\\u0062\"", "12", "null", "false", "\"\"", "{}"].map(word),
            [Some("ab".into()), Some("12".into()), None, None, None, None]
        );
    }
}
