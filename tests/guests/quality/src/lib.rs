//! A quality plugin that counts rows, or misbehaves as its config says: one file per way to do so.

mod forgets_origins;
mod guesses_tickets;
mod lies_about_passed;
mod takes_itself_in;

use tidegate_sdk::prelude::*;

/// The config: without `misbehave` it behaves.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Config {
    misbehave: Option<Misbehaviour>,
}

/// What it does wrong; each has its file.
#[derive(Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub enum Misbehaviour {
    ForgetsOrigins,
    GuessesTickets,
    LiesAboutPassed,
    TakesItselfIn,
}

pub struct Guest {
    misbehave: Option<Misbehaviour>,
    rows: u64,
}

impl Quality for Guest {
    type Config = Config;

    fn plan(_: &Config, _: &Context, _: &SchemaRef) -> Result<Distribution> {
        Ok(Distribution::Any)
    }

    fn open(config: Config, _: Context, _: SchemaRef) -> Result<Self> {
        Ok(Self { misbehave: config.misbehave, rows: 0 })
    }

    fn observe(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn state(&self) -> Result<Vec<u8>> {
        Ok(self.rows.to_le_bytes().to_vec())
    }

    fn merge(&mut self, state: &[u8]) -> Result<()> {
        let state = state.try_into().map_err(|_| Failure::bug("a state has eight bytes"))?;
        self.rows += u64::from_le_bytes(state);
        Ok(())
    }

    fn finish(&mut self) -> Result<Vec<Measure>> {
        match self.misbehave {
            Some(Misbehaviour::ForgetsOrigins) => forgets_origins::run()?,
            Some(Misbehaviour::GuessesTickets) => guesses_tickets::run()?,
            Some(Misbehaviour::TakesItselfIn) => takes_itself_in::run()?,
            Some(Misbehaviour::LiesAboutPassed) => return Ok(vec![lies_about_passed::measure(self.rows)]),
            None => {}
        }
        Ok(vec![measure(self.rows, self.rows)])
    }
}

fn measure(passed: u64, total: u64) -> Measure {
    let columns = vec!["id".to_owned()];
    Measure { dimension: Dimension::Completeness, rule: "counted".into(), columns, passed, total, samples: Vec::new() }
}

export_quality!(Guest);
