//! Reads what a component speaks, without running it, and holds it against the contract in `wit/`.
//!
//! What always holds here:
//! - a component that passes exports one role's interface in a version this host knows, and imports only what that role may have;
//!   whether the pipeline grants it is decided elsewhere
//! - the table of roles says what the worlds in `wit/` say (`each_role_has_the_imports_of_its_world`)
//! - a released contract is never changed, only added to (`components_of_a_released_contract_still_fit`)

use std::fmt;

use wit_component::DecodedWasm;
use wit_parser::{InterfaceId, PackageName, Resolve, WorldItem, WorldKey};

/// The version of the contract in `wit/`: what is built here speaks it.
pub const CONTRACT: &str = "0.1.1";

/// Every version that this host can run. Each has its frozen copy in `wit/frozen/`.
pub const KNOWN_CONTRACTS: &[&str] = &["0.1.0", CONTRACT];

const NAMESPACE: &str = "tidegate";
const PACKAGE: &str = "plugin";

/// What a plugin is for: the interface that it exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads streams.
    Source,
    /// Cleans rows.
    Transform,
    /// Judges rows.
    Quality,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Source, Self::Transform, Self::Quality];

    /// The exported interface: `transform`.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Transform => "transform",
            Self::Quality => "quality",
        }
    }

    /// The world: `transform-plugin`.
    pub fn world(self) -> &'static str {
        match self {
            Self::Source => "source-plugin",
            Self::Transform => "transform-plugin",
            Self::Quality => "quality-plugin",
        }
    }

    /// The interfaces that the world imports. `types` holds no functions: importing it is no contact.
    pub fn imports(self) -> &'static [&'static str] {
        match self {
            Self::Source => &["types", "log", "keys", "files", "http", "database"],
            Self::Transform | Self::Quality => &["types", "log", "keys"],
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.interface())
    }
}

/// What a component of our contract speaks.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ComponentInterface {
    /// What it is for.
    pub role: Role,
    /// The version of the contract that it was built for.
    pub contract: String,
    /// The interfaces it imports, with their versions: `tidegate:plugin/log@0.1.1`.
    pub imports: Vec<String>,
    /// The interfaces it exports, with their versions.
    pub exports: Vec<String>,
}

/// Why some bytes are no plugin for this host.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// Anything else: a text, an archive, an empty file.
    #[error("it is not WebAssembly")]
    NotWasm,
    /// A plain module.
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
    /// WIT in its binary form.
    #[error("it is a WIT package in binary form: it describes interfaces and holds no code")]
    WitPackage,
    /// A component that can't be read.
    #[error("it is a broken component, or one in a format that this host does not know")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A component of another version of our contract.
    #[error("it was built for the contract `tidegate:plugin@{theirs}`, this host knows {}", known())]
    UnknownContract {
        /// The version it wants.
        theirs: String,
    },
    /// A component that has nothing to do with us.
    #[error("it is a component, but no tidegate plugin: it exports {}", list(.exports))]
    NoRole {
        /// What it exports.
        exports: Vec<String>,
    },
    /// A component that wants to be two things.
    #[error("it exports more than one role: {}", list(.roles))]
    ManyRoles {
        /// The roles.
        roles: Vec<String>,
    },
    /// A component that wants more from outside than its role has.
    #[error("it imports {}, which no {role} plugin is given", list(.imports))]
    UnknownImports {
        /// What it is for.
        role: Role,
        /// What it wants.
        imports: Vec<String>,
    },
}

impl ContractError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::CoreModule => Some("make a component of it: `tidegate plugin build <crate>`".to_owned()),
            Self::UnknownContract { theirs } => {
                Some(format!("build the plugin with an SDK for {}, or use a tidegate that knows {theirs}", known()))
            }
            Self::NoRole { .. } => {
                Some("does its code call `export_source!`, `export_transform!` or `export_quality!` of the SDK?".to_owned())
            }
            Self::ManyRoles { .. } => Some("make one plugin per role; they can share a crate for what is common".to_owned()),
            Self::UnknownImports { imports, .. } if imports.iter().any(|import| import.starts_with("wasi:")) => {
                Some("it was built for WASI; build it for `wasm32-unknown-unknown`: `tidegate plugin build <crate>`".to_owned())
            }
            Self::NotWasm | Self::WitPackage | Self::Broken(_) | Self::UnknownImports { .. } => None,
        }
    }
}

/// What some bytes are, by their first eight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binary {
    /// No WebAssembly at all.
    Other,
    /// A core module.
    CoreModule,
    /// A component, or a WIT package, which is encoded as one.
    Component,
}

