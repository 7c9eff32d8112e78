//! What a shop holds on its first day, and how its records look. Money is text with two places, weights are text, ids are numbers.

use serde_json::{Value, json};

use super::{
    Size, State,
    chance::Chance,
    shelf::{Record, Shelf},
};

const FIRST_NAMES: [&str; 8] = ["Ana", "João", "Beatriz", "Caio", "Inês", "Otávio", "Zoë", "Lúcia"];
const LAST_NAMES: [&str; 6] = ["Silva", "Souza", "Araújo", "Conceição", "O'Neil", "Lima"];
const CITIES: [(&str, &str, &str); 5] = [
    ("São Paulo", "SP", "01310-100"),
    ("Rio de Janeiro", "RJ", "20040-002"),
    ("Salvador", "BA", "40010-000"),
    ("Florianópolis", "SC", "88010-400"),
    ("Belém", "PA", "66010-000"),
];
const PRODUCTS: [&str; 6] = ["Rede de algodão", "Caneca \"Bom dia\"", "Cuia, grande", "Chapéu", "Café 250 g", "Berimbau"];
const COLOURS: [&str; 5] = ["azul", "verde", "preto", "branco", "amarelo"];
const PAYMENTS: [(&str, &str); 3] = [("pix", "Pix"), ("bacs", "Direct bank transfer"), ("stripe", "Credit card (Stripe)")];
const STATUSES: [&str; 6] = ["completed", "completed", "processing", "on-hold", "pending", "cancelled"];

/// A day in seconds.
const DAY: i64 = 86_400;

/// Cents as the API writes money.
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

/// Money as the API writes it, in cents.
pub fn cents(money: &str) -> i64 {
    let digits: String = money.chars().filter(char::is_ascii_digit).collect();
    let cents = digits.parse().unwrap_or(0);
    if money.starts_with('-') { -cents } else { cents }
}

/// Fills a shop: a year of business that ends now. Records are made and changed in bulk, so that many share a second.
pub fn fill(state: &mut State, size: &Size) {
    let now = state.now;
    let start = now - 365 * DAY;
    let at = |place: usize, of: usize| start + 364 * DAY * i64::try_from(place).expect("small") / i64::try_from(of.max(1)).expect("small");
    for place in 0..size.customers {
        state.now = at(place, size.customers);
        let role = *state.chance.pick(&["customer", "customer", "customer", "customer", "subscriber", "shop_manager"]);
        add_customer(state, role);
    }
    for place in 0..size.products {
        // Twenty at a time, as an import makes them.
        state.now = start + i64::try_from(place / 20).expect("small") * 60;
        add_product(state);
    }
    for place in 0..size.coupons {
        state.now = at(place, size.coupons);
        add_coupon(state);
    }
    for place in 0..size.orders {
        // Three to a second.
        state.now = at(place / 3 * 3, size.orders);
        let id = add_order(state);
        let status = *state.chance.pick(&STATUSES);
        let order = state.orders.records.get_mut(&id).expect("it was just added");
        order.set("status", status);
        if matches!(status, "completed" | "processing") {
            order.date("date_paid", Some(order.created));
            order.set("transaction_id", format!("txn_{id}"));
        }
        if status == "completed" {
            order.date("date_completed", Some(order.created + DAY));
            order.touch(order.created + DAY);
        }
        if state.chance.one(20) {
            state.now += DAY;
            refund(state, id);
        }
        if state.chance.one(50) {
            let order = state.orders.records.get_mut(&id).expect("it was just added");
            order.set("status", "trash");
        }
    }
    state.now = now;
}

fn person(chance: &mut Chance) -> (String, String) {
    ((*chance.pick(&FIRST_NAMES)).to_owned(), (*chance.pick(&LAST_NAMES)).to_owned())
}

fn address(first: &str, last: &str, chance: &mut Chance) -> Value {
    let (city, state, postcode) = chance.pick(&CITIES);
    json!({
        "first_name": first, "last_name": last, "company": "", "address_1": format!("Rua {}", chance.below(900) + 1), "address_2": "",
        "city": city, "state": state, "postcode": postcode, "country": "BR",
    })
}

fn billing(first: &str, last: &str, email: &str, chance: &mut Chance) -> Value {
    let mut billing = address(first, last, chance);
    billing["email"] = email.into();
    billing["phone"] = "+55 11 5555-0100".into();
    billing
}

/// A new customer; gives its id.
pub fn add_customer(state: &mut State, role: &str) -> u64 {
    let id = state.id();
    let (first, last) = person(&mut state.chance);
    let email = format!("customer{id}@example.com");
    let customer = json!({
        "email": email, "first_name": first, "last_name": last, "role": role, "username": format!("customer{}", id * 7919 % 10_007),
        "billing": billing(&first, &last, &email, &mut state.chance), "shipping": address(&first, &last, &mut state.chance),
        "is_paying_customer": state.chance.one(2), "avatar_url": "https://secure.gravatar.com/avatar/0?s=96", "meta_data": [],
    });
    state.customers.put(id, Record::new(id, state.now, customer));
    id
}

