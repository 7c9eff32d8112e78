//! What happens in an account: sales, refunds, disputes, invoices, payouts. Each step changes objects and tells of it as Stripe does,
//! which is not always what one would wish: a dispute changes its charge without an event of the charge, funds become available in
//! silence, and a refund is sometimes told by its charge alone.

use serde_json::{Value, json};

use super::account::{Account, DAY};

/// Two digits, none, three, and two that are written with two digits for old times' sake.
const CURRENCIES: [&str; 12] = ["usd", "usd", "usd", "usd", "eur", "eur", "eur", "jpy", "krw", "kwd", "isk", "ugx"];

/// What may happen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Anything.
    Any,
    /// Nothing is deleted, and no draft loses a line.
    NothingGoes,
    /// No draft loses a line.
    NoLineGoes,
}

impl Account {
    /// Something happens.
    pub fn step(&mut self, mood: Mood) {
        match self.chance.below(100) {
            0..30 => self.sale(),
            30..35 => self.failed_sale(),
            35..45 => self.refund(),
            45..48 => self.settle_refund(),
            48..50 => self.dispute(),
            50..52 => self.close_dispute(),
            52..62 => drop(self.customer()),
            62..68 => self.edit_customer(),
            68..70 if mood != Mood::NothingGoes => self.delete_customer(),
            70..78 => self.draft_invoice(),
            78..81 => self.add_line(),
            81..83 if mood == Mood::Any => self.remove_line(),
            83..87 => self.finalize_invoice(),
            87..88 if mood != Mood::NothingGoes => self.delete_draft(),
            88..90 => self.product(),
            90..92 => self.edit_product(mood),
            92..95 => self.subscribe(),
            95..97 => self.edit_subscription(),
            97..98 => self.payout(),
            98..99 => self.end_payout(),
            _ => self.noise(),
        }
    }

    /// Many things happen, so many seconds apart.
    pub fn steps(&mut self, count: usize, seconds: i64, mood: Mood) {
        for _ in 0..count {
            self.pass(seconds);
            self.step(mood);
        }
    }

    fn amount(&mut self, currency: &str) -> i64 {
        let amount = 100 + self.chance.below(49_900) as i64;
        match currency {
            // Three digits, the last of which is 0; two digits that are 00.
            "kwd" => amount / 10 * 10,
            "isk" | "ugx" => amount / 100 * 100,
            _ => amount,
        }
    }

    fn any_customer(&mut self) -> Value {
        if self.chance.one_in(20) {
            return Value::Null;
        }
        self.some("customer", |_| true).map_or(Value::Null, Value::from)
    }

    fn transaction(&mut self, kind: &str, source: &str, amount: i64, currency: &str) -> String {
        let id = self.id("txn");
        let fee = if kind == "charge" { amount * 29 / 1000 } else { 0 };
        let after = 1 + self.chance.below(9) as i64;
        let txn = json!({
            "id": id, "object": "balance_transaction", "amount": amount, "available_on": self.now + after * DAY, "balance_type": "payments",
            "created": self.now, "currency": currency, "description": null, "exchange_rate": null, "fee": fee, "fee_details": [],
            "net": amount - fee, "reporting_category": kind, "source": source, "status": "pending", "type": kind,
        });
        self.put("balance_transaction", txn)
    }

    fn intent(&mut self, amount: i64, currency: &str, customer: &Value, status: &str, charge: Option<&str>) -> String {
        let id = self.id("pi");
        let received = if status == "succeeded" { amount } else { 0 };
        let intent = json!({
            "id": id, "object": "payment_intent", "amount": amount, "amount_capturable": 0, "amount_received": received,
            "application_fee_amount": null, "canceled_at": null, "cancellation_reason": null, "capture_method": "automatic",
            "client_secret": format!("{id}_secret_x"), "confirmation_method": "automatic", "created": self.now, "currency": currency,
            "customer": customer, "description": null, "latest_charge": charge, "livemode": false,
            "metadata": { "order_id": (self.changes + 1000).to_string() }, "payment_method": null, "receipt_email": null,
            "setup_future_usage": null, "statement_descriptor": null, "status": status,
        });
        self.put("payment_intent", intent)
    }

