//! The harness of the outer ring of tests: it builds real components, runs the real host on them, and compares what comes out.
//!
//! What always holds here:
//! - Nothing skips in silence: what is missing is an error that names the command which makes it.
//! - No test waits for the clock where it can wait for a file, or writes outside a temporary folder and the target folder.
//! - `UPDATE_EXPECT=1` rewrites what scenarios expect; look at the difference before you keep it.

pub mod browser;
pub mod child;
pub mod components;
pub mod daemon;
pub mod folder;
pub mod http;
pub mod mail;
pub mod olist;
pub mod postgres;
pub mod program;
pub mod sandbox;
pub mod scenario;
pub mod shops;
pub mod site;
pub mod source_text;
pub mod table;
pub mod wire;

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace").to_owned()
}

/// Whether expectations are to be rewritten.
pub fn update_expect() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}
