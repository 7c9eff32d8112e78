//! What the shop has, as either API shows it.
//!
//! A GraphQL view is the whole object with its `__typename`; a connection in it is `{"__connection": [...]}`. What a query selects of it is
//! the matter of `graph`.

use chrono::{DateTime, FixedOffset, SecondsFormat};
use serde_json::{Value, json};

use super::model::{Address, Customer, Level, Line, Order, Product, Refund, RefundItem, Stock, Variant};

/// The shop's currency.
pub const CURRENCY: &str = "BRL";

/// A global id.
pub fn gid(kind: &str, id: u64) -> String {
    format!("gid://shopify/{kind}/{id}")
}

/// The number of a global id of this kind.
pub fn number_of(gid: &str, kind: &str) -> Option<u64> {
    gid.strip_prefix("gid://shopify/")?.strip_prefix(kind)?.strip_prefix('/')?.parse().ok()
}

/// A time as GraphQL writes it.
pub fn zulu(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).expect("the shop's times are near").to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A time as REST writes it: in the shop's zone.
pub fn zoned(seconds: i64) -> String {
    let zone = FixedOffset::west_opt(3 * 3600).expect("three hours are less than a day");
    DateTime::from_timestamp(seconds, 0)
        .expect("the shop's times are near")
        .with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::Secs, false)
}

/// Cents as REST writes them.
pub fn cents(cents: i64) -> String {
    format!("{}{}.{:02}", if cents < 0 { "-" } else { "" }, cents.abs() / 100, cents.abs() % 100)
}

/// Cents as GraphQL writes them: `597.0`.
fn amount(value: i64) -> String {
    let text = cents(value);
    text.strip_suffix('0').map_or(text.clone(), str::to_owned)
}

fn money(value: i64) -> Value {
    json!({ "__typename": "MoneyV2", "amount": amount(value), "currencyCode": CURRENCY })
}

fn bag(value: i64) -> Value {
    json!({ "__typename": "MoneyBag", "shopMoney": money(value), "presentmentMoney": money(value) })
}

fn connection(values: impl IntoIterator<Item = Value>) -> Value {
    json!({ "__connection": values.into_iter().collect::<Vec<_>>() })
}

impl Address {
    fn graph(self) -> Value {
        let Self(city, province, country, zip) = self;
        json!({ "__typename": "MailingAddress", "city": city, "provinceCode": province, "countryCodeV2": country, "zip": zip })
    }

    fn rest(self) -> Value {
        let Self(city, province, country, zip) = self;
        json!({ "city": city, "province_code": province, "country_code": country, "zip": zip })
    }
}

impl Order {
    pub fn graph(&self) -> Value {
        let code = json!({ "__typename": "DiscountCodeApplication", "code": "TAKE25", "index": 0 });
        json!({
            "__typename": "Order", "id": gid("Order", self.id), "name": format!("#{}", self.number), "createdAt": zulu(self.created),
            "updatedAt": zulu(self.updated), "processedAt": zulu(self.created), "cancelledAt": self.cancelled.map(zulu),
            "closedAt": self.closed.map(zulu), "cancelReason": self.cancelled.map(|_| "CUSTOMER"),
            "displayFinancialStatus": self.financial, "displayFulfillmentStatus": if self.fulfilled { "FULFILLED" } else { "UNFULFILLED" },
            "customer": self.customer.map(|id| json!({ "__typename": "Customer", "id": gid("Customer", id) })), "email": self.email,
            "currencyCode": CURRENCY, "subtotalPriceSet": bag(self.subtotal()), "totalDiscountsSet": bag(self.discount),
            "totalTaxSet": bag(self.tax), "totalShippingPriceSet": bag(self.shipping), "totalPriceSet": bag(self.total()),
            "currentTotalPriceSet": bag(self.current_total()), "taxesIncluded": false, "test": self.test, "sourceName": "web",
            "tags": self.tags, "note": self.note, "shippingAddress": self.address.map(Address::graph),
            "refunds": self.refunds.iter().map(|refund| refund.graph(self.id)).collect::<Vec<_>>(),
            "lineItems": connection(self.lines.iter().map(Line::graph)),
            // A child without an id, which a bulk file has as a line of its own.
            "discountApplications": connection((self.discount > 0).then_some(code)),
        })
    }