    fn charge(&mut self, amount: i64, currency: &str, customer: &Value, failure: Option<&str>) -> String {
        let id = self.id("ch");
        let country = self.chance.of(&["US", "DE", "JP", "BR", "FR"]);
        let txn = if failure.is_none() { json!(self.transaction("charge", &id, amount, currency)) } else { Value::Null };
        let captured = if failure.is_none() { amount } else { 0 };
        let charge = json!({
            "id": id, "object": "charge", "amount": amount, "amount_captured": captured, "amount_refunded": 0,
            "application_fee_amount": null, "balance_transaction": txn,
            "billing_details": {
                "address": { "city": "Łódź", "country": country, "line1": null, "line2": null, "postal_code": "01310", "state": null },
                "email": format!("p{}@example.com", self.changes), "name": "Zoë \"Z\" O'Hara, Jr.", "phone": null,
            },
            "captured": failure.is_none(), "created": self.now, "currency": currency, "customer": customer, "description": null,
            "disputed": false, "failure_code": failure, "failure_message": failure.map(|_| "Your card was declined."), "livemode": false,
            "metadata": { "note": "line one\nline two", "é": "ü" },
            "outcome": { "risk_level": "normal", "type": if failure.is_none() { "authorized" } else { "issuer_declined" } },
            "paid": failure.is_none(), "payment_intent": null, "payment_method": "pm_1T0",
            "payment_method_details": { "card": { "brand": "visa", "country": country, "last4": "0042" }, "type": "card" },
            "receipt_email": null, "refunded": false, "statement_descriptor": null,
            "status": if failure.is_none() { "succeeded" } else { "failed" },
        });
        self.put("charge", charge)
    }

    fn sale(&mut self) {
        let currency = self.chance.of(&CURRENCIES);
        let (amount, customer) = (self.amount(currency), self.any_customer());
        let charge = self.charge(amount, currency, &customer, None);
        let intent = self.intent(amount, currency, &customer, "succeeded", Some(&charge));
        self.edit(&charge, |charge| charge["payment_intent"] = json!(intent));
        // The feed has what came last before what came first.
        self.tell("payment_intent.succeeded", &intent);
        self.tell("charge.succeeded", &charge);
        self.tell("payment_intent.created", &intent);
    }

    fn failed_sale(&mut self) {
        let currency = self.chance.of(&CURRENCIES);
        let (amount, customer) = (self.amount(currency), self.any_customer());
        let charge = self.charge(amount, currency, &customer, Some("card_declined"));
        let intent = self.intent(amount, currency, &customer, "requires_payment_method", Some(&charge));
        self.edit(&charge, |charge| charge["payment_intent"] = json!(intent));
        self.tell("charge.failed", &charge);
        self.tell("payment_intent.payment_failed", &intent);
        self.tell("payment_intent.created", &intent);
    }

    fn refund(&mut self) {
        let left = |charge: &Value| charge["amount_captured"].as_i64() > charge["amount_refunded"].as_i64();
        let Some(charge) = self.some("charge", left) else { return };
        // Now and then a charge is refunded bit by bit: its own list of refunds stops at ten.
        let parts = if self.chance.one_in(12) { 14 } else { 1 };
        for _ in 0..parts {
            self.refund_part(&charge, parts);
        }
    }

    fn refund_part(&mut self, charge: &str, parts: i64) {
        let value = self.value(charge).clone();
        let (captured, refunded) = (value["amount_captured"].as_i64().unwrap_or(0), value["amount_refunded"].as_i64().unwrap_or(0));
        let currency = value["currency"].as_str().unwrap_or("usd").to_owned();
        let whole = parts == 1 && self.chance.one_in(2);
        let amount = if whole { captured - refunded } else { ((captured - refunded) / 20).max(1) };
        if amount <= 0 {
            return;
        }
        let id = self.id("re");
        let txn = self.transaction("refund", &id, -amount, &currency);
        let status = self.chance.of(&["succeeded", "succeeded", "pending"]);
        let refund = json!({
            "id": id, "object": "refund", "amount": amount, "balance_transaction": txn, "charge": charge, "created": self.now,
            "currency": currency, "description": null, "failure_reason": null, "metadata": {}, "payment_intent": value["payment_intent"],
            "reason": "requested_by_customer", "receipt_number": null, "status": status,
        });
        self.put("refund", refund);
        let before = self.edit(charge, |charge| {
            charge["amount_refunded"] = json!(refunded + amount);
            charge["refunded"] = json!(refunded + amount == captured);
        });
        self.tell_change("charge.refunded", charge, &before);
        if !self.chance.one_in(3) {
            self.tell("refund.created", &id);
        }
    }

