//! Walking through the pages of a list.
//!
//! - What a page says about the next one counts only after the page was read whole: a request that fails changes nothing here.
//! - A list that becomes shorter while it is read is read again from where its rows may have moved to, where the server says how long it is
//!   (`a_list_that_shrinks_loses_no_row`).
//! - A page that names one as the next that was read already, and a list that does not end, are failures
//!   (`a_page_that_leads_back_is_a_failure`, `a_list_that_does_not_end_is_a_failure`).

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    page::{Page, word},
    pages::{Pages, Shape, Total, TotalOf},
};
use crate::{
    Failure, Result,
    http::{self, Request, Response},
};

/// Walks through the pages of a list.
#[derive(Debug)]
pub struct Pager {
    pages: Pages,
    /// The request of the next page; none at the end.
    next: Option<Request>,
    /// How many pages were read.
    read: usize,
    /// How many records they had.
    records: u64,
    /// How long the list was on the last page, in records or pages.
    total: Option<u64>,
    /// The requests that were sent.
    sent: HashSet<u64>,
    /// The text of the last page, for servers that give the same page whatever they are asked for.
    last_text: u64,
    /// Whether the last answer was no good: the next one comes from the server, not from the archive.
    failed: bool,
    /// The number of the last page in the archive.
    last_page: Option<u32>,
    /// Whether an answer 404 to the first request is an empty list.
    may_be_missing: bool,
}

/// What a page says about the next one.
pub(super) struct Turn<'a> {
    /// How many records it has.
    pub records: u64,
    /// The values at [`Pages::pointers`].
    pub found: &'a [Option<&'a str>],
    /// The value at [`Pages::field`] in the last record.
    pub last: Option<&'a str>,
}

impl Pager {
    /// Starts at `first`, to which page number, offset and size are added where `pages` has them.
    pub fn new(first: Request, pages: Pages) -> Self {
        let first = match &pages.shape {
            Shape::Numbered { param, first: number, size, .. } => {
                let sized = size.iter().fold(first, |request, size| size.param.set(request, &size.size.to_string(), true));
                param.set(sized, &number.to_string(), true)
            }
            Shape::Offset { param, size, .. } => {
                let sized = size.iter().fold(first, |request, size| size.param.set(request, &size.size.to_string(), true));
                param.set(sized, "0", true)
            }
            _ => first,
        };
        Self {
            pages,
            next: Some(first),
            read: 0,
            records: 0,
            total: None,
            sent: HashSet::new(),
            last_text: 0,
            failed: false,
            last_page: None,
            may_be_missing: false,
        }
    }

    /// Pages come after this one of the archive, so that the origins of rows ascend across lists.
    pub fn come_after(&mut self, page: Option<u32>) {
        self.last_page = self.last_page.max(page);
    }

    /// An answer 404 to the first request is an empty list.
    pub fn may_be_missing(&mut self) {
        self.may_be_missing = true;
    }

    /// The page that was got last is no good: the next request goes to the server.
    pub fn fail(&mut self) {
        self.failed = true;
    }

    /// The request of the next page; none at the end.
    pub fn request(&self) -> Option<&Request> {
        self.next.as_ref()
    }

    /// The next page and its records, at `records` in its body; none at the end. It takes a pass through the body to find the records:
    /// [`super::Rows::push_page`] does both at once.
    pub fn fetch(&mut self, records: &str) -> Result<Option<Page>> {
        let Some(page) = self.get()? else { return Ok(None) };
        self.step(&page, records).inspect_err(|_| self.failed = true)?;
        Ok(Some(page))
    }

    /// The next page, which is the next one still until [`Pager::turn`] was called.
    pub(super) fn get(&mut self) -> Result<Option<Page>> {
        let Some(request) = self.next.clone() else { return Ok(None) };
        let answer = self.send(request)?;
        let past_the_end = self.read > 0 && matches!(self.pages.shape, Shape::Numbered { .. });
        if answer.status() == 404 && (past_the_end || (self.read == 0 && self.may_be_missing)) {
            self.next = None;
            return Ok(None);
        }
        Page::read(answer).map(Some).inspect_err(|_| self.failed = true)
    }

    /// What the archive has of this run would give rows an origin before the ones that were read, where another stream, or a look at the
    /// first records, asked for this page alone earlier: then it is asked for again.
    fn send(&self, request: Request) -> Result<Response> {
        let request = if self.failed { request.fresh() } else { request };
        let answer = request.send()?;
        if self.last_page.is_some_and(|last| answer.page() <= last) { request.fresh().send() } else { Ok(answer) }
    }

