//! What a sample must hold, read back from its files.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use super::{Plan, SampleError, Summary, write};

const FILES: [&str; 9] = [
    "olist_orders_dataset.csv",
    "olist_customers_dataset.csv",
    "olist_order_items_dataset.csv",
    "olist_order_payments_dataset.csv",
    "olist_order_reviews_dataset.csv",
    "olist_products_dataset.csv",
    "olist_sellers_dataset.csv",
    "olist_geolocation_dataset.csv",
    "product_category_name_translation.csv",
];

fn sample(orders: u64, seed: u64) -> (tempfile::TempDir, Summary) {
    let directory = tempfile::tempdir().unwrap();
    let summary = write(&Plan { orders, seed }, directory.path(), &mut |_| {}).unwrap();
    (directory, summary)
}

/// The records of a CSV file, header left out.
fn rows(directory: &Path, name: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(directory.join(name)).unwrap();
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    for letter in text.chars() {
        let row: &mut Vec<String> = rows.last_mut().unwrap();
        match letter {
            '"' => {
                // Within a field a quote that follows a closing one stands for itself.
                let field = row.last_mut().unwrap();
                if !quoted && !field.is_empty() {
                    field.push('"');
                }
                quoted = !quoted;
            }
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => row.last_mut().unwrap().push(other),
        }
    }
    if rows.last().unwrap() == &[String::new()] {
        rows.pop();
    }
    rows.split_off(1)
}

fn column(rows: &[Vec<String>], at: usize) -> HashSet<&str> {
    rows.iter().map(|row| row[at].as_str()).collect()
}

/// The share of the rows for which `is` holds, in per cent.
fn share(rows: &[Vec<String>], is: impl Fn(&Vec<String>) -> bool) -> f64 {
    rows.iter().filter(|row| is(row)).count() as f64 * 100.0 / rows.len() as f64
}

