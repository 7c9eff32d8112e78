//! The guard: every request passes it before a handler sees it, every answer after. A new page is safe without doing anything for it.
//!
//! What always holds here (`tests`):
//! - Where nobody has to log in, only names of this machine are answered: a page of the web that points its own name at 127.0.0.1 gets nothing.
//! - Without a login there are the login page, the style and `/healthz`; nothing else.
//! - A request that changes something comes from one of our pages (its Origin, and the token that our forms carry) or from a program that
//!   holds a token, and from an operator.
//! - Every answer has the content policy and its companions; every error is a page for people and one documented shape for programs.
//! - A handler that panics or takes too long is an answer, not a dead connection.

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use url::{Host, Url};

use super::{
    App, failure,
    listener::Peer,
    page::{PageContext, Theme, Who},
    problem::Problem,
    session::{Sessions, Ticket, this_machine},
};
use crate::config::{Access, Role, Web};

/// Nothing comes from anywhere but this program, nothing is inline, nobody frames us. Charts draw on a canvas with styles that their script
/// sets, which the policy does not concern.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// A form of ours is some hundred bytes.
pub(super) const LARGEST_BODY: usize = 64 << 10;
/// Longer than any URL of ours, also one with many filters.
const LONGEST_URI: usize = 8 << 10;
/// The longest that a person waits for a page. Streams begin sooner and may then go on.
const PATIENCE: Duration = Duration::from_secs(30);
/// The field of forms and the header of scripts by which a request shows that it comes from our page.
const CSRF_FIELD: &str = "csrf";
const CSRF_HEADER: &str = "x-csrf-token";
const THEME_COOKIE: &str = "tidegate-theme";

/// What the guard knows.
pub(super) struct Guard {
    pub sessions: Sessions,
    public: Option<Url>,
}

/// What of a visitor the login needs: how to name them, and where they come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub address: IpAddr,
}

impl Guard {
    pub fn new(settings: &Web, access: Access) -> Self {
        // An URL that is none was refused before the daemon listened.
        Self { sessions: Sessions::new(access), public: settings.base().ok().flatten() }
    }

    /// Whether cookies go over nothing but TLS.
    fn is_https(&self) -> bool {
        self.public.as_ref().is_some_and(|url| url.scheme() == "https")
    }

    /// Browsers take a cookie of this prefix only over TLS, for this host and for all paths.
    fn cookie(&self) -> &'static str {
        if self.is_https() { "__Host-tidegate" } else { "tidegate" }
    }

    /// The header that gives a browser its ticket, or with none takes it away.
    pub fn ticket_cookie(&self, ticket: Option<&Ticket>) -> (HeaderName, String) {
        let (text, age) = ticket.map_or(("", "; Max-Age=0"), |ticket| (ticket.text(), ""));
        (header::SET_COOKIE, format!("{}={text}; Path=/; HttpOnly; SameSite=Strict{age}{}", self.cookie(), self.secure()))
    }

    /// The header that remembers the colours.
    pub fn theme_cookie(&self, theme: Theme) -> (HeaderName, String) {
        let text = format!("{THEME_COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000{}", theme.name(), self.secure());
        (header::SET_COOKIE, text)
    }

    fn secure(&self) -> &'static str {
        if self.is_https() { "; Secure" } else { "" }
    }

    /// The ticket that a browser sent.
    pub fn ticket(&self, headers: &HeaderMap) -> Option<Ticket> {
        cookie(headers, self.cookie()).and_then(Ticket::of)
    }

    /// Where a request comes from: the last address that a proxy on this machine adds, or the other end of the connection.
    fn address(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> IpAddr {
        let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|value| value.to_str().ok());
        let last = forwarded.and_then(|value| value.rsplit(',').next()).and_then(|address| address.trim().parse().ok());
        last.filter(|_| peer.is_loopback() && self.public.is_some()).unwrap_or(peer)
    }

    /// Whether a name in the address bar is one of ours, where there is no login. Against DNS rebinding: a stranger's page may be able to
    /// reach this port, its name can't be hidden from us.
    fn answers_to(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let mut names = named.into_iter().chain(uri.authority().map(|authority| authority.as_str())).peekable();
        names.peek().is_some() && names.all(is_this_machine)
    }

    /// Whether a request comes from one of our own pages, as far as the browser tells.
    fn is_same_origin(&self, headers: &HeaderMap) -> bool {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let site_fits = text(HeaderName::from_static("sec-fetch-site")).is_none_or(|site| matches!(site, "same-origin" | "none"));
        let host = text(header::HOST).unwrap_or_default();
        let origin_fits = text(header::ORIGIN).is_none_or(|origin| {
            let Ok(origin) = Url::parse(origin) else {
                return false;
            };
            let public = self.public.as_ref().is_some_and(|public| public.origin() == origin.origin());
            let here = Url::parse(&format!("{}://{host}", origin.scheme())).is_ok_and(|here| here.origin() == origin.origin());
            origin.has_host() && (public || here)
        });
        site_fits && origin_fits
    }
}

