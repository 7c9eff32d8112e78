//! What is done to a single column, one file per kind. Each adds a method to [`crate::sheet::Sheet`] that takes a column by name,
//! marks the rows that break a rule and gives the cleaned cells of all rows; what stands in rejected rows does not matter.

pub mod category;
pub mod city;
pub mod coordinate;
pub mod id;
pub mod money;
pub mod number;
pub mod state;
pub mod text;
pub mod time;
pub mod word;
pub mod zip;
