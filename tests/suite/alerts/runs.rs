//! `tidegate run` tells people: a failure, a hold with its scores, recovery; and a channel that is down changes nothing.

use std::fs;

use serde_json::{Value, json};
use tidegate::state::{RunId, Stage, State};
use tidegate_tests::{
    folder,
    program::{Said, Workplace},
    root,
    wire::{Reply, Wire},
};

/// The scenario in which one order of three refers to nobody, with a channel.
struct Shop {
    workplace: Workplace,
    wire: Wire,
}

impl Shop {
    fn open(answer: fn() -> Reply, more: &str) -> Self {
        let wire = Wire::start(move |_| answer());
        let scenario = root().join("tests/scenarios/held_by_a_dangling_reference");
        let alert = format!("\n[alerts.ops]\nkind = \"webhook\"\nurl = {{ env = \"OPS_URL\" }}\n{more}\n");
        let pipeline = fs::read_to_string(scenario.join("pipeline.toml")).unwrap() + &alert;
        let mut workplace = Workplace::with_pipeline(&pipeline).unwrap();
        workplace.set("OPS_URL", &format!("{}/s3cret-t0ken-of-the-channel", wire.url()));
        workplace.set("TIDEGATE_PUBLIC_URL", "https://etl.example.com");
        folder::lay_over(&scenario.join("input"), &workplace.path().join("input")).unwrap();
        Self { workplace, wire }
    }

    fn run(&self) -> Said {
        self.workplace.tidegate(&["run", "--json"]).unwrap()
    }

    /// Makes all orders refer to somebody.
    fn mend(&self) {
        self.workplace.write("input/orders.csv", "id,customer\n1,a\n").unwrap();
        self.workplace.write("input/customers.csv", "id\na\n").unwrap();
    }

    /// What was told so far.
    fn told(&self) -> Vec<Value> {
        self.wire.asked().iter().map(|asked| asked.json().unwrap()).collect()
    }
}

#[test]
fn a_held_run_says_which_score_is_under_which_floor() {
    let shop = Shop::open(|| Reply::text(200, "ok"), "");
    let said = shop.run();
    assert_eq!(said.code, 3, "{}", said.stderr);
    let told = shop.told().remove(0);
    assert_eq!(
        (&told["kind"], &told["pipeline"], &told["subject"]),
        (&json!("hold"), &json!("held"), &json!("held is held by its gate, nothing was loaded"))
    );
    let why = told["why"].to_string();
    assert!(why.contains("orders: integrity is 66.67 %, 33.33 points under its floor of 100 %"), "{why}");
    assert!(why.contains("overall score") && why.contains("its floor is 80 %"), "{why}");
    let run = told["run"].as_str().unwrap();
    assert_eq!(told["link"], format!("https://etl.example.com/runs/held/{run}"));

    let id: RunId = run.parse().unwrap();
    let state = State::open(&shop.workplace.path().join("store/state.sqlite")).unwrap();
    let stages = state.stages(&id).unwrap();
    let notify = stages.iter().find(|stage| stage.stage == Stage::Notify).unwrap();
    assert!(notify.finished_at.is_some() && notify.rows == 1);
    assert!(state.logs(&id).unwrap().iter().any(|line| line.message == "alert `ops` was told of the hold"));
}

#[test]
fn a_failure_is_told_once_and_so_is_recovery() {
    let shop = Shop::open(|| Reply::text(200, "ok"), "");
    shop.mend();
    assert_eq!(shop.run().code, 0);
    assert_eq!(shop.told(), Vec::<Value>::new(), "a good run is no news");
    fs::rename(shop.workplace.path().join("input"), shop.workplace.path().join("away")).unwrap();
    assert_eq!(shop.run().code, 4);
    assert_eq!(shop.run().code, 4);
    fs::rename(shop.workplace.path().join("away"), shop.workplace.path().join("input")).unwrap();
    assert_eq!(shop.run().code, 0);
    assert_eq!(shop.run().code, 0);
    let told = shop.told();
    let kinds: Vec<_> = told.iter().map(|told| told["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["failure", "recovery"], "the second failure was kept back");
    let why: Vec<_> = told[0]["why"].as_array().unwrap().iter().map(|why| why.as_str().unwrap()).collect();
    assert!(why[0].contains("that source `files` is granted as `data`"), "{why:?}");
    assert!(why.iter().any(|why| why.starts_with("caused by: ")) && why.iter().any(|why| why.starts_with("hint: ")), "{why:?}");
    assert!(told[1]["why"][0].as_str().unwrap().contains("2 rows accepted, 0 quarantined"), "{}", told[1]);
}

#[test]
fn a_channel_that_is_down_changes_nothing_but_the_log() {
    let shop = Shop::open(|| Reply::text(403, "s3cret-t0ken-of-the-channel"), "");
    let said = shop.run();
    assert_eq!(said.code, 3, "{}", said.stderr);
    assert!(said.stderr.contains("alert `ops` could not be told of the hold (1 tries): it answered 403 Forbidden"), "{}", said.stderr);
    assert!(!said.stderr.contains("s3cret"), "{}", said.stderr);
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(report["outcome"], "held");
    let id: RunId = report["run"].as_str().unwrap().parse().unwrap();
    let state = State::open(&shop.workplace.path().join("store/state.sqlite")).unwrap();
    let logs = state.logs(&id).unwrap();
    assert!(logs.iter().any(|line| line.message.contains("could not be told") && !line.message.contains("s3cret")), "{logs:?}");
}

#[test]
fn a_channel_has_its_own_words() {
    let shop = Shop::open(|| Reply::text(200, "ok"), "subject = \"[{kind}] {pipeline}\"\ntext = \"{why}\\n{kept_back}\"");
    assert_eq!(shop.run().code, 3);
    let told = shop.told().remove(0);
    assert_eq!(told["subject"], "[hold] held");
    assert!(told["text"].as_str().unwrap().starts_with("orders: integrity is"), "{}", told["text"]);
}

#[test]
fn channels_can_be_tried() {
    let shop = Shop::open(|| Reply::text(200, "ok"), "");
    let said = shop.workplace.tidegate(&["alerts"]).unwrap();
    assert_eq!((said.code, said.stdout.trim()), (0, "ops  sent"), "{}", said.stderr);
    let told = shop.told().remove(0);
    assert_eq!(
        (&told["what"], &told["run"], &told["link"]),
        (&json!("sends a test"), &Value::Null, &json!("https://etl.example.com/pipelines/held"))
    );
    assert!(!shop.workplace.path().join("store/alerts").exists(), "a test is no news");
    let said = shop.workplace.tidegate(&["alerts", "--channel", "op"]).unwrap();
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("no channel `op`") && said.stderr.contains("did you mean `ops`?"), "{}", said.stderr);

    let shop = Shop::open(|| Reply::text(404, "no_service"), "");
    let said = shop.workplace.tidegate(&["alerts"]).unwrap();
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("ops  failed: it answered 404 Not Found: no_service; is its `url` still right?"), "{}", said.stdout);
}
