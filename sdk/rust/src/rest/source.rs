//! A source that is a declaration: [`RestSource`], and what makes a [`Source`] of it.

use std::cmp;

use arrow_array::cast::AsArray;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Api, Column, Kind, RestReader, Window, clock, infer, schema};
use crate::{Failure, Grant, Request, Result, Slice, Source, Stream};

/// How many records are looked at where columns are inferred.
const SAMPLED_RECORDS: usize = 1_000;
/// How many requests are sent for them: lists may be empty.
const SAMPLE_REQUESTS: usize = 10;

/// A source that is a declaration of an API. It is a [`Source`]: `export_source!` makes a component of it.
///
/// # Why
/// Every `RestSource` is a `Source` by itself, so that there is one macro and one trait that the host's side knows. The alternative was a
/// wrapper with a macro of its own, `export_rest_source!`: one more word to learn, and tests of a source would have had to name the
/// wrapper.
pub trait RestSource: 'static {
    /// The plugin's config.
    type Config: DeserializeOwned + JsonSchema;

    /// What the plugin wants to touch, for the person who decides.
    fn grants() -> Vec<Grant>;

    /// The API that this config gives.
    fn api(config: &Self::Config) -> Result<Api>;

    /// Cuts a stream's window into at most `wanted` windows that can be read side by side; they must cover it. By default it is one: most
    /// servers allow fewer requests than one reader sends.
    fn cut(config: &Self::Config, stream: &str, window: Window, wanted: usize) -> Result<Vec<Window>> {
        let _ = (config, stream, wanted);
        Ok(vec![window])
    }
}

/// What a slice reads: its id, as JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Id {
    window: Option<Window>,
    /// The cursor when all slices were read.
    cursor: Option<String>,
    /// The columns that were inferred: name and type.
    inferred: Vec<(String, Kind)>,
}

impl<T: RestSource> Source for T {
    type Config = T::Config;
    type Reader = RestReader;

    fn grants() -> Vec<Grant> {
        <T as RestSource>::grants()
    }

    fn check(config: &Self::Config) -> Result<()> {
        let api = T::api(config)?;
        api.check()?;
        api.clock_request()?.send()?.success().map(drop)
    }

    fn discover(config: &Self::Config) -> Result<Vec<Stream>> {
        let api = T::api(config)?;
        api.check()?;
        let stream = |endpoint: &super::Endpoint| {
            let columns = declared(&api, &endpoint.name)?.0;
            Ok(Stream {
                name: endpoint.name.clone(),
                schema: schema(&columns),
                primary_key: endpoint.key.clone(),
                cursor_field: endpoint.incremental.as_ref().map(|incremental| incremental.field.clone()),
                write_mode: api.write_mode(endpoint)?,
            })
        };
        api.endpoints().iter().map(stream).collect()
    }

    fn slices(config: &Self::Config, stream: &str, cursor: Option<&str>, wanted: usize) -> Result<Vec<Slice>> {
        let api = T::api(config)?;
        let (_, inferred) = declared(&api, stream)?;
        let inferred: Vec<_> = inferred.into_iter().map(|column| (column.name, column.kind)).collect();
        let Some(incremental) = api.incremental(stream)? else {
            return Ok(vec![slice(stream, &Id { window: None, cursor: None, inferred })?]);
        };
        let window = incremental.window(cursor, clock(&api.clock_request()?)?)?;
        let windows = T::cut(config, stream, window, cmp::max(wanted, 1))?;
        let id = |part| Id { window: Some(part), cursor: Some(window.cursor()), inferred: inferred.clone() };
        windows.into_iter().map(|part| slice(stream, &id(part))).collect()
    }

    fn open(config: Self::Config, request: Request) -> Result<RestReader> {
        let id: Id = serde_json::from_str(&request.slice.id).map_err(|_| Failure::bug("the slice was made by another version"))?;
        let api = T::api(&config)?;
        let mut columns = api.columns(&request.stream)?;
        columns.extend(id.inferred.into_iter().map(Column::from));
        require(&api, &request.stream, &mut columns)?;
        Ok(RestReader::open(api, &request.stream, columns, id.window, request.batch_rows)?.reaching(id.cursor))
    }

    fn advance(config: &Self::Config, stream: &str, cursor: Option<String>, reached: Vec<String>) -> Result<Option<String>> {
        match T::api(config)?.incremental(stream)? {
            Some(_) => Window::advance(cursor, &reached),
            None => Ok(None),
        }
    }
}

fn slice(stream: &str, id: &Id) -> Result<Slice> {
    let from = id.window.and_then(|window| window.from).map(|from| format!(" since {}", crate::instant::rfc3339(from)));
    let label = format!("{stream}{}", from.unwrap_or_default());
    let id = serde_json::to_string(id).map_err(|error| Failure::bug(error.to_string()))?;
    Ok(Slice { id, label, bytes: None })
}

/// A stream's columns, and those among them that were inferred.
fn declared(api: &Api, stream: &str) -> Result<(Vec<Column>, Vec<Column>)> {
    let mut columns = api.columns(stream)?;
    if !api.find(stream)?.inferred {
        return Ok((columns, Vec::new()));
    }
    let sample = sample(api, stream)?;
    let inferred = infer(sample.iter().map(String::as_str), &columns);
    columns.extend(inferred.iter().cloned());
    require(api, stream, &mut columns)?;
    Ok((columns, inferred))
}

/// Makes the columns of the key required; fails where the first records have none of that name.
fn require(api: &Api, stream: &str, columns: &mut [Column]) -> Result<()> {
    let endpoint = api.find(stream)?;
    for name in endpoint.key.iter().chain(endpoint.incremental.iter().map(|incremental| &incremental.field)) {
        let missing = || {
            Failure::config(format!("stream `{stream}`: the first records have no `{name}`; name the stream's columns with their types"))
        };
        let column = columns.iter_mut().find(|column| column.name == *name).ok_or_else(missing)?;
        column.required |= endpoint.key.contains(name);
    }
    if columns.is_empty() {
        return Err(Failure::config(format!("stream `{stream}` has no records to infer columns from; name its columns with their types")));
    }
    Ok(())
}

/// The first records of a stream, without a window: in each run the same request.
fn sample(api: &Api, stream: &str) -> Result<Vec<String>> {
    let record = vec![Column::new("record", Kind::Json).at("")];
    let mut reader = RestReader::open(api.clone(), stream, record, None, SAMPLED_RECORDS)?;
    for _ in 0..SAMPLE_REQUESTS {
        if reader.waiting() > 0 || !reader.step()? {
            break;
        }
    }
    let batch = reader.take(SAMPLED_RECORDS)?.and_then(|pulled| pulled.batch);
    let texts = batch.map(|batch| batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned).collect());
    Ok(texts.unwrap_or_default())
}
