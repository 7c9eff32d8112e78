//! The gate: measures and thresholds in, a verdict out. Pure, no I/O.
//!
//! # Scores
//! A dimension's score is the share of what passed in what was looked at, over all measures of the dimension. Rows that a plugin rejected
//! count as failed: all rules of one plugin looked at the stream's rows together, so they add one total and each rejected row fails once.
//! The overall score is the weighted mean of the measured dimensions. What nothing measured has no score.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    config,
    quality::{Dimension, Measure},
};

/// The defaults of DESIGN.md section 7, in percent.
const OVERALL: f64 = 80.0;
const NULLS: f64 = 20.0;
const DUPLICATES: f64 = 5.0;

/// What the gate asks of each stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    streams: IndexMap<String, Thresholds>,
    /// What it asks where no stream is concerned: the pipeline's own values over the defaults.
    pipeline: Thresholds,
}

/// Thresholds in percent.
#[derive(Debug, Clone, PartialEq)]
struct Thresholds {
    overall: f64,
    nulls: f64,
    duplicates: f64,
    floors: BTreeMap<Dimension, f64>,
    weights: BTreeMap<Dimension, f64>,
}

impl Thresholds {
    fn new(layers: [&config::Gate; 2]) -> Self {
        let pick = |of: fn(&config::Gate) -> Option<f64>, default| layers.iter().find_map(|gate| of(gate)).unwrap_or(default);
        let of_dimension = |of: fn(&config::Gate) -> &IndexMap<Dimension, f64>, default: fn(Dimension) -> f64| {
            let value = |dimension| layers.iter().find_map(|gate| of(gate).get(&dimension).copied()).unwrap_or_else(|| default(dimension));
            Dimension::ALL.into_iter().map(|dimension| (dimension, value(dimension))).collect()
        };
        Self {
            overall: pick(|gate| gate.overall, OVERALL),
            nulls: pick(|gate| gate.nulls, NULLS),
            duplicates: pick(|gate| gate.duplicates, DUPLICATES),
            floors: of_dimension(|gate| &gate.floors, Dimension::default_floor),
            weights: of_dimension(|gate| &gate.weights, |_| 1.0),
        }
    }
}

impl Policy {
    /// The policy that a pipeline declares.
    pub fn new(pipeline: &config::Pipeline) -> Self {
        let streams = pipeline.streams.iter();
        Self {
            streams: streams.map(|(name, stream)| (name.clone(), Thresholds::new([&stream.gate, &pipeline.gate]))).collect(),
            pipeline: Thresholds::new([&pipeline.gate, &pipeline.gate]),
        }
    }
}

/// The score of one dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The dimension.
    pub dimension: Dimension,
    /// Its score in percent; none where nothing measured it.
    pub score: Option<f64>,
    /// The floor in percent.
    pub floor: f64,
    /// What passed.
    pub passed: u64,
    /// What was looked at.
    pub total: u64,
}

/// The scores of a stream, or of the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The stream; none for the whole run.
    pub stream: Option<String>,
    /// The eight dimensions.
    pub dimensions: Vec<Score>,
    /// The weighted mean of the measured ones, in percent.
    pub overall: Option<f64>,
    /// The least overall score in percent.
    pub overall_floor: f64,
}

/// Why a run is held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// The stream that is at fault.
    pub stream: String,
    /// What was asked for: `integrity`, `overall`, `nulls in customer_id`.
    pub rule: String,
    /// What was found, in percent.
    pub found: f64,
    /// The threshold, in percent.
    pub threshold: f64,
}

impl Hold {
    /// The sentence that a person reads.
    pub fn sentence(&self) -> String {
        let Self { stream, rule, found, threshold } = self;
        let (relation, off) = if rule.starts_with("nulls") || rule.starts_with("duplicates") {
            ("above its limit of", found - threshold)
        } else {
            ("under its floor of", threshold - found)
        };
        format!("{stream}: {rule} is {} %, {} points {relation} {threshold} %", rounded(*found, *threshold), points(off))
    }
}

/// Two decimals, more where two would hide that the threshold is missed.
fn rounded(found: f64, threshold: f64) -> String {
    (2..=8)
        .map(|decimals| format!("{found:.decimals$}"))
        .find(|text| text.parse::<f64>().is_ok_and(|shown| (shown < threshold) == (found < threshold) && shown != threshold))
        .unwrap_or_else(|| found.to_string())
}

