//! How pages are packed: blocks side by side, each a gzip member of its own, which together are a gzip file (RFC 1952, 2.2).
//!
//! # Why
//! Nothing is read before it is archived, so packing is time that every run waits for: one core packs 160 MB in 0.7 s.

use std::{
    collections::VecDeque,
    io::{self, Write},
    thread::{self, ScopedJoinHandle},
};

use flate2::{Compression, write::GzEncoder};
use tidegate_huffman::Codes;

/// What is packed at a time: so much that the members' headers don't count, so little that a few of them don't either.
pub(super) const BLOCK_BYTES: usize = 1 << 20;
/// How much of a block says which way it is packed: what is lost where it speaks for Huffman codes alone is a thirtieth of a block.
const SAMPLE_BYTES: usize = 32 << 10;
/// More would be faster than the disk.
const MOST_PACKERS: usize = 4;

/// Packs the blocks that `next` gives into `file`, in their order; one that is not full is the last.
pub(super) fn pack(next: &mut dyn FnMut() -> io::Result<Vec<u8>>, file: &mut impl Write, level: u32) -> io::Result<()> {
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get()).min(MOST_PACKERS);
    thread::scope(|scope| {
        let mut packing = VecDeque::with_capacity(workers);
        let mut write =
            |packed: ScopedJoinHandle<'_, io::Result<Vec<u8>>>| file.write_all(&packed.join().expect("packing does not panic")?);
        let mut is_first = true;
        loop {
            let block = next()?;
            let is_last = block.len() < BLOCK_BYTES;
            // A page without a byte is a member without one; behind others there is no need for it.
            if is_first || !block.is_empty() {
                if packing.len() == workers {
                    write(packing.pop_front().expect("there are as many as workers"))?;
                }
                packing.push_back(scope.spawn(move || member(&block, level)));
            }
            if is_last {
                return packing.into_iter().try_for_each(write);
            }
            is_first = false;
        }
    })
}

/// Writes the blocks as they are.
pub(super) fn keep(next: &mut dyn FnMut() -> io::Result<Vec<u8>>, file: &mut impl Write) -> io::Result<()> {
    loop {
        let block = next()?;
        file.write_all(&block)?;
        if block.len() < BLOCK_BYTES {
            return Ok(());
        }
    }
}

fn member(block: &[u8], level: u32) -> io::Result<Vec<u8>> {
    if level > 0 && block.len() > SAMPLE_BYTES {
        let codes = Codes::of(block);
        let sample = &block[block.len() - SAMPLE_BYTES..];
        // What a member has beside its packed bytes is in `deflated` only, and little.
        if codes.packed_bytes(sample) <= deflated(sample, level)?.len() {
            return Ok(codes.member());
        }
    }
    deflated(block, level)
}

fn deflated(block: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(block.len() / 2), Compression::new(level));
    encoder.write_all(block)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn packed_and_back(bytes: &[u8]) -> Vec<u8> {
        let mut blocks = bytes.chunks(BLOCK_BYTES).map(<[u8]>::to_vec);
        let mut file = Vec::new();
        pack(&mut || Ok(blocks.next().unwrap_or_default()), &mut file, 1).unwrap();
        let mut back = Vec::new();
        MultiGzDecoder::new(&file[..]).read_to_end(&mut back).unwrap();
        back
    }

    #[test]
    fn a_page_comes_back_whatever_its_length() {
        for length in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| (at / 7 % 251) as u8).collect();
            assert!(packed_and_back(&bytes) == bytes, "{length} bytes");
        }
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        let mut blocks = 0;
        let mut next = || {
            blocks += 1;
            if blocks < 9 { Ok(vec![7; BLOCK_BYTES]) } else { Err(io::Error::other("cut")) }
        };
        assert_eq!(pack(&mut next, &mut Vec::new(), 1).unwrap_err().to_string(), "cut");
    }
}
