//! Walks: the objects that streams stand in, and how either API is asked for them.
//!
//! Every stream of a walk asks the same requests in the same order; the host asks the shop once per run.

use tidegate_sdk::rest::Window;

use crate::window::filter;

/// The objects that streams stand in.
#[derive(Debug)]
pub struct Walk {
    /// GraphQL's connection: `orders`.
    pub root: &'static str,
    /// GraphQL's type of an object: `Order`.
    pub kind: &'static str,
    /// More arguments of the connection, each behind a comma.
    pub arguments: &'static str,
    /// Whether changes are filtered in the nested list instead of among the objects.
    pub filters_nested: bool,
    /// How many objects a page has where the config does not say, so that a query stays below the cost that Shopify accepts.
    pub page: u32,
    /// What is asked of each object.
    pub fields: &'static str,
    /// The list in each object that has pages of its own.
    pub nested: Option<Nested>,
    /// The same in REST.
    pub rest: Endpoint,
}

/// A list with pages of its own in each object.
#[derive(Debug)]
pub struct Nested {
    /// GraphQL's connection: `lineItems`.
    pub name: &'static str,
    /// GraphQL's type of an element: `LineItem`.
    pub kind: &'static str,
    /// How many of them come with their object.
    pub page: u32,
    /// How many a page has that continues the list.
    pub continued: u32,
    /// What is asked of each.
    pub fields: &'static str,
}

/// REST's list of the objects.
#[derive(Debug)]
pub struct Endpoint {
    /// Its path below the version: `orders.json`.
    pub path: &'static str,
    /// The key of the list in the answer.
    pub key: &'static str,
    /// Parameters of the first page, besides the window's.
    pub query: &'static [(&'static str, &'static str)],
    /// Whether its objects ascend by `updated_at`.
    pub ascends: bool,
    /// The key of the nested list in each object; empty where the records are the objects of the list.
    pub nested: &'static str,
    /// From how many elements on a nested list may have been cut, so that its own pages are to be read.
    pub rest_of_nested: Option<usize>,
    /// Whether it is asked by locations, which are read first.
    pub per_location: bool,
}

impl Walk {
    /// The query of a page. Its variables are `first`, `after` and `query`.
    pub fn page_query(&self) -> String {
        let (own, nested) = if self.filters_nested { ("", ", query: $query") } else { (", query: $query", "") };
        let list = self.nested.as_ref().map(|list| {
            let Nested { name, page, fields, .. } = list;
            format!(" {name}(first: {page}{nested}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }}")
        });
        let Self { root, arguments, fields, .. } = self;
        format!(
            "query($first: Int!, $after: String, $query: String) {{ {root}(first: $first, after: $after{arguments}{own}) {{ \
             nodes {{ {fields}{} }} pageInfo {{ hasNextPage endCursor }} }} }}",
            list.unwrap_or_default()
        )
    }

    /// The query that continues a nested list. Its variables are `id`, `first`, `after` and, where that is filtered, `query`.
    pub fn continued_query(&self, list: &Nested) -> String {
        let (variable, argument) = if self.filters_nested { (", $query: String", ", query: $query") } else { ("", "") };
        let Nested { name, fields, .. } = list;
        format!(
            "query($id: ID!, $first: Int!, $after: String{variable}) {{ node(id: $id) {{ ... on {} {{ id \
             {name}(first: $first, after: $after{argument}) {{ nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }} }} }}",
            self.kind
        )
    }

    /// The query of a bulk operation over a window.
    pub fn bulk_query(&self, window: &Window) -> String {
        // An operation has no variables, so the filter stands in the text; it holds times only.
        let filter = format!("query: \"{}\"", filter(window, window.from));
        let (own, nested) = if self.filters_nested { (String::new(), format!("({filter})")) } else { (filter, String::new()) };
        let list = self.nested.as_ref().map(|list| {
            let Nested { name, fields, .. } = list;
            format!(" {name}{nested} {{ edges {{ node {{ {fields} }} }} }}")
        });
        let arguments = format!("{own}{}", self.arguments).trim_start_matches(", ").to_owned();
        format!("{{ {}({arguments}) {{ edges {{ node {{ {}{} }} }} }} }}", self.root, self.fields, list.unwrap_or_default())
    }
}
