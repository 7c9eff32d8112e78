//! What the overview is filtered by: a period, a state, a category, all in the URL.
//!
//! What always holds here: a value that can't be used is left out and named in a message; it never breaks the page. Values reach statements
//! through [`config::bind`] alone, which quotes them. (`tests`)

use chrono::{Days, NaiveDate};
use indexmap::IndexMap;
use url::form_urlencoded;

use crate::config;

/// The filters that are in force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// The first day.
    pub from: Option<NaiveDate>,
    /// The last day.
    pub to: Option<NaiveDate>,
    /// The state in which customers live.
    pub state: Option<String>,
    /// The category of products.
    pub category: Option<String>,
}

/// What the data offers to filter by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// The first and the last day with an order; none where there are no orders.
    pub span: Option<(NaiveDate, NaiveDate)>,
    /// States.
    pub states: Vec<String>,
    /// Categories.
    pub categories: Vec<String>,
}

/// The days that figures are of, and those that they are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// As many days right before; none where the data does not reach back that far.
    pub before: Option<(NaiveDate, NaiveDate)>,
}

impl Filters {
    /// Reads the filters of a query, with a message for each value that can't be used.
    pub fn parse(query: &str, choices: &Choices) -> (Self, Vec<String>) {
        let mut filters = Self::default();
        let mut messages = Vec::new();
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            let outcome = match key.as_ref() {
                "from" => day(value).map(|day| filters.from = Some(day)),
                "to" => day(value).map(|day| filters.to = Some(day)),
                "state" => one_of(value, "state", &choices.states).map(|state| filters.state = Some(state)),
                "category" => one_of(value, "category", &choices.categories).map(|category| filters.category = Some(category)),
                _ => Ok(()),
            };
            messages.extend(outcome.err());
        }
        if let (Some(from), Some(to)) = (filters.from, filters.to)
            && from > to
        {
            messages.push(format!("The period ends on {to}, before it begins on {from}, so all days are shown."));
            (filters.from, filters.to) = (None, None);
        }
        (filters, messages)
    }

    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The query that stands for these filters, with its question mark; empty where there are none.
    pub fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let days = [("from", self.from), ("to", self.to)].map(|(key, day)| (key, day.map(|day| day.to_string())));
        for (key, value) in days.into_iter().chain([("state", self.state.clone()), ("category", self.category.clone())]) {
            if let Some(value) = value {
                query.append_pair(key, &value);
            }
        }
        match query.finish() {
            empty if empty.is_empty() => empty,
            query => format!("?{query}"),
        }
    }

    /// The days that the filters leave of the data. None where they leave none.
    pub fn period(&self, choices: &Choices) -> Option<Period> {
        let (first, last) = choices.span?;
        let (from, to) = (self.from.unwrap_or(first).max(first), self.to.unwrap_or(last).min(last));
        let days = Days::new((to - from).num_days().try_into().ok()?);
        let before = from.pred_opt().and_then(|end| Some((end.checked_sub_days(days)?, end)));
        Some(Period { from, to, before: before.filter(|(begin, _)| *begin >= first) })
    }

    /// The filters as parameters of a statement; those that are not in force are left out, and so NULL.
    pub fn parameters(&self) -> IndexMap<String, String> {
        let days = [("from", self.from), ("to", self.to)].into_iter().filter_map(|(name, day)| Some((name, day?)));
        let keys = days.clone().map(|(name, day)| (format!("{name}_key"), day.format("%Y%m%d").to_string()));
        let texts =
            [("state", &self.state), ("category", &self.category)].into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        keys.chain(days.map(|(name, day)| (name.to_owned(), day.to_string())))
            .chain(texts.map(|(name, text)| (name.to_owned(), text.clone())))
            .collect()
    }

    /// A statement of these filters.
    pub fn bind(&self, sql: &str, more: &[(&str, String)]) -> String {
        let mut parameters = self.parameters();
        parameters.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        config::bind(sql, &parameters)
    }
}

/// Years that every warehouse knows.
const YEARS: std::ops::RangeInclusive<&str> = "1900"..="2999";

fn day(text: &str) -> Result<NaiveDate, String> {
    let known = text.len() == 10 && text.get(..4).is_some_and(|year| YEARS.contains(&year));
    let day = known.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten();
    day.ok_or_else(|| format!("`{}` is no day like 2018-08-31, so it is left out.", short(text)))
}

