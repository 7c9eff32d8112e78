//! An API as a whole: what its requests have in common, and its lists.

use super::{Column, Endpoint, Incremental, Kind, Pager};
use crate::{
    Failure, Result, WriteMode,
    http::{self, Request},
};

/// An API: what its requests have in common, and a list per stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Api {
    base: String,
    credential: Option<String>,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
    clock: Option<String>,
    endpoints: Vec<Endpoint>,
}

impl Api {
    /// The API below this URL: `https://desk.example/api/v2`.
    pub fn new(base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { base, credential: None, headers: Vec::new(), query: Vec::new(), clock: None, endpoints: Vec::new() }
    }

    /// Names the credential of all requests, as the pipeline's grant calls it.
    #[must_use]
    pub fn credential(mut self, name: &str) -> Self {
        self.credential = Some(name.to_owned());
        self
    }

    /// Adds a header to all requests.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a query parameter to the first request of each list.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// The path that is asked what time it is: the `date` of its answer ends the windows of a run. By default it is the first page of
    /// the first stream; something smaller is better.
    #[must_use]
    pub fn clock(mut self, path: &str) -> Self {
        self.clock = Some(path.to_owned());
        self
    }

    /// Adds a stream.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// The lists, in the order they were added.
    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// The list of a stream.
    pub(super) fn find(&self, stream: &str) -> Result<&Endpoint> {
        let found = self.endpoints.iter().find(|endpoint| endpoint.name == stream);
        found.ok_or_else(|| Failure::bug(format!("there is no stream `{stream}`")))
    }

    /// A stream's list and those it hangs on, the topmost first.
    pub(super) fn chain(&self, stream: &str) -> Result<Vec<&Endpoint>> {
        let mut chain = vec![self.find(stream)?];
        while let Some(parent) = &chain[chain.len() - 1].parent {
            if chain.iter().any(|endpoint| endpoint.name == parent.stream) {
                return Err(Failure::bug(format!("the stream `{stream}` hangs on itself")));
            }
            chain.push(self.find(&parent.stream)?);
        }
        chain.reverse();
        if let Some(endpoint) = chain.iter().rev().skip(1).find(|endpoint| endpoint.is_within()) {
            return Err(Failure::bug(format!("the stream `{stream}` hangs on `{}`, which is a list inside records", endpoint.name)));
        }
        Ok(chain)
    }

    /// How a stream is read incrementally: by itself, or by the nearest list that it hangs on.
    pub(super) fn incremental(&self, stream: &str) -> Result<Option<&Incremental>> {
        Ok(self.chain(stream)?.into_iter().rev().find_map(|endpoint| endpoint.incremental.as_ref()))
    }

    /// How a stream is best written.
    pub(super) fn write_mode(&self, endpoint: &Endpoint) -> Result<WriteMode> {
        let incremental = self.incremental(&endpoint.name)?.is_some();
        match endpoint.write_mode {
            Some(mode) => Ok(mode),
            None if !incremental => Ok(WriteMode::Replace),
            None if endpoint.key.is_empty() => Err(Failure::bug(format!("the stream `{}` is incremental and has no key", endpoint.name))),
            None => Ok(WriteMode::Merge),
        }
    }

    /// A stream's columns: those taken over from its parent, then its own. Those of the key are required.
    pub fn columns(&self, stream: &str) -> Result<Vec<Column>> {
        let endpoint = self.find(stream)?;
        let mut columns = Vec::new();
        if let Some(parent) = &endpoint.parent {
            let of_parent = self.columns(&parent.stream)?;
            for (here, there) in &parent.columns {
                let found = of_parent.iter().find(|column| column.name == *there);
                let missing =
                    || Failure::bug(format!("the stream `{stream}` takes over `{there}`, which `{}` does not have", parent.stream));
                let kind = found.map(|column| column.kind.clone()).ok_or_else(missing)?;
                columns.push(Column::given(here, kind));
            }
        }
        columns.extend(endpoint.columns.iter().cloned());
        for column in &mut columns {
            column.required |= endpoint.key.contains(&column.name);
        }
        Ok(columns)
    }

