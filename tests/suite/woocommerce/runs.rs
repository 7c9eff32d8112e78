//! Runs while the shop is quiet, while it changes, while it is stormy.

use std::collections::BTreeSet;

use tidegate_tests::shops::woocommerce::{Change, Pick, Shop, Size, Storm};

use super::lake::{Reading, STREAMS};

const DAY: i64 = 86_400;

/// What happens in a shop in a day: everything that can, some of it several times.
fn a_day() -> Vec<Change> {
    use Change::*;
    use Pick::*;
    let mut day = Vec::new();
    for _ in 0..3 {
        day.extend([
            OrderPlaced,
            OrderCompleted(Any),
            OrderEdited(Any),
            OrderRefunded(Any),
            OrderTrashed(Any),
            OrderDeleted(Any),
            ProductPriced(Any),
            VariationSold,
            CustomerMoved(Any),
            CouponUsed(Any),
            OrderPlaced,
            OrderCompleted(Last),
        ]);
    }
    day.extend([
        OrderRestored(Any),
        BinEmptied,
        OrdersInBulk(150),
        ProductAdded,
        ProductTrashed(Any),
        ProductDeleted(Any),
        VariationAdded,
        VariationDeleted,
        CustomerAdded,
        CustomerDeleted(Any),
        CouponAdded,
        CouponDeleted(Any),
    ]);
    day
}

/// What moves places while a list is walked: the first records leave, others come at its end, so that the count stays.
fn shifts(times: usize) -> Vec<Change> {
    use Change::*;
    use Pick::*;
    let each = [OrderDeleted(First), OrderPlaced, OrderTrashed(First), OrderPlaced, OrderCompleted(Any), OrderRefunded(Last)];
    each.into_iter().cycle().take(times).collect()
}

#[test]
fn after_a_first_and_three_later_runs_the_lake_holds_what_the_shop_holds() {
    let size = Size { orders: 3000, products: 300, customers: 700, coupons: 40 };
    let shop = Shop::open(11, &size);
    let reading = Reading::new(&shop, &STREAMS, ", sweep_days = 1, overlap_seconds = 60");

    let first = reading.run();
    STREAMS.iter().for_each(|stream| reading.holds_all(stream));

    // Two days later, and while it is read, also in the second in which the window ends.
    for passed in [2 * DAY, 3600] {
        shop.pass(passed);
        shop.change(&a_day());
        shop.while_read(1, shifts(12).into_iter().chain(a_day()));
        let begun = shop.now();
        reading.run();
        assert_eq!(shop.to_come(), 0, "everything happened while it was read");
        // What was deleted meanwhile is not in the shop, what changed meanwhile is not settled.
        STREAMS.iter().for_each(|stream| reading.holds_settled(stream, begun - 1));
    }

    shop.pass(2 * DAY);
    shop.change(&a_day());
    let last = reading.run();
    STREAMS.iter().for_each(|stream| reading.holds_all(stream));
    for stream in ["orders", "products", "customers", "coupons"] {
        let gone: BTreeSet<u64> = reading.gone(stream).into_iter().collect();
        assert_eq!(gone, shop.gone(stream), "deletions of `{stream}`");
    }
    println!("{} orders: {first} requests for the first run, {last} for the last, with a sweep", size.orders);
}

#[test]
fn nothing_is_lost_in_a_first_run_while_orders_leave_and_come() {
    let shop = Shop::open(5, &Size { orders: 2500, products: 30, customers: 30, coupons: 1 });
    let reading = Reading::new(&shop, &["orders", "line_items"], ", sweep_days = 0");
    shop.while_read(1, shifts(40));
    let begun = shop.now();
    reading.run();
    assert_eq!(shop.to_come(), 0);
    let again = shop.asked().iter().filter(|asked| asked.param("_again").is_some()).count();
    assert!(again > 3, "the walk had to go back: {again} times");
    for stream in ["orders", "line_items"] {
        reading.holds_settled(stream, begun - 1);
    }
    shop.pass(60);
    reading.run();
    reading.holds_all("orders");
    reading.holds_all("line_items");
    assert_eq!(reading.gone("orders"), shop.gone("orders").into_iter().collect::<Vec<_>>());
}

#[test]
fn a_firewall_that_refuses_costs_time_and_nothing_else() {
    let shop = Shop::open(3, &Size { orders: 400, products: 20, customers: 20, coupons: 2 });
    let reading = Reading::new(&shop, &["orders", "line_items", "customers"], "");
    shop.storm(Storm { requests: 2..4, status: 429, retry_after: Some("1") });
    shop.storm(Storm { requests: 6..8, status: 503, retry_after: None });
    shop.storm(Storm { requests: 9..10, status: 429, retry_after: Some("0.2") });
    reading.run();
    ["orders", "line_items", "customers"].iter().for_each(|stream| reading.holds_all(stream));
}

#[test]
fn a_key_that_does_not_open_is_named_and_not_told() {
    let shop = Shop::open(3, &Size { orders: 3, products: 1, customers: 1, coupons: 1 });
    let wrong = Reading::new(&shop, &["orders"], "").with_secret("cs_another_secret_of_somebody").try_run();
    assert_eq!(wrong.code, 6, "{}", wrong.stderr);
    assert!(wrong.stderr.contains("401") && !wrong.stderr.contains("cs_another"), "{}", wrong.stderr);

    // The right key, and a site that does not see HTTPS: it says the same.
    shop.sees_https(false);
    let plain = Reading::new(&shop, &["orders"], "").try_run();
    assert_eq!(plain.code, 6, "{}", plain.stderr);
}
