//! What an instance carries in its store: limits, log, grants; and the host side of its imports.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_keys::SET_BYTES;
use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};

use super::{
    Access, MAX_TEXT, Stop,
    bindings::{files, http, keys, log, types},
    keys::KeyDesk,
};
use crate::{
    config::Limits,
    egress::{
        files::{FilesError, OpenFile, Packing},
        granted::Granted,
    },
};

/// One message that a plugin wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// `debug`, `info`, `warn` or `error`.
    pub level: tracing::Level,
    /// `name@version` of the plugin.
    pub plugin: String,
    /// The stream that the instance works on; empty where it works on none.
    pub stream: String,
    /// What it wrote, cut at [`MAX_TEXT`].
    pub message: String,
}

/// Where messages of plugins go.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// The most files and answers that one instance may hold open; a source reads them one after another.
const MAX_OPEN: usize = 64;

/// The data of an instance's store.
pub struct Guest {
    pub(super) plugin: String,
    pub(super) stream: String,
    pub(super) deadline: Instant,
    pub(super) stop: Option<Stop>,
    /// How long the host worked for the guest in the call that goes on.
    pub(super) waited: Duration,
    /// What a person calls the slice that is read.
    pub(super) slice: Option<String>,
    pub(super) limits: Limits,
    messages: u32,
    pub(super) open: usize,
    /// How much linear memory it has, by the last time it asked for more.
    memory: usize,
    /// How many sets of keys it holds.
    pub(super) sets: usize,
    /// How many keys it has added to sets.
    pub(super) keys: u64,
    pub(super) desk: KeyDesk,
    log: LogSink,
    pub(super) granted: Option<Granted>,
    pub(super) table: ResourceTable,
}

impl Guest {
    pub(super) fn new(plugin: String, stream: String, access: &Access) -> Self {
        let Access { limits, log, granted, keys } = access.clone();
        Self {
            plugin,
            stream,
            deadline: Instant::now(),
            stop: None,
            waited: Duration::ZERO,
            slice: None,
            limits,
            messages: 0,
            open: 0,
            memory: 0,
            sets: 0,
            keys: 0,
            desk: keys,
            log,
            granted,
            table: ResourceTable::new(),
        }
    }

    pub(super) fn call_limit(&self) -> Duration {
        Duration::from_secs(self.limits.deadline_seconds.into())
    }

    pub(super) fn output_cap(&self) -> usize {
        self.limits.output_mib as usize * (1 << 20)
    }

    pub(super) fn stop(&mut self, stop: Stop) -> wasmtime::Error {
        let error = wasmtime::Error::msg(stop.to_string());
        self.stop = Some(stop);
        error
    }

    /// Leaves the time since `began` out of the guest's: it waited for the host.
    pub(super) fn served(&mut self, began: Instant) {
        let elapsed = began.elapsed();
        self.deadline += elapsed;
        self.waited += elapsed;
    }

    /// Makes room for one more file or answer; stops a guest that holds too many.
    pub(super) fn hold(&mut self) -> wasmtime::Result<()> {
        if self.open >= MAX_OPEN {
            return Err(self.stop(Stop::Open(MAX_OPEN)));
        }
        self.open += 1;
        Ok(())
    }

    /// Makes room for one more set of keys; stops a guest that holds too many.
    pub(super) fn hold_set(&mut self) -> wasmtime::Result<()> {
        self.sets += 1;
        self.within_memory(self.memory)
    }

    /// Stops a guest whose linear memory and sets of keys are more than it may have.
    fn within_memory(&mut self, linear: usize) -> wasmtime::Result<()> {
        let (wanted, cap) = (linear + self.sets * SET_BYTES, self.limits.memory_mib as usize * (1 << 20));
        if wanted > cap { Err(self.stop(Stop::Memory { wanted, cap })) } else { Ok(()) }
    }

    /// Called when an epoch ends while the guest runs.
    pub(super) fn epoch(&mut self) -> wasmtime::Result<wasmtime::UpdateDeadline> {
        if Instant::now() < self.deadline {
            return Ok(wasmtime::UpdateDeadline::Yield(1));
        }
        let limit = self.call_limit();
        Err(self.stop(Stop::Deadline(limit)))
    }
}

