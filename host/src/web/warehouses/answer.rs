//! The rows of a statement as values that pages can show, the same from both warehouses.

use std::time::Duration;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{DataType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type},
    util::display::{ArrayFormatter, FormatOptions},
};
use futures::TryStreamExt;
use tokio::{sync::Semaphore, time::timeout};

use super::Trouble;
use crate::warehouse::{Question, Reader};

/// After this a page does without the answer.
const STATEMENT: Duration = Duration::from_secs(20);
/// The rows of an answer; whatever may have more is read in pages or as a stream.
const ROWS: usize = 20_000;

/// The rows of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with a value per column.
    pub rows: Vec<Vec<Cell>>,
    bytes: usize,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// None.
    Null,
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// Anything else as text: days as `2018-08-31`, decimals with all their digits.
    Text(Box<str>),
}

impl Cell {
    /// The whole number; 0 where there is none.
    pub fn whole(&self) -> i64 {
        match self {
            Self::Whole(number) => *number,
            Self::Text(text) => text.parse().unwrap_or(0),
            _ => 0,
        }
    }

    /// The number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "charts and rounded figures")]
            Self::Whole(number) => Some(*number as f64),
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Null | Self::Flag(_) => None,
        }
    }

    /// The text; empty where there is none.
    pub fn text(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Text(text) => text.to_string(),
        }
    }
}

impl Answer {
    /// Rows under the names of their columns.
    pub fn new(columns: Vec<String>, rows: Vec<Vec<Cell>>) -> Self {
        let size = |cell: &Cell| size_of::<Cell>() + if let Cell::Text(text) = cell { text.len() } else { 0 };
        let bytes = size_of::<Self>() + rows.iter().map(|row| size_of::<Vec<Cell>>() + row.iter().map(size).sum::<usize>()).sum::<usize>();
        Self { columns, rows, bytes }
    }

    /// What it holds in memory, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value of a column in a row; [`Cell::Null`] where there is no such row or column.
    pub fn cell(&self, row: usize, column: &str) -> &Cell {
        let at = self.columns.iter().position(|name| name == column);
        at.and_then(|at| self.rows.get(row)?.get(at)).unwrap_or(&Cell::Null)
    }

    /// A column's values.
    pub fn column<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a Cell> + 'a {
        (0..self.rows.len()).map(move |row| self.cell(row, column))
    }
}

/// Asks when it is its turn.
pub(super) async fn read(reader: &Reader, turns: &Semaphore, question: &Question) -> Result<Answer, Trouble> {
    let _turn = turns.acquire().await.expect("the semaphore is never closed");
    let work = async {
        let mut stream = reader.query(question, STATEMENT).await?;
        let columns: Vec<_> = stream.schema().fields().iter().map(|field| field.name().clone()).collect();
        let mut rows = Vec::new();
        while let Some(batch) = stream.try_next().await.map_err(|error| failed(&error))? {
            rows.extend(cells(&batch).map_err(|error| failed(&error))?);
            if rows.len() > ROWS {
                return Err(Trouble { what: format!("The answer has more than {ROWS} rows."), hint: None });
            }
        }
        Ok(Answer::new(columns, rows))
    };
    timeout(STATEMENT, work).await.unwrap_or_else(|_| {
        Err(Trouble {
            what: format!("The warehouse took longer than {} seconds.", STATEMENT.as_secs()),
            hint: Some("Choose a shorter period, or fewer filters, and try again.".into()),
        })
    })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Trouble {
    Trouble { what: format!("Failed to read the warehouse: {}.", crate::error::chain(error)), hint: None }
}

/// The rows of a batch.
///
/// # Errors
/// Where a value can't be shown as text, as no type of either warehouse does.
pub fn cells(batch: &RecordBatch) -> Result<Vec<Vec<Cell>>, arrow::error::ArrowError> {
    let mut rows = vec![Vec::with_capacity(batch.num_columns()); batch.num_rows()];
    for column in batch.columns() {
        push(column, &mut rows)?;
    }
    Ok(rows)
}

macro_rules! whole {
    ($column:expr, $rows:expr, $of:ty) => {
        for (value, row) in $column.as_primitive::<$of>().iter().zip($rows.iter_mut()) {
            row.push(value.map_or(Cell::Null, |value| Cell::Whole(value.into())));
        }
    };
}

fn push(column: &dyn Array, rows: &mut [Vec<Cell>]) -> Result<(), arrow::error::ArrowError> {
    match column.data_type() {
        DataType::Int8 => whole!(column, rows, Int8Type),
        DataType::Int16 => whole!(column, rows, Int16Type),
        DataType::Int32 => whole!(column, rows, Int32Type),
        DataType::Int64 => whole!(column, rows, Int64Type),
        DataType::UInt8 => whole!(column, rows, UInt8Type),
        DataType::UInt16 => whole!(column, rows, UInt16Type),
        DataType::UInt32 => whole!(column, rows, UInt32Type),
        DataType::Float64 => {
            for (value, row) in column.as_primitive::<arrow::datatypes::Float64Type>().iter().zip(rows) {
                row.push(value.map_or(Cell::Null, Cell::Number));
            }
        }
        DataType::Boolean => {
            for (value, row) in column.as_boolean().iter().zip(rows) {
                row.push(value.map_or(Cell::Null, Cell::Flag));
            }
        }
        _ => {
            let options = FormatOptions::new()
                .with_timestamp_format(Some("%Y-%m-%d %H:%M:%S%.f"))
                .with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f+00"));
            let formatter = ArrayFormatter::try_new(column, &options)?;
            for (at, row) in rows.iter_mut().enumerate() {
                row.push(if column.is_null(at) { Cell::Null } else { Cell::Text(formatter.value(at).to_string().into()) });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Decimal128Array, Int32Array, StringArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn values_are_read_as_pages_show_them() {
        let decimals = Decimal128Array::from(vec![Some(-1250), None]).with_precision_and_scale(14, 2).unwrap();
        let times = TimestampMicrosecondArray::from(vec![Some(1_534_000_000_250_000), None]).with_timezone("UTC");
        let columns: [(&str, ArrayRef); 5] = [
            ("whole", Arc::new(Int32Array::from(vec![Some(7), None]))),
            ("decimal", Arc::new(decimals)),
            ("day", Arc::new(Date32Array::from(vec![Some(17774), None]))),
            ("time", Arc::new(times)),
            ("text", Arc::new(StringArray::from(vec![Some("ç"), None]))),
        ];
        let rows = cells(&RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()).unwrap();
        let text = |text: &str| Cell::Text(text.into());
        assert_eq!(rows[0], [Cell::Whole(7), text("-12.50"), text("2018-08-31"), text("2018-08-11 15:06:40.250+00"), text("ç")]);
        assert!(rows[1].iter().all(|cell| *cell == Cell::Null));
        assert_eq!(rows[0][1].number(), Some(-12.5));
    }
}
