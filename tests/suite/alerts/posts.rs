//! Slack, Microsoft Teams and the generic webhook, against real HTTP endpoints.

use std::path::Path;

use serde_json::json;
use tidegate::notify::{Delivery, Kind, Told};
use tidegate_tests::{
    mail::run_python,
    root,
    wire::{Asked, Reply, Wire},
};

use super::{Place, failed, failure, later, notifier, sent};

const PATH: &str = "/services/T0123/B0123/s3cret-t0ken-of-the-channel";
const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A pipeline that tells a channel of this kind at this server.
fn place(kind: &str, wire: &Wire, more: &str) -> Place {
    let alert = format!("[alerts.ops]\nkind = \"{kind}\"\nurl = {{ file = \"url\" }}\n{more}\n");
    Place::new(&alert, &[("url", &format!("{}{PATH}", wire.url())), ("key", KEY)])
}

/// A server that answers with these, one after another, and with 200 from then on.
fn answering(replies: Vec<Reply>) -> Wire {
    Wire::start(move |asked: &Asked| replies.get(asked.number - 1).cloned().unwrap_or_else(|| Reply::text(200, "ok")))
}

#[tokio::test]
async fn slack_gets_blocks() {
    let wire = answering(Vec::new());
    assert_eq!(sent(&place("slack", &wire, "").tell(&failure()).await), 1);
    let asked = wire.asked().remove(0);
    assert_eq!((asked.method.as_str(), asked.path.as_str(), asked.header("content-type")), ("POST", PATH, Some("application/json")));
    let body = asked.json().unwrap();
    assert_eq!(body["text"], "shop failed");
    assert_eq!(body["blocks"][0], json!({ "type": "header", "text": { "type": "plain_text", "text": "🔴 shop failed", "emoji": true } }));
    let text = body["blocks"][1]["elements"][0]["elements"][0]["text"].as_str().unwrap();
    assert!(text.contains("stream `orders` failed\ncaused by: ação <!channel> [x](http://evil.example)"), "{text}");
    assert_eq!(body["blocks"][2]["elements"][0]["url"], "https://etl.example.com/runs/shop/20261127T033000000Z-5f3a91");
}

#[tokio::test]
async fn teams_gets_an_adaptive_card() {
    let wire = answering(vec![Reply::new(202)]);
    assert_eq!(sent(&place("teams", &wire, "").tell(&failure()).await), 1);
    let body = wire.asked().remove(0).json().unwrap();
    let card = &body["attachments"][0]["content"];
    assert_eq!((body["type"].as_str(), card["type"].as_str()), (Some("message"), Some("AdaptiveCard")));
    assert_eq!(card["body"][0]["inlines"][0]["text"], "shop failed");
    assert_eq!(card["body"][1]["inlines"][0]["type"], "TextRun", "markdown is not read in it");
    assert_eq!(card["actions"][0]["url"], "https://etl.example.com/runs/shop/20261127T033000000Z-5f3a91");
}

#[tokio::test]
async fn a_webhook_is_signed_as_standard_webhooks_has_it() {
    let wire = answering(vec![Reply::text(500, "")]);
    assert_eq!(sent(&place("webhook", &wire, "secret = { file = \"key\" }").tell(&failure()).await), 2);
    let (first, second) = (&wire.asked()[0], &wire.asked()[1]);
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"), "a repetition has the same name");
    let body = second.json().unwrap();
    assert_eq!((&body["version"], &body["kind"], &body["pipeline"]), (&json!(1), &json!("failure"), &json!("shop")));
    assert_eq!((&body["at"], &body["kept_back"], &body["what"]), (&json!("2026-11-27T03:30:00.000Z"), &json!(0), &json!("failed")));
    assert_eq!(body["why"][0], "stream `orders` failed");
    let headers: serde_json::Map<_, _> = ["webhook-id", "webhook-timestamp", "webhook-signature"]
        .map(|name| (name.to_owned(), json!(second.header(name).unwrap())))
        .into_iter()
        .collect();
    let given = json!({ "secret": KEY, "headers": headers, "body": String::from_utf8(second.body.clone()).unwrap() });
    let script = root().join("tests/suite/alerts/verify_webhook.py");
    let verified = run_python(&script, given.to_string().as_bytes()).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&verified).unwrap(), body);
    let forged = json!({ "secret": KEY, "headers": given["headers"], "body": "{}" });
    assert!(run_python(&script, forged.to_string().as_bytes()).is_err());
}