    pub fn rest(&self) -> Value {
        json!({
            "id": self.id, "admin_graphql_api_id": gid("Order", self.id), "name": format!("#{}", self.number), "order_number": self.number,
            "created_at": zoned(self.created), "updated_at": zoned(self.updated), "processed_at": zoned(self.created),
            "cancelled_at": self.cancelled.map(zoned), "closed_at": self.closed.map(zoned), "cancel_reason": self.cancelled.map(|_| "customer"),
            "financial_status": self.financial.to_lowercase(), "fulfillment_status": self.fulfilled.then_some("fulfilled"),
            "customer": self.customer.map(|id| json!({ "id": id })), "email": self.email, "currency": CURRENCY,
            "subtotal_price": cents(self.subtotal()), "total_discounts": cents(self.discount), "total_tax": cents(self.tax),
            "total_shipping_price_set": { "shop_money": { "amount": cents(self.shipping), "currency_code": CURRENCY } },
            "total_price": cents(self.total()), "current_total_price": cents(self.current_total()), "taxes_included": false,
            "test": self.test, "source_name": "web", "tags": self.tags.join(", "), "note": self.note,
            "shipping_address": self.address.map(Address::rest),
            "line_items": self.lines.iter().map(Line::rest).collect::<Vec<_>>(),
            "refunds": self.refunds.iter().map(|refund| refund.rest(self.id)).collect::<Vec<_>>(),
        })
    }
}

impl Line {
    fn graph(&self) -> Value {
        json!({
            "__typename": "LineItem", "id": gid("LineItem", self.id), "title": self.title, "variantTitle": null, "sku": self.sku,
            "vendor": "Acme", "quantity": self.quantity, "currentQuantity": self.current, "requiresShipping": true, "taxable": true,
            "isGiftCard": self.gift_card, "product": self.product.map(|id| json!({ "__typename": "Product", "id": gid("Product", id) })),
            "variant": self.variant.map(|id| json!({ "__typename": "ProductVariant", "id": gid("ProductVariant", id) })),
            "originalUnitPriceSet": bag(self.price), "totalDiscountSet": bag(self.discount),
        })
    }

    fn rest(&self) -> Value {
        json!({
            "id": self.id, "title": self.title, "variant_title": null, "sku": self.sku, "vendor": "Acme", "quantity": self.quantity,
            "current_quantity": self.current, "requires_shipping": true, "taxable": true, "gift_card": self.gift_card,
            "product_id": self.product, "variant_id": self.variant, "price": cents(self.price), "total_discount": cents(self.discount),
        })
    }
}

impl Refund {
    pub fn graph(&self, order: u64) -> Value {
        json!({
            "__typename": "Refund", "id": gid("Refund", self.id), "createdAt": zulu(self.created), "note": self.note,
            "totalRefundedSet": bag(self.total()), "order": { "__typename": "Order", "id": gid("Order", order) },
            "refundLineItems": connection(self.items.iter().map(RefundItem::graph)),
        })
    }

    fn rest(&self, order: u64) -> Value {
        // Two payments, and a third that failed.
        let half = self.total() / 2;
        let transaction = |amount, status| json!({ "kind": "refund", "status": status, "amount": cents(amount), "currency": CURRENCY, "order_id": order });
        json!({
            "id": self.id, "order_id": order, "created_at": zoned(self.created), "note": self.note,
            "refund_line_items": self.items.iter().map(RefundItem::rest).collect::<Vec<_>>(),
            "transactions": [transaction(half, "success"), transaction(self.total() - half, "success"), transaction(99_999, "failure")],
        })
    }
}

impl RefundItem {
    fn graph(&self) -> Value {
        json!({
            "__typename": "RefundLineItem", "id": gid("RefundLineItem", self.id), "quantity": self.quantity, "restockType": self.restock,
            "lineItem": { "__typename": "LineItem", "id": gid("LineItem", self.line) },
            "subtotalSet": bag(self.subtotal), "totalTaxSet": bag(self.tax),
        })
    }

    fn rest(&self) -> Value {
        json!({
            "id": self.id, "line_item_id": self.line, "quantity": self.quantity, "restock_type": self.restock.to_lowercase(),
            // Here the amounts are JSON numbers.
            "subtotal": self.subtotal as f64 / 100.0, "total_tax": self.tax as f64 / 100.0,
            "subtotal_set": { "shop_money": { "amount": cents(self.subtotal), "currency_code": CURRENCY } },
        })
    }
}

impl Customer {
    pub fn graph(&self) -> Value {
        json!({
            "__typename": "Customer", "id": gid("Customer", self.id), "createdAt": zulu(self.created), "updatedAt": zulu(self.updated),
            "firstName": self.first, "lastName": self.last,
            "defaultEmailAddress": self.email.as_ref().map(|email| json!({ "__typename": "CustomerEmailAddress", "emailAddress": email })),
            "defaultPhoneNumber": self.phone.as_ref().map(|phone| json!({ "__typename": "CustomerPhoneNumber", "phoneNumber": phone })),
            "state": self.state, "verifiedEmail": self.verified, "taxExempt": self.exempt, "numberOfOrders": self.orders.to_string(),
            "amountSpent": money(self.spent), "tags": self.tags, "note": self.note, "defaultAddress": self.address.map(Address::graph),
        })
    }

    pub fn rest(&self) -> Value {
        json!({
            "id": self.id, "created_at": zoned(self.created), "updated_at": zoned(self.updated), "first_name": self.first,
            "last_name": self.last, "email": self.email, "phone": self.phone, "state": self.state.to_lowercase(),
            "verified_email": self.verified, "tax_exempt": self.exempt, "orders_count": self.orders, "total_spent": cents(self.spent),
            "currency": CURRENCY, "tags": self.tags.join(", "), "note": self.note, "default_address": self.address.map(Address::rest),
        })
    }
}

