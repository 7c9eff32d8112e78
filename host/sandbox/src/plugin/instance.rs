//! One instance of a component: a store, a deadline per call, and the mapping of every way to fail.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use wasmtime::Store;

use super::{
    FailureKind, KeyDesk, LogSink, PluginError, Runtime,
    bindings::types,
    guest::{Guest, clean_text},
    loaded::Pre,
};
use crate::{
    config::Limits,
    egress::{
        granted::Granted,
        http::{Trouble, Waiting},
    },
};

/// What an instance may use and touch.
#[derive(Clone)]
pub struct Access {
    /// Its limits.
    pub limits: Limits,
    /// Where its messages go.
    pub log: LogSink,
    /// What it may touch; sources only.
    pub granted: Option<Granted>,
    /// Where its sets of keys are.
    pub keys: KeyDesk,
}

/// Where the time of an instance went.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Inside the guest, the copies across the boundary included.
    pub guest: Duration,
    /// Encoding and validating Arrow IPC on the host's side.
    pub ipc: Duration,
}

/// Room for lists of rejections, unread records and measures beside a call's batch.
const LIFTED_BESIDE_OUTPUT: usize = 16 << 20;

/// A store with the name of what runs in it.
pub(super) struct Instance {
    pub store: Store<Guest>,
    pub plugin: String,
    pub timings: Timings,
}

/// Patience with a plugin that says that it has to wait for somebody. A call that failed so has changed nothing and is made again.
pub(super) struct Patience(Option<Waiting>);

impl Patience {
    /// Waits before the call is made again; gives the error back where that would not help, or was done often enough.
    pub async fn wait(&mut self, error: PluginError) -> Result<(), PluginError> {
        let trouble = match &error {
            PluginError::Failure { kind: FailureKind::RateLimited(wait), .. } => Trouble::RateLimited(*wait),
            PluginError::Failure { kind: FailureKind::Unavailable, .. } => Trouble::Unavailable,
            _ => return Err(error),
        };
        let Some(waiting) = &mut self.0 else { return Err(error) };
        if waiting.wait(trouble).await { Ok(()) } else { Err(error) }
    }
}

/// What a call into a guest gives: an outer error where the guest was stopped, an inner one where it reported a failure.
pub(super) type Returned<T> = wasmtime::Result<Result<T, types::Failure>>;

/// A call that moves a batch or a state.
///
/// # Why
/// It is boxed here so that all of it, wasmtime's copies into and out of the guest's memory among it, is compiled with this crate. The body of
/// an `async fn` is compiled with the crate that polls it; with the host's own `opt-level` each byte is copied by itself.
pub type Called<'a, T> = BoxFuture<'a, Result<T, PluginError>>;

impl Instance {
    pub fn new(runtime: &Runtime, plugin: &str, stream: &str, access: &Access) -> Self {
        let guest = Guest::new(plugin.to_owned(), stream.to_owned(), access);
        let mut store = Store::new(runtime.engine(), guest);
        store.limiter(|guest| guest);
        // What wasmtime may allocate to lift the values of one call: the output's bytes, and the small things beside them.
        store.set_hostcall_fuel(store.data().output_cap() + LIFTED_BESIDE_OUTPUT);
        store.epoch_deadline_callback(|mut context| context.data_mut().epoch());
        Self { store, plugin: plugin.to_owned(), timings: Timings::default() }
    }

    /// Patience for one call.
    pub fn patience(&self) -> Patience {
        Patience(self.store.data().granted.as_ref().and_then(|granted| granted.http.waiting()))
    }

    /// Gives the guest its time for the next call.
    pub fn arm(&mut self) -> Instant {
        let now = Instant::now();
        let limit = self.store.data().call_limit();
        self.store.data_mut().deadline = now + limit;
        self.store.set_epoch_deadline(1);
        now
    }

    /// Makes one error of all the ways in which a call can fail.
    pub fn settle<T>(&mut self, started: Instant, doing: &str, result: Returned<T>) -> Result<T, PluginError> {
        match self.settle_plain(started, doing, result)? {
            Ok(value) => Ok(value),
            Err(failure) => Err(self.failure(doing, failure)),
        }
    }