#[tokio::test]
async fn a_webhook_without_a_key_is_not_signed() {
    let wire = answering(Vec::new());
    assert_eq!(sent(&place("webhook", &wire, "").tell(&failure()).await), 1);
    let asked = wire.asked().remove(0);
    assert!(asked.header("webhook-id").is_some() && asked.header("webhook-signature").is_none());
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again() {
    let wire = answering(vec![Reply::text(503, "busy"), Reply::text(500, "oops")]);
    assert_eq!(sent(&place("slack", &wire, "").tell(&failure()).await), 3);
    assert_eq!(wire.asked().len(), 3);
}

#[tokio::test]
async fn retry_after_is_kept() {
    let wire = answering(vec![Reply::text(429, "slow down").header("retry-after", 1)]);
    assert_eq!(sent(&place("slack", &wire, "").tell(&failure()).await), 2);
    let asked = wire.asked();
    let waited = asked[1].at - asked[0].at;
    assert!(waited.as_millis() >= 1000, "{waited:?}");

    let wire = answering(vec![Reply::text(429, "slow down").header("retry-after", 3600)]);
    let (attempts, why) = failed(&place("slack", &wire, "").tell(&failure()).await);
    assert_eq!(attempts, 1);
    assert!(why.contains("429") && why.contains("it asks for 3600 s of patience, 2 s at most are had"), "{why}");
}

#[tokio::test]
async fn a_refusal_is_final_and_says_what_to_mend() {
    let wire = Wire::start(|_| Reply::text(404, "no_service"));
    let (attempts, why) = failed(&place("slack", &wire, "").tell(&failure()).await);
    assert_eq!((attempts, why.as_str()), (1, "it answered 404 Not Found: no_service; is its `url` still right?"));
    let wire = Wire::start(|_| Reply::redirect(302, "https://elsewhere.example/"));
    let (attempts, why) = failed(&place("webhook", &wire, "").tell(&failure()).await);
    assert_eq!(attempts, 1);
    assert!(why.contains("a redirect is not followed"), "{why}");
}

#[tokio::test]
async fn what_can_not_be_said_is_given_up_and_silences_nothing() {
    let wire = Wire::start(|_| Reply::text(500, "down"));
    let place = place("slack", &wire, "");
    let (attempts, why) = failed(&place.tell(&failure()).await);
    assert_eq!((attempts, why.as_str()), (4, "it answered 500 Internal Server Error: down"));
    assert_eq!(wire.asked().len(), 4);
    assert_eq!(failed(&place.tell(&later(Kind::Failure, 1)).await).0, 4, "the next news are tried again");
}

#[tokio::test]
async fn no_secret_is_in_what_went_wrong() {
    let echo = |asked: &Asked| Reply::text(400, &format!("{} {} {}", asked.path, asked.target, KEY));
    let wire = Wire::start(echo);
    let place = place("webhook", &wire, "secret = { file = \"key\" }");
    let (_, why) = failed(&place.tell(&failure()).await);
    assert!(!why.contains("s3cret-t0ken") && !why.contains("MfKQ9r8"), "{why}");
    drop(wire);
    let (_, why) = failed(&place.tell(&later(Kind::Failure, 1)).await);
    assert!(!why.contains("s3cret-t0ken") && why.to_lowercase().contains("connect"), "{why}");
    let memory = std::fs::read_to_string(place.path().join("store/alerts/shop.json")).unwrap();
    assert!(!memory.contains("s3cret"), "{memory}");
}

/// The subjects that came.
fn told(wire: &Wire) -> Vec<(String, u64)> {
    let read = |asked: &Asked| {
        let body = asked.json().unwrap();
        (body["kind"].as_str().unwrap().to_owned(), body["kept_back"].as_u64().unwrap())
    };
    wire.asked().iter().map(read).collect()
}

#[tokio::test]
async fn news_of_one_kind_come_once_an_hour_and_recovery_always() {
    let wire = answering(Vec::new());
    let place = place("webhook", &wire, "");
    let mut kept = 0;
    for (kind, minute) in [
        (Kind::Recovery, 0),
        (Kind::Failure, 1),
        (Kind::Failure, 2),
        (Kind::Hold, 3),
        (Kind::Failure, 60),
        (Kind::Failure, 61),
        (Kind::Recovery, 62),
        (Kind::Recovery, 63),
        (Kind::Failure, 64),
        (Kind::Recovery, 65),
    ] {
        // Each time another notifier, as each `tidegate run` has its own: the memory is beside the runs.
        let deliveries = notifier().tell(&place.loaded, &later(kind, minute)).await;
        kept += deliveries.iter().filter(|delivery| matches!(delivery.told, Told::KeptBack { .. })).count();
    }
    let wanted = [("failure", 0), ("hold", 0), ("failure", 2), ("recovery", 0), ("recovery", 0)];
    assert_eq!(told(&wire), wanted.map(|(kind, kept)| (kind.to_owned(), kept)));
    assert_eq!(kept, 3);
}

#[tokio::test]
async fn channels_get_the_news_that_they_want_and_one_that_is_down_stops_no_other() {
    let (good, bad) = (answering(Vec::new()), Wire::start(|_| Reply::text(500, "down")));
    let alerts = "[alerts.bad]\nkind = \"slack\"\nurl = { file = \"bad\" }\n[alerts.none]\nkind = \"slack\"\non = [\"sla\"]\nurl = { file = \"good\" }\n\
                  [alerts.good]\nkind = \"teams\"\non = [\"failure\"]\nevery = \"1m\"\nurl = { file = \"good\" }\n";
    let place = Place::new(alerts, &[("good", &good.url()), ("bad", &bad.url())]);
    let deliveries = place.tell(&failure()).await;
    let [Delivery { channel: first, told: Told::Failed { .. }, .. }, Delivery { channel: second, told: Told::Sent { .. }, .. }] =
        deliveries.as_slice()
    else {
        panic!("{deliveries:?}")
    };
    assert_eq!((first.as_str(), second.as_str()), ("bad", "good"));
    assert_eq!(good.asked().len(), 1);
    assert_eq!(place.tell(&later(Kind::Failure, 2)).await.len(), 2, "its minute is over");
    assert_eq!(good.asked().len(), 2);
}

#[tokio::test]
async fn two_that_fail_together_are_told_of_once() {
    let wire = answering(Vec::new());
    let place = place("webhook", &wire, "");
    let notifier = notifier();
    let (one, two) = (failure(), later(Kind::Failure, 0));
    let (a, b) = tokio::join!(notifier.tell(&place.loaded, &one), notifier.tell(&place.loaded, &two));
    let sent = a.iter().chain(&b).filter(|delivery| matches!(delivery.told, Told::Sent { .. })).count();
    assert_eq!((sent, wire.asked().len()), (1, 1));
}

#[test]
fn the_documented_placeholders_are_those_that_there_are() {
    let documented = std::fs::read_to_string(Path::new(&root()).join("docs/alerts.md")).unwrap();
    for (name, meaning) in tidegate::config::template::PLACEHOLDERS {
        assert!(documented.contains(&format!("| `{{{name}}}` | {meaning} |")), "docs/alerts.md does not say what {{{name}}} is");
    }
    for usual in [tidegate::notify::SUBJECT, tidegate::notify::TEXT] {
        assert!(documented.contains(&format!("```text\n{}\n```", usual.trim_end())), "docs/alerts.md has another usual text");
    }
}
