//! The overview of a pipeline with a star schema: figures, charts with their tables, and the filters.
//!
//! What always holds here: what can't be shown is said in its place; the page is there all the same. Every figure leads to the run that loaded
//! it. (`tests/suite/web/business`)

use std::sync::Arc;

use chrono::NaiveDate;
use futures::future::join_all;
use maud::{Markup, PreEscaped, html};
use serde_json::Value;

use super::{
    charts::{BY_HOUR, CHARTS, Chart, HOURLY_DAYS, statement},
    figure::{Show, count},
    filters::{Choices, Filters, Period},
    kpis,
};
use crate::{
    config::Loaded,
    web::{
        view::{icon, in_url, table},
        warehouses::{Answer, Cell, Question, Snapshot, Trouble},
    },
};

/// The least that an overview needs.
const STAR: [&str; 1] = ["fact_orders"];

/// Whether there is a star schema to show.
pub fn has_star(snapshot: &Snapshot) -> bool {
    let day =
        |name: &str| snapshot.table(name).is_some_and(|table| table.columns.iter().any(|column| column.name == "order_purchase_date"));
    STAR.into_iter().all(day)
}

/// What the data offers to filter by.
pub async fn choices(snapshot: &Snapshot) -> Result<Choices, Trouble> {
    let span = snapshot.ask(&Question::Tables(statement!("span").to_owned())).await?;
    let day = |column| span.cell(0, column).text().parse::<NaiveDate>().ok();
    let span = day("first_day").zip(day("last_day"));
    // Without dimensions there is only the period to choose.
    if ["dim_customers", "dim_products"].iter().any(|table| snapshot.table(table).is_none()) {
        return Ok(Choices { span, ..Choices::default() });
    }
    let choices = snapshot.ask(&Question::Tables(statement!("choices").to_owned())).await?;
    let of = |kind: &str| {
        let rows = choices.column("kind").zip(choices.column("choice"));
        rows.filter(|(found, _)| found.text() == kind).map(|(_, choice)| choice.text()).collect()
    };
    Ok(Choices { span, states: of("state"), categories: of("category") })
}

/// Everything that the page shows.
pub struct Overview<'a> {
    /// The pipeline.
    pub loaded: &'a Loaded,
    /// Its warehouse.
    pub snapshot: &'a Snapshot,
    /// What there is to filter by.
    pub choices: &'a Choices,
    /// The filters in force.
    pub filters: &'a Filters,
    /// What is wrong with the filters that were asked for.
    pub messages: &'a [String],
    /// The names of all pipelines, to change to.
    pub pipelines: &'a [String],
}

type Found = Result<Arc<Answer>, Trouble>;

