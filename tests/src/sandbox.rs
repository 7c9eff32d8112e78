//! One runtime for all guests of a test process: what a guest does to the host, the guests after it feel.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use arrow::{
    array::{Int64Array, RecordBatch, StringArray, UInt64Array},
    datatypes::{DataType, Field, Schema, SchemaRef},
};
use tidegate::{
    config::{Limits, paths::Cache},
    egress::{files::Files, granted::Granted},
    plugin::{Access, Context, KeyDesk, PluginError, Pushed, QualityInstance, Runtime, SourceInstance, TransformInstance},
    quality::Measure,
};

use crate::components::Components;

/// Limits that a guest reaches within seconds.
pub fn limits() -> Limits {
    Limits { memory_mib: 64, deadline_seconds: 1, output_mib: 2, log_messages: 100, keys: 100_000 }
}

/// Those limits, a log that nobody reads, no grants.
pub fn access() -> Access {
    Access { limits: limits(), log: Arc::new(|_| ()), granted: None, keys: KeyDesk::new(std::env::temp_dir()) }
}

/// The same with a directory granted as `data`.
pub fn access_to(directory: PathBuf) -> Access {
    let files = Files::open_directories([(&"data".to_owned(), directory)], None).expect("the directory is there");
    Access { granted: Some(Granted::files(files)), ..access() }
}

/// The runtime. Compiled code is kept in tidegate's cache, as the program keeps it.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new(&Cache::from_env().expect("there is a place for the cache").root).expect("the engine starts"))
}

/// What instances are told about their run.
pub fn context() -> Context {
    Context { stream: "numbers".into(), now_micros: 0, seed: 0 }
}

/// The schema of [`batch`], with the origin.
pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, false),
        Field::new("_origin", DataType::UInt64, false),
    ]))
}

/// Two rows.
pub fn batch() -> RecordBatch {
    let ids = Arc::new(Int64Array::from(vec![1, 2]));
    let names = Arc::new(StringArray::from(vec!["one", "two"]));
    let origins = Arc::new(UInt64Array::from(vec![1, 2]));
    RecordBatch::try_new(schema(), vec![ids, names, origins]).expect("columns and schema fit")
}

/// The config that makes a guest misbehave; without a misbehaviour it behaves.
pub fn config(misbehaviour: Option<&str>) -> String {
    misbehaviour.map_or_else(|| "{}".to_owned(), |name| format!("{{ \"misbehave\": \"{name}\" }}"))
}

/// A transform that is open for [`batch`].
pub async fn transform(guest: &str, misbehaviour: Option<&str>) -> Result<TransformInstance, PluginError> {
    let plugin = runtime().load(&Components::guests().path(guest)).await?;
    let mut instance = TransformInstance::new(runtime(), &plugin, &context(), &config(misbehaviour), &access()).await?;
    let shape = instance.shape(&schema()).await?;
    instance.open(&schema(), shape.schema, shape.rules.len()).await?;
    Ok(instance)
}

/// Pushes [`batch`] through a fresh transform.
pub async fn push(guest: &str, misbehaviour: Option<&str>) -> Result<Pushed, PluginError> {
    transform(guest, misbehaviour).await?.push(&batch()).await
}

/// A fresh source with this config.
pub async fn source(config: &str, access: &Access) -> Result<SourceInstance, PluginError> {
    let plugin = runtime().load(&Components::guests().path("guest-source")).await?;
    SourceInstance::new(runtime(), &plugin, "numbers", config, access).await
}

/// Shows [`batch`] to a fresh quality plugin and asks what it counted.
pub async fn measures(misbehaviour: Option<&str>) -> Result<Vec<Measure>, PluginError> {
    let plugin = runtime().load(&Components::guests().path("guest-quality")).await?;
    let mut instance = QualityInstance::new(runtime(), &plugin, &context(), &config(misbehaviour), &access()).await?;
    instance.open(&schema()).await?;
    instance.observe(&batch()).await?;
    instance.finish().await
}
