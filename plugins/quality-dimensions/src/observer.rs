//! One partition's view: the counters of all rules, their state, their sum.

use tidegate_sdk::{
    Hash128,
    arrow_array::{cast::AsArray, types::UInt64Type},
    arrow_schema::DataType,
    prelude::*,
};

use crate::{
    Config,
    rows::Rows,
    rules::{Check, Counted},
    state::{Reader as StateReader, Writer},
    stream::Stream,
    tally::Tally,
};

/// The first byte of a state. A state of another version is refused.
const STATE_VERSION: u8 = 3;

/// Counters for every rule over the same columns of the same stream.
pub struct Observer {
    input: SchemaRef,
    origin: usize,
    key: Vec<usize>,
    counters: Vec<Counter>,
    /// Tells states of the same rules from others.
    fingerprint: u64,
}

/// What becomes one measure.
struct Counter {
    dimension: Dimension,
    rule: String,
    columns: Vec<String>,
    tally: Tally,
    check: Box<dyn Check>,
}

impl Observer {
    /// Checks every rule against the stream's schema; all that is wrong is said at once.
    pub fn new(config: &Config, context: &Context, input: &SchemaRef) -> Result<Self> {
        let origin = input.index_of(ORIGIN).ok().filter(|&index| *input.field(index).data_type() == DataType::UInt64);
        let origin = origin.ok_or_else(|| Failure::bug(format!("the input has no column `{ORIGIN}` of type UInt64")))?;
        let stream = Stream { schema: input, context };
        let mut problems = Vec::new();
        let mut key = Vec::new();
        for name in &config.key {
            match stream.readable(name) {
                Ok(column) => key.push(column.index),
                Err(failure) => problems.push(format!("`key`: {failure}")),
            }
        }
        let mut counters = Vec::new();
        for (index, rule) in config.rules.iter().enumerate() {
            match rule.checks(&stream) {
                Ok(checks) => counters.extend(checks.into_iter().map(|counted| Counter::new(rule, counted))),
                Err(failure) => problems.push(format!("rule {} (`{}`): {failure}", index + 1, rule.kind())),
            }
        }
        if config.rules.is_empty() {
            problems.push("`rules` is empty; declare at least one rule".to_owned());
        }
        if !problems.is_empty() {
            return Err(Failure::config(problems.join("; ")));
        }
        let fingerprint = fingerprint(&counters);
        Ok(Self { input: input.clone(), origin, key, counters, fingerprint })
    }

    /// Counts the rows of a batch.
    pub fn observe(&mut self, batch: &RecordBatch) -> Result<()> {
        self.check(batch)?;
        let origins = batch.column(self.origin).as_primitive::<UInt64Type>().values();
        let rows = Rows { batch, origins, key: &self.key };
        for counter in &mut self.counters {
            counter.check.observe(&rows, &mut counter.tally);
        }
        self.counters.iter_mut().try_for_each(|counter| counter.check.hand_over())
    }

    /// The state so far.
    pub fn state(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.byte(STATE_VERSION);
        out.number(self.fingerprint);
        for counter in &self.counters {
            counter.tally.save(&mut out);
            counter.check.save(&mut out);
        }
        out.into_bytes()
    }

    /// Adds another instance's state.
    pub fn merge(&mut self, state: &[u8]) -> Result<()> {
        let mut input = StateReader::new(state);
        let version = input.byte()?;
        if version != STATE_VERSION {
            return Err(Failure::bug(format!("the state has version {version}, this plugin reads {STATE_VERSION}")));
        }
        if input.number()? != self.fingerprint {
            return Err(Failure::bug("the state belongs to other rules"));
        }
        for counter in &mut self.counters {
            counter.tally.merge(&mut input)?;
            counter.check.merge(&mut input)?;
        }
        input.end()
    }

    /// What was counted, in the order of the config.
    pub fn finish(&mut self) -> Result<Vec<Measure>> {
        self.counters.iter_mut().try_for_each(|counter| counter.check.settle(&mut counter.tally))?;
        Ok(self.counters.iter().filter(|counter| counter.tally.total > 0).map(Counter::measure).collect())
    }

    /// Downcasts rely on batches being what `open` announced.
    fn check(&self, batch: &RecordBatch) -> Result<()> {
        let schema = batch.schema_ref();
        let same = self.input.fields().len() == schema.fields().len()
            && self.input.fields().iter().zip(schema.fields()).all(|(wanted, found)| wanted.data_type() == found.data_type());
        if same && batch.column(self.origin).null_count() == 0 {
            return Ok(());
        }
        Err(Failure::bug("a batch does not have the columns that were announced"))
    }
}

impl Counter {
    fn new(rule: &crate::rules::RuleConfig, counted: Counted) -> Self {
        Self {
            dimension: rule.dimension(),
            rule: rule.name().to_owned(),
            columns: counted.columns,
            tally: Tally::default(),
            check: counted.check,
        }
    }

    fn measure(&self) -> Measure {
        Measure {
            dimension: self.dimension,
            rule: self.rule.clone(),
            columns: self.columns.clone(),
            passed: self.tally.total.saturating_sub(self.tally.failed),
            total: self.tally.total,
            samples: self.tally.samples.labels(),
        }
    }
}

fn fingerprint(counters: &[Counter]) -> u64 {
    let mut text = String::new();
    for counter in counters {
        text.push_str(&format!("{:?}\0{}\0{:?}\n", counter.dimension, counter.rule, counter.columns));
    }
    Hash128::of(text.as_bytes()).0
}
