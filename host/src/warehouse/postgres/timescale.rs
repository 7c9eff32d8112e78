//! TimescaleDB, where the extension is in the database: what it adds to a load.

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

/// Brings the continuous aggregates of a schema up to date: their policies look at the newest rows only, a load may change old ones.
/// Only spans in which something changed are computed. Runs outside of a transaction, as TimescaleDB wants it.
pub(super) async fn refresh_aggregates(client: &Client, schema: &Ident) -> Result<(), PostgresError> {
    if !is_there(client).await? {
        return Ok(());
    }
    let doing = || PostgresError::server("refresh the continuous aggregates");
    let rows = client
        .query(
            "select view_name::text from timescaledb_information.continuous_aggregates where view_schema = $1 order by 1",
            &[&schema.name()],
        )
        .await
        .map_err(doing())?;
    for row in rows {
        let view = TableName { schema: Some(schema.clone()), table: Ident::new(row.get(0))? };
        let statement = format!("call refresh_continuous_aggregate({}, null, null)", literal(&view.to_string()));
        client.batch_execute(&statement).await.map_err(doing())?;
    }
    Ok(())
}
