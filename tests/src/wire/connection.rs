//! One connection: requests are read with care, replies are sent with the fault that they are to meet.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use socket2::SockRef;

use super::{Asked, Fault, Reply, Shared};

/// The longest head and the longest body that a client may send.
const MOST_HEAD: usize = 256 << 10;
const MOST_BODY: u64 = 64 << 20;
const MOST_HEADERS: usize = 256;

/// Bodies up to this leave in one piece with their head.
const ONE_PIECE: usize = 64 << 10;

/// How a connection goes on after a reply.
enum After {
    /// It waits for the next request.
    Open,
    /// It is closed.
    Closed,
    /// It is reset: the client sees an error, not an end.
    Reset,
}

/// What came instead of a request.
enum NoRequest {
    /// The client is done.
    End,
    /// This is no request; the status says why.
    Bad(u16),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::End
    }
}

/// Answers requests until the connection ends, then calls `ended`, so that nobody else holds it when it is closed.
pub(super) fn serve(stream: TcpStream, shared: &Shared, ended: impl FnOnce()) {
    let mut reader = BufReader::new(&stream);
    let after = loop {
        let (asked, last) = match read_request(&mut reader, &stream) {
            Ok(read) => read,
            Err(NoRequest::End) => break After::Closed,
            Err(NoRequest::Bad(status)) => {
                drop(send(&stream, &Reply::new(status), &Asked::default(), true, shared));
                drain(&stream);
                break After::Closed;
            }
        };
        let asked = shared.note(asked);
        let reply = shared.answer(&asked);
        match send(&stream, &reply, &asked, last, shared) {
            Ok(After::Open) if last => break After::Closed,
            Ok(After::Open) => {}
            Ok(after) => break after,
            Err(_) => break After::Closed,
        }
    };
    ended();
    match after {
        After::Reset => drop(SockRef::from(&stream).set_linger(Some(Duration::ZERO))),
        After::Open | After::Closed => drop(stream.shutdown(Shutdown::Write)),
    }
}

/// Reads one request; gives whether it is the connection's last.
fn read_request(reader: &mut BufReader<&TcpStream>, stream: &TcpStream) -> Result<(Asked, bool), NoRequest> {
    let head = read_head(reader)?;
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let whole = request.parse(&head).is_ok_and(|status| status.is_complete());
    let (true, Some(method), Some(target)) = (whole, request.method, request.path) else { return Err(NoRequest::Bad(400)) };
    let mut asked = Asked::new(method, target);
    asked.headers =
        request.headers.iter().map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())).collect();
    let says = |name: &str, word: &str| asked.header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
    let last = says("connection", "close") || (request.version == Some(0) && !says("connection", "keep-alive"));
    if says("expect", "100-continue") {
        (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    asked.body = if says("transfer-encoding", "chunked") {
        read_chunks(reader)?
    } else {
        let length = asked.header("content-length").map_or(Ok(0), |length| length.trim().parse().map_err(|_| NoRequest::Bad(400)))?;
        read_exactly(reader, length)?
    };
    Ok((asked, last))
}

/// The bytes up to the empty line.
fn read_head(reader: &mut BufReader<&TcpStream>) -> Result<Vec<u8>, NoRequest> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        let room = (MOST_HEAD - before) as u64;
        reader.by_ref().take(room).read_until(b'\n', &mut head)?;
        let line = &head[before..];
        match line {
            // An empty line before a request is let pass, as RFC 9112 (2.2) asks.
            b"\r\n" | b"\n" if before == 0 => head.clear(),
            b"\r\n" | b"\n" => return Ok(head),
            b"" if before == 0 => return Err(NoRequest::End),
            line if line.ends_with(b"\n") => {}
            _ if head.len() >= MOST_HEAD => return Err(NoRequest::Bad(431)),
            _ => return Err(NoRequest::End),
        }
    }
}

fn read_exactly(reader: &mut BufReader<&TcpStream>, length: u64) -> Result<Vec<u8>, NoRequest> {
    if length > MOST_BODY {
        return Err(NoRequest::Bad(413));
    }
    let mut body = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut body)?;
    if (body.len() as u64) < length { Err(NoRequest::End) } else { Ok(body) }
}

fn read_chunks(reader: &mut BufReader<&TcpStream>) -> Result<Vec<u8>, NoRequest> {
    let mut body = Vec::new();
    loop {
        let size = read_line(reader)?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(|_| NoRequest::Bad(400))?;
        if size == 0 {
            // Trailers up to the empty line.
            while !read_line(reader)?.is_empty() {}
            return Ok(body);
        }
        if body.len() as u64 + size > MOST_BODY {
            return Err(NoRequest::Bad(413));
        }
        body.extend(read_exactly(reader, size)?);
        if !read_line(reader)?.is_empty() {
            return Err(NoRequest::Bad(400));
        }
    }
}

/// A line without its end, of at most 8 KiB.
fn read_line(reader: &mut BufReader<&TcpStream>) -> Result<String, NoRequest> {
    let mut line = Vec::new();
    reader.by_ref().take(8 << 10).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(NoRequest::End);
    }
    Ok(String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned())
}

fn send(stream: &TcpStream, reply: &Reply, asked: &Asked, last: bool, shared: &Shared) -> io::Result<After> {
    if !reply.latency.is_zero() && shared.stop.sleep(reply.latency) {
        return Ok(After::Closed);
    }
    let Some(fault) = &reply.fault else {
        write(stream, reply, asked, &headers(reply, asked, last, shared))?;
        return Ok(After::Open);
    };
    send_disturbed(stream, reply, fault, (asked, last), shared)
}

