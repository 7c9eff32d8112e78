//! The life of a run: one module per stage, in run order. Stages never import each other; [`run`] reads as one sentence.
//!
//! ```text
//! prepare -> extract -> archive -> transform -> assess -> gate -> load -> refresh
//! ```
//!
//! What always holds here:
//! - Nothing reaches the warehouse before the gate passed the whole run.
//! - A held run keeps its clean files, its quarantine and its archive.
//! - A run that died after its gate passed is finished by the next one, from its clean files ([`load::resume`]).

pub mod gate;
pub mod launch;
pub mod load;
pub mod prepare;
pub mod preview;
pub mod refresh;
pub mod report;

mod assess;
mod check;
mod clean;
mod context;
mod error;
mod extract;
mod measures;
mod stream;

use std::time::Instant;

use stream::AssessedStream;

pub use clean::CleanManifest;
pub use context::{RunContext, Stage, Watcher};
pub use error::RunError;
pub use prepare::{Plan, Preparation, prepare};
pub use report::{Outcome, Report};

/// Takes what is new through all stages.
pub async fn run(ctx: &RunContext, plan: &Plan) -> Result<Report, RunError> {
    let mut report = Report::new(ctx, plan, ctx.warehouse.lock().await.place());
    let streams = streams(ctx, plan).await?;
    let checked = check::across_streams(ctx, plan, &streams).await?;
    extract::close_archives(ctx, plan, &mut report)?;
    report.add_streams(&streams);
    let verdict = gate::decide(&plan.policy, report.add_measures(&streams, checked));
    report.judged(&verdict);
    if verdict.holds() {
        return Ok(report.ended(ctx, Outcome::Held));
    }
    report.tables = load::tables(ctx, plan, &streams, &report).await?;
    report.marts = refresh::marts(ctx, plan).await?;
    Ok(report.ended(ctx, Outcome::Loaded))
}

/// Extract, archive, transform, assess: one stream after another, so that memory is bounded by one stream's operators.
async fn streams(ctx: &RunContext, plan: &Plan) -> Result<Vec<AssessedStream>, RunError> {
    let mut done = Vec::with_capacity(plan.streams.len());
    for stream in &plan.streams {
        let started = Instant::now();
        let read = extract::slices(ctx, plan, stream).await?;
        let bytes = read.as_ref().map(|read| read.slices.iter().filter_map(|slice| slice.bytes).sum());
        ctx.watcher.started(Stage::Extract, &stream.name, bytes);
        let mut assessed = assess::stream(ctx, plan, stream, read).await?;
        assessed.cursor = extract::advance(ctx, plan, stream, &assessed).await?;
        clean::describe(ctx, plan, stream, &assessed)?;
        assessed.micros = ctx.took(format!("extract {}", stream.name), started);
        ctx.watcher.finished(Stage::Extract, &stream.name);
        done.push(assessed);
    }
    Ok(done)
}
