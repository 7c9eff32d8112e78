//! Near misses: what a person may have meant.

/// The candidate that is nearest to `wanted`, where one is near enough to suggest. Case does not count.
pub fn closest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(wanted, candidates).into_iter().next()
}

/// The candidates near enough to `wanted` to suggest, nearest first. A `*` in `wanted` stands for any text.
pub fn ranked<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let most = (wanted.chars().count() / 3).max(1);
    let mut near: Vec<_> = candidates.into_iter().map(|name| (distance(wanted, name), name)).filter(|(far, _)| *far <= most).collect();
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name).collect()
}

/// The edit distance (insert, delete, replace) between a pattern and a name.
fn distance(pattern: &str, name: &str) -> usize {
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for wanted in pattern.chars().flat_map(char::to_lowercase) {
        let any = wanted == '*';
        let mut diagonal = row[0];
        row[0] += usize::from(!any);
        for (column, found) in name.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] =
                if any { above.min(row[column]) } else { (diagonal + usize::from(*found != wanted)).min(above + 1).min(row[column] + 1) };
            diagonal = above;
        }
    }
    row[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_slips_are_suggested_and_strangers_are_not() {
        assert_eq!(closest("order_idd", ["price", "order_id"]), Some("order_id"));
        assert_eq!(closest("Order_ID", ["price", "order_id"]), Some("order_id"));
        assert_eq!(closest("zebra", ["price", "order_id"]), None);
    }

    #[test]
    fn a_star_costs_nothing() {
        assert_eq!(ranked("order_*.csv", ["orders_2018.csv", "notes.txt"]), ["orders_2018.csv"]);
        assert_eq!(distance("a*z", "abcz"), 0);
    }
}
