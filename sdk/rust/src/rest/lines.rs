//! Bodies of one JSON record per line, of any length: exports of bulk operations.

use std::collections::VecDeque;

use crate::{Failure, Result, http::Response};

/// How much is read at once.
const READ_BYTES: u32 = 1 << 20;
/// The longest line; more is no record but a broken file.
const MOST_LINE_BYTES: usize = 64 << 20;

/// The lines of a body, read piece by piece.
pub struct Lines {
    response: Response,
    /// What was read and not given out.
    rest: VecDeque<u8>,
    /// How much of `rest` has no line's end.
    looked_at: usize,
    ended: bool,
    /// The number of the last line, from 1.
    line: u64,
}

impl Lines {
    /// The lines of an answer. A status of 400 and more is a failure.
    pub fn of(response: Response) -> Result<Self> {
        Ok(Self { response: response.success()?, rest: VecDeque::new(), looked_at: 0, ended: false, line: 0 })
    }

    /// The number of the archived page, for [`crate::Origin`].
    pub fn page(&self) -> u32 {
        self.response.page()
    }

    /// The next line that is not blank, with its number from 1; none at the end.
    pub fn next_line(&mut self) -> Result<Option<(u64, String)>> {
        loop {
            let Some(line) = self.line()? else { return Ok(None) };
            self.line += 1;
            let text = String::from_utf8(line).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
            if !text.trim().is_empty() {
                return Ok(Some((self.line, text)));
            }
        }
    }

    fn line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let bytes = self.rest.make_contiguous();
            if let Some(end) = bytes[self.looked_at..].iter().position(|byte| *byte == b'\n') {
                let line = self.rest.drain(..=self.looked_at + end).collect();
                self.looked_at = 0;
                return Ok(Some(line));
            }
            self.looked_at = self.rest.len();
            if self.ended {
                self.looked_at = 0;
                let line: Vec<_> = self.rest.drain(..).collect();
                return Ok((!line.is_empty()).then_some(line));
            }
            if self.rest.len() > MOST_LINE_BYTES {
                let place = self.response.place();
                return Err(Failure::bad_data(format!("{place}, line {}: it is longer than {} MiB", self.line + 1, MOST_LINE_BYTES >> 20)));
            }
            let more = self.response.read(READ_BYTES)?;
            self.ended = more.is_empty();
            self.rest.extend(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{self, testing};

    #[test]
    fn lines_are_numbered_and_blank_ones_left_out() {
        testing::answer(|_| Ok(testing::Reply::text(200, "{\"a\":1}\r\n\n{\"b\":2}\n{\"c\":3}")));
        let mut lines = Lines::of(http::get("https://a.example/x.jsonl").send().unwrap()).unwrap();
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next_line().unwrap() {
            all.push((number, line.trim().to_owned()));
        }
        assert_eq!(all, [(1, "{\"a\":1}".to_owned()), (3, "{\"b\":2}".to_owned()), (4, "{\"c\":3}".to_owned())]);
    }
}
