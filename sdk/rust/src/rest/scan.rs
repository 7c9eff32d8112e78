//! JSON text (RFC 8259), token by token and without copies: what is looked for is cut out of it, everything else is passed over.
//!
//! - What is passed over is JSON as well: strings, numbers and brackets are held to their grammar (`what_serde_refuses_is_refused`).
//! - The stack does not grow with the text: nesting beyond [`DEEPEST`] is refused, as serde_json does.
//!
//! # Why
//! serde_json's own way over a text costs a page of a shop more than all that is made of it: a call through two visitors for each value,
//! names byte by byte, and text that is wanted twice. Here a string's end is found eight bytes at a time.

/// The most levels of brackets in each other.
const DEEPEST: u32 = 128;

/// The text is not JSON from this byte on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    pub at: usize,
}

/// A place in a text.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no space; 0 at the end. It is not passed over.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return *byte;
            }
            self.at += 1;
        }
        0
    }

    /// Where the next token starts, once [`Scanner::peek`] has found it.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// The text from `start` to here.
    #[inline]
    pub fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Whether this byte is the next one that is no space; it is passed over.
    #[inline]
    pub fn takes(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == byte;
        self.at += usize::from(is_there);
        is_there
    }

    /// Passes over this byte.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        if self.takes(byte) { Ok(()) } else { Err(self.broken()) }
    }

    /// The name of a member, as it is spelt between its quotes; the colon behind it is passed over too.
    #[inline]
    pub fn name(&mut self) -> Result<&'t str, Broken> {
        if self.peek() != b'"' {
            return Err(self.broken());
        }
        let start = self.at + 1;
        self.string()?;
        let name = self.text.get(start..self.at - 1).unwrap_or_default();
        self.expect(b':')?;
        Ok(name)
    }

    /// After a value in a list or an object that `close` ends: whether there is another one.
    #[inline]
    pub fn more(&mut self, close: u8) -> Result<bool, Broken> {
        if self.takes(b',') { Ok(true) } else { self.expect(close).map(|()| false) }
    }

    /// Passes over a value.
    pub fn skip(&mut self) -> Result<(), Broken> {
        // A bit for each bracket that is open, the innermost last: 1 for an object.
        let (mut open, mut depth) = (0_u128, 0);
        loop {
            let opened = self.token()?;
            if let Some(close) = opened
                && !self.takes(close)
            {
                if depth == DEEPEST {
                    return Err(self.broken());
                }
                let is_object = close == b'}';
                (open, depth) = (open << 1 | u128::from(is_object), depth + 1);
                if is_object {
                    self.name()?;
                }
                continue;
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let is_object = open & 1 == 1;
                if self.more(if is_object { b'}' } else { b']' })? {
                    if is_object {
                        self.name()?;
                    }
                    break;
                }
                (open, depth) = (open >> 1, depth - 1);
            }
        }
    }

    /// Makes sure that nothing stands here any more.
    pub fn end(&mut self) -> Result<(), Broken> {
        let rest = self.peek();
        if rest == 0 && self.at == self.text.len() { Ok(()) } else { Err(self.broken()) }
    }

    pub fn broken(&self) -> Broken {
        Broken { at: self.at }
    }

    /// Passes over a plain value, or the bracket that opens another one; gives the bracket that closes it.
    #[inline]
    fn token(&mut self) -> Result<Option<u8>, Broken> {
        match self.peek() {
            b'"' => self.string()?,
            b'-' | b'0'..=b'9' => self.number()?,
            b'{' => {
                self.at += 1;
                return Ok(Some(b'}'));
            }
            b'[' => {
                self.at += 1;
                return Ok(Some(b']'));
            }
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => return Err(self.broken()),
        }
        Ok(None)
    }

    fn word(&mut self, word: &str) -> Result<(), Broken> {
        let there = self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes()));
        if !there {
            return Err(self.broken());
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over a string; its first quote is here.
    #[inline]
    fn string(&mut self) -> Result<(), Broken> {
        self.at += 1;
        loop {
            self.at += plain(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                // A control character, or the text's end.
                _ => return Err(self.broken()),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Broken> {
        let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        self.at += match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'u', a, b, c, d, ..] if [a, b, c, d].into_iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(self.broken()),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<(), Broken> {
        let bytes = self.text.as_bytes();
        let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
        let digits = |start: usize| start + bytes.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut at = self.at + usize::from(byte(self.at) == b'-');
        let whole = at;
        at = digits(at);
        let leads_with_zero = byte(whole) == b'0' && at > whole + 1;
        let mut is_number = at > whole && !leads_with_zero;
        if byte(at) == b'.' {
            let start = at + 1;
            at = digits(start);
            is_number &= at > start;
        }
        if matches!(byte(at), b'e' | b'E') {
            let start = at + 1 + usize::from(matches!(byte(at + 1), b'+' | b'-'));
            at = digits(start);
            is_number &= at > start;
        }
        self.at = at;
        if is_number { Ok(()) } else { Err(self.broken()) }
    }
}

/// How many bytes stand before the first quote, backslash or control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let found = ends_of(u64::from_le_bytes(*word));
        if found != 0 {
            return bytes.len() - rest.len() + (found.trailing_zeros() / 8) as usize;
        }
        rest = behind;
    }
    let tail = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
    bytes.len() - rest.len() + tail
}

/// The highest bit of each byte that may end a run of plain text. Bytes behind the first one may be wrong, because of borrows.
#[inline]
fn ends_of(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let below = |word: u64, least: u8| word.wrapping_sub(ONES.wrapping_mul(least as u64)) & !word & HIGH;
    let equal = |byte: u8| below(word ^ ONES.wrapping_mul(byte as u64), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;

    fn skipped(text: &str) -> Result<(), Broken> {
        let mut scanner = Scanner::new(text);
        scanner.skip()?;
        scanner.end()
    }

    #[test]
    fn what_serde_refuses_is_refused() {
        let whole = r#" {"a" : [1, -2.5e+10, 0, -0.0, true,false, null, "x\u00e9\"\\/é", "", {}, [], [[{"b":{"c":[]}}]]], "":"a longer text of words"} "#;
        assert_eq!(skipped(whole), Ok(()));
        let mut texts: Vec<String> = (0..whole.len()).filter_map(|end| whole.get(..end)).map(str::to_owned).collect();
        for (at, byte) in whole.char_indices().filter(|(_, byte)| byte.is_ascii()) {
            for other in ["", " ", ",", ":", "\"", "\\", "}", "]", "{", "[", "0", "e", ".", "-", "\n", "\u{1}", "u", "x", "é"] {
                texts.push(format!("{}{other}{}", &whole[..at], &whole[at + byte.len_utf8()..]));
            }
        }
        for number in ["01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "1.5.2", "--1", "tru", "nul", "falsee", "", "NaN"] {
            texts.push(number.to_owned());
        }
        for text in texts {
            let expected = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            assert_eq!(skipped(&text).is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(skipped(&nested(100)), Ok(()));
        assert!(skipped(&nested(1_000)).is_err());
    }

    #[test]
    fn a_string_ends_where_it_ends_wherever_it_starts() {
        for length in 0..40 {
            for stop in ["\"", "\\\"", "\u{1f}", "\u{7f}\"", "é\""] {
                let text = format!("{}{stop}", "a".repeat(length));
                let expected = text.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\');
                assert_eq!(Some(plain(text.as_bytes())), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn broken_text_is_told_by_its_byte() {
        assert_eq!(skipped("[1,\n<b>"), Err(Broken { at: 4 }));
        assert_eq!(skipped("{\"a\": 1"), Err(Broken { at: 7 }));
        assert_eq!(skipped("[] x"), Err(Broken { at: 3 }));
    }
}
