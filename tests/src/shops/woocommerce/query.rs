//! The parameters of a list request, checked as WordPress checks them. A parameter that it does not know is ignored, never refused.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{
    calendar::{self, SITE_OFFSET_SECONDS},
    shelf::Record,
};

/// Which collection is asked: what it knows of parameters differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Orders,
    Refunds,
    Products,
    Variations,
    Customers,
    Coupons,
}

/// What a list request asks for.
pub struct Query {
    kind: Kind,
    /// The page, from 1.
    pub page: usize,
    /// Records per page: 10 where nothing is said, 100 at most.
    pub per_page: usize,
    /// The place of the first record; it wins over `page`.
    pub offset: Option<usize>,
    /// The fields that are shown; all where there are none.
    pub fields: Vec<String>,
    modified_after: Option<After>,
    descending: bool,
    orderby: String,
    statuses: Vec<String>,
    role: String,
    product_type: Option<String>,
    include: Vec<u64>,
}

/// A lower bound, in the column that it is compared with. It is strict: a record of the same second is not above it.
#[derive(Clone, Copy)]
enum After {
    Gmt(i64),
    Local(i64),
}

type Parameters = [(String, String)];

impl Query {
    /// Reads the parameters of a request, or gives the body of the 400 that it gets.
    pub fn read(kind: Kind, parameters: &Parameters) -> Result<Self, Value> {
        let text = |name: &str| parameters.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let list = |name: &str| -> Vec<String> {
            let plain = text(name).into_iter().flat_map(|value| value.split(',')).map(str::to_owned);
            let array = format!("{name}[]");
            plain.chain(parameters.iter().filter(|(key, _)| *key == array).map(|(_, value)| value.clone())).collect()
        };
        let orderby = text("orderby").unwrap_or(if kind == Kind::Customers { "name" } else { "date" });
        one_of("orderby", orderby, kind.orders_by())?;
        let order = text("order").unwrap_or(if kind == Kind::Customers { "asc" } else { "desc" });
        one_of("order", order, &["asc", "desc"])?;
        let mut statuses = list("status");
        if statuses.is_empty() {
            statuses.push("any".to_owned());
        }
        for status in &statuses {
            one_of("status", status, kind.statuses())?;
        }
        let role = text("role").unwrap_or("customer");
        if kind == Kind::Customers {
            one_of("role", role, &["all", "administrator", "editor", "author", "contributor", "subscriber", "customer", "shop_manager"])?;
        }
        Ok(Self {
            kind,
            page: number("page", text("page"), 1, 1, None)?,
            per_page: number("per_page", text("per_page"), 10, 1, Some(100))?,
            offset: text("offset").map(|value| number("offset", Some(value), 0, 0, None)).transpose()?,
            fields: list("_fields"),
            modified_after: text("modified_after").map(|value| after(value, text("dates_are_gmt"))).transpose()?,
            descending: order == "desc",
            orderby: orderby.to_owned(),
            statuses,
            role: role.to_owned(),
            product_type: text("type").map(str::to_owned),
            include: list("include").iter().filter_map(|id| id.trim().parse().ok()).collect(),
        })
    }

    /// Whether the list holds a record.
    pub fn wants(&self, id: u64, record: &Record) -> bool {
        // `modified_after` is no parameter of customers: it is ignored, and all of them come back.
        let recent = self.kind == Kind::Customers
            || match self.modified_after {
                None => true,
                Some(After::Gmt(bound)) => record.modified > bound,
                Some(After::Local(bound)) => record.modified + SITE_OFFSET_SECONDS > bound,
            };
        let placed = match self.kind {
            Kind::Customers => self.role == "all" || record.text("role") == self.role,
            // Refunds know no status.
            Kind::Refunds => true,
            _ if self.statuses.iter().any(|status| status == "any") => !record.trashed(),
            _ => self.statuses.iter().any(|status| status == record.text("status")),
        };
        let typed = self.product_type.as_deref().is_none_or(|wanted| self.kind != Kind::Products || record.text("type") == wanted);
        let included = self.include.is_empty() || self.include.contains(&id);
        recent && placed && typed && included
    }

    /// The order of two records in the list.
    pub fn compare(&self, a: (u64, &Record), b: (u64, &Record)) -> Ordering {
        let first = match self.orderby.as_str() {
            "id" => Ordering::Equal,
            "modified" => a.1.modified.cmp(&b.1.modified),
            "name" => a.1.text("username").cmp(b.1.text("username")),
            _ => a.1.created.cmp(&b.1.created),
        };
        let order = first.then(a.0.cmp(&b.0));
        if self.descending { order.reverse() } else { order }
    }
}

impl Kind {
    fn orders_by(self) -> &'static [&'static str] {
        match self {
            Kind::Customers => &["id", "include", "name", "registered_date"],
            Kind::Products | Kind::Variations => {
                &["date", "id", "include", "title", "slug", "modified", "price", "popularity", "rating", "menu_order"]
            }
            _ => &["date", "id", "include", "title", "slug", "modified"],
        }
    }

    fn statuses(self) -> &'static [&'static str] {
        match self {
            Kind::Orders => {
                &["any", "trash", "pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed", "checkout-draft"]
            }
            _ => &["any", "future", "trash", "draft", "pending", "private", "publish"],
        }
    }
}

/// A bound without a zone is read on the site's clock, unless `dates_are_gmt` names the other column. One with a zone is brought onto the
/// site's clock first, also where it is then compared with the column in GMT: WordPress does so.
fn after(value: &str, dates_are_gmt: Option<&str>) -> Result<After, Value> {
    let (seconds, zone) = calendar::parse(value).ok_or_else(|| invalid("modified_after", "Invalid date.", "rest_invalid_date"))?;
    let local = match zone {
        Some(offset) => seconds - offset + SITE_OFFSET_SECONDS,
        None => seconds,
    };
    Ok(match dates_are_gmt {
        Some("true" | "1") => After::Gmt(local),
        _ => After::Local(local),
    })
}

fn number(name: &str, text: Option<&str>, default: usize, least: usize, most: Option<usize>) -> Result<usize, Value> {
    let Some(text) = text else { return Ok(default) };
    let Ok(number) = text.parse::<usize>() else {
        return Err(invalid(name, &format!("{name} is not of type integer."), "rest_invalid_type"));
    };
    match most {
        Some(most) if number > most || number < least => {
            let message = format!("{name} must be between {least} (inclusive) and {most} (inclusive)");
            Err(invalid(name, &message, "rest_out_of_bounds"))
        }
        None if number < least => Err(invalid(name, &format!("{name} must be greater than or equal to {least}"), "rest_out_of_bounds")),
        _ => Ok(number),
    }
}

fn one_of(name: &str, value: &str, known: &[&str]) -> Result<(), Value> {
    if known.contains(&value) {
        return Ok(());
    }
    Err(invalid(name, &format!("{name} is not one of {}.", known.join(", ")), "rest_not_in_enum"))
}

fn invalid(name: &str, message: &str, code: &str) -> Value {
    json!({
        "code": "rest_invalid_param",
        "message": format!("Invalid parameter(s): {name}"),
        "data": {
            "status": 400,
            "params": { name: message },
            "details": { name: { "code": code, "message": message, "data": null } },
        },
    })
}
