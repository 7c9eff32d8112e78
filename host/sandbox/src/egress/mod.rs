//! Everything that leaves the sandbox passes here: what was granted is looked up, what comes in is archived first.
//!
//! What always holds here:
//! - What is not granted does not exist for a plugin (`tests/guests`).
//! - A page is archived before its first byte reaches a plugin ([`archive`]).
//! - A replay asks nobody: what it gets is what the run got ([`recording`]).

pub mod archive;
pub mod files;
pub mod granted;
pub mod http;
pub mod recording;

mod pack;
