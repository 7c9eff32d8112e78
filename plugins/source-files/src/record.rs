//! A record while it is read: its cells side by side.

/// The largest record. More is hardly a record but a quote that never closes.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// The least room for text and for ends of cells that a parser gets.
const ROOM_BYTES: usize = 4096;
const ROOM_CELLS: usize = 64;

/// A record while it is read.
#[derive(Default)]
pub struct Record {
    data: Vec<u8>,
    used: usize,
    /// Where each cell ends.
    ends: Vec<usize>,
    used_ends: usize,
    /// Which cells the format says are null; of all cells or of none.
    nulls: Vec<bool>,
}

impl Record {
    /// Forgets all cells. The buffers stay.
    #[inline]
    pub fn clear(&mut self) {
        (self.used, self.used_ends) = (0, 0);
        self.nulls.clear();
    }

    /// Where a parser writes text and ends of cells; both have room.
    #[inline]
    pub fn room(&mut self) -> (&mut [u8], &mut [usize]) {
        if self.data.len() < self.used + ROOM_BYTES {
            self.data.resize((self.used + ROOM_BYTES).max(self.data.len() * 2), 0);
        }
        if self.ends.len() < self.used_ends + ROOM_CELLS {
            self.ends.resize((self.used_ends + ROOM_CELLS).max(self.ends.len() * 2), 0);
        }
        (&mut self.data[self.used..], &mut self.ends[self.used_ends..])
    }

    /// What was written to the ends of [`Record::room`] and is not yet said to be.
    #[inline]
    pub fn written_ends(&self) -> &[usize] {
        &self.ends[self.used_ends..]
    }

    /// Says how much of [`Record::room`] was written.
    pub fn wrote(&mut self, bytes: usize, ends: usize) {
        self.used += bytes;
        self.used_ends += ends;
    }

    /// Adds a cell.
    pub fn push(&mut self, text: &[u8], null: bool) {
        self.add(text);
        self.nulls.push(null);
    }

    /// Adds the cells of a line, divided by one byte each, whose ends were written to [`Record::room`], so many of them.
    pub fn push_line(&mut self, line: &[u8], cells: usize) {
        let ends = self.ends[self.used_ends..][..cells].to_vec();
        let mut start = 0;
        for end in ends {
            self.add(&line[start..end]);
            start = end + 1;
        }
    }

    fn add(&mut self, text: &[u8]) {
        self.data.truncate(self.used);
        self.data.extend_from_slice(text);
        self.used += text.len();
        self.ends.truncate(self.used_ends);
        self.ends.push(self.used);
        self.used_ends += 1;
    }

    /// How many bytes the cells have.
    pub fn bytes(&self) -> usize {
        self.used
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.used_ends
    }

    /// The cells.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let ends = &self.ends[..self.used_ends];
        let starts = std::iter::once(&0).chain(ends);
        starts.zip(ends).map(|(start, end)| &self.data[*start..*end])
    }

    /// Which cells the format says are null; empty where only the text says it.
    pub fn nulls(&self) -> &[bool] {
        &self.nulls
    }
}