impl wasmtime::ResourceLimiter for Guest {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.within_memory(desired)?;
        self.memory = desired;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= super::runtime::MAX_TABLE_ELEMENTS)
    }
}

/// Cuts a guest's text at [`MAX_TEXT`] and takes control characters out of it, so that it can't steer a terminal.
pub(super) fn clean_text(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        text = text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect();
    }
    text
}

/// Links the imports that this host implements.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    log::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    keys::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    files::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)?;
    http::add_to_linker::<_, HasSelf<Guest>>(linker, |guest| guest)
}

impl types::Host for Guest {}

impl log::Host for Guest {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.messages += 1;
        if self.messages > self.limits.log_messages {
            return Err(self.stop(Stop::LogFlood(self.limits.log_messages)));
        }
        let level = match level {
            log::Level::Debug => tracing::Level::DEBUG,
            log::Level::Info => tracing::Level::INFO,
            log::Level::Warn => tracing::Level::WARN,
            log::Level::Error => tracing::Level::ERROR,
        };
        // No secret can get into a guest; should one, it does not get out here.
        let message = match &self.granted {
            Some(granted) => granted.http.redacted(&message),
            None => message,
        };
        (self.log)(LogLine { level, plugin: self.plugin.clone(), stream: self.stream.clone(), message: clean_text(message) });
        Ok(())
    }

    async fn panicked(&mut self, message: String) -> wasmtime::Result<()> {
        Err(self.stop(Stop::Panic(clean_text(message))))
    }
}

impl files::Host for Guest {
    async fn list(&mut self, directory: String, glob: String) -> wasmtime::Result<Result<Vec<files::Entry>, types::Failure>> {
        let Some(granted) = self.granted.clone() else { return Ok(Err(not_granted(&directory))) };
        Ok(granted
            .files
            .list(&directory, &glob)
            .await
            .map(|entries| entries.into_iter().map(|e| files::Entry { path: e.path, size: e.size, modified: e.modified_micros }).collect())
            .map_err(failure))
    }

    async fn open(
        &mut self,
        directory: String,
        path: String,
        packing: files::Packing,
        offset: u64,
    ) -> wasmtime::Result<Result<Resource<OpenFile>, types::Failure>> {
        let Some(granted) = self.granted.clone() else { return Ok(Err(not_granted(&directory))) };
        let packing = match packing {
            files::Packing::Plain => Packing::Plain,
            files::Packing::Gzip => Packing::Gzip,
        };
        Ok(match granted.files.open(&directory, &path, packing, offset).await {
            Ok(file) => {
                self.hold()?;
                Ok(self.table.push(file)?)
            }
            Err(error) => Err(failure(error)),
        })
    }
}

impl files::HostFile for Guest {
    async fn page(&mut self, file: Resource<OpenFile>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&file)?.page())
    }

    async fn read(&mut self, file: Resource<OpenFile>, max: u32) -> wasmtime::Result<Result<Vec<u8>, types::Failure>> {
        Ok(self.table.get_mut(&file)?.read(max).map_err(failure))
    }

    async fn drop(&mut self, file: Resource<OpenFile>) -> wasmtime::Result<()> {
        self.table.delete(file)?;
        self.open -= 1;
        Ok(())
    }
}

fn not_granted(directory: &str) -> types::Failure {
    failure(FilesError::NotGranted { directory: directory.to_owned(), granted: Vec::new() })
}

fn failure(error: FilesError) -> types::Failure {
    let kind = match &error {
        // Waiting does not make a recording longer.
        FilesError::NotGranted { .. }
        | FilesError::Pattern { .. }
        | FilesError::Leaves { .. }
        | FilesError::Offset { .. }
        | FilesError::Recorded(_) => types::FailureKind::Config,
        FilesError::Unpack { .. } => types::FailureKind::BadData,
        FilesError::Open { .. } | FilesError::Changed { .. } | FilesError::Archive(_) | FilesError::Read { .. } => {
            types::FailureKind::Unavailable
        }
    };
    types::Failure { kind, message: crate::error::chain(&error) }
}
