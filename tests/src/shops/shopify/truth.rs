//! What tables must hold: the rows of each stream, straight from what the shop has.

use super::{
    model::{Address, Stock},
    view::{CURRENCY, cents},
};

/// Through which API a table was read: some values are known to one of them only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// The GraphQL Admin API.
    Graphql,
    /// The REST Admin API.
    Rest,
}

/// The columns of a stream: a key is what rows are sorted by, a time is compared in seconds, money as its text.
fn columns(stream: &str) -> &'static str {
    match stream {
        "orders" => {
            "id name created_at:t updated_at:t processed_at:t cancelled_at:t closed_at:t cancel_reason financial_status fulfillment_status \
             customer_id email currency subtotal:m total_discounts:m total_tax:m total_shipping:m total:m current_total:m taxes_included \
             test source_name tags note shipping_city shipping_province shipping_country shipping_zip"
        }
        "line_items" => {
            "id order_id product_id variant_id title variant_title sku vendor quantity current_quantity price:m total_discount:m currency \
             requires_shipping taxable gift_card"
        }
        "customers" => {
            "id created_at:t updated_at:t first_name last_name email phone state verified_email tax_exempt orders_count total_spent:m \
             currency tags note city province country zip"
        }
        "products" => "id title handle vendor product_type status tags created_at:t updated_at:t published_at:t",
        "variants" => {
            "id product_id title sku barcode price:m compare_at_price:m unit_cost:m position taxable inventory_item_id inventory_quantity \
             option1 option2 option3 created_at:t updated_at:t"
        }
        "refunds" => "id order_id created_at:t total:m currency note",
        "refund_line_items" => "id refund_id order_id line_item_id quantity restock_type subtotal:m total_tax:m currency",
        "inventory" => "inventory_item_id location_id available on_hand committed incoming updated_at:t",
        other => panic!("there is no stream `{other}`"),
    }
}

/// The statement that gives a table's rows as [`rows`] has them.
pub fn select(stream: &str) -> String {
    let columns: Vec<_> = columns(stream).split(' ').map(|column| column.split_once(':').unwrap_or((column, ""))).collect();
    let select: Vec<_> = columns
        .iter()
        .map(|(name, kind)| match *kind {
            "t" => format!("to_unixtime({name}) as {name}"),
            "m" => format!("cast({name} as varchar) as {name}"),
            _ => (*name).to_owned(),
        })
        .collect();
    format!("select {} from {stream} order by 1, 2", select.join(", "))
}

/// The rows of a stream as CSV below a header, by key.
pub fn rows(stock: &Stock, stream: &str, api: Api) -> String {
    let mut table = Table::default();
    match stream {
        "orders" => orders(stock, api, &mut table),
        "line_items" => line_items(stock, &mut table),
        "customers" => customers(stock, &mut table),
        "products" => products(stock, &mut table),
        "variants" => variants(stock, api, &mut table),
        "refunds" => refunds(stock, &mut table),
        "refund_line_items" => refund_line_items(stock, &mut table),
        _ => inventory(stock, api, &mut table),
    }
    table.csv(columns(stream))
}

/// Rows with their keys.
#[derive(Default)]
struct Table {
    rows: Vec<([u64; 2], Vec<String>)>,
}

impl Table {
    fn csv(mut self, columns: &str) -> String {
        self.rows.sort();
        let header: Vec<_> = columns.split(' ').map(|column| column.split(':').next().unwrap_or_default()).collect();
        let lines = self.rows.into_iter().map(|(_, cells)| {
            assert_eq!(cells.len(), header.len(), "a row has a cell for each column");
            cells.join(",")
        });
        std::iter::once(header.join(",")).chain(lines).map(|line| line + "\n").collect()
    }

