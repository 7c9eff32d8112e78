//! What the tree looks like: the rules of the house that a machine can check. Each failure names file and line.

use std::{collections::BTreeMap, fs};

use tidegate_tests::{
    folder, root,
    source_text::{SourceFile, rust_files, tree_files},
};

/// The modules of the sandbox and of the host from the ground up: one may use what stands before it, never what stands after it.
/// A new module gets its place here.
const LAYERS: &[&[&str]] = &[
    &["contract", "error", "lineage", "quality", "quarantine"],
    &["config"],
    &["egress"],
    &["plugin"],
    &["build", "sample", "warehouse"],
    &["state"],
    &["engine"],
    &["notify"],
    &["flow"],
    &["observe"],
    &["schedule"],
    &["web"],
    &["cli"],
];

/// The stages of a run. What they share lies in the other files of `flow`.
const STAGES: &[&str] = &["extract", "archive", "transform", "assess", "gate", "load", "refresh", "notify"];

const MOST_LINES: usize = 600;

/// Fails with the list of what breaks a rule.
fn hold(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

fn all_rust() -> Vec<SourceFile> {
    rust_files(&["host", "sdk", "plugins", "tests"]).unwrap()
}

/// The host with its lower half, the sandbox.
fn host() -> Vec<SourceFile> {
    rust_files(&["host/sandbox/src", "host/src"]).unwrap()
}

/// The lines of files whose code has one of these words.
fn lines_with(files: &[SourceFile], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files {
        for (number, line) in file.code_lines() {
            found.extend(words.iter().filter(|word| has_word(line, word)).map(|word| format!("{}:{number}: `{word}`", file.path)));
        }
    }
    found
}

/// Whether a line has this word, not as the end or start of another one.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let after = &line[at + word.len()..];
        let open = word.ends_with(|c: char| !part_of_name(c));
        !line[..at].ends_with(part_of_name) && (open || !after.starts_with(part_of_name))
    })
}

/// The module that a file belongs to; none for `lib.rs` and `main.rs`.
fn module(file: &SourceFile) -> Option<&str> {
    let path = ["host/src/", "host/sandbox/src/"].iter().find_map(|folder| file.path.strip_prefix(folder))?;
    let name = path.split('/').next()?.trim_end_matches(".rs");
    (name != "lib" && name != "main").then_some(name)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut broken = Vec::new();
    for file in host() {
        let Some(module) = module(&file) else { continue };
        let Some(height) = layer(module) else {
            broken.push(format!("{}:1: the module `{module}` has no place in LAYERS (tests/suite/tidy.rs)", file.path));
            continue;
        };
        for (line, used) in file.names_behind("crate::") {
            if used != module && layer(&used).is_some_and(|used| used >= height) {
                broken.push(format!("{}:{line}: `{module}` uses `{used}`, which does not stand below it", file.path));
            }
        }
    }
    hold("dependencies between modules point one way", &broken);
}

#[test]
fn stages_never_use_each_other() {
    let mut broken = Vec::new();
    for file in host() {
        let Some(stage) = file.path.strip_prefix("host/src/flow/").and_then(|path| path.split('/').next()) else { continue };
        let stage = stage.trim_end_matches(".rs");
        if !STAGES.contains(&stage) {
            continue;
        }
        for (line, used) in file.names_behind("super::").into_iter().chain(file.names_behind("crate::flow::")) {
            if used != stage && STAGES.contains(&used.as_str()) {
                broken.push(format!("{}:{line}: the stage `{stage}` uses the stage `{used}`", file.path));
            }
        }
    }
    hold("stages never use each other; what they share lies beside them in `flow`", &broken);
}

#[test]
fn only_the_plugin_module_knows_wasmtime() {
    let mut files = host();
    files.retain(|file| !file.path.starts_with("host/sandbox/src/plugin/"));
    hold("wasmtime is used in host/sandbox/src/plugin/ only", &lines_with(&files, &["wasmtime"]));
}

#[test]
fn only_warehouse_egress_and_the_store_of_tasks_know_postgres() {
    let mut files = host();
    files.retain(|file| !file.path.starts_with("host/src/warehouse/postgres") && !file.path.starts_with("host/sandbox/src/egress/"));
    files.retain(|file| file.path != "host/src/state/tasks/postgres.rs");
    hold("tokio-postgres is used in warehouse/postgres, egress and state/tasks/postgres.rs only", &lines_with(&files, &["tokio_postgres"]));
}

#[test]
fn only_the_command_line_prints() {
    let mut files = host();
    files.retain(|file| !matches!(file.path.as_str(), "host/src/cli/output.rs" | "host/src/cli/progress.rs"));
    let words = ["println!", "eprintln!", "print!", "eprint!", "stdout()", "stderr()"];
    hold("only host/src/cli/output.rs and progress.rs print", &lines_with(&files, &words));
}

#[test]
fn only_the_config_reads_the_environment() {
    let mut files = host();
    files.retain(|file| !file.path.starts_with("host/src/config/") && !file.path.starts_with("host/sandbox/src/config/"));
    let mut broken = lines_with(&files, &["env::var", "env::var_os", "env::vars", "env::args", "env::home_dir", "env::current_dir"]);
    for file in &files {
        let used = file.names_behind("std::").into_iter().filter(|(_, name)| name == "env");
        broken.extend(used.map(|(line, _)| format!("{}:{line}: `std::env`", file.path)));
    }
    hold("the environment is read by the config only", &broken);
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent = all_rust().into_iter().filter(|file| !file.text.starts_with("//!"));
    let broken: Vec<_> = silent.map(|file| format!("{}:1: starts without `//!`", file.path)).collect();
    hold("every module starts with `//!`", &broken);
}

