//! A slice that is read: pages become batches. Each key comes once, whatever the shop sends twice.

use std::collections::{HashSet, VecDeque};

use tidegate_sdk::{Pulled, Reader, Request, Result};

use crate::{
    column::Cell,
    config::{Api, Config},
    pages::{Pages, Step},
    rows::{Record, Rows},
    slice::Id,
    streams::{self, ShopStream},
};

/// A slice that is read.
pub struct SliceReader {
    stream: &'static ShopStream,
    api: Api,
    pages: Pages,
    batch_rows: usize,
    cursor: String,
    /// Records of the last page that no batch has taken yet.
    waiting: VecDeque<Record>,
    seen: Seen,
    bytes: u64,
    ended: bool,
}

impl SliceReader {
    /// Opens a slice.
    pub fn open(config: &Config, request: &Request) -> Result<Self> {
        config.validate()?;
        let stream = streams::find(&request.stream)?;
        let Id { window, bulk } = Id::read(&request.slice)?;
        Ok(Self {
            stream,
            api: config.api,
            pages: Pages::open(config, stream, window, bulk),
            batch_rows: request.batch_rows.max(1),
            cursor: window.cursor(),
            waiting: VecDeque::new(),
            seen: Seen::default(),
            bytes: 0,
            ended: false,
        })
    }

    /// A batch of what waits.
    fn batch(&mut self) -> Result<Pulled> {
        let mut rows = Rows::new(self.stream.columns, self.api);
        let count = self.waiting.len().min(self.batch_rows);
        self.waiting.drain(..count).for_each(|record| rows.push(&record));
        let (batch, unread) = rows.finish()?;
        Ok(Pulled { batch, unread, cursor: None, bytes: std::mem::take(&mut self.bytes) })
    }

    /// Whether a record's key was not seen before. A record without one goes on: as a row it will be found wanting.
    fn is_new(&mut self, record: &Record) -> bool {
        let mut key = [0, 0];
        for (part, column) in key.iter_mut().zip(&self.stream.columns[..self.stream.keys]) {
            match column.cell(self.api, &record.value, record.parent.as_deref()) {
                Ok(Cell::Integer(id)) => *part = id,
                _ => return true,
            }
        }
        self.seen.add(key, self.stream.keys)
    }
}

impl Reader for SliceReader {
    fn next(&mut self) -> Result<Option<Pulled>> {
        if !self.waiting.is_empty() {
            return self.batch().map(Some);
        }
        match self.pages.next()? {
            Step::Records(records, bytes) => {
                self.bytes += bytes;
                for record in records {
                    if self.is_new(&record) {
                        self.waiting.push_back(record);
                    }
                }
                self.batch().map(Some)
            }
            Step::Waiting(bytes) => Ok(Some(Pulled { bytes, ..Pulled::default() })),
            // The window was read, also where nothing was in it.
            Step::End if !self.ended => {
                self.ended = true;
                Ok(Some(Pulled { cursor: Some(self.cursor.clone()), ..Pulled::default() }))
            }
            Step::End => Ok(None),
        }
    }
}

/// The keys that came. Most are one number, and there may be millions.
#[derive(Default)]
struct Seen {
    single: HashSet<i64>,
    double: HashSet<[i64; 2]>,
}

impl Seen {
    fn add(&mut self, key: [i64; 2], parts: usize) -> bool {
        if parts == 1 { self.single.insert(key[0]) } else { self.double.insert(key) }
    }
}
