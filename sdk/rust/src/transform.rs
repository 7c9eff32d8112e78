//! What a transform implements.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Context, Dimension, Distribution, Result};

/// A plugin that cleans the rows of a stream. Pure: the same batches in the same order give the same batches.
pub trait Transform: Sized + 'static {
    /// The plugin's config.
    type Config: DeserializeOwned + JsonSchema;

    /// Says what would come out, without data. `input` ends with [`crate::ORIGIN`], and so must the output.
    fn shape(config: &Self::Config, context: &Context, input: &SchemaRef) -> Result<Shape>;

    /// Starts work on one partition.
    fn open(config: Self::Config, context: Context, input: SchemaRef) -> Result<Self>;

    /// Takes a batch of at most 65,536 rows; gives the accepted rows and names the rejected ones.
    fn push(&mut self, batch: RecordBatch) -> Result<Output>;

    /// Gives what is left after the last batch. The default has nothing left.
    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        Ok(None)
    }
}

/// What a transform makes of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The schema of what it accepts; the last column is [`crate::ORIGIN`].
    pub schema: SchemaRef,
    /// The columns that identify a row of the output; empty where none do.
    pub primary_key: Vec<String>,
    /// How its input must be spread over instances.
    pub distribution: Distribution,
    /// The rules it enforces; [`Rejections`] names them by index.
    pub rules: Vec<Rule>,
}

/// A rule that a transform enforces row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique in the plugin: `price-positive`.
    pub name: String,
    /// The dimension that a violation counts against.
    pub dimension: Dimension,
    /// The columns it looks at, by their names in the input.
    pub columns: Vec<String>,
    /// Why a row that breaks it is rejected: `price is not above zero`.
    pub reason: String,
}

/// What one call of [`Transform::push`] brings.
#[derive(Debug, Default)]
pub struct Output {
    /// The accepted rows.
    pub accepted: Option<RecordBatch>,
    /// The rejected rows of the pushed batch.
    pub rejected: Rejections,
}

/// Rows of one batch that rules reject, at most once each: the first rule that a row breaks counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejections {
    /// `rows[rule]` holds the rejected row indexes of that rule, ascending.
    rows: Vec<Vec<u32>>,
}

impl Rejections {
    /// Rejects `row` of the pushed batch by the rule at index `rule` of [`Shape::rules`]. Rows must come in ascending order.
    pub fn reject(&mut self, rule: usize, row: usize) {
        if self.rows.len() <= rule {
            self.rows.resize_with(rule + 1, Vec::new);
        }
        self.rows[rule].push(u32::try_from(row).expect("a batch has at most 65,536 rows"));
    }

    /// The number of rejected rows.
    pub fn len(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// Whether no row was rejected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rejected rows by rule: its index, and row indexes in ascending order.
    pub fn by_rule(&self) -> impl Iterator<Item = (usize, &[u32])> {
        self.rows.iter().enumerate().filter(|(_, rows)| !rows.is_empty()).map(|(rule, rows)| (rule, rows.as_slice()))
    }
}
