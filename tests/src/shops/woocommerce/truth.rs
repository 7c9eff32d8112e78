//! What a warehouse must hold of a shop: written from the records themselves, without a line of the source that is tested.

use serde_json::Value;

use super::{
    State, calendar,
    seed::{self, cents},
    shelf::Record,
};

/// The rows that a table must hold, as the host writes CSV: no value is empty text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// The columns, comma-separated.
    pub header: String,
    /// Each row with the second in which it last changed.
    pub rows: Vec<(i64, String)>,
}

impl Truth {
    fn new(header: &str) -> Self {
        Self { header: header.to_owned(), rows: Vec::new() }
    }

    fn add(&mut self, modified: i64, cells: &[String]) {
        let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
        self.rows.push((modified, cells.join(",")));
    }

    /// The rows that did not change after `until`, sorted.
    pub fn settled(&self, until: i64) -> Vec<String> {
        let mut rows: Vec<_> = self.rows.iter().filter(|(modified, _)| *modified <= until).map(|(_, row)| row.clone()).collect();
        rows.sort();
        rows
    }

    /// All rows, sorted.
    pub fn all(&self) -> Vec<String> {
        self.settled(i64::MAX)
    }
}

impl State {
    /// The rows of a stream. Lines and refunds are those of orders that are not in the bin.
    pub(super) fn truth(&self, stream: &str) -> Truth {
        match stream {
            "orders" => self.orders(),
            "line_items" => self.line_items(),
            "refunds" => self.refunds(),
            "products" => self.products(),
            "variations" => self.variations(),
            "customers" => self.customers(),
            "coupons" => self.coupons(),
            other => panic!("there is no stream `{other}`"),
        }
    }

    fn orders(&self) -> Truth {
        let mut truth = Truth::new(
            "id,number,status,currency,customer_id,total,total_tax,shipping_total,discount_total,payment_method,transaction_id,\
             billing_email,billing_city,billing_country,refunded,date_created,date_modified,date_paid,date_completed,deleted",
        );
        for (id, order) in &self.orders.records {
            let billing = |name: &str| text(&order.get("billing")[name]);
            let refunds = order.get("refunds").as_array().into_iter().flatten();
            let refunded: i64 = refunds.map(|refund| -cents(refund["total"].as_str().unwrap_or_default())).sum();
            truth.add(
                order.modified,
                &[
                    id.to_string(),
                    text(order.get("number")),
                    text(order.get("status")),
                    text(order.get("currency")),
                    order.get("customer_id").as_u64().filter(|id| *id > 0).map(|id| id.to_string()).unwrap_or_default(),
                    money(order.get("total")),
                    money(order.get("total_tax")),
                    money(order.get("shipping_total")),
                    money(order.get("discount_total")),
                    text(order.get("payment_method")),
                    text(order.get("transaction_id")),
                    billing("email"),
                    billing("city"),
                    billing("country"),
                    money(&Value::from(seed::money(refunded))),
                    time(order, "date_created"),
                    calendar::gmt(order.modified) + "Z",
                    time(order, "date_paid"),
                    time(order, "date_completed"),
                    order.trashed().to_string(),
                ],
            );
        }
        truth
    }

    fn line_items(&self) -> Truth {
        let mut truth = Truth::new("id,order_id,position,product_id,variation_id,name,sku,quantity,price,subtotal,total,total_tax");
        for (order_id, order) in self.orders.records.iter().filter(|(_, order)| !order.trashed()) {
            for (place, line) in order.get("line_items").as_array().into_iter().flatten().enumerate() {
                let some = |name: &str| line[name].as_u64().filter(|id| *id > 0).map(|id| id.to_string()).unwrap_or_default();
                truth.add(
                    order.modified,
                    &[
                        some("id"),
                        order_id.to_string(),
                        (place + 1).to_string(),
                        some("product_id"),
                        some("variation_id"),
                        text(&line["name"]),
                        text(&line["sku"]),
                        amount(&line["quantity"]),
                        format!("{:.4}", line["price"].as_f64().unwrap_or_default()),
                        money(&line["subtotal"]),
                        money(&line["total"]),
                        money(&line["total_tax"]),
                    ],
                );
            }
        }
        truth
    }

