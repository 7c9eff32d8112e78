//! Secrets on their way out, and what is done that none comes back.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A server that says back all that it was told, in its status line's reason, headers and body.
fn parrot() -> Server {
    Server::start(|_, came| {
        let told = format!("{came:?}");
        let echo = came.headers.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(" | ");
        reply(200, &[("x-echo", &echo), ("content-type", "text/plain")], told)
    })
}

#[tokio::test]
async fn each_kind_is_sent_as_it_should_and_comes_back_redacted() {
    let kinds = [
        (CredentialKind::Bearer, None, format!("authorization: Bearer {SECRET}")),
        (CredentialKind::Basic, None, "authorization: Basic c2VzYW1lLW9wZW4tMDgxNTpzZXNhbWUtb3Blbi0wODE1".to_owned()),
        (CredentialKind::Header, Some("X-Shop-Token"), format!("x-shop-token: {SECRET}")),
        (CredentialKind::Query, Some("key"), String::new()),
    ];
    for (kind, name, sent) in kinds {
        let server = parrot();
        let given = Given::servers(&[&server]).with(kind, name);
        let archive = given.archive();
        let http = given.http_into(Some(archive.clone()));
        let response = http.send(with_token(get(server.url("/a?key=mine&b=c")))).await.unwrap();
        let came = server.came().remove(0);
        if let Some((name, value)) = sent.split_once(": ") {
            assert_eq!(came.header(name), Some(value));
        } else {
            assert_eq!(came.line, format!("GET /a?b=c&key={SECRET} HTTP/1.1"));
        }
        let seen = format!("{:?} ", response.headers()) + &text(response);
        archive.close().unwrap();
        let kept = everything(&given.folder.path().join("raw"));
        for secret in [SECRET, "c2VzYW1lLW9wZW4"] {
            assert!(!seen.contains(secret) && !kept.contains(secret), "{kind:?}: {seen}\n{kept}");
        }
        assert!(seen.contains(redact::MARK) && kept.contains(redact::MARK), "{kind:?}");
    }
}

#[tokio::test]
async fn a_credential_goes_only_where_a_grant_lists_it() {
    let (server, other) = (parrot(), parrot());
    let mut given = Given::servers(&[&server, &other]).with(CredentialKind::Bearer, None);
    given.grants[1].1.credentials.clear();
    let http = given.http();
    let told = error(&http, with_token(get(other.url("/a")))).await;
    assert_eq!(told.trouble(), Trouble::Config);
    assert!(told.to_string().starts_with("the credential `token` is not granted for"), "{told}");
    let told = error(&http, Request { credential: Some("tokens".into()), ..get(server.url("/a")) }).await;
    assert_eq!(told.to_string(), "the pipeline has no credential `tokens`; it has: token");
    assert!(server.came().is_empty() && other.came().is_empty());
    http.send(get(other.url("/a"))).await.unwrap();
    assert_eq!(other.came()[0].header("authorization"), None);
}

#[tokio::test]
async fn a_credential_does_not_travel_in_the_clear() {
    let mut given = Given::servers(&[]).with(CredentialKind::Bearer, None);
    let grant =
        HttpGrant { url: "http://shop.example/**".into(), methods: vec![Method::Get], credentials: vec!["token".into()], private: false };
    given.grants.push(("shop".into(), grant));
    let told = error(&given.http(), with_token(get("http://shop.example/a"))).await;
    assert!(matches!(told, HttpError::Clear { .. }), "{told}");
}

#[tokio::test]
async fn a_credential_stays_behind_when_a_redirect_leaves_its_place() {
    let other = parrot();
    let port = other.port;
    let server = Server::start(move |_, came| match came.line.split(' ').nth(1).unwrap() {
        "/same" => reply(302, &[("location", "/end")], ""),
        "/away" => reply(302, &[("location", &format!("http://127.0.0.1:{port}/x"))], ""),
        "/leak" => {
            let token = came.header("authorization").unwrap().replace(' ', "%20");
            reply(302, &[("location", &format!("http://127.0.0.1:{port}/x?t={token}"))], "")
        }
        _ => reply(200, &[], "end"),
    });
    let http = Given::servers(&[&server, &other]).with(CredentialKind::Bearer, None).http();
    http.send(with_token(get(server.url("/same")))).await.unwrap();
    assert!(server.came()[1].header("authorization").is_some(), "the same place may see it again");
    http.send(with_token(get(server.url("/away")))).await.unwrap();
    assert_eq!(other.came()[0].header("authorization"), None);
    let told = error(&http, with_token(get(server.url("/leak")))).await;
    assert!(matches!(told, HttpError::RedirectLeaks { .. }), "{told}");
    assert_eq!(other.came().len(), 1);
}

