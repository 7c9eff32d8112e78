//! `tidegate doctor`: looks at this machine and says what is missing.

use std::{path::Path, process::Command};

use serde_json::json;

use super::{
    output::{Failed, columns, print_json, say},
    plugin_folders,
};
use crate::{config::paths::Cache, error, plugin::names_in};

struct Finding {
    what: &'static str,
    fine: bool,
    found: String,
}

/// Looks at compiler, target, cache and plugins.
pub fn doctor(as_json: bool) -> Result<u8, Failed> {
    let cache = Cache::from_env().map_err(anyhow::Error::from)?;
    let findings = [compiler(), target(&cache), writable(&cache.root), plugins(&cache)];
    let fine = findings.iter().all(|finding| finding.fine);
    if as_json {
        let findings: Vec<_> = findings.iter().map(|f| json!({ "what": f.what, "fine": f.fine, "found": f.found })).collect();
        print_json(&json!({ "fine": fine, "findings": findings }));
    } else {
        let mark = |fine| if fine { "ok" } else { "missing" }.to_owned();
        let rows: Vec<_> = findings.iter().map(|f| vec![mark(f.fine), f.what.to_owned(), f.found.clone()]).collect();
        columns(&rows, &[]).iter().for_each(|line| say(line));
    }
    Ok(if fine { error::OK } else { error::FAILED })
}

fn first_line(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

fn compiler() -> Finding {
    match first_line("rustc", "--version") {
        Some(found) => Finding { what: "compiler for plugins", fine: true, found },
        None => Finding {
            what: "compiler for plugins",
            fine: false,
            found: "no rustc on the PATH; install Rust from https://rustup.rs to build plugins".into(),
        },
    }
}

fn target(cache: &Cache) -> Finding {
    const WHAT: &str = "target wasm32-unknown-unknown";
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().ok();
    let sysroot = sysroot.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if Path::new(&sysroot).join("lib/rustlib/wasm32-unknown-unknown/lib").is_dir() {
        return Finding { what: WHAT, fine: true, found: "in the toolchain".into() };
    }
    let fallback = cache.folder("wasm-rust");
    if fallback.join("rustc").is_file() {
        return Finding { what: WHAT, fine: true, found: format!("Debian's compiler in {}", fallback.display()) };
    }
    Finding { what: WHAT, fine: true, found: "not there yet; `tidegate plugin build` installs it".into() }
}

fn writable(folder: &Path) -> Finding {
    let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    match tried {
        Ok(_) => Finding { what: "cache folder", fine: true, found: folder.display().to_string() },
        Err(error) => Finding { what: "cache folder", fine: false, found: format!("{}: {error}; set TIDEGATE_CACHE", folder.display()) },
    }
}

fn plugins(cache: &Cache) -> Finding {
    let names: Vec<String> = plugin_folders(cache).iter().flat_map(|folder| names_in(folder)).collect();
    let fine = !names.is_empty();
    let found = if fine { names.join(", ") } else { "none; build the first-party ones with `tidegate plugin build plugins/*`".into() };
    Finding { what: "plugins", fine, found }
}
