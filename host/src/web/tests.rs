//! The dashboard over a socket: what it answers to whom, with a pipeline whose runs are made up.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, sync::Arc, time::Instant};

use argon2::{Argon2, password_hash::PasswordHasher};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::*;
use crate::{
    config,
    flow::launch::Host,
    plugin::Runtime,
    schedule::{Served, Tasks},
    state::{LogEntry, NewRun, Outcome, Process, Rows, RunId, State as Runs, Status, Verdict},
};

const PIPELINE: &str = r#"
version = 1
name = "shop"
[sources.files]
plugin = "source-files"
grants.files = { data = "data" }
[streams.orders]
[tables.orders]
stream = "orders"
"#;

/// So many tries to log in are too many.
const TRIES: u64 = 60;

const TOKENS: [(&str, &str); 2] =
    [("viewer", "a-token-of-a-viewer-0123456789abcdef"), ("operator", "a-token-of-an-operator-0123456789abc")];

/// A dashboard that is served, with a client that keeps what it is told to.
struct Site {
    address: SocketAddr,
    client: Client,
    run: RunId,
    _folder: TempDir,
}

impl Site {
    /// Nobody has to log in.
    async fn open() -> Self {
        Self::with("").await
    }

    /// Ana is an operator, Bob a viewer; there is a token of each kind.
    async fn closed() -> Self {
        let hash = Argon2::default().hash_password(b"tide and gate").unwrap().to_string();
        let mut text = String::new();
        for (name, role) in [("ana", "operator"), ("bob", "viewer")] {
            text.push_str(&format!("[users.{name}]\nrole = '{role}'\npassword_hash = '{hash}'\n"));
        }
        for (role, token) in TOKENS {
            let sum: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
            text.push_str(&format!("[tokens.{role}]\nrole = '{role}'\nsha256 = '{sum}'\n"));
        }
        Self::with(&text).await
    }

    async fn with(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        std::fs::write(folder.path().join("pipeline.toml"), PIPELINE).unwrap();
        let loaded = Arc::new(config::load(folder.path()).unwrap());
        let run = history(&loaded);
        let host = Host { runtime: Arc::new(Runtime::new(folder.path()).unwrap()), plugin_folders: Vec::new() };
        let served = Served { file: loaded.file.clone(), loaded, problem: Some("line 3: `nmae` is no key".into()) };
        let tasks = Tasks::open(&folder.path().join("daemon.db")).unwrap();
        let desk = Desk::of(Arc::new(host), tasks, BTreeMap::from([("shop".to_owned(), served)]));
        let web: Web = toml::from_str(settings).unwrap();
        let access = web.access(folder.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            serve(desk, &web, access, Arc::new(|| "# EOF\n".to_owned()), listener, std::future::pending()).await.unwrap();
        });
        let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { address, client, run, _folder: folder }
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    async fn get(&self, path: &str) -> Response {
        self.ask(Method::GET, path).send().await.unwrap()
    }

