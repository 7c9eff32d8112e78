//! Telling people what becomes of runs: mail, Slack, Microsoft Teams, a webhook of their own.
//!
//! What always holds here:
//! - Telling never fails a run: what went wrong is a [`Delivery`] that says so (`tests/suite/alerts`).
//! - News of one kind about one pipeline reach a channel once in its `every` at most, and the next one says how many were kept back;
//!   recovery is told whenever there was trouble, and only then (`memory.rs`).
//! - No secret is in a text that leaves this module: neither the channel's URL nor a password, also not where a server echoes it
//!   (`tests/suite/alerts`).
//! - What plugins and databases say is shown as it is and read as nothing else: no markup of theirs becomes a link or a mention
//!   (`channel/slack.rs`, `channel/teams.rs`).

mod channel;
mod delivery;
mod memory;
mod message;
mod news;
mod notifier;
mod sign;

pub use crate::config::NewsKind as Kind;
pub use delivery::{Delivery, Told};
pub use memory::MemoryError;
pub use message::{SUBJECT, TEXT};
pub use news::News;
pub use notifier::{Notifier, Patience};
