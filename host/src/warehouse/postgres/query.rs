//! Queries of a person: PostgreSQL's own dialect, in a transaction that can only read.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema, SchemaRef},
    error::ArrowError,
};
use datafusion::{common::DataFusionError, execution::SendableRecordBatchStream, physical_plan::stream::RecordBatchStreamAdapter};
use futures::{Stream, StreamExt, TryStreamExt};
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow, types::Type};

use super::{OWN_SCHEMA, Postgres, PostgresError, ident::Ident};

/// Rows of a batch.
const ROWS: usize = 8192;

impl Postgres {
    /// Runs one SELECT. Numbers and booleans come as such, everything else as PostgreSQL writes it.
    pub async fn query(&mut self, sql: &str) -> Result<SendableRecordBatchStream, PostgresError> {
        let doing = || PostgresError::server("run the query");
        self.client.batch_execute(&format!("begin read only; {}", search_path(&self.schema))).await.map_err(doing())?;
        let (schema, batches) = stream(&self.client, sql).await?;
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, Box::pin(batches))))
    }
}

/// The rows of one SELECT, on a connection that is in a transaction.
pub(super) async fn stream(
    client: &Client,
    sql: &str,
) -> Result<(SchemaRef, impl Stream<Item = datafusion::common::Result<RecordBatch>> + Send + use<>), PostgresError> {
    let doing = || PostgresError::server("run the query");
    // Preparing refuses more than one statement, and tells the types.
    let statement = client.prepare(sql).await.map_err(doing())?;
    let field = |column: &tokio_postgres::Column| Field::new(column.name(), arrow_type(column.type_()), true);
    let schema: SchemaRef = Arc::new(Schema::new(statement.columns().iter().map(field).collect::<Vec<_>>()));
    let rows = client.simple_query_raw(sql).await.map_err(doing())?;
    let rows = rows.try_filter_map(|message| async move {
        Ok(match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        })
    });
    let batches = rows.map_err(failed).try_chunks(ROWS).map({
        let schema = schema.clone();
        move |rows| match rows {
            Ok(rows) => batch(&schema, &rows).map_err(DataFusionError::from),
            Err(error) => Err(error.1),
        }
    });
    Ok((schema, batches))
}

/// Lets the rest of a transaction find tables and marts by their names alone.
pub(super) fn search_path(schema: &Ident) -> String {
    format!("set local search_path = {schema}, {OWN_SCHEMA}, public")
}

fn failed(error: tokio_postgres::Error) -> DataFusionError {
    DataFusionError::External(Box::new(PostgresError::server("run the query")(error)))
}

fn arrow_type(found: &Type) -> DataType {
    match *found {
        Type::INT2 | Type::INT4 | Type::INT8 => DataType::Int64,
        Type::FLOAT4 | Type::FLOAT8 => DataType::Float64,
        Type::BOOL => DataType::Boolean,
        _ => DataType::Utf8,
    }
}

fn batch(schema: &SchemaRef, rows: &[SimpleQueryRow]) -> Result<RecordBatch, ArrowError> {
    let column = |(at, field): (usize, &Arc<Field>)| -> ArrayRef {
        let texts = rows.iter().map(|row| row.get(at));
        match field.data_type() {
            DataType::Int64 => Arc::new(texts.map(|text| text?.parse().ok()).collect::<Int64Array>()),
            DataType::Float64 => Arc::new(texts.map(|text| text?.parse().ok()).collect::<Float64Array>()),
            DataType::Boolean => Arc::new(texts.map(|text| Some(text? == "t")).collect::<BooleanArray>()),
            _ => Arc::new(texts.collect::<StringArray>()),
        }
    };
    RecordBatch::try_new(schema.clone(), schema.fields().iter().enumerate().map(column).collect())
}
