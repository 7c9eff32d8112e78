//! The overview and its downloads.

use std::{
    thread,
    time::{Duration, Instant},
};

use tidegate_tests::{http, olist, site::Site};

use super::{DATABASE, Filters, csv, filter_sets, get, page, site, statement};

const CHARTS: [&str; 7] =
    ["sales-by-month", "sales-by-day", "top-products", "customers-by-state", "customer-segments", "lifetime-value", "payment-types"];

fn query(filters: &Filters) -> String {
    let pairs: Vec<_> = filters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// What tells a pipeline's page from another's, left out.
fn neutral(page: &str) -> String {
    let page = page.replace("/shop", "/olist").replace("Overview of shop", "Overview of olist");
    let without_runs = page
        .split("/runs/olist/")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { part.split_once("</a>").map_or(part, |(_, rest)| rest) });
    let page = without_runs.collect::<String>();
    // The csrf token is new each time; the pipelines to change to are others.
    let body = page.split_once("<form class=\"filters\"").map_or("", |(_, rest)| rest);
    body.replace(".0</td>", "</td>")
}

#[test]
fn the_overview_has_every_figure_on_both_warehouses() {
    let _site = site();
    for filters in filter_sets() {
        let lake = page(&format!("/overview/olist{}", query(&filters)));
        for part in ["Orders", "Revenue", "Average order value", "Late", "Review score", "<summary>Table", ">CSV", "Last day with orders"] {
            assert!(lake.contains(part), "{part} is missing with {filters:?}");
        }
        assert!(!lake.contains("note bad"), "{filters:?}: {lake}");
        assert_eq!(lake.matches("<figure").count(), CHARTS.len());
        let postgres = page(&format!("/overview/shop{}", query(&filters)));
        assert!(postgres.contains("Sales by hour"));
        // But for the chart by the hour, which the lake does not have, the pages are the same.
        let (postgres, _) = postgres.split_once("<section class=\"card full\" id=\"chart-sales-by-hour\"").unwrap();
        let (lake, postgres) = (neutral(&lake), neutral(postgres));
        assert!(lake.starts_with(&postgres), "{filters:?}:\n{lake}\n\n{postgres}");
    }
}

#[test]
fn every_figure_leads_to_the_run_that_loaded_it() {
    let site = site();
    let run = olist::query(&site.workplace, "select distinct run from ingest_audit where sequence = 1").unwrap();
    let run = format!("/runs/olist/{}", run.lines().nth(1).unwrap());
    // The heading, five cards, and each chart.
    assert_eq!(page("/overview/olist").matches(&format!("href=\"{run}\"")).count(), 1 + 5 + CHARTS.len());
}

#[test]
fn filters_that_cannot_be_used_are_named_and_left_out() {
    let _site = site();
    let whole = neutral(&page("/overview/olist"));
    let hostile = [
        "from=yesterday",
        "to=2018-02-30",
        "state=%3Cscript%3Ealert(1)%3C/script%3E",
        "category=%22%27%3E%3Cimg%20src=x%3E",
        "from=2018-05-01&to=2018-01-01",
        "state=SP%00",
        "state=%FF%FE",
        "category=' or 1=1 --",
        "from=-262143-01-01",
        "state=sp",
    ];
    for query in hostile {
        let text = page(&format!("/overview/olist?{}", query.replace(' ', "%20")));
        assert!(text.contains("note warn"), "{query} is not named");
        assert!(!text.contains("<script>alert") && !text.contains("<img src=x"), "{query}");
        assert_eq!(neutral(&text), whole, "{query}");
    }
    // What is no filter is passed over, and the last of two values counts.
    for query in ["utm=1", "from=&to=&state=&category=", "&&=", "state"] {
        let text = page(&format!("/overview/olist?{query}"));
        assert!(!text.contains("note warn"), "{query}");
        assert_eq!(neutral(&text), whole, "{query}");
    }
    assert!(page("/overview/olist?from=2030-01-01").contains("There are no orders in this period."));
    assert!(
        page("/overview/olist?state=SP&from=2018-05-01&to=2018-05-31")
            .contains("compared with as many days before: 2018-03-31 to 2018-04-30")
    );
}

