//! `quality-dimensions`: judges rows in the eight dimensions of data quality by rules that a pipeline declares per stream.
//!
//! - Generic: nothing in it knows a data set; columns, bounds and references come from the config.
//! - The result does not depend on how rows are spread over instances, nor on the order in which states are merged
//!   (`merge::any_partition_and_any_order_give_the_result_of_one_instance`).
//! - A rule that found nothing to look at gives no measure: not measured is not 100.
//!
//! One file per rule kind below `rules`; `rules/mod.rs` is the registry. The other modules are what rules share.

mod bounds;
mod config;
mod instant;
mod lane;
mod literal;
mod members;
mod observer;
mod rows;
mod rules;
mod state;
mod stream;
mod tally;

#[cfg(test)]
mod merge;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod testing;

use tidegate_sdk::prelude::*;

pub use config::Config;
use observer::Observer;

/// One instance's view of one partition of a stream.
pub struct QualityDimensions(Observer);

impl Quality for QualityDimensions {
    type Config = Config;

    fn plan(config: &Config, context: &Context, input: &SchemaRef) -> Result<Distribution> {
        Observer::new(config, context, input)?;
        Ok(Distribution::Any)
    }

    fn open(config: Config, context: Context, input: SchemaRef) -> Result<Self> {
        Ok(Self(Observer::new(&config, &context, &input)?))
    }

    fn observe(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.observe(batch)
    }

    fn state(&self) -> Result<Vec<u8>> {
        Ok(self.0.state())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        self.0.merge(state)
    }

    fn finish(&mut self) -> Result<Vec<Measure>> {
        self.0.finish()
    }
}

export_quality!(QualityDimensions);