    fn settle_refund(&mut self) {
        let Some(refund) = self.some("refund", |refund| refund["status"] == "pending") else { return };
        let failed = self.chance.one_in(3);
        let before = self.edit(&refund, |refund| {
            refund["status"] = json!(if failed { "failed" } else { "succeeded" });
            refund["failure_reason"] = if failed { json!("expired_or_canceled_card") } else { Value::Null };
        });
        self.tell_change("charge.refund.updated", &refund, &before);
    }

    fn dispute(&mut self) {
        let Some(charge) = self.some("charge", |charge| charge["paid"] == true && charge["disputed"] == false) else { return };
        let value = self.value(&charge).clone();
        let (amount, currency) = (value["amount"].as_i64().unwrap_or(0), value["currency"].as_str().unwrap_or("usd").to_owned());
        let id = self.id("du");
        let txn = self.transaction("adjustment", &id, -amount, &currency);
        let dispute = json!({
            "id": id, "object": "dispute", "amount": amount, "balance_transactions": [{ "id": txn, "object": "balance_transaction" }],
            "charge": charge, "created": self.now, "currency": currency,
            "evidence_details": { "due_by": self.now + 7 * DAY, "has_evidence": false, "past_due": false, "submission_count": 0 },
            "is_charge_refundable": false, "livemode": false, "metadata": {}, "payment_intent": value["payment_intent"],
            "reason": "fraudulent", "status": "needs_response",
        });
        self.put("dispute", dispute);
        self.edit(&charge, |charge| charge["disputed"] = json!(true));
        self.tell("charge.dispute.created", &id);
    }

    fn close_dispute(&mut self) {
        let Some(dispute) = self.some("dispute", |dispute| dispute["status"] == "needs_response") else { return };
        let status = self.chance.of(&["won", "lost"]);
        let before = self.edit(&dispute, |dispute| dispute["status"] = json!(status));
        self.tell_change("charge.dispute.closed", &dispute, &before);
    }

    fn customer(&mut self) -> String {
        let id = self.id("cus");
        let currency = if self.chance.one_in(2) { json!(self.chance.of(&CURRENCIES)) } else { Value::Null };
        let name = format!("Customer {}", self.changes);
        let customer = json!({
            "id": id, "object": "customer", "address": { "city": "Osaka", "country": "JP", "line1": "1-2-3", "line2": null,
            "postal_code": "540-0001", "state": null }, "balance": -(self.chance.below(500) as i64), "created": self.now,
            "currency": currency, "default_source": null, "delinquent": false, "description": null,
            "email": format!("c{}@example.com", self.changes), "invoice_prefix": "7FE1103",
            "invoice_settings": { "custom_fields": null, "default_payment_method": "pm_1T1", "footer": null }, "livemode": false,
            "metadata": {}, "name": name, "phone": null, "preferred_locales": [], "shipping": null, "tax_exempt": "none",
        });
        self.put("customer", customer);
        self.tell("customer.created", &id);
        id
    }

    fn edit_customer(&mut self) {
        let Some(customer) = self.some("customer", |_| true) else { return };
        let number = self.changes;
        let before = self.edit(&customer, |customer| {
            customer["email"] = json!(format!("new{number}@example.com"));
            customer["metadata"] = json!({ "edited": number.to_string() });
        });
        self.tell_change("customer.updated", &customer, &before);
    }

    fn delete_customer(&mut self) {
        let Some(customer) = self.some("customer", |_| true) else { return };
        self.drop_customer(&customer);
    }

