//! A source that asks for everything to get hold of credentials. Each attempt is a row: what it asked, what came of it.
//!
//! What the guest got is read behind a mask that nothing on the way out knows, so that what counts is what reached the sandbox.

use std::{
    fmt::Write as _,
    fs,
    io::Read,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use crate::egress::toml_of;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tidegate_tests::{
    folder,
    program::{Said, Workplace},
    wire::{Asked, Reply, Wire},
};

/// Characters that every encoding writes in another way.
const SECRET: &str = "sk/live+9Zx?&=%\"Q~Lm0pW";
const PASSWORD: &str = "pw\\5$#w0rd/of+the=shop";
const CLIENT: &str = "client/secret+of%20oauth";
const ACCESS: &str = "at-0123456789-granted";

/// What must be there where the attempt is refused: words of the refusal. `GOT` where it gets an answer without what it wanted.
struct Row {
    name: &'static str,
    ask: Value,
    comes: &'static str,
}

/// The shop, the thief's own server, and one that nobody granted.
struct Scene {
    shop: Wire,
    own: Wire,
    ungranted: Wire,
}

impl Scene {
    fn new() -> Self {
        let own = Wire::start(|asked| match asked.path.as_str() {
            "/back" => Reply::redirect(302, asked.param("to").unwrap_or_default()),
            _ => Reply::json(200, &json!({ "headers": asked.headers })),
        });
        let ungranted = Wire::start(|_| Reply::text(200, "nobody granted this"));
        let shop = Wire::start(shop);
        // What it tells is the same at any time.
        shop.set_clock(|| UNIX_EPOCH);
        Self { shop, own, ungranted }
    }

    fn pipeline(&self, attempts: &[Value], door: &str) -> String {
        let config = json!({ "misbehave": "steals", "door": door, "attempts": attempts });
        let (shop, own, port) = (self.shop.url(), self.own.url(), self.shop.port());
        format!(
            r#"version = 1
name = "thief"

[sources.shop]
plugin = "guest-source"
config = {config}
patience = {{ requests_per_minute = 1000000, attempts = 2, read_seconds = 5, breaker_failures = 100 }}

[sources.shop.grants.http]
api = {{ url = "{shop}/api/**", credentials = ["token", "key", "login", "query", "app"], private = true }}
token = {{ url = "{shop}/token", methods = ["post"], credentials = ["app"], private = true }}
own = {{ url = "{own}/**", private = true }}
public = {{ url = "http://localhost:{port}/**" }}
metadata = {{ url = "http://169.254.169.254/**", private = true }}

[sources.shop.credentials]
token = {{ kind = "bearer", secret = {{ env = "THIEF_SECRET" }} }}
key = {{ kind = "header", name = "x-api-key", secret = {{ env = "THIEF_SECRET" }} }}
query = {{ kind = "query", name = "key", secret = {{ env = "THIEF_SECRET" }} }}
login = {{ kind = "basic", user = {{ env = "THIEF_USER" }}, secret = {{ env = "THIEF_PASSWORD" }} }}
app = {{ kind = "oauth2", token_url = "{shop}/token", client_id = {{ env = "THIEF_USER" }}, secret = {{ env = "THIEF_CLIENT" }} }}

[streams.numbers]

[tables.loot]
stream = "numbers"
mode = "replace"

[gate]
overall = 0
floors = {{ validity = 0 }}
"#,
            config = toml_of(&config)
        )
    }

    fn workplace(&self, attempts: &[Value], door: &str) -> Workplace {
        let mut workplace = Workplace::with_pipeline(&self.pipeline(attempts, door)).unwrap();
        let secrets = [("THIEF_SECRET", SECRET), ("THIEF_PASSWORD", PASSWORD), ("THIEF_USER", "ck_visible"), ("THIEF_CLIENT", CLIENT)];
        secrets.iter().for_each(|(name, value)| workplace.set(name, value));
        workplace
    }

    fn rows(&self) -> Vec<Row> {
        let (shop, own, ungranted) = (self.shop.url(), self.own.url(), self.ungranted.url());
        let (port, closed) = (self.shop.port(), self.ungranted.port());
        let get = |name: &'static str, url: String, comes: &'static str| Row { name, ask: json!({ "url": url }), comes };
        let with = |name: &'static str, url: String, credential: &str, comes: &'static str| Row {
            name,
            ask: json!({ "url": url, "credential": credential }),
            comes,
        };
        let header = |name: &'static str, header: &str, value: &str, comes: &'static str| Row {
            name,
            ask: json!({ "url": format!("{shop}/api/plain"), "credential": "token", "headers": [[header, value]] }),
            comes,
        };
        let at = |host: &str| format!("http://{host}:{closed}/");
        vec![
            // What nobody granted.
            get("a host that is not granted", "http://evil.example/".into(), "grants.http"),
            get("a port that is not granted", format!("{ungranted}/"), "grants.http"),
            get("a path that is not granted", format!("{shop}/admin/keys"), "grants.http"),
            get("https where http is granted", format!("https://127.0.0.1:{port}/api/plain"), "grants.http"),
            Row {
                name: "a method that is not granted",
                ask: json!({ "url": format!("{shop}/api/plain"), "method": "post", "body": "x" }),
                comes: "post",
            },
            Row { name: "a method through the query", ask: json!({ "url": format!("{shop}/api/plain?_method=DELETE") }), comes: "_method" },
            get("a file", "file:///etc/hostname".into(), "scheme"),
            get("another scheme", format!("ftp://127.0.0.1:{port}/api/plain"), "scheme"),
            get("no URL", "api/plain".into(), "URL"),
            // Paths that read in two ways.
            get("a path that climbs", format!("{shop}/api/../admin/keys"), "grants.http"),
            get("an encoded climb", format!("{shop}/api/%2e%2e/admin/keys"), "grants.http"),
            get("an encoded slash", format!("{shop}/api/..%2fadmin/keys"), "grants.http"),
            get("encoded twice", format!("{shop}/api/%252e%252e/admin/keys"), "grants.http"),
            get("encoded many times", format!("{shop}/api/%25252525252e%25252525252e/admin/keys"), "encoded"),
            get("a backslash", format!("{shop}/api\\..\\admin\\keys"), "grants.http"),
            get("an encoded backslash", format!("{shop}/api/..%5cadmin/keys"), "grants.http"),
            get("a path parameter", format!("{shop}/api/..;/admin/keys"), "grants.http"),
            get("a zero byte", format!("{shop}/api/plain%00/../../admin/keys"), ""),
            get("a line break", format!("{shop}/api/plain%0d%0aX-Evil:%20yes"), "encoded"),
            // Hosts in disguise.
            get("user and password", format!("http://user:word@127.0.0.1:{port}/api/plain"), "user or password"),
            get("the shop as a user", format!("http://127.0.0.1:{port}@evil.example/api/plain"), "user or password"),
            get("the shop behind a fragment", format!("http://evil.example#@127.0.0.1:{port}/api/plain"), "grants.http"),
            get("loopback as a number", at("2130706433"), "grants.http"),
            get("loopback in hex", at("0x7f000001"), "grants.http"),
            get("loopback in octal", at("0177.0.0.1"), "grants.http"),
            get("loopback cut short", at("127.1"), "grants.http"),
            get("loopback as IPv6", at("[::1]"), "grants.http"),
            get("loopback inside IPv6", at("[::ffff:127.0.0.1]"), "grants.http"),
            get("every address", at("0.0.0.0"), "grants.http"),
            get("wide digits", at("１２７.0.0.1"), "grants.http"),
            get("a dot at the end", at("localhost."), "grants.http"),
            get("a name that leads to loopback", format!("http://localhost:{port}/api/plain"), "private = true"),
            get("metadata, though granted", "http://169.254.169.254/latest/meta-data/".into(), "never dialled"),
            get("metadata as a number", "http://2852039166/latest/meta-data/".into(), "never dialled"),
            get("metadata in hex", "http://0xa9fea9fe/latest/meta-data/".into(), "never dialled"),
            get("metadata inside IPv6", "http://[::ffff:169.254.169.254]/".into(), "grants.http"),
            // Headers that are the host's own.
            header("authorization", "authorization", "Bearer mine", "authorization"),
            header("cookie", "cookie", "session=mine", "cookie"),
            header("host", "host", "evil.example", "host"),
            header("proxy authorization", "proxy-authorization", "Basic bWluZQ==", "proxy-authorization"),
            header("any proxy header", "proxy-connection", "keep-alive", "proxy-connection"),
            header("connection", "connection", "authorization", "connection"),
            header("transfer encoding", "transfer-encoding", "chunked", "transfer-encoding"),
            header("content length", "content-length", "0", "content-length"),
            header("upgrade", "upgrade", "websocket", "upgrade"),
            header("another method by header", "x-http-method-override", "DELETE", "x-http-method-override"),
            header("a line break in a value", "x-note", "a\r\nauthorization: Bearer mine", "x-note"),
            header("a line break in a name", "x-note: a\r\nauthorization", "Bearer mine", "header"),
            Row {
                name: "the header of a credential",
                ask: json!({ "url": format!("{shop}/api/plain"), "credential": "key", "headers": [["x-api-key", "mine"]] }),
                comes: "x-api-key",
            },
            // Credentials where they do not belong.
            with("a credential that is not granted there", format!("{own}/"), "token", "credentials"),
            with("a credential that nobody named", format!("{shop}/api/plain"), "THIEF_SECRET", "no credential"),
            with("a credential by its variable", format!("{shop}/api/plain"), "token\0", "no credential"),
            with("the client's secret, not its token", format!("{shop}/token"), "token", ""),
            // What the shop says back.
            with("bearer, as it is", format!("{shop}/api/echo/raw"), "token", "GOT 200"),
            with("header, as it is", format!("{shop}/api/echo/raw"), "key", "GOT 200"),
            with("query, as it is", format!("{shop}/api/echo/raw"), "query", "GOT 200"),
            with("basic, as it is", format!("{shop}/api/echo/raw"), "login", "GOT 200"),
            with("basic, decoded", format!("{shop}/api/echo/login"), "login", "GOT 200"),
            with("an access token", format!("{shop}/api/echo/raw"), "app", "GOT 200"),
            with("base64", format!("{shop}/api/echo/base64"), "key", "GOT 200"),
            with("base64 behind a byte", format!("{shop}/api/echo/base64-1"), "key", "GOT 200"),
            with("base64 behind two bytes", format!("{shop}/api/echo/base64-2"), "key", "GOT 200"),
            with("percent-encoded", format!("{shop}/api/echo/percent"), "key", "GOT 200"),
            with("as a form", format!("{shop}/api/echo/form"), "key", "GOT 200"),
            with("hex", format!("{shop}/api/echo/hex"), "key", "GOT 200"),
            with("inside JSON inside JSON", format!("{shop}/api/echo/json"), "key", "GOT 200"),
            with("in chunks of one byte", format!("{shop}/api/echo/chunks"), "key", "GOT 200"),
            with("in gzip", format!("{shop}/api/echo/gzip"), "key", "GOT 200"),
            with("dripping", format!("{shop}/api/echo/drip"), "key", "GOT 200"),
            with("in a header", format!("{shop}/api/echo/header"), "key", "GOT 200"),
            with("in the name of a header", format!("{shop}/api/echo/name"), "login", "GOT 200"),
            with("in a cookie", format!("{shop}/api/echo/cookie"), "key", "GOT 200"),
            with("in the text of a 401", format!("{shop}/api/echo/refuse"), "key", "401"),
            with("in the text of a 500", format!("{shop}/api/echo/fail"), "key", "500"),
            with("in the text of a 404", format!("{shop}/api/echo/missing"), "key", "GOT 404"),
            Row {
                name: "in the head of a HEAD",
                ask: json!({ "url": format!("{shop}/api/echo/header?head"), "credential": "key", "method": "head" }),
                comes: "GOT 200",
            },
            // Redirects.
            with("sent on to its own server", format!("{shop}/api/to?to={own}/caught"), "token", "GOT 200"),
            with("sent on with a key header", format!("{shop}/api/to?to={own}/caught-key"), "key", "GOT 200"),
            with("sent on by 307", format!("{shop}/api/to?status=307&to={own}/caught-307"), "login", "GOT 200"),
            with("sent on with its query", format!("{shop}/api/leak?to={own}/caught-query"), "query", "redirects"),
            with("sent on with a header in the URL", format!("{shop}/api/leak-header?to={own}/caught-header"), "key", "redirects"),
            with("sent on to a port that is not granted", format!("{shop}/api/to?to={ungranted}/"), "token", "redirects"),
            with("sent on to a path that is not granted", format!("{shop}/api/to?to=/admin/keys"), "token", "redirects"),
            with("sent on to a file", format!("{shop}/api/to?to=file:///etc/hostname"), "token", ""),
            with("sent on to metadata", format!("{shop}/api/to?to=http://169.254.169.254/"), "token", "never dialled"),
            with(
                "sent on to a name that leads to loopback",
                format!("{shop}/api/to?to=http://localhost:{port}/api/plain"),
                "token",
                "private = true",
            ),
            get("through its own server to the shop", format!("{own}/back?to={shop}/api/echo/raw%3Fback"), "GOT 200"),
            with("in circles", format!("{shop}/api/circle"), "token", "redirects"),
            // Names.
            Row {
                name: "a page's name that climbs",
                ask: json!({ "url": format!("{shop}/api/plain?name"), "stream": "../../../../escaped" }),
                comes: "GOT 200",
            },
        ]
    }
}

/// The shop: it has every bad habit.
fn shop(asked: &Asked) -> Reply {
    let secret = carried(asked);
    let told = |text: String| Reply::json(200, &json!({ "told": text }));
    let to = asked.param("to").unwrap_or_default();
    match asked.path.as_str() {
        "/token" if asked.form().iter().any(|(name, value)| name == "client_secret" && value == CLIENT) || asked.basic().is_some() => {
            Reply::json(200, &json!({ "access_token": ACCESS, "token_type": "Bearer", "expires_in": 3600 }))
        }
        "/api/echo/raw" => told(format!("{} {:?} {secret}", asked.target, asked.headers)),
        "/api/echo/login" => told(format!("{:?} {secret}", asked.basic())),
        "/api/echo/base64" => told(base64(&secret)),
        "/api/echo/base64-1" => told(base64(&format!("x{secret}y"))),
        "/api/echo/base64-2" => told(base64(&format!("xx{secret}y"))),
        "/api/echo/percent" => told(percent(&secret)),
        "/api/echo/form" => told(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()),
        "/api/echo/hex" => told(hex(secret.as_bytes())),
        "/api/echo/json" => told(json!({ "inner": secret }).to_string()),
        "/api/echo/chunks" => told(format!("{:?} {secret}", asked.headers)).chunked(1),
        "/api/echo/gzip" => told(secret).gzip(),
        "/api/echo/drip" => told(secret).fault(tidegate_tests::wire::Fault::Drip { bytes: 3, every: Duration::from_millis(1) }),
        "/api/echo/header" => Reply::text(200, "")
            .header("X-Echo", &secret)
            .header("X-Encoded", base64(&secret))
            .header("Link", format!("<{}>; rel=\"next\"", asked.target)),
        "/api/echo/name" => Reply::text(200, "").header(&hex(secret.as_bytes()), "1"),
        "/api/echo/cookie" => Reply::text(200, "").header("Set-Cookie", format!("session={secret}")),
        "/api/echo/refuse" => {
            Reply::text(401, &format!("bad key {secret}")).header("WWW-Authenticate", format!("Bearer error=\"{secret}\""))
        }
        "/api/echo/fail" => Reply::text(500, &format!("stack trace with {secret}")),
        "/api/echo/missing" => Reply::json(404, &json!({ "errors": format!("no {secret}") })),
        "/api/to" => Reply::redirect(asked.param("status").and_then(|status| status.parse().ok()).unwrap_or(302), to),
        "/api/leak" | "/api/leak-header" => Reply::redirect(302, &format!("{to}?stolen={}", percent(&secret))),
        "/api/circle" => Reply::redirect(302, "/api/circle"),
        "/api/plain" => Reply::json(200, &json!({ "plain": true })),
        path if path.starts_with("/api/") => Reply::json(200, &json!({ "read as": asked.target })),
        _ => Reply::text(200, "the keys of the shop"),
    }
}

/// The secret that a request carries, however it does.
fn carried(asked: &Asked) -> String {
    let bearer = asked.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let password = asked.basic().map(|(_, password)| password);
    let plain = asked.header("x-api-key").or(asked.param("key")).or(bearer);
    plain.map(str::to_owned).or(password).unwrap_or_default()
}

/// Every secret in every form that a scan looks for.
fn forms() -> Vec<String> {
    let mut forms = Vec::new();
    for secret in [SECRET, PASSWORD, CLIENT, ACCESS] {
        let json = json!(secret).to_string();
        let coded = [
            base64(secret),
            base64(&format!("ck_visible:{secret}")),
            percent(secret),
            hex(secret.as_bytes()),
            json.trim_matches('"').to_owned(),
        ];
        forms.extend(coded);
        forms.extend([
            secret.to_owned(),
            secret.chars().rev().collect(),
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        ]);
        for shift in 1..3 {
            // Without the characters that share bits with their neighbours.
            let coded = base64(&format!("{}{secret}", &"xx"[..shift]));
            forms.push(coded.trim_end_matches('=')[shift + 1..].to_owned());
        }
    }
    // The end of an encoded secret depends on what stands behind it.
    forms.iter().map(|form| form[..form.len() - 2].to_owned()).collect()
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in text.as_bytes().chunks(3) {
        let bits = group.iter().chain(std::iter::repeat(&0)).take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for place in 0..4 {
            let digit = char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize]);
            out.push(if place > group.len() { '=' } else { digit });
        }
    }
    out
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

