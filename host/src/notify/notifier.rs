//! Tells channels: who wants these news, who was told not long ago, and again where a channel could not take it.

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use futures::future::join_all;
use url::Url;

use super::{
    Delivery, Kind, News, Told,
    channel::{Channel, Refusal},
    memory::{Last, Memory, Ruling},
    message::Message,
};
use crate::{
    config::{Alert, Loaded},
    egress::http::ordinary,
};

/// How patient a notifier is with a channel. A run waits for its messages, so it is less so than with a source.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How often a message is tried.
    pub attempts: u32,
    /// The wait before the second try; it doubles from there.
    pub first: Duration,
    /// The longest wait, also where a server asks for more: then it is given up.
    pub longest: Duration,
    /// Time for one try.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self { attempts: 4, first: second, longest: 30 * second, total: 15 * second }
    }
}

/// Tells people.
pub struct Notifier {
    /// The client, or why there is none.
    client: Result<reqwest::Client, String>,
    dashboard: Option<Url>,
    host: String,
    patience: Patience,
    /// One process reads and writes the memories of its pipelines one after another.
    memories: Mutex<()>,
    /// Tells this notifier from those of other processes, also of one with the same number on another day.
    me: u64,
}

/// A channel that is to be told.
struct Turn<'a> {
    channel: &'a str,
    alert: &'a Alert,
    kept_back: u64,
    before: Option<Last>,
}

impl Notifier {
    /// A notifier that links to the dashboard at this URL, where there is one.
    pub fn new(dashboard: Option<Url>) -> Self {
        Self::patient(dashboard, Patience::default())
    }

    /// The same with another patience.
    pub fn patient(dashboard: Option<Url>, patience: Patience) -> Self {
        let client = ordinary(patience.total).map_err(|error| crate::error::chain(&error));
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
        Self { client, dashboard, host, patience, memories: Mutex::new(()), me: RandomState::new().build_hasher().finish() }
    }

    /// Tells the pipeline's channels that want these news, all at once, and says of each what became of it. Recovery may be told after
    /// every run that ended well: where there was no trouble before, it is no news, and nobody is told.
    pub async fn tell(&self, loaded: &Loaded, news: &News) -> Vec<Delivery> {
        let alerts = &loaded.pipeline.alerts;
        if alerts.is_empty() {
            return Vec::new();
        }
        let memory = loaded.storage().alerts().join(format!("{}.json", loaded.pipeline.name));
        let link = || News::page(self.dashboard.as_ref()?, &news.pipeline, news.run.as_deref());
        let news = News { link: news.link.clone().or_else(link), ..news.clone() };
        let (turns, mut deliveries) = self.rule(loaded, &news, &memory);
        let told = join_all(turns.iter().map(|turn| self.take_turn(turn, &loaded.root, &news))).await;
        self.settle(turns.iter().zip(&told), &news, &memory);
        deliveries.extend(told);
        deliveries.sort_by_key(|delivery| alerts.get_index_of(&delivery.channel));
        deliveries
    }

    /// Sends a test message to all the pipeline's channels. What was told before and is told later has nothing to do with it.
    pub async fn test(&self, loaded: &Loaded, at: DateTime<Utc>) -> Vec<Delivery> {
        let pipeline = loaded.pipeline.name.clone();
        let link = self.dashboard.as_ref().and_then(|dashboard| News::page(dashboard, &pipeline, None));
        let why = vec!["this message shows that the channel can be reached".to_owned()];
        let news = News { kind: Kind::Recovery, pipeline, run: None, at, what: "sends a test".to_owned(), why, link };
        let alerts = loaded.pipeline.alerts.iter();
        let turns: Vec<_> = alerts.map(|(channel, alert)| Turn { channel, alert, kept_back: 0, before: None }).collect();
        join_all(turns.iter().map(|turn| self.take_turn(turn, &loaded.root, &news))).await
    }

    /// Who is told, and who is not because of what came before. They are remembered as being told at once, so that two that happen together
    /// tell once.
    fn rule<'a>(&self, loaded: &'a Loaded, news: &News, path: &Path) -> (Vec<Turn<'a>>, Vec<Delivery>) {
        let _alone = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut turns, mut kept) = (Vec::new(), Vec::new());
        let mut memory = Memory::read(path);
        let wanting = |kind: Kind| loaded.pipeline.alerts.iter().filter(move |(_, alert)| alert.on.contains(&kind));
        if news.kind != Kind::Recovery {
            memory.trouble(wanting(Kind::Recovery).map(|(channel, _)| channel));
        }
        for (channel, alert) in wanting(news.kind) {
            match memory.rule(channel, news.kind, alert.every, news.at, self.me) {
                Some(Ruling::Tell { kept_back, before }) => turns.push(Turn { channel, alert, kept_back, before }),
                Some(Ruling::Keep { until }) => {
                    kept.push(Delivery { channel: channel.clone(), kind: news.kind, told: Told::KeptBack { until } });
                }
                None => {}
            }
        }
        remember(&memory, path);
        (turns, kept)
    }

    /// Remembers what was said; what could not be said was not said.
    fn settle<'a>(&self, turns: impl Iterator<Item = (&'a Turn<'a>, &'a Delivery)>, news: &News, path: &Path) {
        let mut turns = turns.peekable();
        if turns.peek().is_none() {
            return;
        }
        let _alone = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = Memory::read(path);
        for (turn, delivery) in turns {
            match delivery.is_failed() {
                true => memory.not_told(turn.channel, news.kind, turn.before),
                false => memory.settled(turn.channel, news.kind),
            }
        }
        remember(&memory, path);
    }

    async fn take_turn(&self, turn: &Turn<'_>, root: &Path, news: &News) -> Delivery {
        let message = Message::new(turn.channel, turn.alert, news, turn.kept_back, &self.host);
        let told = match Channel::open(turn.alert, root, &self.client) {
            Ok(channel) => self.deliver(&channel, &message).await,
            Err(Refusal::Never { why } | Refusal::Later { why, .. }) => Told::Failed { attempts: 0, why },
        };
        Delivery { channel: turn.channel.to_owned(), kind: news.kind, told }
    }

    /// Tries until the channel has the message, says that it never will, or was tried often enough.
    async fn deliver(&self, channel: &Channel, message: &Message<'_>) -> Told {
        let Patience { attempts, first, longest, .. } = self.patience;
        let mut backoff = ExponentialBuilder::new()
            .with_min_delay(first)
            .with_max_delay(longest)
            .with_max_times(usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX))
            .with_jitter()
            .build();
        let mut tries = 0;
        loop {
            tries += 1;
            let (why, asked) = match channel.send(message).await {
                Ok(()) => return Told::Sent { attempts: tries },
                Err(Refusal::Never { why }) => return Told::Failed { attempts: tries, why },
                Err(Refusal::Later { why, wait }) => (why, wait.unwrap_or_default()),
            };
            match backoff.next() {
                Some(_) if asked > longest => {
                    let why = format!("{why}; it asks for {} s of patience, {} s at most are had", asked.as_secs(), longest.as_secs());
                    return Told::Failed { attempts: tries, why };
                }
                Some(wait) => tokio::time::sleep(wait.max(asked)).await,
                None => return Told::Failed { attempts: tries, why },
            }
        }
    }
}

/// A memory that can't be kept costs a message too many, not the message.
fn remember(memory: &Memory, path: &Path) {
    if let Err(error) = memory.write(path) {
        tracing::warn!("{}", crate::error::chain(&error));
    }
}
