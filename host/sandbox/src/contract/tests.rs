//! Components are made here from WIT alone: a module of the right shape, without code.

use std::fs;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, PackageId, SourceMap, WorldId};

use super::*;

fn wit_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")
}

/// The WIT files of a folder by name, without those of its sub-folders.
fn texts(dir: &Path) -> Vec<(String, String)> {
    let mut texts: Vec<_> = fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    texts.sort();
    texts
}

/// Adds the package of these texts to `resolve`, under another version where one is given.
fn push(resolve: &mut Resolve, texts: &[(String, String)], version: &str) -> PackageId {
    let mut sources = SourceMap::default();
    for (name, text) in texts {
        let package = text.lines().find(|line| line.starts_with("package ")).unwrap_or_else(|| panic!("{name} names no package"));
        sources.push(Path::new(name), text.replacen(package, &format!("package tidegate:plugin@{version};"), 1));
    }
    let group = sources.parse().unwrap_or_else(|(sources, error)| panic!("{}", error.render(&sources)));
    resolve.push_group(group).unwrap()
}

fn component(resolve: &Resolve, world: WorldId) -> Vec<u8> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// A component of a world of our contract in some version.
fn plugin(world: &str, version: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let package = push(&mut resolve, &texts(&wit_dir()), version);
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    component(&resolve, world)
}

/// A component of a world written here, beside our contract.
fn stranger(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    push(&mut resolve, &texts(&wit_dir()), CONTRACT);
    let text = format!("package somebody:else; interface stuff {{ do: func(); }} world strange {{ {world} }}");
    let package = resolve.push_str("strange.wit", &text).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    component(&resolve, world)
}

fn refusal(bytes: &[u8]) -> String {
    inspect_types(bytes).unwrap_err().to_string()
}

#[test]
fn a_plugin_of_each_role_is_understood() {
    for role in Role::ALL {
        let interface = inspect_types(&plugin(role.world(), CONTRACT)).unwrap();
        assert_eq!(interface.role, role);
        assert_eq!(interface.contract, CONTRACT);
        assert_eq!(interface.exports, [format!("tidegate:plugin/{role}@{CONTRACT}")]);
        assert!(interface.imports.contains(&format!("tidegate:plugin/log@{CONTRACT}")), "{:?}", interface.imports);
    }
}

#[test]
fn an_unknown_contract_is_refused_with_both_versions() {
    let message = "it was built for the contract `tidegate:plugin@0.2.0`, this host knows `tidegate:plugin@0.1.0`, `tidegate:plugin@0.1.1`";
    assert_eq!(refusal(&plugin("transform-plugin", "0.2.0")), message);
    // A later patch may import what this host does not have.
    assert!(refusal(&plugin("quality-plugin", "0.1.2")).contains("`tidegate:plugin@0.1.2`"));
}

#[test]
fn what_is_no_component_is_called_by_its_name() {
    assert_eq!(refusal(b""), "it is not WebAssembly");
    assert_eq!(refusal(b"#!/bin/sh\necho hello\n"), "it is not WebAssembly");
    assert_eq!(refusal(b"\0asm\x01\0\0\0"), "it is a core WebAssembly module, not a component");
    assert_eq!(refusal(b"\0asm\x0d\0\x01\0\x7f\x7f"), "it is a broken component, or one in a format that this host does not know");
    let mut resolve = Resolve::default();
    let package = push(&mut resolve, &texts(&wit_dir()), CONTRACT);
    let package = wit_component::encode(&resolve, package).unwrap();
    assert_eq!(refusal(&package), "it is a WIT package in binary form: it describes interfaces and holds no code");
}

#[test]
fn a_component_of_somebody_else_is_no_plugin() {
    assert_eq!(refusal(b"\0asm\x0d\0\x01\0"), "it is a component, but no tidegate plugin: it exports nothing");
    let message = "it is a component, but no tidegate plugin: it exports `somebody:else/stuff`";
    assert_eq!(refusal(&stranger("export stuff;")), message);
}

#[test]
fn a_plugin_has_one_role() {
    let both = stranger("export tidegate:plugin/transform@0.1.1; export tidegate:plugin/quality@0.1.1;");
    assert_eq!(refusal(&both), "it exports more than one role: `transform`, `quality`");
}

#[test]
fn a_transform_may_import_the_log_and_keys_and_nothing_else() {
    let curious = stranger("import stuff; import tidegate:plugin/files@0.1.1; export tidegate:plugin/transform@0.1.1;");
    let message = "it imports `somebody:else/stuff`, `tidegate:plugin/files@0.1.1`, which no transform plugin is given";
    assert_eq!(refusal(&curious), message);
}

#[test]
fn each_role_has_the_imports_of_its_world() {
    let mut resolve = Resolve::default();
    let package = push(&mut resolve, &texts(&wit_dir()), CONTRACT);
    assert_eq!(resolve.packages[package].worlds.len(), Role::ALL.len(), "a world without a role");
    for role in Role::ALL {
        let world = resolve.select_world(&[package], Some(role.world())).unwrap();
        let names = |items: &mut dyn Iterator<Item = (&WorldKey, &WorldItem)>| {
            let mut names: Vec<_> = items.map(|item| Item::of(&resolve, item).ours.unwrap().0).collect();
            names.sort();
            names
        };
        let mut wanted: Vec<_> = role.imports().to_vec();
        wanted.sort();
        assert_eq!(names(&mut resolve.worlds[world].imports.iter()), wanted);
        assert_eq!(names(&mut resolve.worlds[world].exports.iter()), [role.interface()]);
    }
}

#[test]
fn every_file_of_the_contract_names_its_version() {
    for (name, text) in texts(&wit_dir()) {
        assert!(text.starts_with(&format!("package tidegate:plugin@{CONTRACT};\n")), "wit/{name}");
    }
}

#[test]
fn the_frozen_copy_of_the_current_version_is_the_contract() {
    assert_eq!(
        texts(&wit_dir().join("frozen").join(format!("v{CONTRACT}"))),
        texts(&wit_dir()),
        "a released contract is not changed: give wit/ a new version"
    );
}

#[test]
fn components_of_a_released_contract_still_fit() {
    for released in KNOWN_CONTRACTS {
        let frozen = texts(&wit_dir().join("frozen").join(format!("v{released}")));
        for role in Role::ALL {
            let mut resolve = Resolve::default();
            // Both may have one version; the check ignores it.
            let old = push(&mut resolve, &frozen, "0.0.0-frozen");
            let new = push(&mut resolve, &texts(&wit_dir()), CONTRACT);
            let old = resolve.select_world(&[old], Some(role.world())).unwrap();
            let new = resolve.select_world(&[new], Some(role.world())).unwrap();
            if let Err(error) = wit_component::semver_check(resolve, old, new) {
                panic!("a {role} plugin built for {released} would not run: {error:#}");
            }
        }
    }
}

#[test]
fn a_contract_that_takes_something_away_is_noticed() {
    let mut changed = texts(&wit_dir());
    let log = changed.iter_mut().find(|(name, _)| name == "log.wit").unwrap();
    log.1 = log.1.replace("panicked: func(message: string);", "panicked: func(message: string, fatal: bool);");
    let mut resolve = Resolve::default();
    let old = push(&mut resolve, &texts(&wit_dir()), "0.0.0-frozen");
    let new = push(&mut resolve, &changed, CONTRACT);
    let old = resolve.select_world(&[old], Some("transform-plugin")).unwrap();
    let new = resolve.select_world(&[new], Some("transform-plugin")).unwrap();
    assert!(wit_component::semver_check(resolve, old, new).is_err());
}
