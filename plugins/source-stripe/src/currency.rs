//! Amounts: Stripe gives integers in a currency's minor units, and how many digits those are Stripe says, not ISO 4217.
//!
//! Source: docs.stripe.com/currencies, "Zero-decimal currencies", "Three-decimal currencies", "Special cases".

/// How many digits the decimal column has behind the point: as many as the currency with the most.
pub const SCALE: u8 = 3;

/// How many digits the decimal column has in all: every int64 fits, in any currency.
pub const PRECISION: u8 = 22;

/// Currencies without minor units. Not here: `isk` and `ugx`, which have none and are written with two digits all the same, as they once were;
/// `huf` and `twd`, which lack them in payouts only and are written with two digits there, too.
const NO_DIGITS: [&str; 15] = ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];

const THREE_DIGITS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// How many digits of an amount in this currency stand behind the point.
pub fn digits(currency: &str) -> u32 {
    let among = |codes: &[&str]| codes.iter().any(|code| code.eq_ignore_ascii_case(currency));
    if among(&NO_DIGITS) {
        0
    } else if among(&THREE_DIGITS) {
        3
    } else {
        2
    }
}

/// An amount in major units: 1099 in `usd` is `10.99`, in `jpy` `1099`.
pub fn major(minor: i64, currency: &str) -> String {
    let unit = 10u64.pow(digits(currency));
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    match unit {
        1 => format!("{sign}{minor}"),
        _ => format!("{sign}{}.{:0width$}", minor / unit, minor % unit, width = unit.ilog10() as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_has_its_digits() {
        for (minor, currency, expected) in [
            (1099, "usd", "10.99"),
            (5, "EUR", "0.05"),
            (500, "jpy", "500"),
            (500, "KRW", "500"),
            (5120, "kwd", "5.120"),
            (-7, "tnd", "-0.007"),
            (-1050, "brl", "-10.50"),
            (0, "usd", "0.00"),
        ] {
            assert_eq!(major(minor, currency), expected, "{minor} {currency}");
        }
    }

    #[test]
    fn currencies_that_lost_their_minor_units_keep_two_digits() {
        for currency in ["isk", "ugx", "huf", "twd"] {
            assert_eq!(major(500, currency), "5.00", "{currency}");
        }
    }

    #[test]
    fn the_largest_amounts_fit_the_column() {
        for minor in [i64::MIN, i64::MAX] {
            for currency in ["jpy", "usd", "kwd"] {
                let text = major(minor, currency);
                let (whole, _) = text.trim_start_matches('-').split_once('.').unwrap_or((text.trim_start_matches('-'), ""));
                assert!(whole.len() + usize::from(SCALE) <= PRECISION.into(), "{text}");
            }
        }
    }
}
