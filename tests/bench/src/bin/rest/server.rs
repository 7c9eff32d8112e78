//! The server, a process of its own so that its work is nobody's: all pages are made and packed before it says where it is.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tidegate_tests::{
    shops::plain::PlainShop,
    wire::{Asked, Reply, Wire},
};

/// Orders on a page.
pub const PAGE: u64 = 250;

/// How long each answer takes to begin.
const LATENCY: Duration = Duration::from_millis(2);

/// A server in a child process; it ends with this value.
pub struct Server {
    /// Its base URL.
    pub url: String,
    // The child serves until its input ends.
    _input: ChildStdin,
    _child: Child,
}

impl Server {
    /// Starts this program as a server of so many orders.
    pub fn start(orders: u64) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--serve", &orders.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("start the server")?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().context("the server has an output")?).read_line(&mut url)?;
        ensure!(url.starts_with("http://"), "the server did not start");
        Ok(Self { url: url.trim().to_owned(), _input: child.stdin.take().context("the server has an input")?, _child: child })
    }
}

/// Serves until the input ends: what the child does.
pub fn main(orders: u64) -> Result<()> {
    let shop = PlainShop::new(orders);
    let pages = pages(&shop)?;
    let clock = shop.clone();
    let wire = Wire::start(move |asked| match pages.get(asked.param("cursor").unwrap_or_default()) {
        Some(page) if asked.path == "/orders" => page.clone().after(LATENCY),
        _ => shop.answer(asked),
    });
    wire.set_clock(move || clock.now());
    println!("{}", wire.url());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// All pages, packed, by their cursors; the first one has none.
fn pages(shop: &PlainShop) -> Result<HashMap<String, Reply>> {
    let mut pages = HashMap::new();
    let mut cursor = String::new();
    loop {
        let target = format!("/orders?limit={PAGE}{}{cursor}", if cursor.is_empty() { "" } else { "&cursor=" });
        let page = shop.answer(&Asked::new("GET", &target));
        let next = serde_json::from_slice::<Value>(&page.body)?["next"].as_str().map(str::to_owned);
        pages.insert(cursor, page.gzip());
        match next {
            Some(next) => cursor = next,
            None => return Ok(pages),
        }
    }
}