fn points(off: f64) -> String {
    if off >= 0.01 { format!("{off:.2}") } else { "less than 0.01".to_owned() }
}

/// The gate's verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Why the run is held; empty where it passes.
    pub reasons: Vec<Hold>,
    /// The scores of the whole run first, then of each stream.
    pub scores: Vec<Scores>,
}

impl Verdict {
    /// Whether the run is held.
    pub fn holds(&self) -> bool {
        !self.reasons.is_empty()
    }

    /// `pass` or `hold`.
    pub fn name(&self) -> &'static str {
        if self.holds() { "hold" } else { "pass" }
    }

    /// Why the run is held, as a person reads it.
    pub fn sentences(&self) -> Vec<String> {
        self.reasons.iter().map(Hold::sentence).collect()
    }

    /// The scores of the whole run.
    pub fn overall(&self) -> Option<f64> {
        self.scores.first().and_then(|scores| scores.overall)
    }
}

/// Decides whether a run may load.
pub fn decide(policy: &Policy, measures: &[Measure]) -> Verdict {
    let all: Vec<&Measure> = measures.iter().collect();
    let mut scores = vec![score(None, &all, &policy.pipeline)];
    let mut reasons = Vec::new();
    for (stream, thresholds) in &policy.streams {
        let own: Vec<&Measure> = measures.iter().filter(|measure| measure.stream == *stream).collect();
        let found = score(Some(stream.clone()), &own, thresholds);
        reasons.extend(holds(stream, &found, &own, thresholds));
        scores.push(found);
    }
    Verdict { reasons, scores }
}

fn score(stream: Option<String>, measures: &[&Measure], thresholds: &Thresholds) -> Scores {
    let dimensions: Vec<Score> = Dimension::ALL
        .into_iter()
        .map(|dimension| {
            let (passed, total) = pooled(dimension, measures);
            let score = (total > 0).then(|| percent(passed, total));
            Score { dimension, score, floor: thresholds.floors[&dimension], passed, total }
        })
        .collect();
    let measured = dimensions.iter().filter_map(|found| Some((found.score?, thresholds.weights[&found.dimension])));
    let (sum, weights) = measured.fold((0.0, 0.0), |(sum, weights), (score, weight)| (sum + score * weight, weights + weight));
    let overall = (weights > 0.0).then(|| sum / weights);
    Scores { stream, dimensions, overall, overall_floor: thresholds.overall }
}

/// What passed and what was looked at in a dimension.
fn pooled(dimension: Dimension, measures: &[&Measure]) -> (u64, u64) {
    let mut passed = 0;
    let mut total = 0;
    let mut rejecting: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for measure in measures.iter().filter(|measure| measure.dimension == dimension) {
        if measure.rejects {
            let (failed, rows) = rejecting.entry((&measure.stream, &measure.plugin)).or_default();
            *failed += measure.total - measure.passed;
            *rows = measure.total.max(*rows);
        } else {
            passed += measure.passed;
            total += measure.total;
        }
    }
    for (failed, rows) in rejecting.values() {
        passed += rows.saturating_sub(*failed);
        total += rows;
    }
    (passed, total)
}

