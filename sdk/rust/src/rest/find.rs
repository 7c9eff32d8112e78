//! Finding values in JSON text by pointers (RFC 6901), in one pass and without building a tree of it: what no pointer leads to is skipped.
//!
//! What is found are slices of the text.
//!
//! # Why
//! A page of an API is mostly fields that nobody wants. Of pages with 250 orders of a shop (1 MB each) rows are made at 0.77 of the speed of
//! structs that were written for just this API, at twice that of arrow-json over the whole records, which checks nothing, and at nine times
//! that of a tree of `serde_json::Value` before there is a row (`examples/rest_speed.rs`, natively on two busy cores, medians of five
//! interleaved rounds).

use super::scan::{Broken, Scanner};
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
    /// The members that are looked for: names and the nodes they lead to.
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
                    self.nodes[at].members.push((name.into(), new));
                    new
                }
            };
        }
        Ok(at)
    }

    /// Walks through `text`. `seen` is called for each item of each list that is looked into, and for a document without lists once. Items
    /// of a nested list come together, right before the record around them and with its values.
    pub fn walk<'de>(&self, text: &'de str, seen: &mut Seen<'_, 'de>) -> Result<Vec<Option<&'de str>>, Broken> {
        let kept = (Vec::new(), Vec::new());
        let mut walk = Walk { finder: self, scanner: Scanner::new(text), slots: vec![None; self.slots], seen, kept, object: false };
        walk.value(0)?;
        walk.scanner.end()?;
        if self.lists.is_empty() {
            (walk.seen)(&walk.slots, Item { list: 0, object: walk.object });
        }
        Ok(walk.slots)
    }
}

impl Node {
    /// The node that a member leads to, where one is looked for. `raw` is its name as it is spelt.
    #[inline]
    fn member(&self, raw: &str) -> Option<usize> {
        if raw.contains('\\') {
            // Half of a surrogate pair can be escaped, and is the name of nothing.
            let name: String = serde_json::from_str(&format!("\"{raw}\"")).ok()?;
            return self.plain_member(&name);
        }
        self.plain_member(raw)
    }

    #[inline]
    fn plain_member(&self, name: &str) -> Option<usize> {
        self.members.iter().find(|(member, _)| **member == *name).map(|(_, node)| *node)
    }
}

struct Walk<'f, 's, 'de> {
    finder: &'f Finder,
    scanner: Scanner<'de>,
    slots: Vec<Option<&'de str>>,
    seen: &'s mut Seen<'s, 'de>,
    /// The items of a nested list, until the record around them is read to its end: fields behind the list belong to them too. Their slots,
    /// one item after the other, and whether each is an object.
    kept: (Vec<Option<&'de str>>, Vec<bool>),
    /// Whether the value that was walked last is an object.
    object: bool,
}

impl Walk<'_, '_, '_> {
    /// Walks through the value that stands here.
    fn value(&mut self, node: usize) -> Result<(), Broken> {
        let finder = self.finder;
        let node = &finder.nodes[node];
        let first = self.scanner.peek();
        let start = self.scanner.at();
        match (first, node.list) {
            (b'[', Some(list)) => self.items(list)?,
            (b'{', _) if !node.members.is_empty() => self.object(node)?,
            (b'[', None) if !node.members.is_empty() => self.list(node)?,
            _ => self.scanner.skip()?,
        }
        self.object = first == b'{';
        if let Some(slot) = node.slot {
            self.slots[slot] = Some(self.scanner.since(start));
        }
        Ok(())
    }

    fn object(&mut self, node: &Node) -> Result<(), Broken> {
        self.scanner.expect(b'{')?;
        if self.scanner.takes(b'}') {
            return Ok(());
        }
        loop {
            let name = self.scanner.name()?;
            match node.member(name) {
                Some(member) => self.value(member)?,
                None => self.scanner.skip()?,
            }
            if !self.scanner.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// A list in which pointers lead to items by their numbers.
    fn list(&mut self, node: &Node) -> Result<(), Broken> {
        self.scanner.expect(b'[')?;
        if self.scanner.takes(b']') {
            return Ok(());
        }
        for index in 0_usize.. {
            match node.members.iter().find(|(name, _)| name.parse() == Ok(index)) {
                Some((_, member)) => self.value(*member)?,
                None => self.scanner.skip()?,
            }
            if !self.scanner.more(b']')? {
                break;
            }
        }
        Ok(())
    }

    /// A list whose items are looked into.
    fn items(&mut self, number: usize) -> Result<(), Broken> {
        let finder = self.finder;
        let list = &finder.lists[number];
        self.scanner.expect(b'[')?;
        let mut more = !self.scanner.takes(b']');
        while more {
            self.slots[list.first..].fill(None);
            self.value(list.item)?;
            if number > 0 {
                self.kept.0.extend_from_slice(&self.slots[list.first..]);
                self.kept.1.push(self.object);
            } else {
                let object = self.object;
                if let Some(nested) = finder.lists.get(1) {
                    self.tell_kept(nested.first);
                }
                (self.seen)(&self.slots, Item { list: 0, object });
            }
            more = self.scanner.more(b']')?;
        }
        self.slots[list.first..].fill(None);
        Ok(())
    }

    /// Tells the items that were kept, now that the record around them is known.
    fn tell_kept(&mut self, first: usize) {
        let width = self.slots.len() - first;
        for (place, object) in self.kept.1.iter().enumerate() {
            self.slots[first..].copy_from_slice(&self.kept.0[place * width..][..width]);
            (self.seen)(&self.slots, Item { list: 1, object: *object });
        }
        self.slots[first..].fill(None);
        self.kept.0.clear();
        self.kept.1.clear();
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
