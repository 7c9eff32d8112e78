//! Whole files through the tables, as the host would send them: the fixtures, and the real files by Olist where they are at hand.
//!
//! `fixtures/<table>.csv` has one more column than the table: `fate` is `kept` or the name of the rule that rejects the row. A new case is
//! a new line there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use tidegate_sdk::{
    arrow_array::{Array, ArrayRef, StringArray, UInt64Array, cast::AsArray, types::Int64Type},
    arrow_schema::{DataType, Field},
    prelude::*,
};
use transform_olist::{Config, Olist};

const FILES: [(&str, &str); 9] = [
    ("customers", "olist_customers_dataset.csv"),
    ("geolocation", "olist_geolocation_dataset.csv"),
    ("order_items", "olist_order_items_dataset.csv"),
    ("order_payments", "olist_order_payments_dataset.csv"),
    ("order_reviews", "olist_order_reviews_dataset.csv"),
    ("orders", "olist_orders_dataset.csv"),
    ("products", "olist_products_dataset.csv"),
    ("sellers", "olist_sellers_dataset.csv"),
    ("category_translation", "product_category_name_translation.csv"),
];

/// A file as text.
struct File {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl File {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("can't read {}: {error}", path.display()));
        let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let columns = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows = reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        Self { columns, rows }
    }

    fn schema(&self) -> SchemaRef {
        let mut fields: Vec<Field> = self.columns.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
        fields.push(Field::new(ORIGIN, DataType::UInt64, false));
        Arc::new(Schema::new(fields))
    }

    fn batches(&self) -> impl Iterator<Item = RecordBatch> {
        self.rows.chunks(8192).enumerate().map(|(chunk, rows)| {
            let cells = |column: usize| rows.iter().map(move |row| Some(row[column].as_str()).filter(|cell| !cell.is_empty()));
            let column = |column: usize| Arc::new(cells(column).collect::<StringArray>()) as ArrayRef;
            let mut columns: Vec<ArrayRef> = (0..self.columns.len()).map(column).collect();
            let first = chunk as u64 * 8192 + 1;
            columns.push(Arc::new(UInt64Array::from_iter_values(first..first + rows.len() as u64)));
            RecordBatch::try_new(self.schema(), columns).unwrap()
        })
    }
}

/// What became of a file.
struct Outcome {
    rules: Vec<String>,
    accepted: Vec<RecordBatch>,
    /// Per row, the rule that rejects it or `kept`.
    fates: Vec<String>,
}

fn clean(table: &str, file: &File) -> Outcome {
    let context = Context { stream: table.to_owned(), now_micros: 0, seed: 0 };
    let shape = Olist::shape(&Config::default(), &context, &file.schema()).unwrap();
    let mut olist = Olist::open(Config::default(), context, file.schema()).unwrap();
    let rules: Vec<String> = shape.rules.into_iter().map(|rule| rule.name).collect();
    let (mut accepted, mut fates) = (Vec::new(), Vec::new());
    for batch in file.batches() {
        let start = fates.len();
        fates.resize(start + batch.num_rows(), "kept".to_owned());
        let output = olist.push(batch).unwrap();
        for (rule, rows) in output.rejected.by_rule() {
            rows.iter().for_each(|row| fates[start + *row as usize].clone_from(&rules[rule]));
        }
        let batch = output.accepted.unwrap();
        assert_eq!(batch.schema(), shape.schema);
        accepted.push(batch);
    }
    assert!(olist.finish().unwrap().is_none());
    Outcome { rules, accepted, fates }
}

impl Outcome {
    fn sum(&self, column: &str) -> i64 {
        self.accepted.iter().flat_map(|batch| batch[column].as_primitive::<Int64Type>().values()).sum()
    }

    fn count(&self, fate: &str) -> usize {
        self.fates.iter().filter(|row| *row == fate).count()
    }
}

