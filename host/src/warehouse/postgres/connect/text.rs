//! From the text of an address, a URL or a conninfo string, to named values. The grammar is libpq's (PostgreSQL documentation, "Connection Strings").
//!
//! - No error repeats a piece of the text: where a password is not encoded as it should be, any piece may be one.

use super::{error::ConnectError, parameter::Given};

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Reads either form. The empty text gives nothing, so that everything comes from the environment.
pub(super) fn read(text: &str) -> Result<Given, ConnectError> {
    let text = text.trim();
    match SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)) {
        Some(rest) => url(rest),
        None if text.contains("://") && !text.contains('=') => Err(wrong("a URL starts with `postgres://` or `postgresql://`")),
        None => conninfo(text),
    }
}

fn wrong(what: &'static str) -> ConnectError {
    ConnectError::Text { what }
}

fn url(rest: &str) -> Result<Given, ConnectError> {
    let (front, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = front.split_once('/').unwrap_or((front, ""));
    // libpq would take the text up to the first `@` or `/` for the login and the rest, a piece of the password, for the host or the database.
    if authority.matches('@').count() > 1 || database.contains('@') {
        return Err(ConnectError::NotEncoded);
    }
    let (login, hosts) = authority.split_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let mut given = Given::default();
    given.put("user", decode(user)?)?;
    given.put("password", decode(password)?)?;
    given.put("dbname", decode(database)?)?;
    put_hosts(&mut given, hosts)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        put_pair(&mut given, pair)?;
    }
    Ok(given)
}

fn put_hosts(given: &mut Given, hosts: &str) -> Result<(), ConnectError> {
    let pairs = hosts.split(',').map(host_and_port).collect::<Result<Vec<_>, _>>()?;
    let (names, ports): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    // A single empty entry says nothing; in a list it stands for the default.
    if names.len() > 1 || names.iter().any(|name| !name.is_empty()) {
        given.put("host", names.join(","))?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        given.put("port", ports.join(","))?;
    }
    Ok(())
}

fn host_and_port(entry: &str) -> Result<(String, &str), ConnectError> {
    let Some(inner) = entry.strip_prefix('[') else {
        let (host, port) = entry.split_once(':').unwrap_or((entry, ""));
        return Ok((decode(host)?, port));
    };
    let (address, after) = inner.split_once(']').ok_or_else(|| wrong("the `[` before an IPv6 address has no `]`"))?;
    match after.strip_prefix(':') {
        Some(port) => Ok((decode(address)?, port)),
        None if after.is_empty() => Ok((decode(address)?, "")),
        None => Err(wrong("after the `]` of an IPv6 address comes a `:` and the port, or nothing")),
    }
}

fn put_pair(given: &mut Given, pair: &str) -> Result<(), ConnectError> {
    let (name, value) = pair.split_once('=').ok_or_else(|| wrong("after the `?` of a URL come pairs `name=value`, joined by `&`"))?;
    match (decode(name)?.as_str(), decode(value)?) {
        // As JDBC spells it; libpq takes it too.
        ("ssl", value) if value == "true" => given.put("sslmode", "require".to_owned()),
        (name, value) => given.put(name, value),
    }
}

/// Percent-decodes. A `+` stays a `+`, as in libpq.
fn decode(text: &str) -> Result<String, ConnectError> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte != 0 => bytes.push(byte),
            _ => return Err(wrong("in a URL a `%` is followed by two hex digits, not `00`; the character itself is `%25`")),
        }
        bytes.extend(piece.bytes().skip(2));
    }
    String::from_utf8(bytes).map_err(|_| wrong("what a URL percent-encodes is UTF-8"))
}

fn conninfo(text: &str) -> Result<Given, ConnectError> {
    let mut given = Given::default();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, after) =
            rest.split_once('=').ok_or_else(|| wrong("each parameter is `name=value`, a value with spaces in single quotes"))?;
        let name = name.trim_end();
        if name.contains(char::is_whitespace) {
            return Err(wrong("a parameter has no `=`; a value with spaces stands in single quotes"));
        }
        let (value, after) = conninfo_value(after.trim_start())?;
        given.put(name, value)?;
        rest = after.trim_start();
    }
    Ok(given)
}

