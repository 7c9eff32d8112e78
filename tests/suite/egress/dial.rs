//! Where a request may go, and that a refusal says what is missing.

use insta::assert_snapshot;
use serde_json::json;
use tidegate_tests::wire::{Reply, Wire};

use super::{Source, gets};

/// What is told, with names for ports.
fn told(source: &Source, requests: &[serde_json::Value], ports: &[(&Wire, &str)]) -> String {
    let got = source.ask(requests).got.join("\n\n");
    ports.iter().fold(got, |got, (wire, name)| got.replace(&wire.port().to_string(), name))
}

#[test]
fn a_refusal_names_the_missing_grant() {
    let (shop, other) = (Wire::start(|_| Reply::text(200, "here")), Wire::start(|_| Reply::new(204)));
    let source = Source { grants: format!("api = {{ url = \"{}/api/**\", private = true }}", shop.url()), ..Source::default() };
    let (shop_url, other_url) = (shop.url(), other.url());
    let urls = [format!("{shop_url}/admin"), format!("{other_url}/api/x"), "https://shop.example/api".to_owned()];
    let mut requests = gets(urls.iter().map(String::as_str));
    requests.push(json!({ "name": "post", "url": format!("{shop_url}/api/x"), "method": "post", "body": "{}" }));
    requests.push(json!({ "name": "token", "url": format!("{shop_url}/api/x"), "credential": "token" }));
    assert_snapshot!(told(&source, &requests, &[(&shop, "<shop>"), (&other, "<other>")]), @r#"
    `get http://127.0.0.1:<shop>/admin` is not granted; to grant it, write in the pipeline:
    [sources.shop.grants.http.at_127_0_0_1]
    url = "http://127.0.0.1:<shop>/admin"

    `get http://127.0.0.1:<other>/api/x` is not granted; to grant it, write in the pipeline:
    [sources.shop.grants.http.at_127_0_0_1]
    url = "http://127.0.0.1:<other>/api/x"

    `get https://shop.example/api` is not granted; to grant it, write in the pipeline:
    [sources.shop.grants.http.shop_example]
    url = "https://shop.example/api"

    `post http://127.0.0.1:<shop>/api/x` is not granted: `api` grants other methods; to grant it, write in the pipeline:
    [sources.shop.grants.http.api]
    methods = ["get", "head", "post"]

    the pipeline has no credential `token`; it has none for this source
    "#);
    assert!(shop.asked().is_empty() && other.asked().is_empty());
}

#[test]
fn a_name_that_leads_to_the_machine_itself_is_private() {
    let wire = Wire::start(|_| Reply::text(200, "here"));
    let url = format!("http://localhost:{}/x", wire.port());
    let grant = |rest: &str| Source { grants: format!("local = {{ url = \"{url}\"{rest} }}"), ..Source::default() };
    let refused = told(&grant(""), &gets([url.as_str()]), &[(&wire, "<port>")]);
    assert_snapshot!(refused, @r"
    `localhost` has the loopback address 127.0.0.1; to allow it, write in the pipeline:
    [sources.shop.grants.http.local]
    private = true
    ");
    assert!(wire.asked().is_empty());
    assert!(told(&grant(", private = true"), &gets([url.as_str()]), &[]).starts_with("GOT 200"));
}

#[test]
fn a_redirect_stays_within_the_grant_and_is_followed_so_often() {
    let elsewhere = Wire::start(|_| Reply::text(200, "elsewhere"));
    let outside = format!("{}/", elsewhere.url());
    let wire = Wire::start(move |asked| match asked.path.as_str() {
        "/api/1" => Reply::redirect(301, "/api/2"),
        "/api/2" => Reply::redirect(303, "3"),
        "/api/3" => Reply::redirect(307, "/api/end"),
        "/api/end" => Reply::text(200, "the end"),
        "/api/out" => Reply::redirect(302, &outside),
        "/api/up" => Reply::redirect(302, "../admin"),
        _ => Reply::redirect(302, &asked.path),
    });
    let source = Source { grants: format!("api = {{ url = \"{}/api/**\", private = true }}", wire.url()), ..Source::default() };
    let urls = ["1", "out", "up", "circle"].map(|path| format!("{}/api/{path}", wire.url()));
    let got = source.ask(&gets(urls.iter().map(String::as_str))).got;
    assert!(got[0].starts_with("GOT 200") && got[0].ends_with("the end"), "{}", got[0]);
    assert!(got[1].contains("redirects to where it may not"), "{}", got[1]);
    assert!(got[2].contains("redirects to where it may not"), "{}", got[2]);
    assert!(got[3].contains("times"), "{}", got[3]);
    assert!(elsewhere.asked().is_empty());
    assert!(wire.asked().iter().all(|asked| asked.path != "/admin"));
    assert!(wire.asked().len() < 30, "{} requests", wire.asked().len());
}

#[test]
fn variables_for_proxies_lead_nobody_astray() {
    let (wire, proxy) = (Wire::start(|_| Reply::text(200, "here")), Wire::start(|_| Reply::text(200, "through the proxy")));
    let mut source = Source::of(&wire);
    source.variables = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].map(|name| (name, proxy.url())).into();
    assert!(source.ask(&gets([format!("{}/x", wire.url()).as_str()])).got[0].ends_with("here"));
    assert!(proxy.asked().is_empty());
}
