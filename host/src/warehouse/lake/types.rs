//! Arrow types as Delta Lake has them. The one place where types are mapped.
//!
//! Every column of a table may be null: whether a plan can prove that it is not depends on the plan, and a table outlives many plans.

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit},
    common::{Column, Result},
    logical_expr::{Expr, cast},
    prelude::DataFrame,
};

use super::LakeError;
use crate::lineage::ORIGIN;

/// What Delta does not take in the name of a column.
const FORBIDDEN: [char; 11] = [' ', ',', ';', '{', '}', '(', ')', '\n', '\t', '\r', '='];

/// The schema that rows of `schema` have in the table `table`: without `_origin`, in Delta's types, all columns nullable.
pub fn delta_schema(table: &str, schema: &Schema) -> Result<SchemaRef, LakeError> {
    let mut fields: Vec<FieldRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields().iter().filter(|field| field.name() != ORIGIN) {
        let wrong = || LakeError::ColumnName { table: table.to_owned(), column: field.name().clone() };
        let taken = fields.iter().any(|other| other.name().eq_ignore_ascii_case(field.name()));
        if field.name().is_empty() || field.name().contains(FORBIDDEN) || taken {
            return Err(wrong());
        }
        let mapped = delta_type(field.data_type()).ok_or_else(|| LakeError::ColumnType {
            table: table.to_owned(),
            column: field.name().clone(),
            found: field.data_type().to_string(),
        })?;
        fields.push(Arc::new(Field::new(field.name(), mapped, true)));
    }
    Ok(Arc::new(Schema::new(fields)))
}

/// The type that Delta keeps a value of `arrow` in; none where it has none.
fn delta_type(arrow: &DataType) -> Option<DataType> {
    use DataType as D;
    let mapped = match arrow {
        D::Boolean | D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::Float32 | D::Float64 | D::Date32 | D::Utf8 | D::Binary => arrow.clone(),
        D::UInt8 => D::Int16,
        D::UInt16 => D::Int32,
        D::UInt32 => D::Int64,
        D::UInt64 => D::Decimal128(20, 0),
        D::Float16 => D::Float32,
        D::Decimal32(precision, scale)
        | D::Decimal64(precision, scale)
        | D::Decimal128(precision, scale)
        | D::Decimal256(precision, scale) => decimal(*precision, *scale)?,
        D::Date64 => D::Date32,
        D::Timestamp(_, zone) => D::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into())),
        D::Time32(_) | D::Time64(_) | D::Duration(_) | D::Interval(_) | D::Null | D::LargeUtf8 | D::Utf8View => D::Utf8,
        D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => D::Binary,
        D::Dictionary(_, value) => delta_type(value)?,
        D::RunEndEncoded(_, value) => delta_type(value.data_type())?,
        D::List(item) | D::LargeList(item) | D::FixedSizeList(item, _) | D::ListView(item) | D::LargeListView(item) => {
            D::List(child(item)?)
        }
        D::Struct(fields) => D::Struct(fields.iter().map(child).collect::<Option<Fields>>()?),
        D::Map(entries, sorted) => D::Map(map_entries(entries)?, *sorted),
        D::Union(..) => return None,
    };
    Some(mapped)
}

/// Delta's decimals have at most 38 digits and no negative scale.
fn decimal(precision: u8, scale: i8) -> Option<DataType> {
    let digits = if scale < 0 { precision.checked_add(scale.unsigned_abs())? } else { precision };
    (digits <= 38).then_some(DataType::Decimal128(digits, scale.max(0)))
}

fn child(field: &FieldRef) -> Option<FieldRef> {
    Some(Arc::new(Field::new(field.name(), delta_type(field.data_type())?, true)))
}

/// The keys of a map are never null.
fn map_entries(entries: &FieldRef) -> Option<FieldRef> {
    let DataType::Struct(fields) = entries.data_type() else { return None };
    let [key, value] = fields.iter().collect::<Vec<_>>()[..] else { return None };
    let key = Arc::new(Field::new(key.name(), delta_type(key.data_type())?, false));
    let fields = Fields::from(vec![key, child(value)?]);
    Some(Arc::new(Field::new(entries.name(), DataType::Struct(fields), false)))
}

/// Whether a merge can tell if two values differ.
pub(super) fn is_comparable(arrow: &DataType) -> bool {
    match arrow {
        DataType::Map(..) => false,
        DataType::List(item) => is_comparable(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| is_comparable(field.data_type())),
        _ => true,
    }
}

/// The columns of `schema` out of `rows`, in its types. A value that does not fit is an error, never a null.
pub(super) fn conform(rows: DataFrame, schema: &Schema) -> Result<DataFrame> {
    let columns: Vec<Expr> = rows
        .schema()
        .iter()
        .filter_map(|(relation, found)| {
            let wanted = schema.field_with_name(found.name()).ok()?;
            let column = Expr::Column(Column::new(relation.cloned(), found.name()));
            let same = wanted.data_type() == found.data_type();
            Some(if same { column } else { cast(column, wanted.data_type().clone()).alias(found.name()) })
        })
        .collect();
    rows.select(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(kind: DataType) -> DataType {
        let schema = delta_schema("t", &Schema::new(vec![Field::new("c", kind, false)])).unwrap();
        assert!(schema.field(0).is_nullable());
        schema.field(0).data_type().clone()
    }

    #[test]
    fn every_type_that_delta_lacks_has_a_wider_one() {
        use DataType as D;
        let pairs = [
            (D::UInt8, D::Int16),
            (D::UInt16, D::Int32),
            (D::UInt32, D::Int64),
            (D::UInt64, D::Decimal128(20, 0)),
            (D::Float16, D::Float32),
            (D::Null, D::Utf8),
            (D::Utf8View, D::Utf8),
            (D::Date64, D::Date32),
            (D::Time64(TimeUnit::Nanosecond), D::Utf8),
            (D::Timestamp(TimeUnit::Second, None), D::Timestamp(TimeUnit::Microsecond, None)),
            (D::Timestamp(TimeUnit::Second, Some("+02:00".into())), D::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
            (D::Dictionary(Box::new(D::Int32), Box::new(D::LargeUtf8)), D::Utf8),
            (D::Decimal256(38, 2), D::Decimal128(38, 2)),
            (D::Decimal128(5, -2), D::Decimal128(7, 0)),
            (D::new_large_list(D::UInt8, false), D::new_list(D::Int16, true)),
        ];
        for (arrow, delta) in pairs {
            assert_eq!(mapped(arrow), delta);
        }
    }

    #[test]
    fn the_origin_of_a_row_is_not_loaded() {
        let schema = Schema::new(vec![Field::new("id", DataType::Utf8, false), Field::new(ORIGIN, DataType::UInt64, false)]);
        assert_eq!(delta_schema("t", &schema).unwrap().fields().len(), 1);
    }

    #[test]
    fn columns_that_delta_does_not_take_are_named() {
        let error = |fields: Vec<Field>| delta_schema("t", &Schema::new(fields)).unwrap_err().to_string();
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        assert_eq!(error(vec![text("count(*)")]), "load the table `t`: `count(*)` can't be the name of a column");
        assert_eq!(error(vec![text("id"), text("ID")]), "load the table `t`: `ID` can't be the name of a column");
        assert_eq!(
            error(vec![Field::new("big", DataType::Decimal256(76, 0), true)]),
            "load the table `t`: the lake has no place for the column `big` of type Decimal256(76, 0)"
        );
    }
}
