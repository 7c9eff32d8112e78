//! What a pipeline file says about requests over HTTP: grants, credentials, patience.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Requests that a source may send. What is not granted is refused, and the refusal says what to write here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpGrant {
    /// Scheme, host, port and paths: `https://demo.myshopify.com/admin/**`. A host may begin with `*.`; in a path `*` stands for anything
    /// within a segment, `**` for any segments.
    pub url: String,
    /// The methods that may be used: `get` and `head` by default.
    #[serde(default = "reading")]
    pub methods: Vec<HttpMethod>,
    /// The credentials, by name, that may be sent there: none by default.
    #[serde(default)]
    pub credentials: Vec<String>,
    /// Whether the host may have a loopback, private or link-local address. Addresses that serve a cloud's metadata are never dialled.
    #[serde(default)]
    pub private: bool,
}

/// A method that can be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, serde::Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Reads the headers.
    Head,
    /// Sends.
    Post,
}

impl HttpMethod {
    /// Its name as pipelines write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Head => "head",
            Self::Post => "post",
        }
    }
}

fn reading() -> Vec<HttpMethod> {
    vec![HttpMethod::Get, HttpMethod::Head]
}

/// A secret that the host adds to requests. A plugin only knows its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// How it is sent.
    pub kind: CredentialKind,
    /// The name of the header or of the query parameter. Of `oauth2` the header that carries the bare token, where that is not `authorization`.
    pub name: Option<String>,
    /// The user; for `basic` only.
    pub user: Option<SecretFrom>,
    /// The secret itself: a token, a password, a client's secret.
    pub secret: SecretFrom,
    /// Where access tokens are given out; for `oauth2` only, as are the keys below.
    pub token_url: Option<String>,
    /// The client's id.
    pub client_id: Option<SecretFrom>,
    /// The scope that is asked for.
    pub scope: Option<String>,
}

/// How a credential is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// `authorization: Bearer <secret>`.
    Bearer,
    /// `authorization: Basic <user and secret>`.
    Basic,
    /// A header of its own.
    Header,
    /// A parameter of the query.
    Query,
    /// `authorization: Bearer <token>`, with a token of the client-credentials grant of OAuth 2, renewed before it expires. With a `name`
    /// the token stands alone in that header.
    Oauth2,
}

impl CredentialKind {
    /// Its name as pipelines write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Header => "header",
            Self::Query => "query",
            Self::Oauth2 => "oauth2",
        }
    }
}

/// A secret that stays outside the file: in an environment variable or in a file of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretFrom {
    /// The environment variable that holds it.
    pub env: Option<String>,
    /// The file that holds it, relative to the pipeline file; white space at its end is cut off.
    pub file: Option<PathBuf>,
}

/// How patient a source's requests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Patience {
    /// How often a request is tried at most, 1 to 20.
    pub attempts: u32,
    /// Requests per minute over all slices of the source, 1 to 1,000,000.
    pub requests_per_minute: u32,
    /// Time to connect, in seconds.
    pub connect_seconds: u32,
    /// Time without a byte, in seconds.
    pub read_seconds: u32,
    /// Time for one attempt from its first to its last byte, in seconds.
    pub total_seconds: u32,
    /// The largest answer after unpacking, in MiB.
    pub max_response_mib: u32,
    /// The most requests of one run, repeats and redirects included.
    pub max_requests: u32,
    /// Failures in a row that open the circuit.
    pub breaker_failures: u32,
    /// How long an open circuit stays open, in seconds.
    pub breaker_seconds: u32,
    /// The longest wait that a server may ask for, in seconds.
    pub longest_wait_seconds: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            requests_per_minute: 100,
            connect_seconds: 10,
            read_seconds: 30,
            total_seconds: 300,
            max_response_mib: 1024,
            max_requests: 100_000,
            breaker_failures: 5,
            breaker_seconds: 30,
            longest_wait_seconds: 300,
        }
    }
}
