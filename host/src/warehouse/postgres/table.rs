//! One table of a run: found or made, brought into shape, and filled by its mode.

use arrow::datatypes::Schema;
use datafusion::prelude::DataFrame;

use super::{
    PostgresError,
    catalog::Table,
    copy::{Destination, copy},
    ddl::{self, Fit, Wanted},
    ident::{Ident, TableName, list},
    load::Job,
    merge, replace, rows, scd2,
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
    pub rows: DataFrame,
    pub schema: Schema,
    pub wanted: Vec<Wanted>,
}

/// Loads one table.
pub(super) async fn load(job: &Job<'_>, table: &TableLoad) -> Result<TableResult, PostgresError> {
    let rows = rows::of(job, table).await?;
    let schema = rows.schema().as_arrow().clone();
    let filling = Filling {
        load: table,
        name: TableName { schema: Some(job.schema.clone()), table: Ident::new(&table.name)? },
        key: key(table, &schema)?,
        wanted: ddl::wanted(&table.name, &schema)?,
        rows,
        schema,
    };
    let existing = Table::find(job.transaction, &filling.name).await?;
    match (existing, table.mode) {
        (existing, Mode::Scd2) => scd2::load(job, filling, existing).await,
        (None, _) => first(job, filling).await,
        (Some(existing), Mode::Append) => append(job, filling, &existing).await,
        (Some(existing), Mode::Replace) => replace::load(job, filling, &existing).await,
        (Some(existing), Mode::Merge) => merge::load(job, filling, &existing).await,
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

/// Makes the table, fills it, and adds its key when the rows are there.
async fn first(job: &Job<'_>, filling: Filling<'_>) -> Result<TableResult, PostgresError> {
    let Filling { load, name, key, rows, wanted, .. } = filling;
    let create = ddl::create(&name, &wanted, &[]);
    let sent = copy(job, load, Destination::made(&name, create), rows, &Fit::whole(&wanted), &key).await?;
    if !key.is_empty() {
        checking_keys(job, load, &name, &key, &ddl::add_key(&name, &key)).await?;
    }
    let result = TableResult { inserted: sent.rows, rows_after: Some(sent.rows), ..sent.result(load) };
    Ok(result)
}

async fn append(job: &Job<'_>, filling: Filling<'_>, existing: &Table) -> Result<TableResult, PostgresError> {
    let fit = ddl::follow(job, &filling, existing, ddl::OldRows::Stay).await?;
    let Filling { load, name, rows, .. } = filling;
    let sent = copy(job, load, Destination::there(&name), rows, &fit, &[]).await?;
    let result = TableResult { inserted: sent.rows, rows_after: count(job, &name).await?, ..sent.result(load) };
    Ok(result)
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
    let error = match job.transaction.query(statement, &[]).await {
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
    let row = job.transaction.query_one(&doubles, &[]).await.map_err(PostgresError::server(doing()))?;
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
    let row = job.transaction.query_one(&estimate, &[]).await.map_err(PostgresError::server(doing()))?;
    if row.get::<_, f32>(0) > COUNTED_ROWS {
        return Ok(None);
    }
    let row = job.transaction.query_one(&format!("select count(*) from {name}"), &[]).await.map_err(PostgresError::server(doing()))?;
    Ok(Some(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0)))
}
