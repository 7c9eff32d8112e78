//! The page of a table: filters for each column, rows with links that sort, the pages before and after.

use maud::{Markup, html};

use super::asked::{Asked, PAGES, Table};
use crate::{
    warehouse::{ColumnInfo, ColumnKind},
    web::{
        view::{count, crumbs, empty, icon, in_url, table as scrolling},
        warehouses::Cell,
    },
};

/// Letters of a text that a row shows; the rest unfolds.
const SHORT: usize = 80;
/// Letters that unfold; whoever wants all of a longer text downloads it.
const LONG: usize = 20_000;

/// What the page shows.
pub struct Shown<'a> {
    /// The pipeline.
    pub pipeline: &'a str,
    /// The table.
    pub table: Table<'a>,
    /// What was asked.
    pub asked: &'a Asked,
    /// What of it can't be used.
    pub messages: &'a [String],
    /// The rows with these filters.
    pub total: u64,
    /// The rows of the page.
    pub rows: &'a [Vec<Cell>],
    /// The rows of a download at most.
    pub most: u64,
}

impl Shown<'_> {
    fn url(&self, query: &str) -> String {
        format!("/data/{}/{}{query}", in_url(self.pipeline), in_url(&self.table.info.name))
    }

    /// The content of the page; `run` is the page of the run that loaded last.
    pub fn body(&self, run: Option<&str>) -> Markup {
        let name = &self.table.info.name;
        let csv = format!("/data/{}/{}.csv{}", in_url(self.pipeline), in_url(name), self.asked.first().query());
        html! {
            (crumbs(&[("/data", "Data"), (&format!("/data/{}", in_url(self.pipeline)), self.pipeline)]))
            div.head {
                div.title {
                    h1 { (name) }
                    p.lead {
                        (count(self.total)) @if self.asked.filters.is_empty() { " rows" } @else { " rows with these filters" }
                        ", " (self.table.info.columns.len()) " columns"
                        @if let Some(run) = run { ", as of the " a href=(run) { "last load" } }
                        "."
                    }
                }
                div.actions {
                    a.button href=(csv) download title={ "At most " (count(self.most)) " rows" } { (icon("file")) "CSV" }
                }
            }
            @if !self.messages.is_empty() {
                div.note.warn role="status" { (icon("flag")) div { @for message in self.messages { p { (message) } } } }
            }
            @if self.total > self.most { p.hint { "A download ends after " (count(self.most)) " rows; filters bring the rest." } }
            (self.filters())
            @if self.rows.is_empty() {
                (empty("There are no rows.", if self.asked.filters.is_empty() { "Nothing was loaded into this table." } else { "None has what the filters ask for." }))
            } @else {
                (scrolling(&format!("Rows of {name}"), &self.grid()))
            }
            (self.pager())
        }
    }

    fn filters(&self) -> Markup {
        html! {
            details.box open[!self.asked.filters.is_empty()] {
                summary { "Filters" @if !self.asked.filters.is_empty() { " (" (self.asked.filters.len()) " set)" } }
                form.form method="get" action=(self.url("")) aria-label="Filters" {
                    @for (at, column) in self.table.info.columns.iter().enumerate() { (self.filter(at, column)) }
                    div.field {
                        label for="rows" { "Rows of a page" }
                        select id="rows" name="rows" { @for rows in PAGES { option value=(rows) selected[rows == self.asked.rows] { (rows) } } }
                    }
                    @if let Some((column, desc)) = &self.asked.sort {
                        input type="hidden" name="sort" value=(column);
                        @if *desc { input type="hidden" name="desc" value="1"; }
                    }
                    button.primary { "Apply" }
                    a.button href=(self.url("")) { "Show all" }
                }
            }
        }
    }

    fn filter(&self, at: usize, column: &ColumnInfo) -> Markup {
        let name = &column.name;
        let value = |part: &str| self.asked.value(part, name);
        let field = |part: &'static str, label: &str, kind: &str| {
            let id = format!("{part}-{at}");
            html! { div.field { label for=(id) { (name) " " (label) } input id=(id) name={ (part) "." (name) } type=(kind) value=[value(part)]; } }
        };
        let how = |choices: &[(&str, &str)]| {
            let id = format!("o-{at}");
            html! {
                div.field {
                    label for=(id) { (name) span.visually-hidden { " is asked how" } }
                    select id=(id) name={ "o." (name) } {
                        @for (choice, words) in choices { option value=(choice) selected[value("o") == Some(*choice)] { (words) } }
                    }
                }
            }
        };
        const THERE: [(&str, &str); 3] = [("", "with and without"), ("there", "only with a value"), ("null", "only without a value")];
        match column.kind {
            ColumnKind::Text | ColumnKind::Other => html! {
                (how(&[("", "contains"), ("is", "equals"), ("starts", "starts with"), ("there", "has any value"), ("null", "has no value")]))
                (field("f", "text", "text"))
            },
            ColumnKind::Flag => {
                how(&[("", "any"), ("true", "true"), ("false", "false"), ("there", "has a value"), ("null", "has no value")])
            }
            ColumnKind::Day => html! { (field("min", "from", "date")) (field("max", "to", "date")) (how(&THERE)) },
            ColumnKind::Number | ColumnKind::Instant => html! { (field("min", "from", "text")) (field("max", "to", "text")) (how(&THERE)) },
        }
    }

    fn grid(&self) -> Markup {
        let columns = &self.table.info.columns;
        html! {
            table {
                thead { tr { @for column in columns { (self.heading(column)) } } }
                tbody {
                    @for row in self.rows {
                        tr { @for (column, cell) in columns.iter().zip(row) { td class=[(column.kind == ColumnKind::Number).then_some("n")] { (shown(cell)) } } }
                    }
                }
            }
        }
    }

    /// A column's name as a link that sorts by it, the other way round where it is sorted by it already.
    fn heading(&self, column: &ColumnInfo) -> Markup {
        let sorted = self.asked.sort.as_ref().filter(|(name, _)| *name == column.name).map(|(_, desc)| *desc);
        let next = Asked { sort: Some((column.name.clone(), sorted == Some(false))), ..self.asked.first() };
        let (direction, sign) = match sorted {
            None => (None, ""),
            Some(false) => (Some("ascending"), " ▲"),
            Some(true) => (Some("descending"), " ▼"),
        };
        html! {
            th scope="col" class=[(column.kind == ColumnKind::Number).then_some("n")] aria-sort=[direction] {
                a href=(self.url(&next.query())) title={ "Sort by " (column.name) " (" (column.of) ")" } {
                    (column.name) @if !sign.is_empty() { span aria-hidden="true" { (sign) } }
                }
                br; span.soft { (column.of) }
            }
        }
    }

    fn pager(&self) -> Markup {
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return html! {} };
        let start = self.asked.start(self.total);
        let shown = u64::try_from(self.rows.len()).unwrap_or(0);
        let is_last = start + shown >= self.total;
        let end = Asked { place: super::asked::Place::Last, at: 0, ..self.asked.clone() };
        html! {
            nav.pager aria-label="Pages" {
                @if start > 0 {
                    a.button href=(self.url(&self.asked.first().query())) { "First" }
                    a.button rel="prev" href=(self.url(&self.asked.previous(&self.table, start, first).query())) { "Previous" }
                }
                span { "Rows " (count(start + 1)) " to " (count(start + shown)) " of " (count(self.total)) }
                @if !is_last {
                    a.button rel="next" href=(self.url(&self.asked.next(&self.table, start, shown, last).query())) { "Next" }
                    a.button href=(self.url(&end.query())) { "Last" }
                }
            }
        }
    }
}

