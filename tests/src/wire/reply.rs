//! What a server answers.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};

use super::{Asked, Fault};

/// What a server answers. `Date`, `Content-Length` and `Connection` are added where `headers` does not hold them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Names and values of headers; a name may stand there twice.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent, compressed where it is to be.
    pub body: Vec<u8>,
    /// How often the body is sent one after the other, for bodies that fit in no memory; 0 means once.
    pub times: u64,
    /// The most bytes of one chunk, for a body without a length; none sends a length.
    pub chunks: Option<usize>,
    /// How long it takes to begin.
    pub latency: Duration,
    /// What goes wrong on the way.
    pub fault: Option<Fault>,
}

impl Reply {
    /// A status without a body.
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A JSON body.
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status).header("Content-Type", "application/json; charset=utf-8").body(value.to_string())
    }

    /// A text.
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status).header("Content-Type", "text/plain; charset=utf-8").body(text)
    }

    /// Where to look instead.
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::new(status).header("Location", location)
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// With its body compressed by gzip, whatever the client accepts.
    #[must_use]
    pub fn gzip(self) -> Self {
        let body = gzipped(&self.body);
        self.header("Content-Encoding", "gzip").body(body)
    }

    /// With its body compressed where the client accepts that.
    #[must_use]
    pub fn gzip_for(self, asked: &Asked) -> Self {
        let accepted = asked.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip"));
        if accepted { self.gzip() } else { self }
    }

    /// With its body sent so often, one after the other.
    #[must_use]
    pub fn repeated(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// With its body in chunks of at most so many bytes instead of a length.
    #[must_use]
    pub fn chunked(mut self, bytes: usize) -> Self {
        self.chunks = Some(bytes.max(1));
        self
    }

    /// After so long.
    #[must_use]
    pub fn after(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// With this going wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// How many bytes its body is on the wire.
    pub(super) fn length(&self) -> u64 {
        self.body.len() as u64 * self.times.max(1)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(found, _)| found.eq_ignore_ascii_case(name))
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).and_then(|()| packed.finish()).expect("a vector takes all that is written")
}
