//! Cutting a stream into slices: large plain files side by side, small ones spread by size. The same files give the same slices.

use serde::{Deserialize, Serialize};
use tidegate_sdk::{Failure, Result, Slice, files, files::Packing};

use crate::{
    config::{Config, Format, Incremental, StreamConfig},
    cursor,
    cut::{self, Chunk},
    layout::{self, Layout},
    listing::{self, Found},
};

/// Files above this are cut; below it a scan for cuts costs more than it brings.
const CUT_ABOVE_BYTES: u64 = 16 << 20;
/// How large the chunks of a cut file are. Small enough that slices which take turns stay close together.
const CHUNK_BYTES: u64 = 8 << 20;

/// What a slice reads: its id, as JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Id {
    /// The stream's columns, found once for all slices.
    pub layout: Layout,
    /// The files, in the order of their pages.
    pub files: Vec<Part>,
}

/// The chunks of one file that a slice reads.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The file's path.
    pub path: String,
    /// Its size in bytes, packed.
    pub size: u64,
    /// When it was last modified, in microseconds.
    pub modified: i64,
    /// What is read of it, ascending.
    pub chunks: Vec<Chunk>,
}

/// When and how finely files are cut.
#[derive(Clone, Copy)]
pub struct Cutting {
    /// Files above this are cut.
    pub above: u64,
    /// Into chunks of about so many bytes.
    pub chunk: u64,
}

/// Cuts what is to be read of `stream` after `cursor` into at most `wanted` slices.
pub fn plan(config: &Config, stream: &str, cursor: Option<&str>, wanted: usize) -> Result<Vec<Slice>> {
    plan_cut(config, stream, cursor, wanted, Cutting { above: CUT_ABOVE_BYTES, chunk: CHUNK_BYTES })
}

/// Like [`plan`], with another measure for cutting.
pub fn plan_cut(config: &Config, stream: &str, cursor: Option<&str>, wanted: usize, cutting: Cutting) -> Result<Vec<Slice>> {
    let settings = config.stream(stream)?;
    let found = listing::find(config, stream, settings)?;
    let layout = layout::resolve(config, stream, settings, &found)?;
    let todo = match settings.incremental {
        Incremental::Files => cursor::unseen(stream, cursor, found)?,
        _ => found,
    };
    let dealt = deal(config, settings, todo, wanted.max(1), cutting)?;
    let count = dealt.len();
    dealt.into_iter().enumerate().map(|(place, files)| describe(settings, &layout, files, place, count)).collect()
}

/// Deals files and chunks to slices; empty slices are left out.
fn deal(config: &Config, stream: &StreamConfig, files: Vec<Found>, wanted: usize, cutting: Cutting) -> Result<Vec<Vec<Part>>> {
    let mut slices: Vec<Vec<(u32, Part)>> = Vec::new();
    slices.resize_with(wanted, Vec::new);
    let mut loads = vec![0u64; wanted];
    for file in files {
        let shape = listing::shape(stream, &file.path)?;
        // Opening is what gives a file its page number: in the order of their paths, not in the order in which slices come to them.
        let page = files::open(&config.directory, &file.path, shape.packing, 0)?.page();
        let cut = wanted > 1 && file.size > cutting.above && shape.packing == Packing::Plain && shape.format != Format::Json;
        let chunks = if cut { cut::chunks(&config.directory, &file.path, shape.format, cutting.chunk)? } else { vec![Chunk::WHOLE] };
        let part = |chunks| Part { path: file.path.clone(), size: file.size, modified: file.modified, chunks };
        if let [_] = chunks[..] {
            let least = (0..wanted).min_by_key(|slice| loads[*slice]).expect("at least one slice is wanted");
            loads[least] += file.size;
            slices[least].push((page, part(chunks)));
            continue;
        }
        for (place, slice) in slices.iter_mut().enumerate() {
            let own: Vec<_> = chunks.iter().skip(place).step_by(wanted).copied().collect();
            if !own.is_empty() {
                let own = part(own);
                loads[place] += own.bytes();
                slice.push((page, own));
            }
        }
    }
    let sorted = slices.into_iter().filter(|slice| !slice.is_empty()).map(|mut slice| {
        // Another stream may have opened a later file first; within a slice pages ascend all the same.
        slice.sort_by_key(|(page, _)| *page);
        slice.into_iter().map(|(_, part)| part).collect()
    });
    Ok(sorted.collect())
}

impl Part {
    /// How many bytes of the file these chunks are, packed.
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.end.unwrap_or(self.size).saturating_sub(chunk.start)).sum()
    }
}

fn describe(stream: &StreamConfig, layout: &Layout, files: Vec<Part>, place: usize, count: usize) -> Result<Slice> {
    let bytes = files.iter().map(Part::bytes).sum();
    let label = match &files[..] {
        [one] if one.chunks == [Chunk::WHOLE] => one.path.clone(),
        [one] => format!("{}, part {} of {count}", one.path, place + 1),
        [first, ..] => format!("{} and {} more, part {} of {count}", first.path, files.len() - 1, place + 1),
        [] => stream.files.clone(),
    };
    let id = serde_json::to_string(&Id { layout: layout.clone(), files }).map_err(|error| Failure::bug(error.to_string()))?;
    Ok(Slice { id, label, bytes: Some(bytes) })
}
