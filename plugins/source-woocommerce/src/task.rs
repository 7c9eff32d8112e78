//! What a reader still has to do: one request each.

use serde_json::{Value, json};

use crate::{shop::Parameters, streams::Choice, walk::Walk, window::Window};

/// One thing to do.
#[derive(Debug, Clone)]
pub enum Task {
    /// Ask the shop for its time.
    Begin,
    /// Read the next page of the collection.
    Walk(CollectionWalk),
    /// Read the next page of the list below a record.
    Below(BelowWalk),
    /// Find what is gone, now that all that is there was seen.
    Settle,
    /// Look for one record by its id.
    Confirm(u64),
}

/// A walk through a collection.
#[derive(Debug, Clone)]
pub struct CollectionWalk {
    /// Which of its records.
    pub choice: Choice,
    /// The bounds of change, as parameters.
    pub bounds: Parameters,
    /// Whether only ids are wanted.
    pub sweep: bool,
    /// Where it stands.
    pub walk: Walk,
}

/// A walk through the list below a record.
#[derive(Debug, Clone)]
pub struct BelowWalk {
    /// What the rows take from the record that they belong to.
    pub parent: Value,
    /// The list's path.
    pub path: String,
    /// Where it stands.
    pub walk: Walk,
}

impl CollectionWalk {
    /// A walk through the records that are in a window.
    pub fn new(choice: Choice, window: Option<Window>) -> Self {
        let bounds = window.map(|window| window.parameters()).unwrap_or_default();
        Self { choice, bounds, sweep: false, walk: Walk::default() }
    }

    /// A walk through the ids of all records.
    pub fn sweep(choice: Choice) -> Self {
        Self { choice, bounds: Vec::new(), sweep: true, walk: Walk::default() }
    }

    /// The parameters of its next request.
    pub fn parameters(&self) -> Parameters {
        let chosen = self.choice.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let fields = self.sweep.then(|| ("_fields", "id".to_owned()));
        chosen.chain(self.bounds.iter().cloned()).chain(fields).chain(self.walk.parameters()).collect()
    }
}

impl BelowWalk {
    /// A walk through `list` below the record `parent` of `collection`.
    pub fn new(collection: &str, parent: &Value, list: &str) -> Self {
        let path = format!("{collection}/{}/{list}", parent["id"]);
        Self { parent: json!({ "id": parent["id"], "currency": parent["currency"] }), path, walk: Walk::default() }
    }
}
