//! What makes a server's certificate good enough: anything, or a chain to a trusted one, with or without the host's name.
//!
//! - Each answer is rustls's own. Only a name that does not fit is forgiven, and only for `verify-ca`.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};
use x509_cert::{Certificate, der::Decode};

use super::error::ConnectError;

/// Takes every certificate: the connection is encrypted, with whom is not known.
#[derive(Debug)]
pub(super) struct Anyone {
    schemes: Vec<SignatureScheme>,
}

/// Takes a certificate that leads to a trusted one.
#[derive(Debug)]
pub(super) struct Trusted {
    chain: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
    names_matter: bool,
}

impl Anyone {
    pub fn new(provider: &CryptoProvider) -> Self {
        Self { schemes: provider.signature_verification_algorithms.supported_schemes() }
    }
}

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    // A signature shows that the server has the key of its certificate. That says nothing where any certificate will do, and checking it would
    // turn away old ones (X.509 v1) that `sslmode=require` takes in libpq.
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl Trusted {
    /// Trusts these certificates; `names_matter` is what `verify-full` adds to `verify-ca`.
    pub fn new(
        certificates: Vec<CertificateDer<'static>>,
        names_matter: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ConnectError> {
        let mut roots = RootCertStore::empty();
        // A system's store may hold a certificate that rustls can't read; the others are no worse for it.
        roots.add_parsable_certificates(certificates.iter().cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().map_err(ConnectError::Roots)?;
        Ok(Self { chain, certificates, names_matter })
    }

    /// A server that shows a trusted certificate itself, self-signed as a rule. webpki takes no authority's certificate for a server's
    /// (`CaUsedAsEndEntity`), OpenSSL does, and `openssl req -x509` makes just that.
    fn own(&self, certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<ServerCertVerified, Error> {
        let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
        let validity = parsed.tbs_certificate.validity;
        let now = Duration::from_secs(now.as_secs());
        if now < validity.not_before.to_unix_duration() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > validity.not_after.to_unix_duration() {
            return Err(CertificateError::Expired.into());
        }
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
        Ok(ServerCertVerified::assertion())
    }
}

impl ServerCertVerifier for Trusted {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // Both look at the name last: where it is what they miss, the rest was good.
        let verdict = if self.certificates.contains(certificate) {
            self.own(certificate, name, now)
        } else {
            self.chain.verify_server_cert(certificate, intermediates, name, ocsp_response, now)
        };
        match verdict {
            Err(error) if !self.names_matter && is_about_the_name(&error) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Whether a certificate is refused for the host's name alone.
pub(super) fn is_about_the_name(error: &Error) -> bool {
    matches!(error, Error::InvalidCertificate(CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }))
}

#[cfg(test)]
mod tests {
    use rustls::{crypto::ring, pki_types::pem::PemObject};

    use super::*;

    /// What `openssl req -x509` makes for `localhost`: self-signed and, as it is by default, an authority's.
    const SELF_SIGNED: &[u8] = b"\
-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUT/KbWcjcE9Dx/NPr1ttv0+eLL9IwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEc2VsZjAeFw0yNjExMjMwOTI5MTFaFw0yNjEyMjMwOTI5MTFa
MA8xDTALBgNVBAMMBHNlbGYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS5ftMZ
2r16aZmC+GHjpOuB4X23f3H7W+L/0CAZJI8IoAwcrPP2vFY77tBV+xt6ZEA+Hjx1
VvZc1OLU1AITil7Go2kwZzAdBgNVHQ4EFgQUictxf/HHwOJDnqF2G9Zt8pdm7Lgw
HwYDVR0jBBgwFoAUictxf/HHwOJDnqF2G9Zt8pdm7LgwDwYDVR0TAQH/BAUwAwEB
/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwIDSAAwRQIgPcqyk/Yo
57e0+J0Ar2fIZN9hIM79ddMUG1W2x4FjKkgCIQCWWLk2v8/ZQIA9YrCtKWE7EuFQ
HZE0av5NgTUMvmt6RA==
-----END CERTIFICATE-----
";

    /// When it begins and ends to be valid, in seconds since 1970.
    const VALID: [u64; 2] = [1_795_426_151, 1_798_018_151];

    fn verdict(names_matter: bool, host: &'static str, now: u64) -> Result<(), Error> {
        let certificate = CertificateDer::from_pem_slice(SELF_SIGNED).unwrap();
        let trusted = Trusted::new(vec![certificate.clone()], names_matter, Arc::new(ring::default_provider())).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
        trusted.verify_server_cert(&certificate, &[], &host.try_into().unwrap(), &[], now).map(drop)
    }

    #[test]
    fn a_trusted_certificate_that_the_server_shows_itself_is_good_while_it_is_valid() {
        let [begin, end] = VALID;
        assert_eq!(verdict(true, "localhost", begin), Ok(()));
        assert_eq!(verdict(true, "localhost", end), Ok(()));
        assert_eq!(verdict(true, "localhost", begin - 1), Err(CertificateError::NotValidYet.into()));
        assert_eq!(verdict(false, "localhost", end + 1), Err(CertificateError::Expired.into()));
    }

    #[test]
    fn another_name_is_forgiven_where_names_do_not_matter() {
        assert!(verdict(true, "elsewhere", VALID[0]).is_err_and(|error| is_about_the_name(&error)));
        assert_eq!(verdict(false, "elsewhere", VALID[0]), Ok(()));
    }
}
