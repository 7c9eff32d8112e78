//! Reading a slice, request by request.
//!
//! - What is to be done next is data ([`Task`]): a call that fails leaves it as it was, and the next call sends that request again.
//! - Rows come page by page, in the order in which pages were asked for: first all that lists and single objects show, then the rest of
//!   nested lists, so that `_origin` ascends (`nested_lists_are_walked_to_their_end_behind_all_other_rows`).
//! - An object comes once in a run, also where two lists or many events name it.

use std::collections::{BTreeMap, HashSet, VecDeque};

use serde_json::{Value, json};
use tidegate_sdk::{Failure, Origin, Pulled, Reader, Request, Result, log, rest::Rows};

use crate::{
    api::{Answer, Api, Page},
    column,
    config::Config,
    cursor::Cursor,
    event::Event,
    feed::Changed,
    list::{self, List},
    record,
    slice::{What, Window},
    streams::{self, Changes, Entity, RowsOf},
};

/// How many requests a call sends at most, so that a batch is on its way before a slow server has answered hundreds of them.
const REQUESTS_PER_CALL: u64 = 16;

/// A slice that is being read.
pub struct SliceReader {
    api: Api,
    stream: &'static Entity,
    rows: Rows,
    /// The most rows of a batch.
    most: usize,
    tasks: VecDeque<Task>,
    changed: Changed,
    /// The ids that came, where one may come again.
    came: HashSet<String>,
    /// Objects that are gone without an event that tells of it, yet.
    vanished: u64,
    cursor: Cursor,
    ended: bool,
}

/// What is to be done.
enum Task {
    /// The objects of a list.
    List(List),
    /// The events of the window.
    Feed(List),
    /// The events that tell of deletions.
    Deletions(List),
    /// Objects that changed, the next one last.
    Objects(Vec<String>),
    /// The rest of a nested list.
    Rest(Rest),
}

/// The rest of a nested list.
struct Rest {
    owner: String,
    list: List,
    /// Items that an event showed and that were not seen again so far.
    lost: BTreeMap<String, Value>,
}

impl SliceReader {
    /// Opens a slice.
    pub fn open(config: &Config, request: &Request) -> Result<Self> {
        let stream = streams::find(&request.stream)?;
        let window: Window =
            serde_json::from_str(&request.slice.id).map_err(|error| Failure::bug(format!("the slice's id is broken: {error}")))?;
        let mut tasks = VecDeque::new();
        match window.what {
            What::Everything { deleted_since } => {
                tasks.extend(stream.lists.iter().map(|query| Task::List(List::new(stream.path, query))));
                if let (Some(since), Some(kind)) = (deleted_since, stream.deletion) {
                    let query = [("type", kind), ("created[gte]", &since.to_string()), ("created[lte]", &window.until.to_string())];
                    tasks.push_back(Task::Deletions(List::new("/v1/events", &query)));
                }
            }
            What::Changed { since } => {
                // The same requests for all streams of a run: the feed is read once.
                let query = [("created[gte]", &*since.to_string()), ("created[lte]", &window.until.to_string())];
                tasks.push_back(Task::Feed(List::new("/v1/events", &query)));
            }
            What::Added { since } => tasks.push_back(Task::List(List::new(stream.path, &[("created[gte]", &since.to_string())]))),
        }
        Ok(Self {
            api: Api::new(config),
            stream,
            rows: Rows::new(column::flat(stream.columns))?,
            most: request.batch_rows,
            tasks,
            changed: Changed::default(),
            came: HashSet::new(),
            vanished: 0,
            cursor: Cursor { until: window.until, pending_since: None },
            ended: false,
        })
    }

