//! Finds a compiler that can build for the sandbox: the active toolchain's, or the fallback's.
//!
//! The order, each step said aloud: the target is there; else rustup adds it, where it may; else the fallback script makes one of
//! Debian's packages; else one error with the command to run by hand.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The target of all plugins built here. It imports nothing but what the plugin's world says.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// What a person does where nothing here may or can.
pub(super) const BY_HAND: &str = "run `rustup target add wasm32-unknown-unknown`, then try again";

/// The fallback. It stands alone, so that it can also be run by hand.
const FALLBACK: &str = include_str!("wasm-std.sh");

/// The oldest compiler that builds plugins: the workspace's `rust-version`, which is the SDK's too.
const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Which commands to call, and who may install what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// Cargo's command.
    pub cargo: PathBuf,
    /// The compiler's command.
    pub rustc: PathBuf,
    /// rustup's command; it need not exist.
    pub rustup: PathBuf,
    /// Whether rustup may be asked to add the target: not where `RUSTUP_AUTO_INSTALL=0` is set.
    pub rustup_may_install: bool,
    /// Takes the fallback even where the toolchain has the target, to test it.
    pub force_fallback: bool,
}

impl Default for Toolchain {
    /// What is found on the path, and nothing may be installed by rustup.
    fn default() -> Self {
        Self { cargo: "cargo".into(), rustc: "rustc".into(), rustup: "rustup".into(), rustup_may_install: false, force_fallback: false }
    }
}

/// Why there is no compiler for the sandbox.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// There is no usable Rust at all.
    #[error("`{rustc} --print sysroot` failed: {said}")]
    NoCompiler {
        /// The command.
        rustc: String,
        /// What it said.
        said: String,
    },
    /// Nobody could provide the target.
    #[error("the toolchain has no target `{TARGET}`; {}", .tried.join("; "))]
    NoTarget {
        /// What was tried, and why it did not work.
        tried: Vec<String>,
    },
}

/// The compiler to set for cargo: none where the active toolchain has the target.
pub(super) fn with_target(
    toolchain: &Toolchain,
    crate_dir: &Path,
    cache_dir: &Path,
    talk: &mut dyn FnMut(&str),
) -> Result<Option<PathBuf>, ToolchainError> {
    let mut tried = Vec::new();
    if !toolchain.force_fallback {
        if has_target(toolchain, crate_dir)? {
            return Ok(None);
        }
        match add_by_rustup(toolchain, crate_dir, talk) {
            Ok(()) if has_target(toolchain, crate_dir)? => return Ok(None),
            Ok(()) => tried.push("rustup added it to another toolchain".to_owned()),
            Err(why) => tried.push(why),
        }
    }
    match fallback(toolchain, cache_dir, talk) {
        Ok(rustc) => Ok(Some(rustc)),
        Err(why) => {
            tried.push(why);
            Err(ToolchainError::NoTarget { tried })
        }
    }
}

/// Whether the toolchain that is active in the crate's folder has the target's standard library.
fn has_target(toolchain: &Toolchain, crate_dir: &Path) -> Result<bool, ToolchainError> {
    let failed = |said: String| ToolchainError::NoCompiler { rustc: toolchain.rustc.display().to_string(), said };
    let output = Command::new(&toolchain.rustc)
        .args(["--print", "sysroot"])
        .current_dir(crate_dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let sysroot = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end());
    Ok(sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir())
}

/// Lets rustup add the target, where it may. The error is a fragment for [`ToolchainError::NoTarget`].
fn add_by_rustup(toolchain: &Toolchain, crate_dir: &Path, talk: &mut dyn FnMut(&str)) -> Result<(), String> {
    if !toolchain.rustup_may_install {
        return Err("rustup may install nothing here (RUSTUP_AUTO_INSTALL=0)".to_owned());
    }
    let mut command = Command::new(&toolchain.rustup);
    command.args(["target", "add", TARGET]).current_dir(crate_dir);
    talk(&format!("the toolchain has no target {TARGET}: running `rustup target add {TARGET}`"));
    run(&mut command, talk).map(|_| ()).map_err(|why| format!("`rustup target add` failed: {why}"))
}

/// Makes, or finds, the fallback's compiler. The error is a fragment for [`ToolchainError::NoTarget`].
fn fallback(toolchain: &Toolchain, cache_dir: &Path, talk: &mut dyn FnMut(&str)) -> Result<PathBuf, String> {
    let mut command = Command::new("bash");
    command.args(["-c", FALLBACK, "wasm-std.sh"]).arg(cache_dir.join("wasm-rust")).arg(OLDEST).env("CARGO", &toolchain.cargo);
    let printed = run(&mut command, talk).map_err(|why| format!("the fallback, Debian's compiler, failed: {why}"))?;
    let rustc = PathBuf::from(printed.trim_end());
    if rustc.is_file() { Ok(rustc) } else { Err(format!("the fallback named a compiler that is not there: `{}`", rustc.display())) }
}

