//! `tidegate quarantine`: rejected rows, to look at or to export.

use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use clap::Args;
use datafusion::{
    common::DataFusionError,
    functions_aggregate::expr_fn::count,
    prelude::{DataFrame, ParquetReadOptions, SessionContext, col, lit},
};

use super::{
    Format,
    output::{Failed, print_rows, say, talk},
};
use crate::{config, error};

/// Which rows.
#[derive(Args)]
pub struct QuarantineArgs {
    /// The pipeline file, or its folder.
    #[arg(default_value = ".")]
    pipeline: PathBuf,
    /// The run; the newest one that rejected rows by default.
    #[arg(long)]
    run: Option<String>,
    /// Only rows of this stream.
    #[arg(long)]
    stream: Option<String>,
    /// Only rows that this rule rejected.
    #[arg(long)]
    rule: Option<String>,
    /// Show the rows themselves, this many at most.
    #[arg(long, short = 'n')]
    rows: Option<usize>,
    /// Print all rows in this format.
    #[arg(long, value_enum)]
    export: Option<Format>,
}

/// Shows counts by rule, or the rows.
pub async fn quarantine(args: &QuarantineArgs, json: bool) -> Result<u8, Failed> {
    let storage = config::load(&args.pipeline)?.storage();
    let Some(folder) = folder(&storage.quarantine(), args.run.as_deref())? else {
        say("no rejected rows");
        return Ok(error::OK);
    };
    talk(&format!("{}", folder.display()));
    let mut rows = frame(&folder).await?;
    if let Some(stream) = &args.stream {
        rows = rows.filter(col("stream").eq(lit(stream.as_str()))).map_err(anyhow::Error::from)?;
    }
    if let Some(rule) = &args.rule {
        rows = rows.filter(col("rule").eq(lit(rule.as_str()))).map_err(anyhow::Error::from)?;
    }
    let wanted = args.rows.is_some() || args.export.is_some();
    let rows = if wanted { ordered(rows, args.rows) } else { by_rule(rows) }.map_err(anyhow::Error::from)?;
    let format = if json { Format::Json } else { args.export.unwrap_or(Format::Table) };
    let schema = std::sync::Arc::new(rows.schema().as_arrow().clone());
    let batches = rows.collect().await.map_err(anyhow::Error::from)?;
    print_rows(&schema, &batches, format)?;
    Ok(error::OK)
}

/// Lines that count the rejected rows of a run by rule; none where there are none.
pub async fn counts(folder: &Path) -> Result<Vec<String>, Failed> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let found = by_rule(frame(folder).await?).map_err(anyhow::Error::from)?.collect().await.map_err(anyhow::Error::from)?;
    let mut lines = Vec::new();
    for batch in &found {
        let text = |name: &str| batch.column_by_name(name).map(|column| column.as_string::<i32>().clone());
        let rows = batch.column_by_name("rows").map(|column| column.as_primitive::<arrow::datatypes::Int64Type>().clone());
        if let (Some(rules), Some(reasons), Some(rows)) = (text("rule"), text("reason"), rows) {
            lines.extend((0..batch.num_rows()).map(|i| format!("rejected {}: {} ({})", rows.value(i), rules.value(i), reasons.value(i))));
        }
    }
    Ok(lines)
}

/// The folder of a run, or of the newest one.
fn folder(root: &Path, run: Option<&str>) -> Result<Option<PathBuf>, Failed> {
    if let Some(run) = run {
        let folder = root.join(run);
        if !folder.is_dir() {
            return Err(anyhow::anyhow!("run `{run}` rejected no rows, or there is no such run; `tidegate runs` lists them").into());
        }
        return Ok(Some(folder));
    }
    let mut folders: Vec<PathBuf> = match std::fs::read_dir(root) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    folders.sort();
    Ok(folders.pop())
}

async fn frame(folder: &Path) -> Result<DataFrame, Failed> {
    let mut config = datafusion::prelude::SessionConfig::new();
    config.options_mut().execution.parquet.schema_force_view_types = false;
    let session = SessionContext::new_with_config(config);
    Ok(session.read_parquet(folder.to_string_lossy().into_owned(), ParquetReadOptions::default()).await.map_err(anyhow::Error::from)?)
}

fn by_rule(rows: DataFrame) -> Result<DataFrame, DataFusionError> {
    let groups = ["stream", "plugin", "rule", "dimension", "reason"].map(col).to_vec();
    rows.aggregate(groups, vec![count(lit(1)).alias("rows")])?.sort(vec![
        col("rows").sort(false, false),
        col("stream").sort(true, false),
        col("rule").sort(true, false),
    ])
}

fn ordered(rows: DataFrame, limit: Option<usize>) -> Result<DataFrame, DataFusionError> {
    rows.sort(["stream", "file", "record"].map(|name| col(name).sort(true, false)).to_vec())?.limit(0, limit)
}
