//! The streams: one file each, which says what its columns are and where the records stand.
//!
//! Streams that stand in the same objects share a [`Walk`]: their requests are the same, so the host asks the shop once and all of them
//! see the same moment.

pub mod customers;
pub mod inventory;
pub mod line_items;
pub mod orders;
pub mod products;
pub mod refund_line_items;
pub mod refunds;
pub mod variants;

use tidegate_sdk::{Failure, Result, Stream, WriteMode};

use crate::{column::Column, rows, walk::Walk};

/// A stream of the shop.
#[derive(Debug)]
pub struct ShopStream {
    /// Its name.
    pub name: &'static str,
    /// Its columns; the first ones are the primary key.
    pub columns: &'static [Column],
    /// How many columns are the primary key.
    pub keys: usize,
    /// The column that grows with each change, where its records have one of their own.
    pub cursor_field: Option<&'static str>,
    /// The objects that its records stand in.
    pub walk: &'static Walk,
    /// Where in such an object.
    pub place: Place,
}

/// Where the records of a stream stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// They are the objects of the walk.
    Root,
    /// In the walk's nested list, which has pages of its own.
    Nested,
    /// In a list of each object: under this key, in both APIs.
    List(&'static str),
    /// In a list of each element of a list: GraphQL asks for them once the elements are known, REST has them in the objects.
    ListOfList {
        /// The key of the list.
        outer: &'static str,
        /// REST's key of the list in its elements.
        inner: &'static str,
    },
}

/// All streams, in the order a person would read them.
pub const ALL: [&ShopStream; 8] = [
    &orders::STREAM,
    &line_items::STREAM,
    &customers::STREAM,
    &products::STREAM,
    &variants::STREAM,
    &refunds::STREAM,
    &refund_line_items::STREAM,
    &inventory::STREAM,
];

/// The stream of this name.
pub fn find(name: &str) -> Result<&'static ShopStream> {
    ALL.into_iter().find(|stream| stream.name == name).ok_or_else(|| Failure::config(format!("there is no stream `{name}`")))
}

impl ShopStream {
    /// What the host is told of it.
    pub fn describe(&self) -> Stream {
        Stream {
            name: self.name.to_owned(),
            schema: rows::schema(self.columns),
            primary_key: self.columns[..self.keys].iter().map(|column| column.name.to_owned()).collect(),
            cursor_field: self.cursor_field.map(str::to_owned),
            write_mode: WriteMode::Merge,
        }
    }
}
