//! `examples/shop-to-star` as it stands in the tree, against three fake shops: what the star adds up to is what the shops add up to.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate_tests::{
    folder,
    postgres::{Database, shared},
    program::Workplace,
    root,
    shops::{shopify, stripe, woocommerce},
};

/// Count, and sum in ten-thousandths, by shop and currency.
type Totals = BTreeMap<(String, String), (usize, i128)>;

/// The star, and the key of each table.
const STAR: [(&str, &str); 6] = [
    ("dim_shop_customers", "customer_key"),
    ("dim_shop_products", "product_key"),
    ("fact_shop_orders", "order_key"),
    ("fact_shop_order_items", "order_key, item_id"),
    ("fact_shop_payments", "payment_key"),
    ("fact_shop_refunds", "refund_key"),
];

/// Three shops that are open.
struct Shops {
    shopify: (std::sync::Arc<shopify::Shop>, tidegate_tests::wire::Wire),
    stripe: stripe::Stripe,
    woo: woocommerce::Shop,
    /// How many changes the Stripe account had seen before anybody read it: what was deleted by then has no row.
    first: u64,
}

impl Shops {
    fn open() -> Self {
        let size = shopify::Size { orders: 300, customers: 120, products: 40 };
        let behaviour = shopify::Behaviour { size, ..Default::default() };
        let woo = woocommerce::Size { orders: 400, products: 60, customers: 90, coupons: 3 };
        let stripe = stripe::Stripe::with_history(7, 1500);
        let first = stripe.changes();
        Self { shopify: shopify::Shop::open(behaviour), stripe, woo: woocommerce::Shop::open(7, &woo), first }
    }

    /// The example with these shops in the place of a user's own.
    fn workplace(&self) -> Workplace {
        let (shopify, stripe, woo) = (self.shopify.1.url(), self.stripe.url(), self.woo.url());
        let example = std::fs::read_to_string(root().join("examples/shop-to-star/pipeline.toml")).unwrap();
        let moved = example
            .replace("https://demo.myshopify.com", &shopify)
            .replace("https://storage.googleapis.com", &shopify)
            .replace("https://shop.example", &woo)
            .replace("https://api.stripe.com", &stripe)
            .replace("plugin = \"source-stripe\"", &format!("plugin = \"source-stripe\"\nconfig = {{ url = \"{stripe}\" }}"));
        // The fake shops have loopback addresses, which a grant must allow.
        let grant = |line: &str| line.starts_with("[sources.") && line.contains(".grants.http.");
        let mut pipeline: String =
            moved.lines().map(|line| if grant(line) { format!("{line}\nprivate = true\n") } else { format!("{line}\n") }).collect();
        for source in ["shopify", "stripe", "woo"] {
            pipeline += &format!("\n[sources.{source}.patience]\nrequests_per_minute = 1000000\n");
        }
        let mut workplace = Workplace::empty().unwrap();
        workplace.write("examples/shop-to-star/pipeline.toml", &pipeline).unwrap();
        for sql in ["sql/shop-star", "sql/postgres"] {
            folder::lay_over(&root().join(sql), &workplace.path().join(sql)).unwrap();
        }
        for (name, value) in [
            ("SHOPIFY_TOKEN", shopify::TOKEN),
            ("STRIPE_KEY", stripe::KEY),
            ("WOO_KEY", woocommerce::KEY),
            ("WOO_SECRET", woocommerce::SECRET),
        ] {
            workplace.set(name, value);
        }
        workplace
    }

    /// What a stream's table must hold, as rows of cells by column.
    fn rows(&self, shop: &str, stream: &str) -> Vec<BTreeMap<String, String>> {
        let csv = match shop {
            "shopify" => self.shopify.0.truth(stream, shopify::Api::Graphql),
            "woocommerce" => {
                let truth = self.woo.truth(stream);
                format!("{}\n{}", truth.header, truth.all().join("\n"))
            }
            _ => return self.stripe_rows(stream),
        };
        let mut records = records(&csv).into_iter();
        let header = records.next().unwrap();
        records.map(|record| header.iter().cloned().zip(record).collect()).collect()
    }

