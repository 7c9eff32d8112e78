//! What a source implements.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Dimension, ORIGIN, Result};

/// A plugin that reads streams. Its functions get the config each time: an instance keeps nothing but its open readers.
pub trait Source: 'static {
    /// The plugin's config.
    type Config: DeserializeOwned + JsonSchema;
    /// A slice that is being read.
    type Reader: Reader;

    /// What the plugin wants to touch, for the person who decides. Asking is not getting.
    fn grants() -> Vec<Grant>;

    /// Tries what can be tried without reading data.
    fn check(config: &Self::Config) -> Result<()>;

    /// The streams that this config gives.
    fn discover(config: &Self::Config) -> Result<Vec<Stream>>;

    /// Cuts what `stream` has to give after `cursor` into at most `wanted` slices; none where there is nothing new. The same input
    /// gives the same slices.
    fn slices(config: &Self::Config, stream: &str, cursor: Option<&str>, wanted: usize) -> Result<Vec<Slice>>;

    /// Opens a slice.
    fn open(config: Self::Config, request: Request) -> Result<Self::Reader>;

    /// Folds the last cursor of each slice that was read to its end into the stream's new cursor. Pure. The default keeps none.
    fn advance(config: &Self::Config, stream: &str, cursor: Option<String>, reached: Vec<String>) -> Result<Option<String>> {
        let _ = (config, stream, cursor, reached);
        Ok(None)
    }
}

/// A slice that is being read from front to back.
pub trait Reader: 'static {
    /// The next batch, `None` at the end of the slice.
    fn next(&mut self) -> Result<Option<Pulled>>;
}

/// What a source wants to touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The kind of thing.
    pub kind: GrantKind,
    /// The name under which the plugin asks for it: a directory's name, a host pattern, a connection's name.
    pub name: String,
    /// Why, in words for the person who decides.
    pub purpose: String,
}

impl Grant {
    /// Requests to hosts that match `pattern`: `*.myshopify.com`.
    pub fn http(pattern: &str, purpose: &str) -> Self {
        Self { kind: GrantKind::Http, name: pattern.to_owned(), purpose: purpose.to_owned() }
    }
}

/// The kinds of things that can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantKind {
    /// Directories, through [`crate::files`].
    Files,
    /// Hosts, through [`crate::http`].
    Http,
    /// Named database connections.
    Database,
}

/// How a stream is best written to its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
    /// Rows are only ever added.
    Append,
    /// Each read holds the whole stream.
    Replace,
    /// Rows are found again by the primary key.
    Merge,
}

/// A stream that a source offers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// The schema of its batches without [`ORIGIN`].
    pub schema: SchemaRef,
    /// The columns that identify a row; empty where none do.
    pub primary_key: Vec<String>,
    /// The column that grows with each change of a row.
    pub cursor_field: Option<String>,
    /// How the stream is best written.
    pub write_mode: WriteMode,
}

/// A part of a stream that can be read on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// What the plugin needs to find it again.
    pub id: String,
    /// What a person calls it.
    pub label: String,
    /// How many bytes it holds before unpacking, where that is known.
    pub bytes: Option<u64>,
}

/// What a reader is opened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The stream.
    pub stream: String,
    /// One of the slices that [`Source::slices`] named for it.
    pub slice: Slice,
    /// The cursor that the stream resumes after, as [`Source::advance`] made it.
    pub cursor: Option<String>,
    /// The most rows a batch may have: between 1 and 65,536.
    pub batch_rows: usize,
}

/// What one call of [`Reader::next`] brings.
#[derive(Debug, Default)]
pub struct Pulled {
    /// One batch with [`ORIGIN`] as its last column (see [`Origin::attach`]); `None` where only unread records were found.
    pub batch: Option<RecordBatch>,
    /// The records that were left out.
    pub unread: Vec<Unread>,
    /// Where the slice has been read to: what [`Source::advance`] wants.
    pub cursor: Option<String>,
    /// How many bytes of the slice were read since the last call.
    pub bytes: u64,
}

/// A record that could not be made into a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Where it stands.
    pub origin: Origin,
    /// The rule that it breaks: `ragged-record`.
    pub rule: String,
    /// The dimension that it counts against.
    pub dimension: Dimension,
    /// Why it can't be read, as a sentence fragment.
    pub reason: String,
    /// The record as it came; the SDK cuts it at 4 KiB.
    pub raw: String,
}

/// Where a row came from: a page of the run's archive and a record in it, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin(u64);

impl Origin {
    /// The `record`th record (from 1) of archived page `page` (below 2^24).
    pub fn new(page: u32, record: u64) -> Self {
        Self(u64::from(page) << 40 | record & ((1 << 40) - 1))
    }

    /// The page's number in the run's archive.
    pub fn page(self) -> u32 {
        u32::try_from(self.0 >> 40).expect("24 bits fit")
    }

    /// The record's number in its page, from 1.
    pub fn record(self) -> u64 {
        self.0 & ((1 << 40) - 1)
    }

    /// The number that the column [`ORIGIN`] holds.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    /// Adds the column [`ORIGIN`] to the columns of a batch. `schema` is the declared one, without it; `origins` has one entry per row.
    pub fn attach(schema: &Schema, mut columns: Vec<ArrayRef>, origins: Vec<u64>) -> Result<RecordBatch> {
        columns.push(Arc::new(UInt64Array::from(origins)));
        Ok(RecordBatch::try_new(Self::schema(schema), columns)?)
    }

    /// A declared schema with the column [`ORIGIN`] added.
    pub fn schema(declared: &Schema) -> SchemaRef {
        let mut fields = declared.fields().to_vec();
        fields.push(Arc::new(Field::new(ORIGIN, DataType::UInt64, false)));
        Arc::new(Schema::new(fields))
    }
}
