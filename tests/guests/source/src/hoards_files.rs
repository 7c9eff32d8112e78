//! Opens a file it may read, over and over, and closes none.

use tidegate_sdk::{
    Failure, Result,
    files::{self, Packing},
};

/// More than a process has descriptors by default (1,024), and few enough to end.
const WANTED: usize = 2000;

pub fn run(paths: &[String]) -> Result<()> {
    let mut hoard = Vec::new();
    for path in paths.iter().cycle().take(WANTED) {
        hoard.push(files::open("data", path, Packing::Plain, 0)?);
    }
    Err(Failure::bug(format!("GOT {} open files", hoard.len())))
}
