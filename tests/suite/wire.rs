//! The server that other tests lean on does what it says.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant, UNIX_EPOCH},
};

use serde_json::json;
use tidegate_tests::wire::{Asked, Fault, Plan, Reply, Wire};

/// Sends bytes over a connection of their own; gives what came until its end, and how it ended.
fn talk(wire: &Wire, sent: &str) -> (String, Option<ErrorKind>) {
    talk_with(wire, sent, Duration::from_millis(200))
}

/// The same, with what it takes for silence.
fn talk_with(wire: &Wire, sent: &str, silence: Duration) -> (String, Option<ErrorKind>) {
    let mut stream = TcpStream::connect(("127.0.0.1", wire.port())).unwrap();
    stream.set_read_timeout(Some(silence)).unwrap();
    stream.write_all(sent.as_bytes()).unwrap();
    let mut came = Vec::new();
    let end = stream.read_to_end(&mut came).err().map(|error| error.kind());
    (String::from_utf8_lossy(&came).into_owned(), end)
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
}

/// A server whose every answer is `0123456789`, with this fault.
fn with_fault(fault: Fault) -> Wire {
    Wire::start(move |_| Reply::text(200, "0123456789").fault(fault.clone()))
}

#[test]
fn path_and_query_are_decoded_in_their_order() {
    let asked = Asked::new("get", "/a%20b/c?ids%5B%5D=1&ids[]=2&q=a+b%26c&empty&last=");
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("GET", "/a b/c"));
    let query: Vec<_> = asked.query.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(query, ["ids[]: 1", "ids[]: 2", "q: a b&c", "empty: ", "last: "]);
    assert_eq!(Asked::new("GET", "http://host/x?y=1").path, "/x");
    let url = Asked::new("GET", "/x?to=http://host/y");
    assert_eq!((url.path.as_str(), url.param("to")), ("/x", Some("http://host/y")));
}

#[test]
fn basic_authorization_is_read() {
    let mut asked = Asked::new("GET", "/");
    asked.headers.push(("Authorization".into(), "Basic Y2tfYTpjczo/fg==".into()));
    assert_eq!(asked.basic(), Some(("ck_a".into(), "cs:?~".into())));
}

#[test]
fn a_connection_takes_request_after_request_and_each_is_written_down() {
    let wire = Wire::start(|asked| Reply::json(200, &json!({ "n": asked.number })));
    wire.set_clock(|| UNIX_EPOCH + Duration::from_secs(784_111_777));
    let posted = "POST /first?a=1 HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\nhello";
    let chunked = "POST /second HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n";
    let (came, end) = talk(&wire, &format!("{posted}{chunked}{}", get("/third")));
    assert_eq!(end, None);
    assert_eq!(came.matches("HTTP/1.1 200 OK\r\n").count(), 3, "{came}");
    assert_eq!(came.matches("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n").count(), 3, "{came}");
    assert!(came.ends_with("Connection: close\r\n\r\n{\"n\":3}"), "{came}");
    let asked = wire.asked();
    let told: Vec<_> =
        asked.iter().map(|asked| (asked.path.as_str(), asked.param("a"), String::from_utf8_lossy(&asked.body).into_owned())).collect();
    assert_eq!(told, [("/first", Some("1"), "hello".into()), ("/second", None, "abcde".into()), ("/third", None, String::new())]);
    assert_eq!(wire.connections(), 1);
}

#[test]
fn a_bad_client_ends_its_connection_and_nothing_else() {
    let wire = Wire::start(|_| Reply::new(204));
    for bad in [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ] {
        assert!(talk(&wire, bad).0.starts_with("HTTP/1.1 400 "), "{bad}");
    }
    assert_eq!(talk(&wire, "GET / HT").1, Some(ErrorKind::WouldBlock));
    assert!(talk(&wire, &format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(300 << 10))).0.starts_with("HTTP/1.1 431 "));
    assert!(talk(&wire, &get("/")).0.starts_with("HTTP/1.1 204 No Content\r\nDate"));
    assert_eq!(wire.asked().len(), 1);
}