/// A server that gives out tokens `token-number-0`, `token-number-1`, ... that live for `seconds`.
pub(super) fn token_server(seconds: u32) -> (Server, Arc<AtomicU32>) {
    let given = Arc::new(AtomicU32::new(0));
    let count = given.clone();
    let server = Server::start(move |_, _| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        reply(200, &[], format!("{{\"access_token\": \"token-number-{number}\", \"expires_in\": {seconds}}}"))
    });
    (server, given)
}

pub(super) fn oauth(servers: &[&Server], tokens: &Server) -> Given {
    let mut given = Given::servers(servers).with(CredentialKind::Oauth2, None);
    given.credentials[0].token_url = Some(tokens.url("/token"));
    given
}

#[tokio::test]
async fn an_access_token_is_fetched_once_and_hidden() {
    let (tokens, given) = token_server(3600);
    let server = parrot();
    let http = oauth(&[&server], &tokens).http();
    let (one, other) = (server.url("/1"), server.url("/2"));
    let (one, other) = tokio::join!(http.send(with_token(get(one))), http.send(with_token(get(other))));
    for response in [one.unwrap(), other.unwrap()] {
        let seen = format!("{:?} ", response.headers()) + &text(response);
        assert!(!seen.contains("token-number") && seen.contains(redact::MARK), "{seen}");
    }
    assert_eq!(server.came()[0].header("authorization"), Some("Bearer token-number-0"));
    assert_eq!(given.load(Ordering::Relaxed), 1);
    let asked = tokens.came().remove(0);
    assert_eq!(asked.body, format!("grant_type=client_credentials&client_id={SECRET}&client_secret={SECRET}"));
    assert_eq!(http.health().tokens, 1);
}

#[tokio::test]
async fn an_access_token_goes_into_a_header_of_its_own_where_the_pipeline_names_one() {
    let (tokens, _) = token_server(3600);
    let server = parrot();
    let mut given = oauth(&[&server], &tokens);
    given.credentials[0].name = Some("X-Access-Token".to_owned());
    let http = given.http();
    http.send(with_token(get(server.url("/1")))).await.unwrap();
    let came = server.came().remove(0);
    assert_eq!((came.header("x-access-token"), came.header("authorization")), (Some("token-number-0"), None));
    let own = Request { headers: vec![("x-access-token".into(), "mine".into())], ..with_token(get(server.url("/2"))) };
    assert!(http.send(own).await.is_err(), "a plugin may not set it");
}

#[tokio::test]
async fn an_access_token_is_renewed_before_it_expires_and_once_when_it_is_refused() {
    let (tokens, given) = token_server(0);
    let server = parrot();
    let http = oauth(&[&server], &tokens).http();
    for path in ["/1", "/2"] {
        http.send(with_token(get(server.url(path)))).await.unwrap();
    }
    assert_eq!(given.load(Ordering::Relaxed), 2, "a token without a life is used once");

    let (tokens, given) = token_server(3600);
    let server = Server::start(|_, came| {
        let is_first = came.header("authorization") == Some("Bearer token-number-0") || came.line.contains("/never");
        if is_first { reply(401, &[], "expired") } else { reply(200, &[], "ok") }
    });
    let http = oauth(&[&server], &tokens).http();
    assert_eq!(text(http.send(with_token(post(server.url("/1"), "x"))).await.unwrap()), "ok");
    assert_eq!(given.load(Ordering::Relaxed), 2);
    let told = error(&http, with_token(get(server.url("/never")))).await;
    assert_eq!(told.trouble(), Trouble::Auth);
    assert_eq!((server.came().len(), given.load(Ordering::Relaxed)), (4, 3));
}

#[tokio::test]
async fn a_token_server_that_refuses_is_named_without_its_words() {
    let tokens = Server::start(|_, came| reply(400, &[], format!("{{\"error\": \"{}\"}}", came.body)));
    let server = parrot();
    let told = error(&oauth(&[&server], &tokens).http(), with_token(get(server.url("/1")))).await;
    assert_eq!(told.to_string(), "no access token for the credential `token`: the token server answered 400");
    assert!(server.came().is_empty());
}