#[test]
fn every_plugin_has_the_same_files() {
    let mut broken = Vec::new();
    for plugin in folder::sorted(&root().join("plugins")).unwrap().into_iter().filter(|path| path.is_dir()) {
        if folder::walk(&plugin, &|_| true).unwrap().is_empty() {
            continue;
        }
        let missing = ["Cargo.toml", "README.md", "src/lib.rs"].into_iter().filter(|file| !plugin.join(file).is_file());
        broken.extend(missing.map(|file| format!("{}: {file} is missing", plugin.join(file).strip_prefix(root()).unwrap().display())));
    }
    hold("a plugin has Cargo.toml, README.md and src/lib.rs", &broken);
}

#[test]
fn no_file_is_too_long() {
    let long =
        rust_files(&["host/sandbox", "host/src", "sdk", "plugins"]).unwrap().into_iter().filter(|file| file.lines().count() > MOST_LINES);
    let broken: Vec<_> = long.map(|file| format!("{}:{MOST_LINES}: has {} lines", file.path, file.lines().count())).collect();
    hold("a file is about one idea", &broken);
}

#[test]
fn nothing_is_left_undone() {
    hold("no unfinished or debugging code stays", &lines_with(&all_rust(), &["todo!", "unimplemented!", "dbg!"]));
}

#[test]
fn no_path_of_a_machine_is_in_the_tree() {
    let homes = ["root", "home", "work", "Users"].map(|folder| format!("/{folder}/"));
    let part_of_path = |c: char| c.is_alphanumeric() || "._~-}>*/".contains(c);
    let mut broken = Vec::new();
    for file in tree_files().unwrap() {
        for (number, line) in file.lines() {
            let starts = homes.iter().flat_map(|home| line.match_indices(home.as_str()));
            if starts.into_iter().any(|(at, _)| !line[..at].ends_with(part_of_path)) {
                broken.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    hold("no absolute path of somebody's machine is in the tree", &broken);
}

#[test]
fn the_current_contract_has_its_frozen_copy() {
    let types = fs::read_to_string(root().join("wit/types.wit")).unwrap();
    let version = types.lines().find_map(|line| line.strip_prefix("package tidegate:plugin@")?.strip_suffix(';')).unwrap();
    let frozen = root().join("wit/frozen").join(format!("v{version}"));
    let mut broken = Vec::new();
    for file in folder::sorted(&root().join("wit")).unwrap().into_iter().filter(|file| file.is_file()) {
        let copy = frozen.join(file.file_name().unwrap());
        if !copy.is_file() {
            broken.push(format!("wit/frozen/v{version}/{}: is missing", file.file_name().unwrap().to_string_lossy()));
        }
    }
    hold("each version of the contract has its frozen copy", &broken);
}

/// cargo reads the manifest of every member before it builds one of them.
#[test]
fn the_image_is_built_with_every_member_of_the_workspace() {
    let ignored = fs::read_to_string(root().join("deploy/Dockerfile.dockerignore")).unwrap();
    let ignored: Vec<_> = ignored.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = ")).expect("one line has all members");
    let members = members.trim_matches(['[', ']']).split(", ").map(|member| member.trim_matches('"'));
    let is_in = |member: &str, folder: &str| member == folder || member.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    let left_out: Vec<_> = members.filter(|member| ignored.iter().any(|folder| is_in(member, folder))).map(str::to_owned).collect();
    hold("deploy/Dockerfile.dockerignore leaves out no member of the workspace", &left_out);
}

#[test]
fn there_is_one_version_of_what_everything_exchanges() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut found: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, line) in lock.lines().enumerate() {
        if let Some(name) = line.strip_prefix("name = \"").and_then(|name| name.strip_suffix('"')) {
            found.entry(name).or_default().push(index + 1);
        }
    }
    let mut broken = Vec::new();
    for name in ["arrow-array", "datafusion", "parquet", "deltalake-core", "wasmtime"] {
        let lines = found.get(name).map_or(&[][..], Vec::as_slice);
        if lines.len() != 1 {
            broken.push(format!("Cargo.lock:{}: `{name}` is there {} times, at lines {lines:?}", lines.last().unwrap_or(&1), lines.len()));
        }
    }
    hold("arrow and what is built on it are there once", &broken);
}

fn snippet(text: &str) -> SourceFile {
    SourceFile::new("host/src/flow/load.rs".into(), text.into())
}

#[test]
fn comments_and_texts_are_no_code() {
    let text = "/* a */ let b = \"println!(\\\"c\"; // dbg!\nlet d: &'static str = r#\"todo!\"#; let e = '\"'; f();";
    let file = snippet(text);
    let words: Vec<_> = file.code.split_whitespace().collect();
    assert_eq!(words.join(" "), "let b = ; let d: &'static str = ; let e = ; f();");
    assert_eq!(file.code_lines().count(), 2);
    assert_eq!(lines_with(&[snippet("a();\n    dbg!(b);")], &["dbg!"]), ["host/src/flow/load.rs:2: `dbg!`"]);
    assert!(lines_with(&[snippet("reprintln!(); child.stdout.take()")], &["println!", "stdout()"]).is_empty());
}

#[test]
fn names_are_found_behind_a_path_and_in_its_braces() {
    let file =
        snippet("use crate::{\n    config::{Limits, paths},\n    engine,\n};\nfn f() { crate::error::chain(); }\nuse supercrate::no;");
    let found = [(2, "config"), (3, "engine"), (5, "error")].map(|(line, name)| (line, name.to_owned()));
    assert_eq!(file.names_behind("crate::"), found);
    assert_eq!(snippet("use super::{Plan, assess::Clean};").names_behind("super::")[1], (1, "assess".to_owned()));
}
