//! Finds the ECharts library, which draws the dashboard's charts, in the package `charming` that the lock file pins, and copies it to where
//! `web/assets.rs` includes it: no file of a third party lies in our tree, and none is fetched when the program runs.
//!
//! # Why
//! Cargo tells a build script nothing about the folders of its package's dependencies, so it is asked. It is asked without a network first.
//! Where only this package's dependencies were fetched, as in a container, it lacks others that the workspace names, and may fetch them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    match copied() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={why}");
            ExitCode::FAILURE
        }
    }
}

fn copied() -> Result<(), String> {
    let out = PathBuf::from(variable("OUT_DIR")?).join("echarts.min.js");
    let metadata = metadata(&["--offline"]).or_else(|offline| metadata(&[]).map_err(|online| format!("{offline}; {online}")))?;
    let library =
        library(&metadata).ok_or("the package `charming` has no src/asset/echarts-*.min.js: the lock file names a version without it")?;
    fs::copy(&library, &out).map_err(|error| format!("can't copy {} to {}: {error}", library.display(), out.display()))?;
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("cargo did not set {name}: {error}"))
}

/// What cargo knows of the packages of this target.
fn metadata(more: &[&str]) -> Result<String, String> {
    let manifest = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    let target = variable("TARGET")?;
    let mut command = Command::new(variable("CARGO")?);
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", &target]).args(more);
    let output = command.arg("--manifest-path").arg(manifest).output().map_err(|error| format!("can't start cargo: {error}"))?;
    if output.status.success() {
        return String::from_utf8(output.stdout).map_err(|_| "`cargo metadata` gave no text".to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ");
    Err(format!("`cargo metadata {}` can't say where the package `charming` lies: {said}", more.join(" ")))
}

/// The library in the folder of `charming`. The document is searched, not parsed: a parser would be one more package to build first.
fn library(metadata: &str) -> Option<PathBuf> {
    let manifests = metadata.split("\"manifest_path\":\"").skip(1).filter_map(|rest| rest.split('"').next());
    // JSON doubles the backslashes of a path on Windows.
    let folders = manifests.filter_map(|path| Some(PathBuf::from(path.replace("\\\\", "\\")).parent()?.to_owned()));
    let of_charming = |folder: &PathBuf| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        name == "charming" || name.strip_prefix("charming-").is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_library = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("echarts-") && name.ends_with(".min.js")
    };
    let assets = folders.filter(of_charming).map(|folder| folder.join("src").join("asset"));
    assets.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten().map(|entry| entry.path()).find(is_library)
}
