//! The HTTP clients of a source: one for the internet, one for grants that allow private addresses. They share no connection, so
//! that one that was dialled under such a grant serves no other.

use std::time::Duration;

use reqwest::{Client, redirect, retry};

use super::address::{Guarded, Names};
use crate::config::Patience;

/// How this host calls itself.
const USER_AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// How long a connection stays open without a request.
const IDLE: Duration = Duration::from_secs(90);

/// The most bytes of an answer's headers over HTTP/2. Over HTTP/1.1 they are counted when they are there.
pub(super) const MOST_HEADER_BYTES: usize = 64 << 10;

/// The clients of a source.
pub(super) struct Clients {
    open: Client,
    private: Client,
}

impl Clients {
    pub fn new(patience: &Patience, names: &Names) -> reqwest::Result<Self> {
        let builder = |private| {
            Client::builder()
                .user_agent(USER_AGENT)
                // A proxy would dial in our place, past the check of the address.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .dns_resolver(Guarded::new(private, names.clone()))
                .connect_timeout(seconds(patience.connect_seconds))
                .read_timeout(seconds(patience.read_seconds))
                .timeout(seconds(patience.total_seconds))
                .pool_idle_timeout(IDLE)
                .http2_max_header_list_size(MOST_HEADER_BYTES as u32)
        };
        // A machine without a certificate authority makes the first way fail. What needs none goes on; https says what is missing.
        let client = |private| builder(private).build().or_else(|_| builder(private).tls_certs_only([]).build());
        Ok(Self { open: client(false)?, private: client(true)? })
    }

    pub fn of(&self, private: bool) -> &Client {
        if private { &self.private } else { &self.open }
    }
}

/// A client for what the host itself has to say: alerts, lineage, traces. No plugin has a say in where that goes, so no address is barred, and
/// the system's proxy is used.
pub fn ordinary(timeout: Duration) -> reqwest::Result<Client> {
    let builder = || Client::builder().user_agent(USER_AGENT).redirect(redirect::Policy::none()).retry(retry::never()).timeout(timeout);
    // As above: what goes in the clear to this machine needs no authorities.
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
