//! What `tidegate warehouse` does: prepare a database, look at it, bring tidegate's own tables up to date.

use std::{fs, path::Path};

use serde::Serialize;
use tokio_postgres::Client;

use super::{DEFAULT_SCHEMA, OWN_SCHEMA, PostgresError, address, connect, ident::Ident, own};
use crate::{config::Warehouse as Config, warehouse::AUDIT};

/// What there is in a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The database, without the password.
    pub database: String,
    /// The server's version.
    pub server: String,
    /// Whether the connection is encrypted.
    pub encrypted: bool,
    /// The version of TimescaleDB; none where it is not installed in this database.
    pub timescale: Option<String>,
    /// Whether the server could install TimescaleDB.
    pub timescale_available: bool,
    /// The schema in which tables are made.
    pub schema: String,
    /// Whether the role may make tables in it.
    pub may_create: bool,
    /// The version of tidegate's own tables: 0 where there are none.
    pub version: i32,
    /// The version that this tidegate makes.
    pub newest: i32,
    /// The pipelines that load into it: name, number and run of the last load.
    pub pipelines: Vec<(String, i64, Option<String>)>,
}

/// What `init` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    /// The versions of tidegate's own tables, before and after.
    pub versions: (i32, i32),
    /// The SQL files that were executed.
    pub files: Vec<String>,
    /// Why TimescaleDB's files were not executed, where there are some.
    pub without_timescale: Option<String>,
    /// The role that may read.
    pub reader: Option<String>,
}

/// Looks at a database; nothing is written.
pub async fn look(config: &Config) -> Result<Found, PostgresError> {
    let address = address(config)?;
    let (client, _) = connect::connect(&address).await?;
    let doing = || PostgresError::server("look at the database");
    let schema = schema(config)?;
    let row = client
        .query_one(
            "select current_setting('server_version'), coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false), \
             (select extversion from pg_extension where extname = 'timescaledb'), \
             exists (select from pg_available_extensions where name = 'timescaledb'), \
             coalesce((select has_schema_privilege(oid, 'create') from pg_namespace where nspname = $1), \
             has_database_privilege(current_database(), 'create'))",
            &[&schema.name()],
        )
        .await
        .map_err(doing())?;
    let version = own::version(&client).await?;
    let mut pipelines = Vec::new();
    if version > 0 {
        let rows = client.query("select pipeline, sequence, run from tidegate.pipelines order by 1", &[]).await.map_err(doing())?;
        pipelines.extend(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))));
    }
    Ok(Found {
        database: address.to_string(),
        server: row.get(0),
        encrypted: row.get(1),
        timescale: row.get(2),
        timescale_available: row.get(3),
        schema: schema.name().to_owned(),
        may_create: row.get(4),
        version,
        newest: own::newest(),
        pipelines,
    })
}

/// Brings tidegate's own tables up to date; gives the versions before and after.
pub async fn migrate(config: &Config) -> Result<(i32, i32), PostgresError> {
    let (mut client, _) = connect::connect(&address(config)?).await?;
    own::migrate(&mut client).await
}

/// Makes what a pipeline needs: tidegate's own tables, the schema, the tables of `setup`, what TimescaleDB adds, a role that reads.
/// What is there already stays as it is.
pub async fn init(config: &Config, root: &Path, reader: Option<&str>) -> Result<Made, PostgresError> {
    let reader = reader.map(Ident::new).transpose()?;
    let (mut client, _) = connect::connect(&address(config)?).await?;
    let versions = own::migrate(&mut client).await?;
    let schema = schema(config)?;
    let doing = || PostgresError::server(format!("make the schema `{}`", schema.name()));
    // Whoever may not make schemas can still use one that is there.
    let there = client.query_one("select exists (select from pg_namespace where nspname = $1)", &[&schema.name()]).await.map_err(doing())?;
    if !there.get::<_, bool>(0) {
        client.batch_execute(&format!("create schema {schema}")).await.map_err(doing())?;
    }
    let mut files = execute_all(&mut client, &schema, root, &config.setup).await?;
    let without_timescale = if config.timescale.is_empty() { None } else { lacks_timescale(&client).await? };
    if without_timescale.is_none() {
        files.extend(execute_all(&mut client, &schema, root, &config.timescale).await?);
    }
    if let Some(reader) = &reader {
        let doing = || PostgresError::server(format!("let the role `{}` read", reader.name()));
        let there = client.query_one("select exists (select from pg_roles where rolname = $1)", &[&reader.name()]).await.map_err(doing())?;
        if !there.get::<_, bool>(0) {
            client.batch_execute(&format!("create role {reader} login")).await.map_err(doing())?;
        }
        client.batch_execute(&grant_reading(&schema, reader)).await.map_err(doing())?;
    }
    Ok(Made { versions, files, without_timescale, reader: reader.map(|reader| reader.name().to_owned()) })
}

fn schema(config: &Config) -> Result<Ident, PostgresError> {
    Ok(Ident::new(config.schema.as_deref().unwrap_or(DEFAULT_SCHEMA))?)
}

async fn lacks_timescale(client: &Client) -> Result<Option<String>, PostgresError> {
    let row = client
        .query_one("select exists (select from pg_available_extensions where name = 'timescaledb')", &[])
        .await
        .map_err(PostgresError::server("look for TimescaleDB"))?;
    let there: bool = row.get(0);
    Ok((!there).then(|| "the server has no TimescaleDB: tables stay ordinary ones".to_owned()))
}

/// Executes SQL files, each in a transaction of its own, with the schema as the place of unqualified names. Functions of TimescaleDB are found
/// wherever the extension is.
async fn execute_all(client: &mut Client, schema: &Ident, root: &Path, files: &[std::path::PathBuf]) -> Result<Vec<String>, PostgresError> {
    let mut done = Vec::with_capacity(files.len());
    for file in files {
        let path = root.join(file);
        let sql = fs::read_to_string(&path).map_err(|source| PostgresError::File { path: path.clone(), source })?;
        let doing = || PostgresError::server(format!("execute `{}`", file.display()));
        let transaction = client.transaction().await.map_err(doing())?;
        let own =
            "select n.nspname::text from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'timescaledb'";
        let own = transaction.query_opt(own, &[]).await.map_err(doing())?.map(|row| Ident::new(row.get(0))).transpose()?;
        let own = own.map(|own| format!(", {own}")).unwrap_or_default();
        transaction.batch_execute(&format!("set local search_path = {schema}, public{own}")).await.map_err(doing())?;
        transaction.batch_execute(&sql).await.map_err(doing())?;
        transaction.commit().await.map_err(doing())?;
        done.push(file.display().to_string());
    }
    Ok(done)
}

/// The role may read all tables and marts, all that the role of this connection makes later, and the audit.
fn grant_reading(schema: &Ident, reader: &Ident) -> String {
    format!(
        "grant usage on schema {schema}, {OWN_SCHEMA} to {reader};\n\
         grant select on all tables in schema {schema} to {reader};\n\
         alter default privileges in schema {schema} grant select on tables to {reader};\n\
         grant select on {OWN_SCHEMA}.{AUDIT} to {reader}"
    )
}