/// A value and what follows it: up to white space, or up to the closing quote. A backslash takes the next character as it is.
fn conninfo_value(text: &str) -> Result<(String, &str), ConnectError> {
    let quoted = text.strip_prefix('\'');
    let mut value = String::new();
    let mut chars = quoted.unwrap_or(text).chars();
    loop {
        let before = chars.as_str();
        match chars.next() {
            Some('\\') => value.extend(chars.next()),
            Some('\'') if quoted.is_some() => return Ok((value, chars.as_str())),
            Some(space) if quoted.is_none() && space.is_whitespace() => return Ok((value, before)),
            Some(other) => value.push(other),
            None if quoted.is_some() => return Err(wrong("a value's opening quote has no closing one")),
            None => return Ok((value, "")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{env::PgEnv, parameter::Settings};
    use super::*;

    #[test]
    fn both_forms_give_the_values_that_libpq_reads_in_them() {
        let table: [(&str, &[(&'static str, &str)]); 13] = [
            ("postgres://ann@db/shop", &[("user", "ann"), ("host", "db"), ("dbname", "shop")]),
            ("postgresql://ann:p%40ss%2Fw%3Ard@db:5433/shop", &[("password", "p@ss/w:rd"), ("port", "5433")]),
            ("postgres://a:b:c@db", &[("user", "a"), ("password", "b:c")]),
            ("postgres://a,b:5433/shop", &[("host", "a,b"), ("port", ",5433")]),
            ("postgres://[::1]:5433/shop", &[("host", "::1"), ("port", "5433")]),
            ("postgres:///shop?host=/run/pg&sslmode=disable", &[("host", "/run/pg"), ("dbname", "shop"), ("sslmode", "disable")]),
            ("postgres://%2Frun%2Fpg/shop", &[("host", "/run/pg")]),
            ("postgres://db?ssl=true", &[("sslmode", "require")]),
            ("postgres://db?options=-c%20work_mem%3D64MB", &[("options", "-c work_mem=64MB")]),
            ("host=db port = 5433 user=ann", &[("host", "db"), ("port", "5433"), ("user", "ann")]),
            (r"password='it\'s a \\ tide' dbname=shop", &[("password", r"it's a \ tide"), ("dbname", "shop")]),
            (r"password=a\ b host=db", &[("password", "a b"), ("host", "db")]),
            ("host='' dbname=shop", &[("dbname", "shop")]),
        ];
        for (text, values) in table {
            let env = PgEnv::default();
            let settings = Settings::new(read(text).unwrap(), &env);
            for (name, value) in values {
                assert_eq!(settings.get(name), Some(*value), "{name} of {text}");
            }
        }
    }

    #[test]
    fn no_error_repeats_a_piece_of_the_text() {
        let table = [
            "postgres://ann:s3c@ret@db/shop",
            "postgres://ann:s3c/ret@db/shop",
            "postgres://ann:x?s3cret@db/shop",
            "postgres://ann:s3cret%zz@db",
            "postgres://ann:s3cret%0@db",
            "postgres://[s3cret",
            "postgres://[::1]s3cret",
            "mysql://ann:s3cret@db",
            "s3cret",
            "password=a s3cret",
            "password=a s3cret host=b",
            "password='s3cret",
        ];
        for text in table {
            let error = read(text).err().unwrap_or_else(|| panic!("{text} is understood"));
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("s3c"), "{error:?}");
        }
    }

    #[test]
    fn a_password_that_is_not_encoded_is_told_apart() {
        assert!(matches!(read("postgres://ann:s@cret@db"), Err(ConnectError::NotEncoded)));
        assert!(matches!(read("postgres://ann:s/cret@db"), Err(ConnectError::NotEncoded)));
    }
}