    fn step(&mut self, page: &Page, records: &str) -> Result<()> {
        let (mut finder, root) = super::find::Finder::new();
        let slots = self.pages.pointers().into_iter().map(|pointer| finder.value(root, pointer)).collect::<Result<Vec<_>>>()?;
        let item = finder.items(root, records)?;
        let field = self.pages.field().map(|field| finder.value(item, field)).transpose()?;
        let (mut count, mut last) = (0, None);
        let found = page.walk(&finder, &mut |found, _| {
            count += 1;
            last = field.and_then(|field| found[field]);
        })?;
        let found: Vec<_> = slots.iter().map(|slot| found[*slot]).collect();
        self.turn(page, &Turn { records: count, found: &found, last })
    }

    /// A page was read: goes on to the next one.
    pub(super) fn turn(&mut self, page: &Page, turn: &Turn<'_>) -> Result<()> {
        let Some(request) = self.next.clone() else { return Ok(()) };
        let total = self.total_on(page, turn)?;
        if let (Some((of, now)), Some(before)) = (total, self.total)
            && now < before
            && self.read > 0
        {
            self.go_back(request.fresh(), of, before - now);
            (self.total, self.last_page) = (Some(now), Some(page.number()));
            return Ok(());
        }
        let next = self.after(page, turn, request.clone())?;
        // Only pages that are counted can be the same without an end.
        let text = if self.counts() { hash(page.text()) } else { 0 };
        if let Some(next) = &next {
            let at = page.place();
            if self.sent.contains(&hash(next)) || *next == request {
                return Err(Failure::bad_data(format!("{at} names a page as the next one that was read already")));
            }
            if self.counts() && turn.records > 0 && text == self.last_text {
                return Err(Failure::bad_data(format!(
                    "{at} is the same as the page before it: the server does not heed the page's number"
                )));
            }
            if self.read + 1 >= self.pages.most {
                return Err(Failure::bad_data(format!("{at} is not the last one after {} pages: the list does not end", self.pages.most)));
            }
        }
        self.sent.insert(hash(&request));
        (self.next, self.last_text, self.failed) = (next, text, false);
        self.last_page = Some(page.number());
        self.read += 1;
        self.records += turn.records;
        self.total = total.map(|(_, total)| total);
        Ok(())
    }

    /// The list became shorter: what stood behind the rows that went away may have moved to pages that were read already. They are asked for
    /// again, as far back as so many rows, or pages, can have moved.
    fn go_back(&mut self, request: Request, of: TotalOf, fewer: u64) {
        match &self.pages.shape {
            Shape::Numbered { param, first, .. } => {
                let size = self.records.div_ceil(self.read as u64).max(1);
                let back = if of == TotalOf::Pages { fewer } else { fewer.div_ceil(size) };
                self.read = self.read.saturating_sub(usize::try_from(back).unwrap_or(usize::MAX));
                self.records = size * self.read as u64;
                self.next = Some(param.set(request, &(first + self.read as u64).to_string(), true));
            }
            Shape::Offset { param, .. } => {
                self.records = self.records.saturating_sub(fewer);
                self.next = Some(param.set(request, &self.records.to_string(), true));
            }
            _ => self.next = Some(request),
        }
        self.sent.clear();
        (self.last_text, self.failed) = (0, false);
    }

    /// What a page says about the length of the list.
    fn total_on(&self, page: &Page, turn: &Turn<'_>) -> Result<Option<(TotalOf, u64)>> {
        match &self.pages.shape {
            Shape::Numbered { total, .. } | Shape::Offset { total, .. } => {
                total_of(page, total.as_ref(), turn.found.first().copied().flatten())
            }
            _ => Ok(None),
        }
    }

    /// Whether pages are found by counting: the server is not asked what comes next.
    fn counts(&self) -> bool {
        matches!(self.pages.shape, Shape::Numbered { .. } | Shape::Offset { .. })
    }

