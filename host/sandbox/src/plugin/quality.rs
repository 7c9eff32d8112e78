//! A quality plugin's instance: batches in, measures out.

use std::time::Instant;

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use wasmtime::component::ResourceAny;

use super::{
    Access, Context, Distribution, Plugin, PluginError, Role, Runtime, Timings,
    bindings::{quality_world::QualityPlugin, types},
    guest::clean_text,
    instance::{Called, Instance, context, dimension, distribution},
    ipc,
    loaded::Pre,
};
use crate::quality::Measure;

/// An instance of a quality plugin, at work on one partition.
pub struct QualityInstance {
    instance: Instance,
    bound: QualityPlugin,
    config: String,
    context: types::Context,
    work: Option<ResourceAny>,
    /// The last batch as it was sent.
    sent: Vec<u8>,
}

impl QualityInstance {
    /// Makes an instance. `config` is the plugin's config as JSON.
    pub async fn new(runtime: &Runtime, plugin: &Plugin, ctx: &Context, config: &str, access: &Access) -> Result<Self, PluginError> {
        plugin.expect_role(Role::Quality)?;
        let Pre::Quality(pre) = &plugin.pre else { unreachable!("the role was checked") };
        let mut instance = Instance::new(runtime, &plugin.id(), &ctx.stream, access);
        let started = instance.arm();
        let result = pre.instantiate_async(&mut instance.store).await;
        let bound = instance.settle_plain(started, "start", result)?;
        Ok(Self { instance, bound, config: config.to_owned(), context: context(ctx), work: None, sent: Vec::new() })
    }

    /// Checks the config against the schema and says how rows must be spread.
    pub async fn plan(&mut self, input: &SchemaRef) -> Result<Distribution, PluginError> {
        let doing = format!("plan its rules for stream `{}`", self.context.stream);
        let bytes = self.schema_bytes(&doing, input)?;
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_quality();
        let result = guest.call_plan(&mut self.instance.store, &self.config, &self.context, &bytes).await;
        let wanted = distribution(self.instance.settle(started, &doing, result)?);
        if let Distribution::Hash(columns) = &wanted
            && let Some(column) = columns.iter().find(|column| input.field_with_name(column).is_err())
        {
            return Err(self.instance.broken(&doing, format!("it wants rows spread by `{column}`, which its input lacks")));
        }
        Ok(wanted)
    }

    /// Starts work.
    pub async fn open(&mut self, input: &SchemaRef) -> Result<(), PluginError> {
        let doing = format!("start on stream `{}`", self.context.stream);
        let bytes = self.schema_bytes(&doing, input)?;
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_quality();
        let result = guest.call_open(&mut self.instance.store, &self.config, &self.context, &bytes).await;
        self.work = Some(self.instance.settle(started, &doing, result)?);
        Ok(())
    }

    /// Shows it a batch.
    pub fn observe<'a>(&'a mut self, batch: &'a RecordBatch) -> Called<'a, ()> {
        Box::pin(async move {
            const DOING: &str = "judge a batch";
            let encoding = Instant::now();
            ipc::encode(batch, &mut self.sent).map_err(|error| self.instance.broken(DOING, error.to_string()))?;
            self.instance.timings.ipc += encoding.elapsed();
            let work = self.work();
            let started = self.instance.arm();
            let guest = self.bound.tidegate_plugin_quality();
            let result = guest.observer().call_observe(&mut self.instance.store, work, &self.sent).await;
            self.instance.settle(started, DOING, result)
        })
    }

    /// Its state so far.
    pub fn state(&mut self) -> Called<'_, Vec<u8>> {
        Box::pin(async move {
            const DOING: &str = "hand over its state";
            let work = self.work();
            let started = self.instance.arm();
            let guest = self.bound.tidegate_plugin_quality();
            let result = guest.observer().call_state(&mut self.instance.store, work).await;
            let state = self.instance.settle(started, DOING, result)?;
            self.instance.check_output(DOING, state.len())?;
            Ok(state)
        })
    }

    /// Adds another instance's state.
    pub fn merge<'a>(&'a mut self, state: &'a [u8]) -> Called<'a, ()> {
        Box::pin(async move {
            let work = self.work();
            let started = self.instance.arm();
            let guest = self.bound.tidegate_plugin_quality();
            let result = guest.observer().call_merge(&mut self.instance.store, work, state).await;
            self.instance.settle(started, "merge a state", result)
        })
    }

    /// What was counted.
    pub async fn finish(&mut self) -> Result<Vec<Measure>, PluginError> {
        const DOING: &str = "sum up";
        let work = self.work();
        let started = self.instance.arm();
        let guest = self.bound.tidegate_plugin_quality();
        let result = guest.observer().call_finish(&mut self.instance.store, work).await;
        let measures = self.instance.settle(started, DOING, result)?;
        if let Some(measure) = measures.iter().find(|measure| measure.passed > measure.total) {
            let reason = format!("rule `{}` passed {} of {}", measure.rule, measure.passed, measure.total);
            return Err(self.instance.broken(DOING, reason));
        }
        let (stream, plugin) = (self.context.stream.clone(), self.instance.plugin.clone());
        Ok(measures
            .into_iter()
            .map(|measure| Measure {
                stream: stream.clone(),
                plugin: plugin.clone(),
                dimension: dimension(measure.dimension),
                rule: clean_text(measure.rule),
                columns: measure.columns.into_iter().map(clean_text).collect(),
                passed: measure.passed,
                total: measure.total,
                samples: measure.samples.into_iter().take(10).map(clean_text).collect(),
                rejects: false,
            })
            .collect())
    }

    fn work(&self) -> ResourceAny {
        self.work.expect("open comes before all other calls")
    }

    fn schema_bytes(&self, doing: &str, schema: &SchemaRef) -> Result<Vec<u8>, PluginError> {
        ipc::encode_schema(schema).map_err(|error| self.instance.broken(doing, error.to_string()))
    }

    /// Where the time went so far.
    pub fn timings(&self) -> Timings {
        self.instance.timings
    }
}
