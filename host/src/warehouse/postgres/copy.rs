//! Rows on their way into a table: computed and encoded on several threads, sent on one connection.
//!
//! # Why
//! The server's CPU is the wall (0.63 M rows/s and connection), an encoder of our own does twenty times that on one core: what counts is that
//! the connection never waits. So each partition of the plan encodes for itself, and a few batches wait in a channel. Messages of a whole
//! batch are far above the 64 KiB below which COPY gets slower. `FREEZE`, which the server takes for a table made in the same
//! (sub)transaction, spares the rows a second write by vacuum.

use std::{pin::Pin, sync::Arc};

use arrow::{
    array::{Array, RecordBatch, UInt32Array},
    compute::take_record_batch,
    datatypes::Schema,
    error::ArrowError,
};
use bytes::Bytes;
use datafusion::{common::DataFusionError, execution::SendableRecordBatchStream, physical_plan::execute_stream_partitioned};
use futures::{SinkExt, Stream, StreamExt};
use tokio::{sync::mpsc, task::JoinSet};
use tokio_postgres::CopyInSink;

use super::{
    PostgresError,
    buffers::Buffers,
    ddl::Fit,
    encode::{self, Encoder},
    ident::{Ident, TableName, list},
    insert::Insert,
    load::Job,
    refused::{Refusal, Refused, Why},
    rows::Rows,
};
use crate::{
    config::LoadPath,
    warehouse::{KeyError, QueryError, TableLoad, TableResult},
};

/// Encoded batches that wait for the connection: 8,192 rows of 200 bytes are 1.6 MB.
const WAITING: usize = 4;

/// Answers by which a server or a proxy refuses COPY where INSERT may work: not supported (row security, some proxies), a view, a protocol
/// that is cut short.
const REFUSES_COPY: [&str; 3] = ["0A000", "42809", "08P01"];

/// Where rows go.
pub(super) struct Destination<'d> {
    name: &'d TableName,
    create: Option<String>,
    frozen: bool,
}

impl<'d> Destination<'d> {
    /// A table that is there.
    pub fn there(name: &'d TableName) -> Self {
        Self { name, create: None, frozen: false }
    }

    /// A table that is made for them.
    pub fn made(name: &'d TableName, create: String) -> Self {
        Self { name, create: Some(create), frozen: true }
    }

    /// A table that lasts for the transaction.
    pub fn temporary(name: &'d TableName, create: String) -> Self {
        Self { name, create: Some(create), frozen: false }
    }
}

/// What became of rows that were sent.
pub(super) struct Sent {
    /// The rows that there were.
    pub read: u64,
    /// The rows that the database has.
    pub rows: u64,
    /// The others. Their file has no name yet: a run that the gate holds has none of them in its quarantine.
    pub refused: Refused,
}

impl Sent {
    /// A table's result, without what only its mode knows.
    pub fn result(&self, load: &TableLoad) -> TableResult {
        TableResult {
            table: load.name.clone(),
            mode: load.mode,
            rows_in: self.read,
            refused: self.refused.rows(),
            ..TableResult::default()
        }
    }
}

/// Sends rows into a table. What the server counts in the end is held against what was sent.
pub(super) async fn copy(
    job: &Job<'_>,
    load: &TableLoad,
    destination: Destination<'_>,
    rows: Rows,
    fit: &Fit,
    key: &[Ident],
) -> Result<Sent, PostgresError> {
    let mut way = Way::open(job, load, &destination, fit).await?;
    let mut encoded = encode_all(load, rows, fit, key).await?;
    let mut sent = Sent { read: 0, rows: 0, refused: Refused::new(job.root.join(job.quarantine), &load.name) };
    let mut null_keys = 0;
    while let Some(chunk) = encoded.next().await {
        let chunk = chunk?;
        sent.read += chunk.batch.num_rows() as u64;
        sent.rows += chunk.rows;
        null_keys += chunk.null_keys;
        sent.refused.add(&chunk.batch, &chunk.refusals)?;
        way.send(job, chunk.bytes).await?;
    }
    let found = way.close().await?;
    if found != sent.rows {
        return Err(PostgresError::RowCount { table: load.name.clone(), sent: sent.rows, found });
    }
    if null_keys > 0 {
        return Err(KeyError::Null { table: load.name.clone(), key: load.key.clone(), rows: null_keys }.into());
    }
    Ok(sent)
}

