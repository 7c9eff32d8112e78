//! What the gate and the rules found in a run: scores against their floors, with those of the runs before, and rule by rule.

use maud::{Markup, html};

use super::{
    super::view::{Tone, badge, bar, count, in_url, percent, table},
    spark::cell,
};
use crate::{
    flow::gate::{Score, Scores, Verdict},
    quality::{Dimension, Measure},
    state::Judged,
};

/// Keys of failed rows that are shown for a rule.
const KEYS: usize = 3;

/// The scores of the runs up to this one, oldest first.
pub(super) fn past(judged: Vec<Judged>) -> Vec<Scores> {
    judged.into_iter().filter_map(|judged| serde_json::from_value(judged.scores).ok()).collect()
}

/// The eight scores of the whole run, and the overall one.
pub(super) fn scores(verdict: &Verdict, past: &[Scores]) -> Markup {
    let Some(all) = verdict.scores.first() else {
        return html! { p.soft { "Nothing was measured." } };
    };
    let of_past = |dimension: Dimension| -> Vec<f64> {
        let one = |scores: &Scores| scores.dimensions.iter().find(|score| score.dimension == dimension)?.score;
        past.iter().filter_map(one).collect()
    };
    let overall: Vec<f64> = past.iter().filter_map(|scores| scores.overall).collect();
    table(
        "Scores",
        &html! {
            table {
                caption { "Scores of the whole run in percent. The mark on a bar is the floor. The gate judges each stream." }
                thead {
                    tr {
                        th scope="col" { "Dimension" } th.n scope="col" { "Score" } th scope="col" { "Against the floor" } th.n scope="col" { "Floor" }
                        th.n scope="col" { "Passed" } th.n scope="col" { "Looked at" } th scope="col" { "Runs before" } th scope="col" { "Gate" }
                    }
                }
                tbody {
                    @for score in &all.dimensions { (score_row(score, verdict, &of_past(score.dimension))) }
                    tr {
                        th scope="row" { "Overall" }
                        td.n { @if let Some(score) = all.overall { strong { (percent(score)) } } @else { span.none { "not measured" } } }
                        td { @if let Some(score) = all.overall { (bar(score, Some(all.overall_floor), tone(score, all.overall_floor))) } }
                        td.n { (percent(all.overall_floor)) } td.n {} td.n {}
                        td { (cell(&overall, "Overall score of the runs before")) }
                        td { (said(verdict, "overall", all.overall.is_some())) }
                    }
                }
            }
        },
    )
}

fn score_row(score: &Score, verdict: &Verdict, past: &[f64]) -> Markup {
    let name = score.dimension.name();
    html! {
        tr {
            th scope="row" { (name) }
            td.n { @if let Some(found) = score.score { (percent(found)) } @else { span.none { "not measured" } } }
            td { @if let Some(found) = score.score { (bar(found, Some(score.floor), tone(found, score.floor))) } }
            td.n { (percent(score.floor)) }
            td.n { (count(score.passed)) } td.n { (count(score.total)) }
            td { (cell(past, &format!("{name} of the runs before"))) }
            td { (said(verdict, name, score.score.is_some())) }
        }
    }
}

fn tone(score: f64, floor: f64) -> Tone {
    if score < floor { Tone::Warn } else { Tone::Good }
}

/// What the gate said of a dimension, over all streams.
fn said(verdict: &Verdict, rule: &str, measured: bool) -> Markup {
    let holds: Vec<_> = verdict.reasons.iter().filter(|hold| hold.rule == rule).map(|hold| hold.stream.as_str()).collect();
    html! {
        @if !holds.is_empty() { (badge(Tone::Warn, "hold")) " " span.soft { (holds.join(", ")) } }
        @else if measured { (badge(Tone::Good, "pass")) }
        @else { span.none { "–" } }
    }
}

