//! The native way: what a Rust programmer would write with DataFusion and the plugins' crates, without a sandbox and without IPC.
//!
//! - The plan has the shape of the sandboxed one (`tidegate::engine`): slices side by side, the repartitioning that the transform asks for,
//!   as many batches in flight. Only the operators around plugins differ.
//! - Archive, Parquet writer and lake are tidegate's own, so their settings can't differ.
//! - Rejected rows are counted, not written: half a row in a thousand.

mod assess;
mod plan;
mod source;
mod transform;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::{Context as _, Result};
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::{
    execution::runtime_env::RuntimeEnvBuilder,
    physical_plan::collect,
    prelude::{SessionConfig, SessionContext},
};
use quality_dimensions::QualityDimensions;
use serde::{Deserialize, Serialize};
use source_files::SourceFiles;
use tidegate::{
    config::{self, Loaded, paths::Cache},
    egress::archive::{Archive, FileRequest, Head},
    engine::{LandedFile, OperatorMetrics, Workbench, operator_metrics},
    plugin::{KeyDesk, Runtime},
    warehouse::{AuditRow, CleanStream, Load, TableLoad, lake::Lake},
};
use tidegate_sdk::{Context, Origin, Quality, Slice, Source, files::testing::grant};

/// The run's name: there is one.
const RUN: &str = "native";

/// What DataFusion's own operators may hold, as the host has it.
const SESSION_MEMORY: usize = 256 << 20;

/// What the native way has to say.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// What became of each stream.
    pub streams: Vec<StreamReport>,
    /// How long each step took, in microseconds.
    pub timings: Vec<(String, u64)>,
}

/// What became of a stream.
#[derive(Serialize, Deserialize)]
pub struct StreamReport {
    /// The stream.
    pub stream: String,
    /// Rows that were read.
    pub read: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// What rules counted: rule, columns, passed, total.
    pub measures: Vec<(String, Vec<String>, u64, u64)>,
    /// What operators measured; the time in plugins is called time in guest.
    pub operators: Vec<OperatorMetrics>,
}

/// Does the job of the pipeline in `folder` and prints its report.
pub fn main(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run(folder))?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn run(folder: &Path) -> Result<Report> {
    let loaded = config::load(folder)?;
    let started = Utc::now();
    let mut job = Native { data: data_folder(&loaded)?, session: session(&loaded)?, loaded, started, timings: Vec::new() };
    let mut streams = Vec::new();
    let mut clean = Vec::new();
    for stream in job.loaded.pipeline.streams.keys().cloned().collect::<Vec<_>>() {
        let since = Instant::now();
        job.archive(&stream).await?;
        job.took("archive", since);
        let since = Instant::now();
        let (report, files) = job.stream(&stream).await?;
        job.took("extract", since);
        clean.push(CleanStream { name: stream, files });
        streams.push(report);
    }
    let since = Instant::now();
    job.load(clean, &streams).await?;
    job.took("load", since);
    Ok(Report { streams, timings: job.timings })
}

/// A run of the native way.
struct Native {
    loaded: Loaded,
    /// The folder of the sample.
    data: std::path::PathBuf,
    session: SessionContext,
    started: DateTime<Utc>,
    timings: Vec<(String, u64)>,
}

