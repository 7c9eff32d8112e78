//! How pages are packed: blocks side by side, each a gzip member of its own, which together are a gzip file (RFC 1952, 2.2).
//!
//! # Why
//! Nothing is read before it is archived, so packing is time that every run waits for: one core packs 160 MB in 0.7 s.

use std::{
    io::{self, Read, Write},
    mem,
    sync::mpsc::{Receiver, Sender, channel},
    thread::{self, Scope},
};

use flate2::{Compression, write::GzEncoder};
use tidegate_huffman::Codes;

/// What is packed at a time: so much that the members' headers don't count, so little that a few of them don't either.
pub(super) const BLOCK_BYTES: usize = 1 << 20;
/// How much of a block says which way it is packed: what is lost where it speaks for Huffman codes alone is a thirtieth of a block.
const SAMPLE_BYTES: usize = 32 << 10;
/// More would be faster than the disk.
const MOST_PACKERS: usize = 4;

/// A block and what becomes of it. Both are used again: memory that is new has to be cleared by the system first, and is in no cache.
#[derive(Default)]
struct Job {
    block: Vec<u8>,
    packed: Vec<u8>,
}

/// A thread that packs block after block: where they go, and where they come from packed.
fn packer<'s>(scope: &'s Scope<'s, '_>, level: u32) -> (Sender<Job>, Receiver<io::Result<Job>>) {
    let ((to, jobs), (done, from)) = (channel(), channel());
    // Nobody waits for what is packed where writing has failed.
    scope.spawn(move || jobs.into_iter().try_for_each(|job| done.send(member(job, level))));
    (to, from)
}

/// Packs the blocks that `next` fills into `file`, in their order; one that is not full is the last.
pub(super) fn pack(next: &mut dyn FnMut(&mut Vec<u8>) -> io::Result<()>, file: &mut (impl Write + Send), level: u32) -> io::Result<()> {
    let mut first = Job::default();
    next(&mut first.block)?;
    if first.block.len() < BLOCK_BYTES {
        return file.write_all(&member(first, level)?.packed);
    }
    pack_side_by_side(first, next, file, level)
}

/// The same for what is more than a block. What is read, packed and written at a time are different blocks, by threads of their own.
fn pack_side_by_side(
    first: Job,
    next: &mut dyn FnMut(&mut Vec<u8>) -> io::Result<()>,
    file: &mut (impl Write + Send),
    level: u32,
) -> io::Result<()> {
    let most = thread::available_parallelism().map_or(1, |cores| cores.get()).min(MOST_PACKERS);
    thread::scope(|scope| {
        let (mut jobs, mut packed): (Vec<_>, Vec<_>) = (0..most).map(|_| packer(scope, level)).unzip();
        let (back, spare) = channel();
        // Each packer has a block to pack and one that waits; one is read and one is written meanwhile.
        (0..2 * most + 2).for_each(|_| drop(back.send(Job::default())));
        let writer = scope.spawn(move || {
            // Packers take turns, so that blocks come back in their order; the first whose turn it is and that has none was given none.
            while let Ok(job) = packed[0].recv() {
                let job: Job = job?;
                file.write_all(&job.packed)?;
                drop(back.send(job));
                packed.rotate_left(1);
            }
            Ok(())
        });
        let mut job = first;
        loop {
            let is_last = job.block.len() < BLOCK_BYTES;
            // A file of whole blocks ends with one that is empty. Packers are gone where writing has failed.
            let is_lost = !job.block.is_empty() && jobs[0].send(job).is_err();
            if is_lost || is_last {
                break;
            }
            jobs.rotate_left(1);
            // Where writing has failed, blocks stop to come back.
            let Ok(spare) = spare.recv() else { break };
            job = spare;
            next(&mut job.block)?;
        }
        drop(jobs);
        writer.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes pages has failed")))
    })
}

/// Writes the blocks as they are.
pub(super) fn keep(next: &mut dyn FnMut(&mut Vec<u8>) -> io::Result<()>, file: &mut impl Write) -> io::Result<()> {
    let mut block = Vec::new();
    loop {
        next(&mut block)?;
        file.write_all(&block)?;
        if block.len() < BLOCK_BYTES {
            return Ok(());
        }
    }
}

/// Fills a block from where bytes come from; it is not full where they end.
pub(super) fn fill(block: &mut Vec<u8>, from: &mut impl Read) -> io::Result<()> {
    // Read into as it is: to clear room for a block would cost a small page more than all else.
    block.clear();
    block.reserve(BLOCK_BYTES);
    from.take(BLOCK_BYTES as u64).read_to_end(block).map(drop)
}

fn member(mut job: Job, level: u32) -> io::Result<Job> {
    let Job { block, packed } = &mut job;
    if level > 0 && block.len() > SAMPLE_BYTES {
        let codes = Codes::of(block);
        let sample = &block[block.len() - SAMPLE_BYTES..];
        // What a member has beside its packed bytes is in `deflated` only, and little.
        if codes.packed_bytes(sample) <= deflated(sample, level, Vec::new())?.len() {
            codes.write_member(packed);
            return Ok(job);
        }
    }
    packed.clear();
    *packed = deflated(block, level, mem::take(packed))?;
    Ok(job)
}

fn deflated(block: &[u8], level: u32, room: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(room, Compression::new(level));
    encoder.write_all(block)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use flate2::read::MultiGzDecoder;

    use super::*;

    /// A source that gives a few bytes at a time, and is interrupted now and then.
    struct Drip<'b>(&'b [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(7) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let bytes = into.len().min(70_001);
            self.0.read(&mut into[..bytes])
        }
    }

    fn packed_and_back(bytes: &[u8]) -> Vec<u8> {
        let (mut drip, mut file) = (Drip(bytes, 0), Vec::new());
        pack(&mut |block| fill(block, &mut drip), &mut file, 1).unwrap();
        let mut back = Vec::new();
        MultiGzDecoder::new(&file[..]).read_to_end(&mut back).unwrap();
        back
    }

    #[test]
    fn a_page_comes_back_whatever_its_length() {
        for length in [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 5 * BLOCK_BYTES + 7, 23 * BLOCK_BYTES] {
            let bytes: Vec<u8> = (0..length).map(|at| (at / 7 % 251) as u8).collect();
            assert!(packed_and_back(&bytes) == bytes, "{length} bytes");
        }
    }

    #[test]
    fn blocks_of_both_kinds_follow_each_other() {
        // Ids, in which nothing repeats, and text that does nothing else; each block is packed in its own way into the room of another.
        let mut random = 1_u64;
        let mut digit = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            b"0123456789abcdef"[(random >> 60) as usize]
        };
        let mut bytes = Vec::new();
        for block in 0..19 {
            let length = if block % 3 == 2 { BLOCK_BYTES / 2 } else { BLOCK_BYTES };
            bytes.extend((0..length).map(|at| if block % 2 == 0 { digit() } else { b"the same again "[at % 15] }));
        }
        assert!(packed_and_back(&bytes) == bytes);
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        let mut blocks = 0;
        let mut next = |block: &mut Vec<u8>| {
            blocks += 1;
            block.resize(BLOCK_BYTES, 7);
            if blocks < 9 { Ok(()) } else { Err(io::Error::other("cut")) }
        };
        assert_eq!(pack(&mut next, &mut Vec::new(), 1).unwrap_err().to_string(), "cut");
    }

    #[test]
    fn what_can_not_be_written_is_an_error() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let bytes = vec![7; 9 * BLOCK_BYTES];
        let mut from = &bytes[..];
        assert_eq!(pack(&mut |block| fill(block, &mut from), &mut Full, 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