    fn add(&mut self, key: [u64; 2], cells: impl IntoIterator<Item = Cell>) {
        self.rows.push((key, cells.into_iter().map(|Cell(text)| quoted(&text)).collect()));
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A cell as text; nothing is the empty text.
struct Cell(String);

impl<T: ToString> From<T> for Cell {
    fn from(value: T) -> Self {
        Self(value.to_string())
    }
}

fn some<T: ToString>(value: Option<T>) -> Cell {
    Cell(value.map(|value| value.to_string()).unwrap_or_default())
}

fn money(value: i64) -> Cell {
    Cell(cents(value) + "00")
}

fn none() -> Cell {
    Cell(String::new())
}

fn address(address: Option<Address>) -> [Cell; 4] {
    let Address(city, province, country, zip) = address.unwrap_or(Address("", "", "", ""));
    [city.into(), province.into(), country.into(), zip.into()]
}

fn orders(stock: &Stock, api: Api, table: &mut Table) {
    for order in stock.orders.values() {
        let unfulfilled = if api == Api::Graphql { "unfulfilled" } else { "" };
        let cells = [
            order.id.into(),
            format!("#{}", order.number).into(),
            order.created.into(),
            order.updated.into(),
            order.created.into(),
            some(order.cancelled),
            some(order.closed),
            some(order.cancelled.map(|_| "customer")),
            order.financial.to_lowercase().into(),
            if order.fulfilled { "fulfilled" } else { unfulfilled }.into(),
            some(order.customer),
            some(order.email.clone()),
            CURRENCY.into(),
            money(order.subtotal()),
            money(order.discount),
            money(order.tax),
            money(order.shipping),
            money(order.total()),
            money(order.current_total()),
            false.into(),
            order.test.into(),
            "web".into(),
            order.tags.join(", ").into(),
            some(order.note.clone()),
        ];
        table.add([order.id, 0], cells.into_iter().chain(address(order.address)));
    }
}

fn line_items(stock: &Stock, table: &mut Table) {
    for order in stock.orders.values() {
        for line in &order.lines {
            let cells = [
                line.id.into(),
                order.id.into(),
                some(line.product),
                some(line.variant),
                line.title.clone().into(),
                none(),
                some(line.sku.clone()),
                "Acme".into(),
                line.quantity.into(),
                line.current.into(),
                money(line.price),
                money(line.discount),
                CURRENCY.into(),
                true.into(),
                true.into(),
                line.gift_card.into(),
            ];
            table.add([line.id, 0], cells);
        }
    }
}

fn customers(stock: &Stock, table: &mut Table) {
    for customer in stock.customers.values() {
        let cells = [
            customer.id.into(),
            customer.created.into(),
            customer.updated.into(),
            some(customer.first.clone()),
            some(customer.last.clone()),
            some(customer.email.clone()),
            some(customer.phone.clone()),
            customer.state.to_lowercase().into(),
            customer.verified.into(),
            customer.exempt.into(),
            customer.orders.into(),
            money(customer.spent),
            CURRENCY.into(),
            customer.tags.join(", ").into(),
            some(customer.note.clone()),
        ];
        table.add([customer.id, 0], cells.into_iter().chain(address(customer.address)));
    }
}

fn products(stock: &Stock, table: &mut Table) {
    for product in stock.products.values() {
        let cells = [
            product.id.into(),
            product.title.clone().into(),
            format!("product-{}", product.id).into(),
            product.vendor.into(),
            product.kind.into(),
            product.status.to_lowercase().into(),
            product.tags.join(", ").into(),
            product.created.into(),
            product.updated.into(),
            some(product.published),
        ];
        table.add([product.id, 0], cells);
    }
}

fn variants(stock: &Stock, api: Api, table: &mut Table) {
    for product in stock.products.values() {
        for (variant, position) in product.variants.iter().zip(1_u64..) {
            let cost = variant.cost.filter(|_| api == Api::Graphql);
            let cells = [
                variant.id.into(),
                product.id.into(),
                variant.title.clone().into(),
                some(variant.sku.clone()),
                some(variant.barcode.clone()),
                money(variant.price),
                variant.compare_at.map_or_else(none, money),
                cost.map_or_else(none, money),
                position.into(),
                variant.taxable.into(),
                variant.item.into(),
                variant.quantity.into(),
                variant.title.clone().into(),
                none(),
                none(),
                variant.created.into(),
                variant.updated.into(),
            ];
            table.add([variant.id, 0], cells);
        }
    }
}

fn refunds(stock: &Stock, table: &mut Table) {
    for order in stock.orders.values() {
        for refund in &order.refunds {
            let cells = [
                refund.id.into(),
                order.id.into(),
                refund.created.into(),
                money(refund.total()),
                CURRENCY.into(),
                some(refund.note.clone()),
            ];
            table.add([refund.id, 0], cells);
        }
    }
}

fn refund_line_items(stock: &Stock, table: &mut Table) {
    for order in stock.orders.values() {
        for refund in &order.refunds {
            for item in &refund.items {
                let cells = [
                    item.id.into(),
                    refund.id.into(),
                    order.id.into(),
                    item.line.into(),
                    item.quantity.into(),
                    item.restock.to_lowercase().into(),
                    money(item.subtotal),
                    money(item.tax),
                    CURRENCY.into(),
                ];
                table.add([item.id, 0], cells);
            }
        }
    }
}

fn inventory(stock: &Stock, api: Api, table: &mut Table) {
    for ((item, location), level) in &stock.levels {
        let known = |value: i64| some((api == Api::Graphql).then_some(value));
        let cells = [
            (*item).into(),
            (*location).into(),
            level.available.into(),
            known(level.available + level.committed),
            known(level.committed),
            known(level.incoming),
            level.updated.into(),
        ];
        table.add([*item, *location], cells);
    }
}
