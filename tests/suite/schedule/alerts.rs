//! What people are to be told outlives the daemon, and they are told of the last failure, once.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use anyhow::{Context, Result};
use tidegate::schedule::TaskStatus;
use tidegate_tests::{
    daemon::{self, Daemon, growing, orders, statuses, trigger},
    program::Workplace,
};

/// Answers every post with 200 and hands its body over.
fn sink(listener: TcpListener) -> Receiver<serde_json::Value> {
    let (told, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(body) = stream.context("a connection").and_then(answered) else { continue };
            if told.send(body).is_err() {
                return;
            }
        }
    });
    heard
}

fn answered(mut stream: TcpStream) -> Result<serde_json::Value> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().to_lowercase().split_once(": ") {
            Some(("content-length", value)) => length = value.parse()?,
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
    Ok(serde_json::from_slice(&body)?)
}

#[test]
fn what_is_to_be_told_outlives_the_daemon() {
    let mut workplace = Workplace::empty().unwrap();
    let more = "[alerts.ops]\nkind = \"webhook\"\nurl = { env = \"OPS\" }\n[schedule]\nretries = 0\nsla = \"1h\"";
    workplace.write("pipelines/shop.toml", &growing("shop", more)).unwrap();
    // The port is ours; nobody answers there until later.
    let place = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    workplace.set("OPS", &format!("http://{place}/hook"));
    trigger(&workplace, "shop").unwrap();
    let first = Daemon::start(&workplace).unwrap();
    let store = daemon::store(&workplace).unwrap();
    assert_eq!(statuses(&daemon::ended(&store, "shop", 1).unwrap()), [TaskStatus::Failed]);
    first.kill().unwrap();

    let heard = sink(TcpListener::bind(place).unwrap());
    let second = Daemon::start(&workplace).unwrap();
    let news = heard.recv_timeout(Duration::from_secs(60)).expect("the alert arrives");
    assert!(news.to_string().contains("failure") && news.to_string().contains("shop"), "{news}");
    workplace.write("input/shop.csv", &orders(3)).unwrap();
    trigger(&workplace, "shop").unwrap();
    let news = heard.recv_timeout(Duration::from_secs(60)).expect("the recovery arrives");
    assert!(news.to_string().contains("recovery"), "{news}");
    assert_eq!(second.stop().unwrap(), Some(0));
    assert!(heard.try_recv().is_err(), "each was told once");
}
