//! Lists a directory that the pipeline does not grant.

use tidegate_sdk::{Result, files};

pub fn run() -> Result<()> {
    files::list("secrets", "**").map(|_| ())
}
