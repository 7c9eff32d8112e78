//! A transform's instance: batches in, accepted batches and rejected rows out.

use std::time::Instant;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use serde::{Deserialize, Serialize};
use wasmtime::component::ResourceAny;

use super::{
    Access, Context, Distribution, Plugin, PluginError, Role, Runtime, Timings,
    bindings::{
        transform_world::{TransformPlugin, exports::tidegate::plugin::transform as wit},
        types,
    },
    guest::clean_text,
    instance::{Called, Instance, context, dimension, distribution},
    ipc,
    loaded::Pre,
};
use crate::{
    lineage::{ORIGIN, origin_field},
    quality::Dimension,
};

/// A rule that a transform enforces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// The dimension that a violation counts against.
    pub dimension: Dimension,
    /// The columns it looks at.
    pub columns: Vec<String>,
    /// Why a row that breaks it is rejected.
    pub reason: String,
}

/// What a transform makes of a stream.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The schema of what it accepts, with the origin.
    pub schema: SchemaRef,
    /// The columns that identify a row.
    pub primary_key: Vec<String>,
    /// How its input must be spread.
    pub distribution: Distribution,
    /// The rules it enforces.
    pub rules: Vec<Rule>,
}

/// What one push brought.
#[derive(Debug)]
pub struct Pushed {
    /// The accepted rows.
    pub accepted: Vec<RecordBatch>,
    /// The rejected rows: the rule's index in [`Shape::rules`], and rows of the pushed batch.
    pub rejected: Vec<(usize, Vec<u32>)>,
}

/// An instance of a transform, at work on one partition.
pub struct TransformInstance {
    instance: Instance,
    bound: TransformPlugin,
    config: String,
    context: types::Context,
    work: Option<(ResourceAny, SchemaRef, usize)>,
    last_origin: u64,
    /// The last batch as it was sent.
    sent: Vec<u8>,
}

impl TransformInstance {
    /// Makes an instance. `config` is the plugin's config as JSON.
    pub async fn new(runtime: &Runtime, plugin: &Plugin, ctx: &Context, config: &str, access: &Access) -> Result<Self, PluginError> {
        plugin.expect_role(Role::Transform)?;
        let Pre::Transform(pre) = &plugin.pre else { unreachable!("the role was checked") };
        let mut instance = Instance::new(runtime, &plugin.id(), &ctx.stream, access);
        let started = instance.arm();
        let result = pre.instantiate_async(&mut instance.store).await;
        let bound = instance.settle_plain(started, "start", result)?;
        Ok(Self { instance, bound, config: config.to_owned(), context: context(ctx), work: None, last_origin: 0, sent: Vec::new() })
    }

    /// Asks what would come out.
    pub async fn shape(&mut self, input: &SchemaRef) -> Result<Shape, PluginError> {
        let doing = format!("say what it makes of stream `{}`", self.context.stream);
        let bytes = self.schema_bytes(&doing, input)?;
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_transform();
        let result = guest.call_output_schema(&mut self.instance.store, &self.config, &self.context, &bytes).await;
        let shape = self.instance.settle(started, &doing, result)?;
        convert(shape, input).map_err(|reason| self.instance.broken(&doing, reason))
    }

    /// Starts work. `output` is the schema and `rules` the number of rules that [`TransformInstance::shape`] gave.
    pub async fn open(&mut self, input: &SchemaRef, output: SchemaRef, rules: usize) -> Result<(), PluginError> {
        let doing = format!("start on stream `{}`", self.context.stream);
        let bytes = self.schema_bytes(&doing, input)?;
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_transform();
        let result = guest.call_open(&mut self.instance.store, &self.config, &self.context, &bytes).await;
        self.work = Some((self.instance.settle(started, &doing, result)?, output, rules));
        Ok(())
    }

