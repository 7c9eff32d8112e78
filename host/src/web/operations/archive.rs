//! What a run took from its sources: the list of pages, with requests that got none, and each page as it came, as text.
//!
//! What always holds here: a page's bytes are never more than text on our page, whatever a source sent, and no more than [`LONGEST`] of them
//! are read. Only pages that the run's manifest names can be reached.

use std::{io::Read, path::PathBuf};

use axum::extract::{Path, Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        App, PageContext, Problem, blocking,
        page::page,
        view::{bytes, count, crumbs, empty, in_url, pager, table, time},
    },
    place::{Place, run_of},
    spark::run_url,
};
use crate::{
    egress::archive::{Asked, Attempt, Exchange, Line, Page, each_page, manifests, read, run_of as run_of_manifest, unpacked},
    state::{Run, RunId},
};

const ON_A_PAGE: usize = 100;
/// What of a page is shown. `tidegate archive show --body` gives all of it.
const LONGEST: usize = 256 << 10;

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    source: String,
    page: Option<u32>,
}

/// A page, or a request without one, with the source that it is of.
struct Taken {
    source: String,
    line: Line,
}

pub(super) async fn list(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, id)): Path<(String, String)>,
    Query(which): Query<Which>,
) -> Result<Markup, Problem> {
    let (place, run, _) = run_of(&app, &pipeline, &id).await?;
    let number = which.page.unwrap_or(1).clamp(1, 1_000_000) as usize;
    let (root, of, source) = (place.storage.raw(), run.id.clone(), which.source.clone());
    let skip = (number - 1) * ON_A_PAGE;
    let (pages, more) = blocking(move || taken(&root, &of, &source, skip)).await?;
    let url = run_url(&place.view.name, &run.id);
    let to = |page: u64| format!("{url}/pages?source={}&page={page}", in_url(&which.source));
    let body = html! {
        (above(&place, &run, None))
        div.head { div.title { h1 { "Archived pages" } @if !which.source.is_empty() { span.soft { (which.source) } } } }
        @if pages.is_empty() { (empty("No archived page", "The run took nothing, or what it took was pruned.")) } @else {
            (table("Archived pages", &rows(&pages, &url)))
            (pager(number as u64, more, to))
        }
    };
    Ok(page(&ctx, "Archived pages", body))
}

fn above(place: &Place, run: &Run, pages: Option<&str>) -> Markup {
    let (pipeline, url) = (format!("/pipelines/{}", in_url(&place.view.name)), run_url(&place.view.name, &run.id));
    let list = format!("{url}/pages");
    let mut way = vec![("/pipelines", "Pipelines"), (pipeline.as_str(), place.view.name.as_str()), (url.as_str(), run.id.as_str())];
    way.extend(pages.map(|words| (list.as_str(), words)));
    crumbs(&way)
}

/// Pages of a run, from one source or from all, and whether there are more.
fn taken(root: &std::path::Path, run: &RunId, source: &str, skip: usize) -> Result<(Vec<Taken>, bool), Problem> {
    let (mut pages, mut seen) = (Vec::new(), 0);
    for manifest in of_run(root, run)? {
        let name = source_of(&manifest);
        if !source.is_empty() && name != source {
            continue;
        }
        read(&manifest, |_, line| {
            if matches!(line, Line::Listing(_)) {
                return;
            }
            if seen >= skip && pages.len() < ON_A_PAGE {
                pages.push(Taken { source: name.clone(), line });
            }
            seen += 1;
        })
        .map_err(|error| Problem::internal(format!("The archive can't be read: {}.", crate::error::chain(&error))))?;
    }
    let more = seen > skip + pages.len();
    Ok((pages, more))
}

/// The manifests of a run, one of each source.
pub(super) fn of_run(root: &std::path::Path, run: &RunId) -> Result<Vec<PathBuf>, Problem> {
    let mut found = manifests(root)?;
    found.retain(|manifest| run_of_manifest(manifest) == Some(run.as_str()));
    Ok(found)
}

