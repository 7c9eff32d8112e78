//! The columns of a stream: their names from the first file that has a header, their types from the config or a sample.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tidegate_sdk::{
    Failure, ORIGIN, Result, Stream, WriteMode,
    arrow_schema::{Field, Schema, SchemaRef},
};

use crate::{
    column::Column,
    config::{Config, ExtraColumns, Format, Incremental, StreamConfig, Types, known},
    csv::{Csv, Progress, delimiter},
    infer::{Candidates, SAMPLE_BYTES, SAMPLE_RECORDS},
    input::Input,
    json::Json,
    kind::Kind,
    listing::{self, Found},
    near,
    rows::Rows,
};

/// The columns of a stream and the file that they come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// The columns.
    pub columns: Vec<Column>,
    /// The first file with a header.
    pub reference: String,
}

/// What the beginning of a file shows.
struct Head {
    format: Format,
    names: Vec<String>,
    kinds: Vec<Kind>,
}

impl Layout {
    /// The stream's schema, without the column that tidegate adds.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(|column| Field::new(&column.name, column.kind.data_type(), true)).collect::<Vec<_>>()))
    }

    /// Where each column stands in a file with this header. Fails where one is missing, or where one more is there and `extra` forbids it.
    pub fn places(&self, path: &str, header: &[String], stream: &StreamConfig) -> Result<Vec<usize>> {
        let places = self.columns.iter().map(|column| {
            header.iter().position(|name| *name == column.name).ok_or_else(|| {
                let wanted = if stream.columns.is_none() || path != self.reference {
                    format!("`{}` has", self.reference)
                } else {
                    "`columns` asks for".to_owned()
                };
                Failure::bad_data(format!(
                    "`{path}`, header: there is no column `{}`, which {wanted}{}",
                    column.name,
                    hint(&column.name, header)
                ))
            })
        });
        let places = places.collect::<Result<_>>()?;
        let extra = self.extra(header);
        if stream.extra_columns != ExtraColumns::Ignore && !extra.is_empty() {
            let extra = listing::quoted(&extra);
            return Err(Failure::bad_data(format!(
                "`{path}`, header: the stream has no column {extra}, see `{}`; name it in `columns`, or set `extra_columns` to ignore",
                self.reference
            )));
        }
        Ok(places)
    }

    /// The names of a header that are no column of the stream.
    pub fn extra<'a>(&self, header: &'a [String]) -> Vec<&'a str> {
        header.iter().map(String::as_str).filter(|name| self.columns.iter().all(|column| column.name != *name)).collect()
    }
}

/// Describes a stream.
pub fn discover(config: &Config, name: &str, stream: &StreamConfig) -> Result<Stream> {
    let layout = resolve(config, name, stream, &listing::find(config, name, stream)?)?;
    let write_mode = match (&stream.incremental, stream.primary_key.is_empty()) {
        (Incremental::None, _) => WriteMode::Replace,
        (_, false) => WriteMode::Merge,
        (_, true) => WriteMode::Append,
    };
    let cursor_field = stream.cursor_field().map(str::to_owned);
    Ok(Stream { name: name.to_owned(), schema: layout.schema(), primary_key: stream.primary_key.clone(), cursor_field, write_mode })
}

/// Finds the columns of a stream.
pub fn resolve(config: &Config, name: &str, stream: &StreamConfig, files: &[Found]) -> Result<Layout> {
    let mut first = None;
    for file in files {
        if let Some(head) = head(config, stream, file)? {
            first = Some((head, file.path.clone()));
            break;
        }
    }
    let wrong = |message: String| Failure::config(format!("stream `{name}`: {message}"));
    let (names, head, reference) = match (first, &stream.columns) {
        (Some((head, path)), _) => (select(stream, &head, &path)?, head, path),
        (None, Some(columns)) => {
            let head = Head { format: Format::Csv, names: Vec::new(), kinds: Vec::new() };
            (columns.clone(), head, files.first().map(|file| file.path.clone()).unwrap_or_default())
        }
        (None, None) => {
            let paths: Vec<_> = files.iter().map(|file| &file.path).collect();
            let paths = listing::quoted(&paths[..paths.len().min(3)]);
            return Err(Failure::bad_data(format!(
                "stream `{name}`: {paths} holds no record and no header; name the `columns` if that is expected"
            )));
        }
    };
    for (key, column) in stream.named_columns() {
        known(key, column, names.iter().map(String::as_str)).map_err(wrong)?;
    }
    let columns: Vec<_> = names.into_iter().map(|name| column(stream, &head, name)).collect();
    if let Some(field) = stream.cursor_field()
        && columns.iter().any(|column| column.name == field && column.kind == Kind::Boolean)
    {
        return Err(wrong(format!("`incremental.field` names column `{field}`, which is boolean and can't grow")));
    }
    Ok(Layout { columns, reference })
}

