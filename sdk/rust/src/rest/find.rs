//! Finding values in JSON text by pointers (RFC 6901), in one pass and without building a tree of it: what no pointer leads to is skipped.
//!
//! # Why
//! A page of an API is mostly fields that nobody wants. Of pages with 250 orders of a shop (1 MB each) rows are made at 420 to 500 MB/s;
//! arrow-json over the whole records gives 320 before anything is checked, a tree of `serde_json::Value` 125 before there is a row, structs
//! written for just this API 820 (`examples/rest_speed.rs`, natively on two busy cores, medians of five interleaved rounds). What is found
//! are slices of the page.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Failure, Result};

/// The values that were found, by the places of their pointers.
pub(super) type Slots<'de> = [Option<&'de str>];

/// What is called for an item.
pub(super) type Seen<'s, 'de> = dyn FnMut(&Slots<'de>, Item) + 's;

/// An item of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    /// Which list it is in: 0 for the records, 1 for a list inside them.
    pub list: usize,
    /// Whether it is an object.
    pub object: bool,
}

/// What is looked for: values at pointers, and lists whose items are looked into as well.
///
/// Slots are numbered in the order in which pointers are added; those below a list come after all that lie above it, because they are
/// forgotten before each of its items.
#[derive(Debug, Default)]
pub(super) struct Finder {
    nodes: Vec<Node>,
    slots: usize,
    lists: Vec<List>,
}

#[derive(Debug, Default)]
struct Node {
    /// Where the value's text goes.
    slot: Option<usize>,
    /// The members that are looked for, sorted by the length of their names.
    members: Vec<(Box<str>, usize)>,
    /// The list that starts here.
    list: Option<usize>,
}

#[derive(Debug)]
struct List {
    /// The node of an item.
    item: usize,
    /// The first slot that belongs to an item.
    first: usize,
}

/// Where in a [`Finder`] pointers are added: the document, or the item of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Root(usize);

impl Finder {
    /// Looks for nothing yet.
    pub fn new() -> (Self, Root) {
        (Self { nodes: vec![Node::default()], ..Self::default() }, Root(0))
    }

    /// Looks for the value at `pointer`; gives its slot.
    pub fn value(&mut self, root: Root, pointer: &str) -> Result<usize> {
        let node = self.node(root, pointer)?;
        if self.nodes[node].slot.is_none() {
            self.nodes[node].slot = Some(self.slots);
            self.slots += 1;
        }
        Ok(self.nodes[node].slot.unwrap_or_default())
    }

    /// Looks into the items of the list at `pointer`. There is one such list in a document, and one in its items.
    pub fn items(&mut self, root: Root, pointer: &str) -> Result<Root> {
        let (node, item) = (self.node(root, pointer)?, self.nodes.len());
        self.nodes.push(Node::default());
        self.nodes[node].list = Some(self.lists.len());
        self.lists.push(List { item, first: self.slots });
        Ok(Root(item))
    }

    fn node(&mut self, root: Root, pointer: &str) -> Result<usize> {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(Failure::bug(format!("`{pointer}` is no JSON pointer: it does not start with `/`")));
        }
        let mut at = root.0;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            let known = self.nodes[at].members.iter().find(|(member, _)| **member == *name).map(|(_, node)| *node);
            at = match known {
                Some(node) => node,
                None => {
                    self.nodes.push(Node::default());
                    let new = self.nodes.len() - 1;
                    let members = &mut self.nodes[at].members;
                    members.push((name.into(), new));
                    members.sort_by_key(|(name, _)| name.len());
                    new
                }
            };
        }
        Ok(at)
    }

    /// Walks through `text`. `seen` is called for each item of each list that is looked into, and for a document without lists once. Items
    /// of a nested list come together, right before the record around them and with its values.
    pub fn walk<'de>(&self, text: &'de str, seen: &mut Seen<'_, 'de>) -> Result<Vec<Option<&'de str>>, serde_json::Error> {
        let mut found = Found { slots: vec![None; self.slots], seen, kept: (Vec::new(), Vec::new()), object: false };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Walk { finder: self, node: 0, found: &mut found }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        if self.lists.is_empty() {
            (found.seen)(&found.slots, Item { list: 0, object: found.object });
        }
        Ok(found.slots)
    }
}

