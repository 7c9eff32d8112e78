//! Keys: whether the rows to merge have one.

use std::{path::PathBuf, sync::Arc};

use datafusion::{
    arrow::{
        array::AsArray,
        datatypes::{Int64Type, SchemaRef},
    },
    common::{Column, Result},
    functions_aggregate::expr_fn::{count, sum},
    logical_expr::{Expr, lit},
};

use super::{Lake, LakeError, types::is_comparable};
use crate::{
    config::near_miss,
    warehouse::{
        KeyError, TableLoad,
        session::{Join, files, viewed},
    },
};

/// A key is whole, and there is one row of each.
pub(super) async fn check(lake: &Lake, table: &TableLoad, paths: &[PathBuf], schema: &SchemaRef) -> Result<(), LakeError> {
    let names = || schema.fields().iter().map(|field| field.name().as_str());
    let absent = table.key.iter().find(|key| schema.field_with_name(key).is_err()).cloned();
    if let Some(column) = absent.or_else(|| table.key.is_empty().then(String::new)) {
        let near = near_miss(&column, names()).map(str::to_owned);
        return Err(KeyError::Absent { table: table.name.clone(), column, near }.into());
    }
    if let Some(field) = schema.fields().iter().find(|field| !is_comparable(field.data_type())) {
        let found = field.data_type().to_string();
        return Err(LakeError::ColumnType { table: table.name.clone(), column: field.name().clone(), found });
    }
    let what = format!("the key of the table `{}`", table.name);
    let (nulls, keys, rows) = count_keys(lake, table, paths, schema).await.map_err(LakeError::sql(&what))?;
    let (table, key) = (table.name.clone(), table.key.clone());
    match (nulls, keys) {
        (0, 0) => Ok(()),
        (0, keys) => Err(KeyError::Double { table, key, keys, rows }.into()),
        (rows, _) => Err(KeyError::Null { table, key, rows }.into()),
    }
}

/// Rows with a null in the key; keys that occur more than once; rows that carry these.
async fn count_keys(lake: &Lake, table: &TableLoad, paths: &[PathBuf], schema: &SchemaRef) -> Result<(u64, u64, u64)> {
    let ctx = lake.sessions.context(Join::Hash);
    let rows = || ctx.read_table(Arc::new(files(&lake.root, paths, viewed(schema))?));
    let key: Vec<Expr> = table.key.iter().map(|name| Expr::Column(Column::from_name(name))).collect();
    let any_null = key.iter().cloned().map(Expr::is_null).reduce(Expr::or).expect("a key has columns");
    let nulls = rows()?.filter(any_null)?.count().await?;
    let repeated = rows()?
        .aggregate(key, vec![count(lit(1)).alias("rows_of_key")])?
        .filter(Expr::Column(Column::from_name("rows_of_key")).gt(lit(1_i64)))?
        .aggregate(vec![], vec![count(lit(1)).alias("keys"), sum(Expr::Column(Column::from_name("rows_of_key"))).alias("rows")])?
        .collect()
        .await?;
    let number = |column: usize| {
        let found = repeated.first().map(|batch| batch.column(column).as_primitive::<Int64Type>().iter().next().flatten());
        u64::try_from(found.flatten().unwrap_or(0)).unwrap_or(0)
    };
    Ok((nulls as u64, number(0), number(1)))
}