/// A new product, one in six with variations; gives its id.
pub fn add_product(state: &mut State) -> u64 {
    let id = state.id();
    let name = *state.chance.pick(&PRODUCTS);
    let variable = state.chance.one(6);
    let price = if variable { String::new() } else { money(100 + i64::try_from(state.chance.below(40_000)).expect("small")) };
    let sale = state.chance.one(5) && !variable;
    let product = json!({
        "name": format!("{name} {id}"), "slug": format!("product-{id}"), "permalink": format!("https://shop.example/product/{id}/"),
        "type": if variable { "variable" } else { "simple" }, "status": if state.chance.one(15) { "draft" } else { "publish" },
        "featured": false, "catalog_visibility": "visible", "description": "<p>Feito à mão.</p>\n", "short_description": "",
        "sku": if state.chance.one(9) { String::new() } else { format!("SKU-{id}") },
        "price": if sale { money(99) } else { price.clone() }, "regular_price": price, "sale_price": if sale { money(99) } else { String::new() },
        "on_sale": sale, "purchasable": !variable, "total_sales": state.chance.below(500),
        "virtual": false, "downloadable": false, "tax_status": "taxable", "tax_class": "",
        "manage_stock": !variable, "stock_quantity": if variable { Value::Null } else { state.chance.below(90).into() },
        "stock_status": "instock", "weight": if state.chance.one(4) { "" } else { "0.35" },
        "dimensions": { "length": "10", "width": "", "height": "2.5" }, "average_rating": "0.00", "rating_count": 0, "parent_id": 0,
        "categories": [{ "id": 9, "name": "Casa", "slug": "casa" }, { "id": 14, "name": "Presentes", "slug": "presentes" }],
        "tags": [], "images": [], "attributes": [], "variations": [], "grouped_products": [], "menu_order": 0, "meta_data": [],
    });
    state.products.put(id, Record::new(id, state.now, product));
    for _ in 0..if variable { 2 + state.chance.below(4) } else { 0 } {
        add_variation(state, id);
    }
    id
}

/// A new variation of a product.
pub fn add_variation(state: &mut State, product: u64) -> u64 {
    let id = state.id();
    let price = money(100 + i64::try_from(state.chance.below(40_000)).expect("small"));
    let colour = *state.chance.pick(&COLOURS);
    let variation = json!({
        "type": "variation", "parent_id": product, "status": "publish", "description": "", "permalink": "", "name": colour,
        "sku": format!("SKU-{product}-{id}"), "price": price, "regular_price": price, "sale_price": "", "on_sale": false,
        "purchasable": true, "manage_stock": true, "stock_quantity": state.chance.below(40), "stock_status": "instock",
        "weight": "0.4", "dimensions": { "length": "", "width": "", "height": "" }, "tax_status": "taxable", "tax_class": "",
        "attributes": [{ "id": 6, "name": "Cor", "slug": "pa_cor", "option": colour }, { "id": 0, "name": "Tamanho", "option": "M" }],
        "image": null, "menu_order": 0, "meta_data": [],
    });
    state.variations.entry(product).or_default().put(id, Record::new(id, state.now, variation));
    // WooCommerce writes the parent's list of children anew, but leaves the parent's date alone: only its own saving changes that.
    list_variations(state, product);
    id
}

/// The product's list of its variations follows them.
pub fn list_variations(state: &mut State, product: u64) {
    let ids: Vec<u64> = state.variations.get(&product).map(Shelf::listed).unwrap_or_default();
    if let Some(product) = state.products.records.get_mut(&product) {
        product.set("variations", ids);
    }
}

/// A new coupon.
pub fn add_coupon(state: &mut State) -> u64 {
    let id = state.id();
    let mut coupon = Record::new(
        id,
        state.now,
        json!({
            "code": format!("desconto{id}"), "amount": "10.00", "status": "publish",
            "discount_type": *state.chance.pick(&["percent", "fixed_cart", "fixed_product"]), "description": "", "usage_count": 0,
            "individual_use": state.chance.one(2), "product_ids": [], "excluded_product_ids": [], "usage_limit": null,
            "usage_limit_per_user": null, "limit_usage_to_x_items": null, "free_shipping": false, "product_categories": [],
            "minimum_amount": "0.00", "maximum_amount": "0.00", "email_restrictions": [], "used_by": [], "meta_data": [],
        }),
    );
    coupon.date("date_expires", state.chance.one(3).then_some(state.now + 90 * DAY));
    state.coupons.put(id, coupon);
    id
}

