//! From what tokio-postgres, rustls and the system say to the kind of failure.
//!
//! - A kind is told by codes and types. The three texts that are compared are tokio-postgres's own and PostgreSQL's, each with its reason.

use std::{error::Error, io};

use tokio_postgres::error::{DbError, SqlState};

use super::{
    address::Place,
    error::{Cause, ConnectError},
    verify,
};

/// What was tried.
pub(super) struct Attempt {
    pub at: Place,
    pub has_password: bool,
    /// `sslmode=disable`: the user could have had TLS and did not.
    pub without_tls: bool,
}

impl Attempt {
    /// The failure of a TCP or socket connection.
    pub fn unreached(self, source: io::Error) -> ConnectError {
        let at = self.at;
        match source.kind() {
            // A socket that is not there is the same news as a port at which nobody listens.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ConnectError::Refused { at, source },
            io::ErrorKind::TimedOut => ConnectError::Timeout { at },
            _ => ConnectError::Unreachable { at, source },
        }
    }

    /// The failure of a session.
    pub fn failed(self, error: tokio_postgres::Error) -> ConnectError {
        // tokio-postgres keeps the kind of an error to itself (0.7.18), its text is all there is.
        let kind = error.to_string();
        let Some(cause) = error.into_source() else { return ConnectError::Session { at: self.at, source: kind.into() } };
        match kind.as_str() {
            "error connecting to server" => self.no_socket(cause),
            "error performing TLS handshake" => self.no_tls(cause),
            "invalid configuration" if !self.has_password => ConnectError::NoPassword { at: self.at },
            _ => self.refused(cause),
        }
    }

    fn no_socket(self, cause: Cause) -> ConnectError {
        match cause.downcast::<io::Error>() {
            Ok(source) => self.unreached(*source),
            Err(source) => ConnectError::Session { at: self.at, source },
        }
    }

    fn no_tls(self, cause: Cause) -> ConnectError {
        let at = self.at;
        match in_tls(cause.as_ref()) {
            Some(error) if verify::is_about_the_name(error) => ConnectError::WrongName { at, source: error.clone().into() },
            Some(error @ rustls::Error::InvalidCertificate(_)) => ConnectError::Untrusted { at, source: error.clone().into() },
            Some(error) => ConnectError::Tls { at, source: error.clone().into() },
            // Here too the text is all that tokio-postgres gives.
            None if cause.to_string() == "server does not support TLS" => ConnectError::TlsNotOffered { at },
            None => ConnectError::Tls { at, source: cause },
        }
    }

    fn refused(self, source: Cause) -> ConnectError {
        let at = self.at;
        let Some(error) = source.downcast_ref::<DbError>() else { return ConnectError::Session { at, source } };
        match error.code() {
            code if *code == SqlState::INVALID_PASSWORD => ConnectError::WrongPassword { at, source },
            code if *code == SqlState::INVALID_CATALOG_NAME => ConnectError::NoDatabase { at, source },
            code if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION && self.without_tls && wants_tls(error) => {
                ConnectError::TlsRequired { at, source }
            }
            code if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => ConnectError::NotAdmitted { at, source },
            _ => ConnectError::Session { at, source },
        }
    }
}

/// Whether `pg_hba.conf` has no line for the user without encryption. There is no code for it; before PostgreSQL 14 the text ends in `SSL off`, and in
/// another language it is `NotAdmitted`, whose cause says the same.
fn wants_tls(error: &DbError) -> bool {
    ["no encryption", "SSL off"].iter().any(|words| error.message().ends_with(words))
}

fn in_tls<'a>(cause: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}
