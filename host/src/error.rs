//! How errors become words and exit codes.

use std::error::Error;

pub use tidegate_sandbox::error::chain;

/// The run loaded, or the command did what it was asked.
pub const OK: u8 = 0;
/// Something failed that has no code of its own.
pub const FAILED: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The gate held the run: nothing was loaded.
pub const HELD: u8 = 3;
/// The pipeline file, a plugin's config or a grant is wrong.
pub const CONFIG: u8 = 4;
/// A plugin is missing, does not fit the contract, or misbehaved.
pub const PLUGIN: u8 = 5;
/// The source's data can't be read or can't be had.
pub const SOURCE: u8 = 6;
/// The warehouse refused the load.
pub const WAREHOUSE: u8 = 7;
/// Another run of the pipeline is going on.
pub const BUSY: u8 = 8;
/// A replay gave other files than the run, or the archive holds other pages than came.
pub const DIFFERS: u8 = 9;
/// Interrupted by a person.
pub const INTERRUPTED: u8 = 130;

/// An error and its causes, each said once.
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.iter().any(|said| said.contains(&words)) {
            said.push(words);
        }
        cause = error.source();
    }
    said
}
