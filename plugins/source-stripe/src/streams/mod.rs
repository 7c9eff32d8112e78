//! The streams: for each, where its objects are listed, what tells that one has changed, and its columns.

mod balance_transactions;
mod charges;
mod customers;
mod disputes;
mod invoice_line_items;
mod invoices;
mod payment_intents;
mod payouts;
mod prices;
mod products;
mod refunds;
mod subscriptions;

use tidegate_sdk::{Failure, Result, Stream, WriteMode, rest};

use crate::column::{self, Column};

/// All streams, in the order a person would read them.
pub static ALL: [&Entity; 12] = [
    &charges::CHARGES,
    &payment_intents::PAYMENT_INTENTS,
    &customers::CUSTOMERS,
    &invoices::INVOICES,
    &invoice_line_items::INVOICE_LINE_ITEMS,
    &refunds::REFUNDS,
    &disputes::DISPUTES,
    &balance_transactions::BALANCE_TRANSACTIONS,
    &payouts::PAYOUTS,
    &subscriptions::SUBSCRIPTIONS,
    &prices::PRICES,
    &products::PRODUCTS,
];

/// A stream.
pub struct Entity {
    /// Its name.
    pub name: &'static str,
    /// The list of its objects; one of them stands at this path and its id.
    pub path: &'static str,
    /// The lists that together hold all objects, by their parameters: what a list leaves out by default has to be asked for.
    pub lists: &'static [&'static [(&'static str, &'static str)]],
    /// What its rows are.
    pub rows: RowsOf,
    /// How a change shows.
    pub changes: Changes,
    /// The type of the event that tells that an object was deleted, where objects can be.
    pub deletion: Option<&'static str>,
    /// The columns that identify a row.
    pub key: &'static [&'static str],
    /// Its columns.
    pub columns: &'static [Column],
}

/// What the rows of a stream are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsOf {
    /// The objects.
    Objects,
    /// The items of a list that stands in each object under this key. It stops after ten items and has more pages of its own.
    Nested(&'static str),
}

/// How a change of an object shows.
pub enum Changes {
    /// In events.
    Events {
        /// Kinds of objects and the key under which each has the id of the object that changed with it.
        touches: &'static [(&'static str, &'static str)],
        /// A type of event whose object names many: the list is asked for what belongs to the event's object, by this parameter.
        parent: Option<(&'static str, &'static str)>,
    },
    /// Not at all: objects are only added. What is not settled yet is read again.
    Nowhere,
}

/// One list, without parameters.
const ONE_LIST: &[&[(&str, &str)]] = &[&[]];

/// Objects whose events carry the object itself, or another one that changed with it.
const fn events(touches: &'static [(&'static str, &'static str)]) -> Changes {
    Changes::Events { touches, parent: None }
}

impl Entity {
    /// What the host is told of it.
    pub fn describe(&self) -> Stream {
        Stream {
            name: self.name.to_owned(),
            schema: rest::schema(&column::flat(self.columns)),
            primary_key: self.key.iter().map(|key| (*key).to_owned()).collect(),
            cursor_field: None,
            write_mode: WriteMode::Merge,
        }
    }

    /// Whether an object may come more than once in a full or an incremental read.
    pub fn repeats(&self) -> bool {
        self.lists.len() > 1 || matches!(self.changes, Changes::Events { parent: Some(_), .. })
    }
}

/// The stream of this name.
pub fn find(name: &str) -> Result<&'static Entity> {
    ALL.into_iter().find(|stream| stream.name == name).ok_or_else(|| Failure::config(format!("there is no stream `{name}`")))
}
