//! One table of a run: found or made, brought into shape and filled; then its rows are settled by its mode. The second part may come much
//! later than the first: rows are filled while they land, and settled once the gate has passed them.

use arrow::datatypes::{Schema, SchemaRef};

use super::{
    PostgresError,
    catalog::Table,
    copy::{Destination, Sent, copy},
    ddl::{self, Fit, Wanted},
    ident::{Ident, TableName, list},
    load::Job,
    merge::{self, Merge, Staging},
    replace::{self, Swap},
    rows::Rows,
    scd2,
};
use crate::{
    config::{Mode, near_miss},
    warehouse::{KeyError, TableLoad, TableResult},
};

/// A table to fill: its name, and the rows for it.
pub(super) struct Filling<'f> {
    pub load: &'f TableLoad,
    pub name: TableName,
    pub key: Vec<Ident>,
    pub rows: Rows,
    pub schema: SchemaRef,
    pub wanted: Vec<Wanted>,
}

impl<'f> Filling<'f> {
    pub fn of(job: &Job<'_>, load: &'f TableLoad, rows: Rows) -> Result<Self, PostgresError> {
        let schema = rows.schema();
        Ok(Self {
            name: TableName { schema: Some(job.schema.clone()), table: Ident::new(&load.name)? },
            key: key(load, &schema)?,
            wanted: ddl::wanted(&load.name, &schema)?,
            load,
            rows,
            schema,
        })
    }
}

/// A table whose rows are in the transaction.
pub(super) struct Filled {
    pub name: TableName,
    pub key: Vec<Ident>,
    pub sent: Sent,
    pub rest: Rest,
}

/// What is left to do with rows that are there.
pub(super) enum Rest {
    /// The table was made for them: it gets its key.
    Key,
    /// Nothing: they were appended.
    Appended,
    /// Nothing: they took the place of others in their table.
    Refilled,
    /// The table that holds them takes the place of the old one.
    Swap(Swap),
    /// They are merged from staging.
    Merge(Merge),
    /// They become the history of their keys from staging.
    History(Staging),
}

/// Brings the rows of a table into the transaction.
pub(super) async fn fill(job: &Job<'_>, load: &TableLoad, rows: Rows) -> Result<Filled, PostgresError> {
    let filling = Filling::of(job, load, rows)?;
    let existing = Table::find(job.client, &filling.name).await?;
    fill_into(job, filling, existing).await
}

/// The same for a table that was looked for.
pub(super) async fn fill_into(job: &Job<'_>, filling: Filling<'_>, existing: Option<Table>) -> Result<Filled, PostgresError> {
    match (existing, filling.load.mode) {
        (existing, Mode::Scd2) => scd2::fill(job, filling, existing).await,
        (None, _) => first(job, filling).await,
        (Some(existing), Mode::Append) => append(job, filling, &existing).await,
        (Some(existing), Mode::Replace) => replace::fill(job, filling, existing).await,
        (Some(existing), Mode::Merge) => merge::fill(job, filling, existing).await,
    }
}

/// Does what is left to do with a table whose rows are there.
pub(super) async fn settle(job: &Job<'_>, load: &TableLoad, filled: Filled) -> Result<TableResult, PostgresError> {
    let Filled { name, key, mut sent, rest } = filled;
    sent.refused.finish()?;
    let result = sent.result(load);
    match rest {
        Rest::Key => {
            if !key.is_empty() {
                checking_keys(job, load, &name, &key, &ddl::add_key(&name, &key)).await?;
            }
            Ok(TableResult { inserted: sent.rows, rows_after: Some(sent.rows), ..result })
        }
        Rest::Appended => Ok(TableResult { inserted: sent.rows, rows_after: count(job, &name).await?, ..result }),
        Rest::Refilled => {
            let note = format!("other objects depend on `{}`: it was filled in its place, readers waited", name.table.name());
            Ok(TableResult { inserted: sent.rows, rows_after: Some(sent.rows), notes: vec![note], ..result })
        }
        Rest::Swap(swap) => {
            swap.settle(job, load, &name, &key).await?;
            Ok(TableResult { inserted: sent.rows, rows_after: Some(sent.rows), ..result })
        }
        Rest::Merge(merge) => merge.settle(job, load, &name, &key, result, sent.rows).await,
        Rest::History(staging) => scd2::settle(job, load, &name, &key, staging, result, sent.rows).await,
    }
}

