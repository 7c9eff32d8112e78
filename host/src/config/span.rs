//! From a key path to the place in the TOML text, so that an error found after parsing still points at a word.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a key and its value stand in a TOML text, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The key; of an array's element, the element. Empty for the document itself.
    pub key: Range<usize>,
    /// The value. For a table with a header of its own it is the header.
    pub value: Range<usize>,
    /// How many keys of the path were found. The place is that of the last one.
    pub depth: usize,
}

/// Finds `path` in a TOML text. Numbers are indices where the value is an array.
///
/// Where the path leads further than the text, the answer is the deepest place on the way ([`Place::depth`] tells), because the
/// table that lacks a key is what a reader wants to see. A text with syntax errors is read as far as it makes sense.
pub fn span_of<S: AsRef<str>>(text: &str, path: &[S]) -> Place {
    let (document, _) = DeTable::parse_recoverable(text);
    let mut place = Place { key: 0..0, value: document.span(), depth: 0 };
    let mut here = Node::Table(document.get_ref());
    for word in path {
        let Some((key, value)) = here.child(word.as_ref()) else { break };
        place = Place { key, value: value.span(), depth: place.depth + 1 };
        here = Node::of(value.get_ref());
    }
    place
}

/// The keys of a JSON pointer (RFC 6901): `/streams/a~1b/0` has `streams`, `a/b` and `0`.
pub fn pointer_path(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|word| word.replace("~1", "/").replace("~0", "~")).collect()
}

enum Node<'t> {
    Table(&'t DeTable<'t>),
    Array(&'t [Spanned<DeValue<'t>>]),
    Leaf,
}

impl<'t> Node<'t> {
    fn of(value: &'t DeValue<'t>) -> Self {
        match value {
            DeValue::Table(table) => Self::Table(table),
            DeValue::Array(array) => Self::Array(array),
            _ => Self::Leaf,
        }
    }

    fn child(&self, word: &str) -> Option<(Range<usize>, &'t Spanned<DeValue<'t>>)> {
        match self {
            Self::Table(table) => table.iter().find(|(key, _)| key.get_ref().as_ref() == word).map(|(key, value)| (key.span(), value)),
            Self::Array(array) => {
                let element = array.get(word.parse::<usize>().ok()?)?;
                Some((element.span(), element))
            }
            Self::Leaf => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"version = 1
[sources.olist]
plugin = "source-files"
[sources.olist.config.streams.orders]
files = "orders.csv"
format = "cvs"
columns = ["a", 'b', { c = 3 }]
"quoted key" = true

[[steps]]
plugin = "one"
[[steps]]
plugin = "two"

[streams]
orders = { source = "olist", gate.overall = 80 }
"#;

    fn value(pointer: &str) -> &'static str {
        let path = pointer_path(pointer);
        let place = span_of(TEXT, &path);
        assert_eq!(place.depth, path.len(), "{pointer} was not found");
        &TEXT[place.value]
    }

    fn key(pointer: &str) -> &'static str {
        &TEXT[span_of(TEXT, &pointer_path(pointer)).key]
    }

    #[test]
    fn values_are_found_by_their_path() {
        assert_eq!(value("/version"), "1");
        assert_eq!(value("/sources/olist/config/streams/orders/format"), "\"cvs\"");
        assert_eq!(value("/streams/orders/source"), "\"olist\"");
        assert_eq!(value("/streams/orders/gate/overall"), "80");
        assert_eq!(value("/sources/olist/config/streams/orders/quoted key"), "true");
    }

    #[test]
    fn arrays_are_entered_by_index() {
        assert_eq!(value("/sources/olist/config/streams/orders/columns/1"), "'b'");
        assert_eq!(value("/sources/olist/config/streams/orders/columns/2/c"), "3");
        assert_eq!(value("/steps/1/plugin"), "\"two\"");
    }

    #[test]
    fn keys_are_found_where_they_are_written() {
        assert_eq!(key("/sources/olist/config/streams/orders/format"), "format");
        assert_eq!(key("/sources/olist/config/streams/orders/quoted key"), "\"quoted key\"");
        assert_eq!(key("/sources/olist"), "olist");
        assert_eq!(key("/streams/orders/gate"), "gate");
    }

    #[test]
    fn a_table_is_where_its_header_is() {
        assert_eq!(value("/sources/olist"), "[sources.olist]");
        assert_eq!(value("/sources/olist/config/streams/orders"), "[sources.olist.config.streams.orders]");
    }

    #[test]
    fn a_path_that_ends_early_gives_the_deepest_place() {
        let place = span_of(TEXT, &["streams", "orders", "quality", "0"]);
        assert_eq!((place.depth, &TEXT[place.key]), (2, "orders"));
        assert_eq!(span_of(TEXT, &["sources", "olist", "config", "streams", "orders", "columns", "7"]).depth, 6);
        assert_eq!(span_of(TEXT, &["nothing"]).depth, 0);
        assert_eq!(span_of(TEXT, &["version", "x"]).depth, 1);
    }

    #[test]
    fn pointers_are_unescaped() {
        assert_eq!(pointer_path("/a~1b/m~0n/0"), ["a/b", "m~n", "0"]);
        assert!(pointer_path("").is_empty());
    }

    #[test]
    fn a_broken_text_is_read_as_far_as_it_goes() {
        let text = "a = 1\nb = \n";
        assert_eq!(&text[span_of(text, &["a"]).value], "1");
    }
}