/// The way into a table.
enum Way {
    Copy { sink: Pin<Box<CopyInSink<Bytes>>>, doing: String },
    Insert(Insert),
}

impl Way {
    async fn open(job: &Job<'_>, load: &TableLoad, to: &Destination<'_>, fit: &Fit) -> Result<Self, PostgresError> {
        let doing = format!("load the table `{}`", load.name);
        if let Some(create) = &to.create {
            job.client.batch_execute(create).await.map_err(PostgresError::server(&doing))?;
        }
        if job.path == LoadPath::Insert {
            return Ok(Self::Insert(Insert::new(to.name, fit, doing)));
        }
        let frozen = if to.frozen { ", freeze" } else { "" };
        let statement = format!("copy {} ({}) from stdin (format binary{frozen})", to.name, list(&fit.columns(), ""));
        match job.client.copy_in(&statement).await {
            Ok(sink) => {
                let mut way = Self::Copy { sink: Box::pin(sink), doing };
                way.send(job, Bytes::from_static(&encode::HEADER)).await?;
                Ok(way)
            }
            Err(error) => {
                let error = PostgresError::server(doing)(error);
                let code = error.code().filter(|code| REFUSES_COPY.contains(code)).map(str::to_owned);
                Err(code.map_or(error, |code| PostgresError::CopyRefused { table: load.name.clone(), code }))
            }
        }
    }

    async fn send(&mut self, job: &Job<'_>, bytes: Bytes) -> Result<(), PostgresError> {
        match self {
            Self::Copy { sink, doing } => sink.send(bytes).await.map_err(PostgresError::server(doing)),
            Self::Insert(insert) => insert.send(job, &bytes).await,
        }
    }

    /// Ends it, and gives how many rows the server counts.
    async fn close(self) -> Result<u64, PostgresError> {
        match self {
            Self::Copy { mut sink, doing } => {
                sink.send(Bytes::from_static(&encode::TRAILER)).await.map_err(PostgresError::server(&doing))?;
                sink.as_mut().finish().await.map_err(PostgresError::server(&doing))
            }
            Self::Insert(insert) => Ok(insert.inserted()),
        }
    }
}

/// An encoded batch.
struct Chunk {
    bytes: Bytes,
    /// The rows that were encoded.
    rows: u64,
    /// The rows that have nulls in the key.
    null_keys: u64,
    batch: RecordBatch,
    refusals: Vec<Refusal>,
}

/// Batches as they are encoded. When it goes, the tasks that encode go with it.
struct Encoded {
    receiver: mpsc::Receiver<Result<Chunk, PostgresError>>,
    _tasks: JoinSet<()>,
}

impl Encoded {
    async fn next(&mut self) -> Option<Result<Chunk, PostgresError>> {
        self.receiver.recv().await
    }
}

async fn encode_all(load: &TableLoad, rows: Rows, fit: &Fit, key: &[Ident]) -> Result<Encoded, PostgresError> {
    let schema = rows.schema();
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut tasks = JoinSet::new();
    let buffers = Buffers::default();
    for lane in lanes(load, rows).await? {
        let work = Encoding::new(load, &schema, fit, key, buffers.clone())?;
        let rows = futures::stream::iter(lane).flatten();
        tasks.spawn(work.run(rows, sender.clone()));
    }
    Ok(Encoded { receiver, _tasks: tasks })
}

/// Streams of rows, by the task that encodes them.
async fn lanes(load: &TableLoad, rows: Rows) -> Result<Vec<Vec<SendableRecordBatchStream>>, PostgresError> {
    let rows = match rows {
        Rows::Computed(rows) => rows,
        Rows::Landing(rows) => return Ok(vec![vec![rows]]),
    };
    let what = format!("the table `{}`", load.name);
    let task = Arc::new(rows.task_ctx());
    let plan = rows.create_physical_plan().await.map_err(QueryError::sql(&what))?;
    let partitions = execute_stream_partitioned(plan, task).map_err(QueryError::sql(&what))?;
    // A stream's files are read one after another: the server is slower than one core that reads and encodes, and needs the other.
    let one = load.sql.is_none();
    Ok(if one { vec![partitions] } else { partitions.into_iter().map(|partition| vec![partition]).collect() })
}

