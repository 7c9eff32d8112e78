//! What somebody asks of a table: filters, order, place, all in the URL.
//!
//! ```text
//! f.<column>=text  o.<column>=has|is|starts|null|there|true|false  min.<column>=..  max.<column>=..
//! sort=<column>  desc=1  rows=50  at=<rows before>  after|before=<JSON: the order's values of the row beside>  last=1
//! ```
//!
//! What always holds here: the order is total, so that no row is shown twice or never. Where the pipeline names a key it ends the order, and
//! pages continue after a row's values; else all columns end it, and pages continue after a count of rows. (`tests`)
//!
//! # Why
//! A page far back in a million orders, by their key: PostgreSQL took 4.9 s to skip the rows before it and 0.01 s to go on after one; the lake
//! took 0.8 s and 0.7 s, since it reads all rows either way. Rows that are alike in every column can't be told apart by their values, so
//! without a key they are counted.

use std::collections::HashSet;

use url::form_urlencoded;

use super::sql::{self, End, Literal, Name};
use crate::{
    config,
    warehouse::{ColumnInfo, ColumnKind, TableInfo},
    web::warehouses::Cell,
};

/// How many rows a page may have.
pub const PAGES: [u64; 4] = [25, 50, 100, 200];

/// A filter of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Its name in the URL: `f`, `o`, `min` or `max`.
    pub part: &'static str,
    /// The column.
    pub column: String,
    /// What was typed or chosen.
    pub value: String,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// After so many rows, as [`Asked::at`] says.
    Counted,
    /// After a row with these values of the order.
    After(Vec<Option<String>>),
    /// Before such a row.
    Before(Vec<Option<String>>),
    /// The last page.
    Last,
}

/// What is asked of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The filters, in the order of the URL.
    pub filters: Vec<Filter>,
    /// The column by which rows are sorted, and whether the largest come first.
    pub sort: Option<(String, bool)>,
    /// The rows of a page.
    pub rows: u64,
    /// The rows before this page.
    pub at: u64,
    /// Where the page begins.
    pub place: Place,
}

/// A table with its key.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    /// Its columns.
    pub info: &'a TableInfo,
    /// The columns that the pipeline names as its key; none where it names none.
    pub key: &'a [String],
}

impl<'a> Table<'a> {
    /// A column by its name.
    pub fn column(&self, name: &str) -> Option<&'a ColumnInfo> {
        self.info.columns.iter().find(|column| column.name == name)
    }

    fn has_key(&self) -> bool {
        !self.key.is_empty() && self.key.iter().all(|name| self.column(name).is_some())
    }
}

/// A column of the order.
struct By<'a> {
    column: &'a ColumnInfo,
    desc: bool,
    nullable: bool,
}

