//! The tables themselves: pages, filters, order, downloads.

use tidegate_tests::olist;

use super::{HOSTILE, csv, get, page, site};

/// The first cells of a page's rows, and the link to the next page.
fn rows(text: &str) -> (Vec<Vec<String>>, Option<String>) {
    let body = text.split_once("<tbody>").and_then(|(_, rest)| rest.split_once("</tbody>")).map_or("", |(body, _)| body);
    let cell = |cell: &str| cell.split_once('>').map_or("", |(_, rest)| rest).split("</td>").next().unwrap_or_default().to_owned();
    let rows = body.split("<tr>").skip(1).map(|row| row.split("<td").skip(1).map(cell).collect()).collect();
    let next = text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).map(|href| href.replace("&amp;", "&"));
    (rows, next)
}

/// All rows, page by page; `None` where pages don't end.
fn walk(path: &str) -> Vec<Vec<String>> {
    let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let (found, after) = rows(&page(&path));
        assert!(!found.is_empty(), "{path}");
        all.extend(found);
        assert!(all.len() < 5000, "pages of {path} don't end");
        next = after;
    }
    all
}

#[test]
fn pages_show_every_row_once_in_any_order() {
    let site = site();
    for (table, sorts) in [
        (
            "fact_order_items",
            &["", "sort=price_cents", "sort=price_cents&desc=1", "sort=shipping_limit_date&desc=1", "sort=order_status"][..],
        ),
        ("fact_orders", &["sort=review_score", "sort=days_to_deliver&desc=1", "sort=order_approved_at", "sort=delivered_late&desc=1"][..]),
        // Without a key.
        ("customers_by_state", &["", "sort=customers&desc=1"][..]),
    ] {
        let count = olist::query(&site.workplace, &format!("select count(*) from {table}")).unwrap();
        let count: usize = count.lines().nth(1).unwrap().parse().unwrap();
        for pipeline in ["olist", "shop"] {
            for sort in sorts {
                let all = walk(&format!("/data/{pipeline}/{table}?rows=100&{sort}"));
                assert_eq!(all.len(), count, "{pipeline} {table} {sort}");
                let mut different = all.clone();
                different.sort();
                different.dedup();
                assert_eq!(different.len(), count, "{pipeline} {table} {sort}: a row is there twice");
            }
        }
    }
}

#[test]
fn both_warehouses_filter_and_sort_alike() {
    let _site = site();
    for query in [
        "sort=price_cents&desc=1&min.price_cents=5000&max.price_cents=20000",
        "f.order_status=DELIV&sort=order_purchase_date",
        "f.order_status=delivered&o.order_status=is",
        "f.customer_id=a&o.customer_id=starts",
        "o.review_score=null",
        "o.order_delivered_customer_date=there&min.order_purchase_date=2018-01-01&max.order_purchase_date=2018-01-31",
        "min.order_purchase_timestamp=2018-01-01&max.order_purchase_timestamp=2018-01-31",
        "min.order_purchase_timestamp=2018-01-01T06:30",
        "o.delivered_late=true",
        "min.freight_share=0.25&max.days_to_deliver=12.5",
        "last=1&sort=total_cents",
    ] {
        let ids = |pipeline: &str| {
            let text = page(&format!("/data/{pipeline}/fact_orders?rows=200&{query}"));
            assert!(!text.contains("note warn") && !text.contains("note bad"), "{pipeline} {query}: {text}");
            rows(&text).0.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
        };
        let lake = ids("olist");
        assert!(!lake.is_empty(), "{query} finds nothing");
        assert_eq!(ids("shop"), lake, "{query}");
    }
}

