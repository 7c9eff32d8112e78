//! What is wrong with a pipeline file, said so that a person can mend it: line, word, near miss.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use strsim::damerau_levenshtein;

use super::span::span_of;

/// Why a pipeline could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The pipeline file could not be read.
    #[error("read the pipeline file `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A SQL file could not be read.
    #[error("read the SQL file `{}`", path.display())]
    ReadSql {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The pipeline file says something that cannot be.
    #[error(transparent)]
    Wrong(Box<Problem>),
}

impl From<Problem> for ConfigError {
    fn from(problem: Problem) -> Self {
        Self::Wrong(Box::new(problem))
    }
}

impl ConfigError {
    /// What is wrong, with the line and the word, as plain text for a page or a log.
    pub fn rendered(&self) -> String {
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(110);
        match self {
            Self::Wrong(problem) if handler.render_report(&mut text, problem.as_ref()).is_ok() => {
                text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
            }
            _ => crate::error::chain(self),
        }
    }
}

impl Diagnostic for ConfigError {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self {
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some(Box::new("a pipeline is a TOML file, or a folder that holds `pipeline.toml`"))
            }
            Self::Read { .. } | Self::ReadSql { .. } => None,
            Self::Wrong(problem) => problem.help(),
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self {
            Self::Wrong(problem) => problem.source_code(),
            _ => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self {
            Self::Wrong(problem) => problem.labels(),
            _ => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self {
            Self::Wrong(problem) => problem.related(),
            _ => None,
        }
    }
}

/// One thing that is wrong, and where. Further ones of the same file ride along.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What is said beside the marked word.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The marked word, in bytes of the file.
    pub span: Range<usize>,
    /// What else is wrong in the same file.
    pub others: Vec<Problem>,
    text: NamedSource<Arc<str>>,
}

/// Which part of an entry a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The key, or a table's header.
    Key,
    /// The value.
    Value,
}

impl Problem {
    /// A problem at `span` of the text of `file`.
    pub fn new(file: &Path, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let text = Arc::<str>::from(text);
        let span = first_line(&text, span);
        let name = file.display().to_string();
        let text = NamedSource::new(name, text).with_language("TOML");
        Self { message: message.into(), label: "here".to_owned(), help: None, span, others: Vec::new(), text }
    }

    /// A problem with the entry at `path`; with the deepest table on the way where that is missing.
    pub fn at<S: AsRef<str>>(file: &Path, text: &str, path: &[S], part: Part, message: impl Into<String>) -> Self {
        let place = span_of(text, path);
        let missing = place.depth < path.len();
        let span = if missing || part == Part::Key { place.key } else { place.value };
        Self::new(file, text, span, message)
    }

    /// Says `label` beside the marked word.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to do.
    pub fn with_help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// The problem that serde or the TOML parser describes.
    pub(super) fn from_toml(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let said = explain(error.message(), text.get(span.clone()).unwrap_or_default());
        let span = narrowed(text, span, said.word.as_deref());
        Self::new(file, text, span, said.message).label(said.label).with_help(said.help)
    }

    /// The first of several problems in the file's order, the others riding along.
    pub(super) fn all(mut problems: Vec<Problem>) -> Option<Problem> {
        problems.sort_by_key(|problem| problem.span.start);
        let mut problems = problems.into_iter();
        let mut first = problems.next()?;
        first.others.extend(problems);
        Some(first)
    }
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.text)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some(self.label.clone()), self.span.clone());
        Some(Box::new(std::iter::once(label)))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let others = self.others.iter().map(|problem| problem as &dyn Diagnostic);
        (!self.others.is_empty()).then(|| Box::new(others) as Box<_>)
    }
}

/// The candidate that `word` was probably meant to be: a slip of the finger away, or begun in the same way.
pub fn near_miss<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(word);
    let length = wanted.chars().count();
    let slips = (length / 3).max(1);
    let rank = |candidate: &str| {
        let candidate = plain(candidate);
        let distance = damerau_levenshtein(&wanted, &candidate);
        if distance <= slips && distance < length {
            return Some(distance);
        }
        let begins = length >= 3 && (candidate.starts_with(&wanted) || (candidate.len() >= 3 && wanted.starts_with(&candidate)));
        begins.then_some(distance + slips)
    };
    let ranked = candidates.into_iter().filter_map(|candidate| rank(candidate).map(|rank| (rank, candidate)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, candidate)| candidate)
}

