//! Answers that are none: a call fails, the next one goes on where it was.

use std::cell::Cell;

use serde_json::json;
use tidegate_sdk::{
    FailureKind,
    http::testing::{Reply, answer, asked},
    prelude::*,
};

use super::shelf::{Shelf, config, open, run};

/// Answers with `bad` to the first request whose URL has `part`, and rightly after that.
fn once(shelf: &Shelf, part: &'static str, bad: Reply) {
    let (shelf, left) = (shelf.clone(), Cell::new(true));
    answer(move |asked| Ok(if asked.url.contains(part) && left.replace(false) { bad.clone() } else { shelf.answer(asked) }));
}

#[test]
fn a_call_that_fails_is_made_again_afresh_and_nothing_is_lost() {
    let shelf = Shelf::stocked();
    let whole = run(&config(""), "line_items", None).rows;
    for part in ["_fields=id", "status=any", "status=trash"] {
        for bad in
            [Reply::text(200, "[{\"id\": 12"), Reply::text(200, "<html>Maintenance</html>"), Reply::text(200, ""), Reply::text(429, "")]
        {
            once(&shelf, part, bad);
            let mut reader = open(&config(""), "line_items", None);
            let (mut rows, mut failures, mut cursor) = (0, Vec::new(), None);
            loop {
                match reader.next() {
                    Ok(Some(pulled)) => {
                        rows += pulled.batch.map_or(0, |batch| batch.num_rows());
                        cursor = pulled.cursor.or(cursor);
                    }
                    Ok(None) => break,
                    Err(failure) => failures.push(failure),
                }
            }
            assert_eq!((rows, failures.len()), (whole.len(), 1), "{failures:?}");
            assert!(matches!(failures[0].kind, FailureKind::Unavailable | FailureKind::RateLimited(_)), "{failures:?}");
            assert!(cursor.is_some());
            assert!(asked().last().unwrap().headers.contains(&("cache-control".to_owned(), "no-cache".to_owned())));
        }
    }
}

#[test]
fn a_site_without_the_api_says_where_to_look() {
    answer(|_| Ok(Reply::text(404, "<html>Page not found</html>")));
    let failed = crate::SourceWooCommerce::check(&config("")).unwrap_err();
    assert_eq!(failed.kind, FailureKind::Config);
    assert!(failed.message.contains("permalinks"), "{failed}");
}

#[test]
fn a_list_that_is_no_list_is_bad_data() {
    answer(|_| Ok(Reply::json(200, &json!({ "code": "hello" }))));
    let failed = open(&config(""), "orders", None).next().unwrap_err();
    assert_eq!(failed.kind, FailureKind::BadData);
    answer(|_| Ok(Reply::json(200, &json!([{ "number": "7" }]))));
    let mut reader = open(&config(""), "orders", None);
    let failed = std::iter::repeat_with(|| reader.next()).find_map(Result::err).unwrap();
    assert!(failed.message.contains("has no id"), "{failed}");
}