    fn stripe_rows(&self, stream: &str) -> Vec<BTreeMap<String, String>> {
        let table = stripe::STREAMS.into_iter().find(|table| table.name == stream).unwrap();
        let truth = self.stripe.account(|account| table.truth(account, self.first, account.changes));
        let text = |value: Value| match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        };
        truth
            .into_values()
            .map(|expected| expected.rows.into_iter().next().unwrap().into_iter().map(|(name, value)| (name, text(value))).collect())
            .collect()
    }

    /// Counts and sums of the rows of a stream that are wanted.
    fn add_up(&self, totals: &mut Totals, (shop, stream): (&str, &str), amount: &str, wanted: impl Fn(&BTreeMap<String, String>) -> bool) {
        for row in self.rows(shop, stream).iter().filter(|row| wanted(row)) {
            let currency = row.get("currency").map_or("BRL", String::as_str).to_uppercase();
            let entry = totals.entry((shop.to_owned(), currency)).or_default();
            entry.0 += 1;
            entry.1 += ten_thousandths(&row[amount]);
        }
    }
}

/// What the star has: count and sum by shop and currency.
fn found(workplace: &Workplace, table: &str, amount: &str) -> Totals {
    let sql = format!("select shop, currency, count(*), cast(sum({amount}) as varchar) from {table} group by 1, 2");
    let said = workplace.tidegate(&["query", "-p", "examples/shop-to-star", "--format", "csv", &sql]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    let rows = records(&said.stdout);
    let total = |row: &Vec<String>| ((row[0].clone(), row[1].clone()), (row[2].parse().unwrap(), ten_thousandths(&row[3])));
    rows[1..].iter().map(total).collect()
}

fn ten_thousandths(text: &str) -> i128 {
    if text.is_empty() {
        return 0;
    }
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    sign * format!("{whole}{places:0<4}").parse::<i128>().unwrap()
}

/// The records of a CSV text, header first.
fn records(csv: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            other => cell.push(other),
        }
    }
    if !record.is_empty() || !cell.is_empty() {
        record.push(cell);
        records.push(record);
    }
    records
}

/// Fails unless the star adds up to what the shops add up to.
fn hold(shops: &Shops, workplace: &Workplace) {
    let not_draft = |row: &BTreeMap<String, String>| row["status"] != "draft" && row["deleted"] != "true";
    let not_in_bin = |row: &BTreeMap<String, String>| row["deleted"] != "true";

    let mut orders = Totals::new();
    shops.add_up(&mut orders, ("shopify", "orders"), "total", |_| true);
    shops.add_up(&mut orders, ("stripe", "invoices"), "total", not_draft);
    shops.add_up(&mut orders, ("woocommerce", "orders"), "total", not_in_bin);
    assert_eq!(found(workplace, "fact_shop_orders", "total"), orders, "orders");

    let mut refunds = Totals::new();
    shops.add_up(&mut refunds, ("shopify", "refunds"), "total", |_| true);
    shops.add_up(&mut refunds, ("stripe", "refunds"), "amount", |row| !["failed", "canceled"].contains(&row["status"].as_str()));
    shops.add_up(&mut refunds, ("woocommerce", "refunds"), "amount", |_| true);
    assert_eq!(found(workplace, "fact_shop_refunds", "amount"), refunds, "refunds");

    let mut payments = Totals::new();
    let paid = |row: &BTreeMap<String, String>| ["paid", "partially_refunded", "refunded"].contains(&row["financial_status"].as_str());
    shops.add_up(&mut payments, ("shopify", "orders"), "total", paid);
    shops.add_up(&mut payments, ("woocommerce", "orders"), "total", |row| not_in_bin(row) && !row["date_paid"].is_empty());
    let mut in_star = found(workplace, "fact_shop_payments", "amount");
    in_star.retain(|(shop, _), _| shop != "stripe");
    assert_eq!(in_star, payments, "payments");
    let charges = shops.rows("stripe", "charges").iter().filter(|row| row["paid"] == "true" && row["captured"] == "true").count();
    assert_eq!(one(workplace, "select count(*) from fact_shop_payments where shop = 'stripe'"), charges.to_string());

    let items = shops.rows("shopify", "line_items").len() + shops.rows("woocommerce", "line_items").len();
    assert_eq!(one(workplace, "select count(*) from fact_shop_order_items where shop <> 'stripe'"), items.to_string());
    let woo: i128 = shops.rows("woocommerce", "line_items").iter().map(|row| ten_thousandths(&row["total"])).sum();
    let in_star = one(workplace, "select cast(sum(total) as varchar) from fact_shop_order_items where shop = 'woocommerce'");
    assert_eq!(ten_thousandths(&in_star), woo);

    let customers: usize = ["shopify", "stripe", "woocommerce"].iter().map(|shop| shops.rows(shop, "customers").len()).sum();
    let gone = shops.woo.gone("customers").len();
    assert_eq!(one(workplace, "select count(*) from dim_shop_customers"), (customers + gone).to_string());

    // Keys don't collide, and what names another table finds it.
    for (table, key) in STAR {
        let key = key.replace(", ", " || ' ' || ");
        assert_eq!(one(workplace, &format!("select count(*) - count(distinct {key}) from {table}")), "0", "{table}");
    }
    let lost =
        "select count(*) from fact_shop_order_items i left join fact_shop_orders o on o.order_key = i.order_key where o.order_key is null";
    assert_eq!(one(workplace, lost), "0", "items without an order");
}

