//! Where a database is and as whom to log in there: what libpq would make of the same text and the same environment.
//!
//! - An address can be shown and debugged: the password is in neither. `an_address_shows_no_password` holds that.
//! - Everything is settled here, once: passwords are looked up in the password file, hosts have their ports. Connecting reads certificates only.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio_postgres::config::ChannelBinding;

use super::{
    env::PgEnv,
    error::ConnectError,
    parameter::Settings,
    pgpass::{Login, PassFile},
    text,
    tls::Tls,
};
use crate::config::Secret;

/// PostgreSQL's port.
const DEFAULT_PORT: u16 = 5432;

/// Where Debian's servers put their sockets, and where libpq looks where no host is given.
const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// libpq waits for ever; an ETL run should rather say that its warehouse is out of reach.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A database and the user who logs in.
#[derive(Debug, Clone)]
pub struct Address {
    /// The servers to try, in this order; at least one.
    pub(super) targets: Vec<Target>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) tls: Tls,
    pub(super) channel_binding: ChannelBinding,
    pub(super) application_name: String,
    pub(super) options: Option<String>,
    /// For each server on its own; none waits for ever.
    pub(super) connect_timeout: Option<Duration>,
    warnings: Vec<String>,
}

/// One server.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub host: Host,
    /// The address to use in place of the one that the host's name resolves to.
    pub address: Option<IpAddr>,
    pub port: u16,
    pub password: Option<Secret>,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A name or a numeric address.
    Tcp(String),
    /// The folder of a Unix socket.
    Socket(PathBuf),
}

/// One server as errors name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The database user.
    pub user: String,
    /// The host's name, or the folder of the socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The database.
    pub database: String,
}

impl Address {
    /// Reads a URL (`postgres://user@host:port/database?sslmode=require`) or a conninfo string (`host=... dbname=...`). What it does not say
    /// comes from the environment, the password also from the password file.
    pub fn parse(text: &str, env: &PgEnv) -> Result<Self, ConnectError> {
        let settings = Settings::new(text::read(text)?, env);
        refuse_gss(&settings)?;
        let user = settings.get("user").or(env.os_user.as_deref()).ok_or(ConnectError::NoUser)?.to_owned();
        let mut address = Self {
            targets: targets(&settings)?,
            database: settings.get("dbname").unwrap_or(&user).to_owned(),
            user,
            tls: Tls::parse(&settings)?,
            channel_binding: channel_binding(&settings)?,
            application_name: settings.get("application_name").unwrap_or("tidegate").to_owned(),
            options: settings.get("options").map(str::to_owned),
            connect_timeout: connect_timeout(&settings)?,
            warnings: Vec::new(),
        };
        address.find_passwords(&settings);
        Ok(address)
    }

    /// What a person should be told though it is no error: a password file that is left out.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(super) fn place(&self, target: &Target) -> Place {
        Place { user: self.user.clone(), host: target.host.to_string(), port: target.port, database: self.database.clone() }
    }

    fn find_passwords(&mut self, settings: &Settings<'_>) {
        if let Some(password) = settings.get("password") {
            self.targets.iter_mut().for_each(|target| target.password = Some(Secret::new(password)));
            return;
        }
        let default = || settings.env().home.as_ref().map(|home| home.join(".pgpass"));
        let Some(path) = settings.get("passfile").map(PathBuf::from).or_else(default) else { return };
        let (file, warning) = PassFile::read(&path);
        self.warnings.extend(warning);
        for target in &mut self.targets {
            let host = target.host.to_string();
            target.password = file.password(&Login { host: &host, port: target.port, database: &self.database, user: &self.user });
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<_> = self.targets.iter().map(|target| server(&target.host.to_string(), target.port)).collect();
        write!(f, "{}@{}/{}", self.user, servers.join(","), self.database)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}", self.user, server(&self.host, self.port), self.database)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(name) => f.write_str(name),
            Self::Socket(folder) => write!(f, "{}", folder.display()),
        }
    }
}

fn server(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn targets(settings: &Settings<'_>) -> Result<Vec<Target>, ConnectError> {
    let list = |name| settings.get(name).map(|value| value.split(',').map(str::trim).collect::<Vec<_>>()).unwrap_or_default();
    let (hosts, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = hosts.len().max(addresses.len()).max(1);
    if !hosts.is_empty() && !addresses.is_empty() && hosts.len() != addresses.len() {
        return Err(settings.wrong("hostaddr", "one address for each `host`"));
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(settings.wrong("port", "one port, or one for each host"));
    }
    (0..count)
        .map(|index| {
            let port = port(settings, ports.get(index).or(ports.first()))?;
            let address = address(settings, addresses.get(index))?;
            let host = host(hosts.get(index), address).unwrap_or_else(|| default_host(Path::new(SOCKET_FOLDER), port));
            Ok(Target { host, address, port, password: None })
        })
        .collect()
}

fn port(settings: &Settings<'_>, text: Option<&&str>) -> Result<u16, ConnectError> {
    match text {
        None | Some(&"") => Ok(DEFAULT_PORT),
        Some(text) => text.parse().ok().filter(|port| *port > 0).ok_or_else(|| settings.wrong("port", "a number from 1 to 65535")),
    }
}

fn address(settings: &Settings<'_>, text: Option<&&str>) -> Result<Option<IpAddr>, ConnectError> {
    match text {
        None | Some(&"") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| settings.wrong("hostaddr", "a numeric IPv4 or IPv6 address")),
    }
}

fn host(name: Option<&&str>, address: Option<IpAddr>) -> Option<Host> {
    match name.copied().filter(|name| !name.is_empty()) {
        Some(folder) if folder.starts_with('/') => Some(Host::Socket(PathBuf::from(folder))),
        Some(name) => Some(Host::Tcp(name.to_owned())),
        None => address.map(|address| Host::Tcp(address.to_string())),
    }
}

/// The socket of the server on this machine if there is one. Looking for the socket, not for its folder, also reaches a server in a container on a
/// machine where PostgreSQL's client packages made the folder.
fn default_host(folder: &Path, port: u16) -> Host {
    if folder.join(format!(".s.PGSQL.{port}")).exists() { Host::Socket(folder.to_owned()) } else { Host::Tcp("localhost".to_owned()) }
}

fn connect_timeout(settings: &Settings<'_>) -> Result<Option<Duration>, ConnectError> {
    let Some(text) = settings.get("connect_timeout") else { return Ok(Some(CONNECT_TIMEOUT)) };
    let seconds: i32 = text.trim().parse().map_err(|_| settings.wrong("connect_timeout", "whole seconds, 0 to wait for ever"))?;
    Ok(u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs))
}

fn channel_binding(settings: &Settings<'_>) -> Result<ChannelBinding, ConnectError> {
    match settings.get("channel_binding") {
        None | Some("prefer") => Ok(ChannelBinding::Prefer),
        Some("disable") => Ok(ChannelBinding::Disable),
        Some("require") => Ok(ChannelBinding::Require),
        Some(_) => Err(settings.wrong("channel_binding", "`disable`, `prefer` or `require`")),
    }
}

/// GSSAPI is never used, so the parameter is understood as far as it does not demand it.
fn refuse_gss(settings: &Settings<'_>) -> Result<(), ConnectError> {
    match settings.get("gssencmode") {
        None | Some("disable" | "prefer") => Ok(()),
        Some(_) => Err(settings.wrong("gssencmode", "`disable` or `prefer`, as GSSAPI is not supported")),
    }
}

#[cfg(test)]
mod tests;
