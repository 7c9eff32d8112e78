//! Cleans the nine tables of the Brazilian e-commerce data set by Olist. This file is the glue; a table is a file in [`tables`], what
//! is done to a single column is a file in [`cells`].
//!
//! - The same batches in the same order give the same batches: no clock, no random seed.
//! - A rejected row is named once, by the first rule of its table's list that it breaks.

mod binding;
mod cells;
mod clock;
mod config;
mod rules;
mod sheet;
mod tables;
#[cfg(test)]
mod testing;

use tidegate_sdk::{keys::Seen, prelude::*};

use crate::{binding::Binding, clock::Clock, sheet::Sheet, tables::Definition};

pub use crate::config::{Config, SlashDates, Table};

/// The work on one partition of one table.
pub struct Olist {
    table: &'static Definition,
    binding: Binding,
    schema: SchemaRef,
    clock: Clock,
    seen: Seen,
}

impl Transform for Olist {
    type Config = Config;

    fn shape(config: &Config, context: &Context, input: &SchemaRef) -> Result<Shape> {
        let table = config.definition(context)?;
        let binding = Binding::new(table, input)?;
        config.clock()?;
        Ok(Shape {
            schema: table.schema(),
            primary_key: table.key.iter().map(ToString::to_string).collect(),
            distribution: binding.distribution(table),
            rules: table.rules.iter().map(|rule| rule.named(|column| binding.name_in_input(table, column))).collect(),
        })
    }

    fn open(config: Config, context: Context, input: SchemaRef) -> Result<Self> {
        let table = config.definition(&context)?;
        let binding = Binding::new(table, &input)?;
        Ok(Self { table, binding, schema: table.schema(), clock: config.clock()?, seen: Seen::default() })
    }

    fn push(&mut self, batch: RecordBatch) -> Result<Output> {
        let mut sheet = Sheet::new(self.table, self.binding.cells(&batch)?, &mut self.clock, &mut self.seen);
        let columns = (self.table.clean)(&mut sheet)?;
        sheet.verdict().output(&self.schema, columns, self.binding.origin(&batch)?)
    }
}

tidegate_sdk::export_transform!(Olist);
