//! What becomes of requests: answers, repeats, redirects, caps, addresses.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use super::*;

fn packed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn an_answer_is_unpacked_and_archived_with_its_exchange() {
    let gzip = [("content-type", "application/json; charset=utf-8"), ("content-encoding", "gzip"), ("set-cookie", "a=b"), ("x-a", "1")];
    let server = Server::start(move |_, _| reply(200, &gzip, packed("[1,2]")));
    let given = Given::servers(&[&server]);
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    let response = http.send(get(server.url("/orders?page=1"))).await.unwrap();
    assert_eq!((response.status(), response.page()), (200, 0));
    let names: Vec<_> = response.headers().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connection", "content-type", "x-a"]);
    assert_eq!(text(response), "[1,2]");
    assert_eq!(server.came()[0].header("accept-encoding"), Some("gzip"));
    let manifest = archive.close().unwrap().unwrap();
    let told = std::fs::read_to_string(manifest).unwrap();
    assert!(told.contains("/orders?page=1") && told.contains("orders_20261127T120000000Z"), "{told}");
}

#[tokio::test]
async fn a_request_that_reads_is_asked_once_in_a_run() {
    let server = Server::start(|number, _| reply(200, &[], format!("answer {number}")));
    let http = Given::servers(&[&server]).http();
    let first = http.send(get(server.url("/a"))).await.unwrap();
    let again = http.send(get(server.url("/a"))).await.unwrap();
    assert_eq!((first.page(), text(first)), (again.page(), text(again)));
    let fresh = || Request { headers: vec![("Cache-Control".into(), "no-cache".into())], ..get(server.url("/a")) };
    assert_eq!(text(http.send(fresh()).await.unwrap()), "answer 1");
    assert_eq!(text(http.send(fresh()).await.unwrap()), "answer 2");
    assert_eq!(text(http.send(get(server.url("/a"))).await.unwrap()), "answer 2", "the newest answer is the one that counts");
    assert_eq!(text(http.send(post(server.url("/a"), "x")).await.unwrap()), "answer 3");
    assert_eq!(text(http.send(post(server.url("/a"), "x")).await.unwrap()), "answer 4");
    let reads = || Request { idempotent: true, ..post(server.url("/a"), "y") };
    assert_eq!(text(http.send(reads()).await.unwrap()), "answer 5");
    assert_eq!(text(http.send(reads()).await.unwrap()), "answer 5");
    let (one, other) = tokio::join!(http.send(get(server.url("/b"))), http.send(get(server.url("/b"))));
    assert_eq!(text(one.unwrap()), text(other.unwrap()));
    assert_eq!((http.health().requests, http.health().repeated_asks), (7, 4));
}

#[tokio::test]
async fn what_breaks_off_is_asked_for_again() {
    let server = Server::start(|number, _| {
        let whole = reply(200, &[("content-encoding", "gzip")], packed("whole"));
        match number {
            0 => reply(503, &[], "busy"),
            1 => whole[..whole.len() - 3].to_vec(),
            2 => {
                let cut = packed("whole");
                reply(200, &[("content-encoding", "gzip")], &cut[..cut.len() - 3])
            }
            3 => Vec::new(),
            _ => whole,
        }
    });
    let given = Given::servers(&[&server]);
    let archive = given.archive();
    let http = given.http_into(Some(archive.clone()));
    let response = http.send(get(server.url("/a"))).await.unwrap();
    assert_eq!(response.page(), 3, "what came of three of the attempts that failed is a page, too");
    assert_eq!(text(response), "whole");
    assert_eq!((http.health().requests, http.health().failures), (5, 4));
    let told = std::fs::read_to_string(archive.close().unwrap().unwrap()).unwrap();
    for reason in ["it answered 503", "its answer broke off", "its answer is not whole gzip"] {
        assert!(told.contains(reason), "{reason}: {told}");
    }
}

#[tokio::test]
async fn attempts_have_an_end_and_a_post_has_one() {
    let server = Server::start(|_, _| reply(500, &[], "no"));
    let mut given = Given::servers(&[&server]);
    given.patience.attempts = 2;
    let http = given.http();
    let told = error(&http, get(server.url("/a"))).await;
    assert_eq!(told.trouble(), Trouble::Unavailable);
    assert_eq!(told.to_string(), format!("`{}` can't be had, tried 2 times: it answered 500", server.url("/a")));
    let told = error(&http, post(server.url("/a"), "x")).await;
    assert_eq!(told.to_string(), format!("`{}` can't be had: it answered 500", server.url("/a")));
    assert_eq!(server.came().len(), 3);
}

