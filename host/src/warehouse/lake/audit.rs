//! The table `ingest_audit`: a row for each stream of a run and one for each table it loaded.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::arrow::{
    array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    error::ArrowError,
};

use crate::warehouse::{AuditRow, Load, TableResult};

/// What `ingest_audit` says of a load that ended at `finished`.
pub(super) fn rows(load: &Load, results: &[TableResult], finished: DateTime<Utc>) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<AuditRow> = load.audit.iter().cloned().chain(results.iter().map(|result| table_row(load, result))).collect();
    let text = |of: fn(&AuditRow) -> Option<&str>| Arc::new(rows.iter().map(of).collect::<StringArray>()) as ArrayRef;
    let count = |of: fn(&AuditRow) -> Option<u64>| {
        let values = rows.iter().map(|row| of(row).map(|count| i64::try_from(count).unwrap_or(i64::MAX)));
        Arc::new(values.collect::<Int64Array>()) as ArrayRef
    };
    let same = |value: &str| Arc::new(StringArray::from_iter_values(rows.iter().map(|_| value))) as ArrayRef;
    let time = |of: &dyn Fn(&AuditRow) -> DateTime<Utc>| {
        let micros = rows.iter().map(|row| of(row).timestamp_micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC")) as ArrayRef
    };
    let sequence = i64::try_from(load.sequence).unwrap_or(i64::MAX);
    RecordBatch::try_from_iter_with_nullable(vec![
        ("run", same(&load.run), true),
        ("pipeline", same(&load.pipeline), true),
        ("sequence", Arc::new(Int64Array::from(vec![sequence; rows.len()])) as ArrayRef, true),
        ("stream", text(|row| row.stream.as_deref()), true),
        ("table", text(|row| row.table.as_deref()), true),
        ("rows_read", count(|row| row.rows_read), true),
        ("rows_accepted", count(|row| row.rows_accepted), true),
        ("rows_quarantined", count(|row| row.rows_quarantined), true),
        ("rows_loaded", count(|row| row.rows_loaded), true),
        ("bytes_read", count(|row| row.bytes_read), true),
        ("started_at", time(&|row| row.started_at), true),
        ("finished_at", time(&|_| finished), true),
        ("overall_score", Arc::new(rows.iter().map(|row| row.overall_score).collect::<Float64Array>()) as ArrayRef, true),
        ("verdict", text(|row| Some(&row.verdict)), true),
        ("plugin_digests", text(|row| Some(&row.plugin_digests)), true),
        ("scores", text(|row| Some(&row.scores)), true),
        ("timings", text(|row| Some(&row.timings)), true),
        ("replayed", text(|row| Some(row.replayed.as_str()).filter(|runs| !runs.is_empty())), true),
    ])
}

/// A table's row: what it shares with the run's other rows, and what was loaded.
fn table_row(load: &Load, result: &TableResult) -> AuditRow {
    let shared = load.audit.first().cloned().unwrap_or_default();
    AuditRow {
        table: Some(result.table.clone()),
        rows_accepted: Some(result.rows_in),
        rows_loaded: Some(result.inserted + result.updated),
        started_at: shared.started_at,
        verdict: shared.verdict,
        plugin_digests: shared.plugin_digests,
        timings: shared.timings,
        replayed: shared.replayed,
        ..AuditRow::default()
    }
}