fn unmasked(masked: &str) -> String {
    let byte = |at: usize| u8::from_str_radix(&masked[at..at + 2], 16).unwrap() ^ 0x55;
    String::from_utf8_lossy(&(0..masked.len()).step_by(2).map(byte).collect::<Vec<_>>()).into_owned()
}

/// The secret in a text, in whatever form.
fn secret_in(text: &str) -> Option<String> {
    forms().into_iter().find(|form| text.contains(form.as_str()))
}

/// Where a secret is below a folder: files as they are, unpacked where they are gzip, and their names.
fn secrets_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for path in folder::walk(folder, &|_| true).unwrap() {
        let bytes = fs::read(&path).unwrap_or_default();
        let mut unpacked = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            MultiGzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
        }
        for text in [
            path.to_string_lossy().into_owned(),
            String::from_utf8_lossy(&bytes).into_owned(),
            String::from_utf8_lossy(&unpacked).into_owned(),
        ] {
            found.extend(secret_in(&text).map(|form| format!("{}: {form}", path.display())));
        }
    }
    found
}

fn assert_no_secret(what: &str, said: &Said) {
    for text in [&said.stdout, &said.stderr] {
        assert_eq!(secret_in(text), None, "`{what}` tells a secret:\n{text}");
    }
}

fn named(rows: &[Row]) -> Vec<Value> {
    let named = |row: &Row| {
        let mut ask = row.ask.clone();
        ask["name"] = row.name.into();
        ask
    };
    rows.iter().map(named).collect()
}

