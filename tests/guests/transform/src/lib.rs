//! A transform that passes its rows through, or misbehaves as its config says: one file per way to do so.

mod bad_offsets;
mod bad_utf8;
mod eats_memory;
mod floods_log;
mod hoards_sets;
mod measures_time;
mod nulls_declared_absent;
mod origin_of_another_type;
mod other_schema;
mod panics;
mod rejects_beyond;
mod rejects_twice;
mod rows;
mod spins;
mod too_many_keys;
mod too_many_rows;
mod too_much_output;
mod traps;

use tidegate_sdk::prelude::*;

/// The config: without `misbehave` it behaves.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {
    misbehave: Option<Misbehaviour>,
    /// How much text `too_much_output` sends.
    #[serde(default)]
    mib: usize,
}

/// What it does wrong; each has its file.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub enum Misbehaviour {
    BadOffsets,
    BadUtf8,
    EatsMemory,
    FloodsLog,
    HoardsSets,
    MeasuresTime,
    NullsDeclaredAbsent,
    OriginOfAnotherType,
    OtherSchema,
    Panics,
    RejectsBeyond,
    RejectsTwice,
    Spins,
    TooManyKeys,
    TooManyRows,
    TooMuchOutput,
    Traps,
}

pub struct Guest(Config);

impl Transform for Guest {
    type Config = Config;

    fn shape(config: &Config, _: &Context, input: &SchemaRef) -> Result<Shape> {
        let schema = match config.misbehave {
            Some(Misbehaviour::OriginOfAnotherType) => origin_of_another_type::schema(input),
            _ => input.clone(),
        };
        let rule =
            Rule { name: "even".into(), dimension: Dimension::Validity, columns: vec![rows::ID.into()], reason: "the id is even".into() };
        Ok(Shape { schema, primary_key: Vec::new(), distribution: Distribution::Any, rules: vec![rule] })
    }

    fn open(config: Config, _: Context, _: SchemaRef) -> Result<Self> {
        Ok(Self(config))
    }

    fn push(&mut self, batch: RecordBatch) -> Result<Output> {
        let Some(misbehaviour) = self.0.misbehave else { return Ok(accept(batch)) };
        match misbehaviour {
            Misbehaviour::BadOffsets => Ok(accept(bad_offsets::batch())),
            Misbehaviour::BadUtf8 => Ok(accept(bad_utf8::batch())),
            Misbehaviour::EatsMemory => eats_memory::run(),
            Misbehaviour::FloodsLog => floods_log::run(),
            Misbehaviour::HoardsSets => hoards_sets::run(),
            Misbehaviour::MeasuresTime => measures_time::run(),
            Misbehaviour::NullsDeclaredAbsent => Ok(accept(nulls_declared_absent::batch()?)),
            Misbehaviour::OriginOfAnotherType => Ok(accept(batch)),
            Misbehaviour::OtherSchema => Ok(accept(other_schema::batch()?)),
            Misbehaviour::Panics => panics::run(),
            Misbehaviour::RejectsBeyond => Ok(reject(rejects_beyond::rows(&batch))),
            Misbehaviour::RejectsTwice => Ok(reject(rejects_twice::rows())),
            Misbehaviour::Spins => spins::run(),
            Misbehaviour::TooManyKeys => too_many_keys::run(),
            Misbehaviour::TooManyRows => Ok(accept(too_many_rows::batch()?)),
            Misbehaviour::TooMuchOutput => Ok(accept(too_much_output::batch(self.0.mib)?)),
            Misbehaviour::Traps => traps::run(),
        }
    }
}

fn accept(batch: RecordBatch) -> Output {
    Output { accepted: Some(batch), rejected: Rejections::default() }
}

fn reject(rejected: Rejections) -> Output {
    Output { accepted: None, rejected }
}

export_transform!(Guest);
