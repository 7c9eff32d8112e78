//! The schemas of what a run wrote, and where columns come from: from the clean files that it left and the pipeline's SQL. Nothing is kept of
//! this during a run; it is asked for when somebody wants lineage.

use std::{collections::BTreeMap, fs, path::Path};

use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use super::columns::{Origins, origins};
use crate::{
    config::{Loaded, bind},
    flow::Report,
    lineage::ORIGIN,
    warehouse::plan_sql,
};

/// The shape of rows: their schema and the origins of each column.
type Shape = (SchemaRef, Vec<Origins>);

/// The shapes of what a run wrote. What can't be found out is not there.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    /// The clean streams.
    pub streams: Vec<(String, SchemaRef)>,
    /// The tables; their columns come from clean streams.
    pub tables: BTreeMap<String, Shape>,
    /// The marts; their columns come from tables and other marts.
    pub marts: BTreeMap<String, Shape>,
}

impl Shapes {
    pub async fn of(loaded: &Loaded, report: &Report) -> Self {
        let mut shapes = Self::default();
        for stream in &report.streams {
            let folder = report.places.clean.join(&stream.stream).join(&report.run);
            shapes.streams.extend(schema_of(&folder).map(|schema| (stream.stream.clone(), schema)));
        }
        for (name, table) in &loaded.pipeline.tables {
            let shape = match (&table.sql, &table.stream) {
                (Some(sql), _) => shape(&shapes.streams, loaded.statement(sql)).await,
                (None, Some(stream)) => shapes.as_it_is(stream),
                (None, None) => None,
            };
            shapes.tables.extend(shape.map(|shape| (name.clone(), shape)));
        }
        let mut known: Vec<_> = shapes.tables.iter().map(|(name, (schema, _))| (name.clone(), schema.clone())).collect();
        for (name, mart) in &loaded.pipeline.marts {
            let sql = bind(loaded.statement(&mart.sql), &mart.parameters);
            if let Some(shape) = shape(&known, &sql).await {
                known.push((name.clone(), shape.0.clone()));
                shapes.marts.insert(name.clone(), shape);
            }
        }
        shapes
    }

    pub fn is_stream(&self, name: &str) -> bool {
        self.streams.iter().any(|(stream, _)| stream == name)
    }

    /// A table that is a stream as it is, but for the column that says where a row came from.
    fn as_it_is(&self, stream: &str) -> Option<Shape> {
        let (_, schema) = self.streams.iter().find(|(name, _)| name == stream)?;
        let fields: Vec<_> = schema.fields().iter().filter(|field| field.name() != ORIGIN).cloned().collect();
        let origins = fields.iter().map(|field| Some([(stream.to_owned(), field.name().clone())].into())).collect();
        Some((Schema::new(fields).into(), origins))
    }
}

async fn shape(tables: &[(String, SchemaRef)], sql: &str) -> Option<Shape> {
    let plan = plan_sql(tables, sql).await.ok()?;
    Some((plan.schema().inner().clone(), origins(&plan)))
}

/// The schema of the Parquet files in a folder.
fn schema_of(folder: &Path) -> Option<SchemaRef> {
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    files.sort();
    let file = fs::File::open(files.first()?).ok()?;
    Some(ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).ok()?.schema().clone())
}
