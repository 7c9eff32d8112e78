//! Where the columns of a SELECT come from, as its plan tells: the columns of its tables that their values are made of.
//!
//! What always holds here: where the plan does not tell it, there is no answer rather than a guess
//! (`what_a_plan_does_not_tell_is_left_open`).

use std::collections::BTreeSet;

use datafusion::{
    common::{DFSchema, JoinType},
    logical_expr::{Distinct, Expr, LogicalPlan},
};

/// A table and its column.
pub(super) type Origin = (String, String);

/// The columns that a value is made of: none at all for a constant, `None` where that can't be told.
pub(super) type Origins = Option<BTreeSet<Origin>>;

/// The origins of each column of the plan's rows, in their order. Columns that only decide which rows there are do not count.
pub(super) fn origins(plan: &LogicalPlan) -> Vec<Origins> {
    let unknown = || vec![None; plan.schema().fields().len()];
    let found = match plan {
        LogicalPlan::TableScan(scan) => {
            let column = |name: &String| Some(BTreeSet::from([(scan.table_name.table().to_owned(), name.clone())]));
            scan.projected_schema.fields().iter().map(|field| column(field.name())).collect()
        }
        LogicalPlan::Projection(projection) => of_exprs(&projection.expr, &projection.input),
        LogicalPlan::Filter(filter) => origins(&filter.input),
        LogicalPlan::Sort(sort) => origins(&sort.input),
        LogicalPlan::Limit(limit) => origins(&limit.input),
        LogicalPlan::Repartition(repartition) => origins(&repartition.input),
        LogicalPlan::SubqueryAlias(alias) => origins(&alias.input),
        LogicalPlan::Subquery(subquery) => origins(&subquery.subquery),
        LogicalPlan::Distinct(Distinct::All(input)) => origins(input),
        LogicalPlan::Distinct(Distinct::On(on)) => of_exprs(&on.select_expr, &on.input),
        LogicalPlan::Aggregate(aggregate) => {
            let exprs: Vec<Expr> = aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
            of_exprs(&exprs, &aggregate.input)
        }
        LogicalPlan::Window(window) => [origins(&window.input), of_exprs(&window.window_expr, &window.input)].concat(),
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => [origins(&join.left), origins(&join.right)].concat(),
            JoinType::LeftSemi | JoinType::LeftAnti => origins(&join.left),
            JoinType::RightSemi | JoinType::RightAnti => origins(&join.right),
            JoinType::LeftMark | JoinType::RightMark => unknown(),
        },
        LogicalPlan::Union(union) => union.inputs.iter().map(|input| origins(input)).reduce(merged).unwrap_or_default(),
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => vec![Some(BTreeSet::new()); plan.schema().fields().len()],
        _ => unknown(),
    };
    // Grouping sets and the like add columns of their own.
    if found.len() == plan.schema().fields().len() { found } else { unknown() }
}

fn of_exprs(exprs: &[Expr], input: &LogicalPlan) -> Vec<Origins> {
    let below = origins(input);
    exprs.iter().map(|expr| of_expr(expr, input.schema(), &below)).collect()
}

fn of_expr(expr: &Expr, schema: &DFSchema, below: &[Origins]) -> Origins {
    let opaque = |expr: &Expr| {
        matches!(
            expr,
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::GroupingSet(_) | Expr::OuterReferenceColumn(..)
        )
    };
    let mut is_opaque = false;
    let walked = datafusion::common::tree_node::TreeNode::apply(expr, |expr| {
        is_opaque |= opaque(expr);
        Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
    });
    if is_opaque || walked.is_err() {
        return None;
    }
    let mut found = BTreeSet::new();
    for column in expr.column_refs() {
        found.extend(below.get(schema.index_of_column(column).ok()?)?.clone()?);
    }
    Some(found)
}

/// A row of a union comes from one of its inputs.
fn merged(a: Vec<Origins>, b: Vec<Origins>) -> Vec<Origins> {
    let both = |(a, b): (Origins, Origins)| Some(a?.into_iter().chain(b?).collect());
    a.into_iter().zip(b).map(both).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::warehouse::plan_sql;

    async fn told(sql: &str) -> Vec<String> {
        let table = |name: &str, columns: &[&str]| {
            let fields: Vec<_> = columns.iter().map(|column| Field::new(*column, DataType::Int64, true)).collect();
            (name.to_owned(), Arc::new(Schema::new(fields)))
        };
        let tables = [table("orders", &["id", "customer", "price"]), table("customers", &["id", "state"])];
        let plan = plan_sql(&tables, sql).await.unwrap();
        let shown = |origins: Origins| match origins {
            Some(origins) => origins.iter().map(|(table, column)| format!("{table}.{column}")).collect::<Vec<_>>().join("+"),
            None => "?".to_owned(),
        };
        origins(&plan).into_iter().map(shown).collect()
    }

    #[tokio::test]
    async fn columns_are_followed_through_joins_groups_and_subqueries() {
        let sql = "WITH bought AS (SELECT o.id, c.state, o.price * 2 AS double FROM orders o LEFT JOIN customers c ON o.customer = c.id \
                   WHERE c.state > 0) \
                   SELECT state, sum(double) AS total, count(*) AS n, 1 AS one FROM bought GROUP BY state ORDER BY 1 LIMIT 5";
        assert_eq!(told(sql).await, ["customers.state", "orders.price", "", ""]);
        let sql = "SELECT id, row_number() OVER (PARTITION BY customer ORDER BY price) AS n FROM orders";
        assert_eq!(told(sql).await, ["orders.id", "orders.customer+orders.price"]);
        let sql = "SELECT id FROM orders UNION ALL SELECT state FROM customers";
        assert_eq!(told(sql).await, ["customers.state+orders.id"]);
        assert_eq!(told("SELECT DISTINCT coalesce(price, customer) FROM orders").await, ["orders.customer+orders.price"]);
        assert_eq!(
            told("SELECT * FROM orders WHERE customer IN (SELECT id FROM customers)").await,
            ["orders.id", "orders.customer", "orders.price"]
        );
    }

    #[tokio::test]
    async fn what_a_plan_does_not_tell_is_left_open() {
        assert_eq!(told("SELECT id, (SELECT max(id) FROM customers) AS top FROM orders").await, ["orders.id", "?"]);
        assert_eq!(told("SELECT customer, sum(price) FROM orders GROUP BY GROUPING SETS ((customer), ())").await, ["?", "?"]);
    }
}
