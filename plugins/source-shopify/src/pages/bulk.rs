//! The file of a bulk operation: started, waited for, read line by line.
//!
//! - Starting one only reads, so it is sent as idempotent: streams of one walk start it once per run and read the same file.
//! - An operation that runs already is waited for. Where it asks the same (a start whose answer was lost), its file is taken.
//! - A plugin can't sleep: each poll that was answered is told as progress, and the call after it asks the host to wait.
//! - The file of an operation that failed holds some rows and not others; it is never read. After three failures the source gives up.
//! - Lines are flat, and nothing is expected of their order. A child names its parent in `__parentId`; what it is its own id says, and a
//!   child without an id belongs to no stream.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tidegate_sdk::{
    Failure, Origin, Result, http, log,
    rest::{Lines, Window},
};

use super::{InOrder, Step};
use crate::{
    config::Config,
    graphql::{Question, ask_for_all},
    rows::Record,
    streams::{Place, ShopStream},
};

const START: &str = "mutation($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: false) { \
    bulkOperation { id status } userErrors { code field message } } }";
const POLL: &str = "query($id: ID!) { node(id: $id) { ... on BulkOperation { id status errorCode objectCount url query } } }";

/// How long to wait after the first poll, and at most: the operation of a small shop is done in a second, that of a large one in hours.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often an operation may fail.
const MOST_FAILURES: u32 = 3;
/// How much of the file is read in one step.
const STEP_BYTES: u64 = 1 << 20;

/// The file of a bulk operation.
pub struct BulkFile {
    config: Config,
    stream: &'static ShopStream,
    query: String,
    state: State,
    failures: u32,
    /// Whether the last poll was answered, so that the next call waits; and how long.
    polled: bool,
    pause: Duration,
    order: InOrder,
}

enum State {
    /// Nothing was started.
    Idle,
    /// This operation runs; it is ours where it asks what we ask.
    Running(String),
    /// It is done.
    Reading(Lines),
    Done,
}

impl BulkFile {
    /// The records of a stream in a window.
    pub fn new(config: Config, stream: &'static ShopStream, window: Window) -> Self {
        let query = stream.walk.bulk_query(&window);
        Self { config, stream, query, state: State::Idle, failures: 0, polled: false, pause: FIRST_PAUSE, order: InOrder::default() }
    }

    /// The next step.
    pub fn next(&mut self) -> Result<Step> {
        match &mut self.state {
            State::Idle => self.start(),
            State::Running(_) if std::mem::take(&mut self.polled) => {
                let pause = self.pause;
                self.pause = LONGEST_PAUSE.min(pause * 2);
                Err(Failure::rate_limited(Some(pause), format!("the bulk operation for `{}` has not ended yet", self.stream.walk.root)))
            }
            State::Running(id) => {
                let id = id.clone();
                self.poll(&id)
            }
            State::Reading(lines) => match read(lines, self.stream)? {
                (_, 0) => {
                    self.state = State::Done;
                    Ok(Step::End)
                }
                (records, bytes) => Ok(Step::Records(records, bytes)),
            },
            State::Done => Ok(Step::End),
        }
    }