#[test]
fn every_row_of_the_fixtures_meets_its_fate() {
    for (table, _) in FILES {
        let file = File::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{table}.csv")));
        let outcome = clean(table, &file);
        for (row, fate) in file.rows.iter().zip(&outcome.fates) {
            assert_eq!(Some(fate), row.last(), "{table}: {row:?}");
        }
    }
}

#[test]
fn every_rule_rejects_a_row_of_the_fixtures() {
    for (table, _) in FILES {
        let file = File::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(format!("{table}.csv")));
        let outcome = clean(table, &file);
        let missing: Vec<_> = outcome.rules.iter().filter(|rule| outcome.count(rule) == 0).collect();
        assert!(missing.is_empty(), "fixtures/{table}.csv has no row for {missing:?}");
    }
}

#[test]
fn lineage_passes_through() {
    let file = File::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.csv"));
    let outcome = clean("orders", &file);
    let kept = outcome.fates.iter().zip(1..).filter(|(fate, _)| *fate == "kept").map(|(_, record)| record);
    let origins = outcome.accepted[0][ORIGIN].as_primitive::<tidegate_sdk::arrow_array::types::UInt64Type>().values();
    assert_eq!(origins.to_vec(), kept.collect::<Vec<u64>>());
}

/// The real part of the data set lies beside the checkout on some machines, and is never part of it. Prints what each rule rejects.
#[test]
fn the_real_files_pass_nearly_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/olist");
    if !folder.join(FILES[0].1).is_file() {
        println!("NOT RUN: there is no ../shared/data/olist beside this checkout");
        return;
    }
    let mut outcomes = BTreeMap::new();
    for (table, name) in FILES {
        let file = File::read(&folder.join(name));
        let outcome = clean(table, &file);
        let accepted: usize = outcome.accepted.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(accepted, outcome.count("kept"));
        println!("{table}: {} rows, {accepted} accepted", file.rows.len());
        for rule in outcome.rules.iter().filter(|rule| outcome.count(rule) > 0) {
            println!("  {rule}: {}", outcome.count(rule));
        }
        let lost = file.rows.len() - accepted - outcome.count("point-duplicate");
        assert!(lost * 1000 <= file.rows.len(), "{table} loses {lost} of {} rows", file.rows.len());
        outcomes.insert(table, (file, outcome));
    }
    money_is_exact(&outcomes);
    keys_are_unique(&outcomes);
}

/// Sums the cells' digits on their own: exact, and another way than the plugin's.
fn money_is_exact(outcomes: &BTreeMap<&str, (File, Outcome)>) {
    for (table, column, cents) in [
        ("order_items", "price", "price_cents"),
        ("order_items", "freight_value", "freight_cents"),
        ("order_payments", "payment_value", "payment_value_cents"),
    ] {
        let (file, outcome) = &outcomes[table];
        let index = file.columns.iter().position(|name| name == column).unwrap();
        let kept = file.rows.iter().zip(&outcome.fates).filter(|(_, fate)| *fate == "kept");
        let wanted: i64 =
            kept.map(|(row, _)| format!("{:.2}", row[index].parse::<f64>().unwrap()).replace('.', "").parse::<i64>().unwrap()).sum();
        assert_eq!(outcome.sum(cents), wanted, "{table}.{column}");
    }
}

fn keys_are_unique(outcomes: &BTreeMap<&str, (File, Outcome)>) {
    for (table, key) in
        [("orders", ["order_id"].as_slice()), ("customers", &["customer_id"]), ("order_reviews", &["review_id", "order_id"])]
    {
        let (_, outcome) = &outcomes[table];
        let mut seen = BTreeSet::new();
        for batch in &outcome.accepted {
            let columns: Vec<_> = key.iter().map(|column| batch[*column].as_string::<i32>()).collect();
            assert!(
                (0..batch.num_rows()).all(|row| seen.insert(columns.iter().map(|cells| cells.value(row)).collect::<Vec<_>>())),
                "{table}"
            );
        }
        assert_eq!(seen.len(), outcome.count("kept"));
        assert!(outcome.accepted.iter().all(|batch| batch.column(0).null_count() == 0));
    }
}
