//! TimescaleDB, where the extension is in the database: what it adds to a load.

use std::time::{Duration, Instant};

use tokio_postgres::{Client, GenericClient};

use super::{
    PostgresError,
    ident::{Ident, TableName, literal},
};

/// Whether the extension is in the database.
pub(super) async fn is_there(client: &impl GenericClient) -> Result<bool, PostgresError> {
    let row = client
        .query_one("select to_regclass('timescaledb_information.hypertables') is not null", &[])
        .await
        .map_err(PostgresError::server("look for TimescaleDB"))?;
    Ok(row.get(0))
}

/// How long a refresh waits for one of TimescaleDB's own jobs, and how long between two tries.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

/// Whether a table is a hypertable.
pub(super) async fn is_hypertable(client: &impl GenericClient, oid: u32) -> Result<bool, PostgresError> {
    if !is_there(client).await? {
        return Ok(false);
    }
    let statement = "select exists (select from timescaledb_information.hypertables h join pg_namespace n on n.nspname = h.hypertable_schema \
                     join pg_class c on c.relnamespace = n.oid and c.relname = h.hypertable_name where c.oid = $1)";
    let row = client.query_one(statement, &[&oid]).await.map_err(PostgresError::server("look for hypertables"))?;
    Ok(row.get(0))
}

/// Brings the continuous aggregates of a schema up to date: their policies look at the newest rows only, a load may change old ones.
/// Only spans in which something changed are computed. Runs outside of a transaction, as TimescaleDB wants it. Says whether there are any.
///
/// # Why
/// - No refresh reaches further back than the aggregate's policy: behind that, retention may have dropped rows that the aggregate still counts.
/// - In one batch where that can be said (2.22): in batches of ten buckets, what 2.28 does by itself, 20,000 hours took 100 times as long, and
///   half of them show in between.
pub(super) async fn refresh_aggregates(client: &Client, schema: &Ident) -> Result<bool, PostgresError> {
    if !is_there(client).await? {
        return Ok(false);
    }
    let doing = || PostgresError::server("refresh the continuous aggregates");
    let rows = client
        .query(
            "select a.view_name::text, n.nspname::text, 'options' = any(p.proargnames), j.start \
             from timescaledb_information.continuous_aggregates a \
             join pg_extension e on e.extname = 'timescaledb' \
             join pg_namespace n on n.oid = e.extnamespace \
             join pg_proc p on p.pronamespace = n.oid and p.proname = 'refresh_continuous_aggregate' \
             left join lateral ( \
                 select case when bool_and(coalesce(jsonb_typeof(config -> 'start_offset') = 'string', false)) \
                     then (now() - max((config ->> 'start_offset')::interval))::text end as start \
                 from timescaledb_information.jobs \
                 where proc_name = 'policy_refresh_continuous_aggregate' \
                     and hypertable_schema = a.view_schema and hypertable_name = a.view_name \
             ) j on true \
             where a.view_schema = $1 order by 1",
            &[&schema.name()],
        )
        .await
        .map_err(doing())?;
    for row in &rows {
        let view = TableName { schema: Some(schema.clone()), table: Ident::new(row.get(0))? };
        let options = if row.get(2) { ", options => '{\"buckets_per_batch\": 0}'" } else { "" };
        let start = row.get::<_, Option<&str>>(3).map_or_else(|| "null".to_owned(), literal);
        let own = Ident::new(row.get(1))?;
        let statement = format!("call {own}.refresh_continuous_aggregate({}, {start}, null{options})", literal(&view.to_string()));
        let begun = Instant::now();
        // TimescaleDB's own job may be refreshing the same aggregate.
        while let Err(error) = client.batch_execute(&statement).await.map_err(doing()) {
            if error.code() != Some("55P03") || begun.elapsed() > PATIENCE {
                return Err(error);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(!rows.is_empty())
}
