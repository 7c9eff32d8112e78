//! A private PostgreSQL for the tests: real, on loopback, gone with the process that started it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::{Context, Result, bail, ensure};

/// What to say where there is none.
const MISSING: &str = "there is no PostgreSQL (looked in /usr/lib/postgresql/*/bin and in the PATH): apt-get install postgresql";

/// A server that runs until this value goes, or the process that holds it.
pub struct Server {
    programs: PathBuf,
    /// The URL of the database `postgres`, up to its name, and what follows the name.
    url: (String, String),
    own: Option<Own>,
}

/// A server that was started here.
struct Own {
    folder: PathBuf,
    // The script that started the server stops it when its input ends.
    _input: ChildStdin,
    _script: Child,
}

/// A database of a server.
#[derive(Debug, Clone)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// How to reach it.
    pub url: String,
    psql: PathBuf,
}

/// The server that tests share; they take databases of their own.
pub fn shared() -> Result<&'static Server> {
    static SERVER: OnceLock<std::result::Result<Server, String>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start().map_err(|error| format!("{error:#}"))).as_ref().map_err(|error| anyhow::anyhow!("{error}"))
}

impl Server {
    /// Makes a cluster in a temporary folder and starts it.
    pub fn start() -> Result<Self> {
        let programs = programs()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // The user `postgres` may not be able to read the tree.
        let mut script = as_server_user("sh");
        script.args(["-c", include_str!("postgres-server.sh"), "postgres-server"]).arg(&programs).arg(port.to_string());
        let mut script = script.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("start PostgreSQL")?;
        let mut folder = String::new();
        BufReader::new(script.stdout.take().context("the script has an output")?).read_line(&mut folder)?;
        ensure!(!folder.trim().is_empty(), "PostgreSQL did not start");
        let input = script.stdin.take().context("the script has an input")?;
        let url = (format!("postgres://postgres@127.0.0.1:{port}/"), "?sslmode=disable".to_owned());
        Ok(Self { programs, url, own: Some(Own { folder: folder.trim().into(), _input: input, _script: script }) })
    }

    /// A server that runs already; its user may make databases.
    pub fn at(url: &str) -> Result<Self> {
        let (place, parameters) = url.split_once('?').map_or((url, String::new()), |(place, rest)| (place, format!("?{rest}")));
        let name = place.find("://").and_then(|scheme| place[scheme + 3..].find('/').map(|at| scheme + 4 + at));
        let server = name.map_or_else(|| format!("{place}/"), |name| place[..name].to_owned());
        Ok(Self { programs: programs()?, url: (server, parameters), own: None })
    }

    /// Makes an empty database, or a copy of another one.
    pub fn database(&self, template: Option<&Database>) -> Result<Database> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("tidegate_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let template = template.map_or("template0", |template| &template.name);
        let database = |name: &str| Database {
            name: name.to_owned(),
            url: format!("{}{name}{}", self.url.0, self.url.1),
            psql: self.programs.join("psql"),
        };
        database("postgres").execute(&format!("create database {name} template {template}"))?;
        Ok(database(&name))
    }

    /// Stops the server as a power failure would, and starts it again.
    pub fn crash_and_restart(&self) -> Result<()> {
        let mut control = as_server_user(&self.programs.join("pg_ctl").to_string_lossy());
        let folder = &self.own.as_ref().context("a server that others use is not crashed")?.folder;
        control.arg("-D").arg(folder.join("data")).arg("-l").arg(folder.join("server.log"));
        let status = control.args(["-m", "immediate", "-w", "-s", "restart"]).current_dir("/").stdout(Stdio::null()).status()?;
        ensure!(status.success(), "PostgreSQL did not restart: {}", fs::read_to_string(folder.join("server.log")).unwrap_or_default());
        Ok(())
    }
}

impl Database {
    /// Runs statements.
    pub fn execute(&self, sql: &str) -> Result<()> {
        self.query(sql).map(drop)
    }

    /// Runs a statement and gives its rows as CSV, with a header.
    pub fn query(&self, sql: &str) -> Result<String> {
        let output = self.psql(&["--csv", "-c", sql]).output()?;
        ensure!(output.status.success(), "`{sql}`: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The one value of a statement.
    pub fn value(&self, sql: &str) -> Result<String> {
        Ok(self.query(sql)?.lines().nth(1).unwrap_or_default().to_owned())
    }

    /// Removes it, with everyone who is connected.
    pub fn drop(&self) -> Result<()> {
        let other = self.url.replacen(&format!("/{}", self.name), "/postgres", 1);
        Self { name: "postgres".into(), url: other, psql: self.psql.clone() }.execute(&format!("drop database {} with (force)", self.name))
    }

    /// psql, with these arguments.
    pub fn psql(&self, arguments: &[&str]) -> Command {
        let mut psql = Command::new(&self.psql);
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url]).args(arguments);
        psql
    }
}

/// Where PostgreSQL's programs are: Debian keeps the server's outside of the PATH.
pub fn programs() -> Result<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin")).collect();
    found.retain(|folder| folder.join("initdb").is_file());
    found.sort();
    let in_path = std::env::var_os("PATH").and_then(|path| std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file()));
    match found.pop().or(in_path) {
        Some(folder) => Ok(folder),
        None => bail!(MISSING),
    }
}

/// A program that the user of the server runs: PostgreSQL does not run as root, Debian's package makes a user for it.
pub fn as_server_user(program: &str) -> Command {
    let root = Path::new("/root").is_dir() && fs::read_dir("/root").is_ok();
    if !root {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--", program]);
    command
}
