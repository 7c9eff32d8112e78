//! What of a connection is encrypted and what of the server's certificate is looked at, with the meaning that libpq gives to `sslmode`.
//!
//! - Unix sockets are never encrypted.
//! - The crypto provider is named, never the process-wide default: the host links two of them (`ring` here, `aws-lc-rs` below deltalake), and
//!   rustls panics where it should choose between them.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig,
    client::danger::ServerCertVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    error::ConnectError,
    parameter::Settings,
    verify::{Anyone, Trusted},
};

/// libpq's `sslmode`, from the weakest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// How one attempt to connect is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encryption {
    Off,
    IfOffered,
    On,
}

/// Whose word on the server's certificate is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// None is given and the default file is not there.
    Unset,
    System,
    File(PathBuf),
}

/// The TLS settings of an address.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub mode: Mode,
    roots: Roots,
    client: Option<ClientFiles>,
}

/// The files of the client's own certificate.
#[derive(Debug, Clone)]
struct ClientFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl Mode {
    /// The attempts that the mode allows for: the first one, and what is tried when that fails.
    pub fn attempts(self) -> (Encryption, Option<Encryption>) {
        match self {
            Self::Disable => (Encryption::Off, None),
            Self::Allow => (Encryption::Off, Some(Encryption::On)),
            Self::Prefer => (Encryption::IfOffered, Some(Encryption::Off)),
            Self::Require | Self::VerifyCa | Self::VerifyFull => (Encryption::On, None),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "disable" => Some(Self::Disable),
            "allow" => Some(Self::Allow),
            "prefer" => Some(Self::Prefer),
            "require" => Some(Self::Require),
            "verify-ca" => Some(Self::VerifyCa),
            "verify-full" => Some(Self::VerifyFull),
            _ => None,
        }
    }
}

impl Tls {
    pub fn parse(settings: &Settings<'_>) -> Result<Self, ConnectError> {
        let roots = match settings.get("sslrootcert") {
            Some("system") => Roots::System,
            Some(path) => Roots::File(PathBuf::from(path)),
            None => default_file(settings, "root.crt").map_or(Roots::Unset, Roots::File),
        };
        let mode = match settings.get("sslmode") {
            Some(text) => Mode::parse(text)
                .ok_or_else(|| settings.wrong("sslmode", "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`"))?,
            None if roots == Roots::System => Mode::VerifyFull,
            None => Mode::Prefer,
        };
        // A public authority certifies anybody: its word is worth something for one name only. libpq refuses this too.
        if roots == Roots::System && mode < Mode::VerifyFull {
            return Err(settings.wrong("sslmode", "nothing but `verify-full` with `sslrootcert=system`"));
        }
        Ok(Self { mode, roots, client: client_files(settings)? })
    }

    /// Makes what starts TLS on a connection. Reads the files of the certificates.
    pub fn connector(&self) -> Result<MakeRustlsConnect, ConnectError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(ConnectError::Setup)?
            .dangerous()
            .with_custom_certificate_verifier(self.verifier(provider)?);
        let config = match &self.client {
            Some(files) => {
                builder.with_client_auth_cert(certificates(&files.certificate)?, key(&files.key)?).map_err(ConnectError::Setup)?
            }
            None => builder.with_no_client_auth(),
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, ConnectError> {
        let trusted = match &self.roots {
            Roots::Unset if self.mode >= Mode::VerifyCa => return Err(ConnectError::NoRoots),
            Roots::Unset => return Ok(Arc::new(Anyone::new(&provider))),
            Roots::System => system_certificates()?,
            Roots::File(path) => certificates(path)?,
        };
        Ok(Arc::new(Trusted::new(trusted, self.mode == Mode::VerifyFull, provider)?))
    }
}

/// A file that libpq takes where none is named, if it is there.
fn default_file(settings: &Settings<'_>, name: &str) -> Option<PathBuf> {
    settings.env().home.as_ref().map(|home| home.join(".postgresql").join(name)).filter(|path| path.exists())
}

fn client_files(settings: &Settings<'_>) -> Result<Option<ClientFiles>, ConnectError> {
    let file = |parameter, default| settings.get(parameter).map(PathBuf::from).or_else(|| default_file(settings, default));
    match (file("sslcert", "postgresql.crt"), file("sslkey", "postgresql.key")) {
        (Some(certificate), Some(key)) => Ok(Some(ClientFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(settings.wrong("sslkey", "the file of the key that belongs to `sslcert`")),
        (None, Some(_)) => Err(settings.wrong("sslcert", "the file of the certificate that belongs to `sslkey`")),
    }
}

fn system_certificates() -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let certificates = rustls_native_certs::load_native_certs().certs;
    if certificates.is_empty() { Err(ConnectError::NoSystemRoots) } else { Ok(certificates) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&read(path)?).filter_map(Result::ok).collect();
    if certificates.is_empty() { Err(ConnectError::NoCertificate { path: path.to_owned() }) } else { Ok(certificates) }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, ConnectError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| ConnectError::NoKey { path: path.to_owned() })
}

fn read(path: &Path) -> Result<Vec<u8>, ConnectError> {
    fs::read(path).map_err(|source| ConnectError::File { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::super::{env::PgEnv, text};
    use super::*;

    fn tls(text: &str, env: &PgEnv) -> Result<Tls, ConnectError> {
        Tls::parse(&Settings::new(text::read(text)?, env))
    }

    #[test]
    fn the_mode_is_prefer_unless_it_is_said() {
        let table = [
            ("", Mode::Prefer),
            ("sslmode=disable", Mode::Disable),
            ("sslmode=verify-ca", Mode::VerifyCa),
            ("sslrootcert=system", Mode::VerifyFull),
            ("sslrootcert=ca.crt", Mode::Prefer),
        ];
        for (text, mode) in table {
            assert_eq!(tls(text, &PgEnv::default()).unwrap().mode, mode, "{text}");
        }
    }

    #[test]
    fn a_mode_that_is_none_or_weaker_than_its_roots_is_refused() {
        for text in ["sslmode=on", "sslmode=require sslrootcert=system", "sslcert=only.crt", "sslkey=only.key"] {
            assert!(matches!(tls(text, &PgEnv::default()), Err(ConnectError::Value { .. })), "{text}");
        }
    }

    #[test]
    fn verifying_without_roots_is_an_error_and_requiring_is_not() {
        let connector = |text| tls(text, &PgEnv::default()).unwrap().connector().err();
        assert!(matches!(connector("sslmode=verify-full"), Some(ConnectError::NoRoots)));
        assert!(matches!(connector("sslmode=verify-ca"), Some(ConnectError::NoRoots)));
        assert!(connector("sslmode=require").is_none());
        assert!(matches!(connector("sslmode=require sslrootcert=/nowhere/ca.crt"), Some(ConnectError::File { .. })));
    }

    #[test]
    fn the_roots_in_the_home_folder_are_taken_where_none_are_named() {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".postgresql")).unwrap();
        let root = home.path().join(".postgresql/root.crt");
        fs::write(&root, "").unwrap();
        let env = PgEnv { home: Some(home.path().to_owned()), ..PgEnv::default() };
        assert_eq!(tls("sslmode=require", &env).unwrap().roots, Roots::File(root));
        assert_eq!(tls("sslrootcert=other.crt", &env).unwrap().roots, Roots::File("other.crt".into()));
    }
}
