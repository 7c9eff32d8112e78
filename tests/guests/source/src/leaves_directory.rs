//! Opens what lies outside its directory, and tells what it got.

use tidegate_sdk::{
    Failure, Result,
    files::{self, Packing},
};

pub fn run(paths: &[String]) -> Result<()> {
    let told: Vec<_> = paths.iter().map(|path| format!("{path}: {}", attempt(path))).chain([format!("**: {}", list())]).collect();
    Err(Failure::unavailable(told.join("\n")))
}

fn attempt(path: &str) -> String {
    let read = |mut file: files::File| file.read(1 << 20);
    match files::open("data", path, Packing::Plain, 0).and_then(read) {
        Ok(bytes) => format!("GOT {} bytes", bytes.len()),
        Err(failure) => failure.message,
    }
}

fn list() -> String {
    match files::list("data", "**") {
        Ok(entries) => format!("GOT {} files", entries.len()),
        Err(failure) => failure.message,
    }
}
