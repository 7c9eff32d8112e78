//! Reading a stream of an [`Api`]: one request per call, rows page by page.
//!
//! - A request that fails changes nothing: the next call sends it again (`a_request_that_failed_loses_and_doubles_nothing`).
//! - Origins ascend: lists inside records that are cut short are read whole after everything else, because their pages come later in the
//!   archive than all pages of the list around them (`a_list_that_is_cut_short_is_read_whole_at_the_end`).
//! - A row of the same key and version that paging by number or offset repeats is left out (`a_row_that_paging_repeats_is_left_out`).

use super::{
    Api, Column, Page, Rows, Window,
    find::{Item, Slots},
    level::{From, Level, TakenOver},
    pager::Turn,
    recent::Recent,
    rows::Reason,
};
use crate::{Origin, Pulled, Reader, Result};

/// How many bytes of rows make a batch full, however few they are.
const FULL_BYTES: usize = 16 << 20;

/// Reads a stream, or a window of it.
pub struct RestReader {
    api: Api,
    /// The stream's list and those it hangs on, the topmost first.
    levels: Vec<Level>,
    rows: Rows,
    window: Option<Window>,
    /// What is told when all was read.
    cursor: Option<String>,
    batch_rows: usize,
    /// The places of the columns that tell rows apart, where pages can repeat them.
    key: Vec<usize>,
    recent: Recent,
    /// The last page in the archive that rows were made of.
    last_page: Option<u32>,
    /// Whether a batch was given out.
    begun: bool,
}

/// What a page brought besides rows.
#[derive(Default)]
struct Gathered<'a> {
    records: u64,
    last: Option<&'a str>,
    /// How many items rows can be made of.
    items: u64,
    /// What is handed to the lists below.
    below: Vec<TakenOver>,
    rejected: Vec<(u64, Reason)>,
}

impl RestReader {
    /// Reads `stream`, whose columns are these, or what changed in a window of it.
    pub fn open(api: Api, stream: &str, columns: Vec<Column>, window: Option<Window>, batch_rows: usize) -> Result<Self> {
        let mut levels = Level::chain(&api, stream, &columns)?;
        if let Some(top) = levels.first_mut() {
            top.waiting.push_back(TakenOver::new());
        }
        let key = Self::key_of(&api, stream, &columns)?;
        let cursor = window.map(|window| window.cursor());
        let rows = Rows::new(columns)?;
        Ok(Self { api, levels, rows, window, cursor, batch_rows, key, recent: Recent::default(), last_page: None, begun: false })
    }

    /// Tells another cursor than the window's end when all was read: where the window is one of several.
    #[must_use]
    pub fn reaching(mut self, cursor: Option<String>) -> Self {
        self.cursor = cursor;
        self
    }

    fn key_of(api: &Api, stream: &str, columns: &[Column]) -> Result<Vec<usize>> {
        let endpoint = api.find(stream)?;
        let version = endpoint.key.first().and(endpoint.incremental.as_ref()).map(|incremental| &incremental.field);
        let names = endpoint.key.iter().chain(version);
        Ok(names.filter_map(|name| columns.iter().position(|column| column.name == *name)).collect())
    }

    /// The level whose list is read next: the lowest first, but for lists that are read whole because they were cut short.
    fn level(&self) -> Option<usize> {
        let busy = |place: &usize| self.levels[*place].open.is_some() || !self.levels[*place].waiting.is_empty();
        let last = self.levels.len().checked_sub(1)?;
        let at_the_end = self.levels[last].endpoint.is_within();
        let first = if at_the_end { last } else { last + 1 };
        (0..first).rev().find(busy).or_else(|| Some(last).filter(busy))
    }

    /// Sends one request; false where there is none left.
    pub(super) fn step(&mut self) -> Result<bool> {
        let Some(place) = self.level() else { return Ok(false) };
        let level = &mut self.levels[place];
        level.open(&self.api, self.window.as_ref());
        let Some((pager, _)) = &mut level.open else { return Ok(false) };
        if place > 0 {
            // What a list hangs on may be gone by the time it is asked for.
            pager.may_be_missing();
        }
        if !level.row.is_empty() {
            pager.come_after(self.last_page);
        }
        let page = pager.get()?;
        if let Some(page) = &page {
            self.read(place, page)?;
        }
        let level = &mut self.levels[place];
        if level.open.as_ref().is_some_and(|(pager, _)| pager.request().is_none()) {
            level.open = None;
        }
        Ok(true)
    }

    /// Reads a page: all of it or nothing.
    fn read(&mut self, place: usize, page: &Page) -> Result<()> {
        let (mark, remembered) = (self.rows.mark(), self.recent.len());
        let read = self.gather(place, page);
        let below = match read {
            Ok(below) => below,
            Err(failure) => {
                self.rows.rewind(mark);
                self.recent.forget(self.recent.len().saturating_sub(remembered));
                if let Some((pager, _)) = &mut self.levels[place].open {
                    pager.fail();
                }
                return Err(failure);
            }
        };
        self.rows.read_bytes(page.text().len() as u64);
        if !self.levels[place].row.is_empty() {
            self.last_page = Some(page.number());
        }
        if let Some(level) = self.levels.get_mut(place + 1) {
            level.waiting.extend(below);
        }
        Ok(())
    }