    /// Sends the next request of a task and takes its answer in; says whether more of the task is left. Where it fails, nothing has changed.
    fn step(&mut self, task: &mut Task) -> Result<bool> {
        match task {
            Task::List(list) => {
                let Some((page, places)) = list.next(&mut self.api)? else { return Ok(false) };
                self.listed(page, &places);
                Ok(!list.is_over())
            }
            Task::Feed(list) => {
                let Some((page, _)) = list.next(&mut self.api)? else { return Ok(false) };
                self.told(page);
                Ok(!list.is_over())
            }
            Task::Deletions(list) => {
                let Some((page, places)) = list.next(&mut self.api)? else { return Ok(false) };
                self.deleted(page, &places);
                Ok(!list.is_over())
            }
            Task::Objects(ids) => self.object(ids),
            Task::Rest(rest) => {
                let Some((page, _)) = rest.list.next(&mut self.api)? else { return Ok(false) };
                self.rest(rest, page);
                Ok(!rest.list.is_over())
            }
        }
    }

    /// Objects of a list.
    fn listed(&mut self, page: Page, places: &[u64]) {
        let mut record = 0;
        for (object, place) in page.data.into_iter().zip(places) {
            match self.stream.rows {
                RowsOf::Objects => self.row(Origin::new(page.number, *place), &object, false),
                RowsOf::Nested(key) => record = self.items(key, &object, (page.number, record)),
            }
        }
    }

    /// Events of the window.
    fn told(&mut self, page: Page) {
        for event in page.data {
            // An event without a type or an object tells of nothing that has a row.
            if let Ok(event) = serde_json::from_value::<Event>(event) {
                self.changed.take(self.stream, event);
            }
        }
    }

    /// What the feed said has to be read again: lists first, for they bring many objects at once.
    fn follow(&mut self) {
        if let Changes::Events { parent: Some((_, parameter)), .. } = self.stream.changes {
            let parents = std::mem::take(&mut self.changed.parents);
            self.tasks.extend(parents.iter().map(|parent| Task::List(List::new(self.stream.path, &[(parameter, parent)]))));
        }
        let mut objects = std::mem::take(&mut self.changed.objects);
        objects.reverse();
        self.tasks.push_back(Task::Objects(objects));
    }

    /// Events that tell of deletions: the objects as they were at last.
    fn deleted(&mut self, page: Page, places: &[u64]) {
        let mut record = 0;
        for (event, place) in page.data.into_iter().zip(places) {
            let Ok(Event { data, .. }) = serde_json::from_value::<Event>(event) else { continue };
            match self.stream.rows {
                RowsOf::Objects => self.row(Origin::new(page.number, *place), &data.object, true),
                RowsOf::Nested(key) => {
                    let owner = data.object["id"].as_str().unwrap_or_default();
                    for item in data.object[key]["data"].as_array().into_iter().flatten() {
                        record += 1;
                        self.item(Origin::new(page.number, record), owner, item.clone(), true);
                    }
                }
            }
        }
    }

    /// Reads the next object again.
    fn object(&mut self, ids: &mut Vec<String>) -> Result<bool> {
        let Some(id) = ids.last() else { return Ok(false) };
        if !self.came.contains(id) {
            match self.api.object(self.stream.path, id)? {
                Answer::Here((page, object)) => match self.stream.rows {
                    RowsOf::Objects => self.row(Origin::new(page, 1), &object, false),
                    RowsOf::Nested(key) => drop(self.items(key, &object, (page, 0))),
                },
                Answer::Gone(page) => self.gone(id, page),
                Answer::AnchorGone => return Err(Failure::bug("an object was asked for with an anchor")),
            }
        }
        ids.pop();
        Ok(!ids.is_empty())
    }

    /// An object is not there any more. Where no event of this window tells of it, one of the next will.
    fn gone(&mut self, id: &str, page: u32) {
        let items = self.changed.items.remove(id).unwrap_or_default();
        let object = self.changed.deleted.remove(id);
        self.vanished += u64::from(items.is_empty() && object.is_none());
        self.lost(id, items, (page, 0));
        if let Some(object) = object {
            self.row(Origin::new(page, 1), &object, true);
        }
    }

