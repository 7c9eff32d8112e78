//! What the environment says. No other module reads environment variables; the tidy test and clippy's `disallowed-methods` hold that.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

/// The one folder outside the clone that tidegate writes to. Everything in it can be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// `TIDEGATE_CACHE`, else `XDG_CACHE_HOME/tidegate`, else `~/.cache/tidegate`.
    pub root: PathBuf,
}

/// There is no place for the cache.
#[derive(Debug, thiserror::Error)]
#[error("find a place for the cache: there is no home directory (set `TIDEGATE_CACHE` to a folder)")]
pub struct NoCache;

impl Cache {
    /// The cache folder of this environment. It need not exist yet.
    pub fn from_env() -> Result<Self, NoCache> {
        Self::find(|name| env::var_os(name), env::home_dir())
    }

    /// A folder in the cache.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn find(variable: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Result<Self, NoCache> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(root) = given("TIDEGATE_CACHE") {
            return Ok(Self { root });
        }
        // The XDG base directory specification has relative paths ignored.
        let base = given("XDG_CACHE_HOME").filter(|base| base.is_absolute());
        let base = base.or_else(|| home.filter(|home| !home.as_os_str().is_empty()).map(|home| home.join(".cache")));
        base.map(|base| Self { root: base.join("tidegate") }).ok_or(NoCache)
    }
}

/// Folders in which plugins are looked for besides the usual ones: `TIDEGATE_PLUGINS`, separated as in `PATH`.
pub fn plugin_path() -> Vec<PathBuf> {
    folders(env::var_os("TIDEGATE_PLUGINS"))
}

/// Where the dashboard is that messages link to: `TIDEGATE_PUBLIC_URL`. What is no URL is none.
pub fn public_url() -> Option<url::Url> {
    env::var("TIDEGATE_PUBLIC_URL").ok()?.parse().ok()
}

/// How this program was called, for the commands that it suggests.
pub fn program() -> String {
    env::args().next().unwrap_or_else(|| "tidegate".to_owned())
}

/// The folder `plugins` beside this program, where an installation keeps the first-party ones.
pub fn plugins_beside_program() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.join("plugins"))
}

/// Whether rustup may download a toolchain or target: not where `RUSTUP_AUTO_INSTALL` is `0`.
pub fn rustup_may_install() -> bool {
    may_install(env::var_os("RUSTUP_AUTO_INSTALL"))
}

fn folders(value: Option<OsString>) -> Vec<PathBuf> {
    let value = value.unwrap_or_default();
    env::split_paths(&value).filter(|folder| !folder.as_os_str().is_empty()).collect()
}

fn may_install(value: Option<OsString>) -> bool {
    value.is_none_or(|value| value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(variables: &[(&str, &str)], home: Option<&str>) -> Option<PathBuf> {
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        Cache::find(variable, home.map(PathBuf::from)).ok().map(|cache| cache.root)
    }

    #[test]
    fn the_cache_is_where_the_most_specific_variable_says() {
        assert_eq!(find(&[("TIDEGATE_CACHE", "/c"), ("XDG_CACHE_HOME", "/x")], Some("/h")), Some("/c".into()));
        assert_eq!(find(&[("XDG_CACHE_HOME", "/x")], Some("/h")), Some("/x/tidegate".into()));
        assert_eq!(find(&[], Some("/h")), Some("/h/.cache/tidegate".into()));
    }

    #[test]
    fn empty_and_relative_variables_are_passed_over() {
        assert_eq!(find(&[("TIDEGATE_CACHE", ""), ("XDG_CACHE_HOME", "x")], Some("/h")), Some("/h/.cache/tidegate".into()));
    }

    #[test]
    fn without_a_home_there_is_no_cache() {
        assert_eq!(find(&[], None), None);
        assert_eq!(find(&[], Some("")), None);
    }

    #[test]
    fn the_plugin_path_skips_empty_entries() {
        let joined = env::join_paths(["/a", "", "/b"]).unwrap();
        assert_eq!(folders(Some(joined)), [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(folders(None), Vec::<PathBuf>::new());
    }

    #[test]
    fn rustup_may_install_unless_told_not_to() {
        assert!(may_install(None) && may_install(Some("1".into())));
        assert!(!may_install(Some("0".into())));
    }
}
