//! One file of the set: rows are put together field by field and written under a temporary name until the set is complete.
//!
//! Values are quoted only where they must be and the header always is; an open file keeps one row in memory.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::calendar;

/// How a file differs from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Lines end with LF, the header is quoted.
    Usual,
    /// The translation file: a byte order mark, CRLF between the lines and none after the last, a bare header.
    Translation,
}

/// Wide enough that a row seldom meets the kernel, small beside the nine of them.
const BUFFER_BYTES: usize = 1 << 18;

#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    style: Style,
    out: BufWriter<File>,
    partial: PathBuf,
    complete: PathBuf,
    line: Vec<u8>,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    renamed: bool,
}

impl Table {
    pub(super) fn create(directory: &Path, name: &'static str, columns: &[&str], style: Style) -> io::Result<Self> {
        let partial = directory.join(format!(".{name}.partial"));
        let out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&partial)?);
        let complete = directory.join(name);
        let mut table = Self { name, style, out, partial, complete, line: Vec::with_capacity(1_024), rows: 0, bytes: 0, renamed: false };
        let header = match style {
            Style::Usual => columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(","),
            Style::Translation => format!("\u{feff}{}", columns.join(",")),
        };
        table.write(header.as_bytes())?;
        Ok(table)
    }

    /// An empty field.
    pub(super) fn none(&mut self) -> &mut Self {
        self.line.push(b',');
        self
    }

    pub(super) fn text(&mut self, value: &str) -> &mut Self {
        if value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            self.line.push(b'"');
            for part in value.split_inclusive('"') {
                self.line.extend_from_slice(part.as_bytes());
                if part.ends_with('"') {
                    self.line.push(b'"');
                }
            }
            self.line.push(b'"');
        } else {
            self.line.extend_from_slice(value.as_bytes());
        }
        self.none()
    }

    pub(super) fn maybe_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.text(value),
            None => self.none(),
        }
    }

    /// 32 lower-case hex digits.
    pub(super) fn id(&mut self, value: u128) -> &mut Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (pair, byte) in text.chunks_exact_mut(2).zip(value.to_be_bytes()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        self.line.extend_from_slice(&text);
        self.none()
    }

    pub(super) fn number(&mut self, mut value: u64) -> &mut Self {
        let mut text = [b'0'; 20];
        let mut start = text.len();
        loop {
            start -= 1;
            text[start] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.line.extend_from_slice(&text[start..]);
        self.none()
    }

    pub(super) fn maybe_number(&mut self, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.number(value),
            None => self.none(),
        }
    }

    /// Five digits, with the zeros in front.
    pub(super) fn prefix(&mut self, value: u32) -> &mut Self {
        for unit in [10_000, 1_000, 100, 10, 1] {
            self.line.push(b'0' + (value / unit % 10) as u8);
        }
        self.none()
    }

    /// An amount as the files write it: `99.9`, `144.0`, `27.65`.
    pub(super) fn money(&mut self, cents: i64) -> &mut Self {
        if cents < 0 {
            self.line.push(b'-');
        }
        let cents = cents.unsigned_abs();
        self.number(cents / 100);
        self.line.pop();
        self.line.extend_from_slice(&[b'.', b'0' + (cents % 100 / 10) as u8]);
        if !cents.is_multiple_of(10) {
            self.line.push(b'0' + (cents % 10) as u8);
        }
        self.none()
    }

    pub(super) fn time(&mut self, at: i64) -> &mut Self {
        self.line.extend_from_slice(&calendar::write(at));
        self.none()
    }

    pub(super) fn maybe_time(&mut self, at: Option<i64>) -> &mut Self {
        match at {
            Some(at) => self.time(at),
            None => self.none(),
        }
    }

    /// Ends the row, written `times` times: a file holds a row twice where an export went wrong.
    pub(super) fn end(&mut self, times: u64) -> io::Result<()> {
        // Each field left a comma behind it.
        self.line.pop();
        let line = std::mem::take(&mut self.line);
        for _ in 0..times {
            self.write(&line)?;
        }
        self.rows += times;
        self.line = line;
        self.line.clear();
        Ok(())
    }

    /// Brings everything to the disk; the file keeps its temporary name.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.style == Style::Usual {
            self.out.write_all(b"\n")?;
            self.bytes += 1;
        }
        self.out.flush()?;
        self.out.get_ref().sync_all()
    }

    /// Gives the file its name.
    pub(super) fn publish(&mut self) -> io::Result<()> {
        fs::rename(&self.partial, &self.complete)?;
        self.renamed = true;
        Ok(())
    }

    /// Writes a line behind the end of the line before it.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let end: &[u8] = match self.style {
            _ if self.bytes == 0 => b"",
            Style::Usual => b"\n",
            Style::Translation => b"\r\n",
        };
        self.out.write_all(end)?;
        self.out.write_all(line)?;
        self.bytes += (end.len() + line.len()) as u64;
        Ok(())
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        if !self.renamed {
            // What could not be completed is of no use; nothing can be done where it can't be removed either.
            let _ = fs::remove_file(&self.partial);
        }
    }
}
