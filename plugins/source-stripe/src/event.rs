//! Events: what happened to which object.

use serde::Deserialize;
use serde_json::Value;

/// An event of `/v1/events`, as far as it is looked at.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// What happened: `charge.refunded`.
    #[serde(rename = "type")]
    pub kind: String,
    /// To what.
    pub data: Data,
}

/// What an event carries.
#[derive(Debug, Deserialize)]
pub struct Data {
    /// The object as it was then, in the API version that the account had then.
    pub object: Value,
    /// The keys that changed, with what they were before.
    #[serde(default)]
    pub previous_attributes: Value,
}

impl Event {
    /// What kind of object it is about.
    pub fn object(&self) -> &str {
        self.data.object["object"].as_str().unwrap_or_default()
    }

    /// The id that stands under a key of the object. Some objects have none: an invoice that is upcoming is not there yet.
    pub fn id(&self, key: &str) -> Option<&str> {
        id_of(&self.data.object[key])
    }
}

/// The id that a reference stands for: the id itself, or an object that was expanded in its place.
pub fn id_of(reference: &Value) -> Option<&str> {
    match reference {
        Value::String(id) => Some(id),
        Value::Object(object) => object.get("id").and_then(Value::as_str),
        _ => None,
    }
}
