//! Who is logged in: sessions in memory, the door's password check, tokens against forged requests.
//!
//! What always holds here (`tests`):
//! - A session's name is 256 random bits, new at each login; the table knows only its SHA-256, so that its memory opens no door.
//! - A session ends after [`IDLE`] without a request, and after [`LONGEST`] in any case. A restart of the daemon ends all.
//! - A wrong name costs as much time as a wrong password, and tries are limited by name and by address.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash, try_generate_salt},
};
use governor::{DefaultKeyedRateLimiter, Quota};
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::page::Who;
use crate::config::{Access, Role};

/// A session that nobody uses ends after this.
pub const IDLE: Duration = Duration::from_hours(8);
/// No session lives longer than this.
pub const LONGEST: Duration = Duration::from_hours(24 * 7);
/// More sessions than a team has browsers; the oldest makes room.
const MOST_SESSIONS: usize = 10_000;
/// Logins that are checked at the same time: each takes 19 MiB or more and a core.
const CHECKED_AT_ONCE: usize = 2;
/// Passwords are longer than this nowhere; hashing a megabyte would be a way to keep the daemon busy.
pub const LONGEST_PASSWORD: usize = 1024;

/// The random name of a session, or of a visitor before a login: 64 hexadecimal digits in a cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(String);

impl Ticket {
    /// A new one. None where the system has no random bytes to give.
    pub fn new() -> Option<Self> {
        // The salts are 16 bytes of the system's own generator each.
        let bytes = [try_generate_salt().ok()?, try_generate_salt().ok()?].concat();
        Some(Self(hex(&bytes)))
    }

