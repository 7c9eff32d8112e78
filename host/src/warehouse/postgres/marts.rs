//! Marts as materialised views: made from the pipeline's SQL, refreshed after a load, made again when their SQL changed.
//!
//! What always holds here: a relation that has a mart's name and is not a mart is left alone, and named.

use sha2::{Digest, Sha256};
use tokio_postgres::Transaction;

use super::{
    Postgres, PostgresError,
    catalog::{MART, comment_on, kind_name},
    ident::{Ident, TableName},
    query::search_path,
    timescale,
};
use crate::warehouse::TableResult;

impl Postgres {
    /// Makes marts again: SELECTs in PostgreSQL's dialect, in order, each seeing those before it. They become visible together.
    pub async fn refresh(&mut self, marts: &[(String, String)]) -> Result<Vec<TableResult>, PostgresError> {
        if self.client.is_closed() {
            self.reconnect().await?;
        }
        let has_aggregates = timescale::refresh_aggregates(&self.client, &self.schema).await?;
        let doing = || PostgresError::server("refresh the marts");
        let transaction = self.client.transaction().await.map_err(doing())?;
        transaction.batch_execute(&search_path(&self.schema)).await.map_err(doing())?;
        let mut results = Vec::with_capacity(marts.len());
        for (name, sql) in marts {
            let view = TableName { schema: Some(self.schema.clone()), table: Ident::new(name)? };
            refresh(&transaction, &view, sql).await?;
            let rows = transaction.query_one(&format!("select count(*) from {view}"), &[]).await.map_err(doing())?.get::<_, i64>(0);
            let rows = u64::try_from(rows).unwrap_or(0);
            results.push(TableResult {
                table: name.clone(),
                rows_in: rows,
                inserted: rows,
                rows_after: Some(rows),
                ..TableResult::default()
            });
        }
        if has_aggregates {
            // Whoever looked in between had the new rows and the old aggregates: another time of the load tells readers to look again.
            let statement = "update tidegate.pipelines set loaded_at = clock_timestamp() where pipeline = $1";
            transaction.execute(statement, &[&self.pipeline]).await.map_err(doing())?;
        }
        transaction.commit().await.map_err(doing())?;
        Ok(results)
    }
}

async fn refresh(transaction: &Transaction<'_>, view: &TableName, sql: &str) -> Result<(), PostgresError> {
    let name = view.table.name();
    let doing = || PostgresError::server(format!("make the mart `{name}`"));
    let comment = format!("{MART}{:x}", Sha256::digest(sql));
    let statement = match found(transaction, view).await? {
        Some(found) if found.kind != 'm' || !found.comment.as_deref().is_some_and(|comment| comment.starts_with(MART)) => {
            return Err(PostgresError::OtherKind { name: name.to_owned(), kind: kind_name(found.kind).to_owned() });
        }
        Some(found) if found.comment.as_deref() == Some(&comment) => format!("refresh materialized view {view}"),
        // Marts that are made of this one come back when it is their turn; anything else that uses it makes this fail.
        Some(found) => {
            for dependent in dependents(transaction, found.oid).await? {
                let statement = format!("drop materialized view if exists {dependent}");
                transaction.batch_execute(&statement).await.map_err(doing())?;
            }
            format!("drop materialized view {view}; {}", make(view, sql, &comment))
        }
        None => make(view, sql, &comment),
    };
    transaction.batch_execute(&statement).await.map_err(doing())
}

/// The SQL may end with a comment, so what follows it begins a line.
fn make(view: &TableName, sql: &str, comment: &str) -> String {
    format!(
        "create materialized view {view} as\n{}\n;\n{}",
        sql.trim_end().trim_end_matches(';'),
        comment_on("materialized view", view, comment)
    )
}

struct Found {
    oid: u32,
    kind: char,
    comment: Option<String>,
}

async fn found(transaction: &Transaction<'_>, view: &TableName) -> Result<Option<Found>, PostgresError> {
    let schema = view.schema.as_ref().map_or("", Ident::name);
    let row = transaction
        .query_opt(
            "select c.oid, c.relkind::text, obj_description(c.oid, 'pg_class') from pg_class c join pg_namespace n on n.oid = c.relnamespace \
             where n.nspname = $1 and c.relname = $2",
            &[&schema, &view.table.name()],
        )
        .await
        .map_err(PostgresError::server(format!("look at the mart `{}`", view.table.name())))?;
    Ok(row.map(|row| Found { oid: row.get(0), kind: row.get::<_, &str>(1).chars().next().unwrap_or(' '), comment: row.get(2) }))
}

/// The marts that are made of a mart, those first on which no other depends.
async fn dependents(transaction: &Transaction<'_>, oid: u32) -> Result<Vec<TableName>, PostgresError> {
    let rows = transaction
        .query(
            "with recursive used (oid, depth) as (select $1::oid, 0 union \
             select r.ev_class, u.depth + 1 from used u join pg_depend d on d.refobjid = u.oid and d.refclassid = 'pg_class'::regclass \
             and d.classid = 'pg_rewrite'::regclass join pg_rewrite r on r.oid = d.objid where r.ev_class <> u.oid) \
             select n.nspname::text, c.relname::text from used u join pg_class c on c.oid = u.oid join pg_namespace n on n.oid = c.relnamespace \
             where u.depth > 0 and c.relkind = 'm' and obj_description(c.oid, 'pg_class') like $2 \
             group by 1, 2 order by max(u.depth) desc",
            &[&oid, &format!("{MART}%")],
        )
        .await
        .map_err(PostgresError::server("look at what depends on a mart"))?;
    let name = |row: &tokio_postgres::Row| Ok(TableName { schema: Some(Ident::new(row.get(0))?), table: Ident::new(row.get(1))? });
    rows.iter().map(name).collect()
}
