//! What the charts draw: options of ECharts, made here from the rows, so that the script in the browser only adds colours and reacts to people.
//!
//! Beside ECharts' own keys a drawing says in `formats` how the values of each series are written (`brl`, `count`); the option itself can
//! hold no function.

use std::collections::HashMap;

use chrono::{Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta};
use serde_json::{Value, json};

use crate::web::warehouses::{Answer, Cell};

/// How an hour is written.
const HOUR: &str = "%Y-%m-%d %H:%M";

/// Revenue and orders over time: `unit` is `month`, `day` or `hour`, and the column of that name.
pub fn sales(answer: &Answer, unit: &str) -> Value {
    let found: HashMap<String, usize> = answer.column(unit).map(Cell::text).enumerate().map(|(row, at)| (at, row)).collect();
    let times = without_gaps(answer, unit);
    let value = |at: &String, column: &str| found.get(at).map_or(0, |row| answer.cell(*row, column).whole());
    let revenue: Vec<_> = times.iter().map(|at| reais(value(at, "revenue_cents"))).collect();
    let orders: Vec<_> = times.iter().map(|at| value(at, "orders_sold")).collect();
    let labels: Vec<_> = times.iter().map(|at| if unit == "month" { at.get(..7).unwrap_or(at) } else { at }).collect();
    let bars = unit != "day";
    // The middle of a label stands below the axis' beginning: half of a long one needs room beside it.
    let left = if unit == "hour" { 28 } else { 8 };
    drawing(
        json!({
            "legend": { "data": ["Revenue (R$)", "Orders sold"] },
            "grid": { "left": left, "right": 8, "top": 44, "bottom": 56, "containLabel": true },
            "dataZoom": [{ "type": "inside", "zoomOnMouseWheel": "ctrl" }, { "type": "slider", "height": 22, "bottom": 8, "showDataShadow": true }],
            "tooltip": { "trigger": "axis" },
            "xAxis": { "type": "category", "data": labels, "axisTick": { "alignWithLabel": true } },
            "yAxis": [
                { "type": "value" },
                { "type": "value", "splitLine": { "show": false }, "minInterval": 1 },
            ],
            "series": [
                { "name": "Revenue (R$)", "type": if bars { "bar" } else { "line" }, "showSymbol": false, "sampling": "lttb", "barMaxWidth": 40, "data": revenue },
                { "name": "Orders sold", "type": "line", "yAxisIndex": 1, "showSymbol": unit == "month", "symbolSize": 6, "data": orders },
            ],
        }),
        &["brl", "count"],
    )
}

/// The times of a column in order, with those in between that have no row.
fn without_gaps(answer: &Answer, unit: &str) -> Vec<String> {
    let known: Vec<_> = answer.column(unit).map(Cell::text).collect();
    if unit == "hour" {
        let hour = |text: &String| NaiveDateTime::parse_from_str(text, HOUR).ok();
        let Some((first, last)) = known.first().and_then(hour).zip(known.last().and_then(hour)) else { return known };
        let next = |hour: &NaiveDateTime| hour.checked_add_signed(TimeDelta::hours(1));
        return std::iter::successors(Some(first), next)
            .take_while(|hour| *hour <= last)
            .map(|hour| hour.format(HOUR).to_string())
            .collect();
    }
    let ends =
        known.first().zip(known.last()).and_then(|(first, last)| Some((first.parse::<NaiveDate>().ok()?, last.parse::<NaiveDate>().ok()?)));
    let Some((first, last)) = ends else { return known };
    let next = |day: &NaiveDate| match unit {
        "month" => day.with_day(1)?.checked_add_months(Months::new(1)),
        _ => day.checked_add_days(Days::new(1)),
    };
    std::iter::successors(Some(first), next).take_while(|day| *day <= last).map(|day| day.to_string()).collect()
}

/// The products, the best on top.
pub fn products(answer: &Answer) -> Value {
    let names: Vec<_> = answer
        .column("product_id")
        .zip(answer.column("category"))
        .map(|(id, category)| format!("{} · {}", words(&category.text()), id.text().chars().take(8).collect::<String>()))
        .collect();
    let revenue: Vec<_> = answer.column("revenue_cents").map(|cents| reais(cents.whole())).collect();
    drawing(lying(&names, &[("Revenue (R$)", &revenue.into())]), &["brl"])
}

/// The segments, by how much they spent.
pub fn segments(answer: &Answer) -> Value {
    let names: Vec<_> = answer.column("segment").map(|segment| words(&segment.text())).collect();
    let customers: Vec<_> = answer.column("customers").map(Cell::whole).collect();
    let spent: Vec<_> = answer.column("total_cents").map(|cents| reais(cents.whole())).collect();
    let mut option = lying(&names, &[("Customers", &customers.into()), ("Spent (R$)", &spent.into())]);
    option["xAxis"] = json!([{ "type": "value", "minInterval": 1 }, { "type": "value", "splitLine": { "show": false } }]);
    option["series"][1]["xAxisIndex"] = json!(1);
    option["legend"] = json!({ "data": ["Customers", "Spent (R$)"] });
    drawing(option, &["count", "brl"])
}

/// The ways of paying, by value.
pub fn payments(answer: &Answer) -> Value {
    let names: Vec<_> = answer.column("payment_type").map(|kind| words(&kind.text())).collect();
    let value: Vec<_> = answer.column("value_cents").map(|cents| reais(cents.whole())).collect();
    drawing(lying(&names, &[("Value (R$)", &value.into())]), &["brl"])
}

