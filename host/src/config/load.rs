//! Reads a pipeline file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::diagnose::{ConfigError, Part, Problem};
use super::{Pipeline, StorageLayout, sql, validate};

/// The only version of the format so far.
const VERSION: i64 = 1;

/// The keys of a credential that say where a secret is, and never what it is.
const SECRET_KEYS: [&str; 3] = ["secret", "user", "client_id"];

/// The same of an alert.
const ALERT_SECRETS: [&str; 4] = ["url", "secret", "user", "password"];

/// A pipeline that was read and holds together.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says.
    pub pipeline: Pipeline,
    /// Its file, as the user named it.
    pub file: PathBuf,
    /// The folder that relative paths refer to, absolute.
    pub root: PathBuf,
    /// The file's text.
    pub text: String,
    /// SHA-256 of the text, in hexadecimal digits.
    pub digest: String,
    /// The statements in the files that it names, by the values that name them. With the text they are all that a run needs of it.
    pub sql: BTreeMap<String, String>,
}

impl Loaded {
    /// Where the pipeline keeps what it writes.
    pub fn storage(&self) -> StorageLayout {
        StorageLayout::new(self.root.join(&self.pipeline.storage.path))
    }

    /// The statement that a value stands for: that of the file that it names, or itself.
    pub fn statement<'s>(&'s self, value: &'s str) -> &'s str {
        self.sql.get(value).map_or(value, String::as_str)
    }

    /// A problem with the entry at `path`, found by someone who knows more than this module, such as a plugin's own schema.
    pub fn problem<S: AsRef<str>>(&self, path: &[S], part: Part, message: impl Into<String>) -> Problem {
        Problem::at(&self.file, &self.text, path, part, message)
    }
}

/// Reads and checks the pipeline at `path`, a TOML file or a folder with a `pipeline.toml`.
pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
    let file = if path.is_dir() { path.join("pipeline.toml") } else { path.to_owned() };
    let read = |source| ConfigError::Read { path: file.clone(), source };
    let bytes = fs::read(&file).map_err(read)?;
    let root = std::path::absolute(&file).map_err(read)?.parent().map(Path::to_owned).unwrap_or_default();
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&file, error.as_bytes(), error.utf8_error().valid_up_to()))?;
    parse(file, root, text)
}

/// A pipeline as it was when it was read earlier, from its text and its SQL. It was checked then; nothing is looked for on the disk.
pub fn restore(file: PathBuf, root: PathBuf, text: String, sql: BTreeMap<String, String>) -> Result<Loaded, ConfigError> {
    let pipeline = deserialise(&file, &text)?;
    let digest = format!("{:x}", Sha256::digest(&text));
    Ok(Loaded { pipeline, file, root, text, digest, sql })
}

pub(super) fn parse(file: PathBuf, root: PathBuf, text: String) -> Result<Loaded, ConfigError> {
    let pipeline = deserialise(&file, &text)?;
    match Problem::all(validate::problems(&file, &root, &text, &pipeline)) {
        Some(problem) => Err(problem.into()),
        None => {
            let digest = format!("{:x}", Sha256::digest(&text));
            let sql = sql::texts(&root, &pipeline)?;
            Ok(Loaded { pipeline, file, root, text, digest, sql })
        }
    }
}

fn deserialise(file: &Path, text: &str) -> Result<Pipeline, ConfigError> {
    let document = DeTable::parse(text).map_err(|error| Problem::from_toml(file, text, &error))?;
    // Before the rest, since another version may well have other keys.
    check_version(file, text, document.get_ref())?;
    check_url(file, text, document.get_ref())?;
    check_secrets(file, text, document.get_ref())?;
    let mut pipeline =
        Pipeline::deserialize(Deserializer::from(document)).map_err(|error| explain_clock(Problem::from_toml(file, text, &error)))?;
    plugin_configs(&mut pipeline).for_each(datetimes_to_text);
    Ok(pipeline)
}

