//! Extract, transform, assess: one plan per stream, from its slices to its clean files and its measures.

use std::{sync::Arc, time::Instant};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::physical_plan::{ExecutionPlan, collect};
use parquet::arrow::ArrowWriter;

use super::{Plan, RunContext, RunError, Stage, extract, prepare::StreamWork, report::Reason};
use crate::{
    engine::{
        LandedFile, OperatorMetrics, PluginStep, Scratch, SourceNote, SourceRead, StreamPlan, TransformNote, operator_metrics, stream_plan,
    },
    plugin::{Access, QualityInstance},
    quality::Measure,
};

/// What became of a stream.
pub struct AssessedStream {
    /// Its name.
    pub name: String,
    /// Its source.
    pub source: String,
    /// Records that were read, the unreadable ones included.
    pub read: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Why rows were rejected, most frequent first.
    pub reasons: Vec<Reason>,
    /// The clean files.
    pub files: Vec<LandedFile>,
    /// What rules counted.
    pub measures: Vec<Measure>,
    /// What operators measured.
    pub operators: Vec<OperatorMetrics>,
    /// The cursor after this run.
    pub cursor: Option<String>,
    /// Microseconds from start to end.
    pub micros: u64,
}

/// Takes every stream through its plan, one after another: memory is bounded by one stream's operators.
pub(super) async fn streams(ctx: &RunContext, plan: &Plan) -> Result<Vec<AssessedStream>, RunError> {
    let mut assessed = Vec::with_capacity(plan.streams.len());
    for stream in &plan.streams {
        let started = Instant::now();
        let read = extract::slices(ctx, plan, stream).await?;
        let bytes = read.as_ref().map(|read| read.slices.iter().filter_map(|slice| slice.bytes).sum());
        ctx.watcher.started(Stage::Extract, &stream.name, bytes);
        let mut done = match read {
            Some(read) => one(ctx, plan, stream, read).await?,
            None => nothing_new(ctx, plan, stream).await?,
        };
        done.micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
        ctx.took(format!("extract {}", stream.name), started);
        ctx.watcher.finished(Stage::Extract, &stream.name);
        assessed.push(done);
    }
    Ok(assessed)
}

/// The physical plan of a stream.
pub(super) fn physical(ctx: &RunContext, stream: &StreamWork, read: SourceRead) -> Result<Arc<dyn ExecutionPlan>, RunError> {
    let plan =
        StreamPlan { read, transforms: stream.transforms.clone(), quality: stream.quality.clone(), context: ctx.context(&stream.name) };
    stream_plan(&plan).map_err(|source| RunError::Stream { stream: stream.name.clone(), source })
}

async fn one(ctx: &RunContext, plan: &Plan, stream: &StreamWork, read: SourceRead) -> Result<AssessedStream, RunError> {
    let (partitions, cursor) = (read.slices.len(), read.cursor.clone());
    let failed = |source| RunError::Stream { stream: stream.name.clone(), source };
    let physical = physical(ctx, stream, read)?;
    let session = ctx.session(plan)?;
    let landed = collect(physical.clone(), session.task_ctx()).await.map_err(failed)?;
    let mut files: Vec<_> = landed.iter().flat_map(LandedFile::from_batch).collect();
    files.sort_by(|a, b| a.file.cmp(&b.file));

    let notes = Notes::collect(ctx, stream, partitions)?;
    let reached: Vec<String> = notes.source.iter().flat_map(|note| note.cursors.clone()).collect();
    let mut measures = notes.measures(plan, stream);
    for (index, (step, _)) in stream.quality.iter().enumerate() {
        let name = format!("assess{index}");
        measures.extend(sum_up(ctx, plan, &stream.name, &stream.name, stream.clean_schema(), step, &name, partitions).await?);
    }
    Ok(AssessedStream {
        name: stream.name.clone(),
        source: stream.source.clone(),
        read: notes.read(),
        accepted: files.iter().map(|file| file.rows).sum(),
        bytes: notes.source.iter().map(|note| note.bytes).sum(),
        reasons: notes.reasons(plan, stream),
        files,
        measures,
        operators: operator_metrics(physical.as_ref()),
        cursor: extract::advance(ctx, plan, stream, cursor.as_deref(), &reached).await?,
        micros: 0,
    })
}

/// A stream without new slices still has a clean stream: one file without rows, so that tables that join it can be planned.
async fn nothing_new(ctx: &RunContext, plan: &Plan, stream: &StreamWork) -> Result<AssessedStream, RunError> {
    let folder = ctx.storage.clean().join(&stream.name).join(&ctx.run);
    let wrong = |source| RunError::File { doing: "write the empty clean stream in", path: folder.clone(), source };
    let file = empty_file(&folder, stream.clean_schema()).map_err(wrong)?;
    let cursor = ctx.lake.lock().await.cursor(&plan.loaded.pipeline.name, &stream.source, &stream.name);
    Ok(AssessedStream {
        name: stream.name.clone(),
        source: stream.source.clone(),
        read: 0,
        accepted: 0,
        bytes: 0,
        reasons: Vec::new(),
        files: vec![file],
        measures: Vec::new(),
        operators: Vec::new(),
        cursor,
        micros: 0,
    })
}