fn holds(stream: &str, scores: &Scores, measures: &[&Measure], thresholds: &Thresholds) -> Vec<Hold> {
    let hold = |rule: String, found, threshold| Hold { stream: stream.to_owned(), rule, found, threshold };
    let mut reasons = Vec::new();
    for found in &scores.dimensions {
        if let Some(score) = found.score.filter(|score| *score < found.floor) {
            reasons.push(hold(found.dimension.name().to_owned(), score, found.floor));
        }
    }
    if let Some(overall) = scores.overall.filter(|overall| *overall < thresholds.overall) {
        reasons.push(hold("overall".to_owned(), overall, thresholds.overall));
    }
    let limits = [(Dimension::Completeness, "nulls", thresholds.nulls), (Dimension::Uniqueness, "duplicates", thresholds.duplicates)];
    for (dimension, name, limit) in limits {
        let worst = measures
            .iter()
            .filter(|measure| measure.dimension == dimension && measure.total > 0)
            .map(|measure| (percent(measure.total - measure.passed, measure.total), measure))
            .max_by(|(a, _), (b, _)| a.total_cmp(b));
        if let Some((share, measure)) = worst.filter(|(share, _)| *share > limit) {
            reasons.push(hold(format!("{name} in {}", measure.columns.join(", ")), share, limit));
        }
    }
    reasons
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts below 2^52 is exact enough in percent")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(gate: &str) -> Policy {
        let text =
            format!("version = 1\nname = \"p\"\n[sources.s]\nplugin = \"x\"\n[streams.orders]\ngate = {{ {gate} }}\n[streams.items]\n");
        Policy::new(&toml::from_str(&text).expect("a pipeline"))
    }

    fn measure(stream: &str, dimension: Dimension, passed: u64, total: u64) -> Measure {
        Measure {
            stream: stream.into(),
            plugin: "q@1".into(),
            dimension,
            rule: "rule".into(),
            columns: vec!["id".into()],
            passed,
            total,
            samples: Vec::new(),
            rejects: false,
        }
    }

    fn sentences(verdict: &Verdict) -> Vec<String> {
        verdict.reasons.iter().map(Hold::sentence).collect()
    }

    #[test]
    fn gate_passes_what_meets_every_floor() {
        let measures = [measure("orders", Dimension::Integrity, 10, 10), measure("orders", Dimension::Completeness, 90, 100)];
        let verdict = decide(&policy(""), &measures);
        assert_eq!(verdict.reasons, []);
        assert_eq!(verdict.overall(), Some(95.0));
    }

    #[test]
    fn gate_holds_the_load_when_a_dimension_is_under_its_floor() {
        let verdict = decide(&policy(""), &[measure("items", Dimension::Integrity, 999, 1000)]);
        assert!(verdict.holds());
        assert_eq!(sentences(&verdict), ["items: integrity is 99.90 %, 0.10 points under its floor of 100 %"]);
    }

    #[test]
    fn a_hair_under_the_floor_does_not_read_as_the_floor() {
        let verdict = decide(&policy(""), &[measure("items", Dimension::Integrity, 9_999_999, 10_000_000)]);
        assert_eq!(sentences(&verdict), ["items: integrity is 99.99999 %, less than 0.01 points under its floor of 100 %"]);
    }

    #[test]
    fn a_streams_own_floor_wins_over_the_default() {
        let measures = [measure("orders", Dimension::Integrity, 95, 100)];
        assert!(decide(&policy(""), &measures).holds());
        assert!(!decide(&policy("floors = { integrity = 90 }"), &measures).holds());
    }

    #[test]
    fn the_worst_column_counts_for_nulls_and_duplicates() {
        let measures = [
            measure("orders", Dimension::Completeness, 100, 100),
            measure("orders", Dimension::Completeness, 79, 100),
            measure("orders", Dimension::Uniqueness, 94, 100),
        ];
        let verdict = decide(&policy("floors = { completeness = 0, uniqueness = 0 }"), &measures);
        assert_eq!(
            sentences(&verdict),
            [
                "orders: nulls in id is 21.00 %, 1.00 points above its limit of 20 %",
                "orders: duplicates in id is 6.00 %, 1.00 points above its limit of 5 %"
            ]
        );
    }

    #[test]
    fn rejected_rows_count_once_against_the_rows_that_came() {
        let rejecting =
            |rule: &str, passed| Measure { rule: rule.into(), rejects: true, ..measure("orders", Dimension::Validity, passed, 100) };
        let verdict = decide(&policy(""), &[rejecting("a", 90), rejecting("b", 95), rejecting("c", 100)]);
        let validity = &verdict.scores[1].dimensions[1];
        assert_eq!((validity.passed, validity.total), (85, 100));
    }

    #[test]
    fn what_nothing_measured_has_no_score_and_no_floor() {
        let verdict = decide(&policy(""), &[]);
        assert!(!verdict.holds());
        assert_eq!(verdict.overall(), None);
    }

    #[test]
    fn weights_shift_the_overall_score() {
        let measures = [measure("orders", Dimension::Integrity, 100, 100), measure("orders", Dimension::Accuracy, 90, 100)];
        let verdict = decide(&policy("weights = { accuracy = 3 }"), &measures);
        assert_eq!(verdict.scores[1].overall, Some(92.5));
    }
}
