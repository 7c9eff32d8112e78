//! Secrets and where they come from.

use std::{
    env, fmt, fs, io,
    path::{Path, PathBuf},
};

use super::egress::SecretFrom;

/// A text that must not be seen: no `Display`, nothing of it in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who sends it where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The value of an environment variable; none where it is not set or empty.
pub fn from_env(name: &str) -> Option<Secret> {
    env::var(name).ok().filter(|value| !value.is_empty()).map(Secret)
}

/// Why a secret can't be had. Says where it was looked for, never what was found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment variable is not set, or empty.
    #[error("the environment variable `{name}` is not set")]
    NotSet {
        /// The variable.
        name: String,
    },
    /// The file can't be read.
    #[error("the file `{}` can't be read: {source}", path.display())]
    Read {
        /// The file, as the pipeline names it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds nothing, or something that no header can carry.
    #[error("the file `{}` holds {what}", path.display())]
    Content {
        /// The file, as the pipeline names it.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Neither a variable nor a file is named, or both are.
    #[error("a secret has either `env` or `file`")]
    Unclear,
}

/// A secret from where a pipeline says that it is; files are relative to `root`.
pub fn resolve(from: &SecretFrom, root: &Path) -> Result<Secret, SecretError> {
    match (&from.env, &from.file) {
        (Some(name), None) => from_env(name).ok_or_else(|| SecretError::NotSet { name: name.clone() }),
        (None, Some(path)) => from_file(root, path),
        _ => Err(SecretError::Unclear),
    }
}

fn from_file(root: &Path, path: &Path) -> Result<Secret, SecretError> {
    let bytes = fs::read(root.join(path)).map_err(|source| SecretError::Read { path: path.to_owned(), source })?;
    let content = |what| SecretError::Content { path: path.to_owned(), what };
    let text = String::from_utf8(bytes).map_err(|_| content("no text"))?;
    let text = text.trim_end();
    match text {
        "" => Err(content("nothing")),
        text if text.chars().any(char::is_control) => Err(content("more than one line")),
        text => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2"))), "Some(Secret(..))");
    }

    #[test]
    fn a_secret_file_is_one_line() {
        let root = tempfile::tempdir().unwrap();
        let from = |file: &str| SecretFrom { env: None, file: Some(file.into()) };
        fs::write(root.path().join("token"), "s3cret \n").unwrap();
        fs::write(root.path().join("empty"), "\n").unwrap();
        fs::write(root.path().join("two"), "a\nb\n").unwrap();
        assert_eq!(resolve(&from("token"), root.path()).unwrap().expose(), "s3cret");
        assert_eq!(resolve(&from("empty"), root.path()).unwrap_err().to_string(), "the file `empty` holds nothing");
        assert_eq!(resolve(&from("two"), root.path()).unwrap_err().to_string(), "the file `two` holds more than one line");
        assert!(resolve(&from("none"), root.path()).unwrap_err().to_string().starts_with("the file `none` can't be read"));
        assert!(matches!(resolve(&SecretFrom::default(), root.path()), Err(SecretError::Unclear)));
    }

    #[test]
    fn a_variable_that_is_missing_is_named() {
        let from = SecretFrom { env: Some("TIDEGATE_TEST_NO_SUCH_VARIABLE".into()), file: None };
        let error = resolve(&from, Path::new(".")).unwrap_err();
        assert_eq!(error.to_string(), "the environment variable `TIDEGATE_TEST_NO_SUCH_VARIABLE` is not set");
    }
}
