//! HTTPS as it is: a server with a certificate of an authority made for the test, which the system does not know.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{Source, gets};

/// Makes an authority, and certificates by it for `localhost` and for another name.
const CERTIFICATES: &str = r#"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt
for name in localhost other.test; do
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
    printf 'basicConstraints=CA:FALSE\nsubjectAltName=DNS:%s\n' "$name" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile "$name.ext" -out "$name.crt"
done
"#;

/// A server that answers every GET over TLS.
struct Server {
    port: u16,
    child: Child,
}

impl Server {
    /// Starts one with the certificate for `name`.
    fn start(folder: &Path, name: &str) -> Self {
        // Between this port's end and the server's start nobody else is given it: the system hands out others first.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (accept, certificate, key) = (format!("127.0.0.1:{port}"), format!("{name}.crt"), format!("{name}.key"));
        let child = Command::new("openssl")
            .args(["s_server", "-accept", &accept, "-cert", &certificate, "-key", &key, "-www", "-quiet"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("`openssl` is there (apt-get install openssl)");
        let server = Self { port, child };
        for _ in 0..200 {
            if TcpStream::connect(&accept).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        panic!("`openssl s_server` does not listen on {accept}");
    }

    fn source(&self, trusted: Option<&Path>) -> Source {
        Source {
            grants: format!("api = {{ url = \"https://localhost:{}/**\", private = true }}", self.port),
            variables: trusted.map(|file| ("SSL_CERT_FILE", file.display().to_string())).into_iter().collect(),
            ..Source::default()
        }
    }

    /// What a request brings under these authorities.
    fn ask(&self, trusted: Option<&Path>) -> String {
        let url = format!("https://localhost:{}/orders", self.port);
        self.source(trusted).ask(&gets([url.as_str()])).got.remove(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_certificate_is_held_against_its_authority_and_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("sh").args(["-euc", CERTIFICATES]).current_dir(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let authority = folder.path().join("ca.crt");

    let server = Server::start(folder.path(), "localhost");
    let got = server.ask(Some(&authority));
    assert!(got.starts_with("GOT 200"), "{got}");
    let got = server.ask(None);
    assert!(got.starts_with("the certificate of `localhost` is not accepted: UnknownIssuer"), "{got}");
    assert!(got.contains("`SSL_CERT_FILE`"), "{got}");

    let impostor = Server::start(folder.path(), "other.test");
    let got = impostor.ask(Some(&authority));
    assert!(got.starts_with("the certificate of `localhost` is not accepted: certificate not valid for name"), "{got}");
}

#[test]
fn a_machine_without_authorities_still_asks_in_the_clear() {
    use tidegate_tests::wire::{Reply, Wire};
    let folder = tempfile::tempdir().unwrap();
    let none = folder.path().join("none.pem");
    std::fs::write(&none, "").unwrap();
    let wire = Wire::start(|_| Reply::text(200, "here"));
    let mut source = Source::of(&wire);
    source.variables = vec![("SSL_CERT_FILE", none.display().to_string())];
    let url = format!("{}/x", wire.url());
    assert!(source.ask(&gets([url.as_str()])).got[0].ends_with("here"));
}
