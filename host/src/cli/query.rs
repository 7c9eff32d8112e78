//! `tidegate query`.

use std::path::PathBuf;

use clap::Args;
use futures::TryStreamExt;

use super::{
    Format,
    output::{Failed, print_rows},
};
use crate::{error, flow::launch::warehouse_of};

/// What to ask.
#[derive(Args)]
pub struct QueryArgs {
    /// A SELECT over tables and marts, in DataFusion's dialect for the lake (`show tables` lists them), in PostgreSQL's for PostgreSQL.
    sql: String,
    /// The pipeline file, or its folder, whose warehouse is asked.
    #[arg(long, short, default_value = ".")]
    pipeline: PathBuf,
    /// How to print the rows.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// Asks the warehouse and prints the rows.
pub async fn query(args: &QueryArgs, json: bool) -> Result<u8, Failed> {
    let (_, mut warehouse) = warehouse_of(&args.pipeline).await?;
    let rows = warehouse.query(&args.sql).await?;
    let schema = rows.schema();
    let batches: Vec<_> = rows.try_collect().await.map_err(anyhow::Error::from)?;
    print_rows(&schema, &batches, if json { Format::Json } else { args.format })?;
    Ok(error::OK)
}
