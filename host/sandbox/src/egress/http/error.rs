//! Why a plugin does not get its answer. Texts here are shown to plugins: no secret may be in them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{address::Barred, grant::NotGranted, target::UrlError};
use crate::egress::archive::ArchiveError;

/// Why a plugin does not get its answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum HttpError {
    /// The URL is none that can be asked for.
    #[error("`{url}` can't be asked for: {reason}")]
    Url {
        /// The URL, cut.
        url: String,
        /// What is wrong with it.
        reason: UrlError,
    },
    /// A header is the host's own.
    #[error("a plugin can't set the header `{name}`: {reason}")]
    Header {
        /// The header.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The request can't be sent as it is.
    #[error("the request to `{url}` {reason}")]
    Request {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is not granted.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// A server sends the request on to where it is not granted.
    #[error("`{from}` redirects to where it may not")]
    Redirect {
        /// Where it was sent.
        from: String,
        /// What is missing.
        #[source]
        missing: NotGranted,
    },
    /// A server sends a secret on to somewhere else.
    #[error("`{from}` redirects to another place with a credential in the URL; it was not followed")]
    RedirectLeaks {
        /// Where it was sent.
        from: String,
    },
    /// A server sends the request in circles.
    #[error("`{url}` redirects more than {limit} times")]
    Redirects {
        /// Where it was sent first.
        url: String,
        /// The most redirects.
        limit: usize,
    },
    /// The address is not one that may be dialled.
    #[error("{barred}{}", hint(.toml))]
    Address {
        /// The address.
        barred: Barred,
        /// What would allow it, where something can.
        toml: Option<String>,
    },
    /// The server's certificate is not accepted.
    #[error(
        "the certificate of `{host}` is not accepted: {reason}; trusted are the authorities of the system, or those in the PEM file that \
         `SSL_CERT_FILE` names"
    )]
    Certificate {
        /// The server.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A credential would travel in the clear.
    #[error("the credential `{name}` is sent over https only, and `{url}` is not https")]
    Clear {
        /// The credential.
        name: String,
        /// Where it would go.
        url: String,
    },
    /// The pipeline has no such credential.
    #[error("the pipeline has no credential `{name}`{}", listed(.known))]
    NoCredential {
        /// The name that the plugin used.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The run has sent as many requests as it may.
    #[error("the source has sent {limit} requests in this run, the most it may (`patience.max_requests`)")]
    Requests {
        /// The limit.
        limit: u32,
    },
    /// The answer is larger than it may be.
    #[error("the answer from `{url}` is larger than {limit} MiB (`patience.max_response_mib`)")]
    TooLarge {
        /// Where it came from.
        url: String,
        /// The limit.
        limit: u32,
    },
    /// The answer's head is larger than it may be.
    #[error("the headers from `{url}` have more than {limit} bytes")]
    Headers {
        /// Where they came from.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// The answer is packed in a way that was not asked for.
    #[error("the answer from `{url}` is packed as `{encoding}`, which was not asked for")]
    Encoding {
        /// Where it came from.
        url: String,
        /// The packing.
        encoding: String,
    },
    /// The other side refused the credentials.
    #[error("`{url}` answered {status}: it refuses the credential{}", named(.credential))]
    Auth {
        /// Where it was sent.
        url: String,
        /// 401 or 403.
        status: u16,
        /// The credential that was sent.
        credential: Option<String>,
    },
    /// No access token is given out.
    #[error("no access token for the credential `{credential}`: {reason}")]
    Token {
        /// The credential.
        credential: String,
        /// Why not.
        reason: String,
    },
    /// The other side asks for patience, and ours is at its end.
    #[error("`{url}` answered 429, it asks for fewer requests{}", waits(.wait))]
    RateLimited {
        /// Where it was sent.
        url: String,
        /// The wait that it asks for.
        wait: Option<Duration>,
    },
    /// The other side can't answer.
    #[error("`{url}` can't be had{}: {reason}", tried(*.attempts))]
    Unavailable {
        /// Where it was sent.
        url: String,
        /// Why.
        reason: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// The circuit is open.
    #[error("`{url}` was not asked: the source failed {failures} times in a row, it is left alone for {} s more", .wait.as_secs_f32().ceil())]
    Open {
        /// Where it would have been sent.
        url: String,
        /// The failures that opened the circuit.
        failures: u32,
        /// How long it stays open.
        wait: Duration,
    },
    /// The recording that is replayed does not have it.
    #[error("`{method} {url}` is not in the recording that is replayed")]
    NotRecorded {
        /// The method.
        method: &'static str,
        /// The URL.
        url: String,
    },
    /// The recording that is replayed has this in place of an answer.
    #[error("{text}")]
    Recorded {
        /// What the plugin was told.
        text: String,
        /// What kind of trouble it was.
        trouble: Trouble,
    },
    /// The answer can't be kept.
    #[error("the answer from `{url}` can't be kept: {reason}")]
    Keep {
        /// Where it came from.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A stored answer can't be read again.
    #[error("the stored answer from `{url}` can't be read: {reason}")]
    Read {
        /// Where it came from.
        url: String,
        /// Why not.
        reason: String,
    },
}

/// What kind of trouble it is, in the words of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// The pipeline or the plugin's request is wrong.
    Config,
    /// The credentials are refused.
    Auth,
    /// The other side asks for patience.
    RateLimited(Option<Duration>),
    /// It can't be had now.
    Unavailable,
    /// What came can't be used.
    BadData,
}

impl HttpError {
    /// What kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Url { .. }
            | Self::Header { .. }
            | Self::Request { .. }
            | Self::NotGranted(_)
            | Self::Redirect { .. }
            | Self::RedirectLeaks { .. }
            | Self::Address { .. }
            | Self::Certificate { .. }
            | Self::Clear { .. }
            | Self::NoCredential { .. }
            | Self::Requests { .. }
            | Self::TooLarge { .. } => Trouble::Config,
            Self::Auth { .. } | Self::Token { .. } => Trouble::Auth,
            Self::Recorded { trouble, .. } => *trouble,
            Self::RateLimited { wait, .. } => Trouble::RateLimited(*wait),
            Self::Unavailable { .. } | Self::Open { .. } | Self::Keep { .. } | Self::Read { .. } => Trouble::Unavailable,
            Self::Redirects { .. } | Self::Headers { .. } | Self::Encoding { .. } | Self::NotRecorded { .. } => Trouble::BadData,
        }
    }

    /// Whether the server answered, though not in a way that is of use.
    pub(super) fn is_answer(&self) -> bool {
        matches!(self, Self::Auth { .. } | Self::TooLarge { .. } | Self::Headers { .. } | Self::Encoding { .. } | Self::Redirects { .. })
    }

    /// Whether the request was refused, not the answer.
    pub(super) fn is_refusal(&self) -> bool {
        self.trouble() == Trouble::Config && !matches!(self, Self::TooLarge { .. } | Self::Certificate { .. } | Self::Recorded { .. })
    }

    pub(super) fn archive(url: &str, error: &ArchiveError) -> Self {
        Self::Keep { url: url.to_owned(), reason: crate::error::chain(error) }
    }
}

fn hint(toml: &Option<String>) -> String {
    toml.as_ref().map(|toml| format!("; to allow it, write in the pipeline:\n{toml}")).unwrap_or_default()
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "; it has none for this source".to_owned() } else { format!("; it has: {}", known.join(", ")) }
}

fn named(credential: &Option<String>) -> String {
    credential.as_ref().map_or_else(|| ", none was sent".to_owned(), |name| format!(" `{name}`"))
}

fn waits(wait: &Option<Duration>) -> String {
    wait.map(|wait| format!(" and a wait of {:.1} s", wait.as_secs_f64())).unwrap_or_default()
}

fn tried(attempts: u32) -> String {
    if attempts > 1 { format!(", tried {attempts} times") } else { String::new() }
}
