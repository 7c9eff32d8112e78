//! What a pipeline must hold to beyond its types: names exist and are well-formed, numbers are in range, choices exclude each other.
//! All problems are found, not only the first.

mod alerts;
mod egress;
mod schedule;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::Path;

use super::diagnose::{Part, Problem, suggest};
use super::pipeline::{Gate, Mode, Pipeline, Step, Table, WarehouseKind};
use super::sql;

const PERCENT: RangeInclusive<f64> = 0.0..=100.0;
/// What a 32-bit linear memory can hold.
const MEMORY_MIB: RangeInclusive<u32> = 1..=4096;
/// A call that takes longer than an hour is stuck.
const DEADLINE_SECONDS: RangeInclusive<u32> = 1..=3600;
const PARTITIONS: RangeInclusive<u32> = 1..=64;
/// Fewer rows make the crossing of the sandbox dear, more make batches that no cache holds.
const BATCH_ROWS: RangeInclusive<u32> = 1024..=65_536;
const GZIP_LEVEL: RangeInclusive<u32> = 0..=9;
/// PostgreSQL cuts longer names off without a word.
const NAME_BYTES: usize = 63;

/// Everything that is wrong with `pipeline`, the text of `file`, whose relative paths refer to `root`.
pub(super) fn problems(file: &Path, root: &Path, text: &str, pipeline: &Pipeline) -> Vec<Problem> {
    let mut check = Check { file, root, text, pipeline, problems: Vec::new() };
    check.names();
    check.numbers();
    check.schedule();
    check.gate(&["gate"], &pipeline.gate);
    check.sources();
    check.streams();
    check.checks();
    check.warehouse();
    check.tables();
    check.sql();
    check.alerts();
    check.problems
}

struct Check<'p> {
    file: &'p Path,
    root: &'p Path,
    text: &'p str,
    pipeline: &'p Pipeline,
    problems: Vec<Problem>,
}

/// Where a name is used decides which characters it may have.
#[derive(Clone, Copy)]
enum Alphabet {
    /// A file name.
    Plain,
    /// A name that SQL takes without quotes.
    Sql,
}