fn one_of(text: &str, what: &str, known: &[String]) -> Result<String, String> {
    if known.iter().any(|known| known == text) {
        return Ok(text.to_owned());
    }
    let near = config::near_miss(text, known.iter().map(String::as_str)).map(|near| format!(" Did you mean `{near}`?"));
    Err(format!("The data has no {what} `{}`, so it is left out.{}", short(text), near.unwrap_or_default()))
}

/// A value that somebody typed, as long as a message may repeat it.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST { text.to_owned() } else { format!("{}…", text.chars().take(MOST).collect::<String>()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn choices() -> Choices {
        Choices {
            span: Some((date("2017-01-01"), date("2018-10-17"))),
            states: vec!["RJ".into(), "SP".into()],
            categories: vec!["health_beauty".into(), "it's".into()],
        }
    }

    #[test]
    fn filters_live_in_the_url() {
        let query = "from=2018-01-01&to=2018-03-31&state=SP&category=it%27s";
        let (filters, messages) = Filters::parse(query, &choices());
        assert_eq!(messages, Vec::<String>::new());
        assert_eq!(filters.query(), format!("?{query}"));
        assert_eq!(Filters::parse("from=&to=&state=&category=&other=1", &choices()), (Filters::default(), Vec::new()));
        assert_eq!(Filters::default().query(), "");
    }

    #[test]
    fn what_cannot_be_used_is_left_out_and_named() {
        let hostile = "from=2018-02-30&to=%00&state=%3Cscript%3E&category=x%27%3B+drop+table&from=99999-01-01&to=%FF";
        let (filters, messages) = Filters::parse(hostile, &choices());
        assert!(filters.is_empty());
        assert_eq!(messages.len(), 6, "{messages:?}");
        assert!(messages.contains(&"The data has no state `<script>`, so it is left out.".to_owned()), "{messages:?}");
        let (filters, messages) = Filters::parse("from=2018-05-01&to=2018-04-01&state=SP", &choices());
        assert_eq!(messages, ["The period ends on 2018-04-01, before it begins on 2018-05-01, so all days are shown."]);
        assert_eq!(filters, Filters { state: Some("SP".into()), ..Filters::default() });
        let (_, messages) = Filters::parse("state=sp", &choices());
        assert_eq!(messages, ["The data has no state `sp`, so it is left out. Did you mean `SP`?"]);
        let (_, messages) = Filters::parse(&format!("state={}", "ç".repeat(9000)), &choices());
        assert!(messages[0].chars().count() < 120);
    }

    #[test]
    fn a_period_is_compared_with_as_many_days_before() {
        let of = |query: &str| Filters::parse(query, &choices()).0.period(&choices());
        let period = |from: &str, to: &str, before: Option<(&str, &str)>| {
            Some(Period { from: date(from), to: date(to), before: before.map(|(from, to)| (date(from), date(to))) })
        };
        let march = period("2018-03-01", "2018-03-31", Some(("2018-01-29", "2018-02-28")));
        assert_eq!(of("from=2018-03-01&to=2018-03-31"), march);
        assert_eq!(of("from=2018-03-01&to=2018-03-01"), period("2018-03-01", "2018-03-01", Some(("2018-02-28", "2018-02-28"))));
        assert_eq!(of(""), period("2017-01-01", "2018-10-17", None));
        assert_eq!(of("from=2018-09-18&to=2030-01-01"), period("2018-09-18", "2018-10-17", Some(("2018-08-19", "2018-09-17"))));
        assert_eq!(of("from=2017-01-20&to=2017-02-28"), period("2017-01-20", "2017-02-28", None));
        assert_eq!(of("from=2019-01-01"), None);
        assert_eq!(Filters::default().period(&Choices::default()), None);
    }

    #[test]
    fn a_statement_gets_values_as_quoted_texts_and_null_for_the_rest() {
        let (filters, _) = Filters::parse("from=2018-03-01&category=it%27s", &choices());
        let sql = filters.bind("$from $from_key $to $category $as_of '$from'", &[("as_of", "2018-08-31".into())]);
        assert_eq!(sql, "'2018-03-01' '20180301' null 'it''s' '2018-08-31' '$from'");
    }
}