#[test]
fn steals_and_is_blocked_or_gets_it_redacted() {
    let scene = Scene::new();
    let rows = scene.rows();
    let workplace = scene.workplace(&named(&rows), "rows");
    let run = workplace.tidegate(&["run", "--json"]).unwrap();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_no_secret("run --json", &run);

    // What reached the sandbox.
    let loot = workplace.tidegate(&["query", "--format", "csv", "select masked from loot order by id"]).unwrap();
    let got: Vec<String> = loot.stdout.lines().skip(1).map(unmasked).collect();
    assert_eq!(got.len(), rows.len(), "{}", loot.stderr);
    let mut wrong = String::new();
    for (row, got) in rows.iter().zip(&got) {
        let outcome = match (got.starts_with("GOT"), got.contains("[redacted]")) {
            (true, true) => "redacted",
            (true, false) => "nothing in it",
            (false, _) => "blocked",
        };
        println!("{:<44} {outcome:<13} {}", row.name, got.lines().next().unwrap_or_default());
        if let Some(form) = secret_in(got) {
            writeln!(wrong, "`{}` got the secret as `{form}`: {got}", row.name).unwrap();
        }
        if !got.contains(row.comes) || got.contains("the keys of the shop") || got.contains("nobody granted this") {
            writeln!(wrong, "`{}` should bring `{}`, it brought {got}", row.name, row.comes).unwrap();
        }
    }
    println!("{} attempts", rows.len());
    assert_eq!(wrong, "");

    // What reached servers that were not to see it.
    assert_eq!(scene.ungranted.asked(), []);
    for asked in scene.own.asked() {
        assert_eq!(secret_in(&format!("{asked:?}")), None, "its own server saw a secret");
    }
    assert!(scene.own.asked().iter().any(|asked| asked.path == "/caught"), "the redirect was followed");
    assert!(scene.shop.asked().iter().all(|asked| asked.path != "/admin/keys"), "the shop's own path was asked");
    let metadata = |asked: &Asked| asked.target.contains("meta-data");
    assert!(!scene.shop.asked().iter().any(metadata));

    // What stays.
    for arguments in [
        &["runs"][..],
        &["runs", "--json"],
        &["quarantine", "--json"],
        &["query", "select * from loot"],
        &["query", "select * from ingest_audit"],
    ] {
        assert_no_secret(&arguments.join(" "), &workplace.tidegate(arguments).unwrap());
    }
    assert_eq!(secrets_below(workplace.path()), Vec::<String>::new());
    assert!(!Path::new("/escaped").exists() && !workplace.path().join("escaped").exists());
}

