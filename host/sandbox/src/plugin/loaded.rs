//! A plugin that is loaded: its manifest and the component, ready to be instantiated.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    PluginError, Role,
    bindings::{quality_world, source_world, transform_world, types},
    guest::{Guest, clean_text},
};

/// A wish for a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// `files`, `http` or `database`.
    pub kind: String,
    /// The name under which the plugin asks for it.
    pub name: String,
    /// Why, in the author's words.
    pub purpose: String,
}

/// What a plugin says about itself. Kept beside its compiled code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence, as an SPDX expression.
    pub licence: String,
    /// What it does, in one sentence.
    pub summary: String,
    /// The JSON Schema of its config.
    pub config_schema: serde_json::Value,
    /// What it asks for.
    pub grants: Vec<Grant>,
}

impl Manifest {
    pub(super) fn from_guest(manifest: types::Manifest) -> Result<Self, String> {
        let name = manifest.name;
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err("its name is not made of lower-case letters, digits and hyphens".into());
        }
        let config_schema = serde_json::from_str(&manifest.config_schema).map_err(|e| format!("its config schema is not JSON: {e}"))?;
        let grants = manifest
            .grants
            .into_iter()
            .map(|grant| Grant {
                kind: match grant.kind {
                    types::GrantKind::Files => "files",
                    types::GrantKind::Http => "http",
                    types::GrantKind::Database => "database",
                }
                .to_owned(),
                name: clean_text(grant.name),
                purpose: clean_text(grant.purpose),
            })
            .collect();
        Ok(Self {
            name,
            version: clean_text(manifest.version),
            licence: clean_text(manifest.licence),
            summary: clean_text(manifest.summary),
            config_schema,
            grants,
        })
    }
}

/// A component with its imports linked, by role.
pub(super) enum Pre {
    Source(source_world::SourcePluginPre<Guest>),
    Transform(transform_world::TransformPluginPre<Guest>),
    Quality(quality_world::QualityPluginPre<Guest>),
}

/// A plugin that is loaded.
pub struct Plugin {
    /// Where it was loaded from.
    pub path: PathBuf,
    /// sha256 of the component, in hex.
    pub digest: String,
    /// Its role.
    pub role: Role,
    /// What it says about itself.
    pub manifest: Manifest,
    pub(super) pre: Pre,
}

impl Plugin {
    /// `name@version`, as messages call it.
    pub fn id(&self) -> String {
        format!("{}@{}", self.manifest.name, self.manifest.version)
    }

    /// Fails where the plugin has another role.
    pub fn expect_role(&self, wanted: Role) -> Result<(), PluginError> {
        if self.role == wanted { Ok(()) } else { Err(PluginError::Role { plugin: self.id(), is: self.role, wanted }) }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("id", &self.id()).field("digest", &self.digest).finish_non_exhaustive()
    }
}
