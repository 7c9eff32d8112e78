//! A password that can't be printed by accident: no `Display`, and `Debug` says only that there is one.

use std::fmt;

/// The password of a database user.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Wraps the password as the server wants it, decoded and unescaped.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the handshake and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_redacted_when_it_is_debugged() {
        assert_eq!(format!("{:?}", Some(Password::new("tide"))), "Some(Password(redacted))");
    }
}
