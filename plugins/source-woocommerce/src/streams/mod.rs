//! The streams: which list each is read from, how, and its columns.

mod coupons;
mod customers;
mod line_items;
mod orders;
mod products;
mod refunds;
mod variations;

use serde_json::Value;
use tidegate_sdk::{Failure, Result, Stream, WriteMode};

use crate::{columns, columns::Column};

/// A stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Orders,
    LineItems,
    Refunds,
    Products,
    Variations,
    Customers,
    Coupons,
}

/// How what is gone is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletions {
    /// By a sweep over the ids, now and then.
    Sweep,
    /// Each run reads the whole list: what was known and is not in it.
    Compare,
}

/// Which records of a list are read: parameters.
pub type Choice = &'static [(&'static str, &'static str)];

impl Kind {
    /// All of them, in the order in which a person would read them.
    pub const ALL: [Self; 7] =
        [Self::Orders, Self::LineItems, Self::Refunds, Self::Products, Self::Variations, Self::Customers, Self::Coupons];

    /// The stream of this name.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join("`, `");
            Failure::config(format!("there is no stream `{name}`; there are `{names}`"))
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::LineItems => "line_items",
            Self::Refunds => "refunds",
            Self::Products => "products",
            Self::Variations => "variations",
            Self::Customers => "customers",
            Self::Coupons => "coupons",
        }
    }

    /// Its columns.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Orders => orders::COLUMNS,
            Self::LineItems => line_items::COLUMNS,
            Self::Refunds => refunds::COLUMNS,
            Self::Products => products::COLUMNS,
            Self::Variations => variations::COLUMNS,
            Self::Customers => customers::COLUMNS,
            Self::Coupons => coupons::COLUMNS,
        }
    }

    /// What the host is told of it.
    pub fn stream(self) -> Stream {
        let key: &[&str] = match self {
            Self::LineItems => &["order_id", "position"],
            _ => &["id"],
        };
        let cursor_field = match self {
            Self::LineItems => Some("order_date_modified"),
            Self::Refunds => None,
            _ => Some("date_modified"),
        };
        Stream {
            name: self.name().to_owned(),
            schema: columns::schema(self.columns()),
            primary_key: key.iter().map(|name| (*name).to_owned()).collect(),
            cursor_field: cursor_field.map(str::to_owned),
            write_mode: WriteMode::Merge,
        }
    }

    /// The list that is walked.
    pub fn collection(self) -> &'static str {
        match self {
            Self::Orders | Self::LineItems | Self::Refunds => "orders",
            Self::Products | Self::Variations => "products",
            Self::Customers => "customers",
            Self::Coupons => "coupons",
        }
    }

    /// The parts of the list, one after the other: a list of `any` leaves the bin out.
    pub fn choices(self) -> &'static [Choice] {
        const ANY: Choice = &[("status", "any")];
        const BIN: Choice = &[("status", "trash")];
        match self {
            Self::Orders | Self::LineItems | Self::Refunds | Self::Products => &[ANY, BIN],
            // Of a product in the bin its variations lie there too.
            Self::Variations => &[&[("status", "any"), ("type", "variable")]],
            // Without it only those whose role is `customer` come.
            Self::Customers => &[&[("role", "all")]],
            Self::Coupons => &[&[]],
        }
    }

    /// Whether the list can be asked for what changed. Customers ignore the filter; a variation's change does not move its product's date,
    /// a coupon's use not its own.
    pub fn is_filtered(self) -> bool {
        matches!(self, Self::Orders | Self::LineItems | Self::Refunds | Self::Products)
    }

    /// How what is gone is found.
    pub fn deletions(self) -> Deletions {
        match self {
            // Lines and refunds follow their orders, also those that only a sweep finds; the requests are the same, so they are sent once.
            Self::Orders | Self::LineItems | Self::Refunds | Self::Products => Deletions::Sweep,
            Self::Variations | Self::Customers | Self::Coupons => Deletions::Compare,
        }
    }

    /// The list below a record of the collection from which this stream's rows come, where they have a list of their own; none where
    /// this record has none of them.
    pub fn below(self, parent: &Value) -> Option<&'static str> {
        match self {
            Self::Refunds => parent["refunds"].as_array().filter(|refunds| !refunds.is_empty()).map(|_| "refunds"),
            Self::Variations => Some("variations"),
            _ => None,
        }
    }

    /// Whether a row of this stream is what the collection's record with its id is: one that can be found gone.
    pub fn is_collection(self) -> bool {
        matches!(self, Self::Orders | Self::Products | Self::Customers | Self::Coupons)
    }
}

/// Whether a record lies in the bin.
pub fn in_bin(record: &Value) -> bool {
    record["status"] == "trash"
}

/// What the records at `pointer` are called, as one text.
fn joined(record: &Value, pointer: &str, name: &str) -> Value {
    let entries = record.pointer(pointer).and_then(Value::as_array);
    let names: Vec<_> = entries.into_iter().flatten().filter_map(|entry| entry[name].as_str()).collect();
    names.join(", ").into()
}