    /// Deletes this customer.
    pub fn drop_customer(&mut self, customer: &str) {
        self.delete(customer);
        self.tell("customer.deleted", customer);
    }

    fn line(&mut self, invoice: &str, currency: &str) -> Value {
        let amount = self.amount(currency);
        let (id, item) = (self.id("il"), self.id("ii"));
        let price = self.some("price", |_| true);
        let product = price.as_deref().map(|price| self.value(price)["product"].clone());
        json!({
            "id": id, "object": "line_item", "amount": amount, "currency": currency, "description": "A \"thing\", blue",
            "discount_amounts": [], "discountable": true, "discounts": [], "invoice": invoice, "livemode": false, "metadata": {},
            "parent": {
                "invoice_item_details": { "invoice_item": item, "proration": false, "subscription": null },
                "subscription_item_details": null, "type": "invoice_item_details",
            },
            "period": { "end": self.now + 30 * DAY, "start": self.now },
            "pricing": {
                "price_details": { "price": price, "product": product }, "type": "price_details",
                "unit_amount_decimal": format!("{amount}.125"),
            },
            "quantity": 1, "subtotal": amount, "taxes": [],
        })
    }

    fn draft_invoice(&mut self) {
        let Some(customer) = self.some("customer", |_| true) else { return };
        let lines = if self.chance.one_in(6) { 11 + self.chance.below(20) } else { 1 + self.chance.below(5) };
        let id = self.invoice(&customer, lines, Value::Null);
        self.tell("invoice.created", &id);
    }

