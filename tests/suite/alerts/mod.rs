//! Alerts against a real mail server and real HTTP endpoints: what arrives, what is tried again, what is kept back, what is never shown.

mod mail;
mod posts;
mod runs;

use std::{path::Path, time::Duration};

use tidegate::{
    config::{self, Loaded},
    notify::{Delivery, Kind, News, Notifier, Patience, Told},
};

/// A pipeline that holds together and has these alerts, in a folder of its own.
struct Place {
    folder: tempfile::TempDir,
    loaded: Loaded,
}

impl Place {
    /// `files` are secrets: name and content.
    fn new(alerts: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let start = "version = 1\nname = \"shop\"\n[sources.files]\nplugin = \"source-files\"\n[streams.orders]\n";
        std::fs::write(folder.path().join("pipeline.toml"), format!("{start}{alerts}")).unwrap();
        let loaded = config::load(folder.path()).unwrap_or_else(|error| panic!("{error}"));
        Self { folder, loaded }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Tells these news and gives what became of it.
    async fn tell(&self, news: &News) -> Vec<Delivery> {
        notifier().tell(&self.loaded, news).await
    }
}

/// A notifier that does not wait long, and links to a dashboard.
fn notifier() -> Notifier {
    let patience =
        Patience { attempts: 4, first: Duration::from_millis(20), longest: Duration::from_secs(2), total: Duration::from_secs(5) };
    Notifier::patient("https://etl.example.com/".parse().ok(), patience)
}

fn failure() -> News {
    News {
        kind: Kind::Failure,
        pipeline: "shop".into(),
        run: Some("20261127T033000000Z-5f3a91".into()),
        at: "2026-11-27T03:30:00Z".parse().unwrap(),
        what: "failed".into(),
        why: vec!["stream `orders` failed".into(), "caused by: ação <!channel> [x](http://evil.example)".into()],
        link: None,
    }
}

/// The same some minutes later, of another kind perhaps.
fn later(kind: Kind, minutes: i64) -> News {
    let at = failure().at + chrono::TimeDelta::minutes(minutes);
    News { kind, at, run: Some(format!("20261127T03300{:04}Z-5f3a91", minutes % 10_000)), ..failure() }
}

/// The one delivery, which failed: how often it was tried and why.
fn failed(deliveries: &[Delivery]) -> (u32, String) {
    match deliveries {
        [Delivery { told: Told::Failed { attempts, why }, .. }] => (*attempts, why.clone()),
        other => panic!("{other:?}"),
    }
}

/// How often the one delivery was tried, which was sent.
fn sent(deliveries: &[Delivery]) -> u32 {
    match deliveries {
        [Delivery { told: Told::Sent { attempts }, .. }] => *attempts,
        other => panic!("{other:?}"),
    }
}