impl Overview<'_> {
    fn name(&self) -> &str {
        &self.loaded.pipeline.name
    }

    /// Where the figures come from: the run of the last load.
    fn run(&self) -> Option<String> {
        run_url(self.name(), self.snapshot)
    }

    /// The content of the page.
    pub async fn body(&self) -> Markup {
        let period = self.filters.period(self.choices);
        let Some(period) = period.filter(|period| period.from <= period.to) else {
            return html! {
                (self.head())
                (self.filter_form())
                (crate::web::view::empty("There are no orders in this period.", "Choose other days, or show all of them."))
            };
        };
        let (cards, found) = tokio::join!(self.cards(&period), self.answers());
        html! {
            (self.head())
            (self.filter_form())
            (cards)
            div.grid {
                @for (chart, found) in &found { (self.card(chart, found)) }
            }
        }
    }

    /// The answers of all charts, asked for at once. The chart by the hour is there where TimescaleDB is.
    async fn answers(&self) -> Vec<(&'static Chart, Found)> {
        let hourly = self.snapshot.table("hourly_sales").map(|_| &BY_HOUR);
        let asked = CHARTS.iter().chain(hourly).map(|chart| async move {
            let missing = chart.missing(self.snapshot);
            let found = match missing.as_slice() {
                [] => self.snapshot.ask(&chart.question(self.filters, self.choices, self.snapshot, self.loaded)).await,
                missing => Err(Trouble {
                    what: format!("The warehouse has no table {}.", missing.join(", ")),
                    hint: Some("The statements in sql/star make it; a run of the pipeline fills it.".into()),
                }),
            };
            (chart, found)
        });
        join_all(asked).await
    }

    async fn cards(&self, period: &Period) -> Markup {
        if let Some(missing) = kpis::NEEDS.iter().find(|table| self.snapshot.table(table).is_none()) {
            let what = format!("The warehouse has no table {missing}, so there are no key figures.");
            return trouble(&Trouble { what, hint: None });
        }
        match self.snapshot.ask(&kpis::question(self.filters, period)).await {
            Ok(answer) => html! {
                (kpis::cards(&answer, period, self.run().as_deref()))
                p.hint { (self.csv_link("kpis", "Key figures")) }
            },
            Err(failed) => trouble(&failed),
        }
    }

    fn head(&self) -> Markup {
        let name = self.name();
        let standing = self.snapshot.standing();
        html! {
            div.head {
                div.title {
                    h1 { "Overview of " (name) }
                    p.lead {
                        @match (&standing.run, self.run()) {
                            (Some(run), Some(url)) => { "As loaded by run " a href=(url) { (run) } "." },
                            _ => "This pipeline has loaded nothing here yet.",
                        }
                    }
                }
                div.actions {
                    @for other in self.pipelines.iter().filter(|other| *other != name) {
                        a.button href={ "/overview/" (in_url(other)) } { (other) }
                    }
                    a.button href={ "/data/" (in_url(name)) } { (icon("table")) "Tables" }
                }
            }
            @if !self.messages.is_empty() {
                div.note.warn role="status" {
                    (icon("flag"))
                    div { @for message in self.messages { p { (message) } } }
                }
            }
        }
    }

    /// Filters as a form whose fields are the URL's.
    fn filter_form(&self) -> Markup {
        let filters = self.filters;
        let day = |day: Option<NaiveDate>| day.map(|day| day.to_string());
        let (first, last) = self.choices.span.unzip();
        let select = |id: &str, label: &str, all: &str, known: &[String], chosen: Option<&String>| {
            html! {
                div.field {
                    label for=(id) { (label) }
                    select id=(id) name=(id) {
                        option value="" { (all) }
                        @for choice in known { option value=(choice) selected[Some(choice) == chosen] { (choice.replace('_', " ")) } }
                    }
                }
            }
        };
        html! {
            form.filters method="get" action={ "/overview/" (in_url(self.name())) } aria-label="Filters" {
                div.field {
                    label for="from" { "From" }
                    input id="from" name="from" type="date" value=[day(filters.from)] min=[day(first)] max=[day(last)];
                }
                div.field {
                    label for="to" { "To" }
                    input id="to" name="to" type="date" value=[day(filters.to)] min=[day(first)] max=[day(last)];
                }
                (select("state", "State", "All states", &self.choices.states, filters.state.as_ref()))
                (select("category", "Category", "All categories", &self.choices.categories, filters.category.as_ref()))
                button.primary { "Apply" }
                @if !filters.is_empty() { a.button href={ "/overview/" (in_url(self.name())) } { "Show all" } }
            }
            @if let Some(last) = last {
                p.hint {
                    "Last day with orders: " (last) ". Show its "
                    @for (at, (days, words)) in [(30, "last 30 days"), (90, "last 90 days"), (365, "last 365 days")].into_iter().enumerate() {
                        @if at > 0 { ", " }
                        a href=(self.last_days(last, days)) { (words) }
                    }
                    "."
                }
            }
        }
    }

    fn last_days(&self, last: NaiveDate, days: u64) -> String {
        let from = last.checked_sub_days(chrono::Days::new(days - 1));
        let filters = Filters { from, to: Some(last), ..self.filters.clone() };
        format!("/overview/{}{}", in_url(self.name()), filters.query())
    }

    fn csv_link(&self, id: &str, title: &str) -> Markup {
        let href = format!("/overview/{}/{id}.csv{}", in_url(self.name()), self.filters.query());
        html! { a href=(href) download { "CSV" span.visually-hidden { " of " (title) } } }
    }

    fn card(&self, chart: &Chart, found: &Found) -> Markup {
        html! {
            section class={ "card " (chart.place) } id={ "chart-" (chart.id) } {
                figure.chart {
                    figcaption { h2 { (chart.title) } }
                    p.hint { (chart.lead) (self.limits(chart)) }
                    @match found {
                        Err(failed) => (trouble(failed)),
                        Ok(answer) if answer.rows.is_empty() => (crate::web::view::empty("No orders.", "There are none with these filters.")),
                        Ok(answer) => {
                            @if chart.id == "lifetime-value" { (people(answer)) }
                            (canvas(chart, answer))
                            (self.table(chart, answer))
                        }
                    }
                }
            }
        }
    }

    /// What a chart does not follow the filters in.
    fn limits(&self, chart: &Chart) -> &'static str {
        let narrowed = self.filters.state.is_some() || self.filters.category.is_some();
        match chart.id {
            id if id == BY_HOUR.id && narrowed => " It can't be narrowed to a state or category: it shows all.",
            _ => "",
        }
    }

    fn table(&self, chart: &Chart, answer: &Answer) -> Markup {
        let rows = html! {
            table {
                caption { (chart.title) ": " (count(i64::try_from(answer.rows.len()).unwrap_or(i64::MAX))) " rows" }
                thead { tr { @for (_, heading, show) in chart.columns { th scope="col" class=[n(*show)] { (heading) } } } }
                tbody {
                    @for row in 0..answer.rows.len() {
                        tr {
                            @for (at, (column, _, show)) in chart.columns.iter().enumerate() {
                                @let value = show.text(answer.cell(row, column));
                                @if at == 0 { th scope="row" class=[n(*show)] { (value) } } @else { td class=[n(*show)] { (value) } }
                            }
                        }
                    }
                }
            }
        };
        html! {
            details {
                summary { "Table" span.visually-hidden { " of " (chart.title) } }
                (table(chart.title, &rows))
            }
            p.hint {
                (self.csv_link(chart.id, chart.title))
                @if chart.id == BY_HOUR.id { " · the last " (HOURLY_DAYS) " days of the period" }
                @if let (Some(run), Some(url)) = (&self.snapshot.standing().run, self.run()) {
                    " · run " a href=(url) { (run) span.visually-hidden { ", which loaded " (chart.title) } }
                }
            }
        }
    }
}