fn one(workplace: &Workplace, sql: &str) -> String {
    let said = workplace.tidegate(&["query", "-p", "examples/shop-to-star", "--format", "csv", sql]).unwrap();
    assert_eq!(said.code, 0, "{sql}\n{}", said.stderr);
    said.stdout.lines().nth(1).unwrap_or_default().to_owned()
}

/// A run, after which the star adds up.
fn run(shops: &Shops, workplace: &Workplace) {
    let ran = workplace.tidegate(&["run", "examples/shop-to-star"]).unwrap();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    hold(shops, workplace);
}

#[test]
fn three_shops_feed_one_star_that_adds_up() {
    let shops = Shops::open();
    let workplace = shops.workplace();
    run(&shops, &workplace);
    a_day_passes(&shops);
    run(&shops, &workplace);
}

#[test]
fn one_line_moves_the_star_to_postgres_where_it_has_keys() {
    let shops = Shops::open();
    let database = shared().unwrap().database(None).unwrap();
    let mut workplace = shops.workplace();
    workplace.set("DATABASE_URL", &database.url);
    let path = "examples/shop-to-star/pipeline.toml";
    let pipeline = std::fs::read_to_string(workplace.path().join(path)).unwrap();
    let files = STAR.map(|(table, _)| format!("\"../../sql/postgres/{table}.sql\"")).join(", ");
    let moved = format!("kind = \"postgres\"\nurl = {{ env = \"DATABASE_URL\" }}\nsetup = [{files}]");
    workplace.write(path, &pipeline.replace("kind = \"lake\"", &moved)).unwrap();
    run(&shops, &workplace);

    // The keys are made once the star is there, and stay.
    for _ in 0..2 {
        let made = workplace.tidegate(&["warehouse", "init", "examples/shop-to-star"]).unwrap();
        assert_eq!((made.code, made.stdout.matches("executed ").count()), (0, STAR.len()), "{}{}", made.stdout, made.stderr);
    }
    a_day_passes(&shops);
    run(&shops, &workplace);
    for (table, key) in STAR {
        assert_eq!(keys(&database, table), key, "{table}");
        let silent = format!(
            "select string_agg(attname, ', ') from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped \
             and col_description(attrelid, attnum) is null"
        );
        assert_eq!(database.value(&silent).unwrap(), "", "columns of {table} without a word");
    }
}

/// The columns of the unique indexes of a relation.
fn keys(database: &Database, table: &str) -> String {
    let sql = format!(
        "select string_agg(attname, ', ' order by array_position(indkey::smallint[], attnum)) from pg_index \
         join pg_attribute on attrelid = indrelid and attnum = any(indkey) where indisunique and indrelid = '{table}'::regclass"
    );
    database.value(&sql).unwrap().trim_matches('"').to_owned()
}

fn a_day_passes(shops: &Shops) {
    shops.shopify.0.change(40);
    // A window ends before the second in which it is asked for.
    shops.shopify.0.pass(3);
    shops.stripe.account(|account| {
        account.steps(60, 1500, stripe::Mood::Any);
        account.pass(3600);
    });
    shops.woo.pass(86_400);
    use woocommerce::{Change::*, Pick::*};
    shops.woo.change(&[OrderPlaced, OrderEdited(Any), OrderRefunded(Any), OrderTrashed(Any), OrderCompleted(Any), CustomerDeleted(Any)]);
}
