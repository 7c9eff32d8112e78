//! Extract, transform, assess: one plan per stream, from its slices to its clean files and its measures.

use std::{path::Path, sync::Arc};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::physical_plan::{ExecutionPlan, collect};
use parquet::arrow::ArrowWriter;

use super::{Plan, RunContext, RunError, measures, prepare::StreamWork, report::Reason, stream::AssessedStream};
use crate::{
    engine::{LandedFile, Scratch, SourceNote, SourceRead, StreamPlan, Summed, Tap, TransformNote, operator_metrics, stream_plan},
    quality::{Dimension, Measure},
};

/// Takes a stream from its slices to its clean files and its measures. `read` is none where there is nothing new. What is accepted goes to
/// `tap` too.
pub(super) async fn stream(
    ctx: &RunContext,
    plan: &Plan,
    stream: &StreamWork,
    read: Option<SourceRead>,
    tap: Option<Tap>,
) -> Result<AssessedStream, RunError> {
    match read {
        Some(read) => one(ctx, plan, stream, read, tap).await,
        None => nothing_new(ctx, stream),
    }
}

/// The physical plan of a stream.
pub(super) fn physical(ctx: &RunContext, stream: &StreamWork, read: SourceRead) -> Result<Arc<dyn ExecutionPlan>, RunError> {
    let plan =
        StreamPlan { read, transforms: stream.transforms.clone(), quality: stream.quality.clone(), context: ctx.context(&stream.name) };
    stream_plan(&plan).map_err(|error| RunError::in_stream(&stream.name, error))
}

async fn one(ctx: &RunContext, plan: &Plan, stream: &StreamWork, read: SourceRead, tap: Option<Tap>) -> Result<AssessedStream, RunError> {
    let partitions = read.slices.len();
    let failed = |error| RunError::in_stream(&stream.name, error);
    let physical = physical(ctx, stream, read)?;
    let session = ctx.session(plan, tap)?;
    let landed = collect(physical.clone(), session.task_ctx()).await.map_err(failed)?;
    let mut files: Vec<_> = landed.iter().flat_map(LandedFile::from_batch).collect();
    files.sort_by(|a, b| a.file.cmp(&b.file));

    let notes = Notes::collect(ctx, stream, partitions)?;
    let mut measures = notes.measures(plan, stream);
    for (index, (step, _)) in stream.quality.iter().enumerate() {
        let name = format!("assess{index}");
        measures.extend(measures::sum_up(ctx, plan, &stream.name, &stream.name, stream.clean_schema(), step, &name, partitions).await?);
    }
    Ok(AssessedStream {
        read: notes.read(),
        quarantined: notes.quarantined(),
        accepted: files.iter().map(|file| file.rows).sum(),
        bytes: notes.source.iter().map(|note| note.bytes).sum(),
        reasons: notes.reasons(plan, stream),
        files,
        measures,
        operators: operator_metrics(physical.as_ref()),
        reached: notes.source.iter().flat_map(|note| note.cursors.clone()).collect(),
        ..AssessedStream::of(stream)
    })
}

/// A stream without new slices still has a clean stream: one file without rows, so that tables that join it can be planned.
fn nothing_new(ctx: &RunContext, stream: &StreamWork) -> Result<AssessedStream, RunError> {
    let folder = ctx.storage.clean().join(&stream.name).join(&ctx.run);
    let wrong = |source| RunError::File { doing: "write the empty clean stream in", path: folder.clone(), source };
    let file = empty_file(&folder, stream.clean_schema()).map_err(wrong)?;
    Ok(AssessedStream { files: vec![file], ..AssessedStream::of(stream) })
}

fn empty_file(folder: &Path, schema: &SchemaRef) -> std::io::Result<LandedFile> {
    std::fs::create_dir_all(folder)?;
    let name = "part-00000.parquet".to_owned();
    let file = tempfile::Builder::new().prefix(".part-").tempfile_in(folder)?;
    let mut writer = ArrowWriter::try_new(Summed::new(file), schema.clone(), None).map_err(std::io::Error::other)?;
    writer.write(&RecordBatch::new_empty(schema.clone())).map_err(std::io::Error::other)?;
    let (file, sha256) = writer.into_inner().map_err(std::io::Error::other)?.finish();
    let bytes = file.as_file().metadata()?.len();
    file.persist(folder.join(&name))?;
    Ok(LandedFile { file: name, rows: 0, bytes, sha256 })
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
    fn unread(&self) -> Vec<(String, Dimension, String, u64)> {
        let mut found: Vec<(String, Dimension, String, u64)> = Vec::new();
        for (rule, dimension, reason, count) in self.source.iter().flat_map(|note| &note.unread) {
            match found.iter_mut().find(|(known, _, why, _)| known == rule && why == reason) {
                Some((.., total)) => *total += count,
                None => found.push((rule.clone(), *dimension, reason.clone(), *count)),
            }
        }
        found
    }

    /// The rows that a transform got.
    fn input_of(&self, transform: usize) -> u64 {
        self.transforms[transform].iter().map(|note| note.rows).sum()
    }

    /// The rows that source and transforms rejected.
    fn quarantined(&self) -> u64 {
        let unread: u64 = self.source.iter().flat_map(|note| &note.unread).map(|(.., count)| count).sum();
        let rejected: u64 = self.transforms.iter().flatten().flat_map(|note| &note.rejected).sum();
        unread + rejected
    }

    /// Every rule that source and transforms enforce, as a measure over the rows that it looked at: otherwise a cleaned stream scores 100.
    fn measures(&self, plan: &Plan, stream: &StreamWork) -> Vec<Measure> {
        let measure = |plugin: &str, rule: String, dimension, columns, failed: u64, total: u64| Measure {
            stream: stream.name.clone(),
            plugin: plugin.to_owned(),
            dimension,
            rule,
            columns,
            passed: total.saturating_sub(failed),
            total,
            samples: Vec::new(),
            rejects: true,
        };
        let read = self.read();
        let source = &plan.sources[&stream.source].step.plugin;
        let unread = self.unread().into_iter().map(|(rule, dimension, _, count)| measure(source, rule, dimension, Vec::new(), count, read));
        let mut measures: Vec<_> = unread.collect();
        for (index, transform) in stream.transforms.iter().enumerate() {
            let (rules, rows) = (&transform.shape.rules, self.input_of(index));
            for (rule, failed) in rules.iter().zip(self.rejected(index, rules.len())) {
                measures.push(measure(&transform.step.plugin, rule.name.clone(), rule.dimension, rule.columns.clone(), failed, rows));
            }
        }
        measures.retain(|measure| measure.total > 0);
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
