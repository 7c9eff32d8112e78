//! Coordinates in degrees, and whether a point lies in Brazil.

use crate::{cells::text::trim, rules::RuleIndex, sheet::Sheet};

/// From Chuí to Monte Caburaí.
const LATITUDES: std::ops::RangeInclusive<f64> = -33.75..=5.28;
/// From the Serra do Divisor to the islands of Trindade and Martim Vaz.
const LONGITUDES: std::ops::RangeInclusive<f64> = -73.99..=-28.84;

impl Sheet<'_> {
    /// Degrees. Rejects the rows whose cell is present and no finite number.
    pub fn degrees(&mut self, column: &str, format: impl Into<RuleIndex>) -> Vec<Option<f64>> {
        self.parsed(column, format, degrees)
    }
}

/// Whether a point lies inside the rectangle around Brazil and its islands.
pub fn is_in_brazil(latitude: f64, longitude: f64) -> bool {
    LATITUDES.contains(&latitude) && LONGITUDES.contains(&longitude)
}

/// A finite number, also one with a decimal comma. Minus zero is zero: they are one place.
fn degrees(text: &str) -> Option<f64> {
    let text = trim(text);
    let degrees: f64 = if text.contains(',') { text.replacen(',', ".", 1).parse() } else { text.parse() }.ok()?;
    degrees.is_finite().then_some(degrees + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_are_finite_numbers() {
        assert_eq!(degrees("-23.54321098765432"), Some(-23.543_210_987_654_32));
        assert_eq!(degrees(" -23,5 "), Some(-23.5));
        assert_eq!(degrees("-0.0").map(f64::to_bits), Some(0));
        for text in ["NaN", "inf", "-23.5.4", "-1,234.5", "23°", ""] {
            assert_eq!(degrees(text), None, "{text}");
        }
    }

    #[test]
    fn islands_are_brazil_and_lisbon_is_not() {
        assert!(is_in_brazil(-3.85, -32.42)); // Fernando de Noronha
        assert!(is_in_brazil(-33.75, -73.99) && is_in_brazil(5.28, -28.84));
        assert!(!is_in_brazil(38.72, -9.14));
        assert!(!is_in_brazil(-46.6, -23.5)); // São Paulo, swapped
    }
}
