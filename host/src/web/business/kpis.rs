//! The cards of the overview: five figures, each with its change against the period before.

use maud::{Markup, html};

use super::{
    charts::statement,
    figure::{cents, count, number, reais},
    filters::{Filters, Period},
};
use crate::web::{
    view::{count as thousands, percent},
    warehouses::{Answer, Cell, Question},
};

/// The statement behind the cards.
const SQL: &str = statement!("kpis");

/// The tables that it reads.
pub const NEEDS: &[&str] = &["fact_orders", "fact_order_items", "dim_customers", "dim_products"];

/// What the cards ask.
pub fn question(filters: &Filters, period: &Period) -> Question {
    let mut more = vec![("from", period.from.to_string()), ("to", period.to.to_string())];
    if let Some((from, to)) = period.before {
        more.extend([("before_from", from.to_string()), ("before_to", to.to_string())]);
    }
    Question::Relations(filters.bind(SQL, &more))
}

/// The figures of a period.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Figures {
    placed: i64,
    orders: i64,
    revenue_cents: i64,
    average_cents: Option<i64>,
    late: Option<f64>,
    review: Option<f64>,
    reviewed: i64,
    delivered: i64,
}

impl Figures {
    /// Those of `now` or `before`; none where that period has no orders.
    fn of(answer: &Answer, period: &str) -> Option<Self> {
        let row = answer.column("period").position(|cell| cell.text() == period)?;
        let cell = |column| answer.cell(row, column);
        let whole = |column| cell(column).whole();
        let delivered = whole("delivered");
        #[expect(clippy::cast_precision_loss, reason = "a percentage with two decimals")]
        let late = (delivered > 0).then(|| whole("delivered_late") as f64 * 100.0 / delivered as f64);
        Some(Self {
            placed: whole("orders_placed"),
            orders: whole("orders_sold"),
            revenue_cents: whole("revenue_cents"),
            average_cents: Some(cell("average_order_brl")).filter(|cell| **cell != Cell::Null).map(cents),
            late,
            review: cell("review_score").number(),
            reviewed: whole("reviewed"),
            delivered,
        })
    }
}

/// A change, in words, and whether it is welcome.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    text: String,
    class: &'static str,
    up: Option<bool>,
}

/// How a figure changed. `more_is_good` says which direction is welcome.
fn change(now: Option<f64>, before: Option<f64>, more_is_good: bool, write: impl Fn(f64, f64) -> Option<String>) -> Option<Change> {
    let (now, before) = (now?, before?);
    let text = write(now, before)?;
    let up = match now.total_cmp(&before) {
        std::cmp::Ordering::Equal => None,
        order => Some(order.is_gt()),
    };
    let class = match up {
        None => "quiet",
        Some(up) if up == more_is_good => "good",
        Some(_) => "bad",
    };
    Some(Change { text, class, up })
}

fn relative(now: f64, before: f64) -> Option<String> {
    (before != 0.0).then(|| percent(((now - before) / before).abs() * 100.0))
}

/// The cards. `run` is where every figure links to.
pub fn cards(answer: &Answer, period: &Period, run: Option<&str>) -> Markup {
    let now = Figures::of(answer, "now").unwrap_or_default();
    let before = period.before.and_then(|_| Figures::of(answer, "before"));
    let why_none = match (period.before, before) {
        (None, _) => "the data does not reach back as many days before it",
        (Some(_), None) => "there were no orders in as many days before it",
        _ => "nothing to compare with",
    };
    #[expect(clippy::cast_precision_loss, reason = "only a rounded change is made of it")]
    let float = |figure: fn(&Figures) -> Option<i64>| move |figures: &Figures| figure(figures).map(|figure| figure as f64);
    let compare = |of: &dyn Fn(&Figures) -> Option<f64>, good, write: fn(f64, f64) -> Option<String>| {
        change(of(&now), before.as_ref().and_then(of), good, write)
    };
    let points = |now: f64, before: f64| Some(format!("{} pp", number((now - before).abs())));
    let difference = |now: f64, before: f64| Some(number((now - before).abs()));
    let shown = [
        ("Orders", count(now.orders), format!("of {} placed", count(now.placed)), compare(&float(|f| Some(f.orders)), true, relative)),
        ("Revenue", reais(now.revenue_cents), "price without freight".into(), compare(&float(|f| Some(f.revenue_cents)), true, relative)),
        (
            "Average order value",
            now.average_cents.map_or_else(|| "–".into(), reais),
            "price and freight".into(),
            compare(&float(|f| f.average_cents), true, relative),
        ),
        (
            "Late",
            now.late.map_or_else(|| "–".into(), percent),
            format!("of {} delivered", count(now.delivered)),
            compare(&|f| f.late, false, points),
        ),
        (
            "Review score",
            now.review.map_or_else(|| "–".into(), |score| format!("{score:.2}")),
            format!("of 5 · {} reviewed", count(now.reviewed)),
            compare(&|f| f.review, true, difference),
        ),
    ];
    html! {
        section aria-label="Key figures" {
            div.kpis {
                @for (label, value, note, change) in &shown {
                    div.kpi {
                        div.label { (label) }
                        div.value { (linked(run, value)) }
                        div.hint { (note) }
                        @match change {
                            Some(change) => div.hint { (delta(change)) " than before" },
                            None => div.hint { "no period before" },
                        }
                    }
                }
            }
            p.hint {
                "From " (period.from) " to " (period.to) " (" (thousands(u64::try_from((period.to - period.from).num_days() + 1).unwrap_or(0))) " days)"
                @match (period.before, before) {
                    (Some((from, to)), Some(_)) => { ", compared with as many days before: " (from) " to " (to) "." },
                    _ => { "; there is no period before to compare with: " (why_none) "." },
                }
            }
        }
    }
}

