//! The password file: lines `host:port:database:user:password`, the first one that matches gives the password (PostgreSQL documentation, "The
//! Password File").
//!
//! - A file that others than its owner may read is not used: the caller gets a text that says so.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::config::Secret;

/// Folders of the socket of a server that runs where its build says: Debian's, upstream's. libpq looks them up as `localhost`.
const DEFAULT_SOCKET_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// The file's lines, or none.
#[derive(Default)]
pub(super) struct PassFile(Vec<[Field; 5]>);

/// What a password is looked up by.
pub(super) struct Login<'a> {
    /// The host's name, or the folder of the socket.
    pub host: &'a str,
    pub port: u16,
    pub database: &'a str,
    pub user: &'a str,
}

/// One field of a line.
struct Field {
    text: String,
    any: bool,
}

impl PassFile {
    /// Reads the file. One that is not there or can't be opened counts as empty, as in libpq; the text says why one is left out that is there.
    pub fn read(path: &Path) -> (Self, Option<String>) {
        let Ok(about) = fs::metadata(path) else { return (Self::default(), None) };
        let shown = path.display();
        if !about.is_file() {
            return (Self::default(), Some(format!("the password file `{shown}` is not used: it is no plain file")));
        }
        if about.permissions().mode() & 0o077 != 0 {
            return (
                Self::default(),
                Some(format!("the password file `{shown}` is not used: others may read it; `chmod 600 {shown}` ends that")),
            );
        }
        (fs::read_to_string(path).map(|text| Self::parse(&text)).unwrap_or_default(), None)
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter(|line| !line.starts_with('#')).filter_map(fields).collect())
    }

    /// The password of the first line that matches.
    pub fn password(&self, login: &Login<'_>) -> Option<Secret> {
        let host = if DEFAULT_SOCKET_FOLDERS.contains(&login.host) { "localhost" } else { login.host };
        let wanted = [host, &login.port.to_string(), login.database, login.user];
        let matches = |line: &&[Field; 5]| line.iter().zip(wanted).all(|(field, wanted)| field.any || field.text == wanted);
        let [.., password] = self.0.iter().find(matches)?;
        Some(Secret::new(&password.text)).filter(|_| !password.text.is_empty())
    }
}

/// The fields of a line; none if there are fewer than five. What follows the fifth is dropped, as in libpq.
fn fields(line: &str) -> Option<[Field; 5]> {
    let mut fields = vec![Field { text: String::new(), any: false }];
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        let field = fields.last_mut()?;
        match char {
            ':' => fields.push(Field { text: String::new(), any: false }),
            '\\' => {
                field.text.push(chars.next().unwrap_or('\\'));
                field.any = false;
            }
            other => {
                field.any = other == '*' && field.text.is_empty();
                field.text.push(other);
            }
        }
    }
    fields.truncate(5);
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# a comment:5432:shop:ann:no
too:few:fields

db:5432:shop:ann:first
db:5432:shop:ann:second
db:5433:*:ann:port
db:*:mart:ann:database
with\\:colon:5432:*:*:a\\:b\\\\c
localhost:*:*:ann:local
/srv/pg:*:*:ann:socket
\\*:5432:*:ann:star
*:*:*:bob:anyone:ignored
";

    fn password(host: &str, port: u16, database: &str, user: &str) -> Option<String> {
        PassFile::parse(FILE).password(&Login { host, port, database, user }).map(|password| password.expose().to_owned())
    }

    #[test]
    fn the_first_line_that_matches_gives_the_password() {
        let table = [
            (("db", 5432, "shop", "ann"), Some("first")),
            (("db", 5433, "shop", "ann"), Some("port")),
            (("db", 5432, "mart", "ann"), Some("database")),
            (("db", 5432, "else", "ann"), None),
            (("with:colon", 5432, "shop", "x"), Some(r"a:b\c")),
            (("localhost", 5432, "shop", "ann"), Some("local")),
            (("/var/run/postgresql", 5432, "shop", "ann"), Some("local")),
            (("/srv/pg", 5432, "shop", "ann"), Some("socket")),
            (("*", 5432, "shop", "ann"), Some("star")),
            (("other", 5432, "shop", "ann"), None),
            (("other", 1, "shop", "bob"), Some("anyone")),
            (("too", 5432, "fields", ""), None),
        ];
        for ((host, port, database, user), wanted) in table {
            assert_eq!(password(host, port, database, user).as_deref(), wanted, "{user}@{host}:{port}/{database}");
        }
    }

    #[test]
    fn a_file_that_others_may_read_is_left_out_with_a_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgpass");
        fs::write(&path, "*:*:*:*:tide\n").unwrap();
        let login = Login { host: "db", port: 5432, database: "shop", user: "ann" };
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let (file, warning) = PassFile::read(&path);
            assert_eq!((file.password(&login).is_some(), warning.is_none()), (used, used), "{mode:o}");
            assert!(warning.is_none_or(|text| text.contains("chmod 600") && !text.contains("tide")));
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_no_news() {
        let (file, warning) = PassFile::read(Path::new("/nowhere/pgpass"));
        assert!(file.0.is_empty() && warning.is_none());
    }
}
