//! The figures, computed once more from the input files: by other code, in another language than SQL.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::Path,
};

use chrono::NaiveDate;
use tidegate_tests::{olist, program::Workplace};

use super::{
    Filters,
    csv::{self, Row},
    filter_sets, statement,
};

/// The input, as the definitions of the marts take it.
struct Input {
    orders: BTreeMap<String, Row>,
    customers: HashMap<String, Row>,
    items: Vec<Row>,
    categories: HashMap<String, String>,
    payments: Vec<Row>,
    /// The mean of an order's reviews.
    scores: HashMap<String, f64>,
    last_day: String,
}

fn read(data: &Path, file: &str) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    let rows = csv::rows(&fs::read_to_string(data.join(file)).unwrap());
    // Rows that repeat another in full are removed.
    rows.into_iter().filter(|row| seen.insert(row.clone())).collect()
}

fn by(rows: Vec<Row>, column: &str) -> HashMap<String, Row> {
    rows.into_iter().map(|row| (row[column].clone(), row)).collect()
}

fn cents(text: &str) -> i64 {
    (text.parse::<f64>().unwrap() * 100.0).round() as i64
}

fn day(order: &Row) -> &str {
    &order["order_purchase_timestamp"][..10]
}

fn is_sold(order: &Row) -> bool {
    !matches!(order["order_status"].as_str(), "canceled" | "unavailable")
}

impl Input {
    fn read(data: &Path) -> Self {
        let orders: BTreeMap<_, _> = by(read(data, "olist_orders_dataset.csv"), "order_id").into_iter().collect();
        let translations = read(data, "product_category_name_translation.csv");
        let english: HashMap<_, _> = translations
            .into_iter()
            .map(|row| (row["product_category_name"].clone(), row["product_category_name_english"].clone()))
            .collect();
        let category = |row: &Row| match row["product_category_name"].as_str() {
            "" => "unknown".to_owned(),
            name => english.get(name).map_or_else(|| name.to_owned(), Clone::clone),
        };
        let mut reviews: HashMap<String, Vec<f64>> = HashMap::new();
        for review in read(data, "olist_order_reviews_dataset.csv") {
            reviews.entry(review["order_id"].clone()).or_default().push(review["review_score"].parse().unwrap());
        }
        Self {
            last_day: orders.values().map(|order| day(order).to_owned()).max().unwrap(),
            orders,
            customers: by(read(data, "olist_customers_dataset.csv"), "customer_id"),
            // What costs nothing goes to quarantine.
            items: read(data, "olist_order_items_dataset.csv").into_iter().filter(|item| cents(&item["price"]) > 0).collect(),
            categories: read(data, "olist_products_dataset.csv").iter().map(|row| (row["product_id"].clone(), category(row))).collect(),
            payments: read(data, "olist_order_payments_dataset.csv"),
            scores: reviews.into_iter().map(|(order, scores)| (order, scores.iter().sum::<f64>() / scores.len() as f64)).collect(),
        }
    }

    /// The items of each order, those of the category alone.
    fn items(&self, filters: &Filters) -> HashMap<&str, Vec<&Row>> {
        let mut items: HashMap<&str, Vec<&Row>> = HashMap::new();
        for item in &self.items {
            if filters.get("category").is_none_or(|category| self.categories.get(&item["product_id"]) == Some(category)) {
                items.entry(&item["order_id"]).or_default().push(item);
            }
        }
        items
    }

    fn state(&self, order: &Row) -> &str {
        &self.customers[&order["customer_id"]]["customer_state"]
    }

    fn person(&self, order: &Row) -> &str {
        &self.customers[&order["customer_id"]]["customer_unique_id"]
    }

    fn orders(&self, filters: &Filters) -> Vec<&Row> {
        let items = self.items(filters);
        let fits = |order: &&Row| {
            filters.get("from").is_none_or(|from| day(order) >= from.as_str())
                && filters.get("to").is_none_or(|to| day(order) <= to.as_str())
                && filters.get("state").is_none_or(|state| self.state(order) == state)
                && (!filters.contains_key("category") || items.contains_key(order["order_id"].as_str()))
        };
        self.orders.values().filter(fits).collect()
    }
}

