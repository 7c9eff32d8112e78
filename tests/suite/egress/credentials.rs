//! How credentials reach the server, and tokens that run out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tidegate_tests::wire::{Asked, Reply, Wire};

use super::Source;

/// A source with the credential `token`, whose definition this is.
fn source(wire: &Wire, credential: &str) -> Source {
    let url = wire.url();
    let variables = [("EGRESS_USER", "ck_user"), ("EGRESS_SECRET", "secret with spaces & signs")];
    Source {
        grants: format!("api = {{ url = \"{url}/**\", methods = [\"get\", \"post\"], credentials = [\"token\"], private = true }}"),
        credentials: format!("token = {{ {credential} }}"),
        patience: "requests_per_minute = 100000".to_owned(),
        variables: variables.map(|(name, value)| (name, value.to_owned())).into(),
        ..Source::default()
    }
}

fn asks(wire: &Wire, paths: &[&str]) -> Vec<Value> {
    let ask = |(number, path): (usize, &&str)| json!({ "name": format!("{number:03}"), "url": format!("{}{path}", wire.url()), "credential": "token" });
    paths.iter().enumerate().map(ask).collect()
}

#[test]
fn a_credential_is_added_as_the_pipeline_says() {
    let secret = "secret = { env = \"EGRESS_SECRET\" }";
    let carried = |credential: &str, read: fn(&Asked) -> Option<String>| {
        let wire = Wire::start(|_| Reply::text(200, "here"));
        let told = source(&wire, &format!("{credential}, {secret}")).ask(&asks(&wire, &["/x?a=1"]));
        assert!(told.got[0].starts_with("GOT 200"), "{}", told.got[0]);
        let asked = wire.asked();
        assert_eq!((asked.len(), asked[0].param("a")), (1, Some("1")));
        read(&asked[0])
    };
    let secret = "secret with spaces & signs";
    assert_eq!(carried("kind = \"bearer\"", |asked| asked.header("authorization").map(str::to_owned)), Some(format!("Bearer {secret}")));
    assert_eq!(
        carried("kind = \"header\", name = \"X-Shop-Token\"", |asked| asked.header("x-shop-token").map(str::to_owned)),
        Some(secret.into())
    );
    assert_eq!(carried("kind = \"query\", name = \"key\"", |asked| asked.param("key").map(str::to_owned)), Some(secret.into()));
    let basic =
        carried("kind = \"basic\", user = { env = \"EGRESS_USER\" }", |asked| asked.basic().map(|(user, word)| format!("{user} {word}")));
    assert_eq!(basic, Some(format!("ck_user {secret}")));
}

/// A server that gives out tokens, lets each be used so often, and takes its milliseconds.
fn token_server(uses: usize, expires_in: u64, latency: u64) -> (Wire, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let (giving, used) = (given.clone(), AtomicUsize::new(0));
    let wire = Wire::start(move |asked| {
        if asked.path == "/token" {
            let number = giving.fetch_add(1, Ordering::Relaxed) + 1;
            used.store(0, Ordering::Relaxed);
            return Reply::json(
                200,
                &json!({ "access_token": format!("access-token-{number}"), "token_type": "bearer", "expires_in": expires_in }),
            );
        }
        let wanted = format!("Bearer access-token-{}", giving.load(Ordering::Relaxed));
        if asked.header("authorization") != Some(wanted.as_str()) || used.fetch_add(1, Ordering::Relaxed) >= uses {
            return Reply::json(401, &json!({ "error": "invalid_token" }));
        }
        Reply::text(200, "here").after(Duration::from_millis(latency))
    });
    (wire, given)
}

fn oauth(wire: &Wire) -> Source {
    let token_url = format!("{}/token", wire.url());
    let client = "client_id = { env = \"EGRESS_USER\" }, secret = { env = \"EGRESS_SECRET\" }, scope = \"read_orders\"";
    source(wire, &format!("kind = \"oauth2\", token_url = \"{token_url}\", {client}"))
}

#[test]
fn a_token_is_asked_for_once_and_used_until_it_is_refused() {
    let (wire, given) = token_server(2, 3600, 0);
    let told = oauth(&wire).ask(&asks(&wire, &["/1", "/2", "/3", "/4", "/5"]));
    assert!(told.got.iter().all(|got| got.starts_with("GOT 200")), "{:?}", told.got);
    assert_eq!(given.load(Ordering::Relaxed), 3, "a token that is refused is renewed, and nothing else renews it");
    let token = wire.asked().into_iter().find(|asked| asked.path == "/token").unwrap();
    let sent = |name: &str| token.form().into_iter().find(|(key, _)| key == name).map(|(_, value)| value);
    assert_eq!(
        (token.method.as_str(), sent("grant_type").as_deref(), sent("scope").as_deref()),
        ("POST", Some("client_credentials"), Some("read_orders"))
    );
}

#[test]
fn a_token_is_renewed_before_it_runs_out() {
    let (wire, given) = token_server(usize::MAX, 1, 500);
    let told = oauth(&wire).ask(&asks(&wire, &["/1", "/2", "/3"]));
    assert!(told.got.iter().all(|got| got.starts_with("GOT 200")), "{:?}", told.got);
    assert!(wire.asked().iter().filter(|asked| asked.path != "/token").count() == 3, "nothing was refused");
    assert!(given.load(Ordering::Relaxed) >= 2);
}

#[test]
fn a_credential_that_stays_refused_is_an_auth_failure() {
    let (wire, given) = token_server(0, 3600, 0);
    let told = oauth(&wire).ask(&asks(&wire, &["/1"]));
    assert!(told.got[0].contains("401"), "{}", told.got[0]);
    assert_eq!(given.load(Ordering::Relaxed), 2, "it is renewed once, then believed");
    let refusing =
        Wire::start(|_| Reply::json(400, &json!({ "error": "invalid_client", "error_description": "secret with spaces & signs" })));
    let told = oauth(&refusing).ask(&asks(&refusing, &["/1"]));
    assert!(told.got[0].contains("no access token for the credential `token`"), "{}", told.got[0]);
    assert!(!told.got[0].contains("signs"), "{}", told.got[0]);
}

#[test]
fn a_secret_is_read_from_a_file_beside_the_pipeline() {
    let wire = Wire::start(|_| Reply::text(200, "here"));
    let source = source(&wire, "kind = \"bearer\", secret = { file = \"secrets/token.txt\" }");
    let workplace = source.workplace(&asks(&wire, &["/x"]));
    let missing = workplace.tidegate(&["run"]).unwrap();
    assert!(missing.code != 0 && missing.stderr.contains("token.txt"), "{}", missing.stderr);
    workplace.write("secrets/token.txt", "from-a-file\n").unwrap();
    assert_eq!(workplace.tidegate(&["run"]).unwrap().code, 0);
    assert_eq!(wire.asked()[0].header("authorization"), Some("Bearer from-a-file"));
}
