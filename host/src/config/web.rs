//! What the daemon's file says about the dashboard: where it listens, and who may see and do what.
//!
//! What always holds here (`tests` below):
//! - Without a user or a token the dashboard is for this machine only: another address is refused with the sentence that says what to write.
//! - A password is in no file: there is its argon2id hash, whose parameters are not weak. Of a token there is its SHA-256.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use argon2::password_hash::phc::PasswordHash;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::SecretFrom;
use super::secret::{self, SecretError};

/// The dashboard and its JSON API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// The address and port to listen on: `127.0.0.1:8080` by default, which only this machine reaches and which asks for no login while
    /// there is no user. Any other address needs at least one user or token.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Where people reach the dashboard, if that is not the address that it listens on: `https://etl.example.com` behind a reverse proxy.
    /// Links in alerts begin with it, and with `https` cookies are sent over nothing else.
    pub public_url: Option<String>,
    /// The people who may log in, by their names.
    pub users: IndexMap<String, User>,
    /// The programs that may use the JSON API, by their names: `authorization: Bearer <token>`.
    pub tokens: IndexMap<String, Token>,
}

impl Default for Web {
    fn default() -> Self {
        let listen = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
        Self { listen, public_url: None, users: IndexMap::new(), tokens: IndexMap::new() }
    }
}

/// What someone may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything, changes nothing.
    Viewer,
    /// Also starts, stops, pauses and replays.
    Operator,
}

impl Role {
    /// Its name as the file writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }
}

/// Someone who may log in. Either `password_hash` or `password_hash_from`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// What they may do.
    pub role: Role,
    /// The password's hash, as `tidegate user hash` prints it: `$argon2id$v=19$...`.
    pub password_hash: Option<String>,
    /// Where the hash is, if it is not in this file: `{ env = "ANA_PASSWORD_HASH" }` or `{ file = "ana.hash" }`.
    pub password_hash_from: Option<SecretFrom>,
}

/// A program that may use the JSON API. Either `sha256` or `secret`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What it may do.
    pub role: Role,
    /// SHA-256 of the token in hexadecimal digits, as `tidegate user token` prints it.
    pub sha256: Option<String>,
    /// Where the token itself is: `{ env = "CI_TOKEN" }` or `{ file = "ci.token" }`.
    pub secret: Option<SecretFrom>,
}

/// A token that is shorter can be guessed: 32 characters of base64 or hex hold at least 128 bits.
const SHORTEST_TOKEN: usize = 32;
/// What OWASP's Password Storage Cheat Sheet asks of argon2id at least: 19 MiB and 2 passes, or more memory and fewer passes.
const LEAST_WORK: u32 = 19 * 1024 * 2;

/// Why the dashboard's settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// It would be open to the network.
    #[error("`{what}` would show the dashboard to others without a login")]
    Open {
        /// The setting that opens it.
        what: String,
    },
    /// A user's hash can't be had or used.
    #[error("the password hash of user `{user}` {why}")]
    Hash {
        /// The user.
        user: String,
        /// What is wrong.
        why: String,
    },
    /// A token can't be had or used.
    #[error("the token `{token}` {why}")]
    Token {
        /// Its name.
        token: String,
        /// What is wrong.
        why: String,
    },
    /// A name can't be shown or typed.
    #[error("the name `{0}` has no or too many characters, or some that nobody types")]
    Name(String),
    /// The public URL is not one that a browser opens.
    #[error("`public_url = \"{0}\"` is not where a browser can go")]
    PublicUrl(String),
}

impl WebError {
    /// The key of the daemon's file that it is about.
    pub fn place(&self) -> Vec<&str> {
        match self {
            Self::Open { what } if what.starts_with("listen") => vec!["web", "listen"],
            Self::Open { .. } | Self::PublicUrl(_) => vec!["web", "public_url"],
            Self::Hash { user, .. } => vec!["web", "users", user],
            Self::Token { token, .. } => vec!["web", "tokens", token],
            Self::Name(_) => vec!["web"],
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Open { .. } => {
                "add a user to the daemon's file, tidegate.toml:\n\n  [web.users.ana]\n  role = \"operator\"\n  \
                 password_hash = \"...\"   # printed by `tidegate user hash`"
            }
            Self::Hash { .. } => "`tidegate user hash` prints one",
            Self::Token { .. } => "`tidegate user token` makes one",
            Self::Name(_) => "write 1 to 64 letters, digits, `.`, `-`, `_` or `@`",
            Self::PublicUrl(_) => "write `https://` and the host, without a path",
        }
    }
}