impl Asked {
    /// Reads a query, with a message for each part that can't be used.
    pub fn parse(query: &str, table: &Table<'_>) -> (Self, Vec<String>) {
        let mut asked = Self { filters: Vec::new(), sort: None, rows: 50, at: 0, place: Place::Counted };
        let (mut messages, mut desc, mut sort) = (Vec::new(), false, None);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match (key.as_ref(), value.as_ref()) {
                (_, "") => {}
                ("sort", name) if table.column(name).is_some() => sort = Some(name.to_owned()),
                ("desc", value) => desc = value == "1",
                ("rows", value) => match value.parse().ok().filter(|rows| PAGES.contains(rows)) {
                    Some(rows) => asked.rows = rows,
                    None => {
                        messages.push(format!("A page has {} rows, not `{}`.", PAGES.map(|rows| rows.to_string()).join(", "), short(value)))
                    }
                },
                ("at", value) => asked.at = value.parse().unwrap_or(0),
                ("last", "1") => asked.place = Place::Last,
                ("after", value) => asked.place = values(value).map_or(Place::Counted, Place::After),
                ("before", value) => asked.place = values(value).map_or(Place::Counted, Place::Before),
                (key, value) => match filter(key, value, table) {
                    Some(Ok(filter)) => asked.filters.push(filter),
                    Some(Err(message)) => messages.push(message),
                    None => {}
                },
            }
        }
        asked.sort = sort.map(|name| (name, desc));
        let fits = |values: &Vec<Option<String>>| table.has_key() && asked.condition_beside(table, values, false).is_some();
        // Values of another order, or of another table: the first page is the answer to both.
        if matches!(&asked.place, Place::After(values) | Place::Before(values) if !fits(values)) {
            (asked.place, asked.at) = (Place::Counted, 0);
        }
        (asked, messages)
    }

    /// The query that stands for this, with its question mark.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for filter in &self.filters {
            query.append_pair(&format!("{}.{}", filter.part, filter.column), &filter.value);
        }
        if let Some((column, desc)) = &self.sort {
            query.append_pair("sort", column);
            if *desc {
                query.append_pair("desc", "1");
            }
        }
        if self.rows != 50 {
            query.append_pair("rows", &self.rows.to_string());
        }
        if self.at > 0 {
            query.append_pair("at", &self.at.to_string());
        }
        match &self.place {
            Place::Counted => {}
            Place::Last => drop(query.append_pair("last", "1")),
            Place::After(values) => drop(query.append_pair("after", &serde_json::json!(values).to_string())),
            Place::Before(values) => drop(query.append_pair("before", &serde_json::json!(values).to_string())),
        }
        match query.finish() {
            empty if empty.is_empty() => empty,
            query => format!("?{query}"),
        }
    }

    /// The value of a filter.
    pub fn value(&self, part: &str, column: &str) -> Option<&str> {
        self.filters.iter().find(|filter| filter.part == part && filter.column == column).map(|filter| filter.value.as_str())
    }

    /// The first page of the same rows.
    pub fn first(&self) -> Self {
        Self { at: 0, place: Place::Counted, ..self.clone() }
    }

    /// The statement that counts the rows.
    pub fn count(&self, table: &Table<'_>) -> String {
        format!("select count(*) as rows from {}{}", Name(&table.info.name), where_of(&self.conditions(table)))
    }

    /// The statement of the page. Pages that are found from their end come in the opposite order: [`Self::is_backward`].
    pub fn page(&self, table: &Table<'_>, total: u64) -> String {
        let mut conditions = self.conditions(table);
        let beside = match &self.place {
            Place::After(values) => self.condition_beside(table, values, false),
            Place::Before(values) => self.condition_beside(table, values, true),
            Place::Counted | Place::Last => None,
        };
        conditions.extend(beside);
        let rows = match self.place {
            Place::Last => self.on_last_page(total),
            _ => self.rows,
        };
        let skipped = match self.place {
            Place::Counted if self.at > 0 => format!(" offset {}", self.at.min(total)),
            _ => String::new(),
        };
        format!("{}{}{} limit {rows}{skipped}", select(table), where_of(&conditions), self.order(table, self.is_backward()))
    }

    /// The statement of a download: the rows in the order that was asked for, or as they lie.
    pub fn all(&self, table: &Table<'_>, most: u64) -> String {
        let order = if self.sort.is_some() { self.order(table, false) } else { String::new() };
        format!("{}{}{order} limit {most}", select(table), where_of(&self.conditions(table)))
    }

    /// Whether the statement of the page gives its last row first.
    pub fn is_backward(&self) -> bool {
        matches!(self.place, Place::Before(_) | Place::Last)
    }

    /// How many rows lie before the page.
    pub fn start(&self, total: u64) -> u64 {
        match self.place {
            Place::Last => total - self.on_last_page(total),
            _ => self.at.min(total),
        }
    }

    fn on_last_page(&self, total: u64) -> u64 {
        match total % self.rows {
            0 => self.rows.min(total),
            rest => rest,
        }
    }

    /// The page that follows one of `shown` rows that ends with the row `last`.
    pub fn next(&self, table: &Table<'_>, start: u64, shown: u64, last: &[Cell]) -> Self {
        let place = if table.has_key() { Place::After(self.values(table, last)) } else { Place::Counted };
        Self { at: start + shown, place, ..self.clone() }
    }

    /// The page before one that starts after `start` rows with the row `first`.
    pub fn previous(&self, table: &Table<'_>, start: u64, first: &[Cell]) -> Self {
        // The rows before it may be fewer than a page; then it is the first page.
        if start <= self.rows {
            return self.first();
        }
        let place = if table.has_key() { Place::Before(self.values(table, first)) } else { Place::Counted };
        Self { at: start - self.rows, place, ..self.clone() }
    }

    fn values(&self, table: &Table<'_>, row: &[Cell]) -> Vec<Option<String>> {
        let at = |by: &By<'_>| table.info.columns.iter().position(|column| column.name == by.column.name);
        let cell = |by: &By<'_>| at(by).and_then(|at| row.get(at)).filter(|cell| **cell != Cell::Null).map(Cell::text);
        self.by(table).iter().map(cell).collect()
    }

    fn by<'t>(&self, table: &Table<'t>) -> Vec<By<'t>> {
        let (sorted, desc) = self.sort.as_ref().map_or((None, false), |(name, desc)| (table.column(name), *desc));
        let key: Vec<_> = if table.has_key() {
            table.key.iter().filter_map(|name| table.column(name)).collect()
        } else {
            table.info.columns.iter().collect()
        };
        let in_key = |column: &ColumnInfo| table.has_key() && table.key.contains(&column.name);
        let mut seen = HashSet::new();
        sorted
            .into_iter()
            .map(|column| By { column, desc, nullable: !in_key(column) })
            .chain(key.into_iter().map(|column| By { column, desc: false, nullable: !in_key(column) }))
            .filter(|by| seen.insert(by.column.name.as_str()))
            .collect()
    }

    /// Nulls come last. A key has none, and is not said to, so that PostgreSQL can go along its index.
    fn order(&self, table: &Table<'_>, backward: bool) -> String {
        let by = |by: &By<'_>| {
            let direction = if by.desc == backward { "asc" } else { "desc" };
            let nulls = match (by.nullable, backward) {
                (false, _) => "",
                (true, false) => " nulls last",
                (true, true) => " nulls first",
            };
            format!("{} {direction}{nulls}", sql::comparable(by.column))
        };
        format!(" order by {}", self.by(table).iter().map(by).collect::<Vec<_>>().join(", "))
    }

    /// The rows beside one with these values of the order. None where they are no such values.
    fn condition_beside(&self, table: &Table<'_>, values: &[Option<String>], backward: bool) -> Option<String> {
        let by = self.by(table);
        if by.len() != values.len() {
            return None;
        }
        let literals = by.iter().zip(values).map(|(by, value)| match value {
            None => Some(None),
            Some(text) => sql::same(by.column, text).map(Some),
        });
        let literals = literals.collect::<Option<Vec<_>>>()?;
        let (mut equal, mut cases) = (String::new(), Vec::new());
        for (by, literal) in by.iter().zip(&literals) {
            let name = sql::comparable(by.column);
            let sign = if by.desc == backward { ">" } else { "<" };
            let beside = match (literal, backward) {
                (None, false) => None,
                (None, true) => Some(format!("{name} is not null")),
                (Some(value), false) if by.nullable => Some(format!("({name} {sign} {value} or {name} is null)")),
                (Some(value), _) => Some(format!("{name} {sign} {value}")),
            };
            cases.extend(beside.map(|beside| format!("({equal}{beside})")));
            let same = literal.as_ref().map_or_else(|| format!("{name} is null"), |value| format!("{name} = {value}"));
            equal.push_str(&format!("{same} and "));
        }
        Some(if cases.is_empty() { "false".into() } else { format!("({})", cases.join(" or ")) })
    }

    fn conditions(&self, table: &Table<'_>) -> Vec<String> {
        let condition = |filter: &Filter| {
            let column = table.column(&filter.column)?;
            condition(filter, column, self.value("o", &filter.column))
        };
        self.filters.iter().filter_map(condition).collect()
    }
}