struct Found<'s, 'de> {
    slots: Vec<Option<&'de str>>,
    seen: &'s mut Seen<'s, 'de>,
    /// The items of a nested list, until the record around them is read to its end: fields behind the list belong to them too. Their slots,
    /// one item after the other, and whether each is an object.
    kept: (Vec<Option<&'de str>>, Vec<bool>),
    /// Whether the item that was walked last is an object.
    object: bool,
}

struct Walk<'f, 's, 'de> {
    finder: &'f Finder,
    node: usize,
    found: &'f mut Found<'s, 'de>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let node = &self.finder.nodes[self.node];
        let Some(slot) = node.slot else { return deserializer.deserialize_any(self) };
        let raw = <&RawValue as serde::Deserialize>::deserialize(deserializer)?.get();
        self.found.slots[slot] = Some(raw);
        if node.members.is_empty() && node.list.is_none() {
            self.found.object = raw.starts_with('{');
            return Ok(());
        }
        serde_json::Deserializer::from_str(raw).deserialize_any(self).map_err(D::Error::custom)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let node = &self.finder.nodes[self.node];
        while let Some(found) = map.next_key_seed(Name(&node.members))? {
            match found {
                Some(member) => map.next_value_seed(Walk { finder: self.finder, node: member, found: &mut *self.found })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.found.object = true;
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let node = &self.finder.nodes[self.node];
        if let Some(list) = node.list {
            return self.items(list, seq);
        }
        let mut index = 0_usize;
        loop {
            let member = node.members.iter().find(|(name, _)| name.parse() == Ok(index));
            let more = match member {
                Some((_, member)) => seq.next_element_seed(Walk { finder: self.finder, node: *member, found: &mut *self.found })?.is_some(),
                None => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
            index += 1;
        }
        self.found.object = false;
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.plain()
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.plain()
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.plain()
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.plain()
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.plain()
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.plain()
    }
}

impl<'de> Walk<'_, '_, 'de> {
    fn plain<E>(self) -> Result<(), E> {
        self.found.object = false;
        Ok(())
    }

    fn items<A: SeqAccess<'de>>(mut self, number: usize, mut seq: A) -> Result<(), A::Error> {
        let list = &self.finder.lists[number];
        loop {
            self.found.slots[list.first..].fill(None);
            let walk = Walk { finder: self.finder, node: list.item, found: &mut *self.found };
            if seq.next_element_seed(walk)?.is_none() {
                break;
            }
            let object = self.found.object;
            if number > 0 {
                self.found.kept.0.extend_from_slice(&self.found.slots[list.first..]);
                self.found.kept.1.push(object);
                continue;
            }
            if let Some(nested) = self.finder.lists.get(1) {
                self.tell_kept(nested.first);
            }
            (self.found.seen)(&self.found.slots, Item { list: 0, object });
        }
        self.found.slots[list.first..].fill(None);
        self.found.object = false;
        Ok(())
    }
}

impl Walk<'_, '_, '_> {
    /// Tells the items that were kept, now that the record around them is known.
    fn tell_kept(&mut self, first: usize) {
        let found = &mut *self.found;
        let width = found.slots.len() - first;
        for (place, object) in found.kept.1.iter().enumerate() {
            found.slots[first..].copy_from_slice(&found.kept.0[place * width..][..width]);
            (found.seen)(&found.slots, Item { list: 1, object: *object });
        }
        found.slots[first..].fill(None);
        found.kept.0.clear();
        found.kept.1.clear();
    }
}

/// The name of a member: the node it leads to, where one is looked for.
struct Name<'f>(&'f [(Box<str>, usize)]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        let first = self.0.partition_point(|(member, _)| member.len() < name.len());
        let same_length = self.0[first..].iter().take_while(|(member, _)| member.len() == name.len());
        Ok(same_length.into_iter().find(|(member, _)| **member == *name).map(|(_, node)| *node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_at_pointers() {
        let (mut finder, root) = Finder::new();
        let pointers = ["/a", "/b/c", "/b", "/list/1/x", "/q~1r", "/none/at/all", "/é\"x"];
        let slots: Vec<_> = pointers.iter().map(|pointer| finder.value(root, pointer).unwrap()).collect();
        let text =
            r#"{"skip":{"a":[1,{"b":2}]},"a":1.50,"b":{"c":"x","d":0},"list":[{"x":1},{"x":[2]}],"q/r":null,"none":7,"\u00e9\"x":true}"#;
        let found = finder.walk(text, &mut |_, item| assert!(item.object)).unwrap();
        let found: Vec<_> = slots.iter().map(|slot| found[*slot]).collect();
        let expected = [Some("1.50"), Some("\"x\""), Some(r#"{"c":"x","d":0}"#), Some("[2]"), Some("null"), None, Some("true")];
        assert_eq!(found, expected);
    }

    #[test]
    fn items_of_a_nested_list_know_the_fields_behind_it() {
        let (mut finder, page) = Finder::new();
        let more = finder.value(page, "/more").unwrap();
        let record = finder.items(page, "/orders").unwrap();
        let (id, at) = (finder.value(record, "/id").unwrap(), finder.value(record, "/at").unwrap());
        let item = finder.items(record, "/lines/data").unwrap();
        let sku = finder.value(item, "/sku").unwrap();
        let text = r#"{"orders":[{"id":1,"lines":{"data":[{"sku":"a"},{},5]},"at":"x"},{"id":2},{"id":3,"lines":{"data":[{"sku":"b"}]}}],"more":true}"#;
        let mut rows = Vec::new();
        let found = finder.walk(text, &mut |slots, item| rows.push((item.list, slots[id], slots[at], slots[sku], item.object))).unwrap();
        let expected = [
            (1, Some("1"), Some("\"x\""), Some("\"a\""), true),
            (1, Some("1"), Some("\"x\""), None, true),
            (1, Some("1"), Some("\"x\""), None, false),
            (0, Some("1"), Some("\"x\""), None, true),
            (0, Some("2"), None, None, true),
            (1, Some("3"), None, Some("\"b\""), true),
            (0, Some("3"), None, None, true),
        ];
        assert_eq!(rows, expected);
        assert_eq!(found[more], Some("true"));
    }

    #[test]
    fn broken_json_is_an_error() {
        let (finder, _) = Finder::new();
        for text in ["", "{\"a\":", "{} x", "[1,]"] {
            assert!(finder.walk(text, &mut |_, _| ()).is_err(), "{text}");
        }
    }
}
