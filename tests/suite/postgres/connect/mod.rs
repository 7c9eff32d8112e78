//! How tidegate connects to a real PostgreSQL: encryption, passwords, and what it says where there is no connection.

mod server;

use std::{error::Error, fs, os::unix::fs::PermissionsExt};

use server::{PASSWORD, PASSWORD_IN_URL, server};
use tidegate::warehouse::postgres::connect::{Address, ConnectError, ConnectionTask, PgEnv, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_postgres::Client;

/// Connects as `ann` with the password, over TCP unless the text names another host.
async fn as_ann(text: &str) -> Result<(Client, ConnectionTask), ConnectError> {
    let vars = [("PGUSER", "ann".to_owned()), ("PGPASSWORD", PASSWORD.to_owned()), ("PGPORT", server().port.to_string())];
    connect_in(text, &PgEnv { vars: vars.map(|(name, value)| (name.to_owned(), value)).into(), ..PgEnv::default() }).await
}

async fn connect_in(text: &str, env: &PgEnv) -> Result<(Client, ConnectionTask), ConnectError> {
    connect(&Address::parse(text, env)?).await
}

/// The error, after a look that no form of it holds the password.
async fn refusal(text: &str) -> ConnectError {
    let Err(error) = as_ann(text).await else { panic!("{text} connects") };
    let forms = format!("{error} {error:?} {:?} {}", error.hint(), causes(&error));
    assert!(!forms.contains("p@ss") && !forms.contains("p%40ss"), "{forms}");
    error
}

fn causes(error: &dyn Error) -> String {
    error.source().map(|cause| format!("{cause}: {}", causes(cause))).unwrap_or_default()
}

/// Whether the session is encrypted, as the server sees it.
async fn is_encrypted(client: &Client) -> bool {
    client.query_one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn each_mode_encrypts_what_it_says() {
    let table = [
        ("sslmode=disable dbname=both", false),
        ("sslmode=allow dbname=both", false),
        ("sslmode=allow dbname=tls", true),
        ("sslmode=prefer dbname=both", true),
        ("dbname=both", true),
        ("sslmode=prefer dbname=plain", false),
        ("sslmode=require dbname=tls", true),
    ];
    for (text, wanted) in table {
        let (client, _task) = as_ann(&format!("host=127.0.0.1 {text}")).await.unwrap();
        assert_eq!(is_encrypted(&client).await, wanted, "{text}");
    }
}

#[tokio::test]
async fn verify_full_takes_the_right_name_and_no_other() {
    let ca = server().file("ca.crt");
    let (client, _task) = as_ann(&format!("host=localhost dbname=tls sslmode=verify-full sslrootcert={ca}")).await.unwrap();
    assert!(is_encrypted(&client).await);
    let error = refusal(&format!("host=127.0.0.1 dbname=tls sslmode=verify-full sslrootcert={ca}")).await;
    assert!(matches!(error, ConnectError::WrongName { .. }), "{error:?}");
}

#[tokio::test]
async fn the_name_is_checked_where_the_address_is_given_beside_it() {
    let ca = server().file("ca.crt");
    as_ann(&format!("host=localhost hostaddr=127.0.0.1 dbname=tls sslmode=verify-full sslrootcert={ca}")).await.unwrap();
    let error = refusal(&format!("host=elsewhere hostaddr=127.0.0.1 dbname=tls sslmode=verify-full sslrootcert={ca}")).await;
    assert!(matches!(error, ConnectError::WrongName { .. }), "{error:?}");
}

#[tokio::test]
async fn verify_ca_takes_any_name() {
    as_ann(&format!("host=127.0.0.1 dbname=tls sslmode=verify-ca sslrootcert={}", server().file("ca.crt"))).await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_refused() {
    let stranger = server().file("stranger.crt");
    for mode in ["verify-full", "verify-ca", "require"] {
        let error = refusal(&format!("host=localhost dbname=tls sslmode={mode} sslrootcert={stranger}")).await;
        assert!(matches!(error, ConnectError::Untrusted { .. }), "{mode}: {error:?}");
    }
    let error = refusal("host=localhost dbname=tls sslrootcert=system").await;
    assert!(matches!(error, ConnectError::Untrusted { .. } | ConnectError::NoSystemRoots), "{error:?}");
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_if_it_is_named_itself() {
    let (port, certificate) = (server().self_signed_port, server().file("self.crt"));
    as_ann(&format!("host=localhost port={port} dbname=tls sslmode=verify-full sslrootcert={certificate}")).await.unwrap();
    as_ann(&format!("host=127.0.0.1 port={port} dbname=tls sslmode=verify-ca sslrootcert={certificate}")).await.unwrap();
    let error = refusal(&format!("host=localhost port={port} dbname=tls sslmode=verify-ca sslrootcert={}", server().file("ca.crt"))).await;
    assert!(matches!(error, ConnectError::Untrusted { .. }), "{error:?}");
}

#[tokio::test]
async fn a_client_certificate_logs_in_without_a_password() {
    let files = format!("sslcert={} sslkey={}", server().file("ann.crt"), server().file("ann.key"));
    let text = format!("host=127.0.0.1 port={} user=ann dbname=cert sslmode=require", server().port);
    let (client, _task) = connect_in(&format!("{text} {files}"), &PgEnv::default()).await.unwrap();
    assert!(is_encrypted(&client).await);
    let error = refusal(&text).await;
    assert!(matches!(error, ConnectError::NotAdmitted { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_wants_tls_says_so_to_a_client_that_has_it_disabled() {
    let error = refusal("host=127.0.0.1 dbname=tls sslmode=disable").await;
    assert!(matches!(error, ConnectError::TlsRequired { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("sslmode=require"));
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.read_exact(&mut [0; 8]).await.unwrap();
        socket.write_all(b"N").await.unwrap();
    });
    let error = refusal(&format!("host=127.0.0.1 port={port} sslmode=require")).await;
    assert!(matches!(error, ConnectError::TlsNotOffered { .. }), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    for mode in ["disable", "prefer", "require"] {
        let error = refusal(&format!("postgres://ann:p%40ssed@127.0.0.1/both?sslmode={mode}")).await;
        assert!(matches!(error, ConnectError::WrongPassword { .. }), "{error:?}");
        let port = server().port;
        assert_eq!(error.to_string(), format!("connect to `ann@127.0.0.1:{port}/both`: the server refuses the user or the password"));
    }
}

#[tokio::test]
async fn a_password_in_a_url_is_decoded() {
    let text = format!("postgres://ann:{PASSWORD_IN_URL}@127.0.0.1:{}/both", server().port);
    connect_in(&text, &PgEnv::default()).await.unwrap();
}

#[tokio::test]
async fn the_password_file_is_used() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".pgpass");
    fs::write(&file, format!("127.0.0.1:{}:both:ann:{}\n", server().port, PASSWORD.replace(':', "\\:"))).unwrap();
    let env = PgEnv { home: Some(home.path().to_owned()), ..PgEnv::default() };
    let text = format!("postgres://ann@127.0.0.1:{}/both", server().port);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    connect_in(&text, &env).await.unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(Address::parse(&text, &env).unwrap().warnings().len(), 1);
    assert!(matches!(connect_in(&text, &env).await, Err(ConnectError::NoPassword { .. })));
}

#[tokio::test]
async fn passwords_are_scram() {
    let text = format!("host={} user=postgres", server().folder.display());
    let (client, _task) = as_ann(&text).await.unwrap();
    let row = client.query_one("SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolname = 'ann'", &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));
}

#[tokio::test]
async fn a_scram_password_is_bound_to_the_channel_where_there_is_one() {
    as_ann("host=127.0.0.1 dbname=both sslmode=require channel_binding=require").await.unwrap();
    let error = refusal("host=127.0.0.1 dbname=both sslmode=disable channel_binding=require").await;
    assert!(matches!(error, ConnectError::Session { .. }), "{error:?}");
}

#[tokio::test]
async fn a_socket_is_never_encrypted_whatever_the_mode() {
    let (client, _task) = as_ann(&format!("postgres:///both?host={}&sslmode=verify-full", server().folder.display())).await.unwrap();
    assert!(!is_encrypted(&client).await);
}

#[tokio::test]
async fn a_session_has_its_name_and_its_options() {
    let (client, task) = as_ann("host=127.0.0.1 dbname=both options='-c work_mem=7MB'").await.unwrap();
    let row = client.query_one("SELECT current_setting('application_name'), current_setting('work_mem')", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), ("tidegate", "7MB"));
    drop(client);
    task.finish().await.unwrap();
}

#[tokio::test]
async fn a_session_that_breaks_says_so_when_it_ends() {
    let (client, task) = as_ann("host=127.0.0.1 dbname=both").await.unwrap();
    client.execute("SELECT pg_terminate_backend(pg_backend_pid())", &[]).await.unwrap_err();
    assert!(task.finish().await.is_err());
}

#[tokio::test]
async fn what_keeps_a_session_from_starting_is_told_apart() {
    let port = server().port;
    let missing = refusal("host=127.0.0.1 dbname=none").await;
    assert!(matches!(missing, ConnectError::NoDatabase { .. }), "{missing:?}");
    let refused = refusal("host=127.0.0.1 port=1").await;
    assert!(matches!(refused, ConnectError::Refused { .. }), "{refused:?}");
    let socket = refusal("host=/nowhere").await;
    assert!(matches!(socket, ConnectError::Refused { .. }), "{socket:?}");
    let unknown = refusal("host=no-such-host.invalid").await;
    assert!(matches!(unknown, ConnectError::UnknownHost { .. }), "{unknown:?}");
    let stranger = refusal(&format!("host=127.0.0.1 port={port} dbname=elsewhere")).await;
    assert!(matches!(stranger, ConnectError::NotAdmitted { .. }), "{stranger:?}");
    let texts = [&missing, &refused, &socket, &unknown, &stranger].map(|error| format!("{error}: {}", causes(error)));
    assert!(texts.iter().all(|text| text.starts_with("connect to `ann@")), "{texts:#?}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_ends_in_a_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = refusal(&format!("host=127.0.0.1 port={port} connect_timeout=1")).await;
    assert!(matches!(error, ConnectError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn hosts_are_tried_in_order_until_one_answers() {
    let port = server().port;
    as_ann(&format!("postgres://127.0.0.1:1,no-such-host.invalid,127.0.0.1:{port}/both")).await.unwrap();
    let all = refusal("postgres://127.0.0.1:1,127.0.0.1:2/both").await;
    assert!(matches!(&all, ConnectError::EveryServer { tried } if tried.len() == 2), "{all:?}");
    let wrong = refusal(&format!("postgres://ann:x@127.0.0.1:{port},127.0.0.1:1/both")).await;
    assert!(matches!(wrong, ConnectError::WrongPassword { .. }), "{wrong:?}");
}