    /// The request of the page after `page`.
    fn after(&self, page: &Page, turn: &Turn<'_>, request: Request) -> Result<Option<Request>> {
        let found = |place: usize| turn.found.get(place).copied().flatten();
        let next = match &self.pages.shape {
            Shape::Single => None,
            Shape::Link => page.link("next").map(|url| request.with_url(as_secure(page.url(), url))),
            Shape::NextUrl { .. } => {
                found(0).and_then(word).map(|url| request.with_url(as_secure(page.url(), http::join(page.url(), &url))))
            }
            Shape::Cursor { param, more, .. } => {
                let more = more.is_none() || found(1) == Some("true");
                found(0).filter(|_| more).and_then(|raw| Some(param.set(request, &word(raw)?, !raw.starts_with('"'))))
            }
            Shape::AfterLast { param, more, .. } => {
                let more = more.is_none() || found(0) == Some("true");
                if more && turn.records > 0 && turn.last.and_then(word).is_none() {
                    return Err(Failure::bad_data(format!(
                        "the last record of {} has nothing at the place that the next page starts after",
                        page.place()
                    )));
                }
                turn.last.filter(|_| more).and_then(|raw| Some(param.set(request, &word(raw)?, !raw.starts_with('"'))))
            }
            Shape::Numbered { param, first, total, .. } => {
                let read = self.read as u64 + 1;
                let records = self.records + turn.records;
                let more = match total_of(page, total.as_ref(), found(0))? {
                    Some((TotalOf::Pages, pages)) => read < pages,
                    Some((TotalOf::Records, total)) => records < total && turn.records > 0,
                    None => turn.records > 0,
                };
                more.then(|| param.set(request, &(first + read).to_string(), true))
            }
            Shape::Offset { param, total, .. } => {
                let records = self.records + turn.records;
                let more = match total_of(page, total.as_ref(), found(0))? {
                    Some((_, total)) => records < total && turn.records > 0,
                    None => turn.records > 0,
                };
                more.then(|| param.set(request, &records.to_string(), true))
            }
        };
        Ok(next)
    }
}

/// What the server says about the length of the list.
fn total_of(page: &Page, total: Option<&Total>, found: Option<&str>) -> Result<Option<(TotalOf, u64)>> {
    let Some(total) = total else { return Ok(None) };
    let text = if total.place.starts_with('/') { found.and_then(word) } else { page.header(&total.place).map(str::to_owned) };
    match text.and_then(|text| text.trim().parse().ok()) {
        Some(number) => Ok(Some((total.of, number))),
        None => Err(Failure::bad_data(format!("{} has no total in `{}`", page.place(), total.place))),
    }
}

/// A server behind a proxy may not know that it is reached over https, and write `http` into its links.
fn as_secure(base: &str, url: String) -> String {
    let (Some(base), Some(plain)) = (base.strip_prefix("https://"), url.strip_prefix("http://")) else { return url };
    let authority = base.split(['/', '?', '#']).next().unwrap_or_default();
    let same = plain.strip_prefix(authority).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    if same { format!("https://{plain}") } else { url }
}

