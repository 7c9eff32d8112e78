//! What is new: a window from the last cursor, less an overlap, to an end that is frozen when the run starts.
//!
//! - The end is the server's own time, from the `date` of one answer that all streams of a run share: a row that changes while a run reads
//!   is in this window or in the next one, whatever our clock says
//!   (`a_window_starts_an_overlap_before_the_cursor_and_ends_at_the_servers_time`).
//! - A cursor is the end of the window that was read, as `2026-11-27T00:12:39Z`. It never goes back
//!   (`a_cursor_never_goes_back`).
//! - The overlap reads some rows twice; the load's merge finds them again by their key.

use super::pages::Param;
use crate::{Failure, Result, http::Request, instant};

/// The overlap where a source does not say another. It covers filters that leave out the second of the cursor itself, rows that become
/// visible after their own time, and servers whose clocks differ by seconds.
const OVERLAP_SECONDS: i64 = 300;

/// A span of time in seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Window {
    /// Its start; none for everything there is.
    pub from: Option<i64>,
    /// Its end.
    pub until: i64,
}

impl Window {
    /// What is to be read after `cursor` until `now`, the server's time ([`clock`]).
    pub fn after(cursor: Option<&str>, now: i64, overlap_seconds: i64) -> Result<Self> {
        let Some(cursor) = cursor else { return Ok(Self { from: None, until: now }) };
        let reached = seconds(cursor)?;
        // Several servers behind one name may disagree by seconds about the time.
        Ok(Self { from: Some(reached - overlap_seconds), until: now.max(reached) })
    }

    /// The cursor of a stream that was read to the end of this window.
    pub fn cursor(&self) -> String {
        instant::rfc3339(self.until)
    }

    /// Folds the cursors of a stream's slices into the stream's next one: the earliest, and never one before `cursor`.
    pub fn advance(cursor: Option<String>, reached: &[String]) -> Result<Option<String>> {
        let mut earliest = None;
        for text in reached {
            let at = seconds(text)?;
            earliest = Some(earliest.map_or(at, |known: i64| known.min(at)));
        }
        let before = cursor.as_deref().map(seconds).transpose()?;
        Ok(earliest.max(before).map(instant::rfc3339))
    }
}

fn seconds(cursor: &str) -> Result<i64> {
    let micros =
        instant::parse(cursor).ok_or_else(|| Failure::bad_data("the cursor is no instant: it was made by another source or version"))?;
    Ok(micros.div_euclid(1_000_000))
}

/// The server's time: the `date` of this request's answer. Send the same request for all streams: within a run it is asked once, so that
/// they share one end.
pub fn clock(request: &Request) -> Result<i64> {
    let response = request.send()?.success()?;
    response
        .date()
        .ok_or_else(|| Failure::bad_data(format!("the answer of `{}` has no `date` header, which ends the window", response.path())))
}

/// How a server wants to be told an instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stamp {
    /// `2026-11-27T00:12:39Z`
    #[default]
    Rfc3339,
    /// `2026-11-27T00:12:39`, in GMT.
    Zoneless,
    /// `1795738359`
    UnixSeconds,
    /// `2026-11-27`: the server compares days.
    Day,
}

impl Stamp {
    /// An instant in seconds since 1970-01-01T00:00:00Z as the server wants it.
    pub fn format(self, seconds: i64) -> String {
        match self {
            Self::Rfc3339 => instant::rfc3339(seconds),
            Self::Zoneless => instant::zoneless(seconds),
            Self::UnixSeconds => seconds.to_string(),
            Self::Day => instant::zoneless(seconds)[..10].to_owned(),
        }
    }
}

/// How a stream is read incrementally.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    pub(super) field: String,
    pub(super) from: Option<Param>,
    pub(super) until: Option<Param>,
    pub(super) stamp: Stamp,
    pub(super) overlap_seconds: i64,
    pub(super) start: Option<i64>,
}

impl Incremental {
    /// By a column that grows with each change of a row. What lies beyond the window's end is left to the next run.
    pub fn by(field: &str) -> Self {
        Self { field: field.to_owned(), from: None, until: None, stamp: Stamp::default(), overlap_seconds: OVERLAP_SECONDS, start: None }
    }

    /// The parameter that tells the server the window's start: a query parameter, or with a `/` in front a JSON pointer in the body.
    /// Without one the server gives everything each time.
    #[must_use]
    pub fn from(mut self, param: &str) -> Self {
        self.from = Some(param.into());
        self
    }

