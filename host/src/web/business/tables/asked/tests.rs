//! What becomes of what somebody asks.

use super::*;
use crate::web::business::tables::sql::tests::column;

fn info() -> TableInfo {
    let columns = vec![
        column("order_id", ColumnKind::Text, "text"),
        column("price", ColumnKind::Number, "bigint"),
        column("day", ColumnKind::Day, "date"),
        column("late", ColumnKind::Flag, "boolean"),
        column("why \"so\".", ColumnKind::Text, "text"),
    ];
    TableInfo { name: "orders".into(), columns }
}

fn key() -> Vec<String> {
    vec!["order_id".to_owned()]
}

fn parse(query: &str) -> (Asked, Vec<String>) {
    Asked::parse(query, &Table { info: &info(), key: &key() })
}

fn page(query: &str) -> String {
    let statement = parse(query).0.page(&Table { info: &info(), key: &key() }, 1000);
    statement.split_once(" from ").unwrap().1.to_owned()
}

#[test]
fn filters_become_conditions() {
    assert_eq!(
        page("f.order_id=It%27s&min.price=5&max.price=9.5&min.day=2018-01-01&o.late=true&o.day=there"),
        "\"orders\" where strpos(lower(\"order_id\"), lower('It''s')) > 0 and \"price\" >= 5 and \"price\" <= 9.5 \
         and \"day\" >= cast('2018-01-01' as date) and \"late\" = true and \"day\" is not null order by \"order_id\" asc limit 50"
    );
    assert!(page("f.order_id=a&o.order_id=is").contains("where \"order_id\" = 'a' order"));
    assert!(page("o.order_id=starts&f.order_id=A").contains("where starts_with(lower(\"order_id\"), lower('A')) order"));
    assert!(page("f.why+%22so%22.=x").contains("strpos(lower(\"why \"\"so\"\".\"), lower('x')) > 0"));
    assert_eq!(page("o.order_id=has&f.order_id="), page(""));
}

#[test]
fn what_cannot_be_used_is_left_out_and_named() {
    let hostile =
        "f.nothing=1&min.price=1%3Bdrop&max.day=yesterday&f.price=3&o.late=perhaps&rows=7&min.order_id=a&sort=nothing&f.order_id=%00";
    let (asked, messages) = parse(hostile);
    assert_eq!(asked, Asked { filters: Vec::new(), sort: None, rows: 50, at: 0, place: Place::Counted });
    assert_eq!(messages.len(), 8, "{messages:?}");
    assert!(messages[0].contains("no column `nothing`") && messages[1].contains("`1;drop` is no value"), "{messages:?}");
}

#[test]
fn everything_lives_in_the_url() {
    let query = "?f.order_id=a+b&o.order_id=is&min.price=5&sort=price&desc=1&rows=100&at=200&after=%5Bnull%2C%22x%22%5D";
    let (asked, messages) = parse(&query[1..]);
    assert_eq!((asked.query().as_str(), messages), (query, Vec::new()));
    assert_eq!(asked.first().query(), "?f.order_id=a+b&o.order_id=is&min.price=5&sort=price&desc=1&rows=100");
}

#[test]
fn pages_go_on_after_the_values_of_a_row() {
    assert_eq!(
        page("sort=price&desc=1&at=50&after=%5B%2212%22%2C%22abc%22%5D"),
        "\"orders\" where (((\"price\" < 12 or \"price\" is null)) or (\"price\" = 12 and \"order_id\" > 'abc')) \
         order by \"price\" desc nulls last, \"order_id\" asc limit 50"
    );
    assert_eq!(
        page("sort=price&at=50&before=%5Bnull%2C%22abc%22%5D"),
        "\"orders\" where ((\"price\" is not null) or (\"price\" is null and \"order_id\" < 'abc')) \
         order by \"price\" desc nulls first, \"order_id\" desc limit 50"
    );
    assert_eq!(page("last=1&rows=200"), "\"orders\" order by \"order_id\" desc limit 200");
    for wrong in ["after=%5B1%5D", "after=x", "sort=price&after=%5B%22abc%22%5D", "sort=price&at=9&after=%5B%22a%22%2C%22b%22%5D"] {
        assert_eq!(parse(wrong).0.place, Place::Counted, "{wrong}");
        assert_eq!(parse(wrong).0.at, 0);
    }
}

#[test]
fn without_a_key_all_columns_make_the_order_and_pages_are_counted() {
    let info = info();
    let table = Table { info: &info, key: &[] };
    let (asked, _) = Asked::parse("sort=day&at=100", &table);
    let statement = asked.page(&table, 1000);
    assert!(statement.contains(" order by \"day\" asc nulls last, \"order_id\" asc nulls last, \"price\" asc"), "{statement}");
    assert!(statement.ends_with(" limit 50 offset 100"), "{statement}");
    let row = vec![Cell::Null; 5];
    assert_eq!(asked.next(&table, 100, 50, &row), Asked { at: 150, ..asked.clone() });
    assert_eq!(asked.previous(&table, 100, &row), Asked { at: 50, ..asked.clone() });
    assert_eq!(asked.previous(&table, 50, &row), asked.first());
}

#[test]
fn the_last_page_has_what_is_left() {
    let last = parse("last=1").0;
    assert_eq!([0, 7, 50, 101].map(|total| last.start(total)), [0, 0, 0, 100]);
}
