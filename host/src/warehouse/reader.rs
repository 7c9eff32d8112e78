//! A warehouse for those who only look, many at once: what is visible at one moment, and statements over it that run side by side.
//!
//! What always holds here:
//! - A reader sees what was visible when it was opened: the lake at its head's versions, the database as of each statement. Whoever wants to
//!   see later loads asks [`Reader::moved`] and opens it [again](Reader::again). (`tests/suite/web/business`)
//! - Nothing is written: DataFusion plans SELECTs only, PostgreSQL runs them in a transaction that can only read.

use std::{sync::Arc, time::Duration};

use datafusion::{
    arrow::datatypes::{DataType, Schema},
    execution::SendableRecordBatchStream,
    prelude::SessionContext,
};

use super::{
    QueryError, WarehouseError,
    kept::{Kept, Relation, in_place},
    lake::{Head, Lake, LakeError},
    postgres::PostgresReader,
    session::{named_tables, select},
};
use crate::config::{Loaded, WarehouseKind};

/// A warehouse at one moment, for any number of statements.
pub struct Reader {
    place: Place,
    standing: Standing,
    tables: Vec<TableInfo>,
    relations: &'static [Relation],
}

enum Place {
    Lake(Box<LakeReader>),
    Postgres(PostgresReader),
}

struct LakeReader {
    lake: Lake,
    session: SessionContext,
    kept: Arc<Kept>,
}

/// A SELECT, by what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// Tables and marts.
    Tables(String),
    /// The relations that the reader was opened with.
    Relations(String),
}

impl Question {
    /// The statement.
    pub fn sql(&self) -> &str {
        match self {
            Self::Tables(sql) | Self::Relations(sql) => sql,
        }
    }
}

/// How far a pipeline has come in its warehouse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Differs whenever something else is visible: a load, a mart that was made again, also of other pipelines.
    pub stamp: String,
    /// The number of the pipeline's last load: 0 before the first.
    pub sequence: u64,
    /// The run of that load.
    pub run: Option<String>,
}

/// A table or mart that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name, as statements have it.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<ColumnInfo>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: String,
    /// What can be asked of its values.
    pub kind: ColumnKind,
    /// Its type, as the warehouse calls it.
    pub of: String,
}

/// What can be asked of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// Numbers.
    Number,
    /// Days.
    Day,
    /// Instants, or wall-clock times.
    Instant,
    /// True or false.
    Flag,
    /// Anything else; it is shown as text.
    Other,
}

impl Reader {
    /// Opens a pipeline's warehouse as it is now; nothing is written. Statements may read `relations` by their names.
    pub async fn open(loaded: &Loaded, relations: &'static [Relation]) -> Result<Self, WarehouseError> {
        match loaded.pipeline.warehouse.kind {
            WarehouseKind::Lake => {
                let lake = Lake::open(&loaded.storage().lake()).await?;
                Self::of_lake(lake, &loaded.pipeline.name, relations, None).await
            }
            WarehouseKind::Postgres => Self::of_postgres(PostgresReader::open(loaded)?, relations).await,
        }
    }

    /// The same warehouse as it is now.
    pub async fn again(&self, pipeline: &str) -> Result<Self, WarehouseError> {
        match &self.place {
            Place::Lake(known) => Self::of_lake(known.lake.again()?, pipeline, self.relations, Some(known)).await,
            Place::Postgres(postgres) => Self::of_postgres(postgres.clone(), self.relations).await,
        }
    }

    async fn of_lake(
        lake: Lake,
        pipeline: &str,
        relations: &'static [Relation],
        known: Option<&LakeReader>,
    ) -> Result<Self, WarehouseError> {
        let standing = lake_standing(lake.head(), pipeline);
        let session = lake.session(known.map(|known| (known.lake.head(), &known.session))).await?;
        let mut tables = Vec::with_capacity(lake.head().tables.len());
        for name in lake.head().tables.keys() {
            let table = session.table_provider(name.as_str()).await.map_err(QueryError::sql(name)).map_err(LakeError::from)?;
            tables.push(TableInfo { name: name.clone(), columns: columns(&table.schema()) });
        }
        let kept = Kept::at(lake.head(), relations);
        let kept = known.map(|known| &known.kept).filter(|known| known.is_same(&kept)).cloned().unwrap_or_else(|| Arc::new(kept));
        Ok(Self { place: Place::Lake(Box::new(LakeReader { lake, session, kept })), standing, tables, relations })
    }

