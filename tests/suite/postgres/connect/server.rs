//! Two PostgreSQL servers for the whole test binary: `server.sh` starts them and stops them when the binary ends and its standard input with it.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Stdio},
    sync::OnceLock,
};

use tidegate_tests::postgres::{as_server_user, programs};

/// The password of the user `ann`.
pub const PASSWORD: &str = "p@ss/w:r d%?'#";

/// The same in a URL.
pub const PASSWORD_IN_URL: &str = "p%40ss%2Fw%3Ar%20d%25%3F%27%23";

/// The running servers.
pub struct Server {
    /// Certificates, keys and sockets lie here.
    pub folder: PathBuf,
    /// A server whose certificate for `localhost` is signed by `ca.crt`.
    pub port: u16,
    /// A server whose certificate for `localhost` is self-signed: `self.crt`.
    pub self_signed_port: u16,
    _script: Child,
}

impl Server {
    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// The servers, started by the first test that wants them.
pub fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(start)
}

fn start() -> Server {
    let programs = programs().unwrap();
    let ports = [free_port(), free_port()];
    // The user `postgres` may not be able to read the tree.
    let mut child = as_server_user("sh")
        .args(["-c", include_str!("server.sh"), "server"])
        .arg(programs)
        .args(ports.map(|port| port.to_string()))
        .current_dir("/tmp")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut folder = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    assert!(!folder.is_empty(), "the servers did not start");
    Server { folder: folder.trim().into(), port: ports[0], self_signed_port: ports[1], _script: child }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
