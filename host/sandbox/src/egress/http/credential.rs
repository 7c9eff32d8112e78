//! The secrets of a source, and how each is added to a request. They exist on this side of the sandbox only.

use std::{collections::BTreeMap, path::Path};

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{
    Client, Request,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};
use url::Url;

use super::{
    attempt::Failed,
    oauth::Tokens,
    redact::{LEAST_BYTES, Redactor},
};
use crate::config::{self, CredentialKind, Secret, SecretError, SecretFrom, secret};

/// From this length on a user name is hidden as a secret is; shorter ones are ordinary words, which data may hold.
const LEAST_USER_BYTES: usize = 16;

/// Access tokens that are still hidden after newer ones took their place.
const OLD_TOKENS: usize = 8;

/// A credential of a pipeline that can't be had.
#[derive(Debug, thiserror::Error)]
#[error("the credential `{name}` can't be had")]
pub struct CredentialError {
    /// The credential.
    pub name: String,
    /// The key that is wrong: `secret`, `user`, ...
    pub key: &'static str,
    /// Why.
    #[source]
    pub reason: Reason,
}

/// Why a credential can't be had.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    /// It is not where the pipeline says.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// It is so short that it can't be told apart from data.
    #[error("it has {0} bytes, fewer than the {LEAST_BYTES} that it takes to find it in an answer and hide it")]
    Short(usize),
    /// A header can't carry it.
    #[error("it has characters that a header can't carry")]
    Characters,
    /// The key is missing or can't be used.
    #[error("it is missing, or none that can be used")]
    Missing,
}

/// A secret with the way in which it is sent.
pub(super) enum Credential {
    /// A header with a value that is ready to be sent.
    Header { name: HeaderName, value: HeaderValue },
    /// A parameter of the query.
    Query { name: String, secret: Secret },
    /// Access tokens, in a header of their own where there is one, else as bearers.
    OAuth { tokens: Box<Tokens>, header: Option<HeaderName> },
}

/// The credentials of a source.
#[derive(Default)]
pub struct Credentials {
    by_name: BTreeMap<String, Credential>,
    hidden: Vec<Secret>,
}

/// What was added to a request, so that it can be renewed where it is refused.
pub(super) enum Sent {
    /// Something that does not change.
    Fixed,
    /// An access token.
    Token(Secret),
}

impl Credentials {
    /// Reads the secrets that a pipeline names; files are relative to `root`.
    pub fn resolve<'a>(
        named: impl IntoIterator<Item = (&'a String, &'a config::Credential)>,
        root: &Path,
    ) -> Result<Self, CredentialError> {
        let mut found = Self::default();
        for (name, credential) in named {
            let mut reading = Reading { name, root, hidden: &mut found.hidden };
            let credential = reading.credential(credential)?;
            found.by_name.insert(name.clone(), credential);
        }
        Ok(found)
    }

    /// The same credentials without their secrets, for a replay: a plugin may name them, nothing is sent.
    pub fn without_secrets<'a>(named: impl IntoIterator<Item = (&'a String, &'a config::Credential)>) -> Self {
        let empty = |credential: &config::Credential| match (credential.kind, &credential.name) {
            (CredentialKind::Query, Some(name)) => Credential::Query { name: name.clone(), secret: Secret::new(String::new()) },
            (_, name) => {
                let name = name.as_deref().and_then(|name| name.parse().ok()).unwrap_or(AUTHORIZATION);
                Credential::Header { name, value: HeaderValue::from_static("") }
            }
        };
        let by_name = named.into_iter().map(|(name, credential)| (name.clone(), empty(credential))).collect();
        Self { by_name, hidden: Vec::new() }
    }

    /// The names.
    pub fn names(&self) -> Vec<String> {
        self.by_name.keys().cloned().collect()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Credential> {
        self.by_name.get(name)
    }

    /// Whether a header belongs to a credential, so that a plugin may not set it.
    pub(super) fn owns_header(&self, header: &HeaderName) -> bool {
        self.by_name.values().any(|credential| match credential {
            Credential::Header { name, .. } | Credential::OAuth { header: Some(name), .. } => name == header,
            _ => false,
        })
    }

    /// What finds the secrets and the access tokens so far.
    pub(super) fn redactor(&self, tokens: &[Secret]) -> Redactor {
        Redactor::new(self.hidden.iter().chain(tokens))
    }
}

/// The secrets that are hidden: fixed ones, and access tokens as they come.
pub(super) struct Hidden {
    tokens: std::sync::Mutex<Vec<Secret>>,
    redactor: std::sync::RwLock<Redactor>,
}

impl Hidden {
    pub fn new(credentials: &Credentials) -> Self {
        Self { tokens: std::sync::Mutex::default(), redactor: std::sync::RwLock::new(credentials.redactor(&[])) }
    }

