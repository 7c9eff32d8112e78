//! The life of a run: one module per stage, in run order. Stages never import each other; [`run`] reads as one sentence.
//!
//! ```text
//! prepare -> extract -> archive -> transform -> assess -> gate -> load -> refresh -> notify
//! ```
//!
//! What always holds here:
//! - Nothing is visible in the warehouse before the gate passed the whole run.
//! - A held run keeps its clean files, its quarantine and its archive.
//! - A run that died after its gate passed is finished by the next one, from its clean files ([`load::resume`]).
//! - Before the first row is read it is written down what a replay needs of the run beside its pages ([`record`]).

pub mod gate;
pub mod launch;
pub mod load;
pub mod notify;
pub mod prepare;
pub mod preview;
pub mod prune;
pub mod record;
pub mod refresh;
pub mod replay;
pub mod report;

mod assess;
mod check;
mod clean;
mod context;
mod course;
mod error;
mod extract;
mod failure;
mod grant;
mod measures;
mod recorder;
mod stream;
mod window;

use gate::Verdict;
use prepare::StreamWork;
use stream::AssessedStream;

use crate::{
    engine::{SourceRead, Tap},
    warehouse::Warehouse,
};

pub use clean::CleanManifest;
pub use context::{Nobody, RunContext, Stage, StageRetries, Watcher};
pub use course::Course;
pub use error::RunError;
pub use failure::{FailedRun, Failure};
pub use prepare::{Contacts, Plan, Preparation, prepare};
pub use record::{RecordError, RunRecord};
pub use replay::ReplayError;
pub use report::{Outcome, Report};

/// Takes what is new through all stages.
pub async fn run(ctx: &RunContext, plan: &Plan, warehouse: &mut Warehouse) -> Result<Report, RunError> {
    let result = stages(ctx, plan, warehouse).await;
    if result.is_err() {
        // A failed run has no report: how its requests went stands in its log too.
        ctx.tell_requests();
    }
    result
}

async fn stages(ctx: &RunContext, plan: &Plan, warehouse: &mut Warehouse) -> Result<Report, RunError> {
    let mut report = Report::new(ctx, plan, warehouse.place());
    let mut streams = Vec::with_capacity(plan.streams.len());
    let verdict = judge(ctx, plan, Some(&mut *warehouse), &mut streams, &mut report).await?;
    if verdict.holds() {
        warehouse.forget_early();
        return Ok(report.ended(ctx, Outcome::Held));
    }
    report.tables = load::tables(ctx, plan, &streams, &report, warehouse).await?;
    report.marts = refresh::marts(ctx, plan, warehouse).await?;
    Ok(report.ended(ctx, Outcome::Loaded))
}

/// Every stage before the load. `done` keeps the streams that got through, also where a later one fails. Where there is a warehouse, it may
/// take rows while they land.
async fn judge(
    ctx: &RunContext,
    plan: &Plan,
    warehouse: Option<&mut Warehouse>,
    done: &mut Vec<AssessedStream>,
    report: &mut Report,
) -> Result<Verdict, RunError> {
    streams(ctx, plan, warehouse, done).await?;
    let checked = check::across_streams(ctx, plan, done).await?;
    extract::close_archives(ctx, plan, report)?;
    report.add_streams(done);
    ctx.watcher.started(Stage::Gate, "", None);
    let verdict = gate::decide(&plan.policy, report.add_measures(done, checked));
    report.judged(&verdict);
    ctx.watcher.finished(Stage::Gate, "", None);
    Ok(verdict)
}

/// Extract, archive, transform, assess: one stream after another, so that memory is bounded by one stream's operators.
async fn streams(
    ctx: &RunContext,
    plan: &Plan,
    mut warehouse: Option<&mut Warehouse>,
    done: &mut Vec<AssessedStream>,
) -> Result<(), RunError> {
    for stream in &plan.streams {
        let mut tries = 0;
        let assessed = loop {
            match one(ctx, plan, stream, warehouse.as_deref_mut()).await {
                Err(error) if ctx.may_repeat(Stage::Extract, &stream.name, &error, &mut tries).await => {
                    warehouse.iter_mut().for_each(|warehouse| warehouse.forget_early());
                }
                assessed => break assessed?,
            }
        };
        done.push(assessed);
    }
    Ok(())
}

async fn one(ctx: &RunContext, plan: &Plan, stream: &StreamWork, warehouse: Option<&mut Warehouse>) -> Result<AssessedStream, RunError> {
    ctx.course.enter(format!("extract {}", stream.name));
    let read = extract::slices(ctx, plan, stream).await?;
    let bytes = read.as_ref().map(|read| read.slices.iter().filter_map(|slice| slice.bytes).sum());
    ctx.watcher.started(Stage::Extract, &stream.name, bytes);
    let mut assessed = landed(ctx, plan, stream, read, warehouse).await?;
    assessed.cursor = extract::advance(ctx, plan, stream, &assessed).await?;
    clean::describe(ctx, plan, stream, &assessed)?;
    assessed.micros = ctx.course.leave();
    ctx.watcher.finished(Stage::Extract, &stream.name, Some(assessed.accepted));
    Ok(assessed)
}

/// A stream's clean files and measures. Where the warehouse takes rows while they land, it has them too when this ends.
async fn landed(
    ctx: &RunContext,
    plan: &Plan,
    stream: &StreamWork,
    read: Option<SourceRead>,
    mut warehouse: Option<&mut Warehouse>,
) -> Result<AssessedStream, RunError> {
    let (tap, sending) = load::while_landing(ctx, plan, stream, warehouse.as_deref_mut().filter(|_| read.is_some()));
    let landing = async {
        let assessed = assess::stream(ctx, plan, stream, read, tap.clone()).await;
        tap.iter().for_each(Tap::close);
        assessed
    };
    let (assessed, sent) = tokio::join!(landing, sending);
    let assessed = assessed?;
    if let Some(warehouse) = warehouse.filter(|_| sent.is_some_and(|rows| rows != assessed.accepted)) {
        warehouse.forget_early();
    }
    Ok(assessed)
}
