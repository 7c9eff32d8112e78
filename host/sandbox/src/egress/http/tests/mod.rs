//! Requests over real loopback sockets.

mod credentials;
mod journeys;
mod records;
mod server;

use std::path::Path;

use indexmap::IndexMap;

use super::*;
use crate::config::{self, CredentialKind, HttpGrant, SecretFrom};
use server::{Server, reply};

/// The token that no plugin may see.
const SECRET: &str = "sesame-open-0815";

/// What a source is given in a test.
struct Given {
    grants: Vec<(String, HttpGrant)>,
    credentials: IndexMap<String, config::Credential>,
    patience: Patience,
    folder: tempfile::TempDir,
}

impl Given {
    /// Everything on these servers with any method and with the credential `token`.
    fn servers(servers: &[&Server]) -> Self {
        let grant = |server: &&Server| {
            let grant = HttpGrant {
                url: server.url("/**"),
                methods: vec![Method::Get, Method::Head, Method::Post],
                credentials: vec!["token".to_owned()],
                private: true,
            };
            (format!("g{}", server.port), grant)
        };
        let patience = Patience { requests_per_minute: 1_000_000, breaker_failures: 50, ..Patience::default() };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self { grants: servers.iter().map(grant).collect(), credentials: IndexMap::new(), patience, folder }
    }

    fn with(mut self, kind: CredentialKind, name: Option<&str>) -> Self {
        let file = || SecretFrom { env: None, file: Some("secret".into()) };
        let credential = config::Credential {
            kind,
            name: name.map(str::to_owned),
            user: (kind == CredentialKind::Basic).then(file),
            secret: file(),
            token_url: None,
            client_id: (kind == CredentialKind::Oauth2).then(file),
            scope: None,
        };
        self.credentials.insert("token".to_owned(), credential);
        self
    }

    fn archive(&self) -> Arc<Archive> {
        let head = crate::egress::archive::Head::new("run", "shop", "pipeline", "2026-11-27T12:00:00Z".parse().unwrap());
        Arc::new(Archive::new(self.folder.path().join("raw"), head, 1))
    }

    fn http(&self) -> Arc<Http> {
        self.http_into(None)
    }

    fn http_into(&self, archive: Option<Arc<Archive>>) -> Arc<Http> {
        let grants = Grants::new("shop", self.grants.iter().map(|(name, grant)| (name, grant))).unwrap();
        let credentials = Credentials::resolve(&self.credentials, self.folder.path()).unwrap();
        let terms = Terms { grants, credentials, patience: self.patience, archive, recorded: None, news: None };
        Arc::new(Http::new(terms).unwrap())
    }
}

fn get(url: impl Into<String>) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        headers: Vec::new(),
        body: None,
        credential: None,
        stream: "orders".to_owned(),
        slice: None,
        idempotent: false,
    }
}

fn post(url: impl Into<String>, body: &str) -> Request {
    Request { method: Method::Post, body: Some(body.as_bytes().to_vec()), ..get(url) }
}

fn with_token(request: Request) -> Request {
    Request { credential: Some("token".to_owned()), ..request }
}

fn text(mut response: Response) -> String {
    let mut bytes = Vec::new();
    loop {
        let piece = response.read(7).unwrap();
        if piece.is_empty() {
            return String::from_utf8(bytes).unwrap();
        }
        bytes.extend(piece);
    }
}

/// The error of a request that must fail.
async fn error(http: &Http, request: Request) -> HttpError {
    match http.send(request).await {
        Ok(response) => panic!("it was answered with {}: {}", response.status(), text(response)),
        Err(error) => error,
    }
}

/// Every file below a folder, as text.
fn everything(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            all.push_str(&everything(&entry));
        } else {
            let bytes = std::fs::read(&entry).unwrap();
            let mut unpacked = String::new();
            let gzip = io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut unpacked).is_ok();
            all.push_str(&if gzip { unpacked } else { String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
    all
}
