//! One collection of a shop: its records by id, and what a list request gives of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{calendar, query::Query};

/// An order, a product, a customer, ...
#[derive(Debug, Clone)]
pub struct Record {
    /// What the API shows.
    pub json: Map<String, Value>,
    /// When it was made.
    pub created: i64,
    /// When it was last changed.
    pub modified: i64,
    /// Whether a reader was given it in full: what it may know of.
    pub served: bool,
}

impl Record {
    /// A record that is made now.
    pub fn new(id: u64, now: i64, fields: Value) -> Self {
        let Value::Object(mut json) = fields else { panic!("a record is an object") };
        json.insert("id".into(), id.into());
        let mut record = Self { json, created: now, modified: now, served: false };
        record.date("date_created", Some(now));
        record.touch(now);
        record
    }

    /// It changes now.
    pub fn touch(&mut self, now: i64) {
        self.modified = now;
        self.date("date_modified", Some(now));
    }

    /// Sets a date in both of its forms, or clears it.
    pub fn date(&mut self, name: &str, at: Option<i64>) {
        self.json.insert(name.into(), at.map(calendar::local).into());
        self.json.insert(format!("{name}_gmt"), at.map(calendar::gmt).into());
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.json.insert(name.into(), value.into());
    }

    /// A field; `null` where there is none.
    pub fn get(&self, name: &str) -> &Value {
        self.json.get(name).unwrap_or(&Value::Null)
    }

    /// A text field; empty where there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    /// Whether it lies in the bin: readable by its id, but not among `any`.
    pub fn trashed(&self) -> bool {
        self.text("status") == "trash"
    }

    /// What the API shows of these fields; all where none are named.
    pub fn shown(&self, fields: &[String]) -> Value {
        let wanted = |name: &str| fields.is_empty() || fields.iter().any(|field| field == name);
        let shown: Map<_, _> =
            self.json.iter().filter(|(name, _)| wanted(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
        Value::Object(shown)
    }
}

/// A collection.
#[derive(Debug, Default)]
pub struct Shelf {
    /// The records by id.
    pub records: BTreeMap<u64, Record>,
}

/// One page of a list, and how many records and pages there are.
pub struct Listed {
    pub records: Value,
    pub total: usize,
    pub pages: usize,
}

impl Shelf {
    /// Puts a record there.
    pub fn put(&mut self, id: u64, record: Record) {
        self.records.insert(id, record);
    }

    /// The ids that `status=any` lists, ascending.
    pub fn listed(&self) -> Vec<u64> {
        self.records.iter().filter(|(_, record)| !record.trashed()).map(|(id, _)| *id).collect()
    }

    /// The ids in the bin, ascending.
    pub fn trashed(&self) -> Vec<u64> {
        self.records.iter().filter(|(_, record)| record.trashed()).map(|(id, _)| *id).collect()
    }

    /// Answers a list request.
    pub fn list(&mut self, query: &Query) -> Listed {
        let mut found: Vec<(&u64, &mut Record)> = self.records.iter_mut().filter(|(id, record)| query.wants(**id, record)).collect();
        found.sort_by(|a, b| query.compare((*a.0, a.1), (*b.0, b.1)));
        let total = found.len();
        let start = query.offset.unwrap_or((query.page - 1) * query.per_page);
        let page: Vec<Value> = found
            .into_iter()
            .skip(start)
            .take(query.per_page)
            .map(|(_, record)| {
                record.served |= query.fields.is_empty();
                record.shown(&query.fields)
            })
            .collect();
        Listed { records: json!(page), total, pages: total.div_ceil(query.per_page) }
    }
}