    /// The parameter that tells the server the window's end.
    #[must_use]
    pub fn until(mut self, param: &str) -> Self {
        self.until = Some(param.into());
        self
    }

    /// How the parameters are written; RFC 3339 with `Z` by default.
    #[must_use]
    pub fn stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = stamp;
        self
    }

    /// How far a window reaches back before the cursor; 300 s by default.
    #[must_use]
    pub fn overlap_seconds(mut self, seconds: u32) -> Self {
        self.overlap_seconds = seconds.into();
        self
    }

    /// Where the first window starts, in seconds since 1970-01-01T00:00:00Z; at everything by default.
    #[must_use]
    pub fn start(mut self, seconds: Option<i64>) -> Self {
        self.start = seconds;
        self
    }

    /// What is to be read after `cursor` until `now`.
    pub(super) fn window(&self, cursor: Option<&str>, now: i64) -> Result<Window> {
        let window = Window::after(cursor, now, self.overlap_seconds)?;
        Ok(Window { from: window.from.or(self.start), until: window.until })
    }

    /// A request for a window.
    pub(super) fn ask(&self, mut request: Request, window: &Window) -> Request {
        if let (Some(param), Some(from)) = (&self.from, window.from) {
            request = param.set(request, &self.stamp.format(from), self.stamp == Stamp::UnixSeconds);
        }
        if let Some(param) = &self.until {
            request = param.set(request, &self.stamp.format(window.until), self.stamp == Stamp::UnixSeconds);
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{self, testing};

    #[test]
    fn a_window_starts_an_overlap_before_the_cursor_and_ends_at_the_servers_time() {
        testing::answer(|_| Ok(testing::Reply::text(204, "")));
        let now = clock(&http::get("https://a.example/status")).unwrap();
        assert_eq!(now, testing::NOW);
        assert_eq!(Window::after(None, now, 60).unwrap(), Window { from: None, until: now });
        let cursor = instant::rfc3339(now - 100);
        assert_eq!(Window::after(Some(&cursor), now, 60).unwrap(), Window { from: Some(now - 160), until: now });
    }

    #[test]
    fn a_cursor_never_goes_back() {
        let window = Window::after(Some("2026-11-27T00:00:10Z"), testing::NOW, 60).unwrap();
        assert_eq!(window.cursor(), "2026-11-27T00:00:10Z");
        let advance = |cursor: Option<&str>, reached: &[&str]| {
            let reached: Vec<_> = reached.iter().map(|text| (*text).to_owned()).collect();
            Window::advance(cursor.map(str::to_owned), &reached).unwrap()
        };
        assert_eq!(advance(None, &["2026-11-27T00:00:10Z", "2026-11-27T00:00:05Z"]).unwrap(), "2026-11-27T00:00:05Z");
        assert_eq!(advance(Some("2026-11-28T00:00:00Z"), &["2026-11-27T00:00:10Z"]).unwrap(), "2026-11-28T00:00:00Z");
        assert_eq!(advance(None, &[]), None);
        assert!(Window::after(Some("page 7"), 0, 60).is_err());
    }

    #[test]
    fn instants_are_told_as_the_server_wants_them() {
        let told = [Stamp::Rfc3339, Stamp::Zoneless, Stamp::UnixSeconds, Stamp::Day].map(|stamp| stamp.format(testing::NOW + 1));
        assert_eq!(told, ["2026-11-27T00:00:01Z", "2026-11-27T00:00:01", "1795737601", "2026-11-27"]);
    }

    #[test]
    fn a_window_is_asked_for_in_the_query_or_in_the_body() {
        let window = Window { from: Some(0), until: 60 };
        let by_query = Incremental::by("updated").from("since").until("before").ask(http::get("https://a.example/x?since=1"), &window);
        assert_eq!(by_query.url(), "https://a.example/x?since=1970-01-01T00%3A00%3A00Z&before=1970-01-01T00%3A01%3A00Z");
        let by_body = Incremental::by("updated").from("/filter/since").stamp(Stamp::UnixSeconds);
        let request = by_body.ask(http::post("https://a.example/x"), &window);
        testing::answer(|asked| Ok(testing::Reply::json(200, &asked.json())));
        assert_eq!(request.send().unwrap().text().unwrap(), r#"{"filter":{"since":0}}"#);
    }
}
