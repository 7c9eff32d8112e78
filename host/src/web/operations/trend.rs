//! Which runs are unlike those before them: pure arithmetic over numbers of runs.
//!
//! # The formula
//! The modified z-score of Iglewicz and Hoaglin (*How to Detect and Handle Outliers*, ASQC 1993, chapter 3), as the NIST/SEMATECH e-Handbook
//! of Statistical Methods gives it in section 1.3.5.17: `M = 0.6745 (x - median) / MAD`, where MAD is the median of the distances from the
//! median. They call a value with `|M| > 3.5` a potential outlier. Median and MAD are those of up to [`WINDOW`] runs *before* the judged one:
//! a run is no witness in its own case, and one odd run does not bend the measure for the next.
//!
//! # Why there is a least spread
//! Runs over the same files give the same number each time. Their MAD is 0, so the first row more would be infinitely odd. What differs by
//! less than about 3.5 % of the median (a twentieth of a point for scores) is left alone ([`Scale`]).

/// Runs before the judged one that are compared with it. The measure follows a shop that grows.
pub const WINDOW: usize = 30;
/// Fewer runs than this say nothing about what is usual.
pub const LEAST: usize = 5;
/// Above this a value is marked.
pub const LIMIT: f64 = 3.5;
/// The 0.75 quantile of the normal distribution: with it, MAD / 0.6745 estimates the standard deviation.
const CONSISTENCY: f64 = 0.6745;

/// What a number counts, and so the least spread that it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Rows, or anything else that grows: a hundredth of the median, and at least one.
    Volume,
    /// A score in percent: a tenth of a point.
    Score,
}

impl Scale {
    fn least_spread(self, median: f64) -> f64 {
        match self {
            Self::Volume => (median.abs() / 100.0).max(1.0),
            Self::Score => 0.1,
        }
    }
}

/// What is usual for a run, by those before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    /// The median.
    pub median: f64,
    /// The spread that the formula divides by: MAD / 0.6745, or the least spread.
    pub spread: f64,
    /// How many runs it is made of.
    pub runs: usize,
}

impl Usual {
    /// The values between which nothing is marked.
    pub fn band(&self) -> (f64, f64) {
        (self.median - LIMIT * self.spread, self.median + LIMIT * self.spread)
    }
}

/// A number of a run, judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The number.
    pub value: f64,
    /// What was usual before; none while there are too few runs.
    pub usual: Option<Usual>,
    /// The modified z-score.
    pub z: Option<f64>,
}

impl Judged {
    /// Whether it is marked.
    pub fn is_odd(&self) -> bool {
        self.z.is_some_and(|z| z.abs() > LIMIT)
    }

    /// Why it is marked, with the numbers; `name` and `show` say what is counted and how it is written.
    pub fn sentence(&self, name: &str, show: impl Fn(f64) -> String) -> Option<String> {
        let (usual, z) = (self.usual?, self.z.filter(|_| self.is_odd())?);
        let side = if z < 0.0 { "under" } else { "over" };
        let (low, high) = usual.band();
        Some(format!(
            "{name} is {}, which is {:.1} deviations {side} the median {} of the {} runs before; {} to {} would be usual.",
            show(self.value),
            z.abs(),
            show(usual.median),
            usual.runs,
            show(low),
            show(high),
        ))
    }
}

/// Judges each value by those before it. `values` are in the order of time.
pub fn judge(values: &[f64], scale: Scale) -> Vec<Judged> {
    (0..values.len()).map(|place| judge_one(&values[place.saturating_sub(WINDOW)..place], values[place], scale)).collect()
}

fn judge_one(before: &[f64], value: f64, scale: Scale) -> Judged {
    let usual = (before.len() >= LEAST).then(|| usual(before, scale));
    Judged { value, usual, z: usual.map(|usual| (value - usual.median) / usual.spread) }
}

fn usual(before: &[f64], scale: Scale) -> Usual {
    let median = median(before.to_vec());
    let mad = self::median(before.iter().map(|value| (value - median).abs()).collect());
    Usual { median, spread: (mad / CONSISTENCY).max(scale.least_spread(median)), runs: before.len() }
}

/// The middle value, or the mean of the two in the middle; 0 of nothing.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        length if length % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn odd(values: &[f64], scale: Scale) -> Vec<usize> {
        judge(values, scale).iter().enumerate().filter(|(_, judged)| judged.is_odd()).map(|(place, _)| place).collect()
    }

    #[test]
    fn the_score_is_that_of_iglewicz_and_hoaglin() {
        // The median is 3, the distances 2 1 0 1 2 have the median 1: M = 0.6745 (13 - 3) / 1.
        let judged = judge_one(&[1.0, 2.0, 3.0, 4.0, 5.0], 13.0, Scale::Volume);
        assert!((judged.z.unwrap() - 6.745).abs() < 1e-12);
        assert_eq!(judged.usual.map(|usual| (usual.median, usual.runs)), Some((3.0, 5)));
    }

    #[test]
    fn a_sudden_fall_is_marked_and_the_run_after_it_is_not() {
        let rows = [1000.0, 1010.0, 990.0, 1005.0, 995.0, 1002.0, 300.0, 1001.0];
        assert_eq!(odd(&rows, Scale::Volume), [6]);
    }

    #[test]
    fn growth_is_usual_after_a_while() {
        let rows: Vec<f64> = (0..60).map(|day| 1000.0 + f64::from(day) * 5.0).collect();
        assert!(odd(&rows, Scale::Volume).is_empty());
    }

    #[test]
    fn equal_runs_leave_a_small_difference_alone() {
        assert!(odd(&[99_441.0, 99_441.0, 99_441.0, 99_441.0, 99_441.0, 99_500.0], Scale::Volume).is_empty());
        assert_eq!(odd(&[99_441.0, 99_441.0, 99_441.0, 99_441.0, 99_441.0, 90_000.0], Scale::Volume), [5]);
        assert_eq!(odd(&[0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0], Scale::Volume), [6]);
        assert_eq!(odd(&[98.0, 98.0, 98.0, 98.0, 98.0, 97.7, 97.0], Scale::Score), [6]);
    }

    #[test]
    fn few_runs_judge_nothing() {
        assert!(odd(&[1.0, 1.0, 1.0, 1.0, 1_000_000.0], Scale::Volume).is_empty());
        assert!(judge(&[], Scale::Score).is_empty());
    }

    #[test]
    fn a_mark_says_by_which_numbers() {
        let judged = judge_one(&[100.0, 100.0, 100.0, 100.0, 100.0], 50.0, Scale::Volume);
        let said = judged.sentence("Rows read", |value| format!("{value:.0}")).unwrap();
        assert_eq!(said, "Rows read is 50, which is 50.0 deviations under the median 100 of the 5 runs before; 96 to 104 would be usual.");
        assert_eq!(judge_one(&[1.0; 5], 1.0, Scale::Volume).sentence("Rows", |value| value.to_string()), None);
    }
}