/// "did you mean ...?", or else what there is.
pub(super) fn suggest<'c>(word: &str, known: impl IntoIterator<Item = &'c str>, what: &str) -> Option<String> {
    let known: Vec<_> = known.into_iter().collect();
    if let Some(near) = near_miss(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let listed = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    (!known.is_empty()).then(|| format!("{what}: {listed}"))
}

struct Said {
    message: String,
    label: String,
    help: Option<String>,
    /// The offending word, where the span may be wider than it.
    word: Option<String>,
}

/// Puts serde's sentences into words of this file format. A sentence that it does not know stays as it is.
fn explain(message: &str, marked: &str) -> Said {
    let message = message.lines().next().unwrap_or_default();
    let said = |message: String, label: &str| Said { message, label: label.to_owned(), help: None, word: None };
    if let Some((word, expected)) = quoted_after(message, "unknown field ") {
        let help = suggest(word, ticked(expected), "known keys");
        return Said { help, word: Some(word.to_owned()), ..said(format!("unknown key `{word}`"), "not known here") };
    }
    if let Some((word, expected)) = quoted_after(message, "unknown variant ") {
        let help = suggest(word, ticked(expected), "one of");
        return Said { help, word: Some(word.to_owned()), ..said(format!("unknown value `{word}`"), "not known here") };
    }
    if let Some((word, _)) = quoted_after(message, "missing field ") {
        return said(format!("missing key `{word}`"), &format!("`{word}` belongs here"));
    }
    let mistaken = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = mistaken.and_then(|rest| rest.rsplit_once(", expected ")) {
        let message = format!("expected {}, found {}", plain_type(expected), plain_value(found));
        let help = quotes_help(expected, marked);
        return Said { help, ..said(message, &format!("expected {}", plain_type(expected))) };
    }
    said(message.to_owned(), "here")
}

fn quotes_help(expected: &str, marked: &str) -> Option<String> {
    let bare = !marked.starts_with(['"', '\'', '[', '{']) && !marked.is_empty();
    let wants_text = matches!(plain_type(expected).as_str(), "text" | "a time");
    (bare && wants_text && !marked.contains('\n')).then(|| format!("put it in quotes: \"{marked}\""))
}

/// Splits `unknown field `x`, expected ...` into the word and what follows.
fn quoted_after<'m>(message: &'m str, start: &str) -> Option<(&'m str, &'m str)> {
    message.strip_prefix(start)?.strip_prefix('`')?.split_once('`')
}

/// Every word in backticks.
fn ticked(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Names of Rust types in words that a pipeline's author uses.
fn plain_type(serde: &str) -> String {
    let plain = match serde {
        "u32" | "u64" | "usize" => "a whole number from 0",
        "i32" | "i64" => "a whole number",
        "f64" => "a number",
        "a string" | "string" | "path string" => "text",
        "a sequence" | "sequence" => "an array",
        "a map" | "map" => "a table",
        "an RFC 3339 formatted date and time string" => "a time",
        other if other.starts_with("struct ") || other.starts_with("internally tagged enum ") => "a table",
        other if other.starts_with("enum ") => "one of its words",
        other => return other.to_owned(),
    };
    plain.to_owned()
}

/// As [`plain_type`], for what serde calls a value: its kind and then the value itself.
fn plain_value(serde: &str) -> String {
    match serde.split_once(' ') {
        Some(("string", value)) => format!("text {value}"),
        Some(("integer", value)) => format!("number {value}"),
        Some(("floating", value)) => format!("number {}", value.trim_start_matches("point ")),
        _ => plain_type(serde),
    }
}

/// Narrows a span that covers more than the word to the word.
fn narrowed(text: &str, span: Range<usize>, word: Option<&str>) -> Range<usize> {
    let Some(word) = word else { return span };
    let covered = text.get(span.clone()).unwrap_or_default();
    if covered.trim_matches(['"', '\'']) == word {
        return span;
    }
    match covered.find(word) {
        Some(offset) => span.start + offset..span.start + offset + word.len(),
        None => span,
    }
}

/// A label over many lines hides what it marks, so it ends with its first line.
fn first_line(text: &str, span: Range<usize>) -> Range<usize> {
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let line = text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default();
    start..start + line.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_miss_is_a_slip_or_a_beginning() {
        let known = ["transforms", "quality", "gate", "source"];
        assert_eq!(near_miss("transform", known), Some("transforms"));
        assert_eq!(near_miss("qualtiy", known), Some("quality"));
        assert_eq!(near_miss("Gate", known), Some("gate"));
        assert_eq!(near_miss("dup", ["overall", "duplicates"]), Some("duplicates"));
        assert_eq!(near_miss("order-items", ["orders", "order_items"]), Some("order_items"));
    }

    #[test]
    fn a_stranger_is_no_near_miss() {
        assert_eq!(near_miss("colour", ["transforms", "quality"]), None);
        assert_eq!(near_miss("x", ["y", "z"]), None);
        assert_eq!(near_miss("", ["a"]), None);
    }

    #[test]
    fn a_label_stays_on_one_line() {
        assert_eq!(first_line("ab\ncd", 0..5), 0..2);
        assert_eq!(first_line("ab", 7..9), 2..2);
        assert_eq!(first_line("", 0..0), 0..0);
    }

    #[test]
    fn sentences_that_are_not_known_stay_as_they_are() {
        assert_eq!(explain("something new\nmore", "").message, "something new");
    }
}
