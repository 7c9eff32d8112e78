//! From an address to a session: which server, encrypted how, as whom, the way libpq's users expect it.
//!
//! `address` is what a URL or a conninfo string, the environment and the password file say together; `tls` what `sslmode` asks of the encryption
//! and `verify` of the server's certificate; `error` what can go wrong, each with what to do about it.
//!
//! - Servers are tried in the order in which they are given, each with its own timeout.
//! - The password is shown nowhere: it has no `Display`, and errors name `user@host:port/database` only.
//! - A password that is refused over TLS is never sent again without it. libpq does so for `sslmode=prefer`.

mod address;
mod classify;
mod env;
mod error;
mod parameter;
mod pgpass;
mod text;
mod tls;
mod verify;

use std::{future::Future, net::IpAddr, time::Duration};

use tokio::{net::lookup_host, task::JoinHandle, time::timeout};
use tokio_postgres::{Client, Config, NoTls, Socket, config::SslMode, tls::MakeTlsConnect};

pub use self::{
    address::{Address, Place},
    env::PgEnv,
    error::{Cause, ConnectError},
};
use self::{
    address::{Host, Target},
    classify::Attempt,
    tls::{Encryption, Mode},
};

/// How long a connection may be silent before the system asks whether the other side is still there: less than the four minutes after which the
/// first of the clouds' load balancers forgets it.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// What moves a session's bytes. Dropping it leaves the session alive: it ends with its client.
#[derive(Debug)]
pub struct ConnectionTask(JoinHandle<Result<(), tokio_postgres::Error>>);

impl ConnectionTask {
    /// Waits until the session is over, so the client has to be dropped before, and says what broke it if it did not end of itself.
    pub async fn finish(self) -> Result<(), tokio_postgres::Error> {
        // The task ends without a result only if the runtime shuts down under it.
        self.0.await.unwrap_or(Ok(()))
    }
}

type Session = (Client, ConnectionTask);

/// Connects and logs in. The session is called `tidegate` unless the address says otherwise.
pub async fn connect(address: &Address) -> Result<Session, ConnectError> {
    let mut tried = Vec::new();
    for target in &address.targets {
        match any_address(address, target).await {
            Err(error) if error.leaves_other_servers() => tried.push(error),
            outcome => return outcome,
        }
    }
    match tried.pop() {
        Some(only) if tried.is_empty() => Err(only),
        last => Err(ConnectError::EveryServer { tried: tried.into_iter().chain(last).collect() }),
    }
}

/// Tries the addresses that a host's name has, in the resolver's order.
async fn any_address(address: &Address, target: &Target) -> Result<Session, ConnectError> {
    let mut outcome = None;
    for ip in resolve(address, target).await? {
        match in_time(address, target, encrypted(address, target, ip)).await {
            Err(error) if error.leaves_other_servers() => outcome = Some(error),
            other => return other,
        }
    }
    let none = || ConnectError::UnknownHost { at: address.place(target), source: std::io::ErrorKind::NotFound.into() };
    Err(outcome.unwrap_or_else(none))
}

/// The addresses of a host; a socket has one that is none.
async fn resolve(address: &Address, target: &Target) -> Result<Vec<Option<IpAddr>>, ConnectError> {
    let name = match (&target.host, target.address) {
        (Host::Socket(_), _) => return Ok(vec![None]),
        (Host::Tcp(_), Some(ip)) => return Ok(vec![Some(ip)]),
        (Host::Tcp(name), None) => name,
    };
    let lookup = async {
        let found = lookup_host((name.as_str(), target.port)).await;
        found.map_err(|source| ConnectError::UnknownHost { at: address.place(target), source })
    };
    Ok(in_time(address, target, lookup).await?.map(|found| Some(found.ip())).collect())
}

async fn in_time<T>(address: &Address, target: &Target, work: impl Future<Output = Result<T, ConnectError>>) -> Result<T, ConnectError> {
    let Some(limit) = address.connect_timeout else { return work.await };
    timeout(limit, work).await.unwrap_or_else(|_| Err(ConnectError::Timeout { at: address.place(target) }))
}

/// Tries with TLS and without, as far as the address allows for both.
async fn encrypted(address: &Address, target: &Target, ip: Option<IpAddr>) -> Result<Session, ConnectError> {
    let mode = if matches!(target.host, Host::Socket(_)) { Mode::Disable } else { address.tls.mode };
    let (first, second) = mode.attempts();
    match (attempt(address, target, ip, first).await, second) {
        (Err(failure), Some(second)) if failure.hangs_on_encryption() => {
            attempt(address, target, ip, second).await.map_err(|error| ConnectError::telling(failure, error))
        }
        (outcome, _) => outcome,
    }
}

async fn attempt(address: &Address, target: &Target, ip: Option<IpAddr>, encryption: Encryption) -> Result<Session, ConnectError> {
    let config = config(address, target, ip, encryption);
    let session = match encryption {
        Encryption::Off => open(&config, NoTls).await,
        Encryption::IfOffered | Encryption::On => open(&config, address.tls.connector()?).await,
    };
    let attempt =
        Attempt { at: address.place(target), has_password: target.password.is_some(), without_tls: address.tls.mode == Mode::Disable };
    session.map_err(|error| attempt.failed(error))
}

async fn open<T>(config: &Config, tls: T) -> Result<Session, tokio_postgres::Error>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = config.connect(tls).await?;
    Ok((client, ConnectionTask(tokio::spawn(connection))))
}

fn config(address: &Address, target: &Target, ip: Option<IpAddr>, encryption: Encryption) -> Config {
    let mut config = Config::new();
    config.user(&address.user).dbname(&address.database).application_name(&address.application_name).port(target.port);
    config.channel_binding(address.channel_binding).keepalives(true).keepalives_idle(KEEPALIVE_IDLE);
    config.ssl_mode(match encryption {
        Encryption::Off => SslMode::Disable,
        Encryption::IfOffered => SslMode::Prefer,
        Encryption::On => SslMode::Require,
    });
    match &target.host {
        Host::Tcp(name) => config.host(name),
        Host::Socket(folder) => config.host_path(folder),
    };
    if let Some(ip) = ip {
        config.hostaddr(ip);
    }
    if let Some(password) = &target.password {
        config.password(password.expose());
    }
    if let Some(options) = &address.options {
        config.options(options);
    }
    // Cancelling a statement connects again, outside the timeout here.
    if let Some(limit) = address.connect_timeout {
        config.connect_timeout(limit);
    }
    config
}