fn not_utf8(file: &Path, bytes: &[u8], valid_up_to: usize) -> Problem {
    let valid = String::from_utf8_lossy(bytes.get(..valid_up_to).unwrap_or_default());
    let line = valid.matches('\n').count() + 1;
    Problem::new(file, &valid, valid.len()..valid.len(), format!("line {line} is not UTF-8"))
        .label("the text ends here")
        .with_help("save the file with the encoding UTF-8".to_owned())
}

fn check_version(file: &Path, text: &str, document: &DeTable<'_>) -> Result<(), ConfigError> {
    let given = document.iter().find(|(key, _)| key.get_ref() == "version").map(|(_, value)| value);
    let Some(given) = given else { return Ok(()) };
    let number = given.get_ref().as_integer().and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
    match number {
        Some(number) if number != VERSION => Err(Problem::new(file, text, given.span(), format!("unknown version {number}"))
            .label(format!("this tidegate reads version {VERSION}"))
            .with_help(format!("write `version = {VERSION}`, or use the tidegate that the file was written for"))
            .into()),
        _ => Ok(()),
    }
}

/// A URL holds a password: it does not belong into the file, and serde would only say that a text is no table.
fn check_url(file: &Path, text: &str, document: &DeTable<'_>) -> Result<(), ConfigError> {
    let warehouse = document.iter().find(|(key, _)| key.get_ref() == "warehouse").and_then(|(_, value)| value.get_ref().as_table());
    let url = warehouse.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == "url"));
    let Some((key, value)) = url.filter(|(_, value)| value.get_ref().as_str().is_some()) else { return Ok(()) };
    let problem = hidden(file, text, key.span(), &[value.span()], "a URL in a pipeline file shows its password to everyone who reads it");
    let help = "put it into an environment variable and write `url = { env = \"DATABASE_URL\" }`".to_owned();
    Err(problem.label("the URL itself stands here").with_help(help).into())
}

/// The same for the secrets of a source and of an alert.
fn check_secrets(file: &Path, text: &str, document: &DeTable<'_>) -> Result<(), ConfigError> {
    let table = |name: &str| document.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value.get_ref());
    let mut found = Vec::new();
    let mut look = |table: &DeValue<'_>, keys: &[&str]| {
        let secrets = entries(Some(table)).filter(|(key, _)| keys.contains(&key.get_ref().as_ref()));
        found.extend(secrets.filter(|(_, value)| value.get_ref().as_str().is_some()).map(|(key, value)| (key.span(), value.span())));
    };
    for (_, source) in entries(table("sources")) {
        let credentials = entries(Some(source.get_ref())).find(|(key, _)| key.get_ref() == "credentials");
        entries(credentials.map(|(_, value)| value.get_ref())).for_each(|(_, credential)| look(credential.get_ref(), &SECRET_KEYS));
    }
    entries(table("alerts")).for_each(|(_, alert)| look(alert.get_ref(), &ALERT_SECRETS));
    let Some((key, _)) = found.first().cloned() else { return Ok(()) };
    let values: Vec<_> = found.into_iter().map(|(_, value)| value).collect();
    let problem = hidden(file, text, key, &values, "a secret in a pipeline file shows itself to everyone who reads it");
    let help = "put it into an environment variable and write `{ env = \"NAME\" }`, or into a file: `{ file = \"path\" }`";
    Err(problem.label("the secret itself stands here").with_help(help.to_owned()).into())
}

fn entries<'t, 'i>(table: Option<&'t DeValue<'i>>) -> impl Iterator<Item = (&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    table.and_then(DeValue::as_table).into_iter().flat_map(DeTable::iter)
}

/// A problem with a line that is shown, but not the values that stand there.
fn hidden(file: &Path, text: &str, key: Range<usize>, values: &[Range<usize>], message: &str) -> Problem {
    let mut hidden = text.to_owned();
    for value in values {
        hidden.replace_range(value.clone(), &"*".repeat(value.len()));
    }
    Problem::new(file, &hidden, key, message)
}