    /// Pushes the rows of a page and goes on to the next one.
    fn gather(&mut self, place: usize, page: &Page) -> Result<Vec<TakenOver>> {
        let Self { levels, rows, recent, window, key, .. } = self;
        let level = &levels[place];
        let above = level.open.as_ref().map_or(&[][..], |(_, taken_over)| taken_over);
        let damaged = if page.is_damaged() { raws(level, page)? } else { Vec::new() };
        let mut gathered = Gathered::default();
        let found = page.walk(&level.finder, &mut |found, item| {
            if item.list == 0 {
                gathered.records += 1;
                gathered.last = level.last.and_then(|slot| found[slot]);
            }
            let inside = item.list == 1;
            let cut_short = level.is_cut_short(found);
            let wanted = level.is_in(window.as_ref(), found);
            if !inside && wanted && level.leads_on && (!level.inside || cut_short) {
                gathered.below.push(level.hand_over.iter().map(|from| value(*from, found, above).map(str::to_owned)).collect());
            }
            if !level.makes_row(item) {
                return;
            }
            gathered.items += 1;
            let number = gathered.items;
            let mut repeated = || !key.is_empty() && recent.saw(key.iter().map(|place| value(level.row[*place], found, above)));
            if !wanted || (inside && cut_short) || repeated() {
                return;
            }
            let origin = Origin::new(page.number(), number);
            let broken = usize::try_from(number - 1).ok().and_then(|at| damaged.get(at)).is_some_and(|raw| raw.contains('\u{fffd}'));
            let pushed = match (broken, item.object) {
                (true, _) => Err(Reason::NoUtf8),
                (_, false) => Err(Reason::NoObject),
                _ => rows.row(origin, level.row.iter().map(|from| Some(value(*from, found, above))), std::iter::empty()),
            };
            gathered.rejected.extend(pushed.err().map(|reason| (number, reason)));
        })?;
        if !gathered.rejected.is_empty() {
            // Rare, so a second pass finds their texts.
            let raws = raws(level, page)?;
            for (number, reason) in gathered.rejected {
                let raw = usize::try_from(number - 1).ok().and_then(|at| raws.get(at)).copied().unwrap_or_default();
                rows.reject(Origin::new(page.number(), number), reason, raw);
            }
        }
        let found: Vec<_> = level.page.iter().map(|slot| found[*slot]).collect();
        let turn = Turn { records: gathered.records, found: &found, last: gathered.last };
        if let Some((pager, _)) = &mut levels[place].open {
            pager.turn(page, &turn)?;
        }
        Ok(gathered.below)
    }

    /// Whether a batch is full.
    fn is_full(&self) -> bool {
        self.rows.len() >= self.batch_rows || self.rows.memory() >= FULL_BYTES
    }

    /// The records that wait, for a sample whose only column is the record itself.
    pub(super) fn waiting(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn take(&mut self, most: usize) -> Result<Option<Pulled>> {
        self.rows.take(most)
    }
}

fn value<'a>(from: From, found: &Slots<'a>, above: &'a [Option<String>]) -> Option<&'a str> {
    match from {
        From::Slot(slot) => found[slot],
        From::Above(place) => above.get(place)?.as_deref(),
    }
}

/// The texts of the items that rows are made of, in their order.
fn raws<'a>(level: &Level, page: &'a Page) -> Result<Vec<&'a str>> {
    let (mut finder, root) = super::find::Finder::new();
    let mut item = finder.items(root, &level.endpoint.records)?;
    if let Some(list) = &level.list_inside {
        item = finder.items(item, list)?;
    }
    let slot = finder.value(item, "")?;
    let mut raws = Vec::new();
    page.walk(&finder, &mut |found, item: Item| {
        if level.makes_row(item) {
            raws.push(found[slot].unwrap_or_default());
        }
    })?;
    Ok(raws)
}

impl Reader for RestReader {
    /// At most one request per call, so that a slow list neither runs into the limit of a call nor looks as if nothing happened. Rows are
    /// collected to whole batches, but for the first: a preview shall not wait for thousands.
    fn next(&mut self) -> Result<Option<Pulled>> {
        if !self.is_full() {
            let more = self.step()?;
            let enough = self.is_full() || (!self.begun && !self.rows.is_empty());
            if more && !enough {
                return Ok(Some(Pulled { bytes: self.rows.take_bytes(), ..Pulled::default() }));
            }
        }
        self.begun = true;
        let pulled = self.rows.take(self.batch_rows)?;
        let ended = self.rows.is_empty() && self.level().is_none();
        match (pulled, ended) {
            (Some(pulled), true) => Ok(Some(Pulled { cursor: self.cursor.take(), ..pulled })),
            (Some(pulled), false) => Ok(Some(pulled)),
            // Also a window without rows moves the cursor.
            (None, _) => Ok(self.cursor.take().map(|cursor| Pulled { cursor: Some(cursor), ..Pulled::default() })),
        }
    }
}