impl Check<'_> {
    fn at(&self, path: &[&str], part: Part, message: impl Into<String>) -> Problem {
        Problem::at(self.file, self.text, path, part, message)
    }

    fn names(&mut self) {
        let pipeline = self.pipeline;
        self.name(&["name"], Part::Value, &pipeline.name, Alphabet::Plain);
        for name in pipeline.sources.keys() {
            self.name(&["sources", name], Part::Key, name, Alphabet::Plain);
        }
        for name in pipeline.checks.keys() {
            self.name(&["checks", name], Part::Key, name, Alphabet::Plain);
        }
        for name in pipeline.streams.keys() {
            self.name(&["streams", name], Part::Key, name, Alphabet::Sql);
        }
        for name in pipeline.tables.keys() {
            self.name(&["tables", name], Part::Key, name, Alphabet::Sql);
        }
        for name in pipeline.marts.keys() {
            self.name(&["marts", name], Part::Key, name, Alphabet::Sql);
            if pipeline.tables.contains_key(name) {
                let problem = self.at(&["marts", name], Part::Key, format!("`{name}` is both a table and a mart"));
                self.problems.push(problem.label("named a second time"));
            }
        }
    }

    fn name(&mut self, path: &[&str], part: Part, name: &str, alphabet: Alphabet) {
        let (allowed, extra): (_, &[char]) = match alphabet {
            Alphabet::Plain => ("lower-case letters, digits, `-` and `_`", &['-', '_']),
            Alphabet::Sql => ("lower-case letters, digits and `_`", &['_']),
        };
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || extra.contains(&c);
        if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(fits) && name.len() <= NAME_BYTES {
            return;
        }
        let mended = name.to_lowercase().replace(|c: char| !fits(c), "_");
        let mended = mended.trim_start_matches(|c: char| !c.is_ascii_lowercase());
        let usable = !mended.is_empty() && mended.len() <= NAME_BYTES;
        let problem = self.at(path, part, format!("`{name}` cannot be a name"));
        let rule = format!("a name begins with a letter and has {allowed}, {NAME_BYTES} at most");
        let help = if usable { format!("{rule}; `{mended}` would do") } else { rule };
        self.problems.push(problem.label("not a name").with_help(help));
    }

    fn numbers(&mut self) {
        let (engine, limits) = (&self.pipeline.engine, &self.pipeline.limits);
        self.within(&["engine", "partitions"], engine.partitions, PARTITIONS);
        self.within(&["engine", "batch_rows"], engine.batch_rows, BATCH_ROWS);
        self.within(&["engine", "archive_level"], engine.archive_level, GZIP_LEVEL);
        self.within(&["limits", "memory_mib"], limits.memory_mib, MEMORY_MIB);
        self.within(&["limits", "deadline_seconds"], limits.deadline_seconds, DEADLINE_SECONDS);
        self.within(&["limits", "output_mib"], limits.output_mib, MEMORY_MIB);
    }

    fn within<N: PartialOrd + Display>(&mut self, path: &[&str], number: N, range: RangeInclusive<N>) {
        if range.contains(&number) {
            return;
        }
        let key = path.last().copied().unwrap_or_default();
        let limits = format!("from {} to {}", range.start(), range.end());
        let problem = self.at(path, Part::Value, format!("`{key}` is {number}, but goes {limits}"));
        self.problems.push(problem.label(limits));
    }

    fn gate(&mut self, path: &[&str], gate: &Gate) {
        let single = [("overall", gate.overall), ("nulls", gate.nulls), ("duplicates", gate.duplicates)];
        for (key, percent) in single {
            self.within(&[path, &[key]].concat(), percent.unwrap_or_default(), PERCENT);
        }
        for (dimension, percent) in &gate.floors {
            self.within(&[path, &["floors", dimension.name()]].concat(), *percent, PERCENT);
        }
        for (dimension, weight) in &gate.weights {
            if !(weight.is_finite() && *weight >= 0.0) {
                let path = [path, &["weights", dimension.name()]].concat();
                let problem = self.at(&path, Part::Value, format!("the weight of `{dimension}` is {weight}"));
                self.problems.push(problem.label("a number from 0"));
            }
        }
    }

    fn sources(&mut self) {
        let pipeline = self.pipeline;
        if pipeline.sources.is_empty() {
            let problem = self.at(&["sources"], Part::Key, "the pipeline has no source");
            self.problems.push(problem.label("empty").with_help("add a table such as `[sources.files]`".to_owned()));
        }
        for (name, source) in &pipeline.sources {
            self.plugin(&["sources", name, "plugin"], &source.plugin);
            self.egress(name, source);
        }
    }

    fn streams(&mut self) {
        let pipeline = self.pipeline;
        if pipeline.streams.is_empty() {
            let problem = self.at(&["streams"], Part::Key, "the pipeline reads no stream");
            self.problems.push(problem.label("empty").with_help("add a table such as `[streams.orders]`".to_owned()));
        }
        for (name, stream) in &pipeline.streams {
            self.source_of(name, stream.source.as_deref());
            self.steps(&["streams", name, "transforms"], &stream.transforms);
            self.steps(&["streams", name, "quality"], &stream.quality);
            self.gate(&["streams", name, "gate"], &stream.gate);
        }
    }

    fn source_of(&mut self, stream: &str, source: Option<&str>) {
        let sources = &self.pipeline.sources;
        let names = || sources.keys().map(String::as_str);
        match source {
            Some(source) if !sources.contains_key(source) => {
                let problem = self.at(&["streams", stream, "source"], Part::Value, format!("there is no source `{source}`"));
                self.problems.push(problem.label("not a source").with_help(suggest(source, names(), "sources")));
            }
            None if sources.len() > 1 => {
                let message = format!("stream `{stream}` does not say which source it comes from");
                let problem = self.at(&["streams", stream], Part::Key, message);
                let help = suggest("", names(), "add `source = \"...\"` with one of");
                self.problems.push(problem.label("`source` belongs here").with_help(help));
            }
            _ => {}
        }
    }

    fn steps(&mut self, path: &[&str], steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            self.plugin(&[path, &[&index.to_string(), "plugin"]].concat(), &step.plugin);
        }
    }

    fn plugin(&mut self, path: &[&str], plugin: &str) {
        if plugin.trim().is_empty() {
            let problem = self.at(path, Part::Value, "no plugin is named");
            self.problems.push(problem.label("a plugin's name, or the path of a `.wasm`"));
        }
    }

    fn checks(&mut self) {
        let pipeline = self.pipeline;
        for (name, check) in &pipeline.checks {
            self.stream(&["checks", name, "stream"], &check.stream);
            self.steps(&["checks", name, "quality"], &check.quality);
            if check.quality.is_empty() {
                let problem = self.at(&["checks", name, "quality"], Part::Value, format!("nothing judges the rows of check `{name}`"));
                self.problems.push(problem.label("a quality plugin belongs here"));
            }
        }
    }

    fn stream(&mut self, path: &[&str], stream: &str) {
        let streams = &self.pipeline.streams;
        if !streams.contains_key(stream) {
            let problem = self.at(path, Part::Value, format!("there is no stream `{stream}`"));
            let help = suggest(stream, streams.keys().map(String::as_str), "streams of this pipeline");
            self.problems.push(problem.label("not a stream").with_help(help));
        }
    }

    /// Keys of the one kind mean nothing to the other.
    fn warehouse(&mut self) {
        let warehouse = &self.pipeline.warehouse;
        if warehouse.kind == WarehouseKind::Postgres {
            if let Some(schema) = &warehouse.schema {
                self.name(&["warehouse", "schema"], Part::Value, schema, Alphabet::Sql);
            }
            for (key, files) in [("setup", &warehouse.setup), ("timescale", &warehouse.timescale)] {
                for (index, path) in files.iter().enumerate().filter(|(_, path)| !self.root.join(path).is_file()) {
                    let place = ["warehouse", key, &index.to_string()];
                    self.problems.push(sql::missing(self.file, self.root, self.text, &place, &path.to_string_lossy()));
                }
            }
            return;
        }
        let given = [
            ("url", warehouse.url.is_some()),
            ("schema", warehouse.schema.is_some()),
            ("contract", warehouse.contract.is_some()),
            ("load", warehouse.load.is_some()),
            ("setup", !warehouse.setup.is_empty()),
            ("timescale", !warehouse.timescale.is_empty()),
        ];
        for (key, _) in given.iter().filter(|(_, given)| *given) {
            let problem = self.at(&["warehouse", key], Part::Key, format!("the lake has no `{key}`"));
            self.problems.push(problem.label("for PostgreSQL only").with_help("write `kind = \"postgres\"`, or leave it out".to_owned()));
        }
    }

    fn tables(&mut self) {
        let pipeline = self.pipeline;
        for (name, table) in &pipeline.tables {
            self.origin_of(name, table);
            if matches!(table.mode, Mode::Merge | Mode::Scd2) && table.key.is_empty() {
                let problem = self.at(&["tables", name, "mode"], Part::Value, format!("table `{name}` is merged without a key"));
                let help = "add `key = [...]` with the columns that identify a row".to_owned();
                self.problems.push(problem.label(format!("`{}` needs a `key`", table.mode.name())).with_help(help));
            }
            if table.mode == Mode::Scd2 && pipeline.warehouse.kind == WarehouseKind::Lake {
                let problem = self.at(&["tables", name, "mode"], Part::Value, "the lake keeps no history of rows".to_owned());
                let help = "write `mode = \"merge\"`, or load into a warehouse of kind `postgres`".to_owned();
                self.problems.push(problem.label("for PostgreSQL only").with_help(help));
            }
        }
    }

    fn origin_of(&mut self, name: &str, table: &Table) {
        match (&table.sql, &table.stream) {
            (Some(_), Some(_)) => {
                let problem = self.at(&["tables", name, "stream"], Part::Key, format!("table `{name}` has both `sql` and `stream`"));
                self.problems.push(problem.label("one too many").with_help("keep one of the two".to_owned()));
            }
            (None, None) => {
                let problem = self.at(&["tables", name], Part::Key, format!("table `{name}` has neither `sql` nor `stream`"));
                let help = "add `sql = \"...\"` with a SELECT or a file, or `stream = \"...\"`".to_owned();
                self.problems.push(problem.label("where do its rows come from?").with_help(help));
            }
            (None, Some(stream)) => self.stream(&["tables", name, "stream"], stream),
            (Some(_), None) => {}
        }
    }

    fn sql(&mut self) {
        for (place, value) in sql::entries(self.pipeline) {
            if value.trim().is_empty() {
                let problem = self.at(&place, Part::Value, "the statement is empty");
                self.problems.push(problem.label("a SELECT, or the path of a `.sql` file"));
            } else if sql::sql_path(self.root, value).is_some_and(|path| !path.is_file()) {
                self.problems.push(sql::missing(self.file, self.root, self.text, &place, value));
            }
        }
    }
}
