//! Which rows a warehouse must hold, from the account itself.
//!
//! Columns and their forms stand here once more, on purpose: this is the other side of the plugin's own table.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    account::{Account, Held, Version},
    money,
};

/// What a value of the API becomes in a table.
#[derive(Clone, Copy)]
pub enum Form {
    /// The same.
    Same,
    /// Unix seconds become microseconds.
    Time,
    /// An integer amount stays what it is.
    Minor,
    /// An integer amount becomes a decimal with three digits, by the object's currency.
    Major,
    /// A text becomes a decimal with twelve digits.
    Fine,
    /// Nested data, as JSON.
    Json,
    /// Whether the row is deleted.
    Deleted,
}

use Form::{Deleted, Fine, Json, Major, Minor, Same, Time};

/// A stream's table.
pub struct Table {
    /// The stream, and the table.
    pub name: &'static str,
    /// The kind of its objects.
    kind: &'static str,
    /// Column, pointer into the object, form.
    columns: &'static [(&'static str, &'static str, Form)],
    /// The columns that identify a row.
    pub key: &'static [&'static str],
}

/// A row as text: what `tidegate query --json` gives, and what is expected of it.
pub type Row = BTreeMap<String, Value>;

/// What may stand under a key.
pub struct Expected {
    /// One of these rows.
    pub rows: Vec<Row>,
    /// Or none.
    pub may_be_absent: bool,
}

/// All that a table may hold, by the values of its key.
pub type Truth = BTreeMap<String, Expected>;

/// The tables of all streams.
pub const STREAMS: [Table; 12] = [
    Table { name: "charges", kind: "charge", key: &["id"], columns: CHARGES },
    Table { name: "payment_intents", kind: "payment_intent", key: &["id"], columns: PAYMENT_INTENTS },
    Table { name: "customers", kind: "customer", key: &["id"], columns: CUSTOMERS },
    Table { name: "invoices", kind: "invoice", key: &["id"], columns: INVOICES },
    Table { name: "invoice_line_items", kind: "invoice", key: &["invoice", "id"], columns: LINES },
    Table { name: "refunds", kind: "refund", key: &["id"], columns: REFUNDS },
    Table { name: "disputes", kind: "dispute", key: &["id"], columns: DISPUTES },
    Table { name: "balance_transactions", kind: "balance_transaction", key: &["id"], columns: TRANSACTIONS },
    Table { name: "payouts", kind: "payout", key: &["id"], columns: PAYOUTS },
    Table { name: "subscriptions", kind: "subscription", key: &["id"], columns: SUBSCRIPTIONS },
    Table { name: "prices", kind: "price", key: &["id"], columns: PRICES },
    Table { name: "products", kind: "product", key: &["id"], columns: PRODUCTS },
];

const CHARGES: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("currency", "/currency", Same),
    ("amount_minor", "/amount", Minor),
    ("amount", "/amount", Major),
    ("amount_captured_minor", "/amount_captured", Minor),
    ("amount_refunded_minor", "/amount_refunded", Minor),
    ("amount_refunded", "/amount_refunded", Major),
    ("application_fee_amount", "/application_fee_amount", Major),
    ("status", "/status", Same),
    ("paid", "/paid", Same),
    ("captured", "/captured", Same),
    ("refunded", "/refunded", Same),
    ("disputed", "/disputed", Same),
    ("customer", "/customer", Same),
    ("payment_intent", "/payment_intent", Same),
    ("balance_transaction", "/balance_transaction", Same),
    ("payment_method_type", "/payment_method_details/type", Same),
    ("card_last4", "/payment_method_details/card/last4", Same),
    ("billing_name", "/billing_details/name", Same),
    ("billing_email", "/billing_details/email", Same),
    ("billing_city", "/billing_details/address/city", Same),
    ("billing_postal_code", "/billing_details/address/postal_code", Same),
    ("outcome_type", "/outcome/type", Same),
    ("failure_code", "/failure_code", Same),
    ("failure_message", "/failure_message", Same),
    ("livemode", "/livemode", Same),
    ("metadata", "/metadata", Json),
];

const PAYMENT_INTENTS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("currency", "/currency", Same),
    ("amount_minor", "/amount", Minor),
    ("amount", "/amount", Major),
    ("amount_received", "/amount_received", Major),
    ("status", "/status", Same),
    ("customer", "/customer", Same),
    ("latest_charge", "/latest_charge", Same),
    ("capture_method", "/capture_method", Same),
    ("canceled_at", "/canceled_at", Time),
    ("metadata", "/metadata", Json),
];

const CUSTOMERS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("name", "/name", Same),
    ("email", "/email", Same),
    ("city", "/address/city", Same),
    ("postal_code", "/address/postal_code", Same),
    ("country", "/address/country", Same),
    ("currency", "/currency", Same),
    ("balance_minor", "/balance", Minor),
    ("balance", "/balance", Major),
    ("delinquent", "/delinquent", Same),
    ("default_payment_method", "/invoice_settings/default_payment_method", Same),
    ("metadata", "/metadata", Json),
    ("deleted", "", Deleted),
];