fn hash<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::testing::{self, Asked, Reply};

    const URL: &str = "https://a.example/v1/orders?status=any";

    /// Reads all pages; gives the ids of their records and what was asked for.
    fn walk(first: Request, pages: Pages, answer: impl Fn(&Asked) -> Reply + 'static) -> Result<(Vec<u64>, Vec<Asked>)> {
        testing::answer(move |asked| Ok(answer(asked)));
        let mut pager = Pager::new(first, pages);
        let mut ids = Vec::new();
        while let Some(page) = pager.fetch("/data")? {
            ids.extend(page.parse::<Vec<Value>>("/data")?.unwrap_or_default().iter().filter_map(|record| record["id"].as_u64()));
        }
        Ok((ids, testing::asked()))
    }

    fn data(ids: std::ops::Range<u64>) -> Value {
        ids.map(|id| json!({ "id": id })).collect()
    }

    fn number(asked: &Asked, name: &str) -> u64 {
        asked.query(name).map_or(0, |text| text.parse().unwrap())
    }

    #[test]
    fn a_list_that_shrinks_loses_no_row() {
        for pages in
            [Pages::numbered("page").size("n", 2).total_records("x-total"), Pages::offset("page").size("n", 2).total_records("x-total")]
        {
            let is_numbered = matches!(pages.shape, Shape::Numbered { .. });
            let shrunk = std::cell::Cell::new(false);
            let answer = move |asked: &Asked| {
                let at = number(asked, "page");
                let start = if is_numbered { (at - 1) * 2 } else { at };
                shrunk.set(shrunk.get() || start == 4);
                // Once the third page is asked for, the first record is gone: 4 is on a page that was read already.
                let all: Vec<_> = (u64::from(shrunk.get())..6).collect();
                let start = usize::try_from(start).unwrap();
                let shown: Vec<_> = all.iter().skip(start).take(2).map(|id| json!({ "id": id })).collect();
                Reply::json(200, &json!({ "data": shown })).header("X-Total", all.len())
            };
            let (ids, _) = walk(http::get(URL), pages, answer).unwrap();
            assert!((0..6).all(|id| ids.contains(&id)), "{ids:?}");
        }
    }

    #[test]
    fn a_single_page_is_the_last() {
        let (ids, asked) = walk(http::get(URL), Pages::single(), |_| Reply::json(200, &json!({ "data": data(0..2) }))).unwrap();
        assert_eq!((ids, asked.len()), (vec![0, 1], 1));
    }

    #[test]
    fn the_link_header_leads_on() {
        let (ids, asked) = walk(http::get(URL).credential("token"), Pages::link(), |asked| match asked.query("page_info") {
            None => Reply::json(200, &json!({ "data": data(0..2) })).header("Link", "</v1/orders?page_info=b>; rel=\"next\""),
            Some(_) => Reply::json(200, &json!({ "data": data(2..3) })).header("Link", "</v1/orders?page_info=a>; rel=\"previous\""),
        })
        .unwrap();
        assert_eq!(ids, [0, 1, 2]);
        // The link is the whole next URL: parameters of the first request are in it or must not be there.
        assert_eq!(asked[1].url, "https://a.example/v1/orders?page_info=b");
        assert_eq!(asked[1].credential.as_deref(), Some("token"));
    }

    #[test]
    fn the_body_names_the_next_url() {
        let (ids, _) = walk(http::get(URL), Pages::next_url("/links/next"), |asked| {
            let next = (number(asked, "p") == 0).then_some("?p=1");
            Reply::json(200, &json!({ "data": data(0..1), "links": { "next": next } }))
        })
        .unwrap();
        assert_eq!(ids, [0, 0]);
    }

    #[test]
    fn a_link_stays_on_https() {
        assert_eq!(as_secure("https://a.example/x?p=1", "http://a.example/x?p=2".into()), "https://a.example/x?p=2");
        for other in ["http://a.example.org/x", "http://b.example/x", "http://a.example:8080/x"] {
            assert_eq!(as_secure("https://a.example/x", other.into()), other);
        }
    }

    #[test]
    fn a_cursor_is_handed_back_until_there_is_none_or_no_more() {
        let answer = |asked: &Asked| {
            let at = number(asked, "after");
            Reply::json(200, &json!({ "data": data(at..at + 1), "next": at + 1, "more": at < 2 }))
        };
        let (ids, asked) = walk(http::get(URL), Pages::cursor("/next", "after").more("/more"), answer).unwrap();
        assert_eq!(ids, [0, 1, 2]);
        assert_eq!(asked[2].url, "https://a.example/v1/orders?status=any&after=2");
        let ended = |asked: &Asked| Reply::json(200, &json!({ "data": [], "next": if asked.query("after").is_some() { "" } else { "x" } }));
        assert_eq!(walk(http::get(URL), Pages::cursor("/next", "after"), ended).unwrap().1.len(), 2);
    }

    #[test]
    fn a_cursor_goes_into_the_body() {
        let first = http::post(URL).json(&json!({ "page": { "limit": 1 } })).idempotent();
        let (ids, asked) = walk(first, Pages::cursor("/next", "/page/after"), |asked| {
            let at = asked.json()["page"]["after"].as_u64().unwrap_or(0);
            Reply::json(200, &json!({ "data": data(at..at + 1), "next": (at < 1).then_some(at + 1) }))
        })
        .unwrap();
        assert_eq!(ids, [0, 1]);
        assert_eq!(asked[1].json(), json!({ "page": { "limit": 1, "after": 1 } }));
    }

    #[test]
    fn pages_go_on_after_the_last_record_until_there_is_no_more() {
        let answer = |asked: &Asked| {
            let at = asked.query("starting_after").map_or(0, |id| id.parse::<u64>().unwrap() + 1);
            // A short page is not the last one.
            Reply::json(200, &json!({ "data": data(at..at + 1), "has_more": at < 2 }))
        };
        let (ids, _) = walk(http::get(URL), Pages::after_last("/id", "starting_after").more("/has_more"), answer).unwrap();
        assert_eq!(ids, [0, 1, 2]);
        let without = |_: &Asked| Reply::json(200, &json!({ "data": [{}], "has_more": true }));
        let failure = walk(http::get(URL), Pages::after_last("/id", "starting_after").more("/has_more"), without).unwrap_err();
        assert!(failure.message.contains("has nothing at the place"), "{failure}");
    }

    #[test]
    fn numbered_pages_end_at_the_total_or_at_an_empty_page() {
        let answer = |asked: &Asked| {
            let at = number(asked, "page");
            let records = if at <= 2 { data(at..at + 1) } else { json!([]) };
            Reply::json(200, &json!({ "data": records, "meta": { "records": 2 } })).header("X-WP-TotalPages", 2)
        };
        let pages = || Pages::numbered("page").size("per_page", 1);
        for (pages, requests) in [(pages(), 3), (pages().total_pages("X-WP-TotalPages"), 2), (pages().total_records("/meta/records"), 2)] {
            let (ids, asked) = walk(http::get(URL), pages, answer).unwrap();
            assert_eq!((ids, asked.len()), (vec![1, 2], requests));
            assert_eq!(asked[0].url, "https://a.example/v1/orders?status=any&per_page=1&page=1");
        }
        let failure = walk(http::get(URL), pages().total_pages("x-total"), answer).unwrap_err();
        assert_eq!(failure.message, "`/v1/orders` (page 0) has no total in `x-total`");
    }

    #[test]
    fn a_number_past_the_end_may_be_answered_with_404() {
        let answer = |asked: &Asked| match number(asked, "page") {
            1 => Reply::json(200, &json!({ "data": data(0..1) })),
            _ => Reply::json(404, &json!({ "detail": "Invalid page." })),
        };
        assert_eq!(walk(http::get(URL), Pages::numbered("page"), answer).unwrap().0, [0]);
    }

    #[test]
    fn an_offset_counts_the_records_that_came() {
        let answer = |asked: &Asked| {
            let at = number(asked, "offset");
            // The server gives fewer than it was asked for.
            Reply::json(200, &json!({ "data": data(at..(at + 2).min(5)), "total": 5 }))
        };
        let (ids, asked) = walk(http::get(URL), Pages::offset("offset").size("limit", 100).total_records("/total"), answer).unwrap();
        assert_eq!(ids, [0, 1, 2, 3, 4]);
        assert_eq!(asked.last().unwrap().url, "https://a.example/v1/orders?status=any&limit=100&offset=4");
    }

    #[test]
    fn a_page_that_leads_back_is_a_failure() {
        let circle = |asked: &Asked| {
            let next = if number(asked, "p") == 1 { "?p=2" } else { "?p=1" };
            Reply::json(200, &json!({ "data": data(0..1), "next": next }))
        };
        let failure = walk(http::get(URL), Pages::next_url("/next"), circle).unwrap_err();
        assert_eq!(failure.message, "`/v1/orders` (page 2) names a page as the next one that was read already");
    }

    #[test]
    fn a_list_that_does_not_end_is_a_failure() {
        let endless = |asked: &Asked| Reply::json(200, &json!({ "data": [{ "id": number(asked, "page") }] }));
        let failure = walk(http::get(URL), Pages::numbered("page").most(3), endless).unwrap_err();
        assert_eq!(failure.message, "`/v1/orders` (page 2) is not the last one after 3 pages: the list does not end");
        let deaf = |_: &Asked| Reply::json(200, &json!({ "data": data(0..1) }));
        let failure = walk(http::get(URL), Pages::numbered("page"), deaf).unwrap_err();
        assert!(failure.message.contains("does not heed the page's number"), "{failure}");
    }

    #[test]
    fn a_request_that_failed_is_sent_again_afresh() {
        let failing = std::cell::Cell::new(true);
        testing::answer(move |asked| match (asked.query("page").as_deref(), failing.replace(false)) {
            (Some("1"), true) => Ok(Reply::text(200, "<html>")),
            (Some("1"), false) => Ok(Reply::json(200, &json!({ "data": data(0..1) })).header("total", 1)),
            _ => Err(Failure::unavailable("down")),
        });
        let mut pager = Pager::new(http::get(URL), Pages::numbered("page").total_pages("total"));
        assert_eq!(pager.fetch("/data").unwrap_err().message, "`/v1/orders` (page 0) is not JSON at byte 0 of 6");
        assert_eq!(pager.fetch("/data").unwrap().unwrap().number(), 1);
        assert!(pager.fetch("/data").unwrap().is_none());
        assert_eq!(testing::asked()[1].headers, [("cache-control".to_owned(), "no-cache".to_owned())]);
    }
}
