//! The files of a stream: what a glob matches, and what each file holds by its name.

use tidegate_sdk::{
    Failure, Result,
    files::{self, Packing},
    log,
};

use crate::{
    config::{Config, Format, StreamConfig},
    near,
};

/// A file of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path relative to the directory.
    pub path: String,
    /// Its size in bytes, packed.
    pub size: u64,
    /// When it was last modified, in microseconds.
    pub modified: i64,
}

/// What a file's name and the config say about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// What it holds.
    pub format: Format,
    /// How it is packed.
    pub packing: Packing,
}

/// The files of a stream in path order; at least one.
pub fn find(config: &Config, name: &str, stream: &StreamConfig) -> Result<Vec<Found>> {
    let entries = files::list(&config.directory, &stream.files)?;
    if entries.is_empty() {
        return Err(nothing(config, name, stream));
    }
    let found = entries.into_iter().map(|entry| Found { path: entry.path, size: entry.size, modified: entry.modified_micros });
    found.map(|found| shape(stream, &found.path).map(|_| found)).collect()
}

/// What the file at `path` holds.
pub fn shape(stream: &StreamConfig, path: &str) -> Result<Shape> {
    let lower = path.to_ascii_lowercase();
    let (plain, packing) = match lower.strip_suffix(".gz") {
        Some(plain) => (plain, Packing::Gzip),
        None => (lower.as_str(), Packing::Plain),
    };
    let by_name = match plain.rsplit_once('.').map(|(_, extension)| extension) {
        Some("csv") => Some(Format::Csv),
        Some("tsv" | "tab") => Some(Format::Tsv),
        Some("json") => Some(Format::Json),
        Some("ndjson" | "jsonl") => Some(Format::Ndjson),
        _ => None,
    };
    let format = stream.format.or(by_name);
    let unclear = || Failure::config(format!("the name of `{path}` does not say what it holds: set `format` to csv, tsv, json or ndjson"));
    Ok(Shape { format: format.ok_or_else(unclear)?, packing })
}

/// Says that a glob matches no file, and what is there instead.
fn nothing(config: &Config, name: &str, stream: &StreamConfig) -> Failure {
    let folder = stream.files.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default();
    let there = files::list(&config.directory, &format!("{folder}*")).unwrap_or_else(|failure| {
        log::debug(format!("no near misses: {failure}"));
        Vec::new()
    });
    let names: Vec<&str> = there.iter().map(|entry| entry.path.as_str()).collect();
    let near = near::ranked(&stream.files, names.iter().copied());
    let hint = match (near.is_empty(), names.is_empty()) {
        (false, _) => format!(", did you mean {}?", quoted(&near[..near.len().min(3)])),
        (true, true) => format!(", and there is no file in `{}/{folder}`", config.directory),
        (true, false) => {
            format!("; there are {}{}", quoted(&names[..names.len().min(5)]), if names.len() > 5 { " and others" } else { "" })
        }
    };
    Failure::config(format!("stream `{name}`: `{}` matches no file in the directory `{}`{hint}", stream.files, config.directory))
}

/// Names in backticks, with commas between them.
pub fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}