fn column(stream: &StreamConfig, head: &Head, name: String) -> Column {
    let sampled = head.names.iter().position(|other| *other == name).and_then(|place| head.kinds.get(place).copied());
    let (kind, inferred) = match &stream.types {
        Types::Text => (Kind::Text, false),
        Types::Table(table) => (table.get(&name).copied().unwrap_or(Kind::Text), false),
        Types::Infer => (sampled.unwrap_or(Kind::Text), true),
    };
    Column { name, kind, inferred }
}

/// Which columns the stream has, in which order.
fn select(stream: &StreamConfig, head: &Head, path: &str) -> Result<Vec<String>> {
    let json = matches!(head.format, Format::Json | Format::Ndjson);
    let Some(expected) = &stream.columns else {
        let mut names = head.names.clone();
        if let (true, Types::Table(table)) = (json, &stream.types) {
            // A key may be rare; that it has a type is reason enough to wait for it.
            names.extend(table.keys().filter(|name| !head.names.contains(name)).cloned());
        }
        return Ok(names);
    };
    if let Some(missing) = expected.iter().find(|name| !json && !head.names.contains(name)) {
        let hint = hint(missing, &head.names);
        return Err(Failure::bad_data(format!("`{path}`, header: there is no column `{missing}`, which `columns` asks for{hint}")));
    }
    let extra: Vec<_> = head.names.iter().filter(|name| !expected.contains(name)).cloned().collect();
    match stream.extra_columns {
        ExtraColumns::Fail if !json && !extra.is_empty() => {
            let extra = listing::quoted(&extra);
            Err(Failure::bad_data(format!("`{path}`, header: `columns` does not name {extra}, and `extra_columns` is fail")))
        }
        ExtraColumns::Keep => Ok(expected.iter().cloned().chain(extra).collect()),
        _ => Ok(expected.clone()),
    }
}

/// What the missing column may be called in this header.
fn hint(missing: &str, header: &[String]) -> String {
    if let [only] = header
        && let Some(separator) = [';', '\t', '|'].into_iter().find(|separator| only.contains(*separator))
    {
        return format!("; its fields seem to be separated by {separator:?}");
    }
    near::closest(missing, header.iter().map(String::as_str)).map(|near| format!(", did you mean `{near}`?")).unwrap_or_default()
}

/// Looks at the beginning of a file; `None` where there is no record.
fn head(config: &Config, stream: &StreamConfig, file: &Found) -> Result<Option<Head>> {
    let shape = listing::shape(stream, &file.path)?;
    let mut input = Input::sample(&config.directory, &file.path, shape.packing, SAMPLE_BYTES)?;
    if matches!(shape.format, Format::Json | Format::Ndjson) {
        let keys = Json::new(shape.format, Vec::new(), ExtraColumns::Ignore, false).sample(&mut input)?;
        return named(keys, shape.format, file);
    }
    let mut csv = Csv::new(delimiter(shape.format));
    let Some(names) = csv.header(&mut input)? else {
        return if input.was_cut() {
            Err(Failure::bad_data(format!("`{}`: its header is larger than 1 MiB", file.path)))
        } else {
            Ok(None)
        };
    };
    let mut candidates = vec![Candidates::default(); names.len()];
    if stream.types == Types::Infer {
        see(&mut csv, &mut input, &stream.nulls(shape.format), &mut candidates)?;
    }
    let kinds = candidates.iter().map(Candidates::kind).collect();
    Ok(Some(Head { format: shape.format, names, kinds }))
}

fn named(keys: Vec<(String, Candidates)>, format: Format, file: &Found) -> Result<Option<Head>> {
    if let Some((name, _)) = keys.iter().find(|(name, _)| name.is_empty() || name == ORIGIN) {
        return Err(Failure::bad_data(format!("`{}`: `{name}` can't be the name of a column", file.path)));
    }
    let kinds = keys.iter().map(|(_, candidates)| candidates.kind()).collect();
    let names: Vec<_> = keys.into_iter().map(|(name, _)| name).collect();
    Ok((!names.is_empty()).then_some(Head { format, names, kinds }))
}

/// Takes a sample of the records below a header into account. Bad ones are left for the reader to name.
fn see(csv: &mut Csv, input: &mut Input, nulls: &[String], candidates: &mut [Candidates]) -> Result<()> {
    let mut rows = Rows::new(candidates.len(), SAMPLE_RECORDS);
    let mut bad = Vec::new();
    while csv.fill(input, &mut rows, &mut bad, false)? == Progress::Pause && !rows.is_full() {
        bad.clear();
    }
    for row in 0..rows.len() {
        for (place, candidates) in candidates.iter_mut().enumerate() {
            let cell = rows.cell(row, place);
            if nulls.iter().all(|null| null.as_bytes() != cell) {
                candidates.see(cell);
            }
        }
    }
    Ok(())
}
