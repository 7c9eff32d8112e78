//! What an address makes of a text and an environment.

use std::{fs, os::unix::fs::PermissionsExt};

use super::*;

/// Variables of an environment.
type Vars<'a> = &'a [(&'a str, &'a str)];

fn env(vars: Vars<'_>) -> PgEnv {
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    PgEnv { vars, home: None, os_user: Some("me".to_owned()) }
}

fn shown(text: &str, vars: Vars<'_>) -> String {
    Address::parse(text, &env(vars)).map(|address| address.to_string()).unwrap_or_else(|error| error.to_string())
}

#[test]
fn what_is_not_given_comes_from_the_environment_and_then_from_libpqs_defaults() {
    let elsewhere = [("PGHOST", "far"), ("PGPORT", "5433"), ("PGUSER", "eve"), ("PGDATABASE", "mart")];
    let table: [(&str, Vars<'_>, &str); 11] = [
        ("postgres://ann@db:5434/shop", &elsewhere, "ann@db:5434/shop"),
        ("postgres://ann@db/shop", &elsewhere, "ann@db:5433/shop"),
        ("postgres:///", &elsewhere, "eve@far:5433/mart"),
        ("", &elsewhere, "eve@far:5433/mart"),
        ("host=db", &[], "me@db:5432/me"),
        ("host=db user=ann", &[], "ann@db:5432/ann"),
        ("host=/run/pg user=ann", &[], "ann@/run/pg:5432/ann"),
        ("hostaddr=::1", &[], "me@[::1]:5432/me"),
        ("host=db hostaddr=10.0.0.1", &[], "me@db:5432/me"),
        ("postgres://a:1,b:2/shop", &[], "me@a:1,b:2/shop"),
        ("host=a,b port=7 dbname=shop", &[], "me@a:7,b:7/shop"),
    ];
    for (text, vars, wanted) in table {
        assert_eq!(shown(text, vars), wanted, "{text}");
    }
}

#[test]
fn a_wrong_value_is_told_by_what_names_it() {
    let table: [(&str, Vars<'_>, &str); 8] = [
        ("postgres://db:tide/shop", &[], "`port` takes a number from 1 to 65535"),
        ("host=db", &[("PGPORT", "0")], "`PGPORT` takes a number from 1 to 65535"),
        ("host=a,b port=1,2,3", &[], "`port` takes one port, or one for each host"),
        ("host=a,b hostaddr=10.0.0.1", &[], "`hostaddr` takes one address for each `host`"),
        ("hostaddr=db", &[], "`hostaddr` takes a numeric IPv4 or IPv6 address"),
        ("host=db connect_timeout=soon", &[], "`connect_timeout` takes whole seconds, 0 to wait for ever"),
        ("host=db channel_binding=yes", &[], "`channel_binding` takes `disable`, `prefer` or `require`"),
        ("host=db gssencmode=require", &[], "`gssencmode` takes `disable` or `prefer`, as GSSAPI is not supported"),
    ];
    for (text, vars, wanted) in table {
        assert_eq!(shown(text, vars), format!("understand the address of the database: {wanted}"), "{text}");
    }
}

#[test]
fn the_timeout_is_ten_seconds_unless_it_is_said() {
    let table = [
        ("host=db", Some(10)),
        ("host=db connect_timeout=3", Some(3)),
        ("host=db connect_timeout=0", None),
        ("host=db connect_timeout=-1", None),
    ];
    for (text, seconds) in table {
        assert_eq!(Address::parse(text, &env(&[])).unwrap().connect_timeout, seconds.map(Duration::from_secs), "{text}");
    }
}

#[test]
fn an_address_shows_no_password() {
    let texts = ["postgres://ann:s3cret@db/shop", "host=db password=s3cret", "host=db"];
    for text in texts {
        let address = Address::parse(text, &env(&[("PGPASSWORD", "s3cret")])).unwrap();
        assert_eq!(address.targets[0].password, Some(Secret::new("s3cret")));
        assert!(!format!("{address} {address:?} {address:#?}").contains("s3cret"), "{text}");
    }
}

#[test]
fn without_a_user_there_is_no_address() {
    assert!(matches!(Address::parse("host=db", &PgEnv::default()), Err(ConnectError::NoUser)));
}

#[test]
fn the_default_host_is_the_socket_if_there_is_one() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(default_host(folder.path(), 5432), Host::Tcp("localhost".to_owned()));
    fs::write(folder.path().join(".s.PGSQL.5432"), "").unwrap();
    assert_eq!(default_host(folder.path(), 5432), Host::Socket(folder.path().to_owned()));
}

#[test]
fn the_password_file_is_asked_for_each_host_where_no_password_is_given() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".pgpass");
    fs::write(&file, "a:*:*:*:one\nb:*:*:*:two\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let env = PgEnv { home: Some(home.path().to_owned()), ..env(&[]) };
    let passwords = |text: &str| Address::parse(text, &env).unwrap().targets.into_iter().map(|target| target.password).collect::<Vec<_>>();
    assert_eq!(passwords("host=a,b,c"), [Some(Secret::new("one")), Some(Secret::new("two")), None]);
    assert_eq!(passwords("host=a password=given"), [Some(Secret::new("given"))]);
    assert_eq!(passwords("host=a passfile=/nowhere"), [None]);
}

#[test]
fn a_password_file_that_others_may_read_is_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("pass");
    fs::write(&file, "*:*:*:*:s3cret\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let address = Address::parse("host=db", &env(&[("PGPASSFILE", &file.display().to_string())])).unwrap();
    assert_eq!(address.targets[0].password, None);
    assert!(matches!(address.warnings(), [warning] if warning.contains("others may read it")));
}
