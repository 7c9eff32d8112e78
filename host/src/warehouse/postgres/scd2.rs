//! Slowly changing dimensions of type 2: a row that differs ends the validity of the one before it and begins its own.
//!
//! What always holds here (`tests/suite/postgres/modes.rs`):
//! - Each key has at most one row with `is_current`, and the spans from `valid_from` to `valid_to` of a key do not overlap.
//! - The same rows again change nothing. A second change at the same logical time takes the place of the first: there are no empty spans.
//! - Rows whose key the run does not bring stay as they are.

use super::{
    PostgresError,
    catalog::Table,
    ddl::{self, Fit, OldRows, follow},
    ident::{Ident, TableName, list},
    load::Job,
    merge::{Staging, same_key},
    table::{Filled, Filling, Rest, checking_keys, count},
};
use crate::warehouse::{TableLoad, TableResult};

/// The columns that such a table has beside those of its rows.
const COLUMNS: [&str; 3] = ["\"valid_from\" timestamptz not null", "\"valid_to\" timestamptz", "\"is_current\" boolean not null"];

pub(super) async fn fill(job: &Job<'_>, filling: Filling<'_>, existing: Option<Table>) -> Result<Filled, PostgresError> {
    let fit = match existing {
        Some(existing) => follow(job, &filling, &existing, OldRows::Stay).await?,
        None => {
            make(job, &filling.name, &filling.wanted, &filling.key).await?;
            Fit::whole(&filling.wanted)
        }
    };
    let Filling { load, name, key, rows, .. } = filling;
    let (staging, sent) = Staging::fill(job, load, &fit, &key, rows).await?;
    Ok(Filled { name, key, sent, rest: Rest::History(staging) })
}

/// Writes what is in staging into the history. `result` is what is known of the table so far, `rows` how many there are in staging.
pub(super) async fn settle(
    job: &Job<'_>,
    load: &TableLoad,
    name: &TableName,
    key: &[Ident],
    staging: Staging,
    result: TableResult,
    rows: u64,
) -> Result<TableResult, PostgresError> {
    let unique = format!("create unique index on {} ({})", staging.name(), list(key, ""));
    checking_keys(job, load, staging.name(), key, &unique).await?;
    let (inserted, updated) = History { job, target: name, staging: &staging, key, columns: staging.columns() }.write().await?;
    staging.drop(job).await?;
    Ok(TableResult { inserted, updated, unchanged: rows.saturating_sub(inserted + updated), rows_after: count(job, name).await?, ..result })
}

async fn make(job: &Job<'_>, name: &TableName, wanted: &[ddl::Wanted], key: &[Ident]) -> Result<(), PostgresError> {
    let doing = || format!("make the table `{}`", name.table.name());
    job.execute(&ddl::create(name, wanted, &COLUMNS), doing()).await?;
    let statement = format!("alter table {name} add primary key ({}, \"valid_from\")", list(key, ""));
    job.execute(&statement, doing()).await?;
    job.execute(&format!("create unique index on {name} ({}) where \"is_current\"", list(key, "")), doing()).await?;
    Ok(())
}

struct History<'h> {
    job: &'h Job<'h>,
    target: &'h TableName,
    staging: &'h Staging,
    key: &'h [Ident],
    columns: &'h [Ident],
}

impl History<'_> {
    /// Ends and begins rows; gives how many keys are new and how many changed.
    async fn write(&self) -> Result<(u64, u64), PostgresError> {
        let Self { job, target, staging, key, columns } = self;
        let (staging, same, as_of) = (staging.name(), same_key(key), job.as_of);
        let doing = || format!("load the table `{}`", target.table.name());
        let values: Vec<&Ident> = columns.iter().filter(|column| !key.contains(column)).collect();
        let (mut replaced, mut closed) = (0, 0);
        if !values.is_empty() {
            let differs = format!("({}) is distinct from ({})", list(values.iter().copied(), "t."), list(values.iter().copied(), "s."));
            let set = values.iter().map(|name| format!("{name} = s.{name}")).collect::<Vec<_>>().join(", ");
            let place = format!("from {staging} s where {same} and t.\"is_current\" and {differs}");
            let replace = format!("update {target} t set {set} {place} and t.\"valid_from\" >= $1");
            replaced = job.client.execute(&replace, &[&as_of]).await.map_err(PostgresError::server(doing()))?;
            let close = format!("update {target} t set \"valid_to\" = $1, \"is_current\" = false {place}");
            closed = job.client.execute(&close, &[&as_of]).await.map_err(PostgresError::server(doing()))?;
        }
        let names = list(*columns, "");
        let begin = format!(
            "insert into {target} ({names}, \"valid_from\", \"valid_to\", \"is_current\") select {names}, $1, null, true from {staging} s \
             where not exists (select from {target} t where {same} and t.\"is_current\")"
        );
        let begun = job.client.execute(&begin, &[&as_of]).await.map_err(PostgresError::server(doing()))?;
        Ok((begun.saturating_sub(closed), replaced + closed))
    }
}