/// The states, by their customers.
pub fn states(answer: &Answer) -> Value {
    let names: Vec<_> = answer.column("customer_state").map(Cell::text).collect();
    let customers: Vec<_> = answer.column("customers").map(Cell::whole).collect();
    let spent: Vec<_> = answer.column("total_cents").map(|cents| reais(cents.whole())).collect();
    drawing(
        json!({
            "legend": { "data": ["Customers", "Spent (R$)"], "selected": { "Spent (R$)": false } },
            "grid": { "left": 8, "right": 8, "top": 44, "bottom": 8, "containLabel": true },
            "dataZoom": [{ "type": "inside", "zoomOnMouseWheel": "ctrl" }],
            "tooltip": { "trigger": "axis" },
            "xAxis": { "type": "category", "data": names, "axisLabel": { "interval": 0, "hideOverlap": true } },
            "yAxis": [{ "type": "value", "minInterval": 1 }, { "type": "value", "splitLine": { "show": false } }],
            "series": [
                { "name": "Customers", "type": "bar", "barMaxWidth": 40, "data": customers },
                { "name": "Spent (R$)", "type": "bar", "yAxisIndex": 1, "barMaxWidth": 40, "data": spent },
            ],
        }),
        &["count", "brl"],
    )
}

/// What people spent, in buckets, those who churned on top of those who did not.
pub fn lifetime(answer: &Answer) -> Value {
    let names: Vec<_> = answer.column("spent_brl").map(Cell::text).collect();
    let bar = |name: &str, column: &str| {
        let values: Vec<_> = answer.column(column).map(Cell::whole).collect();
        json!({ "name": name, "type": "bar", "stack": "people", "barMaxWidth": 72, "data": values })
    };
    drawing(
        json!({
            "legend": { "data": ["Active", "Churned"] },
            "grid": { "left": 8, "right": 8, "top": 44, "bottom": 24, "containLabel": true },
            "dataZoom": [{ "type": "inside", "zoomOnMouseWheel": "ctrl" }],
            "tooltip": { "trigger": "axis" },
            "xAxis": { "type": "category", "data": names, "name": "Spent (R$)", "nameLocation": "middle", "nameGap": 28 },
            "yAxis": { "type": "value", "minInterval": 1 },
            "series": [bar("Active", "active"), bar("Churned", "churned")],
        }),
        &["count", "count"],
    )
}

/// Bars that lie, the first on top.
fn lying(names: &[String], series: &[(&str, &Value)]) -> Value {
    let bars: Vec<_> = series.iter().map(|(name, data)| json!({ "name": name, "type": "bar", "barMaxWidth": 22, "data": data })).collect();
    let legend: Vec<_> = series.iter().map(|(name, _)| name).collect();
    json!({
        "legend": { "data": legend },
        "grid": { "left": 8, "right": 24, "top": 44, "bottom": 8, "containLabel": true },
        "dataZoom": [{ "type": "inside", "yAxisIndex": 0, "zoomOnMouseWheel": "ctrl" }],
        "tooltip": { "trigger": "axis", "axisPointer": { "type": "shadow" } },
        "xAxis": { "type": "value" },
        "yAxis": { "type": "category", "inverse": true, "data": names, "axisLabel": { "width": 150, "overflow": "truncate" } },
        "series": bars,
    })
}

fn drawing(option: Value, formats: &[&str]) -> Value {
    json!({ "option": option, "formats": formats })
}

/// Cents as reais, for an axis.
fn reais(cents: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "what is drawn needs no more digits than a screen has points")]
    let cents = cents as f64;
    cents / 100.0
}

/// A name of the data as words: `health_beauty` as `health beauty`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(columns: &[&str], rows: Vec<Vec<Cell>>) -> Answer {
        Answer::new(columns.iter().map(|name| (*name).to_owned()).collect(), rows)
    }

    #[test]
    fn months_and_days_without_orders_are_drawn_as_zero() {
        let row = |day: &str, cents: i64| vec![Cell::Text(day.into()), Cell::Whole(cents), Cell::Whole(1)];
        let columns = ["month", "revenue_cents", "orders_sold"];
        let drawn = sales(&answer(&columns, vec![row("2016-10-01", 150), row("2017-01-01", 250)]), "month");
        assert_eq!(drawn["option"]["xAxis"]["data"], json!(["2016-10", "2016-11", "2016-12", "2017-01"]));
        assert_eq!(drawn["option"]["series"][0]["data"], json!([1.5, 0.0, 0.0, 2.5]));
        let columns = ["day", "revenue_cents", "orders_sold"];
        let drawn = sales(&answer(&columns, vec![row("2018-02-27", 100), row("2018-03-01", 200)]), "day");
        assert_eq!(drawn["option"]["series"][1]["data"], json!([1, 0, 1]));
        assert_eq!(sales(&answer(&columns, Vec::new()), "day")["option"]["xAxis"]["data"], json!([]));
    }

    #[test]
    fn names_stay_data() {
        let row = vec![Cell::Text("</script><b>".into()), Cell::Whole(3), Cell::Whole(700)];
        let drawn = segments(&answer(&["segment", "customers", "total_cents"], vec![row]));
        assert_eq!(drawn["option"]["yAxis"]["data"], json!(["</script><b>"]));
        assert_eq!(drawn["formats"], json!(["count", "brl"]));
    }
}