#[test]
fn each_fault_is_what_its_name_says() {
    let of = |fault| talk(&with_fault(fault), &get("/"));
    let body = |came: &str| came.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    let (came, end) = of(Fault::ResetAfter(4));
    assert_eq!((body(&came).as_deref(), end), (Some("0123"), Some(ErrorKind::ConnectionReset)));
    let (came, end) = of(Fault::CloseAfter(4));
    assert_eq!((body(&came).as_deref(), end, came.contains("Content-Length: 10\r\n")), (Some("0123"), None, true));
    let (came, _) = of(Fault::CutAt(4));
    assert_eq!((body(&came).as_deref(), came.contains("Content-Length: 4\r\n")), (Some("0123"), true));
    assert_eq!(of(Fault::ResetBeforeHead), (String::new(), Some(ErrorKind::ConnectionReset)));
    assert_eq!(of(Fault::CloseBeforeHead), (String::new(), None));
    assert_eq!(of(Fault::Silence), (String::new(), Some(ErrorKind::WouldBlock)));
    assert_eq!(of(Fault::SilenceAfter(1)).1, Some(ErrorKind::WouldBlock));
    assert!(of(Fault::WrongLength(3)).0.contains("Content-Length: 13\r\n"));
    assert!(of(Fault::WrongLength(-3)).0.contains("Content-Length: 7\r\n"));
    assert_eq!(of(Fault::TwoLengths).0.matches("Content-Length: 1").count(), 2);
    assert!(of(Fault::GarbageHead).0.starts_with('\u{16}'));
    assert!(of(Fault::BrokenChunk).0.ends_with("5\r\n56789\r\nnonsense\r\n"));
    assert!(of(Fault::MissingLastChunk).0.ends_with("5\r\n56789\r\n"));
    assert!(of(Fault::TruncatedGzip).0.contains("Content-Encoding: gzip\r\n"));
    assert!(of(Fault::Instead(Box::new(Reply::new(429)))).0.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
    let started = Instant::now();
    assert!(of(Fault::Drip { bytes: 5, every: Duration::from_millis(20) }).0.ends_with("0123456789"));
    assert!(started.elapsed() >= Duration::from_millis(40));
}

#[test]
fn bodies_come_in_chunks_repeated_and_packed() {
    let wire = Wire::start(|asked| match asked.path.as_str() {
        "/chunks" => Reply::text(200, "abcde").chunked(2),
        "/gzip" => Reply::text(200, "abcde").gzip_for(asked),
        _ => Reply::text(200, "0123456789").repeated(100_000),
    });
    assert!(talk(&wire, &get("/chunks")).0.ends_with("\r\n\r\n2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n"));
    assert!(talk(&wire, &get("/gzip")).0.ends_with("abcde"));
    assert!(talk(&wire, &get("/gzip").replace("Host", "Accept-Encoding: gzip\r\nHost")).0.contains("Content-Encoding: gzip"));
    let (came, _) = talk(&wire, &get("/long"));
    assert!(came.contains("Content-Length: 1000000\r\n") && came.len() > 1_000_000, "{}", came.len());
    let head = talk(&wire, &get("/long").replace("GET", "HEAD")).0;
    assert!(head.contains("Content-Length: 1000000\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn the_same_seed_hits_the_same_requests() {
    let asked = |number| Asked { number, ..Asked::new("GET", "/") };
    let hits = |seed| {
        let plan = Plan::seeded(seed, 3, 2, vec![Fault::Silence, Fault::CutAt(1)]);
        (1..=300).map(|number| plan.next(&asked(number))).collect::<Vec<_>>()
    };
    assert_eq!(hits(7), hits(7));
    assert_ne!(hits(7), hits(8));
    let count = hits(7).iter().flatten().count();
    assert!((60..130).contains(&count), "{count} of 300 were hit");
    let always = Plan::seeded(1, 1, 2, vec![Fault::Silence]);
    let hits: Vec<_> = (1..=6).map(|number| always.next(&asked(number)).is_some()).collect();
    assert_eq!(hits, [true, true, false, true, true, false], "a target fails only so often in a row");
}

#[test]
fn a_plan_hits_requests_by_number() {
    let wire = Wire::disturbed(Plan::at([(2, Fault::CloseBeforeHead)]), |_| Reply::text(200, "well"));
    let came: Vec<_> = (0..3).map(|_| talk(&wire, &get("/")).0.ends_with("well")).collect();
    assert_eq!((came, wire.faults()), (vec![true, false, true], 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_takes_its_threads_with_it() {
    let threads = |port: u16| {
        let name = format!("wire {port}");
        let all = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        all.filter(|task| std::fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name)).count()
    };
    let wire = Wire::start(|_| Reply::text(200, "slow").fault(Fault::Drip { bytes: 1, every: Duration::from_secs(3600) }));
    let port = wire.port();
    let idle = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut dripping = TcpStream::connect(("127.0.0.1", port)).unwrap();
    dripping.write_all(get("/").as_bytes()).unwrap();
    while wire.asked().is_empty() {
        std::thread::yield_now();
    }
    assert!(threads(port) >= 2);
    drop(wire);
    assert_eq!(threads(port), 0);
    drop((idle, dripping));
}

#[test]
#[should_panic(expected = "an answer of the server panicked")]
fn an_answer_that_panics_fails_its_test() {
    let wire = Wire::start(|_| panic!("these are its words"));
    // Where backtraces are wanted, the first one takes as long as the symbols of the whole suite take to read.
    let (came, _) = talk_with(&wire, &get("/"), Duration::from_secs(60));
    assert!(came.starts_with("HTTP/1.1 500 "));
}
