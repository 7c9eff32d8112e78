//! The native way: what a Rust programmer would write with reqwest, serde, arrow-json and Parquet, without a sandbox and without IPC.
//!
//! - One task fetches, unpacks and archives page after page, since each names the next; a thread parses and writes Parquet meanwhile.
//! - A page is parsed once, for orders and items.
//! - Archive and lake are tidegate's own, and the Parquet writer has its settings, so that these can't differ.

use std::{fs, io::Read, iter, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, UInt64Array},
    compute::cast,
    datatypes::{DataType, Field, FieldRef, Fields, Int64Type, Schema, SchemaRef},
    json::{ReaderBuilder, reader::Decoder},
};
use chrono::Utc;
use flate2::read::GzDecoder;
use parquet::{
    arrow::ArrowWriter,
    basic::Compression,
    file::properties::{EnabledStatistics, WriterProperties},
};
use reqwest::{Client, header::ACCEPT_ENCODING};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tidegate::{
    config::{self, Loaded},
    egress::archive::{Archive, Attempt, Exchange, Head},
    warehouse::{AuditRow, CleanStream, DICTIONARY_BYTES, Load, TableLoad, lake::Lake},
};
use tidegate_sdk::{
    Origin,
    rest::{Column, Kind, schema},
};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{job, server::PAGE};

/// The run's name: there is one.
const RUN: &str = "native";

/// Rows of a row group, as the host has them.
const ROW_GROUP: usize = 1 << 17;

/// Pages between the task that fetches and the thread that parses.
const IN_FLIGHT: usize = 2;

/// What the native way has to say.
#[derive(Serialize, Deserialize)]
pub struct Report {
    /// Pages that were fetched.
    pub pages: u64,
    /// Rows of orders and of items.
    pub rows: (u64, u64),
}