const INVOICES: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("number", "/number", Same),
    ("status", "/status", Same),
    ("customer", "/customer", Same),
    ("customer_name", "/customer_name", Same),
    ("subscription", "/parent/subscription_details/subscription", Same),
    ("currency", "/currency", Same),
    ("subtotal", "/subtotal", Major),
    ("total_minor", "/total", Minor),
    ("total", "/total", Major),
    ("amount_due", "/amount_due", Major),
    ("amount_paid", "/amount_paid", Major),
    ("amount_remaining_minor", "/amount_remaining", Minor),
    ("billing_reason", "/billing_reason", Same),
    ("attempted", "/attempted", Same),
    ("attempt_count", "/attempt_count", Same),
    ("period_start", "/period_start", Time),
    ("period_end", "/period_end", Time),
    ("finalized_at", "/status_transitions/finalized_at", Time),
    ("paid_at", "/status_transitions/paid_at", Time),
    ("voided_at", "/status_transitions/voided_at", Time),
    ("metadata", "/metadata", Json),
    ("deleted", "", Deleted),
];

const LINES: &[(&str, &str, Form)] = &[
    ("invoice", "/invoice", Same),
    ("id", "/id", Same),
    ("type", "/parent/type", Same),
    ("currency", "/currency", Same),
    ("amount_minor", "/amount", Minor),
    ("amount", "/amount", Major),
    ("subtotal", "/subtotal", Major),
    ("quantity", "/quantity", Same),
    ("unit_amount_decimal", "/pricing/unit_amount_decimal", Fine),
    ("price", "/pricing/price_details/price", Same),
    ("product", "/pricing/price_details/product", Same),
    ("invoice_item", "/parent/invoice_item_details/invoice_item", Same),
    ("proration", "/parent/invoice_item_details/proration", Same),
    ("period_start", "/period/start", Time),
    ("period_end", "/period/end", Time),
    ("description", "/description", Same),
    ("deleted", "", Deleted),
];

const REFUNDS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("currency", "/currency", Same),
    ("amount_minor", "/amount", Minor),
    ("amount", "/amount", Major),
    ("status", "/status", Same),
    ("reason", "/reason", Same),
    ("charge", "/charge", Same),
    ("payment_intent", "/payment_intent", Same),
    ("balance_transaction", "/balance_transaction", Same),
    ("failure_reason", "/failure_reason", Same),
];

const DISPUTES: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("currency", "/currency", Same),
    ("amount", "/amount", Major),
    ("status", "/status", Same),
    ("reason", "/reason", Same),
    ("charge", "/charge", Same),
    ("balance_transaction", "/balance_transactions/0/id", Same),
    ("is_charge_refundable", "/is_charge_refundable", Same),
    ("evidence_due_by", "/evidence_details/due_by", Time),
    ("submission_count", "/evidence_details/submission_count", Same),
];

const TRANSACTIONS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("available_on", "/available_on", Time),
    ("status", "/status", Same),
    ("type", "/type", Same),
    ("reporting_category", "/reporting_category", Same),
    ("currency", "/currency", Same),
    ("amount_minor", "/amount", Minor),
    ("amount", "/amount", Major),
    ("fee", "/fee", Major),
    ("net", "/net", Major),
    ("exchange_rate", "/exchange_rate", Same),
    ("source", "/source", Same),
];

const PAYOUTS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("arrival_date", "/arrival_date", Time),
    ("currency", "/currency", Same),
    ("amount", "/amount", Major),
    ("status", "/status", Same),
    ("automatic", "/automatic", Same),
    ("balance_transaction", "/balance_transaction", Same),
    ("destination", "/destination", Same),
    ("description", "/description", Same),
];

const SUBSCRIPTIONS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("status", "/status", Same),
    ("customer", "/customer", Same),
    ("currency", "/currency", Same),
    ("price", "/items/data/0/price/id", Same),
    ("product", "/items/data/0/price/product", Same),
    ("quantity", "/items/data/0/quantity", Same),
    ("current_period_end", "/items/data/0/current_period_end", Time),
    ("cancel_at_period_end", "/cancel_at_period_end", Same),
    ("canceled_at", "/canceled_at", Time),
    ("ended_at", "/ended_at", Time),
    ("cancellation_reason", "/cancellation_details/reason", Same),
    ("latest_invoice", "/latest_invoice", Same),
];

const PRICES: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("active", "/active", Same),
    ("product", "/product", Same),
    ("type", "/type", Same),
    ("currency", "/currency", Same),
    ("unit_amount_minor", "/unit_amount", Minor),
    ("unit_amount", "/unit_amount", Major),
    ("unit_amount_decimal", "/unit_amount_decimal", Fine),
    ("recurring_interval", "/recurring/interval", Same),
    ("recurring_interval_count", "/recurring/interval_count", Same),
    ("deleted", "", Deleted),
];

