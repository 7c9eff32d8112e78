//! Sets of values: what `set` and `implies` ask.

use tidegate_sdk::{Failure, Result};

use crate::{
    config::Literal,
    lane::{Cells, Lane},
    literal::Round,
    stream::{Column, Family},
};

/// Values of a column's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// By length in bytes, sorted: few texts of a status column share one.
    Text(Vec<Vec<Box<str>>>),
    /// As the column stores them, sorted.
    Exact(Vec<i128>),
}

impl Members {
    /// `key` is what the config calls the list.
    pub fn new(column: &Column, key: &str, values: &[Literal]) -> Result<Self> {
        if values.is_empty() {
            return Err(Failure::config(format!("`{key}` is empty; list at least one value")));
        }
        if column.family == Family::Text {
            let mut by_length = Vec::new();
            for value in values {
                let text = value.text(column)?;
                if by_length.len() <= text.len() {
                    by_length.resize_with(text.len() + 1, Vec::new);
                }
                by_length[text.len()].push(Box::from(text));
            }
            by_length.iter_mut().for_each(|texts| texts.sort_unstable());
            return Ok(Self::Text(by_length));
        }
        let mut exact = values.iter().map(|value| member(value, column)).collect::<Result<Vec<_>>>()?;
        exact.sort_unstable();
        Ok(Self::Exact(exact))
    }

    /// The lane in which [`Members::contains`] reads the column.
    pub fn lane(column: &Column) -> Lane {
        Lane::of([&column.data_type]).expect("the column's family is known")
    }

    pub fn contains(&self, cells: &Cells<'_>, row: usize) -> bool {
        match (self, cells) {
            (Self::Text(_), Cells::Text(texts)) => self.contains_text(texts.value(row)),
            (Self::Exact(values), Cells::Int(cells)) => values.binary_search(&i128::from(cells[row])).is_ok(),
            (Self::Exact(values), Cells::Wide(cells)) => values.binary_search(&cells[row]).is_ok(),
            _ => unreachable!("members are read along their column's lane"),
        }
    }

    pub fn contains_text(&self, text: &str) -> bool {
        let Self::Text(by_length) = self else { return false };
        by_length.get(text.len()).is_some_and(|texts| texts.binary_search_by(|member| (**member).cmp(text)).is_ok())
    }
}

/// A value that the column can hold as it is: 1.5 is no integer, and a date is no instant.
fn member(value: &Literal, column: &Column) -> Result<i128> {
    let (up, down) = (value.exact(column, Round::Up)?, value.exact(column, Round::Down)?);
    if up == down {
        return Ok(up);
    }
    Err(Failure::config(format!("{} is not exactly a value of column `{}` of type {}", value.0, column.name, column.data_type)))
}
