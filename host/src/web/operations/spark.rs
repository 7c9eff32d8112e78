//! Small lines of numbers over runs, drawn on the server: readable without a script, with a table of the same numbers behind them.

use maud::{Markup, html};

use super::{
    super::view::{in_url, table, time},
    trend::Judged,
};
use crate::state::RunId;
use chrono::{DateTime, Utc};

/// A number of a run.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// The run.
    pub run: RunId,
    /// When it started.
    pub at: DateTime<Utc>,
    /// Its number, judged by the runs before.
    pub judged: Judged,
}

/// What a line shows.
pub(super) struct Line<'l> {
    /// Its pipeline.
    pub pipeline: &'l str,
    /// What is counted.
    pub name: &'l str,
    /// How a value is written.
    pub show: fn(f64) -> String,
    /// The least value that is asked for, if any.
    pub floor: Option<f64>,
}

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 96.0;
const MARGIN: f64 = 6.0;

/// A figure with the line, marks on what is unusual, and its table.
pub(super) fn figure(line: &Line<'_>, points: &[Point]) -> Markup {
    let odd = points.iter().filter(|point| point.judged.is_odd()).count();
    let last = points.last().map_or_else(String::new, |point| (line.show)(point.judged.value));
    let label = format!("{} over {} runs; the last is {last}; {odd} unusual", line.name, points.len());
    html! {
        figure.figure.card {
            figcaption { (line.name) " " span.soft { (last) } }
            @if points.len() > 1 { (drawing(line, points, &label)) } @else { p.soft { "A line needs two runs." } }
            p.key { "Shaded: what was usual before. " (odd) " of " (points.len()) " runs are unusual." }
            details {
                summary { "Table" }
                (table(&format!("{} by run", line.name), &numbers(line, points)))
            }
        }
    }
}

fn numbers(line: &Line<'_>, points: &[Point]) -> Markup {
    html! {
        table {
            caption { (line.name) " by run, newest first" }
            thead { tr { th scope="col" { "Run" } th scope="col" { "Started" } th.n scope="col" { (line.name) } th.n scope="col" { "Usual" } th scope="col" { "Mark" } } }
            tbody {
                @for point in points.iter().rev() {
                    tr class=[point.judged.is_odd().then_some("flagged")] {
                        th scope="row" { a href=(run_url(line.pipeline, &point.run)) { (point.run) } }
                        td { (time(point.at)) }
                        td.n { ((line.show)(point.judged.value)) }
                        td.n { @if let Some(usual) = point.judged.usual { ((line.show)(usual.median)) } @else { span.none { "–" } } }
                        td.wide { @if let Some(why) = point.judged.sentence(line.name, line.show) { (why) } @else { span.none { "–" } } }
                    }
                }
            }
        }
    }
}

fn drawing(line: &Line<'_>, points: &[Point], label: &str) -> Markup {
    let bands = points.iter().filter_map(|point| point.judged.usual.map(|usual| usual.band()));
    let values = points.iter().map(|point| point.judged.value).chain(line.floor);
    let (low, high) = range(values, bands);
    let y = |value: f64| HEIGHT - MARGIN - (value.clamp(low, high) - low) / (high - low) * (HEIGHT - 2.0 * MARGIN);
    #[expect(clippy::cast_precision_loss, reason = "a line has hundreds of points at most")]
    let x = |place: usize| MARGIN + place as f64 / (points.len() - 1) as f64 * (WIDTH - 2.0 * MARGIN);
    let path = |pairs: &mut dyn Iterator<Item = (f64, f64)>| pairs.map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
    let banded: Vec<_> = points.iter().enumerate().filter_map(|(place, point)| Some((x(place), point.judged.usual?.band()))).collect();
    let above = banded.iter().map(|(x, (_, high))| (*x, y(*high)));
    let below = banded.iter().rev().map(|(x, (low, _))| (*x, y(*low)));
    html! {
        svg.trend viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
            @if banded.len() > 1 { polygon.band points=(path(&mut above.chain(below))) {} }
            @if let Some(floor) = line.floor { line.floor x1="0" x2=(WIDTH) y1=(format!("{:.1}", y(floor))) y2=(format!("{:.1}", y(floor))) {} }
            polyline.line points=(path(&mut points.iter().enumerate().map(|(place, point)| (x(place), y(point.judged.value))))) {}
            @for (place, point) in points.iter().enumerate().filter(|(_, point)| point.judged.is_odd()) {
                a href=(run_url(line.pipeline, &point.run)) aria-label={ "Unusual: run " (point.run) ", " ((line.show)(point.judged.value)) } {
                    path.odd d=(format!("M{:.1},{:.1}h0.01", x(place), y(point.judged.value))) {
                        title { (point.run) ": " ((line.show)(point.judged.value)) }
                    }
                }
            }
        }
    }
}

/// The least and the greatest of the values, and of bands as far as they are not wildly wider; never an empty range.
fn range(values: impl Iterator<Item = f64>, bands: impl Iterator<Item = (f64, f64)>) -> (f64, f64) {
    let (mut low, mut high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let room = (high - low).max(1.0) * 0.5;
    let (floor, ceiling) = (low - room, high + room);
    for (least, most) in bands {
        low = low.min(least.max(floor));
        high = high.max(most.min(ceiling));
    }
    if low.is_finite() && high - low > f64::EPSILON { (low, high) } else { (low.min(0.0), low.max(0.0) + 1.0) }
}

/// Where a run's page is.
pub(super) fn run_url(pipeline: &str, run: &RunId) -> String {
    format!("/runs/{}/{run}", in_url(pipeline))
}

/// A line without axes for the cell of a table: the scores of past runs, from 0 to 100 or from the lowest.
pub(super) fn cell(values: &[f64], label: &str) -> Markup {
    if values.len() < 2 {
        return html! { span.none { "–" } };
    }
    let (low, high) = range(values.iter().copied(), std::iter::empty());
    #[expect(clippy::cast_precision_loss, reason = "a line has dozens of points at most")]
    let place = |(place, value): (usize, &f64)| {
        let x = 2.0 + place as f64 / (values.len() - 1) as f64 * 92.0;
        format!("{x:.1},{:.1}", 20.0 - (value - low) / (high - low) * 16.0)
    };
    let path: Vec<_> = values.iter().enumerate().map(place).collect();
    html! {
        svg.spark viewBox="0 0 96 24" width="96" height="24" role="img" aria-label=(label) { polyline points=(path.join(" ")) {} }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::trend::{Scale, judge},
        *,
    };

    #[test]
    fn a_figure_has_its_numbers_as_text_and_marks_what_is_unusual() {
        let at: DateTime<Utc> = "2026-11-27T06:00:00Z".parse().unwrap();
        let judged = judge(&[100.0, 101.0, 99.0, 100.0, 102.0, 12.0], Scale::Volume);
        let points: Vec<_> = judged.into_iter().map(|judged| Point { run: RunId::new(at, 7), at, judged }).collect();
        let line = Line { pipeline: "shop", name: "Rows read", show: |value| format!("{value:.0}"), floor: Some(50.0) };
        let text = figure(&line, &points).into_string();
        assert_eq!(text.matches("class=\"odd\"").count(), 1);
        assert!(text.contains("1 unusual") && text.contains("deviations under the median 100") && !text.contains("NaN"), "{text}");
        for few in [&points[..0], &points[..1]] {
            let text = figure(&line, few).into_string();
            assert!(text.contains("needs two runs") && !text.contains("NaN"), "{text}");
        }
        assert!(!cell(&[98.0, 98.0, 98.0], "x").into_string().contains("NaN"));
    }
}
