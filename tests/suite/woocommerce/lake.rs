//! A pipeline that reads a fake shop into a lake, and what stands in its tables.

use tidegate_tests::{
    program::{Said, Workplace},
    shops::woocommerce::{KEY, SECRET, Shop, Truth},
};

/// The streams, each with the table of its name.
pub const STREAMS: [&str; 7] = ["orders", "line_items", "refunds", "products", "variations", "customers", "coupons"];

/// A pipeline beside a shop.
pub struct Reading<'s> {
    shop: &'s Shop,
    place: Workplace,
}

impl<'s> Reading<'s> {
    /// A pipeline that reads these streams of the shop, with more keys in the source's config.
    pub fn new(shop: &'s Shop, streams: &[&str], config: &str) -> Self {
        let url = shop.url();
        let mut pipeline = format!(
            r#"version = 1
name = "shop"

[sources.shop]
plugin = "source-woocommerce"
config = {{ url = "{url}"{config} }}
patience = {{ requests_per_minute = 1000000 }}

[sources.shop.grants.http.api]
url = "{url}/wp-json/wc/v3/**"
credentials = ["key"]
private = true

[sources.shop.credentials.key]
kind = "basic"
user = {{ env = "WOO_KEY" }}
secret = {{ env = "WOO_SECRET" }}
"#
        );
        for stream in streams {
            let key = if *stream == "line_items" { r#"["order_id", "position"]"# } else { r#"["id"]"# };
            pipeline += &format!("\n[streams.{stream}]\n\n[tables.{stream}]\nstream = \"{stream}\"\nmode = \"merge\"\nkey = {key}\n");
        }
        let mut place = Workplace::with_pipeline(&pipeline).unwrap();
        place.set("WOO_KEY", KEY);
        place.set("WOO_SECRET", SECRET);
        Self { shop, place }
    }

    /// With another secret.
    pub fn with_secret(mut self, secret: &str) -> Self {
        self.place.set("WOO_SECRET", secret);
        self
    }

    /// Runs the pipeline, whatever becomes of it.
    pub fn try_run(&self) -> Said {
        self.place.tidegate(&["run"]).unwrap()
    }

    /// Runs the pipeline; gives how many requests the shop got.
    pub fn run(&self) -> usize {
        let before = self.shop.requests();
        let said = self.try_run();
        assert_eq!(said.code, 0, "{}", said.stderr);
        self.shop.requests() - before
    }

    /// The rows that the tables give for what the shop has of a stream.
    pub fn rows(&self, stream: &str, truth: &Truth) -> Vec<String> {
        let column = |name: &str| match name {
            // The price of one piece is divided, and so a binary number.
            "price" if stream == "line_items" => "cast(t.price as decimal(18, 4))".to_owned(),
            _ if name.starts_with("date_") => format!("to_char(t.{name}, '%Y-%m-%dT%H:%M:%SZ')"),
            _ => format!("t.{name}"),
        };
        let columns: Vec<_> = truth.header.split(',').map(column).collect();
        let there = match stream {
            "line_items" => "join orders o on o.id = t.order_id where not o.deleted and t.position <= o.line_items",
            "refunds" => "join orders o on o.id = t.order_id where not o.deleted",
            // Those in the bin are whole; those that are gone have no date.
            "orders" | "products" => "where t.date_modified is not null",
            _ => "where not t.deleted",
        };
        self.query(&format!("select {} from {stream} t {there}", columns.join(", ")))
    }

    /// The ids that a table tells as deleted for good.
    pub fn gone(&self, stream: &str) -> Vec<u64> {
        let there = if matches!(stream, "orders" | "products") { "and date_modified is null" } else { "" };
        let rows = self.query(&format!("select id from {stream} where deleted {there}"));
        let mut ids: Vec<u64> = rows.iter().map(|row| row.parse().unwrap()).collect();
        ids.sort();
        ids
    }

    /// The rows of a query, sorted.
    pub fn query(&self, sql: &str) -> Vec<String> {
        let said = self.place.tidegate(&["query", "--format", "csv", sql]).unwrap();
        assert_eq!(said.code, 0, "{sql}\n{}", said.stderr);
        let mut rows: Vec<_> = said.stdout.lines().skip(1).map(str::to_owned).collect();
        rows.sort();
        rows
    }

    /// Fails unless a table holds exactly what the shop holds.
    pub fn holds_all(&self, stream: &str) {
        let truth = self.shop.truth(stream);
        let (wanted, found) = (truth.all(), self.rows(stream, &truth));
        assert!(wanted == found, "`{stream}` is not as in the shop:\n{}", difference(&wanted, &found));
    }

    /// Fails unless a table holds what did not change in the shop after `until`, as it is there.
    pub fn holds_settled(&self, stream: &str, until: i64) {
        let truth = self.shop.truth(stream);
        let found = self.rows(stream, &truth);
        let missing: Vec<_> = truth.settled(until).into_iter().filter(|row| found.binary_search(row).is_err()).collect();
        assert!(
            missing.is_empty(),
            "{} rows of `{stream}` are missing or not as in the shop:\n{}",
            missing.len(),
            missing[..missing.len().min(10)].join("\n")
        );
    }
}

fn difference(wanted: &[String], found: &[String]) -> String {
    tidegate_tests::table::difference(&wanted.join("\n"), &found.join("\n"))
}
