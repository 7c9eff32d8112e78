//! What the archive is told of a request: its answer, answers that were of no use, and, where it got none that was, why.
//!
//! What always holds here: what is told has no secret in it. Of requests without an answer no more are told of than a run may send: a plugin that
//! asks without end fills no disk. What is not granted is counted, not told.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bytes::Bytes;
use chrono::Utc;

use super::{
    Http, HttpError,
    answer::Answer,
    attempt::Came,
    body::Arrived,
    health::Counters,
    request::{Asked, hex},
};
use crate::egress::archive::{Attempt, Exchange, Unanswered};

impl Http {
    /// Stores an answer that is whole.
    pub(super) async fn keep(
        &self,
        asked: &Asked,
        came: Came,
        arrived: Arrived,
        attempts: Vec<Attempt>,
    ) -> Result<(Arc<Answer>, Option<Bytes>), HttpError> {
        let Came { status, headers, store, .. } = came;
        Counters::add(&self.counters.bytes, arrived.bytes);
        let exchange = Exchange { status: Some(status), response_headers: headers.clone(), ..self.told_of(asked, attempts) };
        let (page, stored) = self.storage.keep(store, exchange).await?;
        let answer = Answer { status, headers, page, url: asked.shown.clone(), stored };
        Ok((Arc::new(answer), arrived.memory.map(Bytes::from)))
    }

    /// Archives an answer that is of no use, as far as it came.
    pub(super) async fn keep_refused(&self, asked: &Asked, came: Came, attempts: &[Attempt], reason: &str) -> Result<(), HttpError> {
        let Came { status, headers, store, is_cut } = came;
        if self.storage.archive().is_none() {
            return Ok(());
        }
        let refused = Some(if is_cut { format!("{reason}; the page is the beginning of what it sent") } else { reason.to_owned() });
        let exchange = Exchange { status: Some(status), response_headers: headers, refused, ..self.told_of(asked, attempts.to_vec()) };
        self.storage.keep(store, exchange).await.map(drop)
    }

    /// Tells that a request got nothing a plugin could use. The error, once more.
    pub(super) fn unanswered(&self, asked: &Asked, attempts: Vec<Attempt>, error: HttpError) -> HttpError {
        let is_told = self.counters.unanswered.fetch_add(1, Relaxed) < u64::from(self.patience.max_requests);
        if let Some(archive) = self.storage.archive().filter(|_| is_told) {
            let refused = Some(self.redacted(&crate::error::chain(&error)));
            let exchange = Box::new(Exchange { refused, ..self.told_of(asked, attempts) });
            let told = archive.unanswered(Unanswered { trouble: error.trouble(), exchange });
            // What the plugin is told is worth more than that the disk is full.
            told.unwrap_or_else(|full| self.tell(|| crate::error::chain(&full)));
        }
        error
    }

    /// A request that was sent, without secrets; what came of it is not in it yet.
    fn told_of(&self, asked: &Asked, attempts: Vec<Attempt>) -> Exchange {
        let redactor = self.hidden.redactor();
        let clean = |text: &str| redactor.text(text).into_owned();
        Exchange {
            stream: asked.stream.clone(),
            slice: asked.slice.clone(),
            fingerprint: hex(&asked.fingerprint),
            method: asked.method.name().to_ascii_uppercase(),
            url: clean(asked.target.url().as_str()),
            headers: asked
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), clean(&String::from_utf8_lossy(value.as_bytes()))))
                .collect(),
            body: asked.body.as_ref().map(|body| clean(&String::from_utf8_lossy(body))),
            credential: asked.credential.clone(),
            status: None,
            response_headers: Vec::new(),
            attempts,
            received_at: Utc::now(),
            refused: None,
        }
    }
}
