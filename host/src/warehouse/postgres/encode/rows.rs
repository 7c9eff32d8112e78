//! Encoded rows, read again: for an `INSERT` that binds their cells as binary parameters.

/// The rows in `encoded`, which [`super::Encoder::encode`] wrote and which has neither [`super::HEADER`] nor [`super::TRAILER`].
pub fn rows(encoded: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = encoded;
    std::iter::from_fn(move || {
        let mut cells = cells(rest);
        cells.by_ref().for_each(drop);
        let (row, next) = rest.split_at(rest.len() - cells.rest.len());
        rest = next;
        (!row.is_empty()).then_some(row)
    })
}

/// The cells of one row of [`rows`]: none is null, some are the bytes that the `recv` function of the column's type reads.
pub fn cells(row: &[u8]) -> Cells<'_> {
    match row.split_first_chunk() {
        Some((count, rest)) => Cells { left: u16::from_be_bytes(*count), rest },
        None => Cells { left: 0, rest: row },
    }
}

/// See [`cells`].
#[derive(Debug, Clone)]
pub struct Cells<'a> {
    left: u16,
    rest: &'a [u8],
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let (length, rest) = self.rest.split_first_chunk()?;
        // A negative length is a null.
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.rest = rest;
            return Some(None);
        };
        let (cell, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(cell))
    }
}
