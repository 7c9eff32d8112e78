//! The business side of the dashboard: its statements on both warehouses, its figures against the input, its pages and downloads.

mod csv;
mod figures;
mod html;
mod pages;
mod statements;
mod tables;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use anyhow::{Context, Result, ensure};
use tidegate_tests::{
    folder,
    http::{self, Answer},
    olist,
    postgres::{Database, shared},
    root,
    site::Site,
};

/// A set of filters: parameters of the statements by their names.
type Filters = BTreeMap<&'static str, String>;

/// The sets that every statement is tried with: nothing, each filter alone, all together. States and categories are the sample's.
fn filter_sets() -> Vec<Filters> {
    let sets: [&[(&'static str, &str)]; 6] = [
        &[],
        &[("from", "2018-01-01"), ("to", "2018-03-31")],
        &[("state", "SP")],
        &[("category", "bed_and_bath_linen")],
        &[("to", "2017-12-31"), ("state", "RJ")],
        &[("from", "2017-06-01"), ("to", "2018-06-30"), ("state", "SP"), ("category", "bed_and_bath_linen")],
    ];
    sets.map(|set| set.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()).into()
}

/// A statement of the dashboard with its parameters bound, as the daemon binds them, over the tables: what the daemon keeps of the lake in
/// memory stands in its place.
fn statement(name: &str, filters: &Filters) -> Result<String> {
    let path = root().join("sql/dashboard").join(format!("{name}.sql"));
    let sql = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut parameters = filters.clone();
    for (day, key) in [("from", "from_key"), ("to", "to_key")] {
        if let Some(day) = filters.get(day) {
            parameters.insert(key, day.replace('-', ""));
        }
    }
    if name == "kpis" {
        let all = [("from", "2016-01-01"), ("to", "2018-12-31"), ("before_from", "2015-01-01"), ("before_to", "2015-12-31")];
        let before = [("before_from", "2017-10-03"), ("before_to", "2017-12-31")];
        let more = if filters.contains_key("from") { before.to_vec() } else { all.to_vec() };
        for (name, value) in more {
            parameters.entry(name).or_insert_with(|| value.to_owned());
        }
    }
    let parameters = parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // As an argument, what begins with a comment would be taken for an option.
    Ok(format!("\n{}", tidegate::warehouse::in_place(&tidegate::config::bind(&sql, &parameters), tidegate::web::warehouses::RELATIONS)))
}

/// A daemon with the Olist example twice, as `olist` in the lake and as `shop` in PostgreSQL; a pipeline `plain` without a star schema, one,
/// `part`, with some of it, and one, `away`, whose database does not answer.
/// Tests that run at the same time share it, and each holds it while it runs: the last one ends it. None of them changes what others read.
fn site() -> Arc<Site> {
    static SITE: Mutex<Weak<Site>> = Mutex::new(Weak::new());
    let mut shared = SITE.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let started = Arc::new(start().expect("the daemon starts"));
        *shared = Arc::downgrade(&started);
        started
    })
}

/// What TimescaleDB's aggregate would be, as a mart.
const HOURLY: &str = "
[marts.hourly_sales]
sql = \"\"\"
select date_trunc('hour', order_purchase_timestamp) as hour, order_status, count(*) as orders, sum(items) as items,
    cast(sum(price_cents) as bigint) as price_cents, cast(sum(freight_cents) as bigint) as freight_cents,
    cast(sum(total_cents) as bigint) as total_cents
from fact_orders group by 1, 2
\"\"\"
";

/// Text of a table that would break a page which forgets to escape it.
const HOSTILE: &str = "<script>alert(1)</script>\"'&";

const PLAIN: &str = "version = 1
name = \"plain\"
[sources.files]
plugin = \"source-files\"
grants = { files = { data = \"input\" } }
[sources.files.config.streams.notes]
files = \"notes.csv\"
[streams.notes]
[tables.notes]
stream = \"notes\"
";

const PART: &str = "version = 1
name = \"part\"
[sources.files]
plugin = \"source-files\"
grants = { files = { data = \"input\" } }
[sources.files.config.streams.orders]
files = \"orders.csv\"
[streams.orders]
[tables.fact_orders]
sql = \"select id as order_id, cast(day as date) as order_purchase_date from orders\"
";

/// The database of the pipeline `shop`, as the last site has it.
static DATABASE: Mutex<Option<Database>> = Mutex::new(None);

fn start() -> Result<Site> {
    let mut workplace = olist::workplace()?;
    let database = shared()?.database(None)?;
    workplace.set("DATABASE_URL", &database.url);
    *DATABASE.lock().unwrap_or_else(PoisonError::into_inner) = Some(database);
    let pipeline = fs::read_to_string(workplace.path().join("examples/olist/pipeline.toml"))?;
    let moved = pipeline
        .replace("kind = \"lake\"", "kind = \"postgres\"\nurl = { env = \"DATABASE_URL\" }")
        .replace("name = \"olist\"", "name = \"shop\"");
    workplace.write("examples/shop/pipeline.toml", &format!("{moved}{HOURLY}"))?;
    for folder in ["olist", "shop"] {
        folder::lay_over(olist::sample()?, &workplace.path().join("examples").join(folder).join("data"))?;
    }
    workplace.write("examples/plain/pipeline.toml", PLAIN)?;
    let long = "long ".repeat(400);
    let notes = format!("id,note,amount\n1,\"{}\",-5\n2,=1+1,7\n3,{long},0\n4,,\n", HOSTILE.replace('"', "\"\""));
    workplace.write("examples/plain/input/notes.csv", &notes)?;
    workplace.write("examples/part/pipeline.toml", PART)?;
    workplace.write("examples/part/input/orders.csv", "id,day\n1,2018-01-05\n2,2018-02-01\n")?;
    // Nobody listens on port 1.
    workplace.set("AWAY_URL", "postgres://ana:s3cret@127.0.0.1:1/none?sslmode=disable");
    let away = PLAIN.replace("\"plain\"", "\"away\"") + "[warehouse]\nkind = \"postgres\"\nurl = { env = \"AWAY_URL\" }\n";
    workplace.write("examples/away/pipeline.toml", &away)?;
    for pipeline in ["olist", "shop", "plain", "part"] {
        let said = workplace.tidegate(&["run", &format!("examples/{pipeline}")])?;
        ensure!(said.code == 0, "{pipeline} ended with {}:\n{}", said.code, said.stderr);
    }
    Site::start(workplace, "")
}

/// A page or file of the daemon.
fn get(path: &str) -> Answer {
    http::get(site().address, path).unwrap()
}

/// A page that is there, whole and well-formed.
fn page(path: &str) -> String {
    let answer = get(path);
    let text = answer.text();
    assert_eq!(answer.status, 200, "{path}: {text}");
    html::check(&text).unwrap_or_else(|why| panic!("{path}: {why}\n{text}"));
    text
}
