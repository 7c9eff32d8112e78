//! The host side of the import `http`: a plugin says what it wants, everything else is decided and done here.
//!
//! What always holds here:
//! - A request goes only where a grant of its source lets it, and so does every redirect ([`grant`], `redirect`).
//! - The address that is dialled is the one that was checked ([`address`]); a metadata address never is.
//! - A secret is added behind the sandbox and taken out of all that comes back ([`redact`]): bodies before they are archived, headers,
//!   texts of errors.
//! - A plugin gets an answer only when it is whole and stored ([`body`]): what broke off is asked for again.
//! - Every answer that came is archived, as far as it came, and every request that got none is told of ([`record`]).
//! - A request that reads is asked once in a run, whoever asks; `cache-control: no-cache` asks again. Of an answer that is archived its
//!   request's sum and its page are remembered, about 150 bytes; the archive has the rest.
//! - Only what reads, or says that it may be repeated, is repeated ([`patience`]).

pub mod address;
pub mod grant;
pub mod redact;

mod answer;
mod attempt;
mod body;
mod breaker;
mod client;
mod credential;
mod error;
mod health;
mod oauth;
mod patience;
mod rate;
mod record;
mod redirect;
mod request;
mod storage;
mod target;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use chrono::Utc;
use reqwest::Client;
use tokio::{sync::OnceCell, time::Instant};

use address::Names;
use answer::{Answer, Kept};
use attempt::{Failed, Got, Passing, Spoilt};
use breaker::Breaker;
use client::Clients;
use credential::Hidden;
use grant::Grants;
use health::Counters;
use patience::FullJitter;
use rate::Rate;
use request::{Asked, Fingerprint, hex};
use storage::Storage;

pub use answer::Response;
pub use breaker::Circuit;
pub use client::ordinary;
pub use credential::{CredentialError, Credentials, Reason};
pub use error::{HttpError, Trouble};
pub use health::Health;
pub use patience::Waiting;
pub use request::Request;

use super::archive::{Archive, Attempt, Page};
pub use crate::config::HttpMethod as Method;
use crate::config::Patience;

/// A person who watches wonders about a longer wait.
const WORTH_TELLING: Duration = Duration::from_secs(10);

/// What a run got for a request.
pub enum Outcome {
    /// An answer.
    Page(Box<Page>),
    /// None: what its plugin was told, and what kind of trouble it was.
    Trouble(String, Trouble),
}

/// Answers that were recorded: with them, nothing is sent.
pub trait Recorded: Send + Sync {
    /// What came of the request with this fingerprint; `occurrence` counts how often it was sent before. `asked` is what a person calls it.
    fn outcome(&self, asked: &str, fingerprint: &str, occurrence: u32) -> Option<Outcome>;

    /// A page that was an answer before.
    fn page(&self, number: u32) -> Option<Page>;

    /// The body of an answer.
    fn open(&self, page: &Page) -> io::Result<Box<dyn io::Read + Send>>;
}

/// On which terms a source may send requests.
#[derive(Default)]
pub struct Terms {
    /// What it is granted.
    pub grants: Grants,
    /// Its secrets.
    pub credentials: Credentials,
    /// How patient it is.
    pub patience: Patience,
    /// Where answers go; none where nothing is to be kept.
    pub archive: Option<Arc<Archive>>,
    /// Where answers come from, where that is not the network.
    pub recorded: Option<Arc<dyn Recorded>>,
    /// Who is told when the circuit opens and closes.
    pub news: Option<News>,
}

/// Takes a sentence about a source's requests that a person may want to see while the run goes on.
pub type News = Arc<dyn Fn(String) + Send + Sync>;

/// An answer that is on its way.
type Slot = Arc<OnceCell<Kept>>;

/// What is known about a request of this run. What is kept of an answer lies in the map itself: small blocks that outlive a page, one for each,
/// would cut up the heap that pages come and go in.
enum Known {
    Asked(Slot),
    Answered(Kept),
}

/// The requests of one source, over all its slices.
pub struct Http {
    grants: Grants,
    credentials: Credentials,
    hidden: Hidden,
    patience: Patience,
    clients: Option<Clients>,
    rate: Rate,
    breaker: Breaker,
    counters: Counters,
    storage: Storage,
    recorded: Option<Arc<dyn Recorded>>,
    news: Option<News>,
    answers: Mutex<HashMap<Fingerprint, Known>>,
    occurrences: Mutex<HashMap<Fingerprint, u32>>,
}

impl Http {
    /// Makes the clients of a source. Nothing is sent.
    pub fn new(terms: Terms) -> Result<Self, reqwest::Error> {
        Self::with_names(terms, &Names::System)
    }

    /// The requests of a source that is granted none.
    pub fn none() -> Self {
        Self::on(Terms::default(), None)
    }

    fn with_names(terms: Terms, names: &Names) -> Result<Self, reqwest::Error> {
        let sends = !terms.grants.is_empty() && terms.recorded.is_none();
        let clients = if sends { Some(Clients::new(&terms.patience, names)?) } else { None };
        Ok(Self::on(terms, clients))
    }