/// Who may come in, with what they show at the door.
#[derive(Clone, Default)]
pub struct Access {
    /// The people, by their names.
    pub users: IndexMap<String, Person>,
    /// The programs.
    pub tokens: Vec<Program>,
}

impl Access {
    /// Whether nobody is named: then whoever reaches the dashboard may do everything.
    pub fn is_open(&self) -> bool {
        self.users.is_empty() && self.tokens.is_empty()
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({} users, {} tokens)", self.users.len(), self.tokens.len())
    }
}

/// A person who may log in.
#[derive(Clone)]
pub struct Person {
    /// What they may do.
    pub role: Role,
    /// The password's hash.
    pub hash: PasswordHash,
}

/// A program that may use the API.
#[derive(Clone)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// SHA-256 of its token.
    pub sha256: [u8; 32],
}

impl Web {
    /// Who may come in. Files are relative to `root`. Fails where the dashboard would be open to others.
    pub fn access(&self, root: &Path) -> Result<Access, WebError> {
        let users = self.users.iter().map(|(name, user)| person(name, user, root)).collect::<Result<_, _>>()?;
        let tokens = self.tokens.iter().map(|(name, token)| program(name, token, root)).collect::<Result<_, _>>()?;
        let access = Access { users, tokens };
        let public_url = self.base()?;
        match self.opens(public_url.as_ref()) {
            Some(what) if access.is_open() => Err(WebError::Open { what }),
            _ => Ok(access),
        }
    }

    /// Where people reach the dashboard, if the file says so.
    pub fn base(&self) -> Result<Option<Url>, WebError> {
        let Some(text) = &self.public_url else {
            return Ok(None);
        };
        let fits = |url: &Url| {
            let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
            matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/" && plain
        };
        Url::parse(text).ok().filter(fits).map(Some).ok_or_else(|| WebError::PublicUrl(text.clone()))
    }

    /// The setting by which others than this machine reach the dashboard.
    fn opens(&self, public_url: Option<&Url>) -> Option<String> {
        if !self.listen.ip().to_canonical().is_loopback() {
            return Some(format!("listen = \"{}\"", self.listen));
        }
        let url = public_url?;
        let here = match url.host()? {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(ip) => ip.is_loopback(),
            url::Host::Ipv6(ip) => ip.is_loopback(),
        };
        (!here).then(|| format!("public_url = \"{url}\""))
    }
}

fn named(name: &str) -> Result<String, WebError> {
    let fits = |c: char| c.is_alphanumeric() || ".-_@".contains(c);
    let good = (1..=64).contains(&name.chars().count()) && name.chars().all(fits);
    if good { Ok(name.to_owned()) } else { Err(WebError::Name(name.chars().take(80).collect())) }
}

fn person(name: &str, user: &User, root: &Path) -> Result<(String, Person), WebError> {
    let wrong = |why: String| WebError::Hash { user: name.to_owned(), why };
    let text = match (&user.password_hash, &user.password_hash_from) {
        (Some(text), None) => text.clone(),
        (None, Some(from)) => had(from, root).map_err(|error| wrong(format!("can't be had: {error}")))?,
        _ => return Err(wrong("has to be in `password_hash` or in `password_hash_from`, one of them".into())),
    };
    let hash = PasswordHash::new(text.trim()).map_err(|error| wrong(format!("is none: {error}")))?;
    check_strength(&hash).map_err(|why| wrong(why.to_owned()))?;
    Ok((named(name)?, Person { role: user.role, hash }))
}

fn check_strength(hash: &PasswordHash) -> Result<(), &'static str> {
    if hash.algorithm.as_str() != "argon2id" {
        return Err("is not of argon2id");
    }
    let params = argon2::Params::try_from(hash).map_err(|_| "has parameters that argon2id does not know")?;
    let work = params.m_cost().saturating_mul(params.t_cost());
    // More than a gibibyte for one login would let a handful of strangers take all memory.
    if work < LEAST_WORK || params.m_cost() > 1 << 20 || params.t_cost() > 64 {
        return Err("costs a guess too little, or a login too much");
    }
    if hash.salt.is_none() || hash.hash.is_none() { Err("lacks its salt or its sum") } else { Ok(()) }
}

