//! gzip members by Huffman codes alone: each byte gets a code by how often it occurs in its block, and no repeats are looked for.
//!
//! What always holds here: what comes out is gzip (RFC 1951, 1952), and any reader unpacks it. (`a_member_comes_back_whatever_is_in_it`)
//!
//! # Why
//! A table of orders is mostly ids, in which nothing repeats: level 1 of deflate spends its time looking and makes 65 % of the file, these codes make
//! 54 % in a third of the time. Where repeats are frequent, as in JSON, deflate wins by far: the host packs a sample of each block both ways.
//!
//! A crate of its own, because it is a loop over every byte of every page, and the host itself is not compiled for speed.

use std::{array, cmp::Reverse, collections::BinaryHeap};

use flate2::Crc;

/// The longest code: four of them, and seven bits that wait to become a byte, fit into 64 bits.
const LONGEST: u8 = 14;
/// What a member begins with: deflate, no name, no time; packed for speed, on a system that nobody needs to know.
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// What ends a block, behind the 256 bytes.
const END: usize = 256;
const SYMBOLS: usize = 257;

/// The order in which the lengths of the codes for lengths are written, and what they are: nothing for the three that stand for runs, four bits
/// for the sixteen lengths.
const LENGTHS_OF_LENGTHS: [u8; 19] = [0, 0, 0, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4];

/// The codes for the bytes of a block.
pub struct Codes<'b> {
    block: &'b [u8],
    /// How many bytes the block becomes.
    packed: usize,
    /// By symbol: the code as it is written, its first bit lowest, and above 16 bits its length.
    codes: [u32; SYMBOLS],
    lengths: [u8; SYMBOLS],
}

impl<'b> Codes<'b> {
    /// The codes for what is in `block`.
    pub fn of(block: &'b [u8]) -> Self {
        let found = count(block);
        let mut counts = found;
        loop {
            let lengths = lengths(&counts);
            if lengths.iter().all(|length| *length <= LONGEST) {
                return Self { block, packed: packed(&found, &lengths), codes: codes(&lengths), lengths };
            }
            // Rare bytes become less rare: their codes get shorter.
            counts = counts.map(|count| count.div_ceil(2));
        }
    }

    /// How many bytes `bytes` of the block become.
    pub fn packed_bytes(&self, bytes: &[u8]) -> usize {
        packed(&count(bytes), &self.lengths)
    }

    /// Writes the block as a gzip member over what is in `member`: room that was used before is not cleared again.
    pub fn write_member(&self, member: &mut Vec<u8>) {
        let block = self.block;
        member.resize(HEAD.len() + 256 + self.packed + 16, 0);
        member[..HEAD.len()].copy_from_slice(&HEAD);
        let mut bits = Bits { out: member, at: HEAD.len(), held: 0, count: 0 };
        self.write_header(&mut bits);
        let (fours, rest) = block.as_chunks::<4>();
        for [a, b, c, d] in fours {
            let [a, b, c, d] = [a, b, c, d].map(|byte| self.codes[usize::from(*byte)]);
            bits.hold(join(a, b));
            bits.hold(join(c, d));
            bits.flush();
        }
        for byte in rest {
            bits.write(self.codes[usize::from(*byte)]);
        }
        bits.write(self.codes[END]);
        let end = bits.end();
        member.truncate(end);
        let mut crc = Crc::new();
        crc.update(block);
        member.extend_from_slice(&crc.sum().to_le_bytes());
        member.extend_from_slice(&(block.len() as u32).to_le_bytes());
    }

    /// One last block with codes of its own: 257 for bytes, and two of one bit for distances, of which there are none.
    fn write_header(&self, bits: &mut Bits<'_>) {
        let field = |value: u32, length: u32| value | length << 16;
        bits.write(field(0b101, 3));
        bits.write(field(SYMBOLS as u32 - 257, 5));
        bits.write(field(2 - 1, 5));
        bits.write(field(LENGTHS_OF_LENGTHS.len() as u32 - 4, 4));
        LENGTHS_OF_LENGTHS.iter().for_each(|length| bits.write(field((*length).into(), 3)));
        // Of sixteen codes with four bits each is a symbol's its number.
        for length in self.lengths.iter().chain(&[1, 1]) {
            bits.write(field(reversed(u32::from(*length), 4), 4));
        }
    }
}

/// How many bytes symbols become that occur so often, with codes so long.
fn packed(counts: &[u32; SYMBOLS], lengths: &[u8; SYMBOLS]) -> usize {
    let bits: u64 = counts.iter().zip(lengths).map(|(count, length)| u64::from(*count) * u64::from(*length)).sum();
    usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
}

/// How often each byte occurs, and one end. Four tables, so that equal neighbours do not wait for each other.
fn count(bytes: &[u8]) -> [u32; SYMBOLS] {
    let mut tables = [[0_u32; 256]; 4];
    let (fours, rest) = bytes.as_chunks::<4>();
    for four in fours {
        for (table, byte) in tables.iter_mut().zip(four) {
            table[usize::from(*byte)] += 1;
        }
    }
    for byte in rest {
        tables[0][usize::from(*byte)] += 1;
    }
    array::from_fn(|symbol| if symbol == END { 1 } else { tables.iter().map(|table| table[symbol]).sum() })
}

