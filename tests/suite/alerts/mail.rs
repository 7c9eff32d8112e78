//! Mail, against a real SMTP server with certificates of its own.

use serde_json::json;
use tidegate_tests::mail::{Certificates, MailServer, Speech};

use super::{Place, failed, failure, sent};

/// An alert by mail to this server, with the login that it wants.
fn alert(url: &str, more: &str) -> String {
    format!(
        "[alerts.oncall]\nkind = \"email\"\nsmtp = \"{url}\"\nfrom = \"tidegate <etl@example.com>\"\n\
         to = [\"a@example.com\", \"Ops <ops@example.com>\"]\n{more}\n"
    )
}

const LOGIN: &str = "user = { file = \"user\" }\npassword = { file = \"password\" }";
const SECRETS: [(&str, &str); 2] = [("user", "etl"), ("password", "hunter2-long")];

/// A place whose pipeline trusts this authority.
fn trusting(certificates: &Certificates, url: &str) -> Place {
    let authority = std::fs::read_to_string(certificates.authority()).unwrap();
    // The file has to be there when the pipeline is read.
    let files = [SECRETS[0], SECRETS[1], ("ca.pem", authority.as_str())];
    Place::new(&alert(url, &format!("ca = \"ca.pem\"\n{LOGIN}")), &files)
}

fn with_login() -> serde_json::Value {
    json!({ "login": ["etl", "hunter2-long"] })
}

#[tokio::test]
async fn mail_goes_over_tls_from_the_first_byte_and_over_starttls() {
    let certificates = Certificates::make().unwrap();
    for (speech, scheme) in [(Speech::Tls, "smtps"), (Speech::StartTls, "smtp")] {
        let server = MailServer::start(speech, Some(&certificates), &with_login()).unwrap();
        for host in ["localhost", "127.0.0.1"] {
            let place = trusting(&certificates, &format!("{scheme}://{host}:{}", server.port()));
            assert_eq!(sent(&place.tell(&failure()).await), 1, "{speech:?}");
            let letter = server.letter().unwrap();
            assert!(letter.tls, "{speech:?}");
            assert_eq!((letter.from.as_str(), letter.login.as_deref()), ("etl@example.com", Some("etl")));
            assert_eq!(letter.to, ["a@example.com", "ops@example.com"]);
            assert!(letter.content.contains("Subject: shop failed\r\n"), "{}", letter.content);
            assert!(letter.content.contains("Auto-Submitted: auto-generated\r\n"), "{}", letter.content);
        }
    }
}

#[tokio::test]
async fn a_letter_says_what_why_and_where() {
    let server = MailServer::start(Speech::Plain, None, &json!({})).unwrap();
    let place = Place::new(&alert(&format!("smtp://127.0.0.1:{}", server.port()), "plain = true"), &[]);
    assert_eq!(sent(&place.tell(&failure()).await), 1);
    let letter = server.letter().unwrap();
    assert!(!letter.tls && letter.login.is_none());
    let (head, body) = letter.content.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Type: text/plain; charset=utf-8"), "{head}");
    let body = decoded(head, body);
    for wanted in [
        "shop failed",
        "stream `orders` failed",
        "caused by: ação <!channel>",
        "page: https://etl.example.com/runs/shop/20261127T033000000Z-5f3a91",
    ] {
        assert!(body.contains(wanted), "{wanted:?} is not in\n{body}");
    }
}

/// A body as a mail program shows it.
fn decoded(head: &str, body: &str) -> String {
    if head.contains("Content-Transfer-Encoding: quoted-printable") {
        let joined = body.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = joined.as_bytes();
        while let Some((first, more)) = rest.split_first() {
            let hex = (*first == b'=')
                .then(|| std::str::from_utf8(more.get(..2)?).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok()))
                .flatten();
            bytes.push(hex.unwrap_or(*first));
            rest = if hex.is_some() { &more[2..] } else { more };
        }
        return String::from_utf8(bytes).unwrap();
    }
    body.to_owned()
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_refused_at_once() {
    let (ours, theirs) = (Certificates::make().unwrap(), Certificates::make().unwrap());
    for (speech, scheme) in [(Speech::Tls, "smtps"), (Speech::StartTls, "smtp")] {
        let server = MailServer::start(speech, Some(&theirs), &with_login()).unwrap();
        let place = trusting(&ours, &format!("{scheme}://localhost:{}", server.port()));
        let (attempts, why) = failed(&place.tell(&failure()).await);
        assert_eq!(attempts, 1, "trying again does not make it known: {why}");
        assert!(why.contains("certificate"), "{why}");
        assert!(server.is_idle());
    }
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_letter() {
    let server = MailServer::start(Speech::Plain, None, &with_login()).unwrap();
    let certificates = Certificates::make().unwrap();
    let place = trusting(&certificates, &format!("smtp://localhost:{}", server.port()));
    let (_, why) = failed(&place.tell(&failure()).await);
    assert!(why.to_lowercase().contains("starttls"), "{why}");
    assert!(server.is_idle());
}

#[tokio::test]
async fn what_the_server_puts_off_is_tried_again_and_what_it_refuses_is_not() {
    let server = MailServer::start(Speech::Plain, None, &json!({ "later": 2 })).unwrap();
    let place = Place::new(&alert(&format!("smtp://127.0.0.1:{}", server.port()), "plain = true"), &[]);
    assert_eq!(sent(&place.tell(&failure()).await), 3);
    server.letter().unwrap();
    assert!(server.is_idle(), "it came once");

    let login = json!({ "never": true, "login": ["etl", "hunter2-long"] });
    let server = MailServer::start(Speech::Plain, None, &login).unwrap();
    let place = Place::new(&alert(&format!("smtp://127.0.0.1:{}", server.port()), &format!("plain = true\n{LOGIN}")), &SECRETS);
    let (attempts, why) = failed(&place.tell(&failure()).await);
    assert_eq!(attempts, 1, "{why}");
    assert!(why.contains("no letters of yours"), "{why}");
    assert!(!why.contains("hunter2"), "the server echoed the password: {why}");
}

#[tokio::test]
async fn a_server_that_is_gone_is_tried_and_then_given_up() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = Place::new(&alert(&format!("smtp://127.0.0.1:{port}"), "plain = true"), &[]);
    let (attempts, why) = failed(&place.tell(&failure()).await);
    assert_eq!(attempts, 4);
    assert!(why.to_lowercase().contains("refused"), "{why}");
}

#[tokio::test]
async fn a_secret_that_is_missing_is_named_and_nothing_is_tried() {
    let place = Place::new(&alert("smtp://127.0.0.1:9", &format!("plain = true\n{LOGIN}")), &[("user", "etl")]);
    let (attempts, why) = failed(&place.tell(&failure()).await);
    assert_eq!(attempts, 0);
    assert!(why.starts_with("its `password` can't be had: the file `password` can't be read"), "{why}");
}