const PRODUCTS: &[(&str, &str, Form)] = &[
    ("id", "/id", Same),
    ("created", "/created", Time),
    ("updated", "/updated", Time),
    ("active", "/active", Same),
    ("name", "/name", Same),
    ("type", "/type", Same),
    ("default_price", "/default_price", Same),
    ("metadata", "/metadata", Json),
    ("deleted", "", Deleted),
];

impl Table {
    /// What to select so that rows come as [`Row`]s: times as microseconds, decimals as text.
    pub fn select(&self) -> String {
        let column = |(name, _, form): &(&str, &str, Form)| match form {
            Time => format!("cast(\"{name}\" as bigint) as \"{name}\""),
            Major | Fine => format!("cast(\"{name}\" as varchar) as \"{name}\""),
            _ => format!("\"{name}\""),
        };
        format!("select {} from {}", self.columns.iter().map(column).collect::<Vec<_>>().join(", "), self.name)
    }

    /// A row as it was asked for by [`Table::select`]: JSON in a text becomes JSON.
    pub fn read(&self, mut row: Row) -> Row {
        for (name, _, form) in self.columns {
            if let (Json, Some(Value::String(text))) = (form, row.get(*name)) {
                let json = serde_json::from_str(text).unwrap_or_else(|_| json!(format!("no JSON: {text}")));
                row.insert((*name).to_owned(), json);
            }
        }
        row
    }

    /// The values of a row's key.
    pub fn key_of(&self, row: &Row) -> String {
        self.key.iter().map(|key| row.get(*key).map_or_else(String::new, ToString::to_string)).collect::<Vec<_>>().join(" ")
    }

    /// What the table may hold after a run that began after change `before`, where the first run began after change `first`.
    pub fn truth(&self, account: &Account, first: u64, before: u64) -> Truth {
        let mut truth = Truth::new();
        for held in account.all(self.kind) {
            if self.name == "invoice_line_items" {
                self.lines(held, first, before, &mut truth);
            } else {
                let rows = held.versions.iter().map(|version| (version.since, self.row(&version.value, version.deleted), version.deleted));
                self.expect(rows.collect(), first, before, &mut truth);
            }
        }
        truth
    }

    /// A line is what it is in the versions of its invoice, and deleted in those that lack it, as it was at last.
    fn lines(&self, held: &Held, first: u64, before: u64, truth: &mut Truth) {
        let mut lines: BTreeMap<String, Vec<(u64, Row, bool)>> = BTreeMap::new();
        for Version { since, value, deleted } in &held.versions {
            let shown = value["lines"]["data"].as_array().map_or(&[][..], Vec::as_slice);
            for line in shown {
                let row = self.row(line, *deleted);
                let versions = lines.entry(line["id"].to_string()).or_default();
                if versions.last().is_none_or(|(_, last, _)| *last != row) {
                    versions.push((*since, row, *deleted));
                }
            }
            let here: BTreeSet<String> = shown.iter().map(|line| line["id"].to_string()).collect();
            for (id, versions) in &mut lines {
                let is_here = here.contains(id);
                if let Some((_, row, false)) = versions.last().filter(|_| !is_here) {
                    let gone = Row::from_iter(row.clone().into_iter().chain([("deleted".to_owned(), json!(true))]));
                    versions.push((*since, gone, true));
                }
            }
        }
        for versions in lines.into_values() {
            self.expect(versions, first, before, truth);
        }
    }

    /// What may stand for something with these versions: what it was at some time of the run.
    fn expect(&self, versions: Vec<(u64, Row, bool)>, first: u64, before: u64, truth: &mut Truth) {
        let gone = versions.last().filter(|(.., deleted)| *deleted).map(|(since, ..)| *since);
        // What was deleted before anybody read it is not there.
        if gone.is_some_and(|gone| gone <= first) {
            return;
        }
        let key = self.key_of(&versions[0].1);
        // What is deleted while it is read can't be read any more; the row of the run before, if there is one, stays until the next run is
        // told.
        let dying = gone.is_some_and(|gone| gone > before);
        let may_be_absent = dying || versions[0].0 > before;
        let ends: Vec<u64> = versions.iter().skip(1).map(|(since, ..)| *since).chain([u64::MAX]).collect();
        let fits = versions.into_iter().zip(ends).filter(|(_, end)| dying || *end > before);
        truth.insert(key, Expected { rows: fits.map(|((_, row, _), _)| row).collect(), may_be_absent });
    }

    fn row(&self, object: &Value, deleted: bool) -> Row {
        let cell = |pointer: &str, form: Form| {
            let value = object.pointer(pointer).unwrap_or(&Value::Null);
            let whole = value.as_i64();
            match form {
                Same | Minor | Json => value.clone(),
                Time => whole.map_or(Value::Null, |seconds| json!(seconds * 1_000_000)),
                Major => {
                    whole.zip(object["currency"].as_str()).map_or(Value::Null, |(minor, currency)| json!(money::decimal(minor, currency)))
                }
                Fine => value.as_str().map_or(Value::Null, |text| json!(money::fine(text))),
                Deleted => json!(deleted),
            }
        };
        self.columns.iter().map(|(name, pointer, form)| ((*name).to_owned(), cell(pointer, *form))).collect()
    }
}