/// A value; a long text is cut and unfolds.
fn shown(cell: &Cell) -> Markup {
    let text = match cell {
        Cell::Null => return html! { span.none { "null" } },
        Cell::Text(text) => text,
        other => return html! { (other.text()) },
    };
    match text.char_indices().nth(SHORT) {
        None => html! { (text) },
        Some((cut, _)) => {
            let rest = text.char_indices().nth(LONG).map(|(end, _)| end);
            html! {
                details {
                    summary { (&text[..cut]) "…" }
                    (&text[..rest.unwrap_or(text.len())])
                    @if rest.is_some() { "… (cut; the download has all of it)" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{warehouse::TableInfo, web::business::tables::sql::tests::column};

    #[test]
    fn hostile_names_and_values_stay_text() {
        let hostile = "<script>\"'&";
        let info = TableInfo {
            name: hostile.into(),
            columns: vec![column(hostile, ColumnKind::Text, hostile), column("n", ColumnKind::Number, "bigint")],
        };
        let table = Table { info: &info, key: &[] };
        let (asked, _) = Asked::parse("f.%3Cscript%3E%22%27%26=%3Cscript%3E%22&sort=n&o.n=there", &table);
        assert_eq!(asked.filters.len(), 2);
        let rows = vec![vec![Cell::Text(hostile.into()), Cell::Whole(1)], vec![Cell::Text(hostile.repeat(3000).into()), Cell::Null]];
        let messages = vec![hostile.to_owned()];
        let shown = Shown { pipeline: hostile, table, asked: &asked, messages: &messages, total: 400, rows: &rows, most: 100 };
        let text = shown.body(Some("/runs/x")).into_string();
        assert!(!text.contains("<script") && !text.contains("\"'"), "{text}");
        assert!(text.contains("&lt;script&gt;&quot;'&amp;") && text.contains("(cut; the download has all of it)"), "{text}");
        assert!(text.contains("aria-sort=\"ascending\""));
    }

    #[test]
    fn a_long_text_unfolds() {
        assert_eq!(shown(&Cell::Text("ç".repeat(80).into())).into_string(), "ç".repeat(80));
        let text = shown(&Cell::Text("ç".repeat(81).into())).into_string();
        assert_eq!(text, format!("<details><summary>{}…</summary>{}</details>", "ç".repeat(80), "ç".repeat(81)));
    }
}
