//! The charts of the overview: what each asks, what its table shows, what is drawn.
//!
//! What always holds here: without filters a chart reads its mart, where the pipeline makes it, and else the star tables; both give the same
//! rows. (`tests/suite/web/business`)

use serde_json::Value;

use super::{
    drawing,
    figure::Show::{self, Cents, Count, Number, Reais, Text},
    filters::{Choices, Filters},
};
use crate::{
    config::Loaded,
    web::warehouses::{Answer, Question, Snapshot},
};

/// A statement of the overview, by the name of its file.
macro_rules! statement {
    ($name:literal) => {
        include_str!(concat!("../../../../sql/dashboard/", $name, ".sql"))
    };
}
pub(super) use statement;

/// A chart with its table.
pub struct Chart {
    /// Its name in URLs.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What it counts.
    pub lead: &'static str,
    /// The class of its place on the page.
    pub place: &'static str,
    /// The statement over the star schema, with the filters as parameters.
    pub sql: &'static str,
    /// The mart that answers without filters, and the statement that reads it.
    pub mart: Option<(&'static str, &'static str)>,
    /// The tables that the statement reads.
    pub needs: &'static [&'static str],
    /// The table's columns: name, heading, how values are shown.
    pub columns: &'static [(&'static str, &'static str, Show)],
    /// What is drawn.
    pub draw: fn(&Answer) -> Value,
}

const ORDERS: &[&str] = &["fact_orders", "fact_order_items", "dim_customers", "dim_products"];
const PAYMENTS: &[&str] = &["fact_payments", "fact_orders", "fact_order_items", "dim_customers", "dim_products"];

const SALES: &[(&str, &str, Show)] = &[
    ("orders_sold", "Orders sold", Count),
    ("orders_lost", "Cancelled or unavailable", Count),
    ("revenue_cents", "Revenue", Cents),
    ("freight_cents", "Freight", Cents),
    ("average_order_brl", "Average order", Reais),
    ("delivered_late", "Delivered late", Count),
];

/// The charts, in the order of the page.
pub static CHARTS: &[Chart] = &[
    Chart {
        id: "sales-by-month",
        title: "Sales by month",
        lead: "Revenue is price without freight; cancelled and unavailable orders are left out. Months are local.",
        place: "two-thirds",
        sql: statement!("sales_by_month"),
        mart: Some(("sales_by_month", statement!("sales_by_month_all"))),
        needs: ORDERS,
        columns: &[("month", "Month", Text), SALES[0], SALES[1], SALES[2], SALES[3], SALES[4], SALES[5]],
        draw: |answer| drawing::sales(answer, "month"),
    },
    Chart {
        id: "payment-types",
        title: "Payment types",
        lead: "What was paid for orders sold, in full; an order paid in two ways counts in both.",
        place: "third",
        sql: statement!("payment_types"),
        mart: None,
        needs: PAYMENTS,
        columns: &[
            ("payment_type", "Payment type", Text),
            ("payments", "Payments", Count),
            ("orders", "Orders", Count),
            ("value_cents", "Value", Cents),
            ("average_payment_brl", "Average payment", Reais),
            ("average_installments", "Average instalments", Number),
        ],
        draw: drawing::payments,
    },
    Chart {
        id: "sales-by-day",
        title: "Sales by day",
        lead: "As by month. A day without orders is drawn as zero.",
        place: "full",
        sql: statement!("sales_by_day"),
        mart: None,
        needs: ORDERS,
        columns: &[("day", "Day", Text), SALES[0], SALES[1], SALES[2], SALES[4]],
        draw: |answer| drawing::sales(answer, "day"),
    },
    Chart {
        id: "top-products",
        title: "Top 10 products by revenue",
        lead: "Products have no names in the data: they are told by category and the beginning of their id.",
        place: "half",
        sql: statement!("top_products"),
        mart: Some(("top_products", statement!("top_products_all"))),
        needs: ORDERS,
        columns: &[
            ("rank", "Rank", Count),
            ("product_id", "Product", Text),
            ("category", "Category", Text),
            ("items", "Items", Count),
            ("orders", "Orders", Count),
            ("sellers", "Sellers", Count),
            ("revenue_cents", "Revenue", Cents),
            ("average_price_brl", "Average price", Reais),
        ],
        draw: drawing::products,
    },
    Chart {
        id: "customer-segments",
        title: "Customer segments",
        lead: "By recency, frequency and money in fifths of all people: champions came back, lately, and spent much; the asleep bought once, long ago.",
        place: "half",
        sql: statement!("customer_segments"),
        mart: Some(("customer_segments", statement!("customer_segments_all"))),
        needs: ORDERS,
        columns: &[
            ("segment", "Segment", Text),
            ("customers", "Customers", Count),
            ("orders", "Orders", Count),
            ("total_cents", "Spent", Cents),
            ("average_customer_brl", "Spent each", Reais),
            ("average_days_since_last_order", "Days since the last order", Number),
        ],
        draw: drawing::segments,
    },
    Chart {
        id: "customers-by-state",
        title: "Customers by state",
        lead: "People by the state they live in; who ordered from two states counts in both. Spent is price and freight of orders sold.",
        place: "full",
        sql: statement!("customers_by_state"),
        mart: Some(("customers_by_state", statement!("customers_by_state_all"))),
        needs: ORDERS,
        columns: &[
            ("customer_state", "State", Text),
            ("customers", "Customers", Count),
            ("orders_sold", "Orders sold", Count),
            ("total_cents", "Spent", Cents),
            ("average_order_brl", "Average order", Reais),
            ("average_days_to_deliver", "Days to deliver", Number),
            ("delivered_late", "Delivered late", Count),
        ],
        draw: drawing::states,
    },
    Chart {
        id: "lifetime-value",
        title: "Lifetime value and churn",
        lead: "What each person spent in all, price and freight. Whoever bought nothing for more than 90 days has churned.",
        place: "full",
        sql: statement!("lifetime_value"),
        mart: Some(("customer_lifetime_value", statement!("lifetime_value_all"))),
        needs: ORDERS,
        columns: &[
            ("spent_brl", "Spent (R$)", Text),
            ("customers", "Customers", Count),
            ("active", "Active", Count),
            ("churned", "Churned", Count),
            ("came_back", "Bought again", Count),
            ("orders", "Orders", Count),
            ("total_cents", "Spent in all", Cents),
        ],
        draw: drawing::lifetime,
    },
];