    fn on(terms: Terms, clients: Option<Clients>) -> Self {
        let Terms { grants, credentials, patience, archive, recorded, news } = terms;
        Self {
            clients,
            hidden: Hidden::new(&credentials),
            rate: Rate::new(patience.requests_per_minute, Duration::from_secs(patience.longest_wait_seconds.into())),
            breaker: Breaker::new(patience.breaker_failures, Duration::from_secs(patience.breaker_seconds.into())),
            counters: Counters::default(),
            storage: Storage::new(archive),
            answers: Mutex::default(),
            occurrences: Mutex::default(),
            grants,
            credentials,
            patience,
            recorded,
            news,
        }
    }

    /// Sends a request, or finds its answer among those of this run.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let sent = self.find(request).await;
        if sent.as_ref().is_err_and(HttpError::is_refusal) {
            Counters::add(&self.counters.refused, 1);
        }
        sent
    }

    /// A text without the secrets of this source.
    pub fn redacted(&self, text: &str) -> String {
        self.hidden.redactor().text(text).into_owned()
    }

    /// How its requests went so far.
    pub fn health(&self) -> Health {
        self.counters.health(self.breaker.state())
    }

    /// Patience for one call into a plugin; none where the source sends no requests, since then nothing gets better by waiting.
    pub fn waiting(self: &Arc<Self>) -> Option<Waiting> {
        (!self.grants.is_empty()).then(|| Waiting::new(self.clone()))
    }

    async fn find(&self, request: Request) -> Result<Response, HttpError> {
        let asked = request.check(&self.credentials, &self.hidden.redactor())?;
        self.grants.admit(asked.method, &asked.target, asked.credential.as_deref())?;
        if asked.fresh || !asked.repeatable {
            let (answer, memory) = self.fetch(&asked).await?;
            if asked.repeatable {
                // Whoever asks the same later gets the newest answer: the one before was no good, or is old.
                lock(&self.answers).insert(asked.fingerprint, Known::Answered(Kept::of(&answer)));
            }
            return Ok(Response::new(answer, memory));
        }
        let slot = match lock(&self.answers).entry(asked.fingerprint).or_insert_with(|| Known::Asked(Slot::default())) {
            Known::Asked(slot) => slot.clone(),
            Known::Answered(kept) => Slot::new(OnceCell::new_with(Some(kept.clone()))),
        };
        let mut fetched = None;
        let kept = slot.get_or_try_init(async || {
            let (answer, memory) = self.fetch(&asked).await?;
            let kept = Kept::of(&answer);
            fetched = Some((answer, memory));
            Ok::<_, HttpError>(kept)
        });
        let kept = kept.await?;
        let (answer, memory) = match fetched {
            Some(fetched) => {
                self.remember(&asked.fingerprint, &slot, kept);
                fetched
            }
            None => {
                Counters::add(&self.counters.repeated_asks, 1);
                (kept.answer(&asked.shown)?, None)
            }
        };
        Ok(Response::new(answer, memory))
    }

    /// Keeps what is known of an answer, unless a fresh one came in the meantime.
    fn remember(&self, fingerprint: &Fingerprint, slot: &Slot, kept: &Kept) {
        if let Some(known) = lock(&self.answers).get_mut(fingerprint)
            && matches!(known, Known::Asked(there) if Arc::ptr_eq(there, slot))
        {
            *known = Known::Answered(kept.clone());
        }
    }

    /// Gets an answer from the recording or from the network.
    async fn fetch(&self, asked: &Asked) -> Result<(Arc<Answer>, Option<Bytes>), HttpError> {
        let Some(recording) = &self.recorded else { return self.ask(asked).await };
        let occurrence = {
            let mut seen = lock(&self.occurrences);
            let seen = seen.entry(asked.fingerprint).or_default();
            *seen += 1;
            *seen - 1
        };
        let outcome = recording.outcome(&format!("{} {}", asked.method.name(), asked.shown), &hex(&asked.fingerprint), occurrence);
        let answer = match outcome {
            Some(Outcome::Trouble(text, trouble)) => return Err(HttpError::Recorded { text, trouble }),
            Some(Outcome::Page(page)) => Answer::recorded(recording.clone(), *page),
            None => None,
        };
        let missing = || HttpError::NotRecorded { method: asked.method.name(), url: asked.shown.clone() };
        Counters::add(&self.counters.repeated_asks, 1);
        Ok((Arc::new(answer.ok_or_else(missing)?), None))
    }

    /// Sends a request as often as it takes and may.
    async fn ask(&self, asked: &Asked) -> Result<(Arc<Answer>, Option<Bytes>), HttpError> {
        if let Err(wait) = self.breaker.permit() {
            let open = HttpError::Open { url: asked.shown.clone(), failures: self.patience.breaker_failures, wait };
            return Err(self.unanswered(asked, Vec::new(), open));
        }
        let mut backoff = FullJitter::new();
        let mut attempts: Vec<Attempt> = Vec::new();
        let mut waited = Duration::ZERO;
        loop {
            let (at, began) = (Utc::now(), Instant::now());
            let mut passed = Vec::new();
            let result = self.attempt(asked, &mut passed).await;
            let (millis, waited_millis) = (millis(began.elapsed()), millis(waited));
            let attempt = Attempt { at, millis, waited_millis, status: None, error: None, page: None, passed };
            let Spoilt { why, came } = match result {
                Ok(Got { came, arrived }) => {
                    self.answered();
                    attempts.push(Attempt { status: Some(came.status), ..attempt });
                    return self.keep(asked, came, arrived, attempts).await;
                }
                Err(spoilt) => spoilt,
            };
            let (status, reason) = self.told(&why);
            let (status, page) = (came.as_ref().map_or(status, |came| Some(came.status)), came.as_ref().map(|came| came.store.page()));
            attempts.push(Attempt { status, error: Some(reason.clone()), page, ..attempt });
            if let Some(came) = came {
                self.keep_refused(asked, came, &attempts, &reason).await?;
            }
            let passing = match why {
                Failed::Final(error) => {
                    if error.is_answer() {
                        self.answered();
                    }
                    return Err(self.unanswered(asked, attempts, error));
                }
                Failed::Transient(passing) => passing,
            };
            self.judge(&passing, &reason);
            let tried = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
            let Some(wait) = self.wait_before(&passing, asked, tried, &mut backoff) else {
                return Err(self.unanswered(asked, attempts, given_up(asked, passing, reason, tried)));
            };
            self.wait(wait).await;
            waited = wait;
            // Another slice may have found out in the meantime that the source is still away.
            while let Err(open) = self.breaker.permit() {
                self.wait(open).await;
                waited += open;
            }
        }
    }

    /// Status and reason of a failure, without secrets.
    fn told(&self, why: &Failed) -> (Option<u16>, String) {
        match why {
            Failed::Final(error) => (None, self.redacted(&crate::error::chain(error))),
            Failed::Transient(passing) => (passing.status, self.redacted(&passing.reason)),
        }
    }

    /// Takes note of a failure that may pass.
    fn judge(&self, passing: &Passing, reason: &str) {
        self.counters.failed(reason);
        if !passing.is_throttled() {
            let (_, opened) = self.breaker.state();
            self.breaker.failure();
            if self.breaker.state().1 > opened {
                self.tell(|| format!("the circuit is open for {} s: {reason}", self.patience.breaker_seconds));
            }
            return;
        }
        // Who asks for patience is there.
        self.answered();
        Counters::add(&self.counters.throttled, 1);
        if let Some(wait) = passing.wait.filter(|wait| *wait <= self.longest_wait()) {
            self.rate.hold(wait);
        }
    }

    async fn wait(&self, wait: Duration) {
        self.counters.waits(wait);
        if wait >= WORTH_TELLING {
            self.tell(|| format!("waits {:.0} s before it asks again", wait.as_secs_f64()));
        }
        tokio::time::sleep(wait).await;
    }

    /// Takes note that the source is there.
    fn answered(&self) {
        let (before, _) = self.breaker.state();
        self.breaker.success();
        if before == Circuit::HalfOpen {
            self.tell(|| "the circuit is closed: it answers again".to_owned());
        }
    }

    fn tell(&self, sentence: impl FnOnce() -> String) {
        if let Some(news) = &self.news {
            news(sentence());
        }
    }

    /// How long to wait before the next attempt; none where there is to be none.
    fn wait_before(&self, passing: &Passing, asked: &Asked, tried: u32, backoff: &mut FullJitter) -> Option<Duration> {
        let wait = backoff.next()?.max(passing.wait.unwrap_or_default()).max(self.breaker.open_for());
        (asked.repeatable && tried < self.patience.attempts && wait <= self.longest_wait()).then_some(wait)
    }

    fn client(&self, private: bool) -> Result<&Client, HttpError> {
        let none = || HttpError::Request { url: String::new(), reason: "has no client: nothing is granted" };
        self.clients.as_ref().map(|clients| clients.of(private)).ok_or_else(none)
    }

    /// Counts a request that is about to be sent.
    fn count(&self) -> Result<(), HttpError> {
        let limit = self.patience.max_requests;
        let sent = self.counters.requests.fetch_add(1, Relaxed);
        if sent < u64::from(limit) {
            return Ok(());
        }
        self.counters.requests.fetch_sub(1, Relaxed);
        Err(HttpError::Requests { limit })
    }

    fn longest_wait(&self) -> Duration {
        Duration::from_secs(self.patience.longest_wait_seconds.into())
    }
}

/// The error of a request that is not tried again.
fn given_up(asked: &Asked, passing: Passing, reason: String, attempts: u32) -> HttpError {
    let url = asked.shown.clone();
    if passing.is_throttled() {
        HttpError::RateLimited { url, wait: passing.wait }
    } else {
        HttpError::Unavailable { url, reason, attempts }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
