//! The plugin's config: which account is read, and how the API is spoken to.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Failure, Result};

/// The host that the plugin asks for.
pub const HOST: &str = "api.stripe.com";

/// The API version that the columns were made for: the first one of the Clover release. Versions within a release only add.
const API_VERSION: &str = "2025-09-30.clover";

/// Which account is read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the API is, without a path.
    #[serde(default = "default_url")]
    pub url: String,
    /// The name of the credential that holds the API key; a restricted key with read rights is enough.
    #[serde(default = "default_credential")]
    pub credential: String,
    /// The API version that is spoken, whatever the account's own is: the header `Stripe-Version`.
    #[serde(default = "default_api_version")]
    pub api_version: String,
    /// The connected account that is read in place of the key's own: the header `Stripe-Account`.
    #[serde(default)]
    pub account: Option<String>,
}

fn default_url() -> String {
    format!("https://{HOST}")
}

fn default_credential() -> String {
    "key".to_owned()
}

fn default_api_version() -> String {
    API_VERSION.to_owned()
}

impl Config {
    /// Says what is wrong with the config as far as that shows without a request.
    pub fn validate(&self) -> Result<()> {
        let host = self.url.strip_prefix("https://").or_else(|| self.url.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.trim_end_matches('/').contains(['/', '?', '#', '@'])) {
            return Err(Failure::config(format!("`url` is to be a scheme and a host, like `{}`", default_url())));
        }
        let dated = self.api_version.as_bytes().get(..10).is_some_and(|date| {
            date.iter().enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
        });
        if !dated {
            return Err(Failure::config(format!("`api_version` is to begin with a date, like `{API_VERSION}`")));
        }
        if self.credential.is_empty() {
            return Err(Failure::config("`credential` is empty: name the credential that holds the API key"));
        }
        Ok(())
    }

    /// The URL without a slash at its end.
    pub fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}