    fn invoice(&mut self, customer: &str, lines: u64, subscription: Value) -> String {
        let id = self.id("in");
        let currency = self.chance.of(&CURRENCIES);
        let lines: Vec<_> = (0..lines).map(|_| self.line(&id, currency)).collect();
        let parent = match &subscription {
            Value::Null => Value::Null,
            id => {
                json!({ "quote_details": null, "subscription_details": { "metadata": {}, "subscription": id }, "type": "subscription_details" })
            }
        };
        let mut invoice = json!({
            "id": id, "object": "invoice", "amount_paid": 0, "amount_shipping": 0, "attempt_count": 0, "attempted": false,
            "auto_advance": true, "billing_reason": if parent.is_null() { "manual" } else { "subscription_create" },
            "collection_method": "charge_automatically", "created": self.now, "currency": currency, "customer": customer,
            "customer_email": self.value(customer)["email"], "customer_name": self.value(customer)["name"], "description": null,
            "due_date": null, "ending_balance": null, "lines": { "data": lines }, "livemode": false, "metadata": {},
            "next_payment_attempt": self.now + 3600, "number": null, "parent": parent, "period_end": self.now,
            "period_start": self.now - 30 * DAY, "starting_balance": 0, "status": "draft",
            "status_transitions": { "finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null },
        });
        total(&mut invoice);
        self.put("invoice", invoice)
    }

    fn add_line(&mut self) {
        let Some(invoice) = self.some("invoice", |invoice| invoice["status"] == "draft") else { return };
        let currency = self.value(&invoice)["currency"].as_str().unwrap_or("usd").to_owned();
        let line = self.line(&invoice, &currency);
        let item = json!({ "id": line["parent"]["invoice_item_details"]["invoice_item"], "object": "invoiceitem", "invoice": invoice });
        let before = self.edit(&invoice, |invoice| {
            lines_mut(invoice).push(line);
            total(invoice);
        });
        // Now and then only the item tells of it.
        if self.chance.one_in(2) {
            self.tell_change("invoice.updated", &invoice, &before);
        }
        self.tell_of("invoiceitem.created", item, None);
    }

    /// A draft whose lines an event shows in full loses one.
    fn remove_line(&mut self) {
        let few = |invoice: &Value| (2..=super::account::NESTED).contains(&lines(invoice).len());
        let Some(invoice) = self.some("invoice", |invoice| invoice["status"] == "draft" && few(invoice)) else { return };
        let before = self.edit(&invoice, |invoice| {
            lines_mut(invoice).remove(0);
            total(invoice);
        });
        self.tell_change("invoice.updated", &invoice, &before);
    }

    fn finalize_invoice(&mut self) {
        let Some(invoice) = self.some("invoice", |invoice| invoice["status"] == "draft") else { return };
        let (now, number) = (self.now, self.changes);
        let before = self.edit(&invoice, |invoice| {
            invoice["status"] = json!("paid");
            invoice["number"] = json!(format!("7FE1103-{number:04}"));
            invoice["amount_paid"] = invoice["total"].clone();
            invoice["attempted"] = json!(true);
            invoice["ending_balance"] = json!(0);
            invoice["status_transitions"]["finalized_at"] = json!(now);
            invoice["status_transitions"]["paid_at"] = json!(now);
            total(invoice);
        });
        self.tell("invoice.payment_succeeded", &invoice);
        self.tell_change("invoice.updated", &invoice, &before);
        self.tell("invoice.finalized", &invoice);
    }

    fn delete_draft(&mut self) {
        let few = |invoice: &Value| lines(invoice).len() <= super::account::NESTED;
        let Some(invoice) = self.some("invoice", |invoice| invoice["status"] == "draft" && few(invoice)) else { return };
        self.delete(&invoice);
        self.tell("invoice.deleted", &invoice);
    }

    fn product(&mut self) {
        let id = self.id("prod");
        let product = json!({
            "id": id, "object": "product", "active": true, "created": self.now, "default_price": null, "description": null,
            "livemode": false, "metadata": {}, "name": format!("Product {}", self.changes), "shippable": null,
            "statement_descriptor": null, "tax_code": null, "type": "service", "unit_label": null, "updated": self.now, "url": null,
        });
        self.put("product", product);
        self.tell("product.created", &id);
        for _ in 0..1 + self.chance.below(2) {
            self.price(&id);
        }
    }

    fn price(&mut self, product: &str) {
        let id = self.id("price");
        let currency = self.chance.of(&CURRENCIES);
        let amount = self.amount(currency);
        let fine = self.chance.one_in(8);
        let price = json!({
            "id": id, "object": "price", "active": true, "billing_scheme": "per_unit", "created": self.now, "currency": currency,
            "livemode": false, "lookup_key": null, "metadata": {}, "nickname": null, "product": product,
            "recurring": { "interval": "month", "interval_count": 1, "usage_type": "licensed" }, "tax_behavior": "unspecified",
            "tiers_mode": null, "type": "recurring", "unit_amount": if fine { Value::Null } else { json!(amount) },
            "unit_amount_decimal": if fine { "0.0125".to_owned() } else { amount.to_string() },
        });
        self.put("price", price);
        self.tell("price.created", &id);
    }

    fn edit_product(&mut self, mood: Mood) {
        match self.chance.below(4) {
            0 => {
                let Some(price) = self.some("price", |price| price["active"] == true) else { return };
                let before = self.edit(&price, |price| price["active"] = json!(false));
                self.tell_change("price.updated", &price, &before);
            }
            1 if mood != Mood::NothingGoes => {
                let Some(product) = self.some("product", |_| true) else { return };
                self.delete(&product);
                self.tell("product.deleted", &product);
            }
            2 if mood != Mood::NothingGoes => {
                let Some(price) = self.some("price", |_| true) else { return };
                self.delete(&price);
                self.tell("price.deleted", &price);
            }
            _ => {
                let Some(product) = self.some("product", |_| true) else { return };
                let now = self.now;
                let before = self.edit(&product, |product| {
                    product["name"] = json!(format!("Renamed at {now}"));
                    product["updated"] = json!(now);
                });
                self.tell_change("product.updated", &product, &before);
            }
        }
    }

    fn subscribe(&mut self) {
        let Some(customer) = self.some("customer", |_| true) else { return };
        let Some(price) = self.some("price", |price| price["active"] == true) else { return };
        let price = self.value(&price).clone();
        let (id, item, now) = (self.id("sub"), self.id("si"), self.now);
        let invoice = self.invoice(&customer, 1, json!(id));
        let subscription = json!({
            "id": id, "object": "subscription", "billing_cycle_anchor": now, "cancel_at": null, "cancel_at_period_end": false,
            "canceled_at": null, "cancellation_details": { "comment": null, "feedback": null, "reason": null },
            "collection_method": "charge_automatically", "created": now, "currency": price["currency"], "customer": customer,
            "days_until_due": null, "default_payment_method": null, "description": null, "ended_at": null,
            "items": { "object": "list", "data": [{
                "id": item, "object": "subscription_item", "created": now, "current_period_end": now + 30 * DAY,
                "current_period_start": now, "price": price, "quantity": 2, "subscription": id,
            }], "has_more": false, "url": format!("/v1/subscription_items?subscription={id}") },
            "latest_invoice": invoice, "livemode": false, "metadata": {}, "start_date": now, "status": "active", "trial_end": null,
            "trial_start": null,
        });
        self.put("subscription", subscription);
        self.tell("customer.subscription.created", &id);
        self.tell("invoice.created", &invoice);
        // An invoice that is not there yet has no id.
        let mut upcoming = self.shown(self.value(&invoice));
        upcoming.as_object_mut().map(|invoice| invoice.remove("id"));
        self.tell_of("invoice.upcoming", upcoming, None);
    }

    fn edit_subscription(&mut self) {
        let Some(subscription) = self.some("subscription", |subscription| subscription["status"] == "active") else { return };
        let (now, ends) = (self.now, self.chance.one_in(2));
        let before = self.edit(&subscription, |subscription| {
            subscription["cancel_at_period_end"] = json!(!ends);
            subscription["canceled_at"] = json!(now);
            if ends {
                subscription["status"] = json!("canceled");
                subscription["ended_at"] = json!(now);
                subscription["cancellation_details"]["reason"] = json!("cancellation_requested");
            }
        });
        let kind = if ends { "customer.subscription.deleted" } else { "customer.subscription.updated" };
        self.tell_change(kind, &subscription, &before);
    }

    fn payout(&mut self) {
        let id = self.id("po");
        let currency = self.chance.of(&["usd", "eur", "jpy"]);
        let amount = self.amount(currency);
        let txn = self.transaction("payout", &id, -amount, currency);
        let payout = json!({
            "id": id, "object": "payout", "amount": amount, "arrival_date": self.now + 2 * DAY, "automatic": true,
            "balance_transaction": txn, "created": self.now, "currency": currency, "description": "STRIPE PAYOUT", "destination": "ba_1T2",
            "failure_code": null, "failure_message": null, "livemode": false, "metadata": {}, "method": "standard",
            "reconciliation_status": "in_progress", "source_type": "card", "statement_descriptor": null, "status": "in_transit",
            "type": "bank_account",
        });
        self.put("payout", payout);
        self.tell("payout.created", &id);
    }

    fn end_payout(&mut self) {
        let Some(payout) = self.some("payout", |payout| payout["status"] == "in_transit") else { return };
        let before = self.edit(&payout, |payout| payout["status"] = json!("paid"));
        self.tell_change("payout.paid", &payout, &before);
    }

    /// Events about objects that have no stream, or no id.
    fn noise(&mut self) {
        let method = self.id("pm");
        self.tell_of("payment_method.attached", json!({ "id": method, "object": "payment_method", "customer": "cus_other" }), None);
        self.tell_of("balance.available", json!({ "object": "balance", "available": [], "pending": [] }), None);
    }
}

fn lines(invoice: &Value) -> &[Value] {
    invoice["lines"]["data"].as_array().map_or(&[], Vec::as_slice)
}

fn lines_mut(invoice: &mut Value) -> &mut Vec<Value> {
    invoice["lines"]["data"].as_array_mut().expect("an invoice has lines")
}

/// Adds an invoice up.
fn total(invoice: &mut Value) {
    let total: i64 = lines(invoice).iter().filter_map(|line| line["amount"].as_i64()).sum();
    let paid = invoice["amount_paid"].as_i64().unwrap_or(0);
    for key in ["amount_due", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"] {
        invoice[key] = json!(total);
    }
    invoice["amount_remaining"] = json!(total - paid);
}