/// Says what some bytes are. The header is `\0asm`, then the version and the layer, 16 bits each:
/// <https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>.
pub fn binary(bytes: &[u8]) -> Binary {
    match bytes.get(..8) {
        Some([b'\0', b'a', b's', b'm', _, _, 0, 0]) => Binary::CoreModule,
        Some([b'\0', b'a', b's', b'm', _, _, 1, 0]) => Binary::Component,
        _ => Binary::Other,
    }
}

/// Reads what a component speaks; refuses what is no plugin for this host.
pub fn inspect_types(component_bytes: &[u8]) -> Result<ComponentInterface, ContractError> {
    match binary(component_bytes) {
        Binary::Other => return Err(ContractError::NotWasm),
        Binary::CoreModule => return Err(ContractError::CoreModule),
        Binary::Component => {}
    }
    let (resolve, world) = match wit_component::decode(component_bytes).map_err(|source| ContractError::Broken(source.into()))? {
        DecodedWasm::Component(resolve, world) => (resolve, world),
        DecodedWasm::WitPackage(..) => return Err(ContractError::WitPackage),
    };
    let items = |items: &mut dyn Iterator<Item = (&WorldKey, &WorldItem)>| items.map(|item| Item::of(&resolve, item)).collect::<Vec<_>>();
    let imports = items(&mut resolve.worlds[world].imports.iter());
    let exports = items(&mut resolve.worlds[world].exports.iter());
    check_version(imports.iter().chain(&exports))?;
    let (role, contract) = role(&exports)?;
    check_imports(role, &imports)?;
    let names = |items: Vec<Item>| items.into_iter().map(|item| item.name).collect();
    Ok(ComponentInterface { role, contract, imports: names(imports), exports: names(exports) })
}

/// Something that a component imports or exports.
struct Item {
    /// Its full name.
    name: String,
    /// Its interface and version, where it is one of `tidegate:plugin`.
    ours: Option<(String, String)>,
}

impl Item {
    fn of(resolve: &Resolve, (key, item): (&WorldKey, &WorldItem)) -> Self {
        let interface = match item {
            WorldItem::Interface { id, .. } => Some(*id),
            WorldItem::Function(_) | WorldItem::Type { .. } => None,
        };
        Self { name: resolve.name_world_key(key), ours: interface.and_then(|id| ours(resolve, id)) }
    }
}

/// The name and version of an interface of `tidegate:plugin`.
fn ours(resolve: &Resolve, id: InterfaceId) -> Option<(String, String)> {
    let interface = &resolve.interfaces[id];
    let PackageName { namespace, name, version } = &resolve.packages[interface.package?].name;
    let version = version.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
    (namespace == NAMESPACE && name == PACKAGE).then_some((interface.name.clone()?, version))
}

/// Refuses versions of our contract that this host does not know, before anything else is said about the component.
fn check_version<'a>(items: impl Iterator<Item = &'a Item>) -> Result<(), ContractError> {
    let unknown = |item: &'a Item| item.ours.as_ref().filter(|(_, version)| !KNOWN_CONTRACTS.contains(&version.as_str()));
    match items.filter_map(unknown).next() {
        Some((_, version)) => Err(ContractError::UnknownContract { theirs: version.clone() }),
        None => Ok(()),
    }
}

/// The role that a component exports, and the version of it.
fn role(exports: &[Item]) -> Result<(Role, String), ContractError> {
    let role_of = |item: &Item| {
        let (interface, version) = item.ours.as_ref()?;
        let role = Role::ALL.into_iter().find(|role| role.interface() == interface)?;
        Some((role, version.clone()))
    };
    let roles: Vec<_> = exports.iter().filter_map(role_of).collect();
    match roles.as_slice() {
        [found] => Ok(found.clone()),
        [] => Err(ContractError::NoRole { exports: exports.iter().map(|item| item.name.clone()).collect() }),
        _ => Err(ContractError::ManyRoles { roles: roles.iter().map(|(role, _)| role.to_string()).collect() }),
    }
}

/// Refuses what the role's world does not import.
fn check_imports(role: Role, imports: &[Item]) -> Result<(), ContractError> {
    let known = |item: &Item| item.ours.as_ref().is_some_and(|(interface, _)| role.imports().contains(&interface.as_str()));
    let unknown: Vec<_> = imports.iter().filter(|item| !known(item)).map(|item| item.name.clone()).collect();
    if unknown.is_empty() { Ok(()) } else { Err(ContractError::UnknownImports { role, imports: unknown }) }
}

/// The versions this host knows, for a message.
fn known() -> String {
    KNOWN_CONTRACTS.iter().map(|version| format!("`tidegate:plugin@{version}`")).collect::<Vec<_>>().join(", ")
}

/// Names for a message: at most five, since the component chose them.
fn list(names: &[String]) -> String {
    const MOST: usize = 5;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let mut shown: Vec<_> = names.iter().take(MOST).map(|name| format!("`{name}`")).collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests;
