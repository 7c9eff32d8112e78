//! What the archive tells of requests that got no answer, or one that was of no use.

use std::io::Read;

use super::{
    credentials::{oauth, token_server},
    *,
};
use crate::egress::archive::{Asked, Exchange, Line, read, unpacked};

/// What a manifest tells of requests, each with the body that was archived.
fn told(given: &Given, archive: &Archive) -> Vec<(Exchange, Option<String>)> {
    let raw = given.folder.path().join("raw");
    let mut told = Vec::new();
    read(&archive.close().unwrap().unwrap(), |_, line| match line {
        Line::Page(page) => {
            let mut body = String::new();
            unpacked(&raw, &page).unwrap().read_to_string(&mut body).unwrap();
            let Asked::Http(exchange) = page.asked else { panic!("it is a file") };
            told.push((*exchange, Some(body)));
        }
        Line::Unanswered(unanswered) => told.push((*unanswered.exchange, None)),
        Line::Listing(_) => panic!("nothing was listed"),
    })
    .unwrap();
    told
}

#[tokio::test]
async fn answers_that_are_of_no_use_are_archived_and_the_end_is_told() {
    let server = Server::start(|_, came| match came.line.split(' ').nth(1).unwrap() {
        "/busy" => reply(503, &[("x-token", SECRET)], format!("{SECRET} is not served")),
        "/denied" => reply(403, &[("content-type", "application/json")], format!("{{\"who\":\"{SECRET}\"}}")),
        // It breaks off within the secret, of which nothing may stay.
        "/cut" => {
            let whole = reply(200, &[], format!("[1,2,{SECRET}]"));
            whole[..whole.len() - 4].to_vec()
        }
        _ => Vec::new(),
    });
    let mut given = Given::servers(&[&server]).with(CredentialKind::Bearer, None);
    given.patience.attempts = 2;
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    for path in ["/busy", "/denied", "/cut", "/gone"] {
        error(&http, with_token(get(server.url(path)))).await;
    }
    assert!(matches!(error(&http, get("https://elsewhere.test/")).await, HttpError::NotGranted(_)), "it was not sent, nothing is told");

    let told = told(&given, &archive);
    let of = |path: &str| told.iter().filter(|(exchange, _)| exchange.url.ends_with(path)).collect::<Vec<_>>();
    let busy = of("/busy");
    assert_eq!(busy.len(), 3);
    for (attempts, (exchange, body)) in (1..).zip(&busy[..2]) {
        assert_eq!((exchange.status, exchange.refused.as_deref()), (Some(503), Some("it answered 503")));
        assert_eq!((exchange.attempts.len(), body.as_deref()), (attempts, Some("[redacted] is not served")));
        assert!(exchange.response_headers.contains(&("x-token".into(), "[redacted]".into())), "{exchange:?}");
    }
    let (end, body) = busy[2];
    assert_eq!((end.status, body, end.attempts.len(), end.credential.as_deref()), (None, &None, 2, Some("token")));
    assert_eq!(end.attempts.iter().map(|attempt| attempt.page).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert!(end.refused.as_ref().unwrap().ends_with("can't be had, tried 2 times: it answered 503"), "{end:?}");

    let denied = of("/denied");
    assert_eq!((denied.len(), denied[0].0.status, denied[0].1.as_deref()), (2, Some(403), Some("{\"who\":\"[redacted]\"}")));
    assert!(denied[1].0.refused.as_ref().unwrap().ends_with("it refuses the credential `token`"), "{:?}", denied[1].0);

    let cut = of("/cut");
    assert_eq!((cut.len(), cut[0].0.status), (3, Some(200)));
    assert!("[1,2,".starts_with(cut[0].1.as_ref().unwrap()), "{:?}", cut[0].1);
    assert!(cut[0].0.refused.as_ref().unwrap().starts_with("its answer broke off: "), "{:?}", cut[0].0);

    let gone = of("/gone");
    assert_eq!((gone.len(), gone[0].0.status, gone[0].0.attempts.len()), (1, None, 2));
    assert_eq!(told.len(), 9);
    let kept = everything(given.folder.path());
    assert_eq!(kept.matches("sesame").count(), 1, "the secret is in its file only: {kept}");
}

#[tokio::test]
async fn the_body_of_an_answer_that_is_of_no_use_is_not_waited_for_without_end() {
    let server = Server::start(|number, _| match number {
        0 => reply(500, &[], vec![b'x'; 3 << 20]),
        _ => reply(200, &[], "ok"),
    });
    let given = Given::servers(&[&server]);
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    assert_eq!(text(http.send(get(server.url("/a"))).await.unwrap()), "ok");
    let told = told(&given, &archive);
    let (refused, body) = (told[0].0.refused.as_deref().unwrap(), told[0].1.as_ref().unwrap());
    assert_eq!(refused, "it answered 500; the page is the beginning of what it sent");
    assert!((1..=1 << 20).contains(&body.len()), "{} bytes", body.len());
    assert_eq!((told.len(), told[1].0.status, told[1].0.refused.as_deref()), (2, Some(200), None));
}

#[tokio::test]
async fn answers_that_lead_to_another_one_are_archived_and_named_by_its_attempt() {
    let other = Server::start(|_, _| reply(200, &[], "elsewhere"));
    let away = format!("http://127.0.0.1:{}/x", other.port);
    let server = Server::start(move |_, came| match came.line.split(' ').nth(1).unwrap() {
        "/one" => reply(302, &[("location", "/two"), ("x-token", SECRET)], format!("{SECRET} has moved")),
        "/two" => reply(307, &[("location", "/three")], ""),
        "/away" => reply(302, &[("location", &away)], "over there"),
        _ => reply(200, &[], "here"),
    });
    let given = Given::servers(&[&server]).with(CredentialKind::Bearer, None);
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    assert_eq!(text(http.send(with_token(get(server.url("/one")))).await.unwrap()), "here");
    assert!(matches!(error(&http, get(server.url("/away"))).await, HttpError::Redirect { .. }));

    let told = told(&given, &archive);
    let statuses: Vec<_> = told.iter().map(|(exchange, _)| exchange.status).collect();
    assert_eq!(statuses, [Some(302), Some(307), Some(200), Some(302), None]);
    let (url, bodies) = (|path| server.url(path), |page: usize| told[page].1.as_deref());
    for (page, (from, to)) in [("/one", "/two"), ("/two", "/three")].into_iter().enumerate() {
        assert_eq!(told[page].0.refused, Some(format!("`{}` redirects to `{}`", url(from), url(to))));
    }
    assert_eq!((bodies(0), bodies(2), bodies(3)), (Some("[redacted] has moved"), Some("here"), Some("over there")));
    assert!(told[0].0.response_headers.contains(&("location".into(), "/two".into())), "{:?}", told[0].0);
    assert_eq!((told[2].0.attempts.len(), &told[2].0.attempts[0].passed[..]), (1, &[0, 1][..]));
    // One that may not be followed is the answer of its attempt.
    assert_eq!((told[4].0.attempts[0].page, told[4].0.attempts[0].passed.len()), (Some(3), 0));
    assert_eq!(everything(given.folder.path()).matches("sesame").count(), 1, "the secret is in its file only");
}

#[tokio::test]
async fn the_refusal_of_a_token_that_is_renewed_is_archived() {
    let (tokens, _) = token_server(3600);
    let server = Server::start(|_, came| match came.header("authorization") {
        Some("Bearer token-number-0") => reply(401, &[], "token-number-0 has expired"),
        _ => reply(200, &[], "ok"),
    });
    let given = oauth(&[&server], &tokens);
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    assert_eq!(text(http.send(with_token(get(server.url("/a")))).await.unwrap()), "ok");
    let told = told(&given, &archive);
    assert_eq!(told.len(), 2);
    let (refusal, body) = &told[0];
    assert_eq!((refusal.status, body.as_deref()), (Some(401), Some("[redacted] has expired")));
    assert_eq!(refusal.refused.as_deref(), Some("it refused the access token, which is renewed"));
    assert_eq!(told[1].0.attempts[0].passed, [0]);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_archived_up_to_where_it_was() {
    let server = Server::start(|_, _| reply(200, &[], vec![b'a'; (1 << 20) + (1 << 19)]));
    let mut given = Given::servers(&[&server]);
    given.patience.max_response_mib = 1;
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    assert!(matches!(error(&http, get(server.url("/a"))).await, HttpError::TooLarge { .. }));
    let told = told(&given, &archive);
    let (refused, body) = (told[0].0.refused.as_deref().unwrap(), told[0].1.as_ref().unwrap());
    assert!(refused.ends_with("; the page is the beginning of what it sent"), "{refused}");
    assert!((1..=1 << 20).contains(&body.len()), "{} bytes", body.len());
    assert_eq!((told.len(), told[1].0.attempts[0].page), (2, Some(0)));
}