/// What one partition's task needs.
struct Encoding {
    table: String,
    encoder: Encoder,
    /// The columns that are written, by their place in a batch.
    written: Vec<usize>,
    /// The columns that the table has no place for.
    strangers: Vec<usize>,
    key: Vec<usize>,
    buffers: Buffers,
}

impl Encoding {
    fn new(load: &TableLoad, schema: &Schema, fit: &Fit, key: &[Ident], buffers: Buffers) -> Result<Self, PostgresError> {
        let (written, strangers): (Vec<usize>, Vec<usize>) = (0..fit.kinds.len()).partition(|&at| fit.kinds[at].is_some());
        let kinds: Vec<_> = fit.written().map(|(_, kind)| kind.clone()).collect();
        let rows = schema.project(&written).map_err(|error| rows_error(&load.name, error.into()))?;
        let encoder = Encoder::new(&rows, &kinds).map_err(|error| rows_error(&load.name, DataFusionError::External(Box::new(error))))?;
        let key = key.iter().filter_map(|key| schema.index_of(key.name()).ok()).collect();
        Ok(Self { table: load.name.clone(), encoder, written, strangers, key, buffers })
    }

    async fn run(
        self,
        mut rows: impl Stream<Item = Result<RecordBatch, DataFusionError>> + Unpin,
        sender: mpsc::Sender<Result<Chunk, PostgresError>>,
    ) {
        while let Some(batch) = rows.next().await {
            let chunk = batch.map_err(|error| rows_error(&self.table, error)).and_then(|batch| self.encode(batch));
            let failed = chunk.is_err();
            // The one who receives is gone when the load failed.
            if sender.send(chunk).await.is_err() || failed {
                return;
            }
        }
    }

    fn encode(&self, batch: RecordBatch) -> Result<Chunk, PostgresError> {
        let failed = |error: ArrowError| rows_error(&self.table, error.into());
        let mut refusals = self.strange(&batch);
        // The rows that are left, and where they are in the batch.
        let places: Vec<u32> = rest(batch.num_rows(), &refusals);
        let kept = if refusals.is_empty() {
            batch.clone()
        } else {
            take_record_batch(&batch, &UInt32Array::from(places.clone())).map_err(failed)?
        };
        let null_keys = self.key.iter().map(|&at| kept.column(at).logical_null_count() as u64).max().unwrap_or(0);
        // The encoder knows how much room it needs.
        let mut bytes = self.buffers.take();
        let mut unfit = Vec::new();
        let written = kept.project(&self.written).map_err(failed)?;
        let rows = self.encoder.encode(&written, &mut bytes, &mut unfit);
        let rows = rows.map_err(|error| rows_error(&self.table, DataFusionError::External(Box::new(error))))?;
        refusals.extend(unfit.iter().map(|unfit| Refusal {
            row: places.get(unfit.row).copied().unwrap_or_default(),
            column: written.schema_ref().field(unfit.column).name().clone(),
            why: Why::Value(unfit.reason),
        }));
        Ok(Chunk { bytes: self.buffers.message(bytes), rows: rows as u64, null_keys, batch, refusals })
    }

    /// The rows with a value in a column that the table has no place for.
    fn strange(&self, batch: &RecordBatch) -> Vec<Refusal> {
        let stranger = |row: usize| self.strangers.iter().find(|&&at| !batch.column(at).is_null(row));
        let columns = self.strangers.iter().map(|&at| batch.column(at));
        if columns.map(|column| column.len() - column.logical_null_count()).sum::<usize>() == 0 {
            return Vec::new();
        }
        let refusal = |row: usize| {
            let column = batch.schema_ref().field(*stranger(row)?).name().clone();
            Some(Refusal { row: u32::try_from(row).ok()?, column, why: Why::Column })
        };
        (0..batch.num_rows()).filter_map(refusal).collect()
    }
}

/// The rows of a batch that are not refused; refusals are in the order of rows.
fn rest(rows: usize, refusals: &[Refusal]) -> Vec<u32> {
    let mut refused = refusals.iter().map(|refusal| refusal.row).peekable();
    (0..u32::try_from(rows).unwrap_or(u32::MAX)).filter(|row| refused.next_if_eq(row).is_none()).collect()
}

fn rows_error(table: &str, source: DataFusionError) -> PostgresError {
    PostgresError::Rows { table: table.to_owned(), source: Box::new(source) }
}