/// Whether a `host[:port]` names this machine's loopback.
fn is_this_machine(authority: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{authority}")) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find_map(|(known, value)| (known == name).then_some(value))
}

/// Before and after every handler.
pub(super) async fn guard(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let guard = app.guard();
    let (ctx, fresh) = visitor(guard, &request);
    let path = request.uri().path().to_owned();
    let peer = request.extensions().get::<ConnectInfo<Peer>>().map(|ConnectInfo(Peer(address))| *address);
    let address = guard.address(peer, request.headers());
    request.extensions_mut().insert(ctx.clone());
    request.extensions_mut().insert(Caller { address });
    let response = match admit(guard, &ctx, request).await {
        Ok(request) => in_time(next.run(request)).await,
        Err(refused) => refused,
    };
    let mut response = failure::shown(response, &ctx, &path).await;
    if let Some(ticket) = fresh.filter(|_| is_page(&response)) {
        add(&mut response, guard.ticket_cookie(Some(&ticket)));
    }
    protect(&mut response, guard.is_https());
    response
}

/// Who asks. A browser that has no ticket gets one with the page, so that its forms have a token.
fn visitor(guard: &Guard, request: &Request) -> (PageContext, Option<Ticket>) {
    let headers = request.headers();
    let held = guard.ticket(headers);
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.strip_prefix("Bearer "));
    let who = if guard.sessions.is_open() {
        Some(this_machine())
    } else if let Some(token) = bearer {
        guard.sessions.program(token.trim())
    } else {
        held.as_ref().and_then(|ticket| guard.sessions.who(ticket, Instant::now()))
    };
    let fresh = if held.is_none() { Ticket::new() } else { None };
    let csrf = held.as_ref().or(fresh.as_ref()).map_or_else(String::new, |ticket| guard.sessions.csrf(ticket));
    let theme = cookie(headers, THEME_COOKIE).map_or(Theme::System, Theme::of);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    (PageContext { who, csrf, theme, path, has_login: guard.sessions.has_users() }, fresh)
}

/// Lets a request pass, or says why not.
async fn admit(guard: &Guard, ctx: &PageContext, request: Request) -> Result<Request, Response> {
    let path = request.uri().path();
    if request.uri().to_string().len() > LONGEST_URI {
        return Err(Problem::new(StatusCode::URI_TOO_LONG, "The address is too long.").into_response());
    }
    // A supervisor that asks whether we live knows neither our name nor a password.
    if path == "/healthz" {
        return Ok(request);
    }
    if guard.sessions.is_open() && !guard.answers_to(request.headers(), request.uri()) {
        let what = "Without a login the dashboard answers to the names of this machine only, such as localhost.";
        let hint = "To reach it under another name, add a user and `public_url` to the daemon's file.";
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, what).hint(hint).into_response());
    }
    if ctx.who.is_none() && !is_public(path) {
        return Err(to_the_door(guard, ctx, path));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(request);
    }
    if !is_harmless(path) {
        check_role(ctx).map_err(IntoResponse::into_response)?;
    }
    check_origin(guard, request).await
}

