//! Lines without quotes, found sixteen bytes at a time: nearly all records of nearly all files.

use wide::u8x16;

/// A line that is a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, without its end, which is one byte: a line feed or a carriage return.
    pub length: usize,
    /// How many cells it has.
    pub cells: usize,
}

/// So many bytes are looked at together.
const BLOCK: usize = 16;

/// The line at the beginning of `text`, with where its cells end written to `ends`. None where it does not end in `text`, is longer than the
/// text but for a block, has a quote, or has more cells than there are `ends`.
#[inline]
pub fn line(text: &[u8], delimiter: u8, ends: &mut [usize]) -> Option<Line> {
    let mut cells = 0;
    for (block, bytes) in text.as_chunks::<BLOCK>().0.iter().enumerate() {
        let (mut delimiters, stops) = marks(*bytes, delimiter);
        // Up to the first bit of `stops`, or all.
        delimiters &= !stops & stops.wrapping_sub(1);
        while delimiters != 0 {
            *ends.get_mut(cells)? = block * BLOCK + delimiters.trailing_zeros() as usize;
            cells += 1;
            delimiters &= delimiters - 1;
        }
        if stops != 0 {
            let place = stops.trailing_zeros() as usize;
            let length = block * BLOCK + place;
            *ends.get_mut(cells)? = length;
            return (bytes[place] != b'"').then_some(Line { length, cells: cells + 1 });
        }
    }
    None
}

/// A bit for each byte that is a delimiter, and one for each that is a quote or a line's end.
#[inline]
fn marks(bytes: [u8; BLOCK], delimiter: u8) -> (u32, u32) {
    let bytes = u8x16::new(bytes);
    let is = |wanted: u8| bytes.simd_eq(u8x16::splat(wanted));
    (is(delimiter).to_bitmask(), (is(b'"') | is(b'\n') | is(b'\r')).to_bitmask())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &[u8], delimiter: u8) -> Option<Vec<usize>> {
        let mut ends = [0; 8];
        line(text, delimiter, &mut ends).map(|line| {
            assert_eq!(ends[line.cells - 1], line.length);
            ends[..line.cells].to_vec()
        })
    }

    #[test]
    fn every_byte_is_told_from_the_four_that_count() {
        for byte in 0..=u8::MAX {
            for place in 0..BLOCK {
                let mut bytes = [b'x'; BLOCK];
                bytes[place] = byte;
                let bit = |wanted| if wanted { 1 << place } else { 0 };
                let stops = matches!(byte, b'"' | b'\n' | b'\r');
                assert_eq!(marks(bytes, b','), (bit(byte == b','), bit(stops)), "{byte} at {place}");
            }
        }
    }

    #[test]
    fn cells_end_where_they_do() {
        assert_eq!(cells(b"a,bc,,\nnext line of it", b','), Some(vec![1, 4, 5, 6]));
        assert_eq!(cells(b"one\ttwo, three\r\nfour five", b'\t'), Some(vec![3, 14]));
        assert_eq!(cells(b"\n_______________", b','), Some(vec![0]));
    }

    #[test]
    fn quotes_open_ends_and_wide_lines_are_left_to_others() {
        for text in ["a,\"b\"\n__________", "aaaa,bbbb,cccc,dddd", "a,b\n", "1,2,3,4,5,6,7,8,9\n______________"] {
            assert_eq!(cells(text.as_bytes(), b','), None, "{text}");
        }
    }
}
