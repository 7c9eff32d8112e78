//! The only place that prints. Data to stdout, talk to stderr, errors as `error:`, `caused by:`, `hint:`.

use std::{
    error::Error,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde::Serialize;
use serde_json::json;

use super::Format;
use crate::{
    config::{ConfigError, LogFormat},
    error,
    flow::RunError,
    observe::log::JsonLines,
    plugin::PluginError,
    warehouse::WarehouseError,
};

/// Why a command failed.
pub enum Failed {
    /// A run or what prepares one.
    Run(Box<RunError>),
    /// Anything else, with what to do about it.
    Hinted(anyhow::Error, Option<String>),
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Self::Run(Box::new(error))
    }
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::Hinted(error, None)
    }
}

impl From<WarehouseError> for Failed {
    fn from(error: WarehouseError) -> Self {
        RunError::from(error).into()
    }
}

impl From<PluginError> for Failed {
    fn from(error: PluginError) -> Self {
        RunError::from(error).into()
    }
}

impl From<ConfigError> for Failed {
    fn from(error: ConfigError) -> Self {
        RunError::from(error).into()
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Hinted(error.into(), None)
    }
}

impl From<arrow::error::ArrowError> for Failed {
    fn from(error: arrow::error::ArrowError) -> Self {
        Self::Hinted(error.into(), None)
    }
}

/// Starts the program's log on stderr, with what `default` lets through; more or less with `TIDEGATE_LOG`.
pub fn start_log(default: &str, format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(default.parse().expect("a constant directive"))
        .with_env_var("TIDEGATE_LOG")
        .from_env_lossy();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    // A log that was started already stays as it is.
    let _ = match format {
        LogFormat::Text => log.without_time().with_target(false).try_init(),
        LogFormat::Json => log.event_format(JsonLines).try_init(),
    };
}

/// Tells why a command failed and gives its exit code.
pub fn failed(as_json: bool, failed: &Failed) -> ExitCode {
    let (code, text, hint) = match failed {
        Failed::Run(error) => (error.exit_code(), error::chain(error.as_ref()), error.hint()),
        Failed::Hinted(error, hint) => (error::FAILED, error::chain(error.as_ref()), hint.clone()),
    };
    if as_json {
        print_json(&json!({ "error": text, "hint": hint, "exit_code": code }));
    } else if let Failed::Run(error) = failed
        && let RunError::Config(problem @ ConfigError::Wrong(_)) = error.as_ref()
    {
        talk(&render(problem));
    } else {
        let error: &(dyn Error + 'static) = match failed {
            Failed::Run(error) => error.as_ref(),
            Failed::Hinted(error, _) => error.as_ref(),
        };
        talk(&causes(error));
        if let Some(hint) = hint {
            talk(&format!("hint: {hint}"));
        }
    }
    ExitCode::from(code)
}

/// `error:` and `caused by:` lines, each cause once.
fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("error: {error}");
    let mut shown = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !shown.contains(&words) {
            text.push_str("\ncaused by: ");
            text.push_str(&words);
        }
        shown = words;
        cause = error.source();
    }
    text
}

fn render(problem: &dyn Diagnostic) -> String {
    let mut theme = if io::stderr().is_terminal() { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    "error:".clone_into(&mut theme.characters.error);
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110);
    match handler.render_report(&mut text, problem) {
        Ok(()) => text,
        Err(_) => format!("error: {problem}"),
    }
}

/// Prints a line of talk.
pub fn talk(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a line of data.
pub fn say(line: &str) {
    // A reader that went away (`| head`) is no error.
    let _ = writeln!(io::stdout(), "{line}");
}

/// Writes bytes to stdout as they are.
pub fn pour(from: &mut dyn io::Read) -> io::Result<()> {
    match io::copy(from, &mut io::stdout().lock()) {
        // A reader that went away (`| head`) is no error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        poured => poured.map(|_| ()),
    }
}

/// Prints one JSON document.
pub fn print_json<T: Serialize>(value: &T) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(&text),
        Err(error) => talk(&format!("error: {error}")),
    }
}

/// Prints rows.
pub fn print_rows(schema: &SchemaRef, batches: &[RecordBatch], format: Format) -> Result<(), Failed> {
    match format {
        Format::Table => {
            if batches.iter().all(|batch| batch.num_rows() == 0) {
                say(&arrow::util::pretty::pretty_format_batches(&[RecordBatch::new_empty(schema.clone())])?.to_string());
            } else {
                say(&arrow::util::pretty::pretty_format_batches(batches)?.to_string());
            }
        }
        Format::Csv => {
            let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(io::stdout().lock());
            if batches.is_empty() {
                writer.write(&RecordBatch::new_empty(schema.clone()))?;
            }
            for batch in batches {
                writer.write(batch)?;
            }
        }
        Format::Json => {
            let mut writer =
                arrow::json::WriterBuilder::new().with_explicit_nulls(true).build::<_, arrow::json::writer::JsonArray>(io::stdout().lock());
            for batch in batches {
                writer.write(batch)?;
            }
            writer.finish()?;
            say("");
        }
    }
    Ok(())
}

/// Prints a completion script.
pub fn completions(shell: clap_complete::Shell, command: &mut clap::Command) -> u8 {
    clap_complete::generate(shell, command, "tidegate", &mut io::stdout());
    error::OK
}

/// Lines of columns, aligned: text to the left, numbers (by `right`) to the right.
pub fn columns(rows: &[Vec<String>], right: &[usize]) -> Vec<String> {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0)).map(width).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| {
                let width = widths[column];
                if right.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect()
}

/// A count with thin groups: `1 234 567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Bytes in a unit that a person reads.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
