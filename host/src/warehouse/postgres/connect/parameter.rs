//! The parameters of an address: which there are, what names them, where a value that is not given comes from.
//!
//! - A parameter that libpq knows and tidegate does not is refused, never ignored: most of them restrict what may be connected to.

use std::collections::BTreeMap;

use strsim::damerau_levenshtein;

use super::{env::PgEnv, error::ConnectError};

/// What is understood, with the variable that stands in for it.
const KNOWN: [(&str, &str); 16] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
    ("passfile", "PGPASSFILE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("gssencmode", "PGGSSENCMODE"),
];

/// What libpq 18 knows beyond that.
const UNSUPPORTED: [&str; 34] = [
    "service",
    "servicefile",
    "require_auth",
    "client_encoding",
    "fallback_application_name",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "replication",
    "sslnegotiation",
    "sslcompression",
    "sslpassword",
    "sslcertmode",
    "sslcrl",
    "sslcrldir",
    "sslsni",
    "requirepeer",
    "ssl_min_protocol_version",
    "ssl_max_protocol_version",
    "min_protocol_version",
    "max_protocol_version",
    "krbsrvname",
    "gsslib",
    "gssdelegation",
    "scram_client_key",
    "scram_server_key",
    "sslkeylogfile",
    "target_session_attrs",
    "load_balance_hosts",
    "oauth_issuer",
    "oauth_client_id",
    "oauth_client_secret",
];

/// The longest name that is repeated to a person. What is longer is no misspelt parameter but a piece of something else, perhaps of a password.
const MAX_NAME_CHARS: usize = 32;

/// Values by the name of their parameter. Without `Debug`: the password is one of them.
#[derive(Default)]
pub(super) struct Given(BTreeMap<&'static str, String>);

impl Given {
    /// Keeps a value; a later one replaces an earlier one.
    pub fn put(&mut self, name: &str, value: String) -> Result<(), ConnectError> {
        match KNOWN.iter().find(|(known, _)| *known == name) {
            Some((known, _)) => {
                self.0.insert(known, value);
                Ok(())
            }
            None => Err(refused(name)),
        }
    }
}

fn refused(name: &str) -> ConnectError {
    if name.chars().count() > MAX_NAME_CHARS || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return ConnectError::Text { what: "a parameter's name has other characters than letters, digits and `_`" };
    }
    let name = name.to_owned();
    if UNSUPPORTED.contains(&name.as_str()) {
        return ConnectError::Unsupported { name };
    }
    let near = KNOWN
        .iter()
        .map(|(known, _)| (damerau_levenshtein(&name, known), *known))
        .filter(|(distance, known)| *distance <= 2.min(known.len() / 2))
        .min()
        .map(|(_, known)| known);
    ConnectError::UnknownParameter { name, near }
}

/// What is given, with the environment behind it.
pub(super) struct Settings<'a> {
    given: Given,
    env: &'a PgEnv,
}

impl<'a> Settings<'a> {
    pub fn new(given: Given, env: &'a PgEnv) -> Self {
        Self { given, env }
    }

    pub fn env(&self) -> &'a PgEnv {
        self.env
    }

    /// The value of a parameter. An empty one counts as not given.
    pub fn get(&self, name: &'static str) -> Option<&str> {
        self.given(name).or_else(|| self.env.var(variable(name)?))
    }

    /// The error for a value that can't be. It names the parameter or the variable and leaves the value out: a password that is not
    /// percent-encoded ends up in any of them.
    pub fn wrong(&self, name: &'static str, wanted: &'static str) -> ConnectError {
        let origin = if self.given(name).is_some() { Some(name) } else { variable(name) };
        ConnectError::Value { name: origin.unwrap_or(name), wanted }
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.given.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn variable(name: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, variable)| *variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(name: &str) -> String {
        Given::default().put(name, String::new()).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_parameter_is_named_with_the_one_that_was_meant() {
        assert_eq!(message("ssl_mode"), "understand the address of the database: there is no parameter `ssl_mode`, but `sslmode`");
        assert_eq!(message("colour"), "understand the address of the database: there is no parameter `colour`");
    }

    #[test]
    fn what_only_libpq_knows_is_refused_by_name() {
        assert_eq!(message("sslcrl"), "understand the address of the database: the parameter `sslcrl` is not supported");
    }

    #[test]
    fn what_looks_like_no_name_is_not_repeated() {
        assert!(!message("s3cret@db").contains("s3cret"));
    }

    #[test]
    fn an_empty_value_leaves_the_word_to_the_environment() {
        let env = PgEnv { vars: [("PGPORT".into(), "5433".into()), ("PGHOST".into(), String::new())].into(), ..PgEnv::default() };
        let mut given = Given::default();
        given.put("port", String::new()).unwrap();
        let settings = Settings::new(given, &env);
        assert_eq!(settings.get("port"), Some("5433"));
        assert_eq!(settings.get("host"), None);
    }
}
