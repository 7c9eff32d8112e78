//! `tidegate sample`.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::output::{Failed, bytes, columns, count, print_json, talk};
use crate::{error, sample};

/// What to make.
#[derive(Subcommand)]
pub enum SampleCommand {
    /// The nine files of the Brazilian e-commerce data set by Olist, made up: the real layout, its shares and its quirks.
    Olist {
        /// The folder for the files.
        #[arg(long, short)]
        out: PathBuf,
        /// How many orders.
        #[arg(long, default_value_t = 5000)]
        orders: u64,
        /// The same seed makes the same files.
        #[arg(long, default_value_t = 42)]
        seed: u64,
    },
}

/// Makes sample data.
pub fn sample(command: &SampleCommand, as_json: bool) -> Result<u8, Failed> {
    let SampleCommand::Olist { out, orders, seed } = command;
    let plan = sample::Plan { orders: *orders, seed: *seed };
    let summary = sample::write(&plan, out, &mut |_| ()).map_err(anyhow::Error::from)?;
    if as_json {
        let files: Vec<_> = summary.files.iter().map(|file| json!({ "file": file.name, "rows": file.rows, "bytes": file.bytes })).collect();
        print_json(&json!({ "folder": out, "files": files }));
        return Ok(error::OK);
    }
    talk(&format!("made a sample of {} orders in {}", count(*orders), out.display()));
    let rows: Vec<_> = summary.files.iter().map(|file| vec![file.name.to_owned(), count(file.rows), bytes(file.bytes)]).collect();
    columns(&rows, &[1, 2]).iter().for_each(|line| talk(&format!("  {line}")));
    Ok(error::OK)
}