/// chrono says what its parser met, not what a time looks like.
fn explain_clock(mut problem: Problem) -> Problem {
    let of_chrono = ["input is", "input contains", "premature end", "trailing input"];
    if !of_chrono.iter().any(|start| problem.message.starts_with(start)) {
        return problem;
    }
    problem.message = format!("not a time: {}", problem.message);
    problem.label("expected a time").with_help("write it like this: \"2018-10-17T17:30:18Z\"".to_owned())
}

fn plugin_configs(pipeline: &mut Pipeline) -> impl Iterator<Item = &mut Value> {
    let sources = pipeline.sources.values_mut().flat_map(|source| source.backfill.iter_mut().chain([&mut source.config]));
    let streams = pipeline.streams.values_mut().flat_map(|stream| stream.transforms.iter_mut().chain(&mut stream.quality));
    let checks = pipeline.checks.values_mut().flat_map(|check| &mut check.quality);
    sources.chain(streams.chain(checks).map(|step| &mut step.config))
}

/// JSON has no times: a TOML time reaches a plugin as the text that TOML writes.
fn datetimes_to_text(value: &mut Value) {
    // toml hands a time to serde as a table with this one key.
    const TIME: &str = "$__toml_private_datetime";
    match value {
        Value::Object(table) if table.len() == 1 && table.contains_key(TIME) => {
            *value = table.remove(TIME).unwrap_or_default();
        }
        Value::Object(table) => table.values_mut().for_each(datetimes_to_text),
        Value::Array(array) => array.iter_mut().for_each(datetimes_to_text),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "\
version = 1
name = \"small\"
[sources.files]
plugin = \"source-files\"
config = { since = 2018-10-17, days = [2018-10-17T17:30:18Z], more = 1 }
[streams.b]
[streams.a]
";

    #[test]
    fn a_folder_stands_for_its_pipeline_file() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("pipeline.toml"), SMALL).unwrap();
        let loaded = load(folder.path()).unwrap();
        assert_eq!(loaded.file, folder.path().join("pipeline.toml"));
        assert_eq!(loaded.root, folder.path());
        assert_eq!(loaded.storage().root, folder.path().join("store"));
        assert_eq!(loaded.text, SMALL);
        assert_eq!(loaded.digest, load(&loaded.file).unwrap().digest);
        assert_eq!(loaded.digest.len(), 64);
    }

    #[test]
    fn the_digest_is_the_sha256_of_the_text() {
        assert_eq!(format!("{:x}", Sha256::digest("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn streams_keep_the_order_of_the_file() {
        let loaded = parse("pipeline.toml".into(), ".".into(), SMALL.into()).unwrap();
        let streams: Vec<_> = loaded.pipeline.streams.keys().collect();
        assert_eq!(streams, ["b", "a"], "toml needs its feature `preserve_order`");
        let config = loaded.pipeline.sources["files"].config.as_object().unwrap();
        assert_eq!(config.keys().collect::<Vec<_>>(), ["since", "days", "more"]);
    }

    #[test]
    fn times_in_a_plugins_config_become_text() {
        let loaded = parse("pipeline.toml".into(), ".".into(), SMALL.into()).unwrap();
        let wanted = serde_json::json!({ "since": "2018-10-17", "days": ["2018-10-17T17:30:18Z"], "more": 1 });
        assert_eq!(loaded.pipeline.sources["files"].config, wanted);
    }

    #[test]
    fn a_byte_order_mark_is_no_error() {
        parse("pipeline.toml".into(), ".".into(), format!("\u{feff}{SMALL}")).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = load(Path::new("nowhere/pipeline.toml")).unwrap_err();
        assert_eq!(error.to_string(), "read the pipeline file `nowhere/pipeline.toml`");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.toml");
        fs::write(&file, b"version = 1\nname = \"caf\xe9\"\n").unwrap();
        assert_eq!(load(&file).unwrap_err().to_string(), "line 2 is not UTF-8");
        fs::write(&file, b"version = 1\n\xe9\n").unwrap();
        assert_eq!(load(&file).unwrap_err().to_string(), "line 2 is not UTF-8");
    }
}