#[test]
fn a_chart_is_downloaded_with_the_filters_of_the_page() {
    let site = site();
    for filters in filter_sets() {
        for chart in CHARTS {
            let answer = get(&format!("/overview/olist/{chart}.csv{}", query(&filters)));
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv; charset=utf-8; header=present")), "{chart}");
            assert_eq!(answer.header("content-disposition"), Some(&*format!("attachment; filename=\"olist-{chart}.csv\"")));
            let sql = statement(&chart.replace('-', "_"), &filters).unwrap();
            let wanted = olist::query(&site.workplace, &sql).unwrap();
            let plain = |text: &str| {
                csv::records(text)
                    .into_iter()
                    .map(|row| row.into_iter().map(|cell| cell.trim_end_matches(".0").to_owned()).collect::<Vec<_>>())
                    .collect::<Vec<_>>()
            };
            assert_eq!(plain(&answer.text()), plain(&wanted), "{chart} with {filters:?}");
        }
    }
    assert_eq!(csv::rows(&get("/overview/olist/kpis.csv?from=2018-01-01&to=2018-01-31").text()).len(), 2);
    let hours = csv::rows(&get("/overview/shop/sales-by-hour.csv").text());
    assert!(!hours.is_empty() && hours[0]["hour"].ends_with(":00"), "{hours:?}");
    for (path, status) in [
        ("/overview/olist/nothing.csv", 404),
        ("/overview/olist/kpis", 404),
        ("/overview/olist/sales-by-hour.csv", 404),
        ("/overview/nothing", 404),
        ("/overview/plain/kpis.csv", 404),
        ("/overview/olist/kpis.csv?state=nowhere", 400),
    ] {
        assert_eq!(get(path).status, status, "{path}");
    }
}

#[test]
fn without_a_star_schema_the_overview_shows_what_there_is() {
    let _site = site();
    let text = page("/overview/plain");
    for part in ["fact_orders", "href=\"/data/plain/notes\"", "<td class=\"n\">4</td>", "Last load: number 1"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let home = get("/");
    assert_eq!((home.status, home.header("location")), (303, Some("/overview/olist")));
}

#[test]
fn what_is_missing_is_said_in_its_place() {
    let _site = site();
    let part = page("/overview/part");
    assert!(part.contains("The warehouse has no table fact_order_items, so there are no key figures."), "{part}");
    assert_eq!(part.matches("<figure").count(), CHARTS.len());
    assert!(part.contains("The warehouse has no table fact_payments, fact_order_items, dim_customers, dim_products."), "{part}");
    assert_eq!(get("/overview/part/payment-types.csv").status, 404);
    for path in ["/overview/away", "/data/away"] {
        let away = page(path);
        assert!(away.contains("note bad") && away.contains("127.0.0.1:1") && !away.contains("s3cret"), "{away}");
    }
    for path in ["/data/away/notes", "/overview/away/kpis.csv"] {
        let answer = get(path);
        assert!(answer.status == 503 && !answer.text().contains("s3cret"), "{path}: {}", answer.text());
    }
}

#[test]
fn a_connection_that_broke_is_replaced() {
    let _site = site();
    let database = DATABASE.lock().unwrap().clone().unwrap();
    for round in 1..=3 {
        // Each round asks what nobody has asked before.
        let text = page(&format!("/data/shop/fact_orders?min.price_cents={round}&max.price_cents=90001"));
        assert!(!text.contains("note bad"), "{text}");
        let idle = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
                    where datname = current_database() and application_name = 'tidegate' and state = 'idle'";
        // The page may be there a moment before its connection has nothing to do.
        let began = Instant::now();
        while database.value(idle).unwrap() == "0" {
            assert!(began.elapsed() < Duration::from_secs(30), "round {round}: no connection has nothing to do");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn a_new_load_shows_without_a_restart() {
    // A lake of its own, so that no other test sees the second run.
    let own = Site::of_olist("").unwrap();
    let overview = || http::get(own.address, "/overview/olist").unwrap().text();
    let run = |text: &str| text.split("As loaded by run <a href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    let before = run(&overview());
    assert_eq!(own.workplace.tidegate(&["run", "examples/olist"]).unwrap().code, 0);
    let started = Instant::now();
    while run(&overview()) == before {
        assert!(started.elapsed() < Duration::from_secs(20), "the page still shows {before}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn many_viewers_get_the_same_answer_at_once() {
    let _site = site();
    let wanted = neutral(&page("/overview/olist?state=RJ&from=2017-03-01"));
    thread::scope(|scope| {
        let viewers: Vec<_> = (0..20).map(|_| scope.spawn(|| neutral(&page("/overview/olist?state=RJ&from=2017-03-01")))).collect();
        for viewer in viewers {
            assert_eq!(viewer.join().unwrap(), wanted);
        }
    });
}