#[test]
fn the_last_page_ends_with_the_last_row_and_leads_back() {
    let _site = site();
    let forward = walk("/data/olist/fact_payments?rows=100&sort=payment_value_cents");
    let last = page("/data/olist/fact_payments?rows=100&sort=payment_value_cents&last=1");
    let (found, next) = rows(&last);
    assert_eq!(next, None);
    assert_eq!(found, forward[forward.len() - found.len()..]);
    let previous = last.split("rel=\"prev\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().replace("&amp;", "&");
    let (before, _) = rows(&page(&previous));
    assert_eq!(before, forward[forward.len() - found.len() - 100..forward.len() - found.len()]);
}

#[test]
fn hostile_values_stay_text_everywhere() {
    let _site = site();
    let text = page("/data/plain/notes");
    assert!(!text.contains("<script>alert") && text.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;"), "{text}");
    assert!(text.contains("<details><summary>long long") && text.contains("<span class=\"none\">null</span>"));
    let hostile = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%26";
    let found = page(&format!("/data/plain/notes?f.note={hostile}&o.note=is"));
    assert!(found.contains("1 rows with these filters") && !found.contains("<script>alert"), "{found}");
    for query in [
        format!("f.{hostile}=1"),
        format!("min.amount={hostile}"),
        format!("sort={hostile}"),
        format!("after={hostile}"),
        format!("rows={hostile}&at={hostile}"),
        "after=[\"1' or '1'='1\"]".replace('"', "%22").replace(' ', "%20"),
        "f.note=%00".to_owned(),
        "at=99999999999999999999&rows=25".to_owned(),
        "f.note=' or 1=1 --".replace(' ', "%20"),
        "max.amount=1e400".to_owned(),
    ] {
        let text = page(&format!("/data/plain/notes?{query}"));
        assert!(!text.contains("<script>alert") && !text.contains("note bad"), "{query}: {text}");
    }
}

#[test]
fn filtered_rows_are_downloaded_whole_and_harmless() {
    let site = site();
    let answer = get("/data/plain/notes.csv");
    assert_eq!(answer.status, 200);
    let rows = csv::rows(&answer.text());
    assert_eq!(rows.len(), 4);
    let by_id = |id: &str| rows.iter().find(|row| row["id"] == id).unwrap();
    assert_eq!((by_id("1")["note"].as_str(), by_id("1")["amount"].as_str()), (HOSTILE, "-5"));
    assert_eq!(by_id("2")["note"], "'=1+1");
    assert_eq!(by_id("4")["note"], "");
    let sql = "select order_id, order_item_id from fact_order_items where price_cents >= 9000 order by order_id, order_item_id";
    let wanted = csv::records(&olist::query(&site.workplace, sql).unwrap()).len() - 1;
    for pipeline in ["olist", "shop"] {
        let found = csv::rows(&get(&format!("/data/{pipeline}/fact_order_items.csv?min.price_cents=9000&sort=order_id")).text());
        assert_eq!(found.len(), wanted, "{pipeline}");
        assert!(
            found.iter().all(|row| row["price_cents"].parse::<i64>().unwrap() >= 9000) && found.is_sorted_by_key(|row| &row["order_id"])
        );
    }
    assert_eq!(get("/data/plain/notes.csv?min.amount=x").status, 400);
}

#[test]
fn tables_are_listed_with_their_rows() {
    let _site = site();
    for pipeline in ["olist", "shop"] {
        let text = page(&format!("/data/{pipeline}"));
        for table in ["fact_orders", "sales_by_month", "ingest_audit"] {
            assert!(text.contains(&format!("href=\"/data/{pipeline}/{table}\"")), "{table} is missing in {text}");
        }
        assert!(text.contains("<td class=\"n\">400</td>") && !text.contains("not known"), "{text}");
        for table in ["fact_orders", "ingest_audit", "dim_dates", "customer_segments"] {
            page(&format!("/data/{pipeline}/{table}"));
        }
    }
    let answer = get("/data/olist/fact_order");
    assert!(answer.status == 404 && answer.text().contains("Did you mean `fact_orders`?"), "{}", answer.text());
    assert_eq!(get("/data/nothing").status, 404);
    assert!(page("/data").contains("href=\"/data/plain\""));
}
