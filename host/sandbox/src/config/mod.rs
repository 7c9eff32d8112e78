//! What a pipeline file says about a plugin: its limits, its requests, its secrets.

mod egress;
mod limits;
pub mod secret;
mod url_pattern;

pub use egress::{Credential, CredentialKind, HttpGrant, HttpMethod, Patience, SecretFrom};
pub use limits::Limits;
pub use secret::{Secret, SecretError};
pub use url_pattern::{HostPattern, UrlPattern, UrlPatternError};