    /// The items of a nested list, behind the `record`th record of the page; gives the number of the last one.
    fn items(&mut self, key: &str, object: &Value, (page, mut record): (u32, u64)) -> u64 {
        let owner = object["id"].as_str().unwrap_or_default();
        let list = &object[key];
        let shown = list["data"].as_array().map_or(&[][..], Vec::as_slice);
        let mut lost = self.changed.items.remove(owner).unwrap_or_default();
        for item in shown {
            record += 1;
            lost.remove(item["id"].as_str().unwrap_or_default());
            self.item(Origin::new(page, record), owner, item.clone(), false);
        }
        if list["has_more"] == true {
            let path = list["url"].as_str().filter(|url| url.starts_with("/v1/"));
            let path = path.map_or_else(|| format!("{}/{owner}/{key}", self.stream.path), str::to_owned);
            let list = List::after(path, list::ids(shown));
            self.tasks.push_back(Task::Rest(Rest { owner: owner.to_owned(), list, lost }));
            return record;
        }
        self.lost(owner, lost, (page, record))
    }

    /// A further page of a nested list.
    fn rest(&mut self, rest: &mut Rest, page: Page) {
        let mut record = 0;
        for item in page.data {
            record += 1;
            rest.lost.remove(item["id"].as_str().unwrap_or_default());
            self.item(Origin::new(page.number, record), &rest.owner, item, false);
        }
        if rest.list.is_over() {
            self.lost(&rest.owner, std::mem::take(&mut rest.lost), (page.number, record));
        }
    }

    /// Items that were there and are no more.
    fn lost(&mut self, owner: &str, lost: BTreeMap<String, Value>, (page, mut record): (u32, u64)) -> u64 {
        for item in lost.into_values() {
            record += 1;
            self.item(Origin::new(page, record), owner, item, true);
        }
        record
    }

    fn item(&mut self, origin: Origin, owner: &str, mut item: Value, deleted: bool) {
        if let (Some(item), RowsOf::Nested(_)) = (item.as_object_mut(), self.stream.rows) {
            // An item may not say to what it belongs.
            item.insert(self.stream.key[0].to_owned(), json!(owner));
        }
        self.row(origin, &item, deleted);
    }

    fn tell_vanished(&self) {
        if self.vanished > 0 {
            let (stream, count) = (self.stream.name, self.vanished);
            log::info(format!("`{stream}`: {count} objects that changed are not there any more; the next run is told why"));
        }
    }

    fn row(&mut self, origin: Origin, object: &Value, deleted: bool) {
        if self.stream.repeats() && object["id"].as_str().is_some_and(|id| !self.came.insert(id.to_owned())) {
            return;
        }
        if object["status"] == "pending" && matches!(self.stream.changes, Changes::Nowhere) {
            let created = object["created"].as_i64();
            self.cursor.pending_since = self.cursor.pending_since.into_iter().chain(created).min();
        }
        self.rows.push(origin, &record::flat(self.stream.columns, object, deleted), &[]);
    }
}

impl Reader for SliceReader {
    fn next(&mut self) -> Result<Option<Pulled>> {
        if self.ended {
            return Ok(None);
        }
        let sent = self.api.requests();
        while self.rows.len() < self.most && self.api.requests() < sent + REQUESTS_PER_CALL {
            let Some(mut task) = self.tasks.pop_front() else { break };
            match self.step(&mut task) {
                Ok(true) => self.tasks.push_front(task),
                Ok(false) if matches!(task, Task::Feed(_)) => self.follow(),
                Ok(false) => {}
                Err(failure) => {
                    self.tasks.push_front(task);
                    return Err(failure);
                }
            }
        }
        let mut pulled = self.rows.take(self.most)?.unwrap_or_default();
        pulled.bytes = self.api.read();
        self.ended = self.tasks.is_empty() && self.rows.is_empty();
        if self.ended {
            pulled.cursor = Some(self.cursor.text());
            self.tell_vanished();
        }
        Ok(Some(pulled))
    }
}