    async fn of_postgres(postgres: PostgresReader, relations: &'static [Relation]) -> Result<Self, WarehouseError> {
        let standing = postgres.standing().await?;
        let tables = postgres.tables().await?;
        Ok(Self { place: Place::Postgres(postgres), standing, tables, relations })
    }

    /// Whether something else is visible by now.
    pub async fn moved(&self, pipeline: &str) -> Result<bool, WarehouseError> {
        let stamp = match &self.place {
            Place::Lake(reader) => lake_standing(&reader.lake.visible()?, pipeline).stamp,
            Place::Postgres(postgres) => postgres.standing().await?.stamp,
        };
        Ok(stamp != self.standing.stamp)
    }

    /// Whether the answer to a question is the one that it had when `before` was opened, because nothing of what it reads has changed.
    /// A database does not say of a single table whether it changed.
    pub fn agrees(&self, before: &Self, question: &Question) -> bool {
        let (Place::Lake(now), Place::Lake(before)) = (&self.place, &before.place) else { return false };
        let unchanged = |table: &str| now.lake.head().tables.get(table) == before.lake.head().tables.get(table);
        match question {
            Question::Relations(_) => now.kept.is_same(&before.kept),
            Question::Tables(sql) => {
                let named = named_tables(&now.session, sql);
                named.is_some_and(|named| named.iter().all(|name| name.schema().is_none() && unchanged(name.table())))
            }
        }
    }

    /// How far the pipeline had come.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The tables and marts that can be read, by name.
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
    }

    /// One of them.
    pub fn table(&self, name: &str) -> Option<&TableInfo> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Runs one SELECT. Whatever would change something is refused. A database gives it up after `most`; the lake stops when its rows are
    /// not wanted any more.
    pub async fn query(&self, question: &Question, most: Duration) -> Result<SendableRecordBatchStream, WarehouseError> {
        let what = "the query";
        match (&self.place, question) {
            (Place::Lake(reader), _) => {
                let rows = match question {
                    Question::Tables(sql) => select(&reader.session, sql, what).await,
                    Question::Relations(sql) => {
                        let relations = reader.lake.relations(&reader.kept, &reader.session).await?;
                        match select(relations, sql, what).await {
                            // One of them can't be made: over the tables the statement says why.
                            Err(QueryError::UnknownTable { .. }) => select(&reader.session, &in_place(sql, self.relations), what).await,
                            rows => rows,
                        }
                    }
                };
                let rows = rows.map_err(LakeError::from)?;
                Ok(rows.execute_stream().await.map_err(QueryError::sql(what)).map_err(LakeError::from)?)
            }
            (Place::Postgres(postgres), Question::Tables(sql)) => Ok(postgres.query(sql, most).await?),
            (Place::Postgres(postgres), Question::Relations(sql)) => Ok(postgres.query(&in_place(sql, self.relations), most).await?),
        }
    }
}

/// The head is small, so all of it is the stamp: no load and no mart of any pipeline goes unseen.
fn lake_standing(head: &Head, pipeline: &str) -> Standing {
    let run = head.pipelines.get(pipeline).map(|pipeline| pipeline.run.clone());
    let versions = head.tables.iter().map(|(table, version)| format!("{table}={version} "));
    let loads = head.pipelines.iter().map(|(name, pipeline)| format!("{name}#{} ", pipeline.sequence));
    Standing { stamp: versions.chain(loads).collect(), sequence: head.sequence(pipeline), run }
}

fn columns(schema: &Schema) -> Vec<ColumnInfo> {
    let column = |field: &std::sync::Arc<datafusion::arrow::datatypes::Field>| ColumnInfo {
        name: field.name().clone(),
        kind: kind(field.data_type()),
        of: type_name(field.data_type()),
    };
    schema.fields().iter().map(column).collect()
}

fn kind(of: &DataType) -> ColumnKind {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnKind::Text,
        DataType::Date32 | DataType::Date64 => ColumnKind::Day,
        DataType::Timestamp(..) => ColumnKind::Instant,
        DataType::Boolean => ColumnKind::Flag,
        other if other.is_numeric() => ColumnKind::Number,
        DataType::Dictionary(_, values) => kind(values),
        _ => ColumnKind::Other,
    }
}

/// The name of a type as people who write SQL know it.
fn type_name(of: &DataType) -> String {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".into(),
        DataType::Int8 | DataType::Int16 => "smallint".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "bigint".into(),
        DataType::Float32 => "real".into(),
        DataType::Float64 => "double precision".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp with time zone".into(),
        DataType::Timestamp(_, None) => "timestamp".into(),
        DataType::Decimal128(precision, scale) => format!("numeric({precision},{scale})"),
        other => other.to_string(),
    }
}
