//! Lines without quotes, found eight bytes at a time: nearly all records of nearly all files.

/// A line that is a record.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    /// Its bytes, without its end, which is one byte: a line feed or a carriage return.
    pub length: usize,
    /// How many cells it has.
    pub cells: usize,
}

const ONES: u64 = u64::from_le_bytes([0x01; 8]);
const LOW: u64 = u64::from_le_bytes([0x7f; 8]);

/// The line at the beginning of `text`, with where its cells end written to `ends`. None where it does not end in `text`, is longer than the
/// text but for eight bytes, has a quote, or has more cells than there are `ends`.
#[inline]
pub fn line(text: &[u8], delimiter: u8, ends: &mut [usize]) -> Option<Line> {
    let mut cells = 0;
    for (block, bytes) in text.as_chunks::<8>().0.iter().enumerate() {
        let mut marks = marks(u64::from_le_bytes(*bytes), delimiter);
        while marks != 0 {
            let place = (marks.trailing_zeros() / 8) as usize;
            let byte = bytes[place];
            let at = block * 8 + place;
            if byte == b'"' {
                return None;
            }
            *ends.get_mut(cells)? = at;
            cells += 1;
            if byte != delimiter {
                return Some(Line { length: at, cells });
            }
            marks &= marks - 1;
        }
    }
    None
}

/// The highest bit of each byte that is a delimiter, a quote or a line's end.
#[inline]
fn marks(bytes: u64, delimiter: u8) -> u64 {
    // The highest bit of a byte is set where the byte is not `wanted`; no carry leaves a byte.
    let other = |wanted: u8| {
        let differs = bytes ^ (ONES * u64::from(wanted));
        ((differs & LOW) + LOW) | differs
    };
    !(other(delimiter) & other(b'"') & other(b'\n') & other(b'\r') | LOW)
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
            for place in 0..8 {
                let mut bytes = [b'x'; 8];
                bytes[place] = byte;
                let wanted = if matches!(byte, b',' | b'"' | b'\n' | b'\r') { 0x80 << (8 * place) } else { 0 };
                assert_eq!(marks(u64::from_le_bytes(bytes), b','), wanted, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn cells_end_where_they_do() {
        assert_eq!(cells(b"a,bc,,\nnext line of it", b','), Some(vec![1, 4, 5, 6]));
        assert_eq!(cells(b"one\ttwo, three\r\nfour five", b'\t'), Some(vec![3, 14]));
        assert_eq!(cells(b"\n_______", b','), Some(vec![0]));
    }

    #[test]
    fn quotes_open_ends_and_wide_lines_are_left_to_others() {
        for text in ["a,\"b\"\n________", "a,b,c,d,e", "a,b\n", "1,2,3,4,5,6,7,8,9\n________"] {
            assert_eq!(cells(text.as_bytes(), b','), None, "{text}");
        }
    }
}