    /// What a cookie holds, if it can be one.
    pub fn of(text: &str) -> Option<Self> {
        let fits = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        (text.len() == 64 && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// The text for the cookie.
    pub fn text(&self) -> &str {
        &self.0
    }

    fn sum(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

struct Session {
    who: Who,
    since: Instant,
    used: Instant,
}

/// What came of a try to log in.
#[derive(Debug, PartialEq, Eq)]
pub enum Login {
    /// Welcome.
    In(Who),
    /// Name or password are wrong; which one is not said.
    Wrong,
    /// Too many tries.
    Wait,
}

/// The door: who may come in, who is in.
pub struct Sessions {
    access: Access,
    /// Keyed into tokens against forged requests, so that one can't be made from a cookie alone.
    key: Option<Ticket>,
    open: Mutex<HashMap<[u8; 32], Session>>,
    by_name: DefaultKeyedRateLimiter<String>,
    by_address: DefaultKeyedRateLimiter<IpAddr>,
    checking: Semaphore,
    /// Checked where a name is unknown. It is of nobody's password.
    nobody: Option<PasswordHash>,
}

impl Sessions {
    /// A door for those whom the daemon's file names.
    pub fn new(access: Access) -> Self {
        let burst = |times: u32, one_more: u64| {
            let times = NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN);
            Quota::with_period(Duration::from_secs(one_more)).unwrap_or(Quota::per_minute(NonZeroU32::MIN)).allow_burst(times)
        };
        let password = Ticket::new().map(|random| random.0).unwrap_or_default();
        // Unknown names cost what the costliest known one costs.
        let costliest = access.users.values().filter_map(|person| argon2::Params::try_from(&person.hash).ok());
        let costliest = costliest.max_by_key(|params| u64::from(params.m_cost()) * u64::from(params.t_cost())).unwrap_or_default();
        let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, costliest);
        let nobody = if access.users.is_empty() { None } else { hasher.hash_password(password.as_bytes()).ok() };
        Self {
            access,
            key: Ticket::new(),
            open: Mutex::default(),
            by_name: DefaultKeyedRateLimiter::hashmap(burst(10, 30)),
            by_address: DefaultKeyedRateLimiter::hashmap(burst(20, 15)),
            checking: Semaphore::new(CHECKED_AT_ONCE),
            nobody,
        }
    }

    /// Whether nobody has to log in.
    pub fn is_open(&self) -> bool {
        self.access.is_open()
    }

    /// Whether there is somebody who can log in.
    pub fn has_users(&self) -> bool {
        !self.access.users.is_empty()
    }

    /// Who comes with this ticket.
    pub fn who(&self, ticket: &Ticket, now: Instant) -> Option<Who> {
        let mut open = self.lock();
        let sum = ticket.sum();
        let session = open.get_mut(&sum)?;
        if is_over(session, now) {
            open.remove(&sum);
            return None;
        }
        session.used = now;
        Some(session.who.clone())
    }

    /// The program that holds this token. Every known token is compared, each in the same time, whatever comes.
    pub fn program(&self, token: &str) -> Option<Who> {
        let sum: [u8; 32] = Sha256::digest(token).into();
        let mut found = None;
        for program in &self.access.tokens {
            if same(&sum, &program.sha256) {
                found = Some(Who { name: program.name.clone(), role: program.role });
            }
        }
        found
    }

    /// Checks a name and a password that came from an address.
    pub async fn log_in(&self, name: &str, password: &str, from: IpAddr) -> Login {
        if !self.may_try(name, from) {
            return Login::Wait;
        }
        let known = self.access.users.get(name);
        let Some(hash) = known.map(|person| &person.hash).or(self.nobody.as_ref()).cloned() else {
            return Login::Wrong;
        };
        let password = password.chars().take(LONGEST_PASSWORD).collect::<String>();
        let Ok(_turn) = self.checking.acquire().await else {
            return Login::Wait;
        };
        let checked = tokio::task::spawn_blocking(move || Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()).await;
        match (checked, known) {
            (Ok(true), Some(person)) => Login::In(Who { name: name.to_owned(), role: person.role }),
            _ => Login::Wrong,
        }
    }

    /// Counts a try; false where there were too many of late.
    fn may_try(&self, name: &str, from: IpAddr) -> bool {
        self.forget_calm();
        // A name is cut, so that a flood of long ones takes no memory.
        let key: String = name.chars().take(64).collect();
        self.by_address.check_key(&network(from)).is_ok() && self.by_name.check_key(&key).is_ok()
    }

    /// Begins a session. None where the system has no random bytes to give.
    pub fn begin(&self, who: Who, now: Instant) -> Option<Ticket> {
        let ticket = Ticket::new()?;
        let mut open = self.lock();
        open.retain(|_, session| !is_over(session, now));
        if open.len() >= MOST_SESSIONS
            && let Some(oldest) = open.iter().min_by_key(|(_, session)| session.used).map(|(sum, _)| *sum)
        {
            open.remove(&oldest);
        }
        open.insert(ticket.sum(), Session { who, since: now, used: now });
        Some(ticket)
    }

    /// Ends a session.
    pub fn end(&self, ticket: &Ticket) {
        self.lock().remove(&ticket.sum());
    }

    /// The token that the forms of this visitor carry. Both parts have one length each, so one text stands for one pair.
    pub fn csrf(&self, ticket: &Ticket) -> String {
        let key = self.key.as_ref().map_or("", Ticket::text);
        hex(&Sha256::digest(format!("{key}{}", ticket.0)))
    }

    /// Whether a form carries the token of this visitor.
    pub fn is_csrf(&self, ticket: &Ticket, token: &str) -> bool {
        self.key.is_some() && same(&Sha256::digest(self.csrf(ticket)).into(), &Sha256::digest(token).into())
    }

    /// Forgets names and addresses that have waited long enough, so that a flood of them takes no memory for good.
    fn forget_calm(&self) {
        if self.by_name.len() > 1000 || self.by_address.len() > 1000 {
            self.by_name.retain_recent();
            self.by_address.retain_recent();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who comes where there is no login.
pub fn this_machine() -> Who {
    Who { name: "this machine".to_owned(), role: Role::Operator }
}

fn is_over(session: &Session, now: Instant) -> bool {
    now.saturating_duration_since(session.used) > IDLE || now.saturating_duration_since(session.since) > LONGEST
}

/// Whether two sums are equal, in a time that does not tell where they differ.
fn same(a: &[u8; 32], b: &[u8; 32]) -> bool {
    std::hint::black_box(a.iter().zip(b).fold(0, |differs, (a, b)| differs | (a ^ b))) == 0
}

/// One who has an IPv6 address has at least 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Web;

    fn door() -> Sessions {
        let hash = Argon2::default().hash_password(b"tide and gate").unwrap().to_string();
        let token: String = Sha256::digest("0123456789abcdef0123456789abcdef").iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!("[users.ana]\nrole = 'operator'\npassword_hash = '{hash}'\n[tokens.ci]\nrole = 'viewer'\nsha256 = '{token}'");
        Sessions::new(toml::from_str::<Web>(&text).unwrap().access(Path::new(".")).unwrap())
    }

    fn ana() -> Who {
        Who { name: "ana".into(), role: Role::Operator }
    }

    fn home() -> IpAddr {
        "127.0.0.1".parse().unwrap()
    }

    #[tokio::test]
    async fn a_name_and_its_password_open_the_door() {
        let door = door();
        assert_eq!(door.log_in("ana", "tide and gate", home()).await, Login::In(ana()));
        assert_eq!(door.log_in("ana", "tide and gat", home()).await, Login::Wrong);
        assert_eq!(door.log_in("bob", "tide and gate", home()).await, Login::Wrong);
        assert_eq!(door.log_in("", "", home()).await, Login::Wrong);
    }

    #[test]
    fn tries_are_limited_by_name_and_by_address() {
        let door = door();
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!((0..10).all(|number| door.may_try("ana", address(&format!("10.0.0.{number}")))));
        assert!(!door.may_try("ana", address("10.0.1.1")));
        assert!((0..20).all(|number| door.may_try(&format!("user{number}"), address(&format!("2001:db8::{number:x}")))));
        assert!(!door.may_try("carl", address("2001:db8::99")) && door.may_try("carl", address("2001:db8:1::1")));
    }

    #[test]
    fn an_unknown_name_costs_what_a_known_one_costs() {
        let door = door();
        let (nobody, ana) = (door.nobody.as_ref().unwrap(), &door.access.users["ana"].hash);
        assert_eq!(argon2::Params::try_from(nobody), argon2::Params::try_from(ana));
        assert!(Argon2::default().verify_password(b"tide and gate", nobody).is_err());
    }

    #[test]
    fn a_session_ends_when_it_is_idle_old_or_left() {
        let (door, now) = (door(), Instant::now());
        let ticket = door.begin(ana(), now).unwrap();
        assert_eq!(door.who(&ticket, now + IDLE), Some(ana()));
        assert_eq!(door.who(&ticket, now + IDLE + IDLE + Duration::from_secs(1)), None);
        let ticket = door.begin(ana(), now).unwrap();
        let mut at = now;
        while at < now + LONGEST {
            assert_eq!(door.who(&ticket, at), Some(ana()));
            at += IDLE;
        }
        assert_eq!(door.who(&ticket, at + Duration::from_secs(1)), None);
        let ticket = door.begin(ana(), now).unwrap();
        door.end(&ticket);
        assert_eq!(door.who(&ticket, now), None);
        assert_eq!(door.who(&Ticket::new().unwrap(), now), None);
    }

    #[test]
    fn a_program_shows_its_token() {
        assert_eq!(door().program("0123456789abcdef0123456789abcdef").map(|who| who.name), Some("ci".to_owned()));
        assert_eq!(door().program("0123456789abcdef0123456789abcdeF"), None);
        assert_eq!(door().program(""), None);
    }

    #[test]
    fn a_form_carries_the_token_of_its_visitor() {
        let (door, ticket) = (door(), Ticket::new().unwrap());
        assert!(door.is_csrf(&ticket, &door.csrf(&ticket)));
        assert!(!door.is_csrf(&ticket, "") && !door.is_csrf(&ticket, &door.csrf(&Ticket::new().unwrap())));
        assert_ne!(super::tests::door().csrf(&ticket), door.csrf(&ticket));
    }

    #[test]
    fn only_what_we_gave_can_be_a_ticket() {
        let ticket = Ticket::new().unwrap();
        assert!(Ticket::of(ticket.text()) == Some(ticket));
        for text in ["", "abc", &"g".repeat(64), &"A".repeat(64), &"a".repeat(65)] {
            assert!(Ticket::of(text).is_none());
        }
    }
}
