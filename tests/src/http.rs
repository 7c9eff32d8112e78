//! Requests over HTTP/1.1 to a server on this machine, blocking and without TLS: what drives a browser and asks a daemon.
//!
//! What always holds here:
//! - A connection serves one request, so that nothing of one answer reaches the next.
//! - A server that says nothing for [`PATIENCE`] is an error, never a test that hangs.
//! - An answer is whole or an error: its length is counted, its chunks are joined
//!   (`an_answer_is_read_by_its_length_by_its_chunks_or_to_its_end`).

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use serde::de::DeserializeOwned;

/// How long a server may be silent. The first page of a browser that starts on a busy machine takes the longest.
const PATIENCE: Duration = Duration::from_secs(120);

/// A head has fewer headers than this.
const MOST_HEADERS: usize = 64;

/// What a server said.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The body, without the marks of its transfer.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).with_context(|| format!("read this answer as JSON: {}", self.text()))
    }
}

/// Asks for a path.
pub fn get(server: SocketAddr, path: &str) -> Result<Answer> {
    send(server, "GET", path, &[], None)
}

/// Sends a request and reads its answer; redirects are not followed.
pub fn send(server: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Answer> {
    exchange(server, method, path, headers, body).with_context(|| format!("{method} http://{server}{path}"))
}

fn exchange(server: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Answer> {
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.unwrap_or_default())?;
    read(BufReader::new(stream))
}

fn read(mut from: impl BufRead) -> Result<Answer> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        ensure!(from.read_until(b'\n', &mut head)? > 0, "the server hung up after {} bytes of the head", head.len());
    }
    let mut parsed = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut parsed);
    response.parse(&head).context("read the head of the answer")?;
    let header = |header: &httparse::Header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned());
    let headers = response.headers.iter().map(header).collect();
    let mut answer = Answer { status: response.code.context("a status")?, headers, body: Vec::new() };
    answer.body = match (answer.header("transfer-encoding"), answer.header("content-length")) {
        (Some("chunked"), _) => chunks(from)?,
        (None, Some(length)) => exactly(&mut from, length.parse().context("the length of the body")?)?,
        (None, None) => {
            let mut rest = Vec::new();
            from.read_to_end(&mut rest)?;
            rest
        }
        (Some(other), _) => bail!("the transfer encoding `{other}` is not known here"),
    };
    Ok(answer)
}

fn exactly(from: &mut impl Read, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).context("the body is shorter than was said")?;
    Ok(bytes)
}

fn chunks(mut from: impl BufRead) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line)?;
        let size = line.trim().split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).with_context(|| format!("`{}` is no size of a chunk", line.trim()))?;
        if size == 0 {
            return Ok(whole);
        }
        whole.extend(exactly(&mut from, size)?);
        from.read_line(&mut String::new())?;
    }
}

/// The path and query of a URL, or the whole text where it is a path already: what a link or a redirect names.
pub fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    match (url.len() == after_scheme.len(), after_scheme.find('/')) {
        (true, _) => url,
        (false, Some(slash)) => &after_scheme[slash..],
        (false, None) => "/",
    }
}