/// The page of the run that loaded last.
pub fn run_url(pipeline: &str, snapshot: &Snapshot) -> Option<String> {
    let run = snapshot.standing().run.as_deref()?;
    Some(format!("/runs/{}/{}", in_url(pipeline), in_url(run)))
}

fn n(show: Show) -> Option<&'static str> {
    show.is_number().then_some("n")
}

/// The people behind the buckets, in one sentence.
fn people(answer: &Answer) -> Markup {
    let sum = |column: &str| answer.column(column).map(Cell::whole).sum::<i64>();
    let (people, spent) = (sum("customers"), sum("total_cents"));
    if people == 0 {
        return html! {};
    }
    #[expect(clippy::cast_precision_loss, reason = "a percentage with two decimals")]
    let share = |part: i64| crate::web::view::percent(part as f64 * 100.0 / people as f64);
    html! {
        p {
            strong { (count(people)) } " people spent " strong { (super::figure::reais(spent / people)) } " each; "
            strong { (share(sum("churned"))) } " have churned, " strong { (share(sum("came_back"))) } " bought more than once."
        }
    }
}

/// The place where the script draws, with what it draws.
fn canvas(chart: &Chart, answer: &Answer) -> Markup {
    let drawing = (chart.draw)(answer);
    let id = format!("drawing-{}", chart.id);
    html! {
        div.canvas data-chart=(id) role="img" tabindex="0" aria-label={ (chart.title) ". Its values are in the table below." } {}
        script type="application/json" id=(id) { (PreEscaped(in_script(&drawing))) }
        noscript { p.hint { "Without scripts there is no drawing; the table below has all of it." } }
    }
}

/// JSON that may stand in a script element: nothing in it ends the element or begins a comment.
fn in_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// What can't be shown, in its place.
pub fn trouble(trouble: &Trouble) -> Markup {
    html! {
        div.note.bad role="status" {
            (icon("cross"))
            div {
                p { (trouble.what) }
                @if let Some(hint) = &trouble.hint { p { (hint) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_drawing_ends_its_script() {
        let value = serde_json::json!({ "name": "</script><!-- & \u{2028}" });
        let text = in_script(&value);
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn trouble_is_shown_as_text() {
        let failed = Trouble { what: "Failed to read `<b>`.".into(), hint: Some("Ask \"ana\".".into()) };
        let text = trouble(&failed).into_string();
        assert!(text.contains("`&lt;b&gt;`") && text.contains("Ask &quot;ana&quot;."), "{text}");
    }
}
