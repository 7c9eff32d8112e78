//! Components that do not fit this host. They are made here from WIT alone: a module of the right shape, whose functions trap.

use std::{fs, path::Path, sync::Arc};

use insta::assert_snapshot;
use tidegate::{contract::CONTRACT, error::chain};
use tidegate_tests::{components::Components, folder, root, sandbox::runtime};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId, Resolve, SourceMap};

use super::{bounded, goes_on};

/// What is said of a plugin that was linked and whose functions trap.
const TRAPS: &str = "<dir>/plugin.wasm trapped while it was asked to describe itself: wasm trap: wasm `unreachable` instruction executed";

/// Adds the contract in `wit/` under a version.
fn add_contract(resolve: &mut Resolve, version: &str) -> PackageId {
    add_contract_in("wit", resolve, version)
}

/// Adds the contract in a folder under a version.
fn add_contract_in(path: &str, resolve: &mut Resolve, version: &str) -> PackageId {
    let mut sources = SourceMap::default();
    let named = if path == "wit" { format!("@{CONTRACT};") } else { format!("@{version};") };
    for file in folder::sorted(&root().join(path)).unwrap().into_iter().filter(|file| file.is_file()) {
        sources.push(&file, fs::read_to_string(&file).unwrap().replacen(&named, &format!("@{version};"), 1));
    }
    resolve.push_group(sources.parse().map_err(|(_, error)| error).unwrap()).unwrap()
}

/// A component of a world of this package.
fn component(resolve: &Resolve, package: PackageId, world: &str) -> Vec<u8> {
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

/// A plugin for this version of the contract.
fn plugin(world: &str, version: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = add_contract(&mut resolve, version);
    component(&resolve, package, world)
}

/// A transform that also imports what this text says.
fn curious(import: &str, package: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    add_contract(&mut resolve, CONTRACT);
    resolve.push_str("import.wit", package).unwrap();
    let world = format!("package curious:plugin; world curious {{ import {import}; export tidegate:plugin/transform@{CONTRACT}; }}");
    let package = resolve.push_str("world.wit", &world).unwrap();
    component(&resolve, package, "curious")
}

/// What is said when these bytes are loaded as a plugin.
async fn refusal(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plugin.wasm");
    fs::write(&path, bytes).unwrap();
    let error = bounded(runtime().load(&path)).await.unwrap_err();
    goes_on("guest-transform").await;
    chain(&error).replace(&*dir.path().to_string_lossy(), "<dir>")
}

#[tokio::test]
async fn who_asks_while_a_plugin_is_loaded_gets_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plugin.wasm");
    fs::copy(Components::guests().path("guest-transform"), &path).unwrap();
    let (one, other) = tokio::join!(runtime().load(&path), runtime().load(&path));
    assert!(Arc::ptr_eq(&one.unwrap(), &other.unwrap()));
}

#[tokio::test]
async fn a_plugin_for_another_contract_is_refused_with_both_versions() {
    assert_snapshot!(refusal(&plugin("transform-plugin", "0.2.0")).await, @"plugin `<dir>/plugin.wasm` does not fit this host: it was built for the contract `tidegate:plugin@0.2.0`, this host knows `tidegate:plugin@0.1.0`, `tidegate:plugin@0.1.1`");
}

#[tokio::test]
async fn a_plugin_that_imports_what_the_host_lacks_is_refused_with_its_name() {
    let wasi = "package wasi:random@0.2.0; interface random { get-random-u64: func() -> u64; }";
    assert_snapshot!(refusal(&curious("wasi:random/random@0.2.0", wasi)).await, @"plugin `<dir>/plugin.wasm` does not fit this host: it imports `wasi:random/random@0.2.0`, which no transform plugin is given");
}

#[tokio::test]
async fn a_transform_that_wants_to_read_files_is_refused() {
    assert_snapshot!(refusal(&curious("tidegate:plugin/files@0.1.1", "package not:used;")).await, @"plugin `<dir>/plugin.wasm` does not fit this host: it imports `tidegate:plugin/files@0.1.1`, which no transform plugin is given");
}

#[tokio::test]
async fn plugins_of_an_earlier_contract_are_taken_and_asked() {
    let mut resolve = Resolve::default();
    let package = add_contract_in("wit/frozen/v0.1.0", &mut resolve, "0.1.0");
    for world in ["source-plugin", "transform-plugin", "quality-plugin"] {
        // Its functions trap: it was linked, and called.
        let said = refusal(&component(&resolve, package, world)).await;
        if world == "source-plugin" {
            // It imports all that a source may, also what this host does not link yet.
            assert!(said.contains("tidegate:plugin/database"), "{said}");
        } else {
            assert_eq!(said, TRAPS);
        }
    }
}

#[tokio::test]
async fn a_plugin_that_traps_when_it_is_asked_what_it_is_is_named_by_its_file() {
    assert_eq!(refusal(&plugin("transform-plugin", CONTRACT)).await, TRAPS);
}

#[tokio::test]
async fn a_file_that_is_no_component_is_refused() {
    assert_snapshot!(refusal(b"select * from orders").await, @"plugin `<dir>/plugin.wasm` does not fit this host: it is not WebAssembly");
}

#[tokio::test]
async fn a_plugin_that_is_not_there_is_named() {
    let error = runtime().load(Path::new("nowhere/plugin.wasm")).await.unwrap_err();
    assert_snapshot!(chain(&error), @"can't read plugin `nowhere/plugin.wasm`: No such file or directory (os error 2)");
}