#[test]
fn steals_and_tells_nothing_by_any_door() {
    let scene = Scene::new();
    let echoes: Vec<Row> =
        scene.rows().into_iter().filter(|row| row.comes.starts_with("GOT") || row.name.starts_with("in the text")).collect();
    for (door, arguments) in [
        ("check", &["check"][..]),
        ("reader", &["run", "--json"]),
        ("panic", &["run"]),
        ("stream_name", &["run"]),
        ("label", &["run", "--json"]),
        ("label", &["plan"]),
        ("rows", &["preview", "--json"]),
    ] {
        let workplace = scene.workplace(&named(&echoes), door);
        let said = workplace.tidegate(arguments).unwrap();
        assert_no_secret(&format!("{} by the door `{door}`", arguments.join(" ")), &said);
        assert_eq!(secrets_below(workplace.path()), Vec::<String>::new(), "{door}");
        assert_no_secret("runs", &workplace.tidegate(&["runs", "--json"]).unwrap());
    }
}

/// A plugin has no clock (`measures_time_and_has_no_clock`), but its own server has one and sees when it is asked. So what a name is answered with,
/// and whether anything goes out in between, must be the same for a name that means something to the host and for one that means nothing.
#[test]
fn steals_and_learns_nothing_from_how_names_are_refused() {
    let scene = Scene::new();
    let (shop, own) = (scene.shop.url(), scene.own.url());
    // A credential of elsewhere, a variable that is set, a file that is there, a secret itself, and words that mean nothing.
    let names = ["app", "THIEF_SECRET", "/etc/hostname", SECRET, "nothing", "x"];
    let attempts: Vec<Value> = names
        .iter()
        .enumerate()
        .flat_map(|(at, name)| {
            // What a run has asked once it reads from the archive: each request is another one.
            let own = |path: &str| json!({ "name": path, "url": format!("{own}/{path}?{at}") });
            let mut ask = own("asked");
            ask["credential"] = (*name).into();
            [own("before"), ask, own("after")]
        })
        .collect();
    let workplace = scene.workplace(&attempts, "rows");
    assert_eq!(workplace.tidegate(&["run"]).unwrap().code, 0);
    let loot = workplace.tidegate(&["query", "--format", "csv", "select masked from loot order by id"]).unwrap();
    let got: Vec<String> = loot.stdout.lines().skip(1).map(unmasked).collect();
    assert_eq!(got.len(), 3 * names.len(), "{}", loot.stderr);
    for (name, got) in names.iter().zip(got.chunks(3)) {
        assert!(got[0].starts_with("GOT 200") && got[2].starts_with("GOT 200"), "{got:?}");
        assert!(!got[1].starts_with("GOT"), "`{name}` is no credential for that server: {}", got[1]);
        assert_eq!(secret_in(&got[1]).filter(|_| *name != SECRET), None);
    }
    // Nothing was asked between, neither there nor for a token.
    let paths: Vec<_> = scene.own.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/before", "/after"].repeat(names.len()));
    assert_eq!(scene.shop.asked(), [], "{shop} was asked");
}

#[test]
fn steals_and_can_not_tell_the_length_of_a_secret() {
    let told = |secret: &str| {
        let scene = Scene::new();
        let ask = json!({ "name": "length", "url": format!("{}/api/echo/raw", scene.shop.url()), "credential": "key" });
        let mut workplace = scene.workplace(&[ask], "rows");
        workplace.set("THIEF_SECRET", secret);
        assert_eq!(workplace.tidegate(&["run"]).unwrap().code, 0);
        let loot = workplace.tidegate(&["query", "--format", "csv", "select masked from loot"]).unwrap();
        let got = unmasked(loot.stdout.lines().nth(1).unwrap());
        // Ports differ from run to run.
        got.replace(&scene.shop.port().to_string(), "port")
    };
    assert_eq!(told("short-secret"), told("a-secret-that-is-very-much-longer-than-the-other-one"));
}