/// The scores of each stream, for those who want to know which one is at fault.
pub(super) fn by_stream(verdict: &Verdict) -> Markup {
    let streams: Vec<_> = verdict.scores.iter().filter_map(|scores| Some((scores.stream.as_deref()?, scores))).collect();
    table(
        "Scores by stream",
        &html! {
            table {
                caption { "Scores by stream in percent; those under their floor are marked." }
                thead {
                    tr {
                        th scope="col" { "Stream" }
                        @for dimension in Dimension::ALL { th.n scope="col" { (dimension.name()) } }
                        th.n scope="col" { "overall" }
                    }
                }
                tbody {
                    @for (stream, scores) in streams {
                        tr {
                            th scope="row" { (stream) }
                            @for score in &scores.dimensions { td.n { (small(score.score, score.floor)) } }
                            td.n { (small(scores.overall, scores.overall_floor)) }
                        }
                    }
                }
            }
        },
    )
}

fn small(score: Option<f64>, floor: f64) -> Markup {
    match score {
        Some(score) if score < floor => badge(Tone::Warn, &percent(score)),
        Some(score) => html! { (percent(score)) },
        None => html! { span.none { "–" } },
    }
}

/// What each rule counted: those with failures first, worst first; the rest folded away.
pub(super) fn measures(run_url: &str, measures: &[Measure]) -> Markup {
    let mut failed: Vec<_> = measures.iter().filter(|measure| measure.passed < measure.total).collect();
    failed.sort_by(|a, b| share(a).total_cmp(&share(b)).then_with(|| a.rule.cmp(&b.rule)));
    let clean: Vec<_> = measures.iter().filter(|measure| measure.passed >= measure.total).collect();
    html! {
        @if failed.is_empty() { p.soft { "No rule found anything." } } @else {
            (table("Rules that found something", &rules(run_url, "Rules that found something, worst first.", &failed)))
        }
        @if !clean.is_empty() {
            details.box {
                summary { (clean.len()) " rules found nothing" }
                (table("Rules that found nothing", &rules(run_url, "Rules that found nothing.", &clean)))
            }
        }
    }
}

/// The share in percent that passed; 100 of nothing.
fn share(measure: &Measure) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share is shown with two decimals")]
    if measure.total == 0 { 100.0 } else { measure.passed as f64 / measure.total as f64 * 100.0 }
}

fn rules(run_url: &str, caption: &str, measures: &[&Measure]) -> Markup {
    html! {
        table {
            caption { (caption) }
            thead {
                tr {
                    th scope="col" { "Stream" } th scope="col" { "Columns" } th scope="col" { "Rule" } th scope="col" { "Dimension" }
                    th.n scope="col" { "Passed" } th.n scope="col" { "Failed" } th.n scope="col" { "Looked at" } th scope="col" { "Keys of failed rows" } th scope="col" { "Plugin" }
                }
            }
            tbody {
                @for measure in measures {
                    tr {
                        th scope="row" { (measure.stream) }
                        td { @if measure.columns.is_empty() { span.none { "–" } } @else { div.tags { @for column in &measure.columns { span.tag { (column) } } } } }
                        td { (measure.rule) } td { (measure.dimension) }
                        td.n { (percent(share(measure))) }
                        td.n { (failures(run_url, measure)) }
                        td.n { (count(measure.total)) }
                        td.wide { @if measure.samples.is_empty() { span.none { "–" } } @else { code { (measure.samples.iter().take(KEYS).cloned().collect::<Vec<_>>().join("; ")) } } }
                        td.nowrap { (measure.plugin) }
                    }
                }
            }
        }
    }
}

/// How many failed; rows that were rejected can be looked at.
fn failures(run_url: &str, measure: &Measure) -> Markup {
    let failed = measure.total.saturating_sub(measure.passed);
    html! {
        @if measure.rejects && failed > 0 {
            a href={ (run_url) "/rejected?stream=" (in_url(&measure.stream)) "&rule=" (in_url(&measure.rule)) } { (count(failed)) }
        } @else { (count(failed)) }
    }
}