fn empty_file(folder: &std::path::Path, schema: &SchemaRef) -> std::io::Result<LandedFile> {
    std::fs::create_dir_all(folder)?;
    let name = "part-00000.parquet".to_owned();
    let file = tempfile::Builder::new().prefix(".part-").tempfile_in(folder)?;
    let mut writer = ArrowWriter::try_new(file, schema.clone(), None).map_err(std::io::Error::other)?;
    writer.write(&RecordBatch::new_empty(schema.clone())).map_err(std::io::Error::other)?;
    let file = writer.into_inner().map_err(std::io::Error::other)?;
    let bytes = file.as_file().metadata()?.len();
    file.persist(folder.join(&name))?;
    Ok(LandedFile { file: name, rows: 0, bytes })
}

/// What operators left in the scratch folder.
struct Notes {
    source: Vec<SourceNote>,
    /// By transform, then by partition.
    transforms: Vec<Vec<TransformNote>>,
}

impl Notes {
    fn collect(ctx: &RunContext, stream: &StreamWork, partitions: usize) -> Result<Self, RunError> {
        let folder = ctx.scratch();
        let scratch = Scratch::new(&folder, &stream.name);
        let read = |source| RunError::File { doing: "read the notes in", path: folder.clone(), source };
        let transforms = (0..stream.transforms.len()).map(|index| scratch.notes(&format!("transform{index}"), partitions).map_err(read));
        Ok(Self { source: scratch.notes("source", partitions).map_err(read)?, transforms: transforms.collect::<Result<_, _>>()? })
    }

    /// Records that were read, the unreadable ones included.
    fn read(&self) -> u64 {
        self.source.iter().map(|note| note.rows + note.unread.iter().map(|(.., count)| count).sum::<u64>()).sum()
    }

    /// How many rows each rule of a transform rejected.
    fn rejected(&self, transform: usize, rules: usize) -> Vec<u64> {
        let mut counts = vec![0; rules];
        for note in &self.transforms[transform] {
            for (count, rejected) in counts.iter_mut().zip(&note.rejected) {
                *count += rejected;
            }
        }
        counts
    }

    /// Unread records by rule and reason.
    fn unread(&self) -> Vec<(String, crate::quality::Dimension, String, u64)> {
        let mut found: Vec<(String, crate::quality::Dimension, String, u64)> = Vec::new();
        for (rule, dimension, reason, count) in self.source.iter().flat_map(|note| &note.unread) {
            match found.iter_mut().find(|(known, _, why, _)| known == rule && why == reason) {
                Some((.., total)) => *total += count,
                None => found.push((rule.clone(), *dimension, reason.clone(), *count)),
            }
        }
        found
    }

    /// Every rule that source and transforms enforce, as a measure over the data as it came: otherwise a cleaned stream scores 100.
    fn measures(&self, plan: &Plan, stream: &StreamWork) -> Vec<Measure> {
        let total = self.read();
        let measure = |plugin: &str, rule: String, dimension, columns, failed: u64| Measure {
            stream: stream.name.clone(),
            plugin: plugin.to_owned(),
            dimension,
            rule,
            columns,
            passed: total - failed,
            total,
            samples: Vec::new(),
            rejects: true,
        };
        if total == 0 {
            return Vec::new();
        }
        let source = &plan.sources[&stream.source].step.plugin;
        let unread = self.unread().into_iter().map(|(rule, dimension, _, count)| measure(source, rule, dimension, Vec::new(), count));
        let mut measures: Vec<_> = unread.collect();
        for (index, transform) in stream.transforms.iter().enumerate() {
            let rules = &transform.shape.rules;
            for (rule, failed) in rules.iter().zip(self.rejected(index, rules.len())) {
                measures.push(measure(&transform.step.plugin, rule.name.clone(), rule.dimension, rule.columns.clone(), failed));
            }
        }
        measures
    }

    fn reasons(&self, plan: &Plan, stream: &StreamWork) -> Vec<Reason> {
        let source = &plan.sources[&stream.source].step.plugin;
        let mut reasons: Vec<Reason> = self
            .unread()
            .into_iter()
            .map(|(rule, dimension, reason, rows)| Reason { plugin: source.clone(), rule, dimension, reason, rows })
            .collect();
        for (index, transform) in stream.transforms.iter().enumerate() {
            let rules = &transform.shape.rules;
            for (rule, rows) in rules.iter().zip(self.rejected(index, rules.len())).filter(|(_, rows)| *rows > 0) {
                reasons.push(Reason {
                    plugin: transform.step.plugin.clone(),
                    rule: rule.name.clone(),
                    dimension: rule.dimension,
                    reason: rule.reason.clone(),
                    rows,
                });
            }
        }
        reasons.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.rule.cmp(&b.rule)));
        reasons
    }
}

/// Merges the states that an assess operator left, and asks for the measures. `subject` is whose scratch folder holds them.
#[expect(clippy::too_many_arguments, reason = "each is a different thing that two callers know")]
pub(super) async fn sum_up(
    ctx: &RunContext,
    plan: &Plan,
    subject: &str,
    stream: &str,
    schema: &SchemaRef,
    step: &PluginStep,
    name: &str,
    partitions: usize,
) -> Result<Vec<Measure>, RunError> {
    let folder = ctx.scratch();
    let states = Scratch::new(&folder, subject).collect(name, partitions).map_err(|source| RunError::File {
        doing: "read the states in",
        path: folder,
        source,
    })?;
    let access = Access { limits: plan.loaded.pipeline.limits.clone(), log: ctx.log.clone(), files: None };
    let plugin = &plan.plugins[&step.digest];
    let mut instance = QualityInstance::new(&ctx.runtime, plugin, &ctx.context(stream), &step.config, &access).await?;
    instance.open(schema).await?;
    for state in &states {
        instance.merge(state).await?;
    }
    Ok(instance.finish().await?)
}