/// Runs a command, passes its stderr on, gives its stdout. These commands print one short line at most.
fn run(command: &mut Command, talk: &mut dyn FnMut(&str)) -> Result<String, String> {
    let text = |error: std::io::Error| error.to_string();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(text)?;
    let mut last_error = None;
    for line in BufReader::new(child.stderr.take().expect("stderr is piped")).split(b'\n') {
        let line = String::from_utf8_lossy(&line.map_err(text)?).into_owned();
        talk(&line);
        if let Some((_, error)) = line.split_once("error: ") {
            last_error = Some(error.to_owned());
        }
    }
    let output = child.wait_with_output().map_err(text)?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(last_error.unwrap_or_else(|| output.status.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A machine made of scripts: a compiler with an empty sysroot, and a rustup that adds the target, or fails.
    struct Machine {
        dir: tempfile::TempDir,
        toolchain: Toolchain,
    }

    impl Machine {
        fn new(rustup: &str) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().display().to_string();
            let command = |name: &str, text: &str| {
                let path = dir.path().join(name);
                fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                path
            };
            let toolchain = Toolchain {
                rustc: command("rustc", &format!("echo {root}/sysroot")),
                rustup: command("rustup", &rustup.replace("ROOT", &root)),
                rustup_may_install: true,
                ..Toolchain::default()
            };
            Self { dir, toolchain }
        }

        /// Puts a finished fallback into the cache folder.
        fn with_fallback(self) -> Self {
            let root = self.dir.path().join("cache/wasm-rust");
            let std = root.join("usr/lib/rustlib").join(TARGET).join("lib");
            fs::create_dir_all(&std).unwrap();
            fs::write(std.join(".done"), "").unwrap();
            fs::copy(&self.toolchain.rustc, root.join("rustc")).unwrap();
            self
        }

        /// Makes the cache folder unusable, so that the fallback fails.
        fn without_fallback(self) -> Self {
            fs::write(self.dir.path().join("cache"), "a file, not a folder").unwrap();
            self
        }

        fn find(&self) -> (Result<Option<PathBuf>, ToolchainError>, Vec<String>) {
            let mut said = Vec::new();
            let cache = self.dir.path().join("cache");
            let found = with_target(&self.toolchain, self.dir.path(), &cache, &mut |line| said.push(line.to_owned()));
            (found, said)
        }

        fn fallback_rustc(&self) -> PathBuf {
            self.dir.path().join("cache/wasm-rust/rustc")
        }
    }

    const ADDS: &str = "mkdir -p ROOT/sysroot/lib/rustlib/wasm32-unknown-unknown/lib; touch ROOT/called";

    #[test]
    fn a_toolchain_with_the_target_is_taken_as_it_is() {
        let machine = Machine::new("touch ROOT/called");
        fs::create_dir_all(machine.dir.path().join("sysroot/lib/rustlib").join(TARGET).join("lib")).unwrap();
        let (found, said) = machine.find();
        assert_eq!(found.unwrap(), None);
        assert!(said.is_empty(), "{said:?}");
        assert!(!machine.dir.path().join("called").exists());
    }

    #[test]
    fn rustup_adds_a_missing_target_and_that_is_said() {
        let (found, said) = Machine::new(ADDS).find();
        assert_eq!(found.unwrap(), None);
        assert!(said[0].contains("running `rustup target add wasm32-unknown-unknown`"), "{said:?}");
    }

    #[test]
    fn rustup_is_left_alone_where_it_may_not_install() {
        let mut machine = Machine::new(ADDS).with_fallback();
        machine.toolchain.rustup_may_install = false;
        assert_eq!(machine.find().0.unwrap(), Some(machine.fallback_rustc()));
        assert!(!machine.dir.path().join("called").exists());
    }

    #[test]
    fn the_fallback_is_next_where_rustup_fails() {
        let machine = Machine::new("echo 'error: no such toolchain' >&2; exit 1").with_fallback();
        let (found, said) = machine.find();
        assert_eq!(found.unwrap(), Some(machine.fallback_rustc()));
        assert!(said.contains(&"error: no such toolchain".to_owned()), "{said:?}");
    }

    #[test]
    fn the_fallback_can_be_forced() {
        let mut machine = Machine::new(ADDS).with_fallback();
        machine.toolchain.force_fallback = true;
        assert_eq!(machine.find().0.unwrap(), Some(machine.fallback_rustc()));
    }

    #[test]
    fn where_nothing_works_one_error_names_all_that_was_tried() {
        let machine = Machine::new("echo 'error: no such toolchain' >&2; exit 1").without_fallback();
        let message = machine.find().0.unwrap_err().to_string();
        let start = "the toolchain has no target `wasm32-unknown-unknown`; `rustup target add` failed: no such toolchain; \
                     the fallback, Debian's compiler, failed: ";
        assert!(message.starts_with(start), "{message}");
    }

    #[test]
    fn a_machine_without_rust_is_told_so() {
        let mut machine = Machine::new("true");
        machine.toolchain.rustc = machine.dir.path().join("nowhere");
        let message = machine.find().0.unwrap_err().to_string();
        assert!(message.contains("nowhere --print sysroot` failed: No such file"), "{message}");
    }
}
