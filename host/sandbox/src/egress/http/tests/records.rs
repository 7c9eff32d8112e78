//! What the archive tells of requests that got no answer, or one that was of no use.

use std::io::Read;

use super::*;
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