fn price(items: &HashMap<&str, Vec<&Row>>, order: &Row) -> i64 {
    items.get(order["order_id"].as_str()).into_iter().flatten().map(|item| cents(&item["price"])).sum()
}

fn total(items: &HashMap<&str, Vec<&Row>>, order: &Row) -> i64 {
    items.get(order["order_id"].as_str()).into_iter().flatten().map(|item| cents(&item["price"]) + cents(&item["freight_value"])).sum()
}

/// What a statement says, as rows.
fn said(lake: &Workplace, name: &str, filters: &Filters) -> Vec<Row> {
    csv::rows(&olist::query(lake, &statement(name, filters).unwrap()).unwrap())
}

fn whole(row: &Row, column: &str) -> i64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} of {row:?}"))
}

fn pairs(rows: &[Row], name: &str, value: &str) -> BTreeMap<String, i64> {
    rows.iter().map(|row| (row[name].clone(), whole(row, value))).collect()
}

#[test]
fn figures_are_those_of_the_input_files() {
    let data = olist::sample().unwrap();
    let lake = olist::workplace().unwrap();
    assert_eq!(olist::run(&lake, data).unwrap().code, 0);
    let input = Input::read(data);
    for filters in filter_sets() {
        assert!(!input.orders(&filters).is_empty(), "the sample has no orders for {filters:?}");
        cards(&lake, &input, &filters);
        months(&lake, &input, &filters);
        products(&lake, &input, &filters);
        states_and_payments(&lake, &input, &filters);
        people(&lake, &input, &filters);
    }
}

fn cards(lake: &Workplace, input: &Input, filters: &Filters) {
    let (orders, items) = (input.orders(filters), input.items(filters));
    let sold: Vec<_> = orders.iter().filter(|order| is_sold(order)).collect();
    let delivered: Vec<_> = orders.iter().filter(|order| !order["order_delivered_customer_date"].is_empty()).collect();
    let late = |order: &&&&Row| order["order_delivered_customer_date"][..10] > order["order_estimated_delivery_date"][..10];
    let scores: Vec<_> = orders.iter().filter_map(|order| input.scores.get(&order["order_id"])).collect();
    let rows = said(lake, "kpis", filters);
    let now = rows.iter().find(|row| row["period"] == "now").unwrap();
    let revenue: i64 = sold.iter().map(|order| price(&items, order)).sum();
    let spent: i64 = sold.iter().map(|order| total(&items, order)).sum();
    let found = ["orders_placed", "orders_sold", "revenue_cents", "total_cents", "delivered", "delivered_late", "reviewed"];
    assert_eq!(
        found.map(|column| whole(now, column)),
        [
            orders.len() as i64,
            sold.len() as i64,
            revenue,
            spent,
            delivered.len() as i64,
            delivered.iter().filter(late).count() as i64,
            scores.len() as i64
        ],
        "{filters:?}"
    );
    let close = |text: &str, wanted: f64| (text.parse::<f64>().unwrap() - wanted).abs() < 0.005_001;
    assert!(close(&now["average_order_brl"], spent as f64 / 100.0 / sold.len() as f64), "{filters:?}");
    assert!(close(&now["review_score"], scores.iter().copied().sum::<f64>() / scores.len() as f64), "{filters:?}");
}

fn months(lake: &Workplace, input: &Input, filters: &Filters) {
    let items = input.items(filters);
    for (name, unit, length) in [("sales_by_month", "month", 7), ("sales_by_day", "day", 10)] {
        let (mut revenue, mut sold) = (BTreeMap::new(), BTreeMap::new());
        for order in input.orders(filters) {
            let at = format!("{}{}", &day(order)[..length], if unit == "month" { "-01" } else { "" });
            let (revenue, sold) = (revenue.entry(at.clone()).or_insert(0), sold.entry(at).or_insert(0));
            if is_sold(order) {
                *revenue += price(&items, order);
                *sold += 1;
            }
        }
        let rows = said(lake, name, filters);
        assert_eq!(pairs(&rows, unit, "revenue_cents"), revenue, "{name} {filters:?}");
        assert_eq!(pairs(&rows, unit, "orders_sold"), sold, "{name} {filters:?}");
    }
}

