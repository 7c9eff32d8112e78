//! Secrets and what else of the environment belongs to a connection.

use std::{collections::BTreeMap, env, path::PathBuf};

pub use tidegate_sandbox::config::secret::{Secret, SecretError, from_env, resolve};

/// The variables of libpq: those that begin with `PG`.
pub fn libpq_variables() -> BTreeMap<String, String> {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with("PG"))
        .collect()
}

/// The home directory, where libpq looks for `.pgpass`.
pub fn home() -> Option<PathBuf> {
    env::home_dir().filter(|home| !home.as_os_str().is_empty())
}

/// The name of the operating system's user: libpq's database user where none is given.
pub fn user() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| env::var(name).ok().filter(|user| !user.is_empty()))
}