    /// Pushes a batch.
    pub fn push<'a>(&'a mut self, batch: &'a RecordBatch) -> Called<'a, Pushed> {
        Box::pin(async move {
            const DOING: &str = "transform a batch";
            let Some((work, schema, rules)) = self.work.clone() else { unreachable!("push follows open") };
            let encoding = Instant::now();
            ipc::encode(batch, &mut self.sent).map_err(|error| self.instance.broken(DOING, error.to_string()))?;
            self.instance.timings.ipc += encoding.elapsed();
            let started = self.instance.arm();
            let guest = self.bound.tidegate_plugin_transform();
            let result = guest.transformer().call_push(&mut self.instance.store, work, &self.sent).await;
            let pushed = self.instance.settle(started, DOING, result)?;
            let decoding = Instant::now();
            let accepted = self.accepted(DOING, pushed.accepted, &schema)?;
            let rejected = rejected(pushed.rejected, rules, batch.num_rows()).map_err(|reason| self.instance.broken(DOING, reason))?;
            self.instance.timings.ipc += decoding.elapsed();
            Ok(Pushed { accepted, rejected })
        })
    }

    /// Asks for what is left.
    pub async fn finish(&mut self) -> Result<Vec<RecordBatch>, PluginError> {
        const DOING: &str = "finish";
        let Some((work, schema, _)) = self.work.clone() else { unreachable!("finish follows open") };
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_transform();
        let result = guest.transformer().call_finish(&mut self.instance.store, work).await;
        let rest = self.instance.settle(started, DOING, result)?;
        self.accepted(DOING, rest, &schema)
    }

    fn accepted(&mut self, doing: &str, bytes: Option<Vec<u8>>, schema: &SchemaRef) -> Result<Vec<RecordBatch>, PluginError> {
        let Some(bytes) = bytes else { return Ok(Vec::new()) };
        self.instance.check_output(doing, bytes.len())?;
        let batches = ipc::decode(bytes, schema).map_err(|reason| self.instance.broken(doing, reason))?;
        self.last_origin = ipc::ascending(&batches, self.last_origin).map_err(|reason| self.instance.broken(doing, reason))?;
        Ok(batches)
    }

    fn schema_bytes(&self, doing: &str, schema: &SchemaRef) -> Result<Vec<u8>, PluginError> {
        ipc::encode_schema(schema).map_err(|error| self.instance.broken(doing, error.to_string()))
    }

    /// Where the time went so far.
    pub fn timings(&self) -> Timings {
        self.instance.timings
    }
}

fn convert(shape: wit::Shape, input: &SchemaRef) -> Result<Shape, String> {
    let schema = ipc::decode_schema(shape.schema)?;
    if schema.fields().last().is_none_or(|last| **last != origin_field()) {
        return Err(format!("the last column of its output is not `{ORIGIN}` as UInt64 without nulls"));
    }
    let distribution = distribution(shape.distribution);
    if let Distribution::Hash(columns) = &distribution
        && let Some(column) = columns.iter().find(|column| input.field_with_name(column).is_err())
    {
        return Err(format!("it wants rows spread by `{}`, which its input lacks", clean_text(column.clone())));
    }
    let rules = shape
        .rules
        .into_iter()
        .map(|rule| Rule {
            name: clean_text(rule.name),
            dimension: dimension(rule.dimension),
            columns: rule.columns,
            reason: clean_text(rule.reason),
        })
        .collect();
    Ok(Shape { schema, primary_key: shape.primary_key, distribution, rules })
}

/// A guest may reject each row of the batch once, by a rule that it declared.
fn rejected(rejections: Vec<types::Rejection>, rules: usize, rows: usize) -> Result<Vec<(usize, Vec<u32>)>, String> {
    let mut seen = vec![false; if rejections.is_empty() { 0 } else { rows }];
    for rejection in &rejections {
        if rejection.rule as usize >= rules {
            return Err(format!("it rejects by rule {}, it declared {rules}", rejection.rule));
        }
        for row in &rejection.rows {
            match seen.get_mut(*row as usize) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => return Err(format!("it rejects row {row} twice")),
                None => return Err(format!("it rejects row {row} of a batch of {rows}")),
            }
        }
    }
    Ok(rejections.into_iter().map(|rejection| (rejection.rule as usize, rejection.rows)).collect())
}
