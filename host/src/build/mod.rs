//! Makes a component of a plugin's crate: compile for the sandbox, encode, check against the contract, write.
//!
//! What always holds here:
//! - a component that reaches its final name speaks a contract this host knows; a half-written one never does
//!   (`a_component_replaces_the_old_one_only_where_it_differs`)
//! - rustup is called only where the machine's owner lets it install (`rustup_is_left_alone_where_it_may_not_install`)
//! - the environment is not read: what depends on it comes in with [`Toolchain`]
//! - nothing is printed: cargo's words and ours go to the caller's `talk`, line by line
//!
//! Everything here blocks. The plugin's manifest is not known afterwards: only an instance can tell it.

mod clones;
mod compile;
mod component;
mod toolchain;

use std::path::PathBuf;

use tidegate_sandbox::contract::{self, ContractError, Role};
pub use toolchain::{Toolchain, ToolchainError};

/// What is to be built, and where to.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The folder with the plugin's `Cargo.toml`; it may be a member of any workspace.
    pub crate_dir: PathBuf,
    /// tidegate's cache folder: holds `guests` (cargo's target folder of all plugins) and, where needed, `wasm-rust`.
    pub cache_dir: PathBuf,
    /// Where the component goes, as `<crate's name>.wasm`. Made if it is missing.
    pub out_dir: PathBuf,
    /// Whether to take minutes for a component that is as fast and small as can be.
    pub release: bool,
    /// Which compiler, and who may install what.
    pub toolchain: Toolchain,
}

/// A component that was built and speaks our contract.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Built {
    /// The component.
    pub path: PathBuf,
    /// The crate's name.
    pub name: String,
    /// The component's size.
    pub bytes: u64,
    /// The size of the core module in it.
    pub core_bytes: u64,
    /// The digest of the component's bytes, in hex.
    pub sha256: String,
    /// What the plugin is for.
    pub role: Role,
    /// The version of the contract that it was built for.
    pub contract: String,
    /// The world it implements: `transform-plugin`.
    pub world: String,
    /// The interfaces it imports, with their versions.
    pub imports: Vec<String>,
}

/// Builds the component of one crate. Quick where nothing has changed since the last time. `talk` gets what cargo and the steps
/// have to say, one line per call; the compiler's messages about the crate are among them.
pub fn build(request: &BuildRequest, talk: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let package = compile::find_package(request)?;
    let rustc = toolchain::with_target(&request.toolchain, &request.crate_dir, &request.cache_dir, talk)?;
    let core = compile::core_module(request, &package, rustc.as_deref(), talk)?;
    let bytes = component::encode(&core, &package.name)?;
    let interface =
        contract::inspect_types(&bytes).map_err(|source| BuildError::Contract { name: package.name.clone(), source: Box::new(source) })?;
    let path = component::write(&request.out_dir, &package.name, &bytes)?;
    Ok(Built {
        path,
        bytes: bytes.len() as u64,
        core_bytes: core.len() as u64,
        sha256: component::sha256(&bytes),
        role: interface.role,
        world: interface.role.world().to_owned(),
        contract: interface.contract,
        imports: interface.imports,
        name: package.name,
    })
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder holds no crate that cargo can read.
    #[error("read the crate in `{}`: {said}", crate_dir.display())]
    NoCrate {
        /// The folder.
        crate_dir: PathBuf,
        /// What is wrong with it.
        said: String,
    },
    /// The crate is not compiled to something that can be loaded.
    #[error("build `{name}`: its library is no `cdylib`, so no component can be made of it")]
    NoCdylib {
        /// The crate's name.
        name: String,
    },
    /// There is no compiler for the sandbox.
    #[error("compile for the sandbox")]
    Toolchain(#[from] ToolchainError),
    /// The crate does not compile; the compiler's messages went to `talk`.
    #[error("compile `{name}`: cargo ended with {status}")]
    Compile {
        /// The crate's name.
        name: String,
        /// How cargo ended.
        status: String,
    },
    /// Cargo could not be run, or ended well without naming what it made.
    #[error("run `{cargo}` for `{name}`")]
    Cargo {
        /// The crate's name.
        name: String,
        /// The command.
        cargo: String,
        /// What happened.
        source: std::io::Error,
    },
    /// The core module is not what a component is made of.
    #[error("make a component of `{name}`: its code wants something from outside that its world does not name, or lacks an export")]
    Encode {
        /// The crate's name.
        name: String,
        /// What is missing.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The component does not speak our contract.
    #[error("check `{name}` against the contract")]
    Contract {
        /// The crate's name.
        name: String,
        /// What is wrong with it.
        source: Box<ContractError>,
    },
    /// A file can't be read or written.
    #[error("{what} `{}`", path.display())]
    File {
        /// `read` or `write`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
}

impl BuildError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCrate { .. } => Some("name the folder that holds the plugin's Cargo.toml".to_owned()),
            Self::NoCdylib { .. } => Some("add to its Cargo.toml:\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]".to_owned()),
            Self::Toolchain(_) => Some(toolchain::BY_HAND.to_owned()),
            Self::Encode { .. } => {
                Some("often a dependency that expects a browser's clock or randomness: look at its features (`cargo tree`)".to_owned())
            }
            Self::Contract { source, .. } => source.hint(),
            Self::Compile { .. } | Self::Cargo { .. } | Self::File { .. } => None,
        }
    }
}
