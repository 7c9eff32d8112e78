//! `tidegate warehouse`: prepare a pipeline's database, look at it, bring tidegate's own tables up to date.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::output::{Failed, columns, print_json, say};
use crate::{
    config::{self, Loaded, WarehouseKind},
    error,
    warehouse::{WarehouseError, postgres::setup},
};

/// What to do.
#[derive(Subcommand)]
pub enum WarehouseCommand {
    /// Make what the pipeline needs: tidegate's own tables, the schema, the tables of `setup`. What is there stays as it is.
    Init(InitArgs),
    /// Say what there is: server, privileges, versions, pipelines. Changes nothing.
    Check(PlaceArgs),
    /// Bring tidegate's own tables up to date. A run does it too.
    Migrate(PlaceArgs),
}

/// Whose database.
#[derive(Args)]
pub struct PlaceArgs {
    /// The pipeline file, or its folder.
    #[arg(default_value = ".")]
    pipeline: PathBuf,
}

/// What to make.
#[derive(Args)]
pub struct InitArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Let this role read tables, marts and the audit, now and later; it is made where it is not there.
    #[arg(long, value_name = "ROLE")]
    read_role: Option<String>,
}

/// Runs one of the commands.
pub async fn warehouse(command: &WarehouseCommand, json: bool) -> Result<u8, Failed> {
    match command {
        WarehouseCommand::Init(args) => init(args, json).await,
        WarehouseCommand::Check(args) => check(&args.pipeline, json).await,
        WarehouseCommand::Migrate(args) => migrate(&args.pipeline, json).await,
    }
}

async fn init(args: &InitArgs, json: bool) -> Result<u8, Failed> {
    let Some(loaded) = database_of(&args.place.pipeline)? else { return Ok(nothing_to_do(json)) };
    let made = setup::init(&loaded.pipeline.warehouse, &loaded.root, args.read_role.as_deref()).await.map_err(WarehouseError::from)?;
    if json {
        print_json(&made);
        return Ok(error::OK);
    }
    say(&migrated(made.versions));
    for file in &made.files {
        say(&format!("executed {file}"));
    }
    if let Some(why) = &made.without_timescale {
        say(why);
    }
    if let Some(reader) = &made.reader {
        say(&format!("{reader} may read; give it a password with `\\password {reader}` in psql"));
    }
    Ok(error::OK)
}

async fn check(pipeline: &Path, json: bool) -> Result<u8, Failed> {
    let Some(loaded) = database_of(pipeline)? else { return Ok(nothing_to_do(json)) };
    let found = setup::look(&loaded.pipeline.warehouse).await.map_err(WarehouseError::from)?;
    if json {
        print_json(&found);
        return Ok(error::OK);
    }
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let timescale = match (&found.timescale, found.timescale_available) {
        (Some(version), _) => version.clone(),
        (None, true) => "available; `tidegate warehouse init` installs it where the pipeline has files for it".to_owned(),
        (None, false) => "not on this server".to_owned(),
    };
    let own = match found.version {
        0 => "none yet; the first run makes them".to_owned(),
        version if version < found.newest => format!("version {version} of {}; the next run brings them up to date", found.newest),
        version => format!("version {version}"),
    };
    let rows = [
        ("database", found.database),
        ("server", found.server),
        ("encrypted", yes(found.encrypted)),
        ("TimescaleDB", timescale),
        ("schema", format!("{}, may make tables in it: {}", found.schema, yes(found.may_create))),
        ("tidegate's own tables", own),
    ];
    let rows: Vec<_> = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    columns(&rows, &[]).iter().for_each(|line| say(line));
    for (pipeline, sequence, run) in &found.pipelines {
        say(&format!("pipeline {pipeline}: {sequence} loads, the last one by run {}", run.as_deref().unwrap_or("none")));
    }
    Ok(error::OK)
}

async fn migrate(pipeline: &Path, json: bool) -> Result<u8, Failed> {
    let Some(loaded) = database_of(pipeline)? else { return Ok(nothing_to_do(json)) };
    let versions = setup::migrate(&loaded.pipeline.warehouse).await.map_err(WarehouseError::from)?;
    if json {
        print_json(&serde_json::json!({ "from": versions.0, "to": versions.1 }));
    } else {
        say(&migrated(versions));
    }
    Ok(error::OK)
}

fn migrated((from, to): (i32, i32)) -> String {
    if from == to {
        format!("tidegate's own tables are up to date (version {to})")
    } else {
        format!("tidegate's own tables: version {from} -> {to}")
    }
}

/// The pipeline, where it loads into a database.
fn database_of(pipeline: &Path) -> Result<Option<Loaded>, Failed> {
    let loaded = config::load(pipeline)?;
    Ok((loaded.pipeline.warehouse.kind == WarehouseKind::Postgres).then_some(loaded))
}

fn nothing_to_do(json: bool) -> u8 {
    if json {
        print_json(&serde_json::json!({ "kind": "lake" }));
    } else {
        say("the pipeline loads into the embedded lake, which needs no preparation");
    }
    error::OK
}
