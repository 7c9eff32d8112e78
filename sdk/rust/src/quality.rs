//! What a quality plugin implements.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Context, Dimension, Distribution, Result};

/// A plugin that judges the rows of a stream. Instances observe partitions side by side; one more sums up their states.
pub trait Quality: Sized + 'static {
    /// The plugin's config.
    type Config: DeserializeOwned + JsonSchema;

    /// Checks the config against the stream's schema and says how rows must be spread.
    fn plan(config: &Self::Config, context: &Context, input: &SchemaRef) -> Result<Distribution>;

    /// Starts work on one partition. `input` ends with [`crate::ORIGIN`].
    fn open(config: Self::Config, context: Context, input: SchemaRef) -> Result<Self>;

    /// Takes a batch of at most 65,536 rows.
    fn observe(&mut self, batch: &RecordBatch) -> Result<()>;

    /// The state so far, in the plugin's own format. Keys are in it by a [`crate::keys::Census::ticket`].
    fn state(&self) -> Result<Vec<u8>>;

    /// Adds another instance's state to this one's. The order of merging must not change what [`Quality::finish`] says.
    fn merge(&mut self, state: &[u8]) -> Result<()>;

    /// What was counted. Rules that found nothing to look at are left out.
    fn finish(&mut self) -> Result<Vec<Measure>>;
}

/// What a rule counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The dimension it speaks of.
    pub dimension: Dimension,
    /// The rule's name: `required`, `range`.
    pub rule: String,
    /// The columns it looked at.
    pub columns: Vec<String>,
    /// How many cells or rows passed.
    pub passed: u64,
    /// How many were looked at.
    pub total: u64,
    /// Keys of up to ten rows that failed, never whole rows.
    pub samples: Vec<String>,
}
