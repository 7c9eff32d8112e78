//! Somebody who presses "Run now" and waits for the end, as a browser would: with the cookie and the token of the page.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use reqwest::{Client, Response, header, redirect::Policy};
use serde::Deserialize;

/// How often the history is looked at. A run takes seconds.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The longest that a run may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Somebody with a button.
pub struct Operator {
    client: Client,
    base: String,
    cookie: String,
    csrf: String,
}

#[derive(Deserialize)]
struct Run {
    id: String,
    status: String,
    started_at: chrono::DateTime<chrono::Utc>,
    finished_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Operator {
    /// Opens the pipeline's page.
    pub async fn new(address: SocketAddr) -> Result<Self> {
        let client = Client::builder().redirect(Policy::none()).build()?;
        let base = format!("http://{address}");
        let answer = client.get(format!("{base}/pipelines/olist")).send().await?.error_for_status()?;
        let cookie = cookie(&answer).context("the page gives a cookie")?;
        let page = answer.text().await?;
        let csrf = page.split_once("name=\"csrf\" value=\"").or_else(|| page.split_once("name=\"csrf\" content=\""));
        let csrf = csrf.and_then(|(_, rest)| rest.split('"').next()).context("the page's forms carry a token")?.to_owned();
        Ok(Self { client, base, cookie, csrf })
    }

    /// The name of the newest run.
    pub async fn newest_run(&self) -> Result<String> {
        Ok(self.newest().await?.id)
    }

    /// Starts a run, waits for its end, and gives the seconds that it took.
    pub async fn run(&self) -> Result<f64> {
        let before = self.newest().await?.id;
        let form = format!("csrf={}", self.csrf.replace('+', "%2B").replace('=', "%3D"));
        let request = self.client.post(format!("{}/pipelines/olist/run", self.base)).header(header::COOKIE, &self.cookie);
        let request = request.header(header::ORIGIN, &self.base).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(form).send().await?;
        ensure!(answer.status().is_redirection(), "the button was refused with {}: {}", answer.status(), answer.text().await?);
        let waited = tokio::time::timeout(PATIENCE, self.end_of_another(&before));
        let run = waited.await.context("the run did not end")??;
        ensure!(run.status == "loaded", "the run {} ended as {}", run.id, run.status);
        let Some(end) = run.finished_at else { bail!("the run {} has no end", run.id) };
        Ok((end - run.started_at).as_seconds_f64())
    }

    async fn end_of_another(&self, before: &str) -> Result<Run> {
        loop {
            let run = self.newest().await?;
            if run.id != before && run.finished_at.is_some() {
                return Ok(run);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn newest(&self) -> Result<Run> {
        let url = format!("{}/api/v1/pipelines/olist/runs?limit=1", self.base);
        let text = self.client.get(url).header(header::COOKIE, &self.cookie).send().await?.error_for_status()?.text().await?;
        let runs: Vec<Run> = serde_json::from_str(&text).with_context(|| format!("read the history: {text}"))?;
        runs.into_iter().next().context("the pipeline has run once")
    }
}

/// The cookie that an answer sets, as it is sent back.
pub fn cookie(answer: &Response) -> Option<String> {
    let set = answer.headers().get(header::SET_COOKIE)?.to_str().ok()?;
    set.split(';').next().map(str::to_owned)
}
