//! What makes a stream out of an API's list.

use serde_json::Value;

use super::{Column, Incremental, Pages};
use crate::WriteMode;

/// A list of an API, and the stream that is made of it.
///
/// ```
/// use tidegate_sdk::rest::{Endpoint, Incremental, Kind::*, Pages};
///
/// Endpoint::new("tickets", "/tickets")
///     .query("per_page", 100)
///     .records("/tickets")
///     .pages(Pages::link())
///     .incremental(Incremental::by("updated_at").from("updated_since"))
///     .key(["id"])
///     .columns([("id", Integer), ("subject", Text), ("updated_at", Timestamp)]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) records: String,
    pub(super) key: Vec<String>,
    pub(super) columns: Vec<Column>,
    pub(super) inferred: bool,
    pub(super) pages: Pages,
    pub(super) incremental: Option<Incremental>,
    pub(super) parent: Option<Parent>,
    pub(super) write_mode: Option<WriteMode>,
}

/// The stream that another one hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub stream: String,
    /// The columns that are taken over: the name here, the name there.
    pub columns: Vec<(String, String)>,
    /// Where the records lie in the parent's; none where they are asked for.
    pub inside: Option<Inside>,
}

/// A list inside the records of another stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inside {
    /// The list, in the parent's record.
    pub list: String,
    /// What says, in the parent's record, that the list is cut short.
    pub cut_short: Option<String>,
}

impl Endpoint {
    /// The stream `name` of the list at `path`, below the API's base. `{column}` stands for a value that is taken over from a parent.
    pub fn new(name: &str, path: &str) -> Self {
        Self {
            name: name.to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            body: None,
            records: String::new(),
            key: Vec::new(),
            columns: Vec::new(),
            inferred: false,
            pages: Pages::single(),
            incremental: None,
            parent: None,
            write_mode: None,
        }
    }

    /// Adds a query parameter to the first request of a list. `{column}` in the value stands for a parent's.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// The list is asked for with a `post` that only reads, and this body.
    #[must_use]
    pub fn post(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Where the records are in a page, as a JSON pointer: `/data/items`. By default the page is the list.
    #[must_use]
    pub fn records(mut self, pointer: &str) -> Self {
        self.records = pointer.to_owned();
        self
    }

    /// How the list is cut into pages; it is one page by default.
    #[must_use]
    pub fn pages(mut self, pages: Pages) -> Self {
        self.pages = pages;
        self
    }

    /// The columns that identify a row. They are required.
    #[must_use]
    pub fn key<N: Into<String>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.key.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Adds columns: `("id", Integer)`, `("customer_id", Integer, "/customer/id")`, or whole [`Column`]s.
    #[must_use]
    pub fn columns<C: Into<Column>>(mut self, columns: impl IntoIterator<Item = C>) -> Self {
        self.columns.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Makes columns also of what the first records have beyond the columns that are given ([`super::infer`]).
    #[must_use]
    pub fn infer(mut self) -> Self {
        self.inferred = true;
        self
    }

    /// Reads what changed since the last run. Without it the whole list is read each time.
    #[must_use]
    pub fn incremental(mut self, incremental: Incremental) -> Self {
        self.incremental = Some(incremental);
        self
    }

    /// Asks once per record of the stream `parent`, and takes over columns: `[("ticket_id", "id")]` makes a column `ticket_id`, and
    /// `{ticket_id}` in the path, of the parent's `id`. The parent's records come from the run's archive where the parent is read as well.
    /// Where this list is not incremental itself, it is read for the parents that changed.
    #[must_use]
    pub fn per<const N: usize>(mut self, parent: &str, columns: [(&str, &str); N]) -> Self {
        let columns = columns.map(|(here, there)| (here.to_owned(), there.to_owned())).to_vec();
        self.parent = Some(Parent { stream: parent.to_owned(), columns, inside: None });
        self
    }

    /// The records are a list inside the records of the stream `parent`: `/line_items`. Columns are taken over as with [`Endpoint::per`].
    #[must_use]
    pub fn within<const N: usize>(self, parent: &str, list: &str, columns: [(&str, &str); N]) -> Self {
        let mut endpoint = self.per(parent, columns);
        if let Some(parent) = &mut endpoint.parent {
            parent.inside = Some(Inside { list: list.to_owned(), cut_short: None });
        }
        endpoint
    }

    /// For [`Endpoint::within`]: where the parent's record says `true` at `flag`, the list in it is cut short. Then it is read whole from
    /// this endpoint's path, after all other rows.
    #[must_use]
    pub fn cut_short(mut self, flag: &str) -> Self {
        if let Some(Parent { inside: Some(inside), .. }) = &mut self.parent {
            inside.cut_short = Some(flag.to_owned());
        }
        self
    }

    /// How the stream is best written. By default merged where it is incremental, replaced otherwise.
    #[must_use]
    pub fn written(mut self, mode: WriteMode) -> Self {
        self.write_mode = Some(mode);
        self
    }
}
