//! Merge by key: rows whose key is new are added, rows that differ in some column are changed, the others are left alone.
//!
//! A run that brings what is there already changes no file and makes no commit (`tests::merging_the_same_rows_again_changes_nothing`).

use std::sync::Arc;

use datafusion::{
    arrow::datatypes::SchemaRef,
    common::Column,
    logical_expr::{Expr, Operator, binary_expr},
    prelude::{DataFrame, SessionContext},
};
use deltalake_core::{DeltaTable, kernel::transaction::CommitProperties, operations::merge::MergeBuilder};

use super::{LakeError, load::Prepared};

/// What a load did to the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Merged {
    pub inserted: u64,
    pub updated: u64,
}

/// Merges `rows` into an existing table.
pub(super) async fn merge(
    ctx: &SessionContext,
    table: DeltaTable,
    rows: DataFrame,
    schema: &SchemaRef,
    prepared: &Prepared,
    properties: CommitProperties,
) -> Result<(DeltaTable, Merged), LakeError> {
    let failed = LakeError::delta("merge into", &prepared.table);
    let snapshot = table.snapshot().map_err(&failed)?;
    let known = snapshot.schema();
    let is_key = |name: &str| prepared.key.iter().any(|key| key == name);
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let same_key = prepared.key.iter().map(|key| target(key).eq(source(key))).reduce(Expr::and).expect("a key has columns");
    let values = || columns.iter().copied().filter(|name| !is_key(name));
    // A column that the table gets now was null in every row so far.
    let differs = |name: &str| match known.field(name) {
        Some(_) => binary_expr(target(name), Operator::IsDistinctFrom, source(name)),
        None => source(name).is_not_null(),
    };
    let mut merge = MergeBuilder::new(table.log_store(), Some(snapshot.snapshot().clone()), same_key, rows)
        .with_source_alias("source")
        .with_target_alias("target")
        .with_session_state(Arc::new(ctx.state()))
        .with_merge_schema(columns.iter().any(|name| known.field(name).is_none()))
        .with_commit_properties(properties)
        .when_not_matched_insert(|insert| columns.iter().fold(insert, |insert, name| insert.set(target_column(name), source(name))))
        .map_err(&failed)?;
    if let Some(changed) = values().map(differs).reduce(Expr::or) {
        let update = |update: deltalake_core::operations::merge::UpdateBuilder| {
            values().fold(update.predicate(changed.is_true()), |update, name| update.update(target_column(name), source(name)))
        };
        merge = merge.when_matched_update(update).map_err(&failed)?;
    }
    let (table, metrics) = merge.await.map_err(&failed)?;
    Ok((table, Merged { inserted: metrics.num_target_rows_inserted as u64, updated: metrics.num_target_rows_updated as u64 }))
}

fn target_column(name: &str) -> Column {
    Column::new(Some("target"), name)
}

fn target(name: &str) -> Expr {
    Expr::Column(target_column(name))
}

fn source(name: &str) -> Expr {
    Expr::Column(Column::new(Some("source"), name))
}
