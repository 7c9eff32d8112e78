//! Arrays with one dimension, from Arrow's five kinds of lists.

use std::ops::Range;

use arrow::{
    array::{Array, AsArray, GenericListArray, GenericListViewArray, OffsetSizeTrait},
    datatypes::DataType,
};

use super::super::types::PgType;
use super::{Out, Reason, column::Column, prefix};

const TOO_MANY: Reason = "list with more than 2^27 elements";
/// PostgreSQL's `MaxArraySize` on 64 bits.
const MAX_ELEMENTS: usize = (1 << 27) - 1;
/// PostgreSQL counts the elements of an array from one.
const LOWER_BOUND: i32 = 1;

/// A column of lists of scalars.
pub(super) struct List<'a> {
    ranges: Vec<Range<usize>>,
    elements: Box<Column<'a>>,
    oid: u32,
}

impl<'a> List<'a> {
    pub(super) fn of(array: &'a dyn Array, element: &PgType) -> Option<Self> {
        let oid = element.oid()?;
        let (field, values, ranges) = match array.data_type() {
            DataType::List(field) => (field, array.as_list::<i32>().values(), ranges(array.as_list::<i32>())),
            DataType::LargeList(field) => (field, array.as_list::<i64>().values(), ranges(array.as_list::<i64>())),
            DataType::ListView(field) => (field, array.as_list_view::<i32>().values(), view_ranges(array.as_list_view::<i32>())),
            DataType::LargeListView(field) => (field, array.as_list_view::<i64>().values(), view_ranges(array.as_list_view::<i64>())),
            DataType::FixedSizeList(field, width) => {
                let width = usize::try_from(*width).ok()?;
                let ranges = (0..array.len()).map(|row| row * width..(row + 1) * width).collect();
                (field, array.as_fixed_size_list().values(), ranges)
            }
            _ => return None,
        };
        let elements = Box::new(Column::of(field, values.as_ref(), element)?);
        Some(Self { ranges, elements, oid })
    }

    pub(super) fn write(&mut self, row: usize, out: &mut Out) -> Result<(), Reason> {
        let start = out.len();
        let range = self.ranges[row].clone();
        if range.len() > MAX_ELEMENTS {
            return Err(TOO_MANY);
        }
        let has_nulls = range.clone().any(|element| self.elements.is_null(element));
        let dimensions = i32::from(!range.is_empty());
        prefix(out, 0)?;
        out.extend_from_slice(&dimensions.to_be_bytes());
        out.extend_from_slice(&i32::from(has_nulls).to_be_bytes());
        out.extend_from_slice(&self.oid.to_be_bytes());
        if !range.is_empty() {
            out.extend_from_slice(&(range.len() as i32).to_be_bytes());
            out.extend_from_slice(&LOWER_BOUND.to_be_bytes());
        }
        range.into_iter().try_for_each(|element| self.elements.write(element, out))?;
        fill_prefix(out, start)
    }
}

/// Writes how long the cell from `start` became.
fn fill_prefix(out: &mut Out, start: usize) -> Result<(), Reason> {
    let end = out.len();
    prefix(out, end - start - size_of::<i32>())?;
    out.copy_within(end.., start);
    out.truncate(end);
    Ok(())
}

fn ranges<O: OffsetSizeTrait>(array: &GenericListArray<O>) -> Vec<Range<usize>> {
    array.value_offsets().windows(2).map(|pair| pair[0].as_usize()..pair[1].as_usize()).collect()
}

fn view_ranges<O: OffsetSizeTrait>(array: &GenericListViewArray<O>) -> Vec<Range<usize>> {
    let starts = array.value_offsets().iter().map(|offset| offset.as_usize());
    starts.zip(array.value_sizes()).map(|(start, size)| start..start + size.as_usize()).collect()
}