/// What everyone may reach.
fn is_public(path: &str) -> bool {
    matches!(path, "/login" | "/theme") || path.starts_with("/assets/")
}

/// What a viewer may send too.
fn is_harmless(path: &str) -> bool {
    matches!(path, "/login" | "/logout" | "/theme")
}

/// A person is shown the login, a program is told that it needs a token.
fn to_the_door(guard: &Guard, ctx: &PageContext, path: &str) -> Response {
    let is_program = path.starts_with("/api/") || path == "/metrics";
    if is_program || !guard.sessions.has_users() {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "This needs a token.").hint("Send `authorization: Bearer <token>`.");
        let mut response = problem.into_response();
        add(&mut response, (header::WWW_AUTHENTICATE, "Bearer realm=\"tidegate\"".to_owned()));
        return response;
    }
    let next = super::view::in_url(&ctx.path);
    (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/login?next={next}"))]).into_response()
}

fn check_role(ctx: &PageContext) -> Result<(), Problem> {
    match &ctx.who {
        Some(Who { role: Role::Operator, .. }) => Ok(()),
        who => {
            let (name, role) = who.as_ref().map_or(("nobody", "visitor"), |who| (who.name.as_str(), who.role.name()));
            let problem = Problem::new(StatusCode::FORBIDDEN, format!("You are here as {name}, a {role}. Only an operator may do this."));
            Err(problem.hint("Whoever keeps the daemon's file can give you the role `operator`."))
        }
    }
}

/// Refuses what another page makes a browser send. What a program sends with its token, no browser adds by itself.
async fn check_origin(guard: &Guard, request: Request) -> Result<Request, Response> {
    let headers = request.headers();
    if !guard.is_same_origin(headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "This was sent by another page than ours.").into_response());
    }
    let by_browser = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    let to_api = request.uri().path().starts_with("/api/");
    let by_program = headers.contains_key(header::AUTHORIZATION) && !guard.sessions.is_open();
    if by_program || (to_api && guard.sessions.is_open() && !by_browser) {
        return Ok(request);
    }
    let ticket = guard.ticket(headers);
    let (sent, request) = match headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned) {
        Some(token) => (Some(token), request),
        None => field(request).await?,
    };
    match (ticket, sent) {
        (Some(ticket), Some(token)) if guard.sessions.is_csrf(&ticket, &token) => Ok(request),
        _ => {
            let what = "The form is too old: the daemon has started again since, or the browser keeps no cookies.";
            Err(Problem::new(StatusCode::FORBIDDEN, what).hint("Go back, load the page again, and send it once more.").into_response())
        }
    }
}

/// The token in a form, and the request as it was.
async fn field(request: Request) -> Result<(Option<String>, Request), Response> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        return Ok((None, Request::from_parts(parts, body)));
    }
    let too_large = |_| Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "The form is too large, or did not come whole.").into_response();
    let reading = tokio::time::timeout(PATIENCE, to_bytes(body, LARGEST_BODY)).await.map_err(|_| slow())?;
    let bytes: Bytes = reading.map_err(too_large)?;
    let mut fields = url::form_urlencoded::parse(&bytes);
    let token = fields.find_map(|(name, value)| (name == CSRF_FIELD).then(|| value.into_owned()));
    Ok((token, Request::from_parts(parts, Body::from(bytes))))
}

fn slow() -> Response {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "The request did not come whole in time.").into_response()
}

