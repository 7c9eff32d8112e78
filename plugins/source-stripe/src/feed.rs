//! What the events of a window say of one stream.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::{
    event::Event,
    streams::{Changes, Entity, RowsOf},
};

/// What changed. Events come newest first, and not in order even then: each object is named once, whatever happened to it how often.
#[derive(Default)]
pub struct Changed {
    /// Ids of objects to be read again.
    pub objects: Vec<String>,
    /// Ids of objects whose own objects are to be listed.
    pub parents: Vec<String>,
    /// Objects that were deleted, as they were at last.
    pub deleted: HashMap<String, Value>,
    /// Items of nested lists that some event shows and that may be gone, by the ids of the objects they belonged to.
    pub items: HashMap<String, BTreeMap<String, Value>>,
    known: HashSet<String>,
}

impl Changed {
    /// Takes an event in.
    pub fn take(&mut self, stream: &Entity, event: Event) {
        let Changes::Events { touches, parent } = &stream.changes else { return };
        if let Some((_, key)) = touches.iter().find(|(object, _)| *object == event.object())
            && let Some(id) = event.id(key)
            && self.known.insert(id.to_owned())
        {
            self.objects.push(id.to_owned());
        }
        if parent.is_some_and(|(kind, _)| kind == event.kind)
            && let Some(id) = event.id("id")
            && self.known.insert(id.to_owned())
        {
            self.parents.push(id.to_owned());
        }
        self.remember(stream, event);
    }

    /// Keeps what can't be read again once it is gone.
    fn remember(&mut self, stream: &Entity, event: Event) {
        let deletion = stream.deletion.is_some_and(|kind| kind == event.kind);
        let Some(id) = event.id("id").map(str::to_owned) else { return };
        if let RowsOf::Nested(key) = stream.rows {
            let shown = if deletion { &event.data.object[key]["data"] } else { &event.data.previous_attributes[key]["data"] };
            if let Some(items) = shown.as_array().filter(|items| !items.is_empty()) {
                let kept = self.items.entry(id.clone()).or_default();
                for item in items {
                    let Some(item_id) = item["id"].as_str() else { continue };
                    kept.entry(item_id.to_owned()).or_insert_with(|| item.clone());
                }
            }
        }
        if deletion && stream.rows == RowsOf::Objects {
            self.deleted.entry(id).or_insert(event.data.object);
        }
    }
}
