//! One list on the way to a stream's rows: its pages, and what is taken from its records.

use std::collections::VecDeque;

use super::{
    Api, Column, Endpoint, Kind, Pager, Window,
    cells::instant_of,
    endpoint::Inside,
    find::{Finder, Item, Root, Slots},
};
use crate::Result;

/// The values that a record hands to the list that hangs on it, as JSON.
pub(super) type TakenOver = Vec<Option<String>>;

/// Where a value comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// The record.
    Slot(usize),
    /// What was taken over from the list above.
    Above(usize),
}

/// One list on the way to a stream's rows.
#[derive(Debug)]
pub(super) struct Level {
    pub endpoint: Endpoint,
    /// Finds all that is wanted in a page.
    pub finder: Finder,
    /// The slots of what the page says about the next one.
    pub page: Vec<usize>,
    /// The slot of what the next page starts after.
    pub last: Option<usize>,
    /// Whether this list has the stream's window.
    pub windowed: bool,
    /// The slot of the time of a record's last change, where this list has the window.
    pub changed: Option<usize>,
    /// The values of the rows that are made of its records, or of the records of the list inside them; none where it makes no rows.
    pub row: Vec<From>,
    /// Whether a list hangs on this one.
    pub leads_on: bool,
    /// The values that are handed to it.
    pub hand_over: Vec<From>,
    /// Whether rows are made of a list inside the records.
    pub inside: bool,
    /// That list.
    pub list_inside: Option<String>,
    /// The slot of the flag that says that the list inside is cut short.
    pub cut_short: Option<usize>,
    /// The list that is being read, and what was taken over for it.
    pub open: Option<(Pager, TakenOver)>,
    /// The lists that wait.
    pub waiting: VecDeque<TakenOver>,
}

impl Level {
    /// The lists of a stream, the topmost first. `rows` are the columns of the rows: the stream's, or another for samples.
    pub fn chain(api: &Api, stream: &str, rows: &[Column]) -> Result<Vec<Self>> {
        let chain = api.chain(stream)?;
        let windowed = chain.iter().rposition(|endpoint| endpoint.incremental.is_some());
        let levels = chain.iter().enumerate().map(|(place, endpoint)| {
            let below = chain.get(place + 1).copied();
            let mut level = Self::new(api, endpoint, below, rows)?;
            level.windowed = windowed == Some(place);
            if !level.windowed {
                level.changed = None;
            }
            Ok(level)
        });
        levels.collect()
    }

    fn new(api: &Api, endpoint: &Endpoint, below: Option<&Endpoint>, rows: &[Column]) -> Result<Self> {
        let (mut finder, root) = Finder::new();
        let pointers = endpoint.pages.pointers().into_iter();
        let page = pointers.map(|pointer| finder.value(root, pointer)).collect::<Result<_>>()?;
        let record = finder.items(root, &endpoint.records)?;
        let last = endpoint.pages.field().map(|field| finder.value(record, field)).transpose()?;
        let columns = api.columns(&endpoint.name)?;
        // A column that is inferred is not declared; it has its own name in the record.
        let field = endpoint.incremental.as_ref().map(|by| {
            let declared = columns.iter().find(|column| column.name == by.field);
            declared.cloned().unwrap_or_else(|| Column::new(&by.field, Kind::Timestamp))
        });
        let changed = field.and_then(|column| column.pointer).map(|pointer| finder.value(record, &pointer)).transpose()?;
        let hand_over = match below.and_then(|below| below.parent.as_ref()) {
            Some(parent) => {
                let there = parent.columns.iter().filter_map(|(_, there)| columns.iter().find(|column| column.name == *there));
                find_all(&mut finder, record, there, &columns)?
            }
            None => Vec::new(),
        };
        let inside: Option<&Inside> = below.and_then(|below| below.parent.as_ref()?.inside.as_ref());
        let flag = inside.and_then(|inside| inside.cut_short.as_deref());
        let cut_short = flag.map(|flag| finder.value(record, flag)).transpose()?;
        let row = match inside {
            Some(inside) => {
                let item = finder.items(record, &inside.list)?;
                // What the list inside takes over, this record has at hand.
                let mut given = hand_over.iter();
                let from = |column: &Column| match &column.pointer {
                    Some(pointer) => finder.value(item, pointer).map(From::Slot),
                    None => Ok(given.next().copied().unwrap_or(From::Above(usize::MAX))),
                };
                rows.iter().map(from).collect::<Result<_>>()?
            }
            None if below.is_none() => find_all(&mut finder, record, rows.iter(), rows)?,
            None => Vec::new(),
        };
        let (is_inside, list_inside) = (inside.is_some(), inside.map(|inside| inside.list.clone()));
        Ok(Self {
            endpoint: endpoint.clone(),
            finder,
            page,
            last,
            windowed: false,
            changed,
            row,
            leads_on: below.is_some(),
            hand_over,
            inside: is_inside,
            list_inside,
            cut_short,
            open: None,
            waiting: VecDeque::new(),
        })
    }

    /// Opens the next list that waits.
    pub fn open(&mut self, api: &Api, window: Option<&Window>) {
        if self.open.is_some() {
            return;
        }
        let Some(taken_over) = self.waiting.pop_front() else { return };
        let mut first = api.first(&self.endpoint, &taken_over);
        if let (Some(incremental), Some(window), true) = (&self.endpoint.incremental, window, self.windowed) {
            first = incremental.ask(first, window);
        }
        self.open = Some((Pager::new(first, self.endpoint.pages.clone()), taken_over));
    }

    /// Whether a record belongs to the window: its change lies before the end, and where the server is not told the start, not before that.
    pub fn is_in(&self, window: Option<&Window>, found: &Slots<'_>) -> bool {
        let (Some(window), Some(slot), Some(incremental)) = (window, self.changed, &self.endpoint.incremental) else { return true };
        let until = incremental.until.is_none().then_some(window.until * 1_000_000 + 999_999);
        let from = window.from.filter(|_| incremental.from.is_none()).map(|from| from * 1_000_000);
        if until.is_none() && from.is_none() {
            return true;
        }
        // Of a record that does not say when it changed nothing is known.
        let Some(changed) = found[slot].and_then(instant_of) else { return true };
        until.is_none_or(|until| changed <= until) && from.is_none_or(|from| changed >= from)
    }

    /// Whether the list inside this record is cut short.
    pub fn is_cut_short(&self, found: &Slots<'_>) -> bool {
        self.cut_short.is_some_and(|slot| found[slot] == Some("true"))
    }

    /// Whether rows are made of this item.
    pub fn makes_row(&self, item: Item) -> bool {
        !self.row.is_empty() && (item.list == 1) == self.inside
    }
}

/// Where the values of columns come from: given ones from above, in their order.
fn find_all<'a>(finder: &mut Finder, root: Root, wanted: impl Iterator<Item = &'a Column>, all: &[Column]) -> Result<Vec<From>> {
    let given: Vec<_> = all.iter().filter(|column| column.pointer.is_none()).map(|column| column.name.as_str()).collect();
    wanted
        .map(|column| match &column.pointer {
            Some(pointer) => finder.value(root, pointer).map(From::Slot),
            None => Ok(From::Above(given.iter().position(|name| *name == column.name).unwrap_or(usize::MAX))),
        })
        .collect()
}