/// A new order with one to four lines; one in four is a guest's.
pub fn add_order(state: &mut State) -> u64 {
    let id = state.id();
    let customers: Vec<u64> = state.customers.records.keys().copied().collect();
    let customer = if customers.is_empty() || state.chance.one(4) { 0 } else { *state.chance.pick(&customers) };
    let (first, last) = person(&mut state.chance);
    let email = if customer == 0 { format!("guest{id}@example.com") } else { format!("customer{customer}@example.com") };
    let (method, title) = *state.chance.pick(&PAYMENTS);
    let lines: Vec<Value> = (0..=state.chance.below(4)).map(|_| line(state)).collect();
    let mut order = Record::new(
        id,
        state.now,
        json!({
            "parent_id": 0, "number": id.to_string(), "order_key": format!("wc_order_{id:x}"), "created_via": "checkout", "version": "11.0.1",
            "status": "pending", "currency": "BRL", "discount_total": "0.00", "discount_tax": "0.00", "shipping_total": "10.00",
            "shipping_tax": "0.00", "cart_tax": "0.00", "total": "0.00", "total_tax": "0.00", "prices_include_tax": false,
            "customer_id": customer, "customer_ip_address": "", "customer_user_agent": "", "customer_note": "",
            "billing": billing(&first, &last, &email, &mut state.chance), "shipping": address(&first, &last, &mut state.chance),
            "payment_method": method, "payment_method_title": title, "transaction_id": "", "cart_hash": "", "meta_data": [],
            "line_items": lines, "tax_lines": [],
            "shipping_lines": [{ "id": id * 100 + 99, "method_title": "PAC", "method_id": "correios", "total": "10.00", "total_tax": "0.00",
                "taxes": [], "meta_data": [] }],
            "fee_lines": [], "coupon_lines": [], "refunds": [],
        }),
    );
    order.date("date_paid", None);
    order.date("date_completed", None);
    recount(&mut order);
    state.orders.put(id, order);
    id
}

/// A line of an order: a product, or a variation of one.
pub fn line(state: &mut State) -> Value {
    let products: Vec<u64> = state.products.records.keys().copied().collect();
    let product = if products.is_empty() { 0 } else { *state.chance.pick(&products) };
    let variations: Vec<u64> = state.variations.get(&product).map(Shelf::listed).unwrap_or_default();
    let variation = if variations.is_empty() { 0 } else { *state.chance.pick(&variations) };
    let quantity = 1 + i64::try_from(state.chance.below(3)).expect("small");
    let each = 100 + i64::try_from(state.chance.below(20_000)).expect("small");
    let tax = quantity * each / 10;
    json!({
        "id": state.id(), "name": format!("Item {product}"), "product_id": product, "variation_id": variation, "quantity": quantity,
        "tax_class": "", "subtotal": money(quantity * each), "subtotal_tax": money(tax), "total": money(quantity * each), "total_tax": money(tax),
        "taxes": [{ "id": 75, "total": money(tax), "subtotal": money(tax) }], "meta_data": [], "sku": format!("SKU-{product}"),
        // A number, not a text: the one place where the API writes money so.
        "price": each as f64 / 100.0, "parent_name": null,
    })
}

/// The totals of an order follow its lines.
pub fn recount(order: &mut Record) {
    let lines = order.get("line_items").as_array().cloned().unwrap_or_default();
    let sum = |name: &str| lines.iter().map(|line| cents(line[name].as_str().unwrap_or_default())).sum::<i64>();
    let (total, tax) = (sum("total"), sum("total_tax"));
    order.set("cart_tax", money(tax));
    order.set("total_tax", money(tax));
    order.set("total", money(total + tax + 1000));
}

/// Gives a customer 1.00 back: a record of its own, a negative total on the order, the order's date moves, its total stays.
pub fn refund(state: &mut State, order: u64) -> u64 {
    let id = state.id();
    let now = state.now;
    let line_item = state.id();
    let record = state.orders.records.get_mut(&order).expect("the order is there");
    let line = record.get("line_items")[0].clone();
    let refund = json!({
        "parent_id": order, "amount": "1.00", "reason": "avariado, \"caixa\" aberta", "refunded_by": 1, "refunded_payment": id.is_multiple_of(2),
        "meta_data": [],
        "line_items": [{ "id": line_item, "name": line["name"], "product_id": line["product_id"], "variation_id": line["variation_id"],
            "quantity": -1, "subtotal": "-1.00", "total": "-1.00", "total_tax": "0.00" }],
        "shipping_lines": [], "tax_lines": [], "fee_lines": [],
    });
    let mut refunds = record.get("refunds").as_array().cloned().unwrap_or_default();
    refunds.push(json!({ "id": id, "reason": "avariado, \"caixa\" aberta", "total": "-1.00" }));
    record.set("refunds", refunds);
    record.touch(now);
    state.refunds.entry(order).or_default().put(id, Record::new(id, now, refund));
    id
}