    fn refunds(&self) -> Truth {
        let mut truth = Truth::new("id,order_id,amount,reason,refunded_by,refunded_payment,date_created");
        for (order, refunds) in &self.refunds {
            let Some(parent) = self.orders.records.get(order).filter(|order| !order.trashed()) else { continue };
            for (id, refund) in &refunds.records {
                truth.add(
                    parent.modified,
                    &[
                        id.to_string(),
                        order.to_string(),
                        money(refund.get("amount")),
                        text(refund.get("reason")),
                        refund.get("refunded_by").to_string(),
                        refund.get("refunded_payment").to_string(),
                        time(refund, "date_created"),
                    ],
                );
            }
        }
        truth
    }

    fn products(&self) -> Truth {
        let mut truth = Truth::new(
            "id,name,type,status,sku,price,regular_price,sale_price,stock_quantity,stock_status,weight,categories,date_created,date_modified,deleted",
        );
        for (id, product) in &self.products.records {
            truth.add(
                product.modified,
                &[
                    id.to_string(),
                    text(product.get("name")),
                    text(product.get("type")),
                    text(product.get("status")),
                    text(product.get("sku")),
                    money(product.get("price")),
                    money(product.get("regular_price")),
                    money(product.get("sale_price")),
                    amount(product.get("stock_quantity")),
                    text(product.get("stock_status")),
                    money(product.get("weight")),
                    names(product.get("categories")),
                    time(product, "date_created"),
                    time(product, "date_modified"),
                    product.trashed().to_string(),
                ],
            );
        }
        truth
    }

    /// Variations of products that can be seen.
    fn variations(&self) -> Truth {
        let mut truth = Truth::new("id,product_id,sku,price,stock_quantity,attributes,date_modified,deleted");
        let seen = |product: &u64| self.products.records.get(product).is_some_and(|product| !product.trashed());
        for (product, variations) in self.variations.iter().filter(|(product, _)| seen(product)) {
            for (id, variation) in &variations.records {
                truth.add(
                    variation.modified,
                    &[
                        id.to_string(),
                        product.to_string(),
                        text(variation.get("sku")),
                        money(variation.get("price")),
                        amount(variation.get("stock_quantity")),
                        attributes(variation.get("attributes")),
                        time(variation, "date_modified"),
                        "false".to_owned(),
                    ],
                );
            }
        }
        truth
    }

    fn customers(&self) -> Truth {
        let mut truth = Truth::new(
            "id,email,first_name,last_name,role,username,billing_city,billing_state,billing_postcode,billing_country,date_modified,deleted",
        );
        for (id, customer) in &self.customers.records {
            let billing = |name: &str| text(&customer.get("billing")[name]);
            truth.add(
                customer.modified,
                &[
                    id.to_string(),
                    text(customer.get("email")),
                    text(customer.get("first_name")),
                    text(customer.get("last_name")),
                    text(customer.get("role")),
                    text(customer.get("username")),
                    billing("city"),
                    billing("state"),
                    billing("postcode"),
                    billing("country"),
                    time(customer, "date_modified"),
                    "false".to_owned(),
                ],
            );
        }
        truth
    }

    fn coupons(&self) -> Truth {
        let mut truth = Truth::new("id,code,amount,discount_type,usage_count,date_expires,date_modified,deleted");
        for (id, coupon) in &self.coupons.records {
            truth.add(
                coupon.modified,
                &[
                    id.to_string(),
                    text(coupon.get("code")),
                    money(coupon.get("amount")),
                    text(coupon.get("discount_type")),
                    number(coupon.get("usage_count")),
                    time(coupon, "date_expires"),
                    time(coupon, "date_modified"),
                    "false".to_owned(),
                ],
            );
        }
        truth
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn number(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// A quantity: a number, with four places.
fn amount(value: &Value) -> String {
    value.as_f64().map(|number| format!("{number:.4}")).unwrap_or_default()
}

fn names(categories: &Value) -> String {
    let names: Vec<_> = categories.as_array().into_iter().flatten().map(|category| text(&category["name"])).collect();
    names.join(", ")
}

fn attributes(attributes: &Value) -> String {
    let pair = |attribute: &Value| format!("{}: {}", text(&attribute["name"]), text(&attribute["option"]));
    attributes.as_array().into_iter().flatten().map(pair).collect::<Vec<_>>().join(", ")
}

/// Four places, as the tables hold it.
fn money(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    match text.split_once('.') {
        _ if text.is_empty() => String::new(),
        Some((whole, places)) => format!("{whole}.{places:0<4}"),
        None => format!("{text}.0000"),
    }
}

/// The field in GMT, with its zone named.
fn time(record: &Record, name: &str) -> String {
    let gmt = text(record.get(&format!("{name}_gmt")));
    if gmt.is_empty() { gmt } else { gmt + "Z" }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}