    pub fn redactor(&self) -> Redactor {
        self.redactor.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Hides an access token from now on.
    pub fn learn(&self, credentials: &Credentials, token: &Secret) {
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if tokens.contains(token) {
            return;
        }
        if tokens.len() == OLD_TOKENS {
            tokens.remove(0);
        }
        tokens.push(token.clone());
        *self.redactor.write().unwrap_or_else(std::sync::PoisonError::into_inner) = credentials.redactor(&tokens);
    }
}

struct Reading<'a> {
    name: &'a str,
    root: &'a Path,
    hidden: &'a mut Vec<Secret>,
}

impl Reading<'_> {
    fn failed(&self, key: &'static str, reason: impl Into<Reason>) -> CredentialError {
        CredentialError { name: self.name.to_owned(), key, reason: reason.into() }
    }

    fn read(&self, key: &'static str, from: Option<&SecretFrom>) -> Result<Secret, CredentialError> {
        let from = from.ok_or_else(|| self.failed(key, Reason::Missing))?;
        secret::resolve(from, self.root).map_err(|error| self.failed(key, error))
    }

    fn credential(&mut self, credential: &config::Credential) -> Result<Credential, CredentialError> {
        let secret = self.read("secret", Some(&credential.secret))?;
        if secret.expose().len() < LEAST_BYTES {
            return Err(self.failed("secret", Reason::Short(secret.expose().len())));
        }
        self.hidden.push(secret.clone());
        match credential.kind {
            CredentialKind::Bearer => self.header(AUTHORIZATION, &format!("Bearer {}", secret.expose())),
            CredentialKind::Basic => {
                let user = self.read("user", credential.user.as_ref())?;
                if user.expose().len() >= LEAST_USER_BYTES {
                    self.hidden.push(user.clone());
                }
                let both = format!("{}:{}", user.expose(), secret.expose());
                self.hidden.push(Secret::new(both.clone()));
                self.header(AUTHORIZATION, &format!("Basic {}", STANDARD.encode(both)))
            }
            CredentialKind::Header => {
                let name = credential.name.as_deref().and_then(|name| name.parse().ok());
                let name = name.ok_or_else(|| self.failed("name", Reason::Missing))?;
                self.header(name, secret.expose())
            }
            CredentialKind::Query => {
                let name = credential.name.clone().ok_or_else(|| self.failed("name", Reason::Missing))?;
                Ok(Credential::Query { name, secret })
            }
            CredentialKind::Oauth2 => {
                let url = credential.token_url.as_deref().and_then(|url| Url::parse(url).ok());
                let url = url.ok_or_else(|| self.failed("token_url", Reason::Missing))?;
                let id = self.read("client_id", credential.client_id.as_ref())?;
                let header = credential.name.as_deref().map(str::parse).transpose().map_err(|_| self.failed("name", Reason::Missing))?;
                Ok(Credential::OAuth { tokens: Box::new(Tokens::new(self.name, url, id, secret, credential.scope.clone())), header })
            }
        }
    }

    fn header(&self, name: HeaderName, value: &str) -> Result<Credential, CredentialError> {
        let mut value = HeaderValue::from_str(value).map_err(|_| self.failed("secret", Reason::Characters))?;
        value.set_sensitive(true);
        Ok(Credential::Header { name, value })
    }
}

impl Credential {
    /// Adds it to a request.
    pub async fn add(&self, request: &mut Request, client: &Client, tokens: &TokenNews<'_>) -> Result<Sent, Failed> {
        match self {
            Self::Header { name, value } => {
                request.headers_mut().insert(name.clone(), value.clone());
                Ok(Sent::Fixed)
            }
            Self::Query { name, secret } => {
                // A plugin's own parameter of that name would stand before the secret.
                let others: Vec<(String, String)> =
                    request.url().query_pairs().filter(|(key, _)| key != name.as_str()).map(|(k, v)| (k.into(), v.into())).collect();
                if others.len() != request.url().query_pairs().count() {
                    request.url_mut().query_pairs_mut().clear().extend_pairs(others);
                }
                request.url_mut().query_pairs_mut().append_pair(name, secret.expose());
                Ok(Sent::Fixed)
            }
            Self::OAuth { tokens: source, header } => {
                let token = source.current(client, tokens).await?;
                let (header, value) = match header {
                    Some(header) => (header.clone(), token.expose().to_owned()),
                    None => (AUTHORIZATION, format!("Bearer {}", token.expose())),
                };
                let mut value = HeaderValue::from_str(&value).map_err(|_| source.refused("it is no header's value"))?;
                value.set_sensitive(true);
                request.headers_mut().insert(header, value);
                Ok(Sent::Token(token))
            }
        }
    }
}

/// Who is told of a new access token before anybody uses it.
pub(super) type TokenNews<'a> = dyn Fn(&Secret) + Sync + 'a;