/// Sales by hour, where TimescaleDB keeps them.
pub static BY_HOUR: Chart = Chart {
    id: "sales-by-hour",
    title: "Sales by hour",
    lead: "The last days of the period, from TimescaleDB's continuous aggregate, in the shop's local time. An hour without orders is drawn as zero.",
    place: "full",
    sql: statement!("sales_by_hour"),
    mart: None,
    needs: &["hourly_sales"],
    columns: &[
        ("hour", "Hour", Text),
        ("orders_placed", "Orders placed", Count),
        ("orders_sold", "Orders sold", Count),
        ("revenue_cents", "Revenue", Cents),
    ],
    draw: |answer| drawing::sales(answer, "hour"),
};

/// The days that are shown by the hour.
pub const HOURLY_DAYS: u64 = 14;

impl Chart {
    /// The tables that are missing for it.
    pub fn missing(&self, snapshot: &Snapshot) -> Vec<&'static str> {
        self.needs.iter().copied().filter(|table| snapshot.table(table).is_none()).collect()
    }

    /// What it asks.
    pub fn question(&self, filters: &Filters, choices: &Choices, snapshot: &Snapshot, loaded: &Loaded) -> Question {
        if let Some((mart, sql)) = self.mart
            && filters.is_empty()
            && snapshot.table(mart).is_some()
        {
            return Question::Tables(sql.to_owned());
        }
        let mut more = Vec::new();
        // Churn is counted to the same day as in the mart.
        let as_of = loaded.pipeline.marts.get("customer_lifetime_value").and_then(|mart| mart.parameters.get("as_of"));
        more.extend(as_of.map(|day| ("as_of", day.clone())));
        if self.id == BY_HOUR.id
            && let Some(period) = filters.period(choices)
        {
            let first = period.to.checked_sub_days(chrono::Days::new(HOURLY_DAYS - 1)).unwrap_or(period.from);
            more.extend([("from", first.max(period.from).to_string()), ("to", period.to.to_string())]);
        }
        let sql = filters.bind(self.sql, &more);
        if self.id == BY_HOUR.id { Question::Tables(sql) } else { Question::Relations(sql) }
    }
}

/// A chart by its name in URLs.
pub fn chart(id: &str) -> Option<&'static Chart> {
    CHARTS.iter().chain([&BY_HOUR]).find(|chart| chart.id == id)
}
