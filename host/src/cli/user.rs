//! `tidegate user`: what a person or a program shows at the dashboard's door.

use std::{
    fmt::Write,
    io::{self, BufRead, IsTerminal},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, try_generate_salt},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Subcommand;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::output::{Failed, print_json, say, talk};
use crate::error;

/// Shorter passwords are found by trying, whatever the hash costs: NIST SP 800-63B asks for 8 at least.
const SHORTEST: usize = 8;

/// What to make.
#[derive(Subcommand)]
pub enum UserCommand {
    /// Read a password from the terminal, or a line of stdin, and print its hash for the daemon's file.
    Hash,
    /// Make a token for a program that uses the JSON API, and print it with its sum for the daemon's file.
    Token,
}

/// Prints a password's hash, or a new token.
pub fn user(command: &UserCommand, json: bool) -> Result<u8, Failed> {
    match command {
        UserCommand::Hash => hash(json),
        UserCommand::Token => token(json),
    }
}

fn hash(as_json: bool) -> Result<u8, Failed> {
    let password = password()?;
    let hash = Argon2::default().hash_password(password.as_bytes()).map_err(|error| anyhow::anyhow!("hash the password: {error}"))?;
    let hash = hash.to_string();
    if as_json {
        print_json(&json!({ "password_hash": hash }));
        return Ok(error::OK);
    }
    say(&hash);
    talk(
        "\nIn the daemon's file, tidegate.toml:\n\n  [web.users.NAME]\n  role = \"operator\"          # or \"viewer\"\n  password_hash = \"(this line)\"",
    );
    Ok(error::OK)
}

fn token(as_json: bool) -> Result<u8, Failed> {
    let random = || try_generate_salt().map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"));
    let token = format!("tg_{}", URL_SAFE_NO_PAD.encode([random()?, random()?].concat()));
    let sum = Sha256::digest(&token).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    if as_json {
        print_json(&json!({ "token": token, "sha256": sum }));
        return Ok(error::OK);
    }
    say(&token);
    talk(&format!(
        "\nGive it to the program; it is shown only now. In the daemon's file, tidegate.toml:\n\n  [web.tokens.NAME]\n  role = \"viewer\"            \
         # or \"operator\"\n  sha256 = \"{sum}\""
    ));
    Ok(error::OK)
}

/// A password that a person types twice, or the first line of stdin.
fn password() -> Result<String, Failed> {
    let terminal = io::stdin().is_terminal();
    let first = if terminal { typed("Password (it is not shown):")? } else { line()? };
    if first.chars().count() < SHORTEST {
        return Err(anyhow::anyhow!("the password has fewer than {SHORTEST} characters").into());
    }
    if terminal && typed("The same again:")? != first {
        return Err(anyhow::anyhow!("the two passwords differ").into());
    }
    Ok(first)
}

fn line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A line from a terminal that does not show what is typed.
fn typed(prompt: &str) -> io::Result<String> {
    talk(prompt);
    let _quiet = Quiet::start();
    line()
}

/// Keeps a terminal from showing what is typed, for as long as it lives.
struct Quiet {
    #[cfg(unix)]
    before: Option<libc::termios>,
}

impl Quiet {
    #[cfg(unix)]
    fn start() -> Self {
        // SAFETY: a termios is plain numbers, for which zeros are valid; tcgetattr writes only to it, tcsetattr only reads it.
        let before = unsafe {
            let mut now: libc::termios = std::mem::zeroed();
            (libc::tcgetattr(libc::STDIN_FILENO, &raw mut now) == 0).then_some(now)
        };
        if let Some(mut quiet) = before {
            quiet.c_lflag &= !libc::ECHO;
            // SAFETY: as above.
            unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSAFLUSH, &raw const quiet) };
        }
        Self { before }
    }

    /// Here a terminal shows what is typed.
    #[cfg(not(unix))]
    fn start() -> Self {
        Self {}
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(before) = &self.before {
            // SAFETY: as above.
            unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSAFLUSH, before) };
        }
    }
}