#[tokio::test]
async fn a_server_that_asks_for_patience_gets_it() {
    let server = Server::start(|number, _| match number {
        0 => reply(429, &[("retry-after", "0.2")], ""),
        1 => reply(200, &[], "ok"),
        _ => reply(429, &[("retry-after", "3600")], ""),
    });
    let http = Given::servers(&[&server]).http();
    let began = std::time::Instant::now();
    assert_eq!(text(http.send(get(server.url("/a"))).await.unwrap()), "ok");
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(http.health().throttled, 1);
    let told = error(&http, get(server.url("/b"))).await;
    assert_eq!(told.trouble(), Trouble::RateLimited(Some(Duration::from_secs(3600))));
    assert_eq!(server.came().len(), 3, "an hour is longer than the longest wait");
}

#[tokio::test]
async fn an_open_circuit_refuses_at_once_and_closes_when_the_source_is_back() {
    let server = Server::start(|number, _| if number < 2 { reply(500, &[], "") } else { reply(200, &[], "back") });
    let mut given = Given::servers(&[&server]);
    given.patience = Patience { attempts: 1, breaker_failures: 2, breaker_seconds: 1, ..given.patience };
    let http = given.http();
    for path in ["/a", "/b"] {
        error(&http, get(server.url(path))).await;
    }
    assert_eq!((http.health().circuit, http.health().opened), (Circuit::Open, 1));
    let told = error(&http, get(server.url("/c"))).await;
    assert!(matches!(told, HttpError::Open { failures: 2, .. }), "{told}");
    assert_eq!(server.came().len(), 2);
    let mut waiting = Waiting::new(Arc::new(Http::none()));
    assert!(waiting.wait(Trouble::Unavailable).await && !waiting.wait(Trouble::Config).await);
    tokio::time::sleep(http.breaker.open_for()).await;
    assert_eq!(text(http.send(get(server.url("/c"))).await.unwrap()), "back");
    assert_eq!(http.health().circuit, Circuit::Closed);
}

#[tokio::test]
async fn statuses_that_mean_something_reach_the_plugin() {
    let server = Server::start(|_, came| {
        let status = came.line.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        reply(status, &[], "said")
    });
    let http = Given::servers(&[&server]).http();
    for status in [201, 304, 400, 404, 409, 422] {
        let response = http.send(get(server.url(&format!("/{status}")))).await.unwrap();
        assert_eq!(response.status(), status);
    }
    for status in [401, 403] {
        let told = error(&http, get(server.url(&format!("/{status}")))).await;
        assert_eq!(told.trouble(), Trouble::Auth, "{told}");
    }
    assert_eq!(server.came().len(), 8, "none of them is repeated");
}

#[tokio::test]
async fn redirects_stay_within_the_grants() {
    let other = Server::start(|_, _| reply(200, &[], "elsewhere"));
    let port = other.port;
    let server = Server::start(move |_, came| match came.line.split(' ').nth(1).unwrap() {
        "/there" => reply(302, &[("location", "/here")], ""),
        "/moved" => reply(308, &[("location", "/here")], ""),
        "/away" => reply(302, &[("location", &format!("http://127.0.0.1:{port}/x"))], ""),
        "/round" => reply(302, &[("location", "/round")], ""),
        "/metadata" => reply(302, &[("location", "http://169.254.169.254/latest/meta-data")], ""),
        path => reply(200, &[], format!("{} {path}", came.line.split(' ').next().unwrap())),
    });
    let http = Given::servers(&[&server]).http();
    assert_eq!(text(http.send(get(server.url("/there"))).await.unwrap()), "GET /here");
    assert_eq!(text(http.send(post(server.url("/there"), "x")).await.unwrap()), "GET /here");
    assert_eq!(text(http.send(post(server.url("/moved"), "x")).await.unwrap()), "POST /here");
    assert_eq!(server.came().last().unwrap().body, "x");
    for path in ["/away", "/metadata"] {
        let told = error(&http, get(server.url(path))).await;
        assert_eq!(told.trouble(), Trouble::Config);
        assert!(crate::error::chain(&told).contains("[sources.shop.grants.http."), "{told}");
    }
    assert!(other.came().is_empty());
    let told = error(&http, get(server.url("/round"))).await;
    assert!(matches!(told, HttpError::Redirects { limit: 5, .. }), "{told}");
    assert_eq!(text(Given::servers(&[&server, &other]).http().send(get(server.url("/away"))).await.unwrap()), "elsewhere");
}

#[tokio::test]
async fn a_private_address_wants_a_word_in_the_grant() {
    let server = Server::start(|_, _| reply(200, &[], "ok"));
    let mut given = Given::servers(&[&server]);
    given.grants[0].1.private = false;
    let told = error(&given.http(), get(server.url("/a"))).await.to_string();
    let name = &given.grants[0].0;
    assert!(told.starts_with("`127.0.0.1` has the loopback address 127.0.0.1; to allow it"), "{told}");
    assert!(told.ends_with(&format!("[sources.shop.grants.http.{name}]\nprivate = true")), "{told}");
    assert!(server.came().is_empty());
}

