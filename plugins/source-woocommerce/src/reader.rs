//! Reads a stream: walks, looks below records, finds what is gone.
//!
//! - A call that fails leaves the reader as it was, and its request is sent again, afresh (`tests::faults`).
//! - A record is given once per run: the first time that it is seen. What changes after that is in the next run's window.
//! - The cursor comes with the last rows, when all was read.
//!
//! # Why
//! A deletion is only told when the shop itself says that there is no such id. A list is not enough: a record may have moved from one
//! list to the other between two pages, or have a status of a plugin that `any` leaves out.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;
use tidegate_sdk::{FailureKind, Origin, Pulled, Reader, Request, Result, rest::Rows};

use crate::{
    columns::{self, Scope},
    config::Config,
    cursor::Cursor,
    ids::Ids,
    shop::{Listed, Record, Shop},
    streams::{Deletions, Kind, in_bin},
    task::{BelowWalk, CollectionWalk, Task},
    walk::Page,
    window::Window,
};

/// The most requests that one call sends before it hands over what it has: the host can stop a reader between two calls only.
const REQUESTS_PER_CALL: usize = 8;

/// Rows that are worth a call of their own.
const ENOUGH_ROWS: usize = 1024;

const DAY_SECONDS: i64 = 86_400;

/// Reads a stream.
pub struct ShopReader {
    shop: Shop,
    config: Config,
    kind: Kind,
    batch_rows: usize,
    cursor: Cursor,
    window: Option<Window>,
    /// What is still to be done, in order.
    tasks: VecDeque<Task>,
    /// The ids of the collection's records that were taken in this run.
    read: Ids,
    /// The ids of the rows from lists below records.
    below: Ids,
    /// The ids that the sweep saw; none where this run sweeps nothing.
    swept: Option<Ids>,
    /// What need not be known any more.
    gone: Ids,
    /// Whether something that is gone could not be told, because its row was given in this run already.
    untold: bool,
    /// Whether requests are sent afresh. Once one had to be, all that follow are: pages have to come in the order of their numbers.
    fresh: bool,
    /// The last page and how many records it has.
    last: (u32, u64),
    rows: Rows,
    ended: bool,
}

impl ShopReader {
    /// Opens a stream.
    pub fn open(config: &Config, request: &Request) -> Result<Self> {
        let kind = Kind::named(&request.stream)?;
        Ok(Self {
            shop: Shop::new(config),
            config: config.clone(),
            kind,
            batch_rows: request.batch_rows,
            cursor: Cursor::read(request.cursor.as_deref())?,
            window: None,
            tasks: VecDeque::from([Task::Begin]),
            read: Ids::new(),
            below: Ids::new(),
            swept: None,
            gone: Ids::new(),
            untold: false,
            fresh: false,
            last: (0, 0),
            rows: columns::rows(kind.columns())?,
            ended: false,
        })
    }

    /// Does the first task, or a part of it.
    fn step(&mut self, task: &Task) -> Result<()> {
        match task {
            Task::Begin => self.begin(),
            Task::Walk(walk) => self.walk(walk.clone()),
            Task::Below(walk) => self.walk_below(walk.clone()),
            Task::Settle => {
                self.tasks.pop_front();
                self.settle();
                Ok(())
            }
            Task::Confirm(id) => self.confirm(*id),
        }
    }

    fn begin(&mut self) -> Result<()> {
        let now = self.shop.now(self.fresh)?;
        let window = Window::new(&self.config, self.config.since_seconds()?, &self.cursor, now);
        self.window = Some(window);
        self.tasks.pop_front();
        let bounds = self.kind.is_filtered().then_some(window);
        self.tasks.extend(self.kind.choices().iter().map(|choice| Task::Walk(CollectionWalk::new(choice, bounds))));
        if self.must_sweep(now) {
            self.swept = Some(Ids::new());
            self.tasks.extend(self.kind.choices().iter().map(|choice| Task::Walk(CollectionWalk::sweep(choice))));
        }
        self.tasks.push_back(Task::Settle);
        Ok(())
    }

    /// The first run reads all there is: it knows of nothing that could be gone.
    fn must_sweep(&self, now: i64) -> bool {
        let due = |swept: i64| now - swept >= i64::from(self.config.sweep_days) * DAY_SECONDS;
        self.kind.deletions() == Deletions::Sweep && self.cursor.until.is_some() && self.cursor.swept.is_none_or(due)
    }

    fn walk(&mut self, mut walk: CollectionWalk) -> Result<()> {
        let listed = self.shop.list(self.kind.collection(), &walk.parameters(), self.fresh)?;
        let page = walk.walk.arrived(&listed.ids(), listed.total)?;
        self.last = (listed.page, listed.records.len() as u64);
        self.tasks.pop_front();
        if page != Page::Ends {
            self.tasks.push_front(Task::Walk(walk.clone()));
        }
        match &mut self.swept {
            Some(swept) if walk.sweep => swept.extend(listed.ids()),
            _ => self.take_page(&listed),
        }
        Ok(())
    }

    /// Takes the records of a page that were not taken before.
    fn take_page(&mut self, listed: &Listed) {
        let mut below = Vec::new();
        for (number, record) in (1..).zip(&listed.records) {
            if self.read.insert(record.id) {
                below.extend(self.take(record, Origin::new(listed.page, number)));
            }
        }
        below.into_iter().rev().for_each(|walk| self.tasks.push_front(Task::Below(walk)));
    }