async fn in_time(answer: impl Future<Output = Response>) -> Response {
    match tokio::time::timeout(PATIENCE, AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler of the dashboard panicked");
            Problem::internal("Something broke inside the dashboard; the log has more. Runs are not touched by it.").into_response()
        }
        Err(_) => {
            let what = format!("The answer took longer than {} s, so it was given up.", PATIENCE.as_secs());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, what).hint("Try a shorter period or fewer rows.").into_response()
        }
    }
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/html"))
}

/// Puts the headers on that protect those who look.
fn protect(response: &mut Response, https: bool) {
    let headers = response.headers_mut();
    let fixed = [
        ("content-security-policy", POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        // Not `no-referrer`: with that, browsers send `Origin: null` with our own forms.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn add(response: &mut Response, (name, value): (HeaderName, String)) {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().append(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard_of(text: &str) -> Guard {
        Guard::new(&toml::from_str(text).unwrap(), Access::default())
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_answered_without_a_login() {
        let answers = |host: &str| guard_of("").answers_to(&headers(&[("host", host)]), &Uri::from_static("/"));
        for ours in ["localhost", "localhost:8080", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", "LOCALHOST", "tide.localhost:1"] {
            assert!(answers(ours), "{ours}");
        }
        for theirs in
            ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.4:8080", "", "a b"]
        {
            assert!(!answers(theirs), "{theirs}");
        }
        assert!(!guard_of("").answers_to(&HeaderMap::new(), &Uri::from_static("/")));
        let absolute = Uri::from_static("http://evil.example/");
        assert!(!guard_of("").answers_to(&headers(&[("host", "localhost")]), &absolute));
    }

    #[test]
    fn a_request_of_another_origin_is_told_apart() {
        let open = guard_of("");
        let same = |pairs: &[(&'static str, &str)]| {
            let host = [("host", "127.0.0.1:8080")];
            open.is_same_origin(&headers(&[&host, pairs].concat()))
        };
        assert!(same(&[]) && same(&[("origin", "http://127.0.0.1:8080")]) && same(&[("sec-fetch-site", "same-origin")]));
        for origin in ["http://evil.example", "http://127.0.0.1:9090", "http://localhost:8080", "null", "", "file://", "data:x"] {
            assert!(!same(&[("origin", origin)]), "{origin}");
        }
        for site in ["cross-site", "same-site", "?"] {
            assert!(!same(&[("sec-fetch-site", site)]), "{site}");
        }
        let public = guard_of("public_url = 'https://etl.example.com'");
        let behind_proxy = |origin| public.is_same_origin(&headers(&[("host", "127.0.0.1:8080"), ("origin", origin)]));
        assert!(behind_proxy("https://etl.example.com") && !behind_proxy("http://etl.example.com"));
    }

    #[test]
    fn cookies_are_hidden_from_scripts_and_other_sites() {
        let ticket = Ticket::new().unwrap();
        let (_, plain) = guard_of("").ticket_cookie(Some(&ticket));
        assert_eq!(plain, format!("tidegate={}; Path=/; HttpOnly; SameSite=Strict", ticket.text()));
        let (_, secure) = guard_of("public_url = 'https://localhost'").ticket_cookie(None);
        assert_eq!(secure, "__Host-tidegate=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0; Secure");
        let sent = headers(&[("cookie", &format!("a=b; tidegate={}; c", ticket.text()))]);
        assert!(guard_of("").ticket(&sent) == Some(ticket));
    }

    #[test]
    fn only_a_proxy_on_this_machine_says_where_a_request_comes_from() {
        let sent = headers(&[("x-forwarded-for", "6.6.6.6, 203.0.113.9")]);
        let from = |guard: &Guard, peer: &str| guard.address(Some(peer.parse().unwrap()), &sent).to_string();
        let public = guard_of("public_url = 'https://localhost'");
        assert_eq!(from(&public, "127.0.0.1:5000"), "203.0.113.9");
        assert_eq!(from(&public, "198.51.100.7:5000"), "198.51.100.7");
        assert_eq!(from(&guard_of(""), "127.0.0.1:5000"), "127.0.0.1");
    }
}