    /// The same for a function that reports no failures of its own.
    pub fn settle_plain<T>(&mut self, started: Instant, doing: &str, result: wasmtime::Result<T>) -> Result<T, PluginError> {
        // What the host did for the guest meanwhile is not the guest's time.
        let waited = std::mem::take(&mut self.store.data_mut().waited);
        self.timings.guest += started.elapsed().saturating_sub(waited);
        result.map_err(|trap| {
            let (plugin, doing) = (self.plugin.clone(), doing.to_owned());
            match self.store.data_mut().stop.take() {
                Some(stop) => PluginError::Stopped { plugin, doing, stop },
                None => PluginError::Trap { plugin, doing, reason: first_line(&trap) },
            }
        })
    }

    fn failure(&self, doing: &str, failure: types::Failure) -> PluginError {
        let kind = match failure.kind {
            types::FailureKind::Config => FailureKind::Config,
            types::FailureKind::Auth => FailureKind::Auth,
            types::FailureKind::RateLimited(wait) => FailureKind::RateLimited(wait.map(Duration::from_millis)),
            types::FailureKind::Unavailable => FailureKind::Unavailable,
            types::FailureKind::BadData => FailureKind::BadData,
            types::FailureKind::Bug => FailureKind::Bug,
        };
        PluginError::Failure { plugin: self.plugin.clone(), doing: doing.to_owned(), kind, message: clean_text(failure.message) }
    }

    pub fn broken(&self, doing: &str, reason: impl Into<String>) -> PluginError {
        PluginError::Broken { plugin: self.plugin.clone(), doing: doing.to_owned(), reason: clean_text(reason.into()) }
    }

    /// Refuses what is larger than the output cap.
    pub fn check_output(&self, doing: &str, bytes: usize) -> Result<(), PluginError> {
        let cap = self.store.data().output_cap();
        if bytes > cap {
            return Err(self.broken(doing, format!("it returned {bytes} bytes, its cap is {cap}")));
        }
        Ok(())
    }
}

/// The trap itself, without the backtrace of code addresses that only its author can read.
fn first_line(trap: &wasmtime::Error) -> String {
    let root = trap.root_cause().to_string();
    clean_text(root.lines().next().unwrap_or_default().to_owned())
}

/// Asks a fresh instance what it is.
pub(super) async fn describe(runtime: &Runtime, pre: &Pre, path: &str) -> Result<types::Manifest, PluginError> {
    const DOING: &str = "describe itself";
    let mut instance = Instance::new(runtime, path, "", &Access::nothing(runtime));
    let started = instance.arm();
    let store = &mut instance.store;
    let result = async {
        match pre {
            Pre::Source(pre) => {
                let bound = pre.instantiate_async(&mut *store).await?;
                bound.tidegate_plugin_source().call_describe(&mut *store).await
            }
            Pre::Transform(pre) => {
                let bound = pre.instantiate_async(&mut *store).await?;
                bound.tidegate_plugin_transform().call_describe(&mut *store).await
            }
            Pre::Quality(pre) => {
                let bound = pre.instantiate_async(&mut *store).await?;
                bound.tidegate_plugin_quality().call_describe(&mut *store).await
            }
        }
    }
    .await;
    instance.settle_plain(started, DOING, result)
}

pub(super) fn dimension(dimension: types::Dimension) -> crate::quality::Dimension {
    use crate::quality::Dimension as Ours;
    match dimension {
        types::Dimension::Completeness => Ours::Completeness,
        types::Dimension::Validity => Ours::Validity,
        types::Dimension::Consistency => Ours::Consistency,
        types::Dimension::Timeliness => Ours::Timeliness,
        types::Dimension::Uniqueness => Ours::Uniqueness,
        types::Dimension::Accuracy => Ours::Accuracy,
        types::Dimension::Conformity => Ours::Conformity,
        types::Dimension::Integrity => Ours::Integrity,
    }
}

pub(super) fn distribution(distribution: types::Distribution) -> super::Distribution {
    match distribution {
        types::Distribution::Any => super::Distribution::Any,
        types::Distribution::Hash(columns) => super::Distribution::Hash(columns),
        types::Distribution::Single => super::Distribution::Single,
    }
}

pub(super) fn context(context: &super::Context) -> types::Context {
    types::Context { stream: context.stream.clone(), now: context.now_micros, seed: context.seed }
}