/// A page that is archived.
struct Fetched {
    page: u32,
    body: Vec<u8>,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    orders: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

/// Does the job of the pipeline in `folder` and prints its report.
pub fn main(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(run(folder))?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

async fn run(folder: &Path) -> Result<Report> {
    let loaded = config::load(folder)?;
    let (pages, parsing) = channel(IN_FLIGHT);
    let clean = loaded.storage().clean();
    let batch_rows = loaded.pipeline.engine.batch_rows as usize;
    let parser = tokio::task::spawn_blocking(move || parse(parsing, &clean, batch_rows));
    let fetched = fetch(&loaded, pages).await;
    let rows = parser.await??;
    let pages = fetched?;
    load(&loaded, rows).await?;
    Ok(Report { pages, rows })
}

/// Fetches and archives all pages; gives their number.
async fn fetch(loaded: &Loaded, pages: Sender<Fetched>) -> Result<u64> {
    let url = job::url(loaded)?;
    let client = Client::new();
    let (pipeline, started) = (&loaded.pipeline, Utc::now());
    let archive =
        Arc::new(Archive::new(loaded.storage().raw(), Head::new(RUN, "shop", &pipeline.name, started), pipeline.engine.archive_level));
    let mut cursor: Option<String> = None;
    for number in 1.. {
        let mut target = format!("{url}/orders?limit={PAGE}");
        if let Some(cursor) = &cursor {
            target.extend(["&cursor=", cursor.as_str()]);
        }
        let sent = Utc::now();
        let answer = client.get(&target).header(ACCEPT_ENCODING, "gzip").send().await?.error_for_status()?;
        let headers =
            answer.headers().iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let exchange = exchange(target, headers.collect(), sent);
        let (packed, into) = (answer.bytes().await?, archive.clone());
        let fetched = tokio::task::spawn_blocking(move || {
            let mut body = Vec::with_capacity(packed.len() * 8);
            GzDecoder::new(&packed[..]).read_to_end(&mut body)?;
            let mut page = into.begin("orders", "json")?;
            page.write(&body)?;
            let page = page.finish(exchange)?.page;
            anyhow::Ok(Fetched { page, body })
        });
        let fetched = fetched.await??;
        cursor = serde_json::from_slice::<Next>(&fetched.body)?.next;
        pages.send(fetched).await.ok().context("the parser ended early")?;
        if cursor.is_none() {
            archive.close()?;
            return Ok(number);
        }
    }
    unreachable!("a page names no next one")
}

fn exchange(url: String, response_headers: Vec<(String, String)>, sent: chrono::DateTime<Utc>) -> Exchange {
    let received_at = Utc::now();
    let millis = u64::try_from((received_at - sent).num_milliseconds()).unwrap_or_default();
    Exchange {
        stream: "orders".to_owned(),
        slice: None,
        fingerprint: String::new(),
        method: "GET".to_owned(),
        url,
        headers: Vec::new(),
        body: None,
        credential: None,
        status: Some(200),
        response_headers,
        attempts: vec![Attempt { at: sent, millis, waited_millis: 0, status: Some(200), error: None, page: None, passed: Vec::new() }],
        received_at,
        refused: None,
    }
}

/// Parses pages into clean files until there are no more; gives the rows of orders and of items.
fn parse(mut pages: Receiver<Fetched>, clean: &Path, batch_rows: usize) -> Result<(u64, u64)> {
    let mut orders = Clean::create(clean, "orders", Origin::schema(&orders_schema()))?;
    let mut items = Clean::create(clean, "order_items", Origin::schema(&items_schema()))?;
    let mut batch = Pending::new(batch_rows)?;
    while let Some(fetched) = pages.blocking_recv() {
        let body: Body = serde_json::from_slice(&fetched.body)?;
        for (record, order) in (1..).zip(&body.orders) {
            batch.add(order.get().as_bytes(), Origin::new(fetched.page, record).to_u64())?;
            if batch.origins.len() == batch_rows {
                batch.write(&mut orders, &mut items)?;
            }
        }
    }
    batch.write(&mut orders, &mut items)?;
    Ok((orders.finish()?, items.finish()?))
}

/// What the source declares for its orders: the key is required.
fn orders_schema() -> Schema {
    let [id, rest @ ..] = &guest_rest::order_columns()[..] else { unreachable!("orders have columns") };
    let columns: Vec<_> = iter::once(id.clone().required()).chain(rest.iter().cloned()).collect();
    Schema::clone(&schema(&columns))
}

/// What the source declares for items: the order's id, then their own columns.
fn items_schema() -> Schema {
    let [id, rest @ ..] = &guest_rest::item_columns()[..] else { unreachable!("items have columns") };
    let order_id = Column::new("order_id", Kind::Integer);
    let columns: Vec<_> = [order_id, id.clone().required()].into_iter().chain(rest.iter().cloned()).collect();
    Schema::clone(&schema(&columns))
}

/// What arrow-json decodes: orders with their items in a list. It knows no names of zones.
fn decoded_schema() -> Schema {
    let unzoned = |field: &FieldRef| match field.data_type() {
        DataType::Timestamp(unit, _) => Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(*unit, None))),
        _ => field.clone(),
    };
    let item = DataType::Struct(items_schema().fields().iter().skip(1).cloned().collect());
    let items = Field::new("items", DataType::List(Arc::new(Field::new("item", item, true))), true);
    Schema::new(orders_schema().fields().iter().map(unzoned).chain([Arc::new(items)]).collect::<Fields>())
}

/// Records that are decoded and not yet written.
struct Pending {
    decoder: Decoder,
    origins: Vec<u64>,
}

impl Pending {
    fn new(batch_rows: usize) -> Result<Self> {
        let decoder = ReaderBuilder::new(Arc::new(decoded_schema())).with_batch_size(batch_rows).build_decoder()?;
        Ok(Self { decoder, origins: Vec::with_capacity(batch_rows) })
    }

