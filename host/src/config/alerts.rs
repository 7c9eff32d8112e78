//! What a pipeline file says about those who are told: `[alerts.NAME]`.

use std::{fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SecretFrom, every::Every};

/// A channel that is told when a run fails, is held, is late, or is well again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What carries the news.
    pub kind: AlertKind,
    /// The news that it gets: all by default.
    #[serde(default = "all")]
    pub on: Vec<NewsKind>,
    /// News of one kind come once in this time at most, an hour by default; the next one says how many were kept back. Recovery is never
    /// kept back.
    #[serde(default = "hourly")]
    pub every: Every,
    /// The subject in place of the usual one, with placeholders such as `{pipeline}`; docs/alerts.md lists them.
    pub subject: Option<String>,
    /// The text in place of the usual one, with placeholders.
    pub text: Option<String>,
    /// The URL that is posted to; for `slack`, `teams` and `webhook`. It is a secret: whoever has it can post.
    pub url: Option<SecretFrom>,
    /// The key with which messages are signed; for `webhook` only.
    pub secret: Option<SecretFrom>,
    /// The mail server; for `email` only, as are the keys below: `smtps://mail.example.com` speaks TLS from the first byte,
    /// `smtp://mail.example.com` begins in the clear and insists on STARTTLS. A port may follow: 465 and 587 are the usual ones.
    pub smtp: Option<String>,
    /// Whether `smtp://` stays in the clear, with port 25 as the usual one. A password is then sent to this very machine only.
    #[serde(default)]
    pub plain: bool,
    /// A PEM file, relative to the pipeline file, with authorities that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// Who sends: `tidegate <etl@example.com>`.
    pub from: Option<String>,
    /// Who is told.
    #[serde(default)]
    pub to: Vec<String>,
    /// The user who logs in to the mail server.
    pub user: Option<SecretFrom>,
    /// The user's password.
    pub password: Option<SecretFrom>,
}

/// What carries news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AlertKind {
    /// Mail over SMTP.
    Email,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of a Microsoft Teams workflow.
    Teams,
    /// A POST of JSON, as docs/alerts.md has it.
    Webhook,
}

impl AlertKind {
    /// Its name as pipelines write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Webhook => "webhook",
        }
    }
}

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewsKind {
    /// A run failed.
    Failure,
    /// The gate held a run.
    Hold,
    /// A run is later than promised.
    Sla,
    /// A run ended well after one of those.
    Recovery,
}

impl NewsKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Failure, Self::Hold, Self::Sla, Self::Recovery];

    /// Its name as pipelines write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Hold => "hold",
            Self::Sla => "sla",
            Self::Recovery => "recovery",
        }
    }
}

impl fmt::Display for NewsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

fn all() -> Vec<NewsKind> {
    NewsKind::ALL.to_vec()
}

fn hourly() -> Every {
    Every::seconds(3600)
}
