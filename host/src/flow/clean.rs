//! The clean layer: what lies in `clean/{stream}/{run}` beside its Parquet files. The manifest comes last: a folder that has one is whole.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::{Plan, RunContext, RunError, prepare::StreamWork, stream::AssessedStream};
use crate::engine::LandedFile;

/// What a clean folder's `_manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanManifest {
    /// The version of this format: 1.
    pub version: u32,
    /// The pipeline.
    pub pipeline: String,
    /// sha256 of the pipeline file, in hex.
    pub pipeline_sha256: String,
    /// The run.
    pub run: String,
    /// When it started, as RFC 3339.
    pub started: String,
    /// The logical time that plugins saw, as RFC 3339.
    pub now: String,
    /// The stream.
    pub stream: String,
    /// Its source.
    pub source: String,
    /// The plugins that its rows passed, in order: `name@version` and sha256 of the component.
    pub plugins: Vec<(String, String)>,
    /// Records that were read.
    pub read: u64,
    /// Rows that were accepted.
    pub accepted: u64,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// The columns: name, Arrow type, whether it may be null.
    pub columns: Vec<(String, String, bool)>,
    /// The primary key, where there is one.
    pub primary_key: Vec<String>,
    /// The Parquet files.
    pub files: Vec<LandedFile>,
}

/// Writes the manifest of a stream's clean folder.
pub(super) fn describe(ctx: &RunContext, plan: &Plan, stream: &StreamWork, done: &AssessedStream) -> Result<(), RunError> {
    let source = &plan.sources[&stream.source].step;
    let steps = std::iter::once(source)
        .chain(stream.transforms.iter().map(|transform| &transform.step))
        .chain(stream.quality.iter().map(|(step, _)| step));
    let fields = stream.clean_schema().fields();
    let primary_key = stream.transforms.last().map_or(&stream.info.primary_key, |transform| &transform.shape.primary_key);
    let manifest = CleanManifest {
        version: 1,
        pipeline: plan.loaded.pipeline.name.clone(),
        pipeline_sha256: plan.loaded.digest.clone(),
        run: ctx.run.clone(),
        started: ctx.started.to_rfc3339(),
        now: ctx.now.to_rfc3339(),
        stream: stream.name.clone(),
        source: stream.source.clone(),
        plugins: steps.map(|step| (step.plugin.clone(), step.digest.clone())).collect(),
        read: done.read,
        accepted: done.accepted,
        bytes_read: done.bytes,
        columns: fields.iter().map(|field| (field.name().clone(), field.data_type().to_string(), field.is_nullable())).collect(),
        primary_key: primary_key.clone(),
        files: done.files.clone(),
    };
    let folder = ctx.storage.clean().join(&stream.name).join(&ctx.run);
    write(&folder, &manifest).map_err(|source| RunError::File { doing: "write the manifest in", path: folder, source })
}

fn write(folder: &Path, manifest: &CleanManifest) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".manifest-").tempfile_in(folder)?;
    serde_json::to_writer_pretty(&mut file, manifest)?;
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(folder.join("_manifest.json"))?;
    Ok(())
}