fn program(name: &str, token: &Token, root: &Path) -> Result<Program, WebError> {
    let wrong = |why: String| WebError::Token { token: name.to_owned(), why };
    let sha256 = match (&token.sha256, &token.secret) {
        (Some(digits), None) => sum_of(digits).ok_or_else(|| wrong("has a `sha256` that is not 64 hexadecimal digits".into()))?,
        (None, Some(from)) => {
            let secret = had(from, root).map_err(|error| wrong(format!("can't be had: {error}")))?;
            if secret.chars().count() < SHORTEST_TOKEN {
                return Err(wrong(format!("is shorter than {SHORTEST_TOKEN} characters, so it could be guessed")));
            }
            Sha256::digest(secret).into()
        }
        _ => return Err(wrong("has to be in `sha256` or in `secret`, one of them".into())),
    };
    Ok(Program { name: named(name)?, role: token.role, sha256 })
}

fn had(from: &SecretFrom, root: &Path) -> Result<String, SecretError> {
    secret::resolve(from, root).map(|secret| secret.expose().to_owned())
}

/// The bytes of 64 hexadecimal digits.
fn sum_of(digits: &str) -> Option<[u8; 32]> {
    let digits = digits.trim().as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut sum = [0; 32];
    for (byte, pair) in sum.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(pair[0])? * 16 + value(pair[1])?).ok()?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AZ3Z3QJmUQyq6hRDkGQBXQ4GqhLyW3nD6RMJ1zQvvbA";

    fn web(text: &str) -> Web {
        toml::from_str(text).unwrap()
    }

    fn refusal(text: &str) -> String {
        let error = web(text).access(Path::new(".")).unwrap_err();
        format!("{error}; {}", error.help())
    }

    #[test]
    fn this_machine_needs_no_login_and_others_do() {
        assert!(web("").access(Path::new(".")).unwrap().is_open());
        assert!(web("listen = '[::1]:80'\npublic_url = 'http://localhost'").access(Path::new(".")).is_ok());
        for open in ["listen = '0.0.0.0:8080'", "listen = '192.168.1.5:80'", "listen = '[::]:80'", "public_url = 'https://etl.example.com'"]
        {
            let said = refusal(open);
            assert!(said.contains("[web.users.ana]") && said.contains("tidegate user hash"), "{said}");
        }
        let with_user = format!("listen = '0.0.0.0:8080'\n[users.ana]\nrole = 'operator'\npassword_hash = '{HASH}'");
        assert!(!web(&with_user).access(Path::new(".")).unwrap().is_open());
        let with_token = format!("listen = '0.0.0.0:8080'\n[tokens.ci]\nrole = 'viewer'\nsha256 = '{}'", "aB".repeat(32));
        assert_eq!(web(&with_token).access(Path::new(".")).unwrap().tokens[0].sha256, [0xab; 32]);
    }

    #[test]
    fn a_weak_or_broken_hash_is_refused() {
        let with = |hash: &str| refusal(&format!("[users.ana]\nrole = 'viewer'\npassword_hash = '{hash}'"));
        assert!(with("secret").contains("`ana` is none"));
        assert!(with(&HASH.replace("argon2id", "argon2d")).contains("not of argon2id"));
        assert!(with(&HASH.replace("m=19456", "m=64")).contains("too little"));
        assert!(refusal("[users.ana]\nrole = 'viewer'").contains("one of them"));
        assert!(refusal(&format!("[users.'a b']\nrole = 'viewer'\npassword_hash = '{HASH}'")).contains("nobody types"));
    }

    #[test]
    fn a_token_that_could_be_guessed_is_refused() {
        assert!(refusal("[tokens.ci]\nrole = 'viewer'\nsha256 = 'abc'").contains("64 hexadecimal digits"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ci.token"), "hunter2\n").unwrap();
        let short = web("[tokens.ci]\nrole = 'viewer'\nsecret = { file = 'ci.token' }").access(folder.path());
        assert!(short.unwrap_err().to_string().contains("shorter than 32"));
        std::fs::write(folder.path().join("ci.token"), "x".repeat(40)).unwrap();
        let long = web("[tokens.ci]\nrole = 'viewer'\nsecret = { file = 'ci.token' }").access(folder.path()).unwrap();
        assert_eq!(long.tokens[0].sha256, <[u8; 32]>::from(Sha256::digest("x".repeat(40))));
        assert_eq!(format!("{long:?}"), "Access(0 users, 1 tokens)");
    }

    #[test]
    fn a_public_url_is_where_a_browser_goes() {
        for wrong in ["ftp://localhost", "https://ana:secret@localhost", "http://localhost/dashboard", "http://localhost/?a=b"] {
            assert!(refusal(&format!("public_url = '{wrong}'")).contains("without a path"), "{wrong}");
        }
    }
}
