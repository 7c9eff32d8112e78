//! What the surroundings of the process add to an address. Nothing here reads the environment: the host's `config` does and hands it over.

use std::{collections::BTreeMap, fmt, path::PathBuf};

/// A snapshot of what libpq would look up in the process.
#[derive(Clone, Default)]
pub struct PgEnv {
    /// Environment variables by name; only those that start with `PG` are looked at.
    pub vars: BTreeMap<String, String>,
    /// The home folder: `.pgpass` and `.postgresql/` lie in it.
    pub home: Option<PathBuf>,
    /// The name of the operating system's user, who is the database user where none is given.
    pub os_user: Option<String>,
}

impl PgEnv {
    /// The value of a variable. An empty one counts as unset, as in libpq.
    pub(super) fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for PgEnv {
    /// Names without values: `PGPASSWORD` is one of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.vars.keys().collect();
        f.debug_struct("PgEnv").field("vars", &names).field("home", &self.home).field("os_user", &self.os_user).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_debugged_without_values() {
        let env = PgEnv { vars: [("PGPASSWORD".to_owned(), "tide".to_owned())].into(), ..PgEnv::default() };
        let shown = format!("{env:?}");
        assert!(shown.contains("PGPASSWORD") && !shown.contains("tide"), "{shown}");
    }
}