#[tokio::test]
async fn a_name_is_dialled_at_the_address_that_was_checked() {
    let server = Server::start(|_, _| reply(200, &[], "ok"));
    let names = |address: &str| Names::Fixed([("shop.example".to_owned(), vec![address.parse().unwrap()])].into());
    let http = |address: &str, private| {
        let url = format!("http://shop.example:{}/**", server.port);
        let grant = HttpGrant { url, methods: vec![Method::Get], credentials: Vec::new(), private };
        let grants = Grants::new("shop", [(&"shop".to_owned(), &grant)]).unwrap();
        let patience = Patience { attempts: 1, ..Patience::default() };
        Http::with_names(Terms { grants, patience, ..Terms::default() }, &names(address)).unwrap()
    };
    let url = format!("http://shop.example:{}/a", server.port);
    assert_eq!(text(http("127.0.0.1", true).send(get(&url)).await.unwrap()), "ok");
    for (address, private) in [("127.0.0.1", false), ("::ffff:127.0.0.1", false), ("169.254.169.254", true), ("10.0.0.1", false)] {
        let told = error(&http(address, private), get(&url)).await;
        assert!(matches!(told, HttpError::Address { .. }), "{address}: {told}");
    }
    assert_eq!(server.came().len(), 1);
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let server = Server::start(|_, came| match came.line.split(' ').nth(1).unwrap() {
        "/large" => reply(200, &[], vec![b'a'; (1 << 20) + 1]),
        "/bomb" => reply(200, &[("content-encoding", "gzip")], packed(&"0".repeat(20 << 20))),
        "/brotli" => reply(200, &[("content-encoding", "br")], "?"),
        "/head" => reply(200, &[("x-long", &"h".repeat(70_000))], ""),
        _ => reply(200, &[], "ok"),
    });
    let mut given = Given::servers(&[&server]);
    given.patience = Patience { max_response_mib: 1, max_requests: 5, ..given.patience };
    let http = given.http();
    for path in ["/large", "/bomb"] {
        assert!(matches!(error(&http, get(server.url(path))).await, HttpError::TooLarge { limit: 1, .. }), "{path}");
    }
    assert!(matches!(error(&http, get(server.url("/brotli"))).await, HttpError::Encoding { .. }));
    assert!(matches!(error(&http, get(server.url("/head"))).await, HttpError::Headers { .. }));
    assert_eq!(text(http.send(get(server.url("/ok"))).await.unwrap()), "ok");
    assert!(matches!(error(&http, get(server.url("/more"))).await, HttpError::Requests { limit: 5 }));
    assert_eq!(server.came().len(), 5);
}

#[tokio::test]
async fn a_request_is_held_to_the_hosts_headers() {
    let server = Server::start(|_, _| reply(200, &[], "ok"));
    let http = Given::servers(&[&server]).with(CredentialKind::Header, Some("X-Shop-Token")).http();
    let refused = [
        "Authorization",
        "cookie",
        "Host",
        "Connection",
        "Proxy-Authorization",
        "Transfer-Encoding",
        "content-length",
        "X-HTTP-Method-Override",
        "x-forwarded-for",
        "x-shop-token",
        "bad name",
    ];
    for name in refused {
        let request = Request { headers: vec![(name.into(), "x".into())], ..get(server.url("/a")) };
        assert!(matches!(error(&http, request).await, HttpError::Header { .. }), "{name}");
    }
    let split = Request { headers: vec![("x-a".into(), "a\r\nhost: b".into())], ..get(server.url("/a")) };
    assert!(matches!(error(&http, split).await, HttpError::Header { .. }));
    let body = Request { body: Some(b"x".to_vec()), ..get(server.url("/a")) };
    assert!(matches!(error(&http, body).await, HttpError::Request { .. }));
    assert!(server.came().is_empty());
}

#[tokio::test]
async fn a_large_answer_is_read_back_from_where_it_lies() {
    let server = Server::start(|_, _| reply(200, &[], vec![b'a'; 3 << 20]));
    let given = Given::servers(&[&server]);
    for http in [given.http(), given.http_into(Some(given.archive()))] {
        let mut response = http.send(get(server.url("/a"))).await.unwrap();
        let mut bytes = 0;
        loop {
            let piece = response.read(1 << 20).unwrap();
            if piece.is_empty() {
                break;
            }
            bytes += piece.len();
        }
        assert_eq!(bytes, 3 << 20);
    }
}
