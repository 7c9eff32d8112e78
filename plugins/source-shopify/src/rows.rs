//! Records become rows. A record that does not fit becomes an unread one, and the rest goes on.

use std::sync::Arc;

use serde_json::Value;
use tidegate_sdk::{
    Dimension, Origin, RecordBatch, Result, Schema, SchemaRef, Unread,
    arrow_array::{
        ArrayRef,
        builder::{BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder},
    },
};

use crate::{
    column::{Cell, Column, Kind, MONEY_SCALE},
    config::Api,
};

/// One record of a stream, as the shop sent it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The page it stands on, and its number there.
    pub origin: Origin,
    /// The record.
    pub value: Value,
    /// The object that it is nested in.
    pub parent: Option<Arc<Value>>,
}

/// The rows of one batch, growing.
pub struct Rows {
    columns: &'static [Column],
    api: Api,
    schema: SchemaRef,
    builders: Vec<Builder>,
    origins: Vec<u64>,
    unread: Vec<Unread>,
}

/// The declared schema of these columns, without the origin.
pub fn schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(Column::field).collect::<Vec<_>>()))
}

impl Rows {
    /// No rows yet.
    pub fn new(columns: &'static [Column], api: Api) -> Self {
        let builders = columns.iter().map(|column| Builder::new(column.kind)).collect();
        Self { columns, api, schema: schema(columns), builders, origins: Vec::new(), unread: Vec::new() }
    }

    /// Adds a record.
    pub fn push(&mut self, record: &Record) {
        let parent = record.parent.as_deref();
        let cells: Result<Vec<_>, String> = self.columns.iter().map(|column| column.cell(self.api, &record.value, parent)).collect();
        match cells {
            Ok(cells) => {
                self.origins.push(record.origin.to_u64());
                self.builders.iter_mut().zip(cells).for_each(|(builder, cell)| builder.push(cell));
            }
            Err(reason) => self.unread.push(Unread {
                origin: record.origin,
                rule: "bad-value".to_owned(),
                dimension: Dimension::Validity,
                reason,
                raw: record.value.to_string(),
            }),
        }
    }

    /// The rows, none where there are none, and what could not be read.
    pub fn finish(mut self) -> Result<(Option<RecordBatch>, Vec<Unread>)> {
        if self.origins.is_empty() {
            return Ok((None, self.unread));
        }
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        Ok((Some(Origin::attach(&self.schema, columns, self.origins)?), self.unread))
    }
}

enum Builder {
    Integer(Int64Builder),
    Text(StringBuilder),
    Boolean(BooleanBuilder),
    Money(Decimal128Builder),
    Time(TimestampMicrosecondBuilder),
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Key | Kind::Id | Kind::Integer => Self::Integer(Int64Builder::new()),
            Kind::Text | Kind::Word | Kind::Words => Self::Text(StringBuilder::new()),
            Kind::Boolean => Self::Boolean(BooleanBuilder::new()),
            Kind::Money => {
                let builder = Decimal128Builder::new().with_precision_and_scale(38, MONEY_SCALE);
                Self::Money(builder.expect("38 digits, 4 of them behind the point, are a decimal"))
            }
            Kind::Time => Self::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
        }
    }

    fn push(&mut self, cell: Cell) {
        match (self, cell) {
            (Self::Integer(builder), Cell::Integer(value)) => builder.append_value(value),
            (Self::Integer(builder), _) => builder.append_null(),
            (Self::Text(builder), Cell::Text(value)) => builder.append_value(value),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Boolean(builder), Cell::Boolean(value)) => builder.append_value(value),
            (Self::Boolean(builder), _) => builder.append_null(),
            (Self::Money(builder), Cell::Money(value)) => builder.append_value(value),
            (Self::Money(builder), _) => builder.append_null(),
            (Self::Time(builder), Cell::Integer(value)) => builder.append_value(value),
            (Self::Time(builder), _) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Integer(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Money(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
        }
    }
}
