//! Why there is no connection, in words fit to follow "failed to ...".
//!
//! - No error holds the address as it was given, nor a password.

use std::{error::Error, io, path::PathBuf};

use rustls::server::VerifierBuilderError;

use super::address::Place;

/// What a server, the system or TLS says.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Why an address is not understood or a server is not connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is neither a URL nor a conninfo string.
    #[error("understand the address of the database: {what}")]
    Text {
        /// The rule that it breaks.
        what: &'static str,
    },
    /// The password in a URL has characters that mean something else there.
    #[error("understand the address of the database: user or password hold a character that a URL must percent-encode")]
    NotEncoded,
    /// A parameter that does not exist.
    #[error("understand the address of the database: there is no parameter `{name}`{}", near.map(|near| format!(", but `{near}`")).unwrap_or_default())]
    UnknownParameter {
        /// The name as it was given.
        name: String,
        /// The name that was probably meant.
        near: Option<&'static str>,
    },
    /// A parameter that libpq knows and tidegate does not.
    #[error("understand the address of the database: the parameter `{name}` is not supported")]
    Unsupported {
        /// The parameter.
        name: String,
    },
    /// A parameter or variable has a value that can't be.
    #[error("understand the address of the database: `{name}` takes {wanted}")]
    Value {
        /// The parameter or the variable.
        name: &'static str,
        /// What it takes.
        wanted: &'static str,
    },
    /// No user is given and the operating system's is unknown.
    #[error("understand the address of the database: it names no user")]
    NoUser,
    /// A file of certificates is out of reach.
    #[error("read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file that should hold certificates has none.
    #[error("find a PEM certificate in `{}`", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A file that should hold a private key has none.
    #[error("find a PEM private key without a passphrase in `{}`", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The server's certificate is to be verified and there is nothing to verify it by.
    #[error("verify the server's certificate: no trusted certificates are named")]
    NoRoots,
    /// The system's trusted certificates are to be used and there are none.
    #[error("verify the server's certificate: the system has no trusted certificates")]
    NoSystemRoots,
    /// None of the trusted certificates is usable.
    #[error("verify the server's certificate: the trusted certificates are not usable")]
    Roots(#[source] VerifierBuilderError),
    /// TLS can't be set up with these files.
    #[error("set up TLS")]
    Setup(#[source] rustls::Error),
    /// The host has no address.
    #[error("connect to `{at}`: the host has no address")]
    UnknownHost {
        /// The server.
        at: Place,
        /// What the resolver says.
        source: io::Error,
    },
    /// Nothing listens at the port or at the socket.
    #[error("connect to `{at}`: no server listens there")]
    Refused {
        /// The server.
        at: Place,
        /// What the system says.
        source: io::Error,
    },
    /// The network or the file system is in the way.
    #[error("connect to `{at}`")]
    Unreachable {
        /// The server.
        at: Place,
        /// What the system says.
        source: io::Error,
    },
    /// The server does not answer.
    #[error("connect to `{at}`: no answer in time")]
    Timeout {
        /// The server.
        at: Place,
    },
    /// The server wants a password and there is none.
    #[error("connect to `{at}`: the server wants a password, and none is given")]
    NoPassword {
        /// The server.
        at: Place,
    },
    /// The server does not know the user or refuses the password; it never says which.
    #[error("connect to `{at}`: the server refuses the user or the password")]
    WrongPassword {
        /// The server.
        at: Place,
        /// What the server says.
        source: Cause,
    },
    /// The server has no such database.
    #[error("connect to `{at}`: the server has no such database")]
    NoDatabase {
        /// The server.
        at: Place,
        /// What the server says.
        source: Cause,
    },
    /// The server turns the user away before it asks for a password.
    #[error("connect to `{at}`: the server does not admit the user")]
    NotAdmitted {
        /// The server.
        at: Place,
        /// What the server says.
        source: Cause,
    },
    /// The server admits no unencrypted connection and `sslmode` allows for no other.
    #[error("connect to `{at}`: the server does not admit the user without TLS")]
    TlsRequired {
        /// The server.
        at: Place,
        /// What the server says.
        source: Cause,
    },
    /// The connection has to be encrypted and the server can't.
    #[error("connect to `{at}`: the server offers no TLS")]
    TlsNotOffered {
        /// The server.
        at: Place,
    },
    /// The server's certificate does not lead to a trusted one, or is too old or too new.
    #[error("connect to `{at}`: the server's certificate is not trusted")]
    Untrusted {
        /// The server.
        at: Place,
        /// What TLS says.
        source: Cause,
    },
    /// The server's certificate is another host's.
    #[error("connect to `{at}`: the server's certificate is not for this host")]
    WrongName {
        /// The server.
        at: Place,
        /// What TLS says.
        source: Cause,
    },
    /// The encryption does not come about for another reason.
    #[error("connect to `{at}`: TLS fails")]
    Tls {
        /// The server.
        at: Place,
        /// What TLS says.
        source: Cause,
    },
    /// The session does not start for another reason.
    #[error("start a session at `{at}`")]
    Session {
        /// The server.
        at: Place,
        /// What the server says.
        source: Cause,
    },
    /// None of several servers is connected to.
    #[error("connect to any server: {}", tried.iter().map(|error| chain(error)).collect::<Vec<_>>().join("; "))]
    EveryServer {
        /// The failures, in the order of the servers.
        tried: Vec<ConnectError>,
    },
}

impl ConnectError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Text { .. } => {
                "an address is `postgres://user@host:port/database?name=value` or `host=... port=... dbname=... user=...`; in a URL special characters are percent-encoded"
            }
            Self::NotEncoded => {
                "in a URL write `@` as `%40`, `/` as `%2F`, `:` as `%3A`, `?` as `%3F` and `%` as `%25`, or leave the password to `PGPASSWORD` or `~/.pgpass`"
            }
            Self::Value { name: "port", .. } => {
                "in a URL the port follows the host; if it is a piece of the password, percent-encode the password"
            }
            Self::UnknownParameter { .. } | Self::Unsupported { .. } | Self::Value { .. } | Self::Setup(_) => return None,
            Self::NoUser => "give the user in the address or in `PGUSER`",
            Self::File { .. } | Self::NoCertificate { .. } | Self::NoKey { .. } | Self::Roots(_) => {
                "check `sslrootcert`, `sslcert` and `sslkey`, and the files in `~/.postgresql`"
            }
            Self::NoRoots => {
                "name the authority's file with `sslrootcert`, or `sslrootcert=system` for the system's authorities, or put it in `~/.postgresql/root.crt`"
            }
            Self::NoSystemRoots => "install the system's certificates (`ca-certificates`), or name the authority's file with `sslrootcert`",
            Self::UnknownHost { .. } => "check the host's name and the network",
            Self::Refused { .. } => "check that the server runs and listens at this host and port",
            Self::Unreachable { .. } => "check the network, firewalls, and for a socket its permissions",
            Self::Timeout { .. } => "check host, port and firewalls; `connect_timeout` sets how many seconds to wait",
            Self::NoPassword { .. } => "give the password in `PGPASSWORD`, in `~/.pgpass` or in the address",
            Self::WrongPassword { .. } => {
                "check user and password; where the address has none, it comes from `PGPASSWORD` or from the first line of `~/.pgpass` that fits"
            }
            Self::NoDatabase { .. } => "check the name, or create the database with `createdb`",
            Self::NotAdmitted { .. } => "check the user's name and the server's `pg_hba.conf`",
            Self::TlsRequired { .. } => "set `sslmode=require`, or `verify-full` to know the server too",
            Self::TlsNotOffered { .. } => "turn on `ssl` at the server, or set `sslmode=prefer` if the network may be trusted",
            Self::Untrusted { .. } => {
                "name the authority that signed the certificate, or a self-signed certificate itself, with `sslrootcert`"
            }
            Self::WrongName { .. } => {
                "use the name or address that the certificate has among its subject alternative names (its common name does not count), or `sslmode=verify-ca`"
            }
            Self::Tls { .. } => "TLS 1.2 or newer is needed",
            Self::Session { .. } => return None,
            Self::EveryServer { tried } => return tried.last().and_then(Self::hint),
        })
    }

    /// Whether another server may do better. One that answers and refuses is not passed over, as in libpq: a wrong password is wrong everywhere.
    pub(super) fn leaves_other_servers(&self) -> bool {
        match self {
            Self::UnknownHost { .. } | Self::Refused { .. } | Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Session { source, .. } => match source.downcast_ref::<tokio_postgres::error::DbError>() {
                Some(error) => *error.code() == tokio_postgres::error::SqlState::CANNOT_CONNECT_NOW,
                None => true,
            },
            _ => false,
        }
    }

    /// Whether the same may succeed a moment later: a server that restarts, a network that comes back.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::EveryServer { tried } => tried.iter().all(Self::is_transient),
            error => error.leaves_other_servers(),
        }
    }

    /// Whether it may end otherwise with TLS where there was none, or without it.
    pub(super) fn hangs_on_encryption(&self) -> bool {
        use ConnectError::{NotAdmitted, Tls, TlsNotOffered, TlsRequired, Untrusted, WrongName};
        matches!(self, NotAdmitted { .. } | TlsRequired { .. } | TlsNotOffered { .. } | Untrusted { .. } | WrongName { .. } | Tls { .. })
    }

    /// Of the failures with and without TLS the one that tells more.
    pub(super) fn telling(first: Self, second: Self) -> Self {
        match (&first, &second) {
            (_, Self::TlsNotOffered { .. }) => first,
            (Self::NotAdmitted { .. } | Self::TlsRequired { .. }, _) => second,
            (_, second) if second.hangs_on_encryption() => first,
            _ => second,
        }
    }
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}
