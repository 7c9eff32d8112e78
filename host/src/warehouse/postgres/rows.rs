//! The rows of a table, computed by DataFusion over the run's clean streams while they are sent.

use datafusion::prelude::DataFrame;

use super::{PostgresError, load::Job};
use crate::{
    lineage::ORIGIN,
    warehouse::{
        QueryError, TableLoad,
        session::{register_streams, select},
    },
};

/// The rows of a table, without their origin. Nothing is read yet.
pub(super) async fn of(job: &Job<'_>, table: &TableLoad) -> Result<DataFrame, PostgresError> {
    let what = format!("the table `{}`", table.name);
    let ctx = job.sessions.context(job.join);
    register_streams(&ctx, job.root, &job.load.streams)?;
    let rows = match (&table.sql, &table.stream) {
        (Some(sql), _) => select(&ctx, sql, &what).await?,
        (None, stream) => {
            let name = stream.as_deref().unwrap_or_default();
            let there = job.load.streams.iter().any(|stream| stream.name == name && !stream.files.is_empty());
            if !there {
                return Err(PostgresError::NoStream { table: table.name.clone(), stream: name.to_owned() });
            }
            ctx.table(name).await.map_err(QueryError::sql(&what))?
        }
    };
    let has_origin = rows.schema().has_column_with_unqualified_name(ORIGIN);
    Ok(if has_origin { rows.drop_columns(&[ORIGIN]).map_err(QueryError::sql(&what))? } else { rows })
}
