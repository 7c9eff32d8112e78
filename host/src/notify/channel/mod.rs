//! The channels: each takes a message and says whether it has it, whether trying again may help, or what to mend.

mod email;
mod post;
mod slack;
mod teams;
mod webhook;

use std::{error::Error, path::Path, time::Duration};

use super::message::Message;
use crate::{
    config::{Alert, AlertKind, Secret, secret},
    egress::http::redact::Redactor,
};
use email::Mail;
use post::Post;

/// A channel with its secrets at hand.
pub(super) enum Channel {
    /// Mail over SMTP.
    Mail(Box<Mail>),
    /// A POST of JSON.
    Post(Post),
}

/// Why a channel did not take a message. No text has a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It may later.
    Later {
        /// Why.
        why: String,
        /// How long it asks to be left alone.
        wait: Option<Duration>,
    },
    /// It never will.
    Never {
        /// Why, and what to mend.
        why: String,
    },
}

impl Channel {
    /// The channel that an alert describes. Files are relative to `root`.
    pub fn open(alert: &Alert, root: &Path, client: &Result<reqwest::Client, String>) -> Result<Self, Refusal> {
        match alert.kind {
            AlertKind::Email => Ok(Self::Mail(Box::new(Mail::open(alert, root)?))),
            AlertKind::Slack | AlertKind::Teams | AlertKind::Webhook => Ok(Self::Post(Post::open(alert, root, client)?)),
        }
    }

    /// Hands a message over, once.
    pub async fn send(&self, message: &Message<'_>) -> Result<(), Refusal> {
        match self {
            Self::Mail(mail) => mail.send(message).await,
            Self::Post(post) => post.send(message).await,
        }
    }
}

/// A secret of the alert's key `key`.
fn resolve(from: Option<&crate::config::SecretFrom>, key: &str, root: &Path) -> Result<Option<Secret>, Refusal> {
    let resolved = from.map(|from| secret::resolve(from, root)).transpose();
    resolved.map_err(|error| Refusal::Never { why: format!("its `{key}` can't be had: {error}") })
}

/// What takes these secrets out of a text.
fn redactor(secrets: &[Option<&Secret>]) -> Redactor {
    Redactor::new(secrets.iter().copied().flatten())
}

/// An error with its causes, each said once, without secrets.
fn chain(error: &dyn Error, redactor: &Redactor) -> String {
    redactor.text(&crate::error::chain(error)).into_owned()
}

/// Whether an error is about a certificate that is not trusted: trying again does not make it known.
fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).or_else(|| error.downcast_ref());
        if matches!(inner, Some(rustls::Error::InvalidCertificate(_))) {
            return true;
        }
        cause = error.source();
    }
    false
}
