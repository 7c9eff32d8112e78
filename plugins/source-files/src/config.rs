//! The plugin's config: which files make which stream, and how they are to be read.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use tidegate_sdk::{
    Failure, ORIGIN, Result,
    schemars::{Schema, SchemaGenerator, json_schema},
};

use crate::{kind::Kind, near};

/// The name of the granted directory where the config names none.
pub const DEFAULT_DIRECTORY: &str = "data";

/// Which files make which stream.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The name of the granted directory that holds the files.
    #[serde(default = "default_directory")]
    pub directory: String,
    /// The streams by name: lower-case letters, digits and underscores.
    pub streams: BTreeMap<String, StreamConfig>,
}

/// How one stream is read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StreamConfig {
    /// The files, as a glob relative to the directory: `orders.csv`, `2018/*.csv.gz`.
    pub files: String,
    /// What the files hold; by default their extension says it (.csv .tsv .json .ndjson .jsonl, each also with .gz).
    #[serde(default)]
    pub format: Option<Format>,
    /// The columns' types: "infer" (from a sample of the first file), "text" (every column is text), or a table of types by column;
    /// columns that the table does not name are text.
    #[serde(default)]
    pub types: Types,
    /// Values that mean null. By default the empty value in CSV and TSV, and none in JSON, where `null` and a missing key always do.
    #[serde(default)]
    pub null_values: Option<Vec<String>>,
    /// What happens when a record can't be read: the run fails, or the record goes to quarantine.
    #[serde(default)]
    pub on_bad_record: OnBadRecord,
    /// The columns that identify a row.
    #[serde(default)]
    pub primary_key: Vec<String>,
    /// What a later run reads: "none" (everything), "files" (files that are new or changed), { field = "updated_at" } (rows whose
    /// value there is above the greatest one of the runs before).
    #[serde(default)]
    pub incremental: Incremental,
    /// The columns that every file must have. By default those of the first file.
    #[serde(default)]
    pub columns: Option<Vec<String>>,
    /// What happens to columns that are not expected.
    #[serde(default)]
    pub extra_columns: ExtraColumns,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated records below a header.
    Csv,
    /// Tab-separated records below a header.
    Tsv,
    /// One array of objects.
    Json,
    /// One object per line.
    Ndjson,
}

/// What happens when a record can't be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRecord {
    /// The run fails, naming file, record and column.
    #[default]
    Fail,
    /// The record goes to quarantine and the run goes on.
    Reject,
}

/// What a later run reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Incremental {
    /// Everything.
    #[default]
    None,
    /// Files that are new or changed.
    Files,
    /// Rows whose value in this column is above the greatest one seen.
    Field(String),
}

/// What happens to columns that are not expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExtraColumns {
    /// They are left out, and the log says so.
    #[default]
    Ignore,
    /// Those of the first file become columns of the stream; one that only a later file has is an error.
    Keep,
    /// They are an error.
    Fail,
}

/// Where the columns' types come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Types {
    /// From a sample of the first file.
    #[default]
    Infer,
    /// Every column is text.
    Text,
    /// From this table; other columns are text.
    Table(BTreeMap<String, Kind>),
}

fn default_directory() -> String {
    DEFAULT_DIRECTORY.to_owned()
}

impl Config {
    /// The config of `stream`.
    pub fn stream(&self, stream: &str) -> Result<&StreamConfig> {
        self.streams.get(stream).ok_or_else(|| {
            let hint = near::closest(stream, self.streams.keys().map(String::as_str));
            let hint = hint.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
            Failure::config(format!("there is no stream `{stream}`{hint}"))
        })
    }

    /// Says what is wrong with the config as far as that shows without a file.
    pub fn validate(&self) -> Result<()> {
        if self.streams.is_empty() {
            return Err(Failure::config("`streams` is empty: name at least one stream"));
        }
        self.streams
            .iter()
            .try_for_each(|(name, stream)| stream.validate(name).map_err(|message| Failure::config(format!("stream `{name}`: {message}"))))
    }
}

impl StreamConfig {
    /// The column whose greatest value is the cursor.
    pub fn cursor_field(&self) -> Option<&str> {
        match &self.incremental {
            Incremental::Field(field) => Some(field),
            _ => None,
        }
    }

    /// Whether `value` means null in a file of this format.
    pub fn nulls(&self, format: Format) -> Vec<String> {
        match (&self.null_values, format) {
            (Some(values), _) => values.clone(),
            (None, Format::Csv | Format::Tsv) => vec![String::new()],
            (None, Format::Json | Format::Ndjson) => Vec::new(),
        }
    }

    /// The columns that the config names, each with the key that names it.
    pub fn named_columns(&self) -> Vec<(&'static str, &str)> {
        let typed = match &self.types {
            Types::Table(table) => table.keys().map(|name| ("types", name.as_str())).collect(),
            _ => Vec::new(),
        };
        let keys = self.primary_key.iter().map(|name| ("primary_key", name.as_str()));
        typed.into_iter().chain(keys).chain(self.cursor_field().map(|name| ("incremental.field", name))).collect()
    }

    fn validate(&self, name: &str) -> Result<(), String> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
            return Err("a stream's name has lower-case letters, digits and underscores only".to_owned());
        }
        if self.files.is_empty() || self.files.starts_with('/') || self.files.split('/').any(|part| part == "..") {
            return Err(format!("`files` is `{}`: write a path or glob relative to the directory, without `..`", self.files));
        }
        twice("primary_key", &self.primary_key)?;
        let Some(columns) = &self.columns else { return Ok(()) };
        if columns.is_empty() || columns.iter().any(String::is_empty) {
            return Err("`columns` is empty or names an empty column".to_owned());
        }
        if columns.iter().any(|name| name == ORIGIN) {
            return Err(format!("`columns` names `{ORIGIN}`, which tidegate adds itself"));
        }
        twice("columns", columns)?;
        if self.extra_columns == ExtraColumns::Keep {
            return Ok(());
        }
        self.named_columns().into_iter().try_for_each(|(key, name)| known(key, name, columns.iter().map(String::as_str)))
    }
}

/// Fails where `key` names a column that is not one of `columns`.
pub fn known<'a>(key: &str, name: &str, columns: impl Iterator<Item = &'a str> + Clone) -> Result<(), String> {
    if columns.clone().any(|column| column == name) {
        return Ok(());
    }
    let hint = near::closest(name, columns).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    Err(format!("`{key}` names column `{name}`, which the stream does not have{hint}"))
}

fn twice(key: &str, names: &[String]) -> Result<(), String> {
    match names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
        Some((_, name)) => Err(format!("`{key}` names column `{name}` twice")),
        None => Ok(()),
    }
}

impl<'de> Deserialize<'de> for Types {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Types;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"infer\", \"text\" or a table of types by column")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Types, E> {
                match word {
                    "infer" => Ok(Types::Infer),
                    "text" => Ok(Types::Text),
                    other => Err(E::custom(format!("`types` is `{other}`: write \"infer\", \"text\" or a table of types by column"))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Types, A::Error> {
                BTreeMap::deserialize(MapAccessDeserializer::new(table)).map(Types::Table)
            }
        }
        deserializer.deserialize_any(Words)
    }
}

impl JsonSchema for Types {
    fn schema_name() -> Cow<'static, str> {
        "Types".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kind = generator.subschema_for::<Kind>();
        json_schema!({
            "description": "\"infer\", \"text\" or a table of types by column; columns that the table does not name are text.",
            "oneOf": [{ "type": "string", "enum": ["infer", "text"] }, { "type": "object", "additionalProperties": kind }]
        })
    }
}