fn key(table: &TableLoad, schema: &Schema) -> Result<Vec<Ident>, PostgresError> {
    let column = |name: &String| match schema.field_with_name(name) {
        Ok(_) => Ok(Ident::new(name)?),
        Err(_) => {
            let near = near_miss(name, schema.fields().iter().map(|field| field.name().as_str())).map(str::to_owned);
            Err(KeyError::Absent { table: table.name.clone(), column: name.clone(), near }.into())
        }
    };
    table.key.iter().map(column).collect()
}

/// Makes the table and fills it; its key comes when the rows are there.
async fn first(job: &Job<'_>, filling: Filling<'_>) -> Result<Filled, PostgresError> {
    let Filling { load, name, key, rows, wanted, .. } = filling;
    let create = ddl::create(&name, &wanted, &[]);
    let sent = copy(job, load, Destination::made(&name, create), rows, &Fit::whole(&wanted), &key).await?;
    Ok(Filled { name, key, sent, rest: Rest::Key })
}

async fn append(job: &Job<'_>, filling: Filling<'_>, existing: &Table) -> Result<Filled, PostgresError> {
    let fit = ddl::follow(job, &filling, existing, ddl::OldRows::Stay).await?;
    let Filling { load, name, key, rows, .. } = filling;
    let sent = copy(job, load, Destination::there(&name), rows, &fit, &[]).await?;
    Ok(Filled { name, key, sent, rest: Rest::Appended })
}

/// Runs a statement that fails where a key occurs twice in `rows`, and says how often it does.
pub(super) async fn checking_keys(
    job: &Job<'_>,
    load: &TableLoad,
    rows: &TableName,
    key: &[Ident],
    statement: &str,
) -> Result<Vec<tokio_postgres::Row>, PostgresError> {
    let doing = || format!("load the table `{}`", load.name);
    job.execute("savepoint tidegate_key", doing()).await?;
    let error = match job.client.query(statement, &[]).await {
        Ok(rows) => {
            job.execute("release savepoint tidegate_key", doing()).await?;
            return Ok(rows);
        }
        Err(error) => PostgresError::server(doing())(error),
    };
    // A unique violation, or a row that ON CONFLICT would have to change twice.
    if !matches!(error.code(), Some("23505" | "21000")) {
        return Err(error);
    }
    job.execute("rollback to savepoint tidegate_key", doing()).await?;
    let columns = list(key, "");
    let doubles = format!(
        "select count(*), coalesce(sum(n), 0)::bigint from (select count(*) as n from {rows} group by {columns} having count(*) > 1) d"
    );
    let row = job.client.query_one(&doubles, &[]).await.map_err(PostgresError::server(doing()))?;
    let number = |column: usize| u64::try_from(row.get::<_, i64>(column)).unwrap_or(0);
    match number(0) {
        0 => Err(error),
        keys => Err(KeyError::Double { table: load.name.clone(), key: load.key.clone(), keys, rows: number(1) }.into()),
    }
}

/// Tables above this many rows are not counted: it would take a twentieth of the time of merging a tenth as many, and more than a small load.
const COUNTED_ROWS: f32 = 500_000.0;

/// The rows of a table, where it is not too large to count.
pub(super) async fn count(job: &Job<'_>, name: &TableName) -> Result<Option<u64>, PostgresError> {
    let doing = || format!("count the rows of `{}`", name.table.name());
    let estimate = format!("select reltuples from pg_class where oid = {}::regclass", super::ident::literal(&name.to_string()));
    let row = job.client.query_one(&estimate, &[]).await.map_err(PostgresError::server(doing()))?;
    if row.get::<_, f32>(0) > COUNTED_ROWS {
        return Ok(None);
    }
    let row = job.client.query_one(&format!("select count(*) from {name}"), &[]).await.map_err(PostgresError::server(doing()))?;
    Ok(Some(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0)))
}