    /// Sends a form with the ticket and the token of a page.
    async fn post(&self, visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> Response {
        let fields = fields.iter().copied().chain([("csrf", visitor.csrf.as_str())]);
        self.ask(Method::POST, path).header(header::COOKIE, &visitor.cookie).form_of(fields).send().await.unwrap()
    }

    /// What a browser holds after it has looked at a page.
    async fn visit(&self, path: &str, cookie: Option<&str>) -> Visitor {
        let request = self.ask(Method::GET, path);
        let request = if let Some(cookie) = cookie { request.header(header::COOKIE, cookie) } else { request };
        let answer = request.send().await.unwrap();
        let cookie = cookie.map_or_else(|| cookie_of(&answer), str::to_owned);
        let text = answer.text().await.unwrap();
        let csrf = text.split("name=\"csrf\" content=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        Visitor { cookie, csrf }
    }

    async fn log_in(&self, user: &str) -> Visitor {
        let stranger = self.visit("/login", None).await;
        let answer = self.post(&stranger, "/login", &[("user", user), ("password", "tide and gate"), ("next", "/pipelines")]).await;
        assert_eq!((answer.status(), answer.headers()[header::LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, "/pipelines"));
        let cookie = cookie_of(&answer);
        assert_ne!(cookie, stranger.cookie, "a login gives a new ticket");
        self.visit("/pipelines", Some(&cookie)).await
    }
}

struct Visitor {
    cookie: String,
    csrf: String,
}

trait Form {
    fn form_of<'f>(self, fields: impl Iterator<Item = (&'f str, &'f str)>) -> Self;
}

impl Form for RequestBuilder {
    fn form_of<'f>(self, fields: impl Iterator<Item = (&'f str, &'f str)>) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
    }
}

fn cookie_of(answer: &Response) -> String {
    let set = answer.headers()[header::SET_COOKIE].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

async fn document(answer: Response) -> Value {
    serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
}

/// Eight runs, the last of which has a report, was held and is unlike the others.
fn history(loaded: &config::Loaded) -> RunId {
    let storage = loaded.storage();
    let (state, lock) = (Runs::open(&storage.state_db()).unwrap(), crate::state::Lock::take(&storage, "shop").unwrap());
    let first: DateTime<Utc> = "2026-11-20T06:00:00Z".parse().unwrap();
    let mut id = RunId::new(first, 1);
    for day in 0..8 {
        let started_at = first + TimeDelta::days(day);
        id = RunId::new(started_at, 1);
        state.begin_run(&lock, &NewRun { id: id.clone(), started_at, process: Process::current(), seen: 0 }).unwrap();
        let read = if day == 7 { 12 } else { 1000 };
        let last = day == 7;
        let outcome = Outcome {
            rows: Rows { read, accepted: read, quarantined: 0, loaded: read },
            verdict: Some(if last { Verdict::Hold } else { Verdict::Pass }),
            score: Some(98.0),
            report: last.then(|| report(&id, started_at)),
            ..Outcome::of(if last { Status::Held } else { Status::Loaded })
        };
        let said = LogEntry {
            at: started_at,
            level: crate::state::Level::Warn,
            plugin: Some("source-files@0.1.0".into()),
            stream: Some("orders".into()),
            message: "<script>alert(1)</script>".into(),
        };
        state.log(&id, &[said]).unwrap();
        state.finish_run(&id, started_at + TimeDelta::seconds(2), &outcome).unwrap();
    }
    id
}

fn report(id: &RunId, started: DateTime<Utc>) -> Value {
    let dimensions: Vec<_> = crate::quality::Dimension::ALL
        .iter()
        .map(|dimension| json!({ "dimension": dimension, "score": 97.0, "floor": dimension.default_floor(), "passed": 97, "total": 100 }))
        .collect();
    let scores = json!({ "stream": null, "dimensions": dimensions, "overall": 98.0, "overall_floor": 80.0 });
    let measure = json!({
        "stream": "orders", "plugin": "quality-dimensions@0.1.0", "dimension": "integrity", "rule": "refers", "columns": ["customer_id"],
        "passed": 97, "total": 100, "samples": ["<img src=x onerror=alert(1)>"],
    });
    let reason =
        json!({ "plugin": "transform-olist@0.1.0", "rule": "range", "dimension": "validity", "reason": "a price under 0", "rows": 3 });
    json!({
        "run": id, "pipeline": "shop", "started": started, "millis": 2000, "outcome": "held", "archives": [], "measures": [measure],
        "streams": [{
            "stream": "orders", "source": "files", "read": 12, "accepted": 9, "quarantined": 3, "bytes": 400, "reasons": [reason],
            "clean_bytes": 100, "micros": 1500, "operators": [],
        }],
        "verdict": {
            "reasons": [{ "stream": "orders", "rule": "integrity", "found": 97.0, "threshold": 100.0 }], "scores": [scores],
        },
        "tables": [], "marts": [], "timings": [["extract orders", 1500]],
        "places": { "storage": "s", "raw": "r", "clean": "c", "quarantine": "q", "warehouse": "w" },
    })
}

#[tokio::test]
async fn every_answer_has_the_policy_and_its_companions() {
    let site = Site::open().await;
    let run = format!("/runs/shop/{}", site.run);
    for path in
        ["/pipelines", "/nothing", "/healthz", "/metrics", "/api/v1/pipelines", "/api/v1/nothing", &run, assets::url(assets::Asset::Style)]
    {
        let answer = site.get(path).await;
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("cross-origin-opener-policy", "same-origin")]
        {
            assert_eq!(headers[name], value, "{path}");
        }
        assert!(headers.contains_key("referrer-policy") && headers.contains_key(header::CACHE_CONTROL), "{path}");
    }
}

#[tokio::test]
async fn without_a_login_only_names_of_this_machine_are_answered() {
    let site = Site::open().await;
    let named = |path: &'static str, host: &'static str| site.ask(Method::GET, path).header(header::HOST, host).send();
    assert_eq!(named("/pipelines", "localhost:8080").await.unwrap().status(), StatusCode::OK);
    for path in ["/pipelines", "/api/v1/pipelines", "/metrics"] {
        assert_eq!(named(path, "evil.example:8080").await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    }
    assert_eq!(named("/healthz", "10.0.0.8:8080").await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn whoever_is_not_logged_in_sees_the_door() {
    let site = Site::closed().await;
    let answer = site.get("/runs/shop/x?page=2").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()[header::LOCATION], "/login?next=%2Fruns%2Fshop%2Fx%3Fpage%3D2");
    for path in ["/api/v1/pipelines", "/api/openapi.json", "/metrics"] {
        let answer = site.get(path).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
        assert_eq!(document(answer).await["status"], 401);
    }
    for path in ["/login", "/healthz", assets::url(assets::Asset::App)] {
        assert_eq!(site.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_person_logs_in_and_out() {
    let site = Site::closed().await;
    let stranger = site.visit("/login", None).await;
    let wrong = site.post(&stranger, "/login", &[("user", "ana"), ("password", "guess")]).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.text().await.unwrap().contains("User or password is wrong."));
    let right = site.post(&stranger, "/login", &[("user", "ana"), ("password", "tide and gate"), ("next", "//evil.example")]).await;
    assert_eq!(right.headers()[header::LOCATION], "/");
    let set = right.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(set.contains("; HttpOnly") && set.contains("; SameSite=Strict") && set.contains("; Path=/"), "{set}");

    let ana = site.log_in("ana").await;
    let page = site.ask(Method::GET, "/pipelines").header(header::COOKIE, &ana.cookie).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Log out") && page.contains("Run now"), "{page}");
    let out = site.post(&ana, "/logout", &[]).await;
    assert!(out.headers()[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let after = site.ask(Method::GET, "/pipelines").header(header::COOKIE, &ana.cookie).send().await.unwrap();
    assert_eq!(after.status(), StatusCode::SEE_OTHER, "the ticket is worth nothing any more");
}

#[tokio::test]
async fn many_tries_to_log_in_are_slowed_down() {
    let site = Site::closed().await;
    let stranger = site.visit("/login", None).await;
    let (started, mut checked) = (Instant::now(), 0);
    for number in 0..TRIES {
        // Unknown and known names are counted alike, and then the right password helps nobody; the address is the same.
        let unknown = format!("user{number}");
        let (user, password) = if number < 20 { (unknown.as_str(), "guess") } else { ("ana", "tide and gate") };
        let answer = site.post(&stranger, "/login", &[("user", user), ("password", password)]).await;
        match answer.status() {
            StatusCode::TOO_MANY_REQUESTS => assert!(answer.headers().contains_key(header::RETRY_AFTER), "{answer:?}"),
            _ => checked += 1,
        }
    }
    // Twenty at once, then one more every 15 seconds, however long the machine takes for a try. Without the limit all are checked, which is
    // more than that unless a try takes ten seconds.
    let most = 20 + 1 + started.elapsed().as_secs() / 15;
    assert!((20..=most).contains(&checked), "{checked} of {TRIES} tries were checked in {:?}, at most {most} may be", started.elapsed());
}

#[tokio::test]
async fn a_forged_request_is_refused() {
    let site = Site::closed().await;
    let ana = site.log_in("ana").await;
    let path = "/pipelines/shop/pause";
    let send = |csrf: &str, extra: &[(&'static str, &str)]| {
        let mut request = site.ask(Method::POST, path).header(header::COOKIE, &ana.cookie);
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        request.form_of([("csrf", csrf)].into_iter()).send()
    };
    let here = format!("http://{}", site.address);
    assert_eq!(send("", &[]).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(send(&"0".repeat(64), &[]).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(send(&ana.csrf, &[("origin", "https://evil.example")]).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(send(&ana.csrf, &[("origin", "null")]).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(send(&ana.csrf, &[("sec-fetch-site", "cross-site")]).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(send(&ana.csrf, &[("origin", &here), ("sec-fetch-site", "same-origin")]).await.unwrap().status(), StatusCode::SEE_OTHER);
    let bare = site.ask(Method::POST, path).header(header::COOKIE, &ana.cookie).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn where_nobody_logs_in_other_pages_still_can_not_act() {
    let site = Site::open().await;
    let api = "/api/v1/pipelines/shop/pause";
    assert_eq!(site.ask(Method::POST, api).send().await.unwrap().status(), StatusCode::OK, "a program of this machine may");
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", &format!("http://{}", site.address))]
    {
        let answer = site.ask(Method::POST, api).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_eq!(site.ask(Method::POST, "/pipelines/shop/pause").send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let visitor = site.visit("/pipelines", None).await;
    assert_eq!(site.post(&visitor, "/pipelines/shop/resume", &[]).await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_viewer_sees_and_does_nothing() {
    let site = Site::closed().await;
    let bob = site.log_in("bob").await;
    let page = site.ask(Method::GET, "/pipelines/shop").header(header::COOKIE, &bob.cookie).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("viewer") && !page.contains("Run now") && !page.contains("Backfill"), "{page}");
    for what in ["run", "pause", "resume", "backfill"] {
        let answer = site.post(&bob, &format!("/pipelines/shop/{what}"), &[]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(answer.text().await.unwrap().contains("You are here as bob, a viewer. Only an operator may do this."));
    }
    let send = |token: &str| {
        site.ask(Method::POST, "/api/v1/pipelines/shop/pause").header(header::AUTHORIZATION, format!("Bearer {token}")).send()
    };
    assert_eq!(send(TOKENS[0].1).await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(send(TOKENS[1].1).await.unwrap().status(), StatusCode::OK);
    assert_eq!(send("a-token-of-nobody-0123456789abcdef0").await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_error_is_a_page_for_people_and_a_document_for_programs() {
    let site = Site::open().await;
    let cases = [
        (Method::GET, "/api/v1/pipelines/shap", StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/pipelines/shop/runs/x", StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/pipelines/shop/runs?limit=0", StatusCode::BAD_REQUEST),
        (Method::GET, "/api/v1/pipelines/shop/runs?limit=many", StatusCode::BAD_REQUEST),
        (Method::GET, "/api/v1/pipelines/%ff", StatusCode::BAD_REQUEST),
        (Method::GET, "/api/v1/tasks/%00", StatusCode::NOT_FOUND),
        (Method::DELETE, "/api/v1/pipelines", StatusCode::METHOD_NOT_ALLOWED),
        (Method::POST, "/api/v1/pipelines/shop/backfill", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ];
    for (method, path, status) in cases {
        let answer = site.ask(method.clone(), path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let said = document(answer).await;
        assert!(said["status"] == status.as_u16() && said["error"].as_str().is_some_and(|text| !text.is_empty()), "{said}");
    }
    for body in ["{", "[]", "{\"from\":1}", "{\"from\":\"2026-01-01\",\"to\":\"2026-01-02\",\"window\":\"1d\",\"more\":1}"] {
        let request = site.ask(Method::POST, "/api/v1/pipelines/shop/backfill").header(header::CONTENT_TYPE, "application/json");
        let answer = request.body(body).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{body}");
        assert!(document(answer).await["error"].is_string());
    }
    let large = site.ask(Method::POST, "/api/v1/pipelines/shop/backfill").header(header::CONTENT_TYPE, "application/json");
    assert_eq!(large.body(" ".repeat(100_000)).send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let long = site.get(&format!("/pipelines?a={}", "b".repeat(9000))).await;
    assert_eq!(long.status(), StatusCode::URI_TOO_LONG);
    let page = site.get("/pipelines/shap").await;
    assert_eq!(page.status(), StatusCode::NOT_FOUND);
    assert!(page.text().await.unwrap().contains("Did you mean `shop`?"));
}

#[tokio::test]
async fn pages_are_whole_and_show_text_as_text() {
    let site = Site::open().await;
    let run = format!("/runs/shop/{}", site.run);
    let more = ["rejected", "pages", "replay"].map(|page| format!("{run}/{page}"));
    let pages = ["/pipelines", "/pipelines/shop", "/sources", "/plugins", &run, &more[0], &more[1], &more[2]];
    for path in pages {
        let answer = site.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let text = answer.text().await.unwrap();
        assert_eq!(text.matches("<h1").count(), 1, "{path}");
        assert!(
            !text.contains("<script>") && !text.contains("<img src=x") && !text.contains(" style=") && !text.contains("NaN"),
            "{path}: {text}"
        );
        for table in text.split("<table").skip(1) {
            assert!(table.starts_with("><caption>") && table.contains("scope=\"col\""), "{path}: a table without caption or scopes");
        }
    }
    let text = site.get(&run).await.text().await.unwrap();
    for part in
        ["orders: integrity is 97.00 %", "deviations under the median 1,000", "a price under 0", "&lt;script&gt;alert(1)", "customer_id"]
    {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
    assert!(text.contains("The gate held this run"));
    let list = site.get("/pipelines").await.text().await.unwrap();
    assert!(list.contains("file broken") && list.contains("href=\"/runs/shop/"));
}

#[tokio::test]
async fn the_api_tells_what_the_pages_tell() {
    let site = Site::open().await;
    let pipelines = document(site.get("/api/v1/pipelines").await).await;
    assert_eq!(pipelines[0]["name"], "shop");
    let runs = document(site.get("/api/v1/pipelines/shop/runs?limit=3&offset=1").await).await;
    assert_eq!(runs.as_array().map(Vec::len), Some(3));
    let whole = document(site.get(&format!("/api/v1/pipelines/shop/runs/{}", site.run)).await).await;
    assert_eq!((&whole["run"]["status"], &whole["report"]["streams"][0]["quarantined"]), (&json!("held"), &json!(3)));
    let logs = document(site.get(&format!("/api/v1/pipelines/shop/runs/{}/logs", site.run)).await).await;
    assert_eq!(logs[0]["message"], "<script>alert(1)</script>");
    let asked = document(site.ask(Method::POST, "/api/v1/pipelines/shop/run").send().await.unwrap()).await;
    let task = document(site.get(&format!("/api/v1/tasks/{}", asked["id"].as_str().unwrap())).await).await;
    assert_eq!((&task["pipeline"], &task["cause"], &task["status"]), (&json!("shop"), &json!("manual"), &json!("queued")));
}

#[tokio::test]
async fn files_are_kept_for_ever_packed_for_those_who_unpack() {
    let site = Site::open().await;
    let style = assets::url(assets::Asset::Style);
    let plain = site.get(style).await;
    assert!(plain.headers()[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
    let packed = site.ask(Method::GET, style).header(header::ACCEPT_ENCODING, "gzip").send().await.unwrap();
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
    let older = site.get("/assets/style.0123456789ab.css").await;
    assert_eq!((older.status(), older.headers()[header::LOCATION].to_str().unwrap()), (StatusCode::TEMPORARY_REDIRECT, style));
    assert_eq!(site.get("/assets/..%2f..%2fCargo.toml").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn colours_are_remembered() {
    let site = Site::open().await;
    let visitor = site.visit("/pipelines", None).await;
    let answer = site.post(&visitor, "/theme", &[("theme", "dark"), ("back", "/sources")]).await;
    assert_eq!(answer.headers()[header::LOCATION], "/sources");
    let cookie = cookie_of(&answer);
    let page = site.ask(Method::GET, "/sources").header(header::COOKIE, cookie).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("data-theme=\"dark\""));
}

#[tokio::test]
async fn a_run_that_has_ended_says_so_to_those_who_follow() {
    let site = Site::open().await;
    let answer = site.get(&format!("/runs/shop/{}/events", site.run)).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    let text = answer.text().await.unwrap();
    assert!(text.contains("event: ended") && text.contains("\"status\":\"held\""), "{text}");
}

#[test]
fn a_folder_is_not_needed_to_read_settings() {
    assert!(Web::default().access(Path::new("nowhere")).unwrap().is_open());
}
