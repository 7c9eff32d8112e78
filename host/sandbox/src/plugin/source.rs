//! A source's instance: what it offers, and its slices batch by batch.
//!
//! A call that fails as rate-limited or unavailable is made again, as patiently as the source's requests are: a plugin can't sleep, and what
//! asks it for patience may be in a body that only it can read. Such a call has changed nothing, as the contract wants.

use std::{sync::Arc, time::Instant};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use serde::{Deserialize, Serialize};
use wasmtime::component::ResourceAny;

use super::{
    Access, Plugin, PluginError, Role, Runtime, Timings,
    bindings::source_world::{SourcePlugin, exports::tidegate::plugin::source as wit},
    guest::clean_text,
    instance::{Called, Instance, dimension},
    ipc,
    loaded::Pre,
};
use crate::{lineage::ORIGIN, quality::Dimension};

/// How a stream is best written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WriteMode {
    /// Rows are only ever added.
    Append,
    /// Each read holds the whole stream.
    Replace,
    /// Rows are found again by the primary key.
    Merge,
}

/// A stream that a source offers.
#[derive(Debug, Clone)]
pub struct StreamInfo {
    /// Its name.
    pub name: String,
    /// The schema of its batches without the origin.
    pub schema: SchemaRef,
    /// The columns that identify a row.
    pub primary_key: Vec<String>,
    /// The column that grows with each change of a row.
    pub cursor_field: Option<String>,
    /// How it is best written.
    pub write_mode: WriteMode,
}

/// A part of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The plugin's own name for it.
    pub id: String,
    /// What a person calls it.
    pub label: String,
    /// How many bytes it holds, where that is known.
    pub bytes: Option<u64>,
}

/// A record that could not be made into a row.
#[derive(Debug, Clone)]
pub struct Unread {
    /// Where it stands, as the origin column has it.
    pub origin: u64,
    /// The rule that it breaks.
    pub rule: String,
    /// The dimension that it counts against.
    pub dimension: Dimension,
    /// Why it can't be read.
    pub reason: String,
    /// The record as it came.
    pub raw: String,
}

/// What one pull brought.
#[derive(Debug)]
pub struct Pulled {
    /// The rows, with the origin as last column.
    pub batch: Option<RecordBatch>,
    /// The records that were left out.
    pub unread: Vec<Unread>,
    /// Where the slice has been read to.
    pub cursor: Option<String>,
    /// How many bytes of the slice were read.
    pub bytes: u64,
}

/// An instance of a source, with at most one open slice.
pub struct SourceInstance {
    instance: Instance,
    bound: SourcePlugin,
    config: String,
    reader: Option<(ResourceAny, SchemaRef)>,
    batch_rows: usize,
    last_origin: u64,
}

impl SourceInstance {
    /// Makes an instance. `config` is the plugin's config as JSON.
    pub async fn new(runtime: &Runtime, plugin: &Plugin, stream: &str, config: &str, access: &Access) -> Result<Self, PluginError> {
        plugin.expect_role(Role::Source)?;
        let Pre::Source(pre) = &plugin.pre else { unreachable!("the role was checked") };
        let mut instance = Instance::new(runtime, &plugin.id(), stream, access);
        let started = instance.arm();
        let result = pre.instantiate_async(&mut instance.store).await;
        let bound = instance.settle_plain(started, "start", result)?;
        Ok(Self { instance, bound, config: config.to_owned(), reader: None, batch_rows: 0, last_origin: 0 })
    }

    /// Tries what can be tried without reading data.
    pub async fn check(&mut self) -> Result<(), PluginError> {
        let mut patience = self.instance.patience();
        loop {
            let started = self.instance.arm();
            let result = self.bound.tidegate_plugin_source().call_check(&mut self.instance.store, &self.config).await;
            match self.instance.settle(started, "check its config", result) {
                Err(error) => patience.wait(error).await?,
                checked => return checked,
            }
        }
    }

    /// The streams that its config gives.
    pub async fn discover(&mut self) -> Result<Vec<StreamInfo>, PluginError> {
        const DOING: &str = "say which streams it has";
        let mut patience = self.instance.patience();
        let streams = loop {
            let started = self.instance.arm();
            let result = self.bound.tidegate_plugin_source().call_discover(&mut self.instance.store, &self.config).await;
            match self.instance.settle(started, DOING, result) {
                Err(error) => patience.wait(error).await?,
                Ok(streams) => break streams,
            }
        };
        streams.into_iter().map(|stream| stream_info(stream).map_err(|reason| self.instance.broken(DOING, reason))).collect()
    }

    /// Cuts a stream into at most `wanted` slices.
    pub async fn slices(&mut self, stream: &str, cursor: Option<&str>, wanted: u32) -> Result<Vec<Slice>, PluginError> {
        let doing = format!("cut stream `{stream}` into slices");
        let mut patience = self.instance.patience();
        let slices = loop {
            let started = self.instance.arm();
            let guest = self.bound.tidegate_plugin_source();
            let result = guest.call_slices(&mut self.instance.store, &self.config, stream, cursor, wanted).await;
            match self.instance.settle(started, &doing, result) {
                Err(error) => patience.wait(error).await?,
                Ok(slices) => break slices,
            }
        };
        if slices.len() > wanted as usize {
            return Err(self.instance.broken(&doing, format!("it gave {} slices, {wanted} were wanted", slices.len())));
        }
        Ok(slices.into_iter().map(|slice| Slice { id: slice.id, label: clean_text(slice.label), bytes: slice.bytes }).collect())
    }

