//! The wasmtime engine: one per process, with its clock, its pool and its cache of compiled code.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, Linker},
};

use crate::contract;

use super::{
    Access, KeyDesk, PluginError, Role,
    bindings::{quality_world::QualityPluginPre, source_world::SourcePluginPre, transform_world::TransformPluginPre},
    guest::{Guest, add_to_linker},
    instance,
    loaded::{Manifest, Plugin, Pre},
};

/// How often running guests are looked at. A deadline is met with this precision.
const EPOCH: Duration = Duration::from_millis(10);

/// The most instances at one time: streams run one after another, so this is partitions x plugins of one stream, with room to spare.
const MAX_INSTANCES: u32 = 256;

/// The most elements of a guest's table; arrow-based guests have about 2,000 functions in theirs.
pub(super) const MAX_TABLE_ELEMENTS: usize = 100_000;

/// Loads plugins and runs their instances.
pub struct Runtime {
    engine: Engine,
    linker: Linker<Guest>,
    cache: PathBuf,
    loaded: Mutex<HashMap<PathBuf, Slot>>,
}

/// A component that is loaded once, however many ask for it at a time.
type Slot = Arc<OnceCell<Arc<Plugin>>>;

/// What is kept beside compiled code, so that a warm start need not ask the component.
#[derive(Serialize, Deserialize)]
struct Card {
    role: Role,
    manifest: Manifest,
}

impl Runtime {
    /// Starts an engine; compiled code is kept in the folder `cache`.
    pub fn new(cache: &Path) -> Result<Self, wasmtime::Error> {
        let mut pool = PoolingAllocationConfig::default();
        pool.total_component_instances(MAX_INSTANCES)
            .total_core_instances(MAX_INSTANCES * 4)
            .total_memories(MAX_INSTANCES)
            .total_tables(MAX_INSTANCES * 4)
            .total_stacks(MAX_INSTANCES)
            .table_elements(MAX_TABLE_ELEMENTS);
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .epoch_interruption(true)
            .concurrency_support(false)
            .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        let engine = Engine::new(&config)?;
        let weak = engine.weak();
        std::thread::Builder::new().name("tidegate-epoch".into()).spawn(move || {
            while let Some(engine) = weak.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(EPOCH);
            }
        })?;
        let mut linker = Linker::new(&engine);
        add_to_linker(&mut linker)?;
        Ok(Self { engine, linker, cache: cache.join("compiled"), loaded: Mutex::default() })
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Loads the component at `path`, compiling it where it was not compiled before. Fails where it does not fit the contract, naming
    /// what is missing. Whoever asks while it is loaded waits for it.
    pub async fn load(&self, path: &Path) -> Result<Arc<Plugin>, PluginError> {
        let slot = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).entry(path.to_owned()).or_default().clone();
        slot.get_or_try_init(|| self.read(path)).await.cloned()
    }

    async fn read(&self, path: &Path) -> Result<Arc<Plugin>, PluginError> {
        let read = |source| PluginError::Read { path: path.to_owned(), source };
        // Memory for the whole component, some megabytes, is asked for only where it is compiled.
        let component = path.to_owned();
        let summed = tokio::task::spawn_blocking(move || summed(&component)).await;
        let digest = summed.map_err(io::Error::other).and_then(|summed| summed).map_err(read)?;
        let plugin = match self.load_compiled(path, &digest) {
            Some(plugin) => plugin,
            None => {
                let bytes = fs::read(path).map_err(read)?;
                self.compile(path, &hex(&Sha256::digest(&bytes)), bytes).await?
            }
        };
        Ok(Arc::new(plugin))
    }

    /// Takes seconds of a core, but of none that others wait for: connections are served meanwhile.
    async fn compile(&self, path: &Path, digest: &str, bytes: Vec<u8>) -> Result<Plugin, PluginError> {
        let interface = contract::inspect_types(&bytes).map_err(|source| PluginError::Contract { path: path.to_owned(), source })?;
        let refused = |error: wasmtime::Error| PluginError::Compile { path: path.to_owned(), reason: format!("{error:#}") };
        let engine = self.engine.clone();
        let compiled = tokio::task::spawn_blocking(move || Component::new(&engine, &bytes)).await;
        let component = compiled.map_err(wasmtime::Error::from).and_then(|compiled| compiled).map_err(refused)?;
        let pre = self.link(&component, interface.role).map_err(refused)?;
        let described = instance::describe(self, &pre, &path.display().to_string()).await?;
        let broken = |reason| PluginError::Broken { plugin: path.display().to_string(), doing: "describe itself".into(), reason };
        let manifest = Manifest::from_guest(described).map_err(broken)?;
        let card = Card { role: interface.role, manifest };
        if let Err(error) = self.keep(digest, &component, &card) {
            tracing::warn!(%error, "compiled code can't be kept in {}", self.cache.display());
        }
        Ok(Plugin { path: path.to_owned(), digest: digest.to_owned(), role: card.role, manifest: card.manifest, pre })
    }

    fn link(&self, component: &Component, role: Role) -> wasmtime::Result<Pre> {
        let pre = self.linker.instantiate_pre(component)?;
        Ok(match role {
            Role::Source => Pre::Source(SourcePluginPre::new(pre)?),
            Role::Transform => Pre::Transform(TransformPluginPre::new(pre)?),
            Role::Quality => Pre::Quality(QualityPluginPre::new(pre)?),
        })
    }

    /// The stem of a component's files in the cache. The engine's version and settings are part of it: code compiled by another wasmtime
    /// is not found rather than refused.
    fn cached(&self, digest: &str) -> PathBuf {
        use std::hash::{Hash, Hasher};
        let mut hasher = std::hash::DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut hasher);
        env!("CARGO_PKG_VERSION").hash(&mut hasher);
        self.cache.join(format!("{digest}-{:016x}", hasher.finish()))
    }

    fn load_compiled(&self, path: &Path, digest: &str) -> Option<Plugin> {
        let stem = self.cached(digest);
        let card: Card = serde_json::from_slice(&fs::read(stem.with_extension("json")).ok()?).ok()?;
        // SAFETY: the file was written by `keep` under this digest into a folder that only this user may write; whoever can change it
        // can change the tidegate binary as well.
        let component = unsafe { Component::deserialize_file(&self.engine, stem.with_extension("cwasm")) };
        let refused = |error| tracing::warn!("the compiled code of {} can't be used, so it is compiled again: {error:#}", path.display());
        let component = component.map_err(refused).ok()?;
        let pre = self.link(&component, card.role).ok()?;
        Some(Plugin { path: path.to_owned(), digest: digest.to_owned(), role: card.role, manifest: card.manifest, pre })
    }

    fn keep(&self, digest: &str, component: &Component, card: &Card) -> io::Result<()> {
        create_private(&self.cache)?;
        let stem = self.cached(digest);
        let code = component.serialize().map_err(io::Error::other)?;
        write_whole(&stem.with_extension("cwasm"), &code)?;
        // The card comes last: code without a card is compiled again.
        write_whole(&stem.with_extension("json"), &serde_json::to_vec(card)?)
    }
}

/// The sha256 of a file.
fn summed(path: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut digest)?;
    Ok(hex(&digest.finalize()))
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, bytes)?;
    file.persist(path)?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Access {
    /// No grants, default limits, a log that is dropped: what describing a component needs. It sees no rows; keys that it keeps all the same
    /// go to the cache.
    pub(super) fn nothing(runtime: &Runtime) -> Self {
        Self { limits: crate::config::Limits::default(), log: Arc::new(|_| ()), granted: None, keys: KeyDesk::new(runtime.cache.clone()) }
    }
}
