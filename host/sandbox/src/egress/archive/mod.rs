//! The archive of raw pages: `raw/{source}/{date}/{name}_{timestamp}.{ext}.gz`, and a manifest per run that a replay reads.
//!
//! What always holds here:
//! - A page has its final name only when it is whole, and its line in the manifest only after that. Of an answer that broke off the page is
//!   what came, and its line says so.
//! - Pages and manifest are on disk before anything of the run is committed. ([`Archive::close`] comes before the gate.)
//! - A run's manifest tells what it took so far at any instant: also of a run that failed, was stopped or was killed.
//! - Neither a page's bytes nor the number of pages decide how much memory is used: 8 bytes are kept for each page.

mod catalog;
mod manifest;
mod pages;
mod settling;
mod verify;
mod writer;

pub use catalog::{Holding, each_page, holding, manifests, run_of};
pub use manifest::{
    Asked, Attempt, Entry, Exchange, FileRequest, Head, Line, Listing, MOST_PAGES, ManifestError, Page, Unanswered, manifest_name, read,
    read_at,
};
pub use pages::{Archive, ArchiveError, Totals, folder_of};
pub use verify::{PageFault, unpacked, verify};
pub use writer::PageWriter;