impl Product {
    pub fn graph(&self) -> Value {
        let variants = self.variants.iter().zip(1..).map(|(variant, position)| variant.graph(position));
        json!({
            "__typename": "Product", "id": gid("Product", self.id), "title": self.title, "handle": format!("product-{}", self.id),
            "vendor": self.vendor, "productType": self.kind, "status": self.status, "tags": self.tags, "createdAt": zulu(self.created),
            "updatedAt": zulu(self.updated), "publishedAt": self.published.map(zulu), "variants": connection(variants),
        })
    }

    pub fn rest(&self) -> Value {
        // A product holds its first hundred variants only.
        let variants: Vec<_> = self.rest_variants().into_iter().take(100).collect();
        json!({
            "id": self.id, "title": self.title, "handle": format!("product-{}", self.id), "vendor": self.vendor,
            "product_type": self.kind, "status": self.status.to_lowercase(), "tags": self.tags.join(", "),
            "created_at": zoned(self.created), "updated_at": zoned(self.updated), "published_at": self.published.map(zoned),
            "variants": variants,
        })
    }

    pub fn rest_variants(&self) -> Vec<Value> {
        self.variants.iter().zip(1..).map(|(variant, position)| variant.rest(self.id, position)).collect()
    }
}

impl Variant {
    fn graph(&self, position: u64) -> Value {
        json!({
            "__typename": "ProductVariant", "id": gid("ProductVariant", self.id), "title": self.title, "sku": self.sku,
            "barcode": self.barcode, "price": cents(self.price), "compareAtPrice": self.compare_at.map(cents), "position": position,
            "taxable": self.taxable, "inventoryQuantity": self.quantity,
            "selectedOptions": [{ "__typename": "SelectedOption", "name": "Size", "value": self.title }],
            "inventoryItem": { "__typename": "InventoryItem", "id": gid("InventoryItem", self.item), "unitCost": self.cost.map(money) },
            "createdAt": zulu(self.created), "updatedAt": zulu(self.updated),
        })
    }

    fn rest(&self, product: u64, position: u64) -> Value {
        json!({
            "id": self.id, "product_id": product, "title": self.title, "sku": self.sku, "barcode": self.barcode,
            "price": cents(self.price), "compare_at_price": self.compare_at.map(cents), "position": position, "taxable": self.taxable,
            "inventory_item_id": self.item, "inventory_quantity": self.quantity, "option1": self.title, "option2": null, "option3": null,
            "created_at": zoned(self.created), "updated_at": zoned(self.updated),
        })
    }
}

impl Level {
    fn quantities(&self) -> [(&'static str, i64); 4] {
        [
            ("available", self.available),
            ("on_hand", self.available + self.committed),
            ("committed", self.committed),
            ("incoming", self.incoming),
        ]
    }

    fn graph(&self, item: u64, location: u64) -> Value {
        let quantity = |(name, quantity): (&str, i64)| json!({ "__typename": "InventoryQuantity", "name": name, "quantity": quantity });
        json!({
            "__typename": "InventoryLevel", "id": format!("{}?inventory_item_id={item}", gid("InventoryLevel", location)),
            "item": { "__typename": "InventoryItem", "id": gid("InventoryItem", item) },
            "quantities": self.quantities().map(quantity), "updatedAt": zulu(self.updated),
        })
    }

    pub fn rest(&self, item: u64, location: u64) -> Value {
        json!({ "inventory_item_id": item, "location_id": location, "available": self.available, "updated_at": zoned(self.updated) })
    }
}

impl Stock {
    /// A location with its levels.
    pub fn location(&self, location: u64) -> Value {
        let levels = self.levels.iter().filter(|((_, at), _)| *at == location);
        let levels = levels.map(|((item, _), level)| level.graph(*item, location));
        json!({ "__typename": "Location", "id": gid("Location", location), "name": format!("Store {location}"), "inventoryLevels": connection(levels) })
    }

    /// The object of a global id.
    pub fn node(&self, id: &str) -> Option<Value> {
        let order = || self.orders.get(&number_of(id, "Order")?).map(Order::graph);
        let product = || self.products.get(&number_of(id, "Product")?).map(Product::graph);
        let location =
            || self.locations.iter().find(|(known, _)| number_of(id, "Location") == Some(*known)).map(|(known, _)| self.location(*known));
        let refund = || {
            let wanted = number_of(id, "Refund")?;
            let refunds = self.orders.values().flat_map(|order| order.refunds.iter().map(|refund| (order.id, refund)));
            refunds.into_iter().find(|(_, refund)| refund.id == wanted).map(|(order, refund)| refund.graph(order))
        };
        order().or_else(product).or_else(location).or_else(refund)
    }
}