/// A figure as a link to the run that loaded it.
pub fn linked(run: Option<&str>, value: &str) -> Markup {
    html! {
        @match run {
            Some(run) => a href=(run) title="The run that loaded this" { (value) },
            None => (value),
        }
    }
}

fn delta(change: &Change) -> Markup {
    let (sign, word) = match change.up {
        Some(true) => ("▲", "more"),
        Some(false) => ("▼", "less"),
        None => ("=", "no other"),
    };
    html! {
        span class={ "delta " (change.class) } {
            span aria-hidden="true" { (sign) }
            @if change.up.is_some() { (change.text) " " (word) } @else { (word) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[(&str, i64, i64, &str, i64, &str)]) -> Answer {
        let names = [
            "period",
            "orders_placed",
            "orders_sold",
            "revenue_cents",
            "average_order_brl",
            "delivered",
            "delivered_late",
            "reviewed",
            "review_score",
        ];
        let row = |(period, orders, revenue, average, late, score): &(&str, i64, i64, &str, i64, &str)| {
            let text = |text: &str| Cell::Text(text.into());
            let whole = [*orders, *orders, *revenue].map(Cell::Whole);
            let [placed, sold, revenue] = whole;
            vec![text(period), placed, sold, revenue, text(average), Cell::Whole(100), Cell::Whole(*late), Cell::Whole(9), text(score)]
        };
        Answer::new(names.map(str::to_owned).to_vec(), rows.iter().map(row).collect())
    }

    fn period(before: bool) -> Period {
        let day = |text: &str| text.parse().unwrap();
        Period { from: day("2018-02-01"), to: day("2018-02-28"), before: before.then(|| (day("2018-01-04"), day("2018-01-31"))) }
    }

    #[test]
    fn a_change_says_whether_it_is_welcome() {
        let rows = [("now", 110, 900, "20.00", 8, "4.10"), ("before", 100, 1000, "20.00", 7, "4.00")];
        let text = cards(&answer(&rows), &period(true), Some("/runs/olist/r1")).into_string();
        for part in [
            "<span class=\"delta good\"><span aria-hidden=\"true\">▲</span>10 % more</span>",
            "<span class=\"delta bad\"><span aria-hidden=\"true\">▼</span>10 % less</span>",
            "<span class=\"delta quiet\"><span aria-hidden=\"true\">=</span>no other</span>",
            "<span class=\"delta bad\"><span aria-hidden=\"true\">▲</span>1 pp more</span>",
            "<span class=\"delta good\"><span aria-hidden=\"true\">▲</span>0.1 more</span>",
            "compared with as many days before: 2018-01-04 to 2018-01-31",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert_eq!(text.matches("href=\"/runs/olist/r1\"").count(), 5);
    }

    #[test]
    fn where_there_is_no_period_before_the_cards_say_so() {
        let rows = [("now", 110, 900, "20.00", 8, "4.10")];
        let text = cards(&answer(&rows), &period(false), None).into_string();
        assert_eq!(text.matches("no period before</div>").count(), 5);
        assert!(text.contains("the data does not reach back"));
        assert!(cards(&answer(&rows), &period(true), None).into_string().contains("there were no orders in as many days"));
    }
}