#[track_caller]
fn near(found: f64, wanted: f64, tolerance: f64) {
    assert!((found - wanted).abs() <= tolerance, "{found:.3} is not within {tolerance} of {wanted}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let ((first, _), (second, _), (other, _)) = (sample(200, 7), sample(200, 7), sample(200, 8));
    for name in FILES {
        assert_eq!(fs::read(first.path().join(name)).unwrap(), fs::read(second.path().join(name)).unwrap(), "{name}");
    }
    assert_ne!(fs::read(first.path().join(FILES[0])).unwrap(), fs::read(other.path().join(FILES[0])).unwrap());
}

#[test]
fn a_larger_sample_starts_with_the_same_orders() {
    let ((small, _), (large, _)) = (sample(100, 7), sample(300, 7));
    let (small, large) = (rows(small.path(), FILES[0]), rows(large.path(), FILES[0]));
    assert_eq!(small[..], large[..small.len()]);
}

#[test]
fn nothing_is_left_under_a_temporary_name() {
    let (directory, summary) = sample(50, 1);
    let mut names: Vec<_> =
        fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut wanted = FILES.to_vec();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    for file in &summary.files {
        assert_eq!(fs::metadata(directory.path().join(file.name)).unwrap().len(), file.bytes, "{}", file.name);
        assert_eq!(rows(directory.path(), file.name).len() as u64, file.rows, "{}", file.name);
    }
}

#[test]
fn a_sample_that_fails_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let blocked = directory.path().join("taken");
    fs::write(&blocked, "").unwrap();
    let failed = write(&Plan { orders: 5, seed: 1 }, &blocked, &mut |_| {});
    assert!(matches!(failed, Err(SampleError::Write { .. })));
    assert!(matches!(write(&Plan { orders: 0, seed: 1 }, directory.path(), &mut |_| {}), Err(SampleError::NoOrders)));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn progress_ends_with_all_orders() {
    let directory = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    write(&Plan { orders: 5_000, seed: 1 }, directory.path(), &mut |orders| told.push(orders)).unwrap();
    assert_eq!(told, [4_096, 5_000]);
}

#[test]
fn files_have_the_published_layout() {
    let (directory, _) = sample(50, 1);
    let head = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap().lines().next().unwrap().to_owned();
    assert_eq!(
        head(FILES[5]),
        "\"product_id\",\"product_category_name\",\"product_name_lenght\",\"product_description_lenght\",\"product_photos_qty\",\
         \"product_weight_g\",\"product_length_cm\",\"product_height_cm\",\"product_width_cm\""
    );
    let translation = fs::read_to_string(directory.path().join(FILES[8])).unwrap();
    assert!(translation.starts_with("\u{feff}product_category_name,product_category_name_english\r\n"));
    assert!(!translation.ends_with('\n'));
    for name in &FILES[..8] {
        let bytes = fs::read(directory.path().join(name)).unwrap();
        assert!(bytes.starts_with(b"\"") && bytes.ends_with(b"\n"), "{name}");
    }
}

#[test]
fn every_reference_resolves() {
    let (directory, _) = sample(2_000, 42);
    let [orders, customers, items, payments, reviews, products, sellers, ..] = FILES.map(|name| rows(directory.path(), name));
    let resolves = |from: &[Vec<String>], at: usize, to: &[Vec<String>]| column(from, at).is_subset(&column(to, 0));
    assert!(resolves(&orders, 1, &customers));
    assert!(resolves(&items, 0, &orders) && resolves(&items, 2, &products) && resolves(&items, 3, &sellers));
    assert!(resolves(&payments, 0, &orders) && resolves(&reviews, 1, &orders));
    assert_eq!(column(&orders, 0).len(), 2_000);
    assert_eq!(column(&customers, 0).len(), 2_000);
}

#[test]
fn keys_are_unique_but_for_repeated_rows() {
    let (directory, _) = sample(20_000, 42);
    for (name, key) in [(0, [0, 0]), (1, [0, 0]), (2, [0, 1]), (3, [0, 1]), (4, [0, 1]), (5, [0, 0]), (6, [0, 0]), (8, [0, 0])] {
        let rows = rows(directory.path(), FILES[name]);
        let distinct: HashSet<_> = rows.iter().collect();
        let keys: HashSet<_> = rows.iter().map(|row| key.map(|at| row[at].as_str())).collect();
        assert_eq!(keys.len(), distinct.len(), "{}", FILES[name]);
        assert!(rows.len() - distinct.len() <= rows.len() / 500, "{}", FILES[name]);
    }
    let reviews = rows(directory.path(), FILES[4]);
    assert!(column(&reviews, 0).len() < reviews.len() - 50 && column(&reviews, 1).len() < reviews.len() - 50);
}

#[test]
fn shares_follow_the_published_set() {
    let (directory, _) = sample(40_000, 42);
    let [orders, customers, items, payments, reviews, products, ..] = FILES.map(|name| rows(directory.path(), name));
    for (status, wanted) in [("delivered", 97.0), ("shipped", 1.11), ("canceled", 0.65), ("unavailable", 0.61), ("invoiced", 0.32)] {
        near(share(&orders, |row| row[2] == status), wanted, 0.35);
    }
    for (state, wanted) in [("SP", 42.1), ("RJ", 13.0), ("MG", 11.7), ("RS", 5.5), ("PR", 5.1), ("SC", 3.7), ("BA", 3.4), ("DF", 2.0)] {
        near(share(&customers, |row| row[4] == state), wanted, 1.0);
    }
    near(column(&customers, 1).len() as f64 * 100.0 / column(&orders, 0).len() as f64, 96.6, 0.4);
    for (kind, wanted) in [("credit_card", 73.9), ("boleto", 19.0), ("voucher", 5.6), ("debit_card", 1.5)] {
        near(share(&payments, |row| row[2] == kind), wanted, 1.5);
    }
    for (score, wanted) in [("5", 57.8), ("4", 19.3), ("3", 8.2), ("2", 3.2), ("1", 11.5)] {
        near(share(&reviews, |row| row[2] == score), wanted, 1.5);
    }
    near(share(&reviews, |row| row[4].is_empty()), 59.7, 1.5);
    near(share(&products, |row| row[1].is_empty()), 1.85, 0.6);
    near(share(&items, |row| row[1] == "1"), 88.0, 2.5);
    let hour = |row: &Vec<String>| row[3][11..13].parse::<u32>().unwrap();
    near(share(&orders, |row| (10..=22).contains(&hour(row))), 79.0, 3.0);
}

#[test]
fn amounts_and_times_follow_the_published_quantiles() {
    let (directory, _) = sample(40_000, 42);
    let [orders, _, items, ..] = FILES.map(|name| rows(directory.path(), name));
    let quantile = |mut values: Vec<f64>, at: usize| {
        values.sort_by(f64::total_cmp);
        values[values.len() * at / 100]
    };
    let amounts = |at: usize| items.iter().map(|row| row[at].parse::<f64>().unwrap()).collect::<Vec<_>>();
    for (at, wanted) in [(5, 16.9), (25, 39.9), (50, 75.9), (75, 135.0), (95, 350.0)] {
        near(quantile(amounts(5), at), wanted, wanted * 0.08);
    }
    for (at, wanted) in [(5, 7.8), (25, 13.0), (50, 16.3), (75, 21.5), (95, 44.8)] {
        near(quantile(amounts(6), at), wanted, wanted * 0.08);
    }
    let time = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap();
    let delivered: Vec<_> = orders.iter().filter(|row| row[2] == "delivered" && !row[6].is_empty()).collect();
    let days = delivered.iter().map(|row| (time(&row[6]) - time(&row[3])).num_minutes() as f64 / 1_440.0).collect::<Vec<_>>();
    for (at, wanted) in [(5, 3.0), (25, 6.8), (50, 10.3), (75, 15.4), (95, 29.0)] {
        near(quantile(days.clone(), at), wanted, wanted * 0.06);
    }
    assert!(days.iter().all(|days| *days >= 0.0));
    assert_eq!(orders.iter().filter(|row| row[3].as_str() > "2018-10-17 17:30:18").count(), 0);
}

#[test]
fn the_default_sample_has_every_oddity() {
    let (directory, _) = sample(5_000, 42);
    let [orders, customers, items, payments, reviews, products, sellers, geolocation, _] = FILES.map(|name| rows(directory.path(), name));
    let has = |rows: &[Vec<String>], what: &str, is: &dyn Fn(&Vec<String>) -> bool| assert!(rows.iter().any(is), "no {what}");
    let with_items = column(&items, 0);
    has(&orders, "order without items", &|row| row[2] == "unavailable" && !with_items.contains(row[0].as_str()));
    has(&orders, "order without approval", &|row| row[4].is_empty());
    has(&orders, "delivered order without its date", &|row| row[2] == "delivered" && row[6].is_empty());
    has(&orders, "carrier before approval", &|row| !row[5].is_empty() && row[5] < row[4]);
    has(&orders, "late delivery", &|row| row[6] > row[7]);
    has(&items, "price of 0 or less", &|row| row[5].starts_with('-') || row[5] == "0.0");
    has(&items, "freight of 0", &|row| row[6] == "0.0");
    has(&items, "far shipping limit", &|row| row[4].as_str() > "2018-11-15");
    has(&payments, "undefined payment", &|row| row[2] == "not_defined" && row[4] == "0.0");
    has(&payments, "installments of 0", &|row| row[3] == "0");
    has(&payments, "used-up voucher", &|row| row[2] == "voucher" && row[4] == "0.0");
    has(&reviews, "message with a line break", &|row| row[4].contains("\r\n"));
    has(&reviews, "message with quotation marks", &|row| row[4].contains('"') && row[4].contains(','));
    has(&reviews, "message with an emoji", &|row| row[4].contains('👏') || row[4].contains('😀'));
    has(&reviews, "message with outer spaces", &|row| row[4].ends_with(' '));
    has(&products, "weight of 0", &|row| row[5] == "0");
    has(&products, "product without a size", &|row| row[5].is_empty());
    has(&products, "product without a category", &|row| row[1].is_empty());
    has(&sellers, "typed city", &|row| row[2].contains(['/', '@', ',']) || row[2].starts_with('0'));
    has(&geolocation, "accent", &|row| row[3] == "são paulo");
    has(&geolocation, "point abroad", &|row| !row[1].starts_with('-') && row[4] == "SP");
    has(&customers, "leading zero", &|row| row[2].starts_with('0') && row[2].len() == 5);
    for rows in [&orders, &customers, &items, &payments, &reviews] {
        assert!(rows.iter().collect::<HashSet<_>>().len() < rows.len(), "no row is there twice");
    }
    let distinct: HashSet<_> = geolocation.iter().collect();
    near(distinct.len() as f64 * 100.0 / geolocation.len() as f64, 80.0, 2.0);
}

#[test]
fn one_payment_sum_in_three_hundred_differs() {
    let (directory, _) = sample(40_000, 42);
    let [_, _, items, payments, ..] = FILES.map(|name| rows(directory.path(), name));
    let cents = |text: &str| (text.parse::<f64>().unwrap() * 100.0).round() as i64;
    let (mut owed, mut paid) = (HashMap::new(), HashMap::new());
    for row in items.iter().collect::<HashSet<_>>() {
        *owed.entry(row[0].as_str()).or_insert(0) += cents(&row[5]) + cents(&row[6]);
    }
    for row in payments.iter().collect::<HashSet<_>>() {
        *paid.entry(row[0].as_str()).or_insert(0) += cents(&row[4]);
    }
    let differing = owed.iter().filter(|(order, owed)| (paid[*order] - **owed).abs() > 1).count();
    near(differing as f64 * 300.0 / owed.len() as f64, 1.15, 0.35);
}
