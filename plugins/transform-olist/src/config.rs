//! What a pipeline can set, and how it becomes the definition of a table and a clock.

use chrono::{Datelike, NaiveDate};
use chrono_tz::{TZ_VARIANTS, Tz};
use tidegate_sdk::{prelude::*, schemars};

use crate::{
    binding::nearest,
    clock::Clock,
    tables::{self, Definition},
};

/// The config of transform-olist.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The table that the stream holds. Default: the one that is called like the stream.
    pub table: Option<Table>,
    /// The zone of the wall-clock times in the data, as an IANA name.
    #[serde(default = "default_timezone")]
    pub timezone: String,
    /// How a date such as `03/04/2018` is read, where both readings are possible. Without it such a row is rejected.
    pub slash_dates: Option<SlashDates>,
    /// The first plausible local day, `YYYY-MM-DD`. The default lies before Olist's first order.
    #[serde(default = "default_earliest")]
    pub earliest: String,
    /// The last plausible local day, `YYYY-MM-DD`. Shipping limits in the data reach 2020-04.
    #[serde(default = "default_latest")]
    pub latest: String,
}

fn default_timezone() -> String {
    "America/Sao_Paulo".to_owned()
}

fn default_earliest() -> String {
    "2015-01-01".to_owned()
}

fn default_latest() -> String {
    "2020-12-31".to_owned()
}

impl Default for Config {
    fn default() -> Self {
        let (timezone, earliest, latest) = (default_timezone(), default_earliest(), default_latest());
        Self { table: None, timezone, slash_dates: None, earliest, latest }
    }
}

/// The nine tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// `olist_customers_dataset.csv`
    Customers,
    /// `olist_geolocation_dataset.csv`
    Geolocation,
    /// `olist_order_items_dataset.csv`
    OrderItems,
    /// `olist_order_payments_dataset.csv`
    OrderPayments,
    /// `olist_order_reviews_dataset.csv`
    OrderReviews,
    /// `olist_orders_dataset.csv`
    Orders,
    /// `olist_products_dataset.csv`
    Products,
    /// `olist_sellers_dataset.csv`
    Sellers,
    /// `product_category_name_translation.csv`
    CategoryTranslation,
}

/// How dates with slashes are read where day and month could be either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SlashDates {
    /// `dd/mm/yyyy`
    DayFirst,
    /// `mm/dd/yyyy`
    MonthFirst,
}

impl Table {
    fn definition(self) -> &'static Definition {
        match self {
            Self::Customers => &tables::customers::TABLE,
            Self::Geolocation => &tables::geolocation::TABLE,
            Self::OrderItems => &tables::order_items::TABLE,
            Self::OrderPayments => &tables::order_payments::TABLE,
            Self::OrderReviews => &tables::order_reviews::TABLE,
            Self::Orders => &tables::orders::TABLE,
            Self::Products => &tables::products::TABLE,
            Self::Sellers => &tables::sellers::TABLE,
            Self::CategoryTranslation => &tables::category_translation::TABLE,
        }
    }
}

impl Config {
    /// The table to clean. Fails as `config` where neither `table` nor the stream's name says which.
    pub(crate) fn definition(&self, context: &Context) -> Result<&'static Definition> {
        if let Some(table) = self.table {
            return Ok(table.definition());
        }
        let stream = context.stream.as_str();
        tables::ALL.iter().find(|table| table.name == stream).copied().ok_or_else(|| {
            let names = tables::ALL.map(|table| table.name);
            let hint = nearest(stream, names).map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
            Failure::config(format!("no table is called like the stream `{stream}`{hint} Set `table` to one of {}", names.join(", ")))
        })
    }

    /// The clock that the zone and the bounds make. Fails as `config` where one of them can't be read.
    pub(crate) fn clock(&self) -> Result<Clock> {
        let zone = self.timezone.parse::<Tz>().map_err(|_| {
            let hint = nearest(&self.timezone, TZ_VARIANTS.map(|zone| zone.name()));
            let hint = hint.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
            Failure::config(format!("`timezone` names no zone of the IANA database: `{}`{hint}", self.timezone))
        })?;
        let (earliest, latest) = (day("earliest", &self.earliest)?, day("latest", &self.latest)?);
        if earliest > latest {
            return Err(Failure::config(format!("`earliest` ({}) lies after `latest` ({})", self.earliest, self.latest)));
        }
        Ok(Clock::new(zone, self.slash_dates, earliest..=latest))
    }
}

/// Days since 1970-01-01.
fn day(key: &str, text: &str) -> Result<i32> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|day| (1900..2200).contains(&day.year()));
    let day = day.ok_or_else(|| Failure::config(format!("`{key}` is no day of the form YYYY-MM-DD between 1900 and 2199: `{text}`")))?;
    Ok(day.to_epoch_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(stream: &str) -> Context {
        Context { stream: stream.to_owned(), now_micros: 0, seed: 0 }
    }

    #[test]
    fn the_table_is_the_stream_unless_the_config_says_otherwise() {
        assert_eq!(Config::default().definition(&context("orders")).unwrap().name, "orders");
        let config: Config = serde_json::from_str(r#"{"table": "order_items"}"#).unwrap();
        assert_eq!(config.definition(&context("anything")).unwrap().name, "order_items");
    }

    #[test]
    fn every_table_of_the_config_is_in_the_list_under_its_own_name() {
        for table in tables::ALL {
            let config: Config = serde_json::from_value(serde_json::json!({ "table": table.name })).unwrap();
            assert_eq!(config.definition(&context("")).unwrap().name, table.name);
        }
    }

    #[test]
    fn an_unknown_stream_is_answered_with_the_near_miss() {
        let failure = Config::default().definition(&context("order_item")).err().unwrap();
        assert_eq!(failure.kind, FailureKind::Config);
        assert!(failure.message.contains("did you mean `order_items`?"), "{failure}");
    }

    #[test]
    fn an_unknown_zone_is_answered_with_the_near_miss() {
        let config = Config { timezone: "America/SaoPaulo".to_owned(), ..Config::default() };
        let failure = config.clock().err().unwrap();
        assert!(failure.message.contains("did you mean `America/Sao_Paulo`?"), "{failure}");
    }

    #[test]
    fn bounds_must_be_days_in_order() {
        let clock = |earliest: &str, latest: &str| {
            Config { earliest: earliest.to_owned(), latest: latest.to_owned(), ..Config::default() }.clock().map(|_| ())
        };
        assert!(clock("2016-01-01", "2016-01-01").is_ok());
        assert!(clock("2016-13-01", "2019-01-01").unwrap_err().message.contains("`earliest`"));
        assert!(clock("2019-01-01", "2016-01-01").unwrap_err().message.contains("lies after"));
    }
}
