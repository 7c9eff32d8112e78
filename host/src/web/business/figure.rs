//! How figures are written for people.

use crate::web::{view, warehouses::Cell};

/// How the values of a column are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// As they are.
    Text,
    /// A count.
    Count,
    /// Cents, as reais.
    Cents,
    /// Reais.
    Reais,
    /// A number with at most two decimals.
    Number,
}

impl Show {
    /// Whether values are aligned by their digits.
    pub fn is_number(self) -> bool {
        self != Self::Text
    }

    /// A value as text; a dash where there is none.
    pub fn text(self, cell: &Cell) -> String {
        if *cell == Cell::Null {
            return "–".into();
        }
        match self {
            Self::Text => cell.text(),
            Self::Count => count(cell.whole()),
            Self::Cents => reais(cell.whole()),
            Self::Reais => reais(cents(cell)),
            Self::Number => number(cell.number().unwrap_or(0.0)),
        }
    }
}

/// A count with its thousands apart.
pub fn count(count: i64) -> String {
    let digits = view::count(count.unsigned_abs());
    if count < 0 { format!("−{digits}") } else { digits }
}

/// Cents as reais: `R$ 1,234.56`.
pub fn reais(cents: i64) -> String {
    let sign = if cents < 0 { "−" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}R$\u{a0}{}.{:02}", view::count(cents / 100), cents % 100)
}

/// The cents of a decimal that was given in reais.
pub fn cents(cell: &Cell) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "amounts have two decimals and are far from the end of the range")]
    cell.number().map_or(0, |reais| (reais * 100.0).round() as i64)
}

/// A number with at most two decimals.
pub fn number(number: f64) -> String {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        assert_eq!([0, -5, 123_456_789].map(reais), ["R$\u{a0}0.00", "−R$\u{a0}0.05", "R$\u{a0}1,234,567.89"]);
        assert_eq!([4043, -12].map(count), ["4,043", "−12"]);
        assert_eq!([4.0, 4.5, -0.256].map(number), ["4", "4.5", "−0.26"]);
        assert_eq!(Show::Reais.text(&Cell::Text("1234.5".into())), "R$\u{a0}1,234.50");
        assert_eq!(Show::Count.text(&Cell::Null), "–");
        assert_eq!(cents(&Cell::Text("0.29".into())), 29);
    }
}
