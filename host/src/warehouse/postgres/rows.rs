//! The rows of a table: computed by DataFusion over the run's clean streams while they are sent, or as they land.

use arrow::datatypes::SchemaRef;
use datafusion::{execution::SendableRecordBatchStream, prelude::DataFrame};

use super::{PostgresError, load::Job};
use crate::{
    lineage::ORIGIN,
    warehouse::{
        QueryError, TableLoad,
        session::{register_streams, select},
    },
};

/// Rows on their way into a table.
pub(super) enum Rows {
    /// They are computed while they are sent.
    Computed(DataFrame),
    /// They come as they land, without their origin.
    Landing(SendableRecordBatchStream),
}

impl Rows {
    /// The schema of their batches.
    pub fn schema(&self) -> SchemaRef {
        match self {
            Self::Computed(rows) => rows.schema().inner().clone(),
            Self::Landing(rows) => rows.schema(),
        }
    }
}

/// The rows of a table, without their origin. Nothing is read yet.
pub(super) async fn of(job: &Job<'_>, table: &TableLoad) -> Result<Rows, PostgresError> {
    let what = format!("the table `{}`", table.name);
    let ctx = job.sessions.context(job.join);
    register_streams(&ctx, job.root, job.streams)?;
    let rows = match (&table.sql, &table.stream) {
        (Some(sql), _) => select(&ctx, sql, &what).await?,
        (None, stream) => {
            let name = stream.as_deref().unwrap_or_default();
            let there = job.streams.iter().any(|stream| stream.name == name && !stream.files.is_empty());
            if !there {
                return Err(PostgresError::NoStream { table: table.name.clone(), stream: name.to_owned() });
            }
            ctx.table(name).await.map_err(QueryError::sql(&what))?
        }
    };
    let has_origin = rows.schema().has_column_with_unqualified_name(ORIGIN);
    Ok(Rows::Computed(if has_origin { rows.drop_columns(&[ORIGIN]).map_err(QueryError::sql(&what))? } else { rows }))
}
