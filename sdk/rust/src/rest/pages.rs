//! How an API cuts a list into pages.

use serde_json::Value;

use crate::http::Request;

/// How many pages a list may have where a source does not say another number: a server that never ends is stopped.
const MOST_PAGES: usize = 100_000;

/// How an API cuts a list into pages. Parameters are query parameters; with a `/` in front they are JSON pointers into the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pages {
    pub(super) shape: Shape,
    pub(super) most: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Single,
    Link,
    NextUrl { pointer: String },
    Cursor { pointer: String, param: Param, more: Option<String> },
    AfterLast { field: String, param: Param, more: Option<String> },
    Numbered { param: Param, first: u64, size: Option<Size>, total: Option<Total> },
    Offset { param: Param, size: Option<Size>, total: Option<Total> },
}

/// How many records a page shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Size {
    pub param: Param,
    pub size: u64,
}

/// What a server says about the length of the whole list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Total {
    pub of: TotalOf,
    /// A header's name, or with a `/` in front a JSON pointer.
    pub place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TotalOf {
    Pages,
    Records,
}

impl Pages {
    /// The whole list is one page.
    pub fn single() -> Self {
        Self::new(Shape::Single)
    }

    /// The header `link` names the next page with `rel="next"`.
    pub fn link() -> Self {
        Self::new(Shape::Link)
    }

    /// The body names the URL of the next page at `pointer`: `/links/next`.
    pub fn next_url(pointer: &str) -> Self {
        Self::new(Shape::NextUrl { pointer: pointer.to_owned() })
    }

    /// The body has a cursor at `pointer` that `param` hands back: `/meta/next_cursor`, `cursor`. A page without one is the last.
    pub fn cursor(pointer: &str, param: &str) -> Self {
        Self::new(Shape::Cursor { pointer: pointer.to_owned(), param: param.into(), more: None })
    }

    /// The next page starts after the record whose `field` (a pointer in the record: `/id`) `param` names. A page without records is the
    /// last.
    pub fn after_last(field: &str, param: &str) -> Self {
        Self::new(Shape::AfterLast { field: field.to_owned(), param: param.into(), more: None })
    }

    /// Pages have numbers from 1. Without a total a page without records is the last, and so is an answer 404.
    pub fn numbered(param: &str) -> Self {
        Self::new(Shape::Numbered { param: param.into(), first: 1, size: None, total: None })
    }

    /// A page starts at the record with this number, from 0. Without a total a page without records is the last.
    pub fn offset(param: &str) -> Self {
        Self::new(Shape::Offset { param: param.into(), size: None, total: None })
    }

    /// For a cursor or [`Pages::after_last`]: the body says at `pointer` whether there is more; where it does not say `true`, the page is
    /// the last one.
    #[must_use]
    pub fn more(mut self, pointer: &str) -> Self {
        if let Shape::Cursor { more, .. } | Shape::AfterLast { more, .. } = &mut self.shape {
            *more = Some(pointer.to_owned());
        }
        self
    }

    /// For numbers and offsets: asks for `records` per page.
    #[must_use]
    pub fn size(mut self, param: &str, records: u32) -> Self {
        if let Shape::Numbered { size, .. } | Shape::Offset { size, .. } = &mut self.shape {
            *size = Some(Size { param: param.into(), size: records.into() });
        }
        self
    }

    /// For numbers: the first page has this one.
    #[must_use]
    pub fn first(mut self, number: u32) -> Self {
        if let Shape::Numbered { first, .. } = &mut self.shape {
            *first = number.into();
        }
        self
    }

    /// For numbers: how many pages there are, in a header (`x-wp-totalpages`) or with a `/` in front at a pointer in the body.
    #[must_use]
    pub fn total_pages(self, place: &str) -> Self {
        self.total(TotalOf::Pages, place)
    }

    /// For numbers and offsets: how many records there are, in a header or with a `/` in front at a pointer in the body.
    #[must_use]
    pub fn total_records(self, place: &str) -> Self {
        self.total(TotalOf::Records, place)
    }

    /// Stops with a failure after so many pages; 100,000 by default.
    #[must_use]
    pub fn most(mut self, pages: usize) -> Self {
        self.most = pages;
        self
    }

    fn new(shape: Shape) -> Self {
        Self { shape, most: MOST_PAGES }
    }

    fn total(mut self, of: TotalOf, place: &str) -> Self {
        if let Shape::Numbered { total, .. } | Shape::Offset { total, .. } = &mut self.shape {
            let place = if place.starts_with('/') { place.to_owned() } else { place.to_ascii_lowercase() };
            *total = Some(Total { of, place });
        }
        self
    }

    /// The pointers into the body that decide about the next page.
    pub(super) fn pointers(&self) -> Vec<&str> {
        match &self.shape {
            Shape::NextUrl { pointer } => vec![pointer],
            Shape::Cursor { pointer, more, .. } => [Some(pointer), more.as_ref()].into_iter().flatten().map(String::as_str).collect(),
            Shape::AfterLast { more: Some(more), .. } => vec![more],
            Shape::Numbered { total: Some(total), .. } | Shape::Offset { total: Some(total), .. } if total.place.starts_with('/') => {
                vec![&total.place]
            }
            _ => Vec::new(),
        }
    }

    /// The pointer into the last record that decides about the next page.
    pub(super) fn field(&self) -> Option<&str> {
        match &self.shape {
            Shape::AfterLast { field, .. } => Some(field),
            _ => None,
        }
    }
}

/// Where a parameter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Param {
    Query(String),
    Body(String),
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        if text.starts_with('/') { Self::Body(text.to_owned()) } else { Self::Query(text.to_owned()) }
    }
}

impl Param {
    /// The request with this parameter. In a body, `number` says that the value is one.
    pub fn set(&self, request: Request, value: &str, number: bool) -> Request {
        match self {
            Self::Query(name) => request.set_query(name, value),
            Self::Body(pointer) => {
                let value = if number { serde_json::from_str(value).unwrap_or_default() } else { Value::from(value) };
                request.edit_json(|body| put(body, pointer, value))
            }
        }
    }
}

/// Puts a value at a JSON pointer; objects on the way are made.
fn put(mut body: &mut Value, pointer: &str, value: Value) {
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        if !body.is_object() {
            *body = Value::Object(serde_json::Map::new());
        }
        let Value::Object(members) = body else { return };
        body = members.entry(name).or_insert(Value::Null);
    }
    *body = value;
}