fn select(table: &Table<'_>) -> String {
    let columns: Vec<_> = table.info.columns.iter().map(|column| Name(&column.name).to_string()).collect();
    format!("select {} from {}", columns.join(", "), Name(&table.info.name))
}

fn where_of(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) }
}

/// The condition of a filter. Parts that only say how another part is meant have none of their own.
fn condition(filter: &Filter, column: &ColumnInfo, how: Option<&str>) -> Option<String> {
    let name = Name(&column.name);
    match (filter.part, filter.value.as_str()) {
        ("min", value) => sql::range(column, End::Min, value),
        ("max", value) => sql::range(column, End::Max, value),
        ("o", "null") => Some(format!("{name} is null")),
        ("o", "there") => Some(format!("{name} is not null")),
        ("o", flag @ ("true" | "false")) if column.kind == ColumnKind::Flag => Some(format!("{name} = {flag}")),
        ("f", value) => {
            let (text, value) = (sql::comparable(column), Literal(value));
            Some(match how {
                Some("is") => format!("{text} = {value}"),
                Some("starts") => format!("starts_with(lower({text}), lower({value}))"),
                _ => format!("strpos(lower({text}), lower({value})) > 0"),
            })
        }
        _ => None,
    }
}

/// A part of a query as a filter; none where it is something else.
fn filter(key: &str, value: &str, table: &Table<'_>) -> Option<Result<Filter, String>> {
    let (part, name) = key.split_once('.')?;
    let part = ["f", "o", "min", "max"].into_iter().find(|known| *known == part)?;
    let Some(column) = table.column(name) else {
        let near = config::near_miss(name, table.info.columns.iter().map(|column| column.name.as_str()));
        let hint = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        return Some(Err(format!("The table has no column `{}`, so it is not filtered by it.{hint}", short(name))));
    };
    let value = if part == "f" { value } else { value.trim() };
    let filter = Filter { part, column: name.to_owned(), value: value.to_owned() };
    let how = part == "o" && matches!(value, "has" | "is" | "starts");
    let usable = !value.contains('\0') && (how || condition(&filter, column, None).is_some());
    let text = matches!(column.kind, ColumnKind::Text | ColumnKind::Other);
    if usable && (text || part != "f") {
        return Some(Ok(filter));
    }
    Some(Err(format!("`{}` is no value to filter the column `{name}` ({}) by, so it is left out.", short(value), column.of)))
}

fn values(text: &str) -> Option<Vec<Option<String>>> {
    serde_json::from_str(text).ok()
}

/// A value that somebody typed, as long as a message may repeat it.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST { text.to_owned() } else { format!("{}…", text.chars().take(MOST).collect::<String>()) }
}

#[cfg(test)]
mod tests;
