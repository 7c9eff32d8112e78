//! Runs cargo: the crate becomes a core module.
//!
//! # Why
//! The profile comes by `--config`, so that a crate of any workspace is built alike. Development takes the cheap one: without fat LTO
//! a small plugin relinks in seconds. One target folder serves all plugins, so that arrow is compiled once. Flags for the machine's
//! own code (`RUSTFLAGS`, `build.rustflags`) would break or slow plugins and are switched off.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::clones::{Claim, Workspace};
use super::toolchain::TARGET;
use super::{BuildError, BuildRequest};

/// Development: optimised, since a slow plugin is a slow pipeline, but in parts that compile side by side.
/// A plugin's own arithmetic is checked for overflow, in both profiles alike; arrow's kernels are not.
const GUEST: &[&str] = &[
    "profile.guest.inherits='dev'",
    "profile.guest.opt-level=3",
    "profile.guest.codegen-units=16",
    "profile.guest.debug=false",
    "profile.guest.debug-assertions=false",
    "profile.guest.overflow-checks=true",
    "profile.guest.panic='abort'",
    "profile.guest.strip=true",
    "profile.guest.package.'*'.opt-level=3",
    "profile.guest.package.'*'.codegen-units=4",
    "profile.guest.package.'*'.overflow-checks=false",
    "profile.guest.build-override.opt-level=0",
];

/// The 128-bit vectors that every engine for components has: memchr, and loops over columns, use them. A run of 1 M orders takes 5 % less CPU.
const FLAGS: &str = "-Ctarget-feature=+simd128";

/// What is handed to users: one unit with everything inlined.
const GUEST_RELEASE: &[&str] = &[
    "profile.guest-release.inherits='release'",
    "profile.guest-release.opt-level=3",
    "profile.guest-release.lto='fat'",
    "profile.guest-release.codegen-units=1",
    "profile.guest-release.debug=false",
    "profile.guest-release.overflow-checks=true",
    "profile.guest-release.panic='abort'",
    "profile.guest-release.strip=true",
    "profile.guest-release.package.'*'.overflow-checks=false",
];

/// What cargo would take from the environment, and must not: it is meant for the machine's own code.
/// The last ones are set by scripts whose linker makes components.
const NOT_INHERITED: &[&str] = &[
    "RUSTFLAGS",
    "CARGO_BUILD_ANALYSIS",
    "CARGO_BUILD_BUILD_DIR",
    "CARGO_BUILD_DEP_INFO_BASEDIR",
    "CARGO_BUILD_INCREMENTAL",
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_WARNINGS",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
];

/// The crate to build, as cargo knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Package {
    pub(super) name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    #[serde(skip)]
    workspace: Workspace,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Target {
    crate_types: Vec<String>,
}

impl Target {
    fn is_cdylib(&self) -> bool {
        self.crate_types.iter().any(|kind| kind == "cdylib")
    }
}

/// One line of cargo's JSON messages. Only that of the plugin's library matters.
#[derive(Deserialize)]
struct Message {
    reason: String,
    manifest_path: Option<PathBuf>,
    target: Option<Target>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

/// Asks cargo which crate is in the folder, and whether it can become a component.
pub(super) fn find_package(request: &BuildRequest) -> Result<Package, BuildError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
        workspace_root: PathBuf,
    }
    let no_crate = |said: String| BuildError::NoCrate { crate_dir: request.crate_dir.clone(), said };
    let manifest = fs::canonicalize(request.crate_dir.join("Cargo.toml")).map_err(|error| no_crate(format!("Cargo.toml: {error}")))?;
    let output = Command::new(&request.toolchain.cargo)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .current_dir(&request.crate_dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| no_crate(format!("`{}`: {error}", request.toolchain.cargo.display())))?;
    if !output.status.success() {
        return Err(no_crate(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).map_err(|error| no_crate(format!("`cargo metadata`: {error}")))?;
    let members = metadata.packages.iter().map(|package| package.name.clone()).collect();
    let workspace = Workspace { root: metadata.workspace_root, members };
    let here = |package: &Package| fs::canonicalize(&package.manifest_path).is_ok_and(|path| path == manifest);
    let package = metadata.packages.into_iter().find(here).ok_or_else(|| no_crate("it is a workspace, not a crate".to_owned()))?;
    if package.targets.iter().any(Target::is_cdylib) {
        Ok(Package { workspace, ..package })
    } else {
        Err(BuildError::NoCdylib { name: package.name })
    }
}

/// Compiles the crate; gives the bytes of its core module.
pub(super) fn core_module(
    request: &BuildRequest,
    package: &Package,
    rustc: Option<&Path>,
    talk: &mut dyn FnMut(&str),
) -> Result<Vec<u8>, BuildError> {
    let failed = |source: io::Error| BuildError::Cargo {
        name: package.name.clone(),
        cargo: format!("{} build", request.toolchain.cargo.display()),
        source,
    };
    let _claim = Claim::take(&guests(request), &package.workspace, talk)?;
    let mut child = command(request, rustc).spawn().map_err(failed)?;
    let (stdout, stderr) = (child.stdout.take().expect("stdout is piped"), child.stderr.take().expect("stderr is piped"));
    let artifact = std::thread::scope(|scope| {
        // Cargo writes to both at once, so both must be read at once.
        let artifact = scope.spawn(|| find_artifact(stdout, &package.manifest_path));
        for line in BufReader::new(stderr).split(b'\n') {
            talk(&String::from_utf8_lossy(&line?));
        }
        artifact.join().expect("reading messages does not panic")
    });
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        return Err(BuildError::Compile { name: package.name.clone(), status: status.to_string() });
    }
    let path = artifact.map_err(failed)?.ok_or_else(|| failed(io::Error::other("it named no core module among what it made")))?;
    fs::read(&path).map_err(|source| BuildError::File { what: "read", path, source })
}

