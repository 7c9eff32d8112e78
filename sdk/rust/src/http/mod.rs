//! Requests to hosts that the pipeline grants.
//!
//! - The plugin says what it wants; credentials, allow-list, retries, rate limit, caps and the archive are the host's.
//! - `send` returns when the whole body is archived: a body that breaks off was asked for again by the host before a plugin sees any of it.
//! - Within a run the same request is asked once: another `send` of it gets the same answer from the archive, under the same page number.
//!   [`Request::fresh`] asks the server again.
//! - No message made here holds a value of the data (`a_refusal_is_told_without_values`).
//!
//! Natively, for unit tests, [`testing::answer`] stands for the host.
//!
//! # Why
//! A request is a builder that the answer's type does not depend on, like reqwest's, which authors know. The alternative, one function per
//! shape (`get_json(url, query)`), is shorter for the first call and has no place for a credential, a header, or an answer that is looked
//! at before it is parsed: each source would have grown its own wrapper.

mod encode;
mod refusal;
mod request;
mod response;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

pub use encode::{join, percent};
pub use request::{Method, Request};
pub use response::Response;
pub(crate) use response::not_json;

/// A request that reads `url`.
pub fn get(url: impl Into<String>) -> Request {
    Request::new(Method::Get, url.into())
}

/// A request for the headers of `url`.
pub fn head(url: impl Into<String>) -> Request {
    Request::new(Method::Head, url.into())
}

/// A request that sends a body to `url`. The host repeats it only where it is [`Request::idempotent`].
pub fn post(url: impl Into<String>) -> Request {
    Request::new(Method::Post, url.into())
}

#[cfg(target_family = "wasm")]
mod imp {
    use super::{Method, Request, Response};
    use crate::{Result, bindings::source_world::tidegate::plugin::http as host};

    /// A body that the host reads from.
    pub struct Body(host::Response);

    impl Body {
        pub fn read(&mut self, max: u32) -> Result<Vec<u8>> {
            Ok(self.0.read(max)?)
        }
    }

    pub fn send(request: &Request) -> Result<Response> {
        let method = match request.method {
            Method::Get => host::Method::Get,
            Method::Head => host::Method::Head,
            Method::Post => host::Method::Post,
        };
        let response = host::send(&host::Request {
            method,
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            credential: request.credential.clone(),
            stream: request.stream.clone(),
            idempotent: request.idempotent,
        })?;
        let (status, headers, page) = (response.status(), response.headers(), response.page());
        Ok(Response { status, headers, page, url: request.url.clone(), body: Body(response) })
    }
}

#[cfg(not(target_family = "wasm"))]
use testing as imp;
