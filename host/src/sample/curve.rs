//! Distributions given by quantiles: a value is drawn by walking log-linearly from one quantile to the next.
//!
//! # Why
//! `exp` and `ln` differ in the last bit from one C library to the next. The curve is built from square roots and products, which IEEE 754
//! fixes to the bit, so that a seed gives the same files everywhere.

use super::rng::Rng;

/// Quantiles are given in thousandths, hence the steps between them.
const STEPS: usize = 1_000;

#[derive(Debug)]
pub(super) struct Curve {
    /// The value at each thousandth, from 0 to 1,000.
    points: Vec<f64>,
}

impl Curve {
    /// A curve through (thousandth, value) pairs from 0 to 1,000; the values ascend and are above 0.
    pub(super) fn through(quantiles: &[(usize, f64)]) -> Self {
        let mut points = Vec::with_capacity(STEPS + 1);
        for pair in quantiles.windows(2) {
            let ((from, low), (to, high)) = (pair[0], pair[1]);
            points.extend((from..to).map(|at| geometric(low, high, (at - from) as f64 / (to - from) as f64)));
        }
        points.extend(quantiles.last().map(|last| last.1));
        debug_assert_eq!(points.len(), STEPS + 1);
        Self { points }
    }

    pub(super) fn draw(&self, rng: &mut Rng) -> f64 {
        let at = rng.unit() * STEPS as f64;
        let step = at as usize;
        let (low, high) = (self.points[step], self.points[step + 1]);
        low + (high - low) * (at - step as f64)
    }
}

/// `low * (high / low) ^ part`, for `part` in [0, 1), by its binary digits.
fn geometric(low: f64, high: f64, part: f64) -> f64 {
    let (mut root, mut left, mut value) = (high / low, part, low);
    // 24 digits place a value to better than a ten-millionth of the way.
    for _ in 0..24 {
        root = root.sqrt();
        left *= 2.0;
        if left >= 1.0 {
            value *= root;
            left -= 1.0;
        }
    }
    value
}

/// The distributions of the e-commerce set, for delivered orders.
#[derive(Debug)]
pub(super) struct Curves {
    /// Price of an item, in cents.
    pub(super) price: Curve,
    /// Freight of an item, in cents.
    pub(super) freight: Curve,
    /// Hours from purchase to approval.
    pub(super) approval_hours: Curve,
    /// Days from approval to the carrier.
    pub(super) carrier_days: Curve,
    /// Days from purchase to the customer.
    pub(super) delivery_days: Curve,
    /// Days from purchase to the promised day.
    pub(super) estimate_days: Curve,
    /// Days from approval to the seller's shipping limit.
    pub(super) limit_days: Curve,
    /// Days from the survey to the answer.
    pub(super) answer_days: Curve,
    /// Grams.
    pub(super) weight: Curve,
    /// Centimetres.
    pub(super) length: Curve,
    /// Centimetres.
    pub(super) height: Curve,
    /// Centimetres.
    pub(super) width: Curve,
    /// Characters.
    pub(super) description: Curve,
}

impl Curves {
    pub(super) fn new() -> Self {
        Self {
            price: Curve::through(&[
                (0, 349.0),
                (50, 1_690.0),
                (250, 3_990.0),
                (500, 7_590.0),
                (750, 13_500.0),
                (950, 35_000.0),
                (990, 84_300.0),
                (999, 195_000.0),
                (1_000, 673_500.0),
            ]),
            freight: Curve::through(&[
                (0, 60.0),
                (5, 500.0),
                (50, 790.0),
                (250, 1_300.0),
                (500, 1_630.0),
                (750, 2_150.0),
                (950, 4_480.0),
                (990, 8_400.0),
                (1_000, 40_900.0),
            ]),
            approval_hours: Curve::through(&[(0, 0.01), (50, 0.14), (250, 0.21), (500, 0.34), (750, 14.5), (950, 48.0), (1_000, 700.0)]),
            carrier_days: Curve::through(&[(0, 0.02), (50, 0.33), (250, 0.88), (500, 1.8), (750, 3.6), (950, 8.4), (1_000, 60.0)]),
            delivery_days: Curve::through(&[(0, 0.6), (50, 3.0), (250, 6.8), (500, 10.3), (750, 15.4), (950, 29.0), (1_000, 200.0)]),
            estimate_days: Curve::through(&[(0, 3.0), (50, 12.0), (250, 18.5), (500, 23.0), (750, 28.5), (950, 39.0), (1_000, 150.0)]),
            limit_days: Curve::through(&[(0, 2.0), (50, 3.6), (250, 5.0), (500, 6.0), (750, 7.4), (950, 13.0), (1_000, 60.0)]),
            answer_days: Curve::through(&[(0, 0.1), (50, 0.41), (250, 0.9), (500, 1.65), (750, 3.1), (950, 7.5), (1_000, 240.0)]),
            weight: Curve::through(&[
                (0, 50.0),
                (50, 105.0),
                (250, 300.0),
                (500, 700.0),
                (750, 1_900.0),
                (950, 10_850.0),
                (1_000, 30_000.0),
            ]),
            length: Curve::through(&[(0, 7.0), (50, 16.0), (250, 18.0), (500, 25.0), (750, 38.0), (950, 62.0), (1_000, 105.0)]),
            height: Curve::through(&[(0, 2.0), (50, 3.0), (250, 8.0), (500, 13.0), (750, 21.0), (950, 44.0), (1_000, 105.0)]),
            width: Curve::through(&[(0, 8.0), (50, 11.0), (250, 15.0), (500, 20.0), (750, 30.0), (950, 46.0), (1_000, 105.0)]),
            description: Curve::through(&[
                (0, 20.0),
                (50, 150.0),
                (250, 340.0),
                (500, 600.0),
                (750, 975.0),
                (950, 2_060.0),
                (1_000, 3_990.0),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Curve, geometric};

    #[test]
    fn a_curve_meets_its_quantiles_and_is_log_linear_between_them() {
        let curve = Curve::through(&[(0, 1.0), (500, 4.0), (1_000, 400.0)]);
        assert_eq!(curve.points[0], 1.0);
        assert!((curve.points[250] - 2.0).abs() < 1e-5);
        assert!((curve.points[750] - 40.0).abs() < 1e-3);
        assert_eq!(curve.points[1_000], 400.0);
        assert!((geometric(2.0, 8.0, 0.75) - 5.656_854).abs() < 1e-5);
    }
}
