//! Everything that leaves the sandbox passes here: what was granted is looked up, what comes in is archived first.
//!
//! What always holds here:
//! - What is not granted does not exist for a plugin (`tests/guests`).
//! - A page is archived before its first byte reaches a plugin ([`archive`]).

pub mod archive;
pub mod files;

mod pack;