    /// Makes rows of a record; gives the walk to the list below it where the rows stand there.
    fn take(&mut self, record: &Record, origin: Origin) -> Option<BelowWalk> {
        match self.kind {
            Kind::LineItems => {
                for (place, line) in record.value["line_items"].as_array().into_iter().flatten().enumerate() {
                    self.add(&line.to_string(), &Scope { record: line, parent: &record.value, position: place + 1 }, origin);
                }
                None
            }
            Kind::Refunds | Kind::Variations => {
                self.kind.below(&record.value).map(|list| BelowWalk::new(self.kind.collection(), &record.value, list))
            }
            _ => {
                self.add(record.text.get(), &Scope { record: &record.value, parent: &Value::Null, position: 1 }, origin);
                None
            }
        }
    }

    fn add(&mut self, text: &str, scope: &Scope<'_>, origin: Origin) {
        self.push(text, &columns::given(self.kind.columns(), scope), origin);
    }

    fn push(&mut self, text: &str, given: &[Value], origin: Origin) {
        let given: Vec<_> = given.iter().map(Value::to_string).collect();
        let given: Vec<_> = given.iter().map(|value| Some(value.as_str())).collect();
        self.rows.push(origin, text, &given);
    }

    fn walk_below(&mut self, mut below: BelowWalk) -> Result<()> {
        let listed = self.shop.list(&below.path, &below.walk.parameters(), self.fresh)?;
        let page = below.walk.arrived(&listed.ids(), listed.total)?;
        self.last = (listed.page, listed.records.len() as u64);
        self.tasks.pop_front();
        for (number, record) in (1..).zip(&listed.records) {
            if self.below.insert(record.id) {
                let scope = Scope { record: &record.value, parent: &below.parent, position: number };
                self.add(record.text.get(), &scope, Origin::new(listed.page, number as u64));
            }
        }
        if page != Page::Ends {
            self.tasks.push_front(Task::Below(below));
        }
        Ok(())
    }

    /// Finds which ids may be gone, and which are there though no date told of them.
    fn settle(&mut self) {
        let known = &self.cursor.known;
        match (self.kind.deletions(), &self.swept) {
            (Deletions::Sweep, None) => {}
            (Deletions::Sweep, Some(there)) => {
                let (told, missing): (Ids, Ids) = known.difference(there).partition(|id| self.read.contains(id));
                // A key may come once per run. The next run sweeps again.
                self.untold = !told.is_empty();
                // Imports keep old dates. Below `since` all is unknown.
                let unknown = there.iter().filter(|id| !known.contains(id) && !self.read.contains(id) && self.config.since.is_none());
                let looked_for: BTreeSet<u64> = missing.iter().chain(unknown).copied().collect();
                self.tasks.extend(looked_for.into_iter().map(Task::Confirm));
            }
            (Deletions::Compare, _) if self.kind == Kind::Variations => {
                let missing: Vec<u64> = known.difference(&self.below).copied().collect();
                for id in missing {
                    self.last.1 += 1;
                    self.tell_gone(id, Origin::new(self.last.0, self.last.1));
                }
            }
            (Deletions::Compare, _) => {
                let missing: Vec<u64> = known.difference(&self.read).copied().collect();
                self.tasks.extend(missing.into_iter().map(Task::Confirm));
            }
        }
    }

    fn confirm(&mut self, id: u64) -> Result<()> {
        let found = self.shop.find(&format!("{}/{id}", self.kind.collection()), self.fresh)?;
        self.last = (found.page, 1);
        self.tasks.pop_front();
        let origin = Origin::new(found.page, 1);
        let Some(record) = found.record else {
            self.tell_gone(id, origin);
            return Ok(());
        };
        // What lies in a bin that has no list of its own needs no second look: it comes back into the list, or never.
        if in_bin(&record.value) && self.kind.deletions() == Deletions::Compare {
            self.gone.insert(id);
        }
        if self.read.insert(id)
            && let Some(below) = self.take(&record, origin)
        {
            self.tasks.push_front(Task::Below(below));
        }
        Ok(())
    }

    fn tell_gone(&mut self, id: u64, origin: Origin) {
        self.gone.insert(id);
        if self.kind.is_collection() || self.kind == Kind::Variations {
            self.push("{}", &columns::gone(self.kind.columns(), id), origin);
        }
    }

    /// The cursor of the stream, now that it was read to its end.
    fn reached(&self) -> Option<String> {
        let window = self.window?;
        let ids = if self.kind == Kind::Variations { &self.below } else { &self.read };
        let known: Ids = self.cursor.known.union(ids).filter(|id| !self.gone.contains(id)).copied().collect();
        let swept = match self.kind.deletions() {
            Deletions::Compare => None,
            // All that is known was read just now.
            Deletions::Sweep if self.cursor.until.is_none() => Some(window.end),
            Deletions::Sweep if self.swept.is_some() && !self.untold => Some(window.end),
            Deletions::Sweep => self.cursor.swept,
        };
        Some(Cursor::write(window.end, swept, &known))
    }
}

impl Reader for ShopReader {
    fn next(&mut self) -> Result<Option<Pulled>> {
        if self.ended {
            return Ok(None);
        }
        for _ in 0..REQUESTS_PER_CALL {
            let Some(task) = self.tasks.front().cloned() else { break };
            if self.rows.len() >= self.batch_rows.min(ENOUGH_ROWS) {
                break;
            }
            if let Err(failure) = self.step(&task) {
                // The answer that could not be used is archived: the same request would get it again.
                self.fresh |= matches!(failure.kind, FailureKind::Unavailable | FailureKind::RateLimited(_));
                return Err(failure);
            }
        }
        let mut pulled = self.rows.take(self.batch_rows)?.unwrap_or_default();
        if self.tasks.is_empty() && self.rows.is_empty() {
            self.ended = true;
            pulled.cursor = self.reached();
        }
        Ok(Some(pulled))
    }
}
