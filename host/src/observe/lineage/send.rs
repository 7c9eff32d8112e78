//! Hands events to a server of OpenLineage or adds them to a file.

use std::{fs::OpenOptions, io::Write, time::Duration};

use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;
use url::Url;

use super::Frame;
use crate::{
    config::{
        Loaded, Secret,
        observe::{LineageSink, Parent},
    },
    egress::http::ordinary,
    error,
    flow::{Report, RunError},
    observe::ObserveError,
    state::RunId,
};

/// How often an event is sent at most, and the wait before the second try; it doubles from there.
const ATTEMPTS: u32 = 3;
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Where events go.
enum Sink {
    Http { client: Box<reqwest::Client>, url: Url, key: Option<HeaderValue> },
    File(std::path::PathBuf),
}

/// Tells a lineage server of runs. What goes wrong is a line in the log.
pub(in crate::observe) struct Lineage {
    sink: Sink,
    frame: Frame,
}

impl Lineage {
    pub fn new(sink: LineageSink, namespace: Option<String>, parent: Option<Parent>, patience: Duration) -> Result<Self, ObserveError> {
        let sink = match sink {
            LineageSink::File(path) => Sink::File(path),
            LineageSink::Http(url, key) => {
                let wrong = |why: String| ObserveError::Settings { key: "the URL of OpenLineage", why };
                let url = Url::parse(&url).map_err(|error| wrong(error.to_string()))?;
                let client = Box::new(ordinary(patience).map_err(|error| wrong(error::chain(&error)))?);
                Sink::Http { client, url, key: key.map(|key| bearer(&key)).transpose()? }
            }
        };
        Ok(Self { sink, frame: Frame { namespace, parent } })
    }

    pub async fn started(&self, loaded: &Loaded, run: &RunId, at: DateTime<Utc>) {
        self.send(&self.frame.started(loaded, run, at)).await;
    }

    pub async fn ended(&self, loaded: &Loaded, report: &Report, at: DateTime<Utc>) {
        self.send(&self.frame.ended(loaded, report, at).await).await;
    }

    pub async fn failed(&self, loaded: &Loaded, run: &RunId, error: &RunError, at: DateTime<Utc>) {
        self.send(&self.frame.failed(loaded, run, error, at)).await;
    }

    async fn send(&self, event: &Value) {
        let sent = match &self.sink {
            Sink::File(path) => append(path, event).map_err(|error| format!("write `{}`: {error}", path.display())),
            Sink::Http { client, url, key } => post(client, url, key.as_ref(), event).await,
        };
        if let Err(why) = sent {
            let kind = event["eventType"].as_str().unwrap_or_default();
            tracing::warn!("the lineage event {kind} could not be delivered: {why}");
        }
    }
}

fn bearer(key: &Secret) -> Result<HeaderValue, ObserveError> {
    let wrong = |_| ObserveError::Settings { key: "the key of OpenLineage", why: "a header can't carry it".to_owned() };
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(wrong)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn post(client: &reqwest::Client, url: &Url, key: Option<&HeaderValue>, event: &Value) -> Result<(), String> {
    let (body, mut wait, mut tries) = (event.to_string(), FIRST_WAIT, 0);
    loop {
        tries += 1;
        let mut request = client.post(url.clone()).header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, key.clone());
        }
        let (why, passing) = match request.body(body.clone()).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => (format!("it answered {}", answer.status()), answer.status().is_server_error()),
            Err(error) => (error::chain(&error.without_url()), true),
        };
        if !passing || tries == ATTEMPTS {
            return Err(format!("{} ({tries} tries): {why}", url.origin().ascii_serialization()));
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

/// One event is one write, so that processes that share a file do not mix their lines.
fn append(path: &std::path::Path, event: &Value) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{event}\n").as_bytes())
}
