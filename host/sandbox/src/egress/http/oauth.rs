//! Access tokens of the client-credentials grant (RFC 6749, 4.4): fetched when they are needed, renewed before they expire.

use std::time::Duration;

use reqwest::{
    Client, Method, Request, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};
use url::Url;

use super::{
    HttpError,
    attempt::{Failed, refused_or_transient},
    credential::TokenNews,
};
use crate::config::Secret;

/// A token is renewed so long before it expires, or after nine tenths of its life where that is shorter.
const AHEAD: Duration = Duration::from_secs(60);

/// How long a token is used whose life nobody names.
const UNNAMED_LIFE: Duration = Duration::from_secs(300);

/// The longest answer of a token's server.
const MOST_BYTES: usize = 64 << 10;

/// Gives out the access token of a credential.
pub(super) struct Tokens {
    name: String,
    url: Url,
    id: Secret,
    secret: Secret,
    scope: Option<String>,
    /// Whoever finds no token fetches one; others wait for it.
    current: Mutex<Option<Token>>,
}

struct Token {
    value: Secret,
    renew: Instant,
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<serde_json::Value>,
}

impl Tokens {
    pub fn new(name: &str, url: Url, id: Secret, secret: Secret, scope: Option<String>) -> Self {
        Self { name: name.to_owned(), url, id, secret, scope, current: Mutex::default() }
    }

    /// Where tokens are given out.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A token that has not expired.
    pub async fn current(&self, client: &Client, news: &TokenNews<'_>) -> Result<Secret, Failed> {
        let mut current = self.current.lock().await;
        if let Some(token) = current.as_ref().filter(|token| Instant::now() < token.renew) {
            return Ok(token.value.clone());
        }
        let token = self.fetch(client).await?;
        news(&token.value);
        let value = token.value.clone();
        *current = Some(token);
        Ok(value)
    }

    /// Forgets a token that was refused, unless a newer one took its place.
    pub async fn forget(&self, token: &Secret) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|known| known.value == *token) {
            *current = None;
        }
    }

    /// The failure of a credential that will not work however often it is tried.
    pub fn refused(&self, reason: impl Into<String>) -> Failed {
        Failed::Final(HttpError::Token { credential: self.name.clone(), reason: reason.into() })
    }

    async fn fetch(&self, client: &Client) -> Result<Token, Failed> {
        let asked = Instant::now();
        let mut response = client.execute(self.request()).await.map_err(|error| refused_or_transient(error, &self.url))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(Failed::transient(Some(status.as_u16()), format!("its token server answered {}", status.as_u16())));
        }
        if !status.is_success() {
            return Err(self.refused(format!("the token server answered {}", status.as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| refused_or_transient(error, &self.url))? {
            body.extend_from_slice(&chunk);
            if body.len() > MOST_BYTES {
                return Err(self.refused("the token server's answer is too long"));
            }
        }
        // What the answer says is not shown: it may hold the token.
        let granted: Granted =
            serde_json::from_slice(&body).map_err(|_| self.refused("the token server's answer is no JSON with an `access_token`"))?;
        let life = granted.expires_in.as_ref().and_then(seconds).unwrap_or(UNNAMED_LIFE);
        let renew = asked + life.saturating_sub(AHEAD.min(life / 10));
        Ok(Token { value: Secret::new(granted.access_token), renew })
    }

    fn request(&self) -> Request {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("client_id", self.id.expose());
        form.append_pair("client_secret", self.secret.expose());
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(form.finish().into());
        request
    }
}

/// Servers write the life as a number or as a text.
fn seconds(value: &serde_json::Value) -> Option<Duration> {
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    Duration::try_from_secs_f64(number).ok()
}