    fn start(&mut self) -> Result<Step> {
        if self.failures == MOST_FAILURES {
            let message = format!("the bulk operation for `{}` failed {MOST_FAILURES} times", self.stream.walk.root);
            return Err(Failure::bad_data(format!("{message}: read the first load with `first_load = \"pages\"`")));
        }
        let (value, bytes) = self.ask(START, json!({ "query": self.query }))?;
        let answer = &value["bulkOperationRunQuery"];
        if let Some(id) = answer.pointer("/bulkOperation/id").and_then(Value::as_str) {
            (self.state, self.pause) = (State::Running(id.to_owned()), FIRST_PAUSE);
            return Ok(Step::Waiting(bytes));
        }
        let errors = answer["userErrors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let message = |error: &Value| error["message"].as_str().unwrap_or_default().to_owned();
        let Some(busy) =
            errors.iter().find(|error| error["code"] == "OPERATION_IN_PROGRESS" || message(error).contains("already in progress"))
        else {
            let said = errors.iter().map(message).find(|message| !message.is_empty()).unwrap_or("it did not say why".to_owned());
            return Err(Failure::config(format!("the shop refused the bulk operation for `{}`: {said}", self.stream.walk.root)));
        };
        self.order.ask_anew();
        let Some(id) = operation_in(&message(busy)) else {
            return Err(Failure::rate_limited(Some(LONGEST_PAUSE), "another bulk operation of this app is running in the shop"));
        };
        log::info(format!("waiting for {id}, which is running in the shop"));
        self.state = State::Running(id);
        Ok(Step::Waiting(bytes))
    }

    fn poll(&mut self, id: &str) -> Result<Step> {
        let (value, bytes) = self.ask(POLL, json!({ "id": id }))?;
        let operation = &value["node"];
        let status = operation["status"].as_str().unwrap_or("of an unknown state");
        let ours = operation["query"].as_str().is_none_or(|query| query.trim() == self.query);
        match status {
            "CREATED" | "RUNNING" | "CANCELING" => {
                self.polled = true;
                self.order.ask_anew();
                Ok(Step::Waiting(bytes))
            }
            "COMPLETED" if ours => {
                let objects = operation["objectCount"].as_str().unwrap_or("an unknown number of").to_owned();
                log::info(format!("{id} for `{}` is done: {objects} objects", self.stream.walk.root));
                self.state = self.open(operation["url"].as_str())?;
                Ok(Step::Waiting(bytes))
            }
            // Somebody else's has ended, well or not.
            _ if !ours => {
                self.state = State::Idle;
                self.order.ask_anew();
                Ok(Step::Waiting(bytes))
            }
            _ => {
                let code = operation["errorCode"].as_str().map(|code| format!(" ({code})")).unwrap_or_default();
                log::warn(format!("{id} for `{}` is {status}{code}; it is started again", self.stream.walk.root));
                self.failures += 1;
                self.state = State::Idle;
                self.order.ask_anew();
                Ok(Step::Waiting(bytes))
            }
        }
    }

    /// Opens the file; there is none where there are no rows.
    fn open(&mut self, url: Option<&str>) -> Result<State> {
        let Some(url) = url else { return Ok(State::Done) };
        // The address is signed: it needs no credential, and must not get one.
        let lines = Lines::of(http::get(url).stream(self.stream.walk.root).send()?)?;
        Ok(State::Reading(lines))
    }

    fn ask(&mut self, query: &str, variables: Value) -> Result<(Value, u64)> {
        let question = Question { stream: self.stream.walk.root, query, variables };
        ask_for_all(&self.config, &mut self.order, &question).map(|data| (data.value, data.bytes))
    }
}

/// The id of an operation in a text: `... already in progress: gid://shopify/BulkOperation/4039184154813.`
fn operation_in(text: &str) -> Option<String> {
    const KIND: &str = "gid://shopify/BulkOperation/";
    let (_, behind) = text.split_once(KIND)?;
    let digits = behind.split(|c: char| !c.is_ascii_digit()).next().filter(|digits| !digits.is_empty())?;
    Some(format!("{KIND}{digits}"))
}

/// The stream's records in the next lines, and how many bytes these are: none at the end.
fn read(lines: &mut Lines, stream: &ShopStream) -> Result<(Vec<Record>, u64)> {
    let (mut records, mut bytes) = (Vec::new(), 0);
    while bytes < STEP_BYTES {
        // A line that can't be read now leaves the ones before it to be told first; asked again, it fails again.
        let line = match lines.next_line() {
            Ok(line) => line,
            Err(failure) if bytes == 0 => return Err(failure),
            Err(_) => break,
        };
        let Some((number, line)) = line else { break };
        bytes += line.len() as u64 + 1;
        take(stream, &line, Origin::new(lines.page(), number), &mut records)?;
    }
    Ok((records, bytes))
}

/// Adds the stream's records of one line.
fn take(stream: &ShopStream, line: &str, origin: Origin, records: &mut Vec<Record>) -> Result<()> {
    // In a text of the shop's the quotes would be escaped, so this is the key and nothing else. It saves reading other streams' lines.
    let child = line.contains("\"__parentId\"");
    if child != (stream.place == Place::Nested) {
        return Ok(());
    }
    let broken = |_| Failure::bad_data(format!("line {} of the bulk file (page {}) is not JSON", origin.record(), origin.page()));
    let mut value: Value = serde_json::from_str(line).map_err(broken)?;
    match (stream.place, &stream.walk.nested) {
        (Place::Nested, Some(list)) => {
            let kind = value["id"].as_str().and_then(|id| id.strip_prefix("gid://shopify/")?.split('/').next());
            if kind == Some(list.kind) {
                let parent = Some(Arc::new(json!({ "id": value["__parentId"] })));
                records.push(Record { origin, value, parent });
            }
        }
        (Place::List(key), _) => {
            let Value::Array(list) = value[key].take() else { return Ok(()) };
            let parent = Arc::new(value);
            records.extend(list.into_iter().map(|value| Record { origin, value, parent: Some(parent.clone()) }));
        }
        _ => records.push(Record { origin, value, parent: None }),
    }
    Ok(())
}
