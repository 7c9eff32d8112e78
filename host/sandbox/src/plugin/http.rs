//! The import `http` of a guest: requests and answers handed to and fro. What is granted is decided in `egress::http`.

use std::time::Instant;

use wasmtime::component::Resource;

use super::{
    bindings::{http, types},
    guest::Guest,
};
use crate::egress::http::{HttpError, Method, Request, Response, Trouble};

impl http::Host for Guest {
    async fn send(&mut self, request: http::Request) -> wasmtime::Result<Result<Resource<Response>, types::Failure>> {
        let Some(granted) = self.granted.clone() else {
            let message = format!("nothing is granted to {}", self.plugin);
            return Ok(Err(types::Failure { kind: types::FailureKind::Config, message }));
        };
        self.hold()?;
        let began = Instant::now();
        let sent = granted.http.send(asked(request, self.slice.clone())).await;
        self.served(began);
        match sent {
            Ok(response) => Ok(Ok(self.table.push(response)?)),
            Err(error) => {
                self.open -= 1;
                Ok(Err(failure(&error, |text| granted.http.redacted(text))))
            }
        }
    }
}

impl http::HostResponse for Guest {
    async fn status(&mut self, response: Resource<Response>) -> wasmtime::Result<u16> {
        Ok(self.table.get(&response)?.status())
    }

    async fn headers(&mut self, response: Resource<Response>) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(self.table.get(&response)?.headers().to_vec())
    }

    async fn page(&mut self, response: Resource<Response>) -> wasmtime::Result<u32> {
        Ok(self.table.get(&response)?.page())
    }

    async fn read(&mut self, response: Resource<Response>, max: u32) -> wasmtime::Result<Result<Vec<u8>, types::Failure>> {
        let began = Instant::now();
        let read = self.table.get_mut(&response)?.read(max);
        self.served(began);
        Ok(read.map_err(|error| failure(&error, str::to_owned)))
    }

    async fn drop(&mut self, response: Resource<Response>) -> wasmtime::Result<()> {
        self.table.delete(response)?;
        self.open -= 1;
        Ok(())
    }
}

fn asked(request: http::Request, slice: Option<String>) -> Request {
    let method = match request.method {
        http::Method::Get => Method::Get,
        http::Method::Head => Method::Head,
        http::Method::Post => Method::Post,
    };
    let http::Request { url, headers, body, credential, stream, idempotent, .. } = request;
    Request { method, url, headers, body, credential, stream, slice, idempotent }
}

/// The failure that a plugin sees.
fn failure(error: &HttpError, clean: impl Fn(&str) -> String) -> types::Failure {
    let kind = match error.trouble() {
        Trouble::Config => types::FailureKind::Config,
        Trouble::Auth => types::FailureKind::Auth,
        Trouble::RateLimited(wait) => types::FailureKind::RateLimited(wait.and_then(|wait| u64::try_from(wait.as_millis()).ok())),
        Trouble::Unavailable => types::FailureKind::Unavailable,
        Trouble::BadData => types::FailureKind::BadData,
    };
    types::Failure { kind, message: clean(&crate::error::chain(error)) }
}