fn send_disturbed(stream: &TcpStream, reply: &Reply, fault: &Fault, (asked, last): (&Asked, bool), shared: &Shared) -> io::Result<After> {
    let whole = |reply: &Reply| write(stream, reply, asked, &headers(reply, asked, last, shared)).map(|()| After::Open);
    let without_fault = || Reply { fault: None, ..reply.clone() };
    // Head and the first bytes of a body that was to be longer.
    let begin = |bytes: usize| {
        let mut piece = headers(reply, asked, last, shared);
        piece.extend(&reply.body[..bytes.min(reply.body.len().saturating_sub(1))]);
        (&*stream).write_all(&piece)
    };
    match *fault {
        Fault::Instead(ref other) => send(stream, other, asked, last, shared),
        Fault::CutAt(bytes) => {
            let mut cut = without_fault();
            cut.body.truncate(bytes);
            whole(&cut)
        }
        Fault::TruncatedGzip => {
            let mut cut = if reply.has("content-encoding") { without_fault() } else { without_fault().gzip() };
            cut.body.truncate(cut.body.len() / 2);
            whole(&cut)
        }
        Fault::ResetAfter(bytes) => begin(bytes).map(|()| After::Reset),
        Fault::ResetBeforeHead => Ok(After::Reset),
        Fault::CloseAfter(bytes) => begin(bytes).map(|()| After::Closed),
        Fault::CloseBeforeHead => Ok(After::Closed),
        Fault::WrongLength(by) => {
            let length = reply.length().saturating_add_signed(by);
            whole(&without_fault().header("Content-Length", length)).map(|_| After::Closed)
        }
        Fault::TwoLengths => {
            let length = reply.length();
            whole(&without_fault().header("Content-Length", length).header("Content-Length", length + 1)).map(|_| After::Closed)
        }
        Fault::Drip { bytes, every } => drip(stream, reply, &headers(reply, asked, last, shared), (bytes, every), shared),
        Fault::Silence => Ok(silence(stream)),
        Fault::SilenceAfter(bytes) => begin(bytes).map(|()| silence(stream)),
        Fault::GarbageHead => (&*stream).write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").map(|()| After::Closed),
        Fault::BrokenChunk | Fault::MissingLastChunk => {
            let chunked = without_fault().chunked(reply.body.len().max(2) / 2);
            let mut piece = headers(&chunked, asked, last, shared);
            piece.extend(chunks(&chunked));
            let end: &[u8] = if *fault == Fault::BrokenChunk { b"nonsense\r\n" } else { b"" };
            piece.extend(end);
            (&*stream).write_all(&piece).map(|()| After::Closed)
        }
    }
}

/// The head of a reply, with the headers that it lacks.
fn headers(reply: &Reply, asked: &Asked, last: bool, shared: &Shared) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    let mut line = |name: &str, value: &str| head.extend([name, ": ", value, "\r\n"]);
    for (name, value) in &reply.headers {
        line(name, value);
    }
    if !reply.has("date") {
        line("Date", &shared.date());
    }
    let bodiless = matches!(reply.status, 100..200 | 204 | 304);
    match reply.chunks {
        _ if bodiless => {}
        Some(_) if asked.method != "HEAD" => line("Transfer-Encoding", "chunked"),
        _ if !reply.has("content-length") => line("Content-Length", &reply.length().to_string()),
        _ => {}
    }
    if last && !reply.has("connection") {
        line("Connection", "close");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

/// Sends a whole reply.
fn write(mut stream: &TcpStream, reply: &Reply, asked: &Asked, head: &[u8]) -> io::Result<()> {
    let mut piece = head.to_vec();
    if asked.method == "HEAD" || matches!(reply.status, 100..200 | 204 | 304) {
        return stream.write_all(&piece);
    }
    if reply.chunks.is_some() {
        for _ in 0..reply.times.max(1) {
            piece.extend(chunks(reply));
            stream.write_all(&piece)?;
            piece.clear();
        }
        return stream.write_all(b"0\r\n\r\n");
    }
    if reply.length() <= ONE_PIECE as u64 {
        piece.extend(reply.body.repeat(reply.times.max(1) as usize));
        return stream.write_all(&piece);
    }
    stream.write_all(&piece)?;
    (0..reply.times.max(1)).try_for_each(|_| stream.write_all(&reply.body))
}

/// The body in chunks, without the one that ends it.
fn chunks(reply: &Reply) -> Vec<u8> {
    let mut piece = Vec::with_capacity(reply.body.len() + 64);
    for chunk in reply.body.chunks(reply.chunks.unwrap_or(usize::MAX)) {
        piece.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        piece.extend(chunk);
        piece.extend(b"\r\n");
    }
    piece
}

fn drip(mut stream: &TcpStream, reply: &Reply, head: &[u8], (bytes, every): (usize, Duration), shared: &Shared) -> io::Result<After> {
    stream.write_all(head)?;
    for drop in reply.body.chunks(bytes.max(1)) {
        stream.write_all(drop)?;
        if shared.stop.sleep(every) {
            return Ok(After::Closed);
        }
    }
    Ok(After::Open)
}

/// Waits until the client is tired of waiting, or the server goes and shuts the connection.
fn silence(mut stream: &TcpStream) -> After {
    let mut ignored = [0; 256];
    while stream.read(&mut ignored).is_ok_and(|read| read > 0) {}
    After::Closed
}

/// Takes in what a client still sends: a close with bytes unread is a reset, and would take the reply with it.
fn drain(stream: &TcpStream) {
    let bounded = stream.shutdown(Shutdown::Write).and_then(|()| stream.set_read_timeout(Some(Duration::from_millis(100))));
    if bounded.is_ok() {
        drop(io::copy(&mut stream.take(MOST_BODY), &mut io::sink()));
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        423 => "Locked",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Status",
    }
}