fn products(lake: &Workplace, input: &Input, filters: &Filters) {
    let items = input.items(filters);
    let mut revenue: HashMap<&str, i64> = HashMap::new();
    for order in input.orders(filters).into_iter().filter(|order| is_sold(order)) {
        for item in items.get(order["order_id"].as_str()).into_iter().flatten() {
            *revenue.entry(&item["product_id"]).or_default() += cents(&item["price"]);
        }
    }
    let mut best: Vec<_> = revenue.into_iter().map(|(product, cents)| (-cents, product.to_owned())).collect();
    best.sort();
    best.truncate(10);
    let rows = said(lake, "top_products", filters);
    let found: Vec<_> = rows.iter().map(|row| (-whole(row, "revenue_cents"), row["product_id"].clone())).collect();
    assert_eq!(found, best, "{filters:?}");
    assert!(rows.iter().all(|row| row["category"] == input.categories[&row["product_id"]]));
}

fn states_and_payments(lake: &Workplace, input: &Input, filters: &Filters) {
    let mut people: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut sold = BTreeSet::new();
    for order in input.orders(filters) {
        people.entry(input.state(order).to_owned()).or_default().insert(input.person(order));
        if is_sold(order) {
            sold.insert(order["order_id"].as_str());
        }
    }
    let people: BTreeMap<_, _> = people.into_iter().map(|(state, people)| (state, people.len() as i64)).collect();
    assert_eq!(pairs(&said(lake, "customers_by_state", filters), "customer_state", "customers"), people, "{filters:?}");
    let mut paid: BTreeMap<String, i64> = BTreeMap::new();
    for payment in input.payments.iter().filter(|payment| sold.contains(payment["order_id"].as_str())) {
        *paid.entry(payment["payment_type"].clone()).or_default() += cents(&payment["payment_value"]);
    }
    assert_eq!(pairs(&said(lake, "payment_types", filters), "payment_type", "value_cents"), paid, "{filters:?}");
}

/// A person: orders, cents, last day.
type Person = (i64, i64, String);

fn people(lake: &Workplace, input: &Input, filters: &Filters) {
    let items = input.items(filters);
    let mut people: BTreeMap<&str, Person> = BTreeMap::new();
    for order in input.orders(filters).into_iter().filter(|order| is_sold(order)) {
        let (orders, cents, last) = people.entry(input.person(order)).or_default();
        *orders += 1;
        *cents += total(&items, order);
        *last = (*last).clone().max(day(order).to_owned());
    }
    let people: Vec<Person> = people.into_values().collect();
    let end = filters.get("to").map_or(&input.last_day, |to| to.min(&input.last_day));
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let has_churned = |person: &&Person| (date(end) - date(&person.2)).num_days() > 90;
    let bucket = |person: &Person| 1 + [5000, 10000, 20000, 50000, 100_000].iter().filter(|from| person.1 >= **from).count();
    let mut buckets: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    for person in &people {
        let [all, churned, again] = buckets.entry(bucket(person).to_string()).or_default();
        *all += 1;
        *churned += i64::from(has_churned(&person));
        *again += i64::from(person.0 > 1);
    }
    let rows = said(lake, "lifetime_value", filters);
    let found = rows.iter().map(|row| (row["bucket"].clone(), ["customers", "churned", "came_back"].map(|column| whole(row, column))));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), buckets, "{filters:?}");

    let mut segments: BTreeMap<String, i64> = BTreeMap::new();
    for person in &people {
        // A fifth is told by how many people come before all who are equal.
        let fifth = |before: &dyn Fn(&Person) -> bool| 1 + 5 * people.iter().filter(|other| before(other)).count() / people.len();
        let (recency, money) = (fifth(&|other| other.2 < person.2), fifth(&|other| other.1 < person.1));
        let segment = match (person.0 > 1, recency, money) {
            (true, 4.., 4..) => "champions",
            (true, ..) => "loyal",
            (false, 4.., 4..) => "big_spenders",
            (false, 4.., _) => "newcomers",
            (false, ..=2, 4..) => "slipping_big_spenders",
            (false, ..=2, _) => "asleep",
            _ => "occasional",
        };
        *segments.entry(segment.to_owned()).or_default() += 1;
    }
    assert_eq!(pairs(&said(lake, "customer_segments", filters), "segment", "customers"), segments, "{filters:?}");
}
