//! `tidegate.ingest_audit`: a row for each stream of a run and one for each table that it loaded, in the transaction that loads them.

use chrono::Utc;
use tokio_postgres::GenericClient;

use super::PostgresError;
use crate::warehouse::{AuditRow, Load, TableResult};

const INSERT: &str = "insert into tidegate.ingest_audit (pipeline, sequence, run, stream, \"table\", mode, rows_read, rows_accepted, \
                      rows_quarantined, rows_loaded, rows_refused, bytes_read, started_at, finished_at, timings, overall_score, scores, \
                      verdict, plugin_digests, error, replayed) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
                      nullif($15::text, '')::jsonb, $16, nullif($17::text, '')::jsonb, $18, nullif($19::text, '')::jsonb, $20, nullif($21::text, '')::jsonb)";

/// Writes the audit rows of a load.
pub(super) async fn write(client: &impl GenericClient, load: &Load, results: &[TableResult]) -> Result<(), PostgresError> {
    let doing = || PostgresError::server("write the audit");
    let insert = client.prepare(INSERT).await.map_err(doing())?;
    let sequence = count(load.sequence);
    let finished = Utc::now();
    let streams = load.audit.iter().map(|row| (row.clone(), None));
    let tables = results.iter().map(|result| (table_row(load, result), Some(result)));
    for (row, table) in streams.chain(tables) {
        let error = table.filter(|table| !table.notes.is_empty()).map(|table| table.notes.join("; "));
        client
            .execute(
                &insert,
                &[
                    &load.pipeline,
                    &sequence,
                    &load.run,
                    &row.stream,
                    &row.table,
                    &table.map(|table| table.mode.name()),
                    &row.rows_read.map(count),
                    &row.rows_accepted.map(count),
                    &row.rows_quarantined.map(count),
                    &row.rows_loaded.map(count),
                    &table.map(|table| count(table.refused)),
                    &row.bytes_read.map(count),
                    &row.started_at,
                    &finished,
                    &row.timings,
                    &row.overall_score,
                    &row.scores,
                    &row.verdict,
                    &row.plugin_digests,
                    &error,
                    &row.replayed,
                ],
            )
            .await
            .map_err(doing())?;
    }
    Ok(())
}

fn table_row(load: &Load, result: &TableResult) -> AuditRow {
    let shared = load.audit.first().cloned().unwrap_or_default();
    AuditRow {
        stream: None,
        table: Some(result.table.clone()),
        rows_accepted: Some(result.rows_in - result.refused),
        rows_loaded: Some(result.inserted + result.updated),
        rows_read: None,
        rows_quarantined: None,
        bytes_read: None,
        overall_score: None,
        scores: String::new(),
        ..shared
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