/// The source of a manifest, by the folder that it lies in.
pub(super) fn source_of(manifest: &std::path::Path) -> String {
    let folder = manifest.parent().and_then(std::path::Path::parent).and_then(std::path::Path::file_name);
    folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn rows(pages: &[Taken], url: &str) -> Markup {
    html! {
        table {
            caption { "In the order in which they came." }
            thead { tr { th.n scope="col" { "Page" } th scope="col" { "Source" } th scope="col" { "Asked for" } th.n scope="col" { "Status" } th.n scope="col" { "Bytes" } th.n scope="col" { "On disk" } th scope="col" { "Archived as" } } }
            tbody {
                @for Taken { source, line } in pages { @match line {
                    Line::Page(page) => tr {
                        th.n scope="row" { a href={ (url) "/pages/" (in_url(source)) "/" (page.page) } { (page.page) } }
                        td { (source) }
                        td.wide { code { (asked(page)) } @if let Some(why) = page.refused() { br; span.soft { "No plugin got it: " (why) } } }
                        td.n { @if let Some(status) = status(page) { (status) } @else { span.none { "–" } } }
                        td.n { (bytes(page.bytes)) } td.n { (bytes(page.packed_bytes)) }
                        td { code { (page.archived.display()) } }
                    },
                    Line::Unanswered(unanswered) => tr {
                        th.n scope="row" { span.none { "–" } }
                        td { (source) }
                        td.wide {
                            code { (unanswered.exchange.method) " " (unanswered.exchange.url) } br;
                            span.soft { "No answer: " (unanswered.exchange.refused.as_deref().unwrap_or_default()) }
                            (attempts(&unanswered.exchange.attempts))
                        }
                        @for _ in 0..3 { td.n { span.none { "–" } } }
                        td { span.none { "–" } }
                    },
                    Line::Listing(_) => {},
                } }
            }
        }
    }
}

fn asked(page: &Page) -> String {
    match &page.asked {
        Asked::File(file) => format!("{}/{}", file.directory, file.path),
        Asked::Http(exchange) => format!("{} {}", exchange.method, exchange.url),
    }
}

fn status(page: &Page) -> Option<u16> {
    match &page.asked {
        Asked::File(_) => None,
        Asked::Http(exchange) => exchange.status,
    }
}

fn attempts(attempts: &[Attempt]) -> Markup {
    html! { ul { @for attempt in attempts {
        li { (time(attempt.at)) ": "
            @if let Some(error) = &attempt.error { (error) } @else if let Some(status) = attempt.status { (status) }
            " in " (count(attempt.millis)) " ms"
            @if attempt.waited_millis > 0 { " after waiting " (count(attempt.waited_millis)) " ms" }
            @if let Some(page) = attempt.page { ", page " (page) }
            @for page in &attempt.passed { ", by way of page " (page) }
        }
    } } }
}

pub(super) async fn show(
    State(app): State<App>,
    ctx: PageContext,
    Path((pipeline, id, source, number)): Path<(String, String, String, u32)>,
) -> Result<Markup, Problem> {
    let (place, run, _) = run_of(&app, &pipeline, &id).await?;
    let (root, of, name) = (place.storage.raw(), run.id.clone(), source.clone());
    let found = blocking(move || one(&root, &of, &name, number)).await?;
    let Some((taken, text, cut)) = found else {
        return Err(Problem::not_found(format!("The run took no page {number} from this source.")));
    };
    let body = html! {
        (above(&place, &run, Some("Archived pages")))
        div.head { div.title { h1 { "Page " (number) " of " (source) } } }
        section.card { dl.facts {
            dt { "Asked for" } dd { code { (asked(&taken)) } }
            dt { "Bytes" } dd { (count(taken.bytes)) " (" (count(taken.packed_bytes)) " on disk)" }
            dt { "SHA-256" } dd { code { (taken.sha256) } }
            dt { "Archived as" } dd { code { (taken.archived.display()) } }
            @match &taken.asked {
                Asked::File(file) => {
                    @if let Some(modified) = chrono::DateTime::from_timestamp_micros(file.modified_micros) { dt { "Modified" } dd { (time(modified)) } }
                }
                Asked::Http(exchange) => { (of_exchange(exchange)) }
            }
        } }
        section.section aria-labelledby="body" {
            div.section-head { h2 #body { "Body" } p { @if cut { "The first " (bytes(LONGEST as u64)) "." } @else { "All of it." } " Bytes that are no text are shown as \u{fffd}." } }
            pre.raw tabindex="0" role="region" aria-labelledby="body" { (text) }
        }
    };
    Ok(page(&ctx, &format!("Page {number} of {source}"), body))
}

/// A page with the beginning of its text, and whether there is more.
fn one(root: &std::path::Path, run: &RunId, source: &str, number: u32) -> Result<Option<(Page, String, bool)>, Problem> {
    for manifest in of_run(root, run)?.into_iter().filter(|manifest| source_of(manifest) == source) {
        let mut found = None;
        each_page(&manifest, |page| {
            if page.page == number {
                found = Some(page);
            }
        })
        .map_err(|error| Problem::internal(format!("The archive can't be read: {}.", crate::error::chain(&error))))?;
        let Some(page) = found else { continue };
        let mut bytes = Vec::new();
        unpacked(root, &page)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
        let cut = bytes.len() > LONGEST;
        bytes.truncate(LONGEST);
        return Ok(Some((page, readable(&bytes, cut), cut)));
    }
    Ok(None)
}

/// Bytes as text: JSON with line breaks, everything else as it is.
fn readable(bytes: &[u8], cut: bool) -> String {
    let is_json = !cut && matches!(bytes.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['));
    let value = is_json.then(|| serde_json::from_slice::<serde_json::Value>(bytes).ok()).flatten();
    value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Request and answer, as the archive keeps them: without secrets.
fn of_exchange(exchange: &Exchange) -> Markup {
    html! {
        dt { "Stream" } dd { (exchange.stream) }
        @if let Some(status) = exchange.status { dt { "Status" } dd { (status) } }
        @if let Some(why) = &exchange.refused { dt { "No plugin got it" } dd { (why) } }
        @if let Some(credential) = &exchange.credential { dt { "Credential" } dd { span.tag { (credential) } } }
        dt { "Received" } dd { (time(exchange.received_at)) }
        dt { "Sent" } dd { (attempts(&exchange.attempts)) }
        @if !exchange.headers.is_empty() { dt { "Request headers" } dd { (headers(&exchange.headers)) } }
        @if let Some(body) = &exchange.body { dt { "Request body" } dd { code { (body) } } }
        dt { "Response headers" } dd { (headers(&exchange.response_headers)) }
    }
}

fn headers(headers: &[(String, String)]) -> Markup {
    html! { ul { @for (name, value) in headers { li { code { (name) ": " (value) } } } } }
}

#[cfg(test)]
mod tests {
    use super::{Line, Taken, readable, rows};

    #[test]
    fn what_no_plugin_got_says_why() {
        let exchange = r#""stream": "s", "slice": null, "fingerprint": "f", "method": "GET", "url": "https://shop.test/a", "headers": [], "body": null,
            "credential": null, "response_headers": [], "received_at": "2026-11-27T00:00:00Z", "refused": "it answered 503", "attempts": [
            { "at": "2026-11-27T00:00:00Z", "millis": 7, "waited_millis": 5, "status": 503, "error": "it answered 503", "page": 4 }]"#;
        let page = format!(
            r#"{{ "kind": "page", "page": 4, "archived": "shop/s.json.gz", "bytes": 1, "packed_bytes": 1, "sha256": "ab",
                "asked": {{ "kind": "http", "status": 503, {exchange} }} }}"#
        );
        let unanswered = format!(r#"{{ "kind": "unanswered", "trouble": "unavailable", "exchange": {{ "status": null, {exchange} }} }}"#);
        let taken = [page, unanswered].map(|line| Taken { source: "shop".into(), line: serde_json::from_str::<Line>(&line).unwrap() });
        let shown = rows(&taken, "/runs/p/r").into_string();
        assert!(shown.contains("No plugin got it: it answered 503") && shown.contains("No answer: it answered 503"), "{shown}");
        assert!(shown.contains("in 7 ms after waiting 5 ms, page 4") && shown.contains("/runs/p/r/pages/shop/4"), "{shown}");
    }

    #[test]
    fn a_body_is_text_whatever_it_holds() {
        assert_eq!(readable(b"{\"a\":[1]}", false), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(readable(b"{\"a\":[1", true), "{\"a\":[1");
        assert_eq!(readable(b"{broken", false), "{broken");
        assert_eq!(readable(b"a\xff,b", false), "a\u{fffd},b");
        assert_eq!(readable(b"", false), "");
    }
}