/// The target folder of all plugins.
fn guests(request: &BuildRequest) -> PathBuf {
    request.cache_dir.join("guests")
}

/// The call of cargo.
fn command(request: &BuildRequest, rustc: Option<&Path>) -> Command {
    let (profile, settings) = if request.release { ("guest-release", GUEST_RELEASE) } else { ("guest", GUEST) };
    let mut command = Command::new(&request.toolchain.cargo);
    command.args(["build", "--lib", "--target", TARGET, "--profile", profile, "--message-format=json-render-diagnostics"]);
    for setting in settings {
        command.args(["--config", setting]);
    }
    for variable in NOT_INHERITED {
        command.env_remove(variable);
    }
    if let Some(rustc) = rustc.or(Some(&request.toolchain.rustc)).filter(|rustc| *rustc != Path::new("rustc")) {
        command.env("RUSTC", rustc);
    }
    // Set in this way, flags in cargo's config files are switched off too.
    command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", guests(request));
    command.current_dir(&request.crate_dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Reads cargo's messages to their end; gives the path of the core module that was made for the crate with this manifest.
fn find_artifact(messages: impl Read, manifest: &Path) -> io::Result<Option<PathBuf>> {
    let mut found = None;
    for line in BufReader::new(messages).lines() {
        let line = line?;
        // A build script's output may stand between the messages.
        let Ok(message) = serde_json::from_str::<Message>(&line) else { continue };
        let ours = message.reason == "compiler-artifact"
            && message.manifest_path.as_deref() == Some(manifest)
            && message.target.is_some_and(|target| target.is_cdylib());
        if ours {
            found = message.filenames.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "wasm")).or(found);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Toolchain;

    fn request(crate_dir: &Path) -> BuildRequest {
        BuildRequest {
            crate_dir: crate_dir.to_owned(),
            cache_dir: "/cache".into(),
            out_dir: "/out".into(),
            release: false,
            toolchain: Toolchain::default(),
        }
    }

    fn crate_with(manifest: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("src")).unwrap();
        fs::write(dir.path().join("src/lib.rs"), "").unwrap();
        fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
        dir
    }

    #[test]
    fn a_folder_without_a_manifest_is_no_crate() {
        let dir = tempfile::tempdir().unwrap();
        let error = find_package(&request(dir.path())).unwrap_err();
        assert!(error.to_string().contains(": Cargo.toml: No such file"), "{error}");
    }

    #[test]
    fn a_workspace_is_no_crate() {
        let dir = crate_with("[workspace]\n");
        let error = find_package(&request(dir.path())).unwrap_err();
        assert!(error.to_string().ends_with("it is a workspace, not a crate"), "{error}");
    }

    #[test]
    fn a_broken_manifest_is_quoted() {
        let dir = crate_with("[package]\nname = 7\n");
        let error = find_package(&request(dir.path())).unwrap_err();
        assert!(error.to_string().contains("name = 7"), "{error}");
    }

    #[test]
    fn a_crate_without_a_cdylib_is_told_which_lines_to_add() {
        let dir = crate_with("[package]\nname = \"quiet\"\nedition = \"2024\"\n[workspace]\n");
        let error = find_package(&request(dir.path())).unwrap_err();
        assert_eq!(error.to_string(), "build `quiet`: its library is no `cdylib`, so no component can be made of it");
        assert!(error.hint().unwrap().ends_with("[lib]\ncrate-type = [\"cdylib\", \"rlib\"]"));
    }

    #[test]
    fn a_plugin_is_found_by_its_folder() {
        let dir = crate_with("[package]\nname = \"upper\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n");
        let package = find_package(&request(dir.path())).unwrap();
        assert_eq!(package.name, "upper");
        let root = dir.path().canonicalize().unwrap();
        assert_eq!(package.workspace, Workspace { root, members: vec!["upper".to_owned()] });
    }

    #[test]
    fn the_artifact_is_the_core_module_of_the_crate_itself() {
        let line = |manifest: &str, kind: &str, file: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","target":{{"crate_types":["{kind}"]}},"filenames":["{file}"]}}"#
            )
        };
        let messages = [
            line("/other/Cargo.toml", "cdylib", "/t/other.wasm"),
            "not a message".to_owned(),
            line("/upper/Cargo.toml", "cdylib", "/t/upper.wasm"),
            line("/upper/Cargo.toml", "bin", "/t/tool.wasm"),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ];
        let found = find_artifact(messages.join("\n").as_bytes(), Path::new("/upper/Cargo.toml")).unwrap();
        assert_eq!(found, Some(PathBuf::from("/t/upper.wasm")));
        assert_eq!(find_artifact(messages[0].as_bytes(), Path::new("/upper/Cargo.toml")).unwrap(), None);
    }

    #[test]
    fn flags_of_the_machine_do_not_reach_plugins() {
        let command = command(&request(Path::new("/upper")), None);
        let variables: Vec<_> = command.get_envs().collect();
        assert!(variables.contains(&("RUSTFLAGS".as_ref(), None)));
        assert!(variables.contains(&("CARGO_ENCODED_RUSTFLAGS".as_ref(), Some(FLAGS.as_ref()))));
        assert!(variables.contains(&("CARGO_TARGET_DIR".as_ref(), Some("/cache/guests".as_ref()))));
    }
}
