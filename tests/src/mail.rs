//! A mail server for tests: real SMTP over sockets, by Python's aiosmtpd, with certificates that are made for the test.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

/// How long a letter may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// A Python with the packages that tests/run installs.
pub fn python() -> Result<PathBuf> {
    let python = std::env::var_os("TIDEGATE_TEST_PYTHON");
    python.map(PathBuf::from).context("TIDEGATE_TEST_PYTHON names a Python with packages for tests: run tests/run, which makes one")
}

/// An authority, and a certificate of it for `localhost` and `127.0.0.1`, in a folder of their own.
pub struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    /// Makes new ones: no other authority knows them.
    pub fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")?;
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
        let made = Self { folder };
        made.openssl(&[&["req", "-x509", "-days", "2", "-subj", "/CN=tests", "-keyout", "ca.key", "-out", "ca.pem"], &curve[..]].concat())?;
        made.openssl(&[&["req", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"], &curve[..]].concat())?;
        let sign = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
        made.openssl(&[&sign[..], &["-extfile", "ext", "-out", "server.pem"]].concat())?;
        Ok(made)
    }

    /// The authority, in PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn openssl(&self, arguments: &[&str]) -> Result<()> {
        let output = Command::new("openssl").args(arguments).current_dir(self.folder.path()).output().context("start openssl")?;
        ensure!(output.status.success(), "openssl {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }
}

/// How the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// In the clear.
    Plain,
    /// In the clear first; it insists on STARTTLS.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// A letter as it came.
#[derive(Debug, Clone, Deserialize)]
pub struct Letter {
    /// Whether it came over TLS.
    pub tls: bool,
    /// The sender of the envelope.
    pub from: String,
    /// The receivers of the envelope.
    pub to: Vec<String>,
    /// Headers and body.
    pub content: String,
    /// Who had logged in.
    pub login: Option<String>,
}

/// A server that runs until this value goes.
pub struct MailServer {
    port: u16,
    letters: Mutex<Receiver<String>>,
    _input: ChildStdin,
    script: Child,
}

impl MailServer {
    /// Starts one. `more` are further settings of mail-server.py.
    pub fn start(speech: Speech, certificates: Option<&Certificates>, more: &Value) -> Result<Self> {
        let mode = match speech {
            Speech::Plain => "plain",
            Speech::StartTls => "starttls",
            Speech::Tls => "tls",
        };
        let mut settings = json!({ "mode": mode });
        if let Some(certificates) = certificates {
            settings["certificate"] = certificates.path("server.pem").into();
            settings["key"] = certificates.path("server.key").into();
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        let mut script = Command::new(python()?);
        script.args(["-c", include_str!("mail-server.py"), &settings.to_string()]);
        // It warns of logins in the clear, which are the point of some tests.
        script.env("PYTHONWARNINGS", "ignore").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = script.spawn().context("start the mail server")?;
        let input = script.stdin.take().context("the script has an input")?;
        let mut lines = BufReader::new(script.stdout.take().context("the script has an output")?).lines();
        let Some(Ok(first)) = lines.next() else { bail!("the mail server did not start: is aiosmtpd installed? tests/run installs it") };
        let port = serde_json::from_str::<Value>(&first)?["port"].as_u64().and_then(|port| u16::try_from(port).ok());
        let (tell, letters) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Ok(Self { port: port.context("the mail server says its port")?, letters: Mutex::new(letters), _input: input, script })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next letter.
    pub fn letter(&self) -> Result<Letter> {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(serde_json::from_str(&letters.recv_timeout(ON_ITS_WAY).context("no letter came")?)?)
    }

    /// Whether no letter came that was not taken with [`Self::letter`].
    pub fn is_idle(&self) -> bool {
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(letters.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout))
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        drop(self.script.kill());
        drop(self.script.wait());
    }
}

/// Runs a Python script with this input, and gives what it printed.
pub fn run_python(script: &Path, input: &[u8]) -> Result<String> {
    use std::io::Write;
    let mut child = Command::new(python()?)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start `{}`", script.display()))?;
    child.stdin.take().context("the script has an input")?.write_all(input)?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "`{}`: {}", script.display(), String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