    /// Opens a slice. `schema` is the declared one with the origin.
    pub async fn open(
        &mut self,
        stream: &str,
        slice: &Slice,
        cursor: Option<&str>,
        batch_rows: u32,
        schema: SchemaRef,
    ) -> Result<(), PluginError> {
        let request = wit::Request {
            stream: stream.to_owned(),
            slice: wit::Slice { id: slice.id.clone(), label: slice.label.clone(), bytes: slice.bytes },
            cursor: cursor.map(str::to_owned),
            batch_rows,
        };
        let doing = format!("open {}", slice.label);
        self.instance.store.data_mut().slice = Some(slice.label.clone());
        let mut patience = self.instance.patience();
        let reader = loop {
            let started = self.instance.arm();
            let result = self.bound.tidegate_plugin_source().call_open(&mut self.instance.store, &self.config, &request).await;
            match self.instance.settle(started, &doing, result) {
                Err(error) => patience.wait(error).await?,
                Ok(reader) => break reader,
            }
        };
        self.reader = Some((reader, schema));
        self.batch_rows = batch_rows as usize;
        self.last_origin = 0;
        Ok(())
    }

    /// Pulls the next batch of the open slice.
    pub fn pull(&mut self) -> Called<'_, Option<Pulled>> {
        Box::pin(async move {
            const DOING: &str = "read a batch";
            let Some((reader, schema)) = self.reader.clone() else { return Ok(None) };
            let mut patience = self.instance.patience();
            let pulled = loop {
                let started = self.instance.arm();
                let result = self.bound.tidegate_plugin_source().reader().call_next(&mut self.instance.store, reader).await;
                match self.instance.settle(started, DOING, result) {
                    Err(error) => patience.wait(error).await?,
                    Ok(pulled) => break pulled,
                }
            };
            let Some(pulled) = pulled else { return Ok(None) };
            let decoding = Instant::now();
            let batch = match pulled.batch {
                Some(bytes) => self.one_batch(DOING, bytes, &schema)?,
                None => None,
            };
            self.instance.timings.ipc += decoding.elapsed();
            let unread = pulled
                .unread
                .into_iter()
                .map(|record| Unread {
                    origin: record.origin,
                    rule: clean_text(record.rule),
                    dimension: dimension(record.dimension),
                    reason: clean_text(record.reason),
                    raw: clean_text(record.raw),
                })
                .collect();
            Ok(Some(Pulled { batch, unread, cursor: pulled.cursor, bytes: pulled.bytes }))
        })
    }

    fn one_batch(&mut self, doing: &str, bytes: Vec<u8>, schema: &SchemaRef) -> Result<Option<RecordBatch>, PluginError> {
        self.instance.check_output(doing, bytes.len())?;
        let mut batches = ipc::decode(bytes, schema).map_err(|reason| self.instance.broken(doing, reason))?;
        if batches.len() > 1 {
            return Err(self.instance.broken(doing, "it sent several batches, one is allowed"));
        }
        self.last_origin = ipc::ascending(&batches, self.last_origin).map_err(|reason| self.instance.broken(doing, reason))?;
        let batch = batches.pop().filter(|batch| batch.num_rows() > 0);
        if let Some(rows) = batch.as_ref().map(RecordBatch::num_rows).filter(|rows| *rows > self.batch_rows) {
            return Err(self.instance.broken(doing, format!("a batch has {rows} rows, {} were asked for", self.batch_rows)));
        }
        Ok(batch)
    }

    /// Folds the cursors of finished slices into the stream's new one.
    pub async fn advance(&mut self, stream: &str, cursor: Option<&str>, reached: &[String]) -> Result<Option<String>, PluginError> {
        let doing = format!("advance the cursor of stream `{stream}`");
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_source();
        let result = guest.call_advance(&mut self.instance.store, &self.config, stream, cursor, reached).await;
        self.instance.settle(started, &doing, result)
    }

    /// Where the time went so far.
    pub fn timings(&self) -> Timings {
        self.instance.timings
    }
}

fn stream_info(stream: wit::StreamInfo) -> Result<StreamInfo, String> {
    let name = stream.name;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        return Err("a stream's name is not made of lower-case letters, digits and underscores".into());
    }
    let schema = ipc::decode_schema(stream.schema)?;
    let mut names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).chain([ORIGIN]).collect();
    names.sort_unstable();
    if let Some(double) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("stream `{name}` has the column `{}` twice", clean_text(double[0].to_owned())));
    }
    let known = |column: &String| schema.field_with_name(column).is_ok();
    if let Some(column) = stream.primary_key.iter().chain(&stream.cursor_field).find(|column| !known(column)) {
        return Err(format!("stream `{name}` names the column `{}`, which its schema lacks", clean_text(column.clone())));
    }
    Ok(StreamInfo {
        name,
        schema: Arc::clone(&schema),
        primary_key: stream.primary_key,
        cursor_field: stream.cursor_field,
        write_mode: match stream.write_mode {
            wit::WriteMode::Append => WriteMode::Append,
            wit::WriteMode::Replace => WriteMode::Replace,
            wit::WriteMode::Merge => WriteMode::Merge,
        },
    })
}