/// The lengths of the codes that are shortest for these counts (Huffman 1952); none for what does not occur.
fn lengths(counts: &[u32; SYMBOLS]) -> [u8; SYMBOLS] {
    let mut lengths = [0; SYMBOLS];
    // A tree with its symbols; of equal weights the one that was made first comes first.
    let mut trees = BinaryHeap::new();
    for (symbol, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        trees.push(Reverse((u64::from(*count), trees.len(), vec![symbol])));
    }
    // An empty block has its end only, which needs a bit all the same.
    if trees.len() == 1 {
        lengths[END] = 1;
        lengths[0] = 1;
    }
    let mut made = SYMBOLS;
    while trees.len() > 1 {
        let (Some(Reverse((light, _, mut symbols))), Some(Reverse((heavy, _, others)))) = (trees.pop(), trees.pop()) else { break };
        symbols.extend(others);
        symbols.iter().for_each(|symbol| lengths[*symbol] += 1);
        made += 1;
        trees.push(Reverse((light + heavy, made, symbols)));
    }
    lengths
}

/// The codes of these lengths, as RFC 1951, 3.2.2 has it.
fn codes(lengths: &[u8; SYMBOLS]) -> [u32; SYMBOLS] {
    let mut codes = [0; SYMBOLS];
    let mut code = 0;
    for length in 1..=LONGEST {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, found)| **found == length) {
            codes[symbol] = reversed(code, length.into()) | u32::from(length) << 16;
            code += 1;
        }
        code <<= 1;
    }
    codes
}

fn reversed(code: u32, length: u32) -> u32 {
    code.reverse_bits() >> (u32::BITS - length)
}

/// Two codes as one, at most 28 bits, with its length above 32.
#[inline]
fn join(first: u32, second: u32) -> u64 {
    let length = first >> 16;
    u64::from(first & 0xffff) | u64::from(second & 0xffff).wrapping_shl(length) | u64::from(length.wrapping_add(second >> 16)) << 32
}

/// Bits on their way into bytes. There are at least 8 bytes of room behind what is written.
///
/// Of at most 63 bits, which [`LONGEST`] sees to, no shift and no sum is beyond its type: none is checked, for each byte passes here.
struct Bits<'b> {
    out: &'b mut [u8],
    at: usize,
    held: u64,
    count: u32,
}

impl Bits<'_> {
    #[inline]
    fn hold(&mut self, code: u64) {
        self.held |= (code & 0xffff_ffff).wrapping_shl(self.count);
        self.count = self.count.wrapping_add((code >> 32) as u32);
    }

    /// Writes the whole bytes among what is held.
    #[inline]
    fn flush(&mut self) {
        self.out[self.at..self.at + 8].copy_from_slice(&self.held.to_le_bytes());
        self.at = self.at.wrapping_add((self.count / 8) as usize);
        self.held = self.held.wrapping_shr(self.count & !7);
        self.count &= 7;
    }

    fn write(&mut self, code: u32) {
        self.hold(u64::from(code & 0xffff) | u64::from(code >> 16) << 32);
        self.flush();
    }

    /// Fills the last byte, and gives where the bits end.
    fn end(mut self) -> usize {
        self.flush();
        self.at + usize::from(self.count > 0)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn comes_back(block: &[u8]) -> usize {
        // Over what a longer one left.
        let mut member = vec![0xa5; 2 * block.len()];
        Codes::of(block).write_member(&mut member);
        let mut back = Vec::new();
        MultiGzDecoder::new(&member[..]).read_to_end(&mut back).unwrap();
        assert!(back == block, "{} bytes", block.len());
        member.len()
    }

    #[test]
    fn a_member_comes_back_whatever_is_in_it() {
        let mut random = 1_u64;
        let mut noise = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random as u8
        };
        for length in [0, 1, 2, 3, 4, 5, 1000, 70_001] {
            comes_back(&vec![b'x'; length]);
            comes_back(&(0..length).map(|_| noise()).collect::<Vec<_>>());
        }
        let ids: Vec<u8> = (0..100_000).map(|_| b"0123456789abcdef"[usize::from(noise() % 16)]).collect();
        assert!(comes_back(&ids) < ids.len() * 51 / 100);
    }

    #[test]
    fn codes_are_never_too_long() {
        // Each byte occurs as often as the two before it together: without a limit the rarest would get 25 bits.
        let (mut block, mut pair) = (Vec::new(), (1, 1));
        for byte in 0..25 {
            block.extend(vec![byte; pair.0]);
            pair = (pair.1, pair.0 + pair.1);
        }
        assert!(Codes::of(&block).lengths.iter().all(|length| *length <= LONGEST));
        comes_back(&block);
    }
}