    /// The first request of a list; `taken_over` has the values of its parent, as JSON.
    pub(super) fn first(&self, endpoint: &Endpoint, taken_over: &[Option<String>]) -> Request {
        let names = endpoint.parent.iter().flat_map(|parent| &parent.columns).map(|(name, _)| format!("{{{name}}}"));
        let values: Vec<_> =
            names.zip(taken_over.iter().map(|raw| raw.as_deref().and_then(super::page::word).unwrap_or_default())).collect();
        let fill = |text: &str, encode: fn(&str) -> String| {
            values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, &encode(value)))
        };
        let url = self.url(&fill(&endpoint.path, http::percent));
        let request = match &endpoint.body {
            Some(body) => http::post(url).json(body).idempotent(),
            None => http::get(url),
        };
        let query = self.query.iter().chain(&endpoint.query);
        let request = query.fold(request, |request, (name, value)| request.query(name, fill(value, str::to_owned)));
        self.dress(request, &endpoint.name)
    }

    /// The request whose answer's `date` is the end of all windows of a run.
    pub(super) fn clock_request(&self) -> Result<Request> {
        let first = || self.endpoints.iter().find(|endpoint| endpoint.parent.is_none());
        match (&self.clock, first()) {
            (Some(path), _) => Ok(self.dress(http::get(self.url(path)), "clock")),
            (None, Some(endpoint)) => {
                let pager = Pager::new(self.first(endpoint, &[]), endpoint.pages.clone());
                pager.request().cloned().ok_or_else(|| Failure::bug("a list has no first page"))
            }
            (None, None) => Err(Failure::bug("the API has no list of its own")),
        }
    }

    fn url(&self, path: &str) -> String {
        if path.contains("://") { path.to_owned() } else { format!("{}/{}", self.base, path.trim_start_matches('/')) }
    }

    fn dress(&self, request: Request, stream: &str) -> Request {
        let request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let request = self.credential.iter().fold(request, |request, name| request.credential(name));
        request.stream(stream)
    }

    /// Fails where declarations contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        for (place, endpoint) in self.endpoints.iter().enumerate() {
            let name = &endpoint.name;
            if self.endpoints[..place].iter().any(|other| other.name == *name) {
                return Err(Failure::bug(format!("the stream `{name}` is declared twice")));
            }
            self.chain(name)?;
            self.write_mode(endpoint)?;
            let columns = self.columns(name)?;
            super::columns::check(&columns)?;
            if endpoint.inferred {
                continue;
            }
            let wanted = endpoint.key.iter().chain(endpoint.incremental.iter().map(|incremental| &incremental.field));
            for wanted in wanted {
                let Some(column) = columns.iter().find(|column| column.name == *wanted) else {
                    return Err(Failure::bug(format!("the stream `{name}` has no column `{wanted}`")));
                };
                if endpoint.incremental.as_ref().is_some_and(|by| by.field == *wanted) && column.kind != Kind::Timestamp {
                    return Err(Failure::bug(format!(
                        "the stream `{name}` is incremental by `{wanted}`, which is {} and no timestamp",
                        column.kind
                    )));
                }
            }
        }
        Ok(())
    }
}

impl Endpoint {
    pub(super) fn is_within(&self) -> bool {
        self.parent.as_ref().is_some_and(|parent| parent.inside.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::Pages;

    fn api() -> Api {
        let orders = Endpoint::new("orders", "/orders").key(["id"]).columns([("id", Kind::Integer)]);
        let lines = Endpoint::new("lines", "/orders/{order}/lines")
            .query("order", "{order}")
            .per("orders", [("order", "id")])
            .columns([("sku", Kind::Text)]);
        Api::new("https://a.example/v1/").header("x-version", "2").credential("token").query("limit", 2).endpoint(orders).endpoint(lines)
    }

    #[test]
    fn a_request_has_what_the_api_has_in_common() {
        let request = api().first(api().find("lines").unwrap(), &[Some("\"a b/c\"".into())]);
        assert_eq!(request.url(), "https://a.example/v1/orders/a%20b%2Fc/lines?limit=2&order=a%20b%2Fc");
        assert_eq!(api().clock_request().unwrap().url(), "https://a.example/v1/orders?limit=2");
        assert_eq!(api().clock("/status").clock_request().unwrap().url(), "https://a.example/v1/status");
    }

    #[test]
    fn what_is_taken_over_has_the_type_it_has_there() {
        let columns = api().columns("lines").unwrap();
        assert_eq!(columns, [Column::given("order", Kind::Integer), Column::new("sku", Kind::Text)]);
        assert!(api().columns("orders").unwrap()[0].required);
    }

    #[test]
    fn contradictions_are_named() {
        let endpoint = |name: &str| Endpoint::new(name, "/x").columns([("id", Kind::Integer), ("at", Kind::Timestamp)]);
        let fails = |endpoint: Endpoint| api().endpoint(endpoint).check().unwrap_err().message;
        assert!(api().check().is_ok());
        assert_eq!(fails(endpoint("orders")), "the stream `orders` is declared twice");
        assert_eq!(fails(endpoint("x").key(["no"])), "the stream `x` has no column `no`");
        assert_eq!(fails(endpoint("x").incremental(Incremental::by("at"))), "the stream `x` is incremental and has no key");
        assert_eq!(
            fails(endpoint("x").key(["id"]).incremental(Incremental::by("id"))),
            "the stream `x` is incremental by `id`, which is integer and no timestamp"
        );
        assert_eq!(fails(endpoint("x").per("none", [])), "there is no stream `none`");
        assert_eq!(fails(endpoint("x").per("x", [])), "the stream `x` hangs on itself");
        assert_eq!(fails(endpoint("x").per("orders", [("a", "b")])), "the stream `x` takes over `b`, which `orders` does not have");
        let within = Endpoint::new("w", "").within("orders", "/lines", []);
        assert!(
            api()
                .endpoint(within)
                .endpoint(endpoint("x").pages(Pages::link()).per("w", []))
                .check()
                .unwrap_err()
                .message
                .contains("a list inside records")
        );
    }
}