impl Native {
    fn took(&mut self, step: &str, since: Instant) {
        self.timings.push((step.to_owned(), u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)));
    }

    fn source_config(&self) -> Result<source_files::Config> {
        let source = self.loaded.pipeline.sources.values().next().context("the pipeline has no source")?;
        Ok(serde_json::from_value(source.config.clone())?)
    }

    /// Archives a stream's file before anything reads it.
    async fn archive(&self, stream: &str) -> Result<()> {
        let (storage, engine) = (self.loaded.storage(), &self.loaded.pipeline.engine);
        let head = Head::new(RUN, stream, &self.loaded.pipeline.name, self.started);
        let archive = Archive::new(storage.raw(), head, engine.archive_level);
        let name = self.source_config()?.streams[stream].files.clone();
        let path = self.data.join(&name);
        let request = FileRequest { directory: "data".into(), path: name, modified_micros: 0, packed: false };
        archive.file(request, move || std::fs::File::open(path)).await?;
        archive.close()?;
        Ok(())
    }

    /// Takes a stream through its plan; gives its clean files, relative to the storage folder.
    async fn stream(&self, stream: &str) -> Result<(StreamReport, Vec<std::path::PathBuf>)> {
        let source = self.source_config()?;
        grant(&source.directory, &self.data);
        let declared = SourceFiles::discover(&source)?.into_iter().find(|found| found.name == stream).context("no such stream")?;
        let slices: Vec<Slice> = SourceFiles::slices(&source, stream, None, self.loaded.pipeline.engine.partitions as usize)?;
        let context = Context { stream: stream.to_owned(), now_micros: self.now().timestamp_micros(), seed: 0 };
        let states = Arc::new(Mutex::new(Vec::new()));
        let built = plan::Parts {
            read: source::Read {
                data: self.data.clone(),
                config: source,
                slices,
                batch_rows: self.loaded.pipeline.engine.batch_rows as usize,
            },
            input: Origin::schema(&declared.schema),
            steps: &self.loaded.pipeline.streams[stream],
            context: &context,
            states: states.clone(),
        }
        .plan()?;
        let landed = collect(built.root.clone(), self.session.task_ctx()).await?;
        let files: Vec<_> = landed.iter().flat_map(LandedFile::from_batch).collect();
        let operators = operator_metrics(built.root.as_ref());
        let states = std::mem::take(&mut *states.lock().expect("no operator panicked"));
        let report = StreamReport {
            stream: stream.to_owned(),
            read: operators.last().map_or(0, |source| source.rows),
            accepted: files.iter().map(|file| file.rows).sum(),
            measures: self.sum_up(stream, &context, &built.clean, states)?,
            operators,
        };
        let folder = Path::new("clean").join(stream).join(RUN);
        Ok((report, files.iter().map(|file| folder.join(&file.file)).collect()))
    }

    /// Merges the states of a stream's quality operators.
    fn sum_up(&self, stream: &str, context: &Context, schema: &SchemaRef, states: Vec<(usize, Vec<u8>)>) -> Result<Vec<Counted>> {
        let mut measures = Vec::new();
        for (index, step) in self.loaded.pipeline.streams[stream].quality.iter().enumerate() {
            let mut sum = QualityDimensions::open(serde_json::from_value(step.config.clone())?, context.clone(), schema.clone())?;
            for (_, state) in states.iter().filter(|(operator, _)| *operator == index) {
                sum.merge(state)?;
            }
            measures.extend(sum.finish()?.into_iter().map(|found| (found.rule, found.columns, found.passed, found.total)));
        }
        Ok(measures)
    }

    /// Loads the clean streams as the pipeline's tables.
    async fn load(&self, streams: Vec<CleanStream>, reports: &[StreamReport]) -> Result<()> {
        let pipeline = &self.loaded.pipeline;
        let mut lake = Lake::open(&self.loaded.storage().lake()).await?;
        let table = |(name, table): (&String, &config::Table)| TableLoad {
            name: name.clone(),
            sql: table.sql.clone(),
            stream: table.stream.clone(),
            mode: table.mode,
            key: table.key.clone(),
        };
        let audit = |report: &StreamReport| AuditRow {
            stream: Some(report.stream.clone()),
            rows_read: Some(report.read),
            rows_accepted: Some(report.accepted),
            started_at: self.started,
            verdict: "pass".to_owned(),
            ..AuditRow::default()
        };
        let load = Load {
            pipeline: pipeline.name.clone(),
            run: RUN.to_owned(),
            sequence: lake.head().sequence(&pipeline.name) + 1,
            streams,
            tables: pipeline.tables.iter().map(table).collect(),
            marts: Vec::new(),
            cursors: Default::default(),
            as_of: self.started,
            quarantine: "quarantine".into(),
            audit: reports.iter().map(audit).collect(),
        };
        lake.load(&load, &mut |_| ()).await?;
        Ok(())
    }

    fn now(&self) -> DateTime<Utc> {
        self.loaded.pipeline.clock.now.unwrap_or(self.started)
    }
}

fn data_folder(loaded: &Loaded) -> Result<std::path::PathBuf> {
    let source = loaded.pipeline.sources.values().next().context("the pipeline has no source")?;
    Ok(loaded.root.join(source.grants.files.get("data").context("the source has no folder")?))
}

/// What a rule counted: its name, its columns, what passed, what was looked at.
type Counted = (String, Vec<String>, u64, u64);

/// A session as the host makes it. Landing finds its folder in a workbench; the engine that a workbench has runs nothing here.
fn session(loaded: &Loaded) -> Result<SessionContext> {
    let (storage, engine) = (loaded.storage(), &loaded.pipeline.engine);
    let bench = Workbench {
        runtime: Arc::new(Runtime::new(&Cache::from_env()?.root).map_err(|error| anyhow::anyhow!("{error:#}"))?),
        plugins: HashMap::new(),
        granted: HashMap::new(),
        limits: loaded.pipeline.limits.clone(),
        log: Arc::new(|_| ()),
        keys: KeyDesk::new(storage.work()),
        scratch: storage.work().join(RUN),
        quarantine: storage.quarantine(),
        clean: storage.clean(),
        clean_csv: false,
        run: RUN.to_owned(),
        progress: Arc::default(),
        packs_clean: true,
        tap: None,
    };
    let config = SessionConfig::new()
        .with_batch_size(engine.batch_rows as usize)
        .with_target_partitions(engine.partitions as usize)
        .with_extension(Arc::new(bench));
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(SESSION_MEMORY, 1.0).build_arc()?;
    Ok(SessionContext::new_with_config_rt(config, runtime))
}
