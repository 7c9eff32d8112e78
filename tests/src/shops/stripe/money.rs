//! Amounts as a table shows them.

/// An amount in major units with three digits behind the point: 1099 in `usd` is `10.990`.
pub fn decimal(minor: i64, currency: &str) -> String {
    let thousandths = i128::from(minor)
        * match currency {
            "jpy" | "krw" => 1000,
            "kwd" => 1,
            // Also `isk` and `ugx`, whose last two digits are always 00.
            _ => 10,
        };
    let (sign, whole, part) = (if thousandths < 0 { "-" } else { "" }, thousandths.abs() / 1000, thousandths.abs() % 1000);
    format!("{sign}{whole}.{part:03}")
}

/// A decimal with twelve digits behind the point.
pub fn fine(text: &str) -> String {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}.{part:0<12}")
}