    fn add(&mut self, record: &[u8], origin: u64) -> Result<()> {
        let read = self.decoder.decode(record)?;
        ensure!(read == record.len(), "the decoder is full");
        self.origins.push(origin);
        Ok(())
    }

    fn write(&mut self, orders: &mut Clean, items: &mut Clean) -> Result<()> {
        let Some(batch) = self.decoder.flush()? else { return Ok(()) };
        let origins = std::mem::take(&mut self.origins);
        let (columns, nested) = batch.columns().split_at(batch.num_columns() - 1);
        let nested = nested[0].as_list::<i32>();
        let ids = batch.column(0).as_primitive::<Int64Type>().values();
        let mut of_order = Vec::with_capacity(nested.values().len());
        let mut of_page = Vec::with_capacity(nested.values().len());
        for (row, (id, origin)) in ids.iter().zip(&origins).enumerate() {
            let count = usize::try_from(nested.value_length(row))?;
            of_order.extend(iter::repeat_n(*id, count));
            of_page.extend(iter::repeat_n(*origin, count));
        }
        let parts = nested.values().as_struct().columns().iter().cloned();
        let order_id: ArrayRef = Arc::new(Int64Array::from(of_order));
        items.write(iter::once(order_id).chain(parts).collect(), of_page)?;
        orders.write(columns.to_vec(), origins)
    }
}

/// A clean file.
struct Clean {
    schema: SchemaRef,
    writer: ArrowWriter<fs::File>,
    rows: u64,
}

impl Clean {
    fn create(clean: &Path, stream: &str, schema: SchemaRef) -> Result<Self> {
        let folder = clean.join(stream).join(RUN);
        fs::create_dir_all(&folder)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .build();
        let writer = ArrowWriter::try_new(fs::File::create(folder.join("part-00000.parquet"))?, schema.clone(), Some(properties))?;
        Ok(Self { schema, writer, rows: 0 })
    }

    fn write(&mut self, mut columns: Vec<ArrayRef>, origins: Vec<u64>) -> Result<()> {
        columns.push(Arc::new(UInt64Array::from(origins)));
        for (column, field) in columns.iter_mut().zip(self.schema.fields()) {
            if column.data_type() != field.data_type() {
                *column = cast(column, field.data_type())?;
            }
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(&batch)?)
    }

    fn finish(self) -> Result<u64> {
        self.writer.into_inner()?.sync_all()?;
        Ok(self.rows)
    }
}

/// Loads the clean files as the pipeline's tables.
async fn load(loaded: &Loaded, rows: (u64, u64)) -> Result<()> {
    let (pipeline, started) = (&loaded.pipeline, Utc::now());
    let mut lake = Lake::open(&loaded.storage().lake()).await?;
    let clean = |stream: &str| CleanStream {
        name: stream.to_owned(),
        files: vec![Path::new("clean").join(stream).join(RUN).join("part-00000.parquet")],
    };
    let audit = |(stream, rows): (&str, u64)| AuditRow {
        stream: Some(stream.to_owned()),
        rows_read: Some(rows),
        rows_accepted: Some(rows),
        started_at: started,
        verdict: "pass".to_owned(),
        ..AuditRow::default()
    };
    let table = |(name, table): (&String, &config::Table)| TableLoad {
        name: name.clone(),
        sql: table.sql.clone(),
        stream: table.stream.clone(),
        mode: table.mode,
        key: table.key.clone(),
    };
    let load = Load {
        pipeline: pipeline.name.clone(),
        run: RUN.to_owned(),
        sequence: lake.head().sequence(&pipeline.name) + 1,
        streams: ["orders", "order_items"].map(clean).into(),
        tables: pipeline.tables.iter().map(table).collect(),
        marts: Vec::new(),
        cursors: Default::default(),
        as_of: started,
        quarantine: "quarantine".into(),
        audit: [("orders", rows.0), ("order_items", rows.1)].map(audit).into(),
    };
    lake.load(&load, &mut |_| ()).await?;
    Ok(())
}
