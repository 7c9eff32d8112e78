//! What the shop has: orders with lines and refunds, customers, products with variants, stock. Seeded, so that each test sees the same shop.
//!
//! Money is in cents, times are seconds since 1970-01-01T00:00:00Z.

use std::collections::BTreeMap;

use super::chance::Chance;

/// When the shop's history begins: 2026-01-05T08:00:00Z.
const OPENED: i64 = 1_767_600_000;

/// How many objects share a second of `updated_at`, as bulk edits make them do.
const TIES: u64 = 23;

/// Texts that break whoever searches text for structure.
const NOTES: [Option<&str>; 6] = [
    None,
    Some("gift wrap, please"),
    Some("says \"__parentId\":\"gid://shopify/Order/1\" on the card"),
    Some("two\nlines"),
    Some("Ring twice – Olá, 你好 🛒"),
    Some(""),
];

const CITIES: [(&str, &str, &str, &str); 4] = [
    ("São Paulo", "SP", "BR", "01310-100"),
    ("Recife", "PE", "BR", "50030-230"),
    ("Louisville", "KY", "US", "40202"),
    ("Wien", "", "AT", "1010"),
];

/// All that the shop has.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    /// Orders by id.
    pub orders: BTreeMap<u64, Order>,
    /// Customers by id.
    pub customers: BTreeMap<u64, Customer>,
    /// Products by id.
    pub products: BTreeMap<u64, Product>,
    /// Locations, and whether they are active.
    pub locations: Vec<(u64, bool)>,
    /// Stock levels by inventory item and location.
    pub levels: BTreeMap<(u64, u64), Level>,
    /// The number of the next object.
    pub next: u64,
}

/// How many objects a shop starts with.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Orders.
    pub orders: u64,
    /// Customers.
    pub customers: u64,
    /// Products.
    pub products: u64,
}

/// An address.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Address(pub &'static str, pub &'static str, pub &'static str, pub &'static str);

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    pub id: u64,
    pub number: u64,
    pub customer: Option<u64>,
    pub created: i64,
    pub updated: i64,
    pub cancelled: Option<i64>,
    pub closed: Option<i64>,
    /// As GraphQL writes it.
    pub financial: &'static str,
    pub fulfilled: bool,
    pub email: Option<String>,
    pub discount: i64,
    pub shipping: i64,
    pub tax: i64,
    pub test: bool,
    pub tags: Vec<String>,
    pub note: Option<String>,
    pub address: Option<Address>,
    pub lines: Vec<Line>,
    pub refunds: Vec<Refund>,
}

/// A line of an order.
#[derive(Debug, Clone)]
pub struct Line {
    pub id: u64,
    pub product: Option<u64>,
    pub variant: Option<u64>,
    pub title: String,
    pub sku: Option<String>,
    pub quantity: i64,
    pub current: i64,
    pub price: i64,
    pub discount: i64,
    pub gift_card: bool,
}

/// A refund of an order.
#[derive(Debug, Clone)]
pub struct Refund {
    pub id: u64,
    pub created: i64,
    pub note: Option<String>,
    pub items: Vec<RefundItem>,
}

/// A line of a refund.
#[derive(Debug, Clone)]
pub struct RefundItem {
    pub id: u64,
    pub line: u64,
    pub quantity: i64,
    pub subtotal: i64,
    pub tax: i64,
    pub restock: &'static str,
}

/// A customer.
#[derive(Debug, Clone)]
pub struct Customer {
    pub id: u64,
    pub created: i64,
    pub updated: i64,
    pub first: Option<String>,
    pub last: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    /// As GraphQL writes it.
    pub state: &'static str,
    pub verified: bool,
    pub exempt: bool,
    pub orders: i64,
    pub spent: i64,
    pub tags: Vec<String>,
    pub note: Option<String>,
    pub address: Option<Address>,
}

/// A product.
#[derive(Debug, Clone)]
pub struct Product {
    pub id: u64,
    pub title: String,
    pub vendor: &'static str,
    pub kind: &'static str,
    /// As GraphQL writes it.
    pub status: &'static str,
    pub tags: Vec<String>,
    pub created: i64,
    pub updated: i64,
    pub published: Option<i64>,
    pub variants: Vec<Variant>,
}

/// A variant of a product.
#[derive(Debug, Clone)]
pub struct Variant {
    pub id: u64,
    pub item: u64,
    pub title: String,
    pub sku: Option<String>,
    pub barcode: Option<String>,
    pub price: i64,
    pub compare_at: Option<i64>,
    pub cost: Option<i64>,
    pub taxable: bool,
    pub quantity: i64,
    pub created: i64,
    pub updated: i64,
}

/// How many of an item lie at a location.
#[derive(Debug, Clone, Copy)]
pub struct Level {
    pub available: i64,
    pub committed: i64,
    pub incoming: i64,
    pub updated: i64,
}

impl Order {
    pub fn subtotal(&self) -> i64 {
        self.lines.iter().map(|line| line.price * line.quantity).sum::<i64>() - self.discount
    }

    pub fn total(&self) -> i64 {
        self.subtotal() + self.shipping + self.tax
    }

    pub fn current_total(&self) -> i64 {
        self.total() - self.refunds.iter().map(Refund::total).sum::<i64>()
    }

    /// REST's default list holds these only.
    pub fn open(&self) -> bool {
        self.closed.is_none() && self.cancelled.is_none()
    }
}

impl Refund {
    pub fn total(&self) -> i64 {
        self.items.iter().map(|item| item.subtotal + item.tax).sum()
    }
}

impl Stock {
    /// A shop of this size.
    pub fn seeded(size: Size, chance: &mut Chance) -> Self {
        let mut stock = Self { locations: vec![(501, true), (502, true), (503, false)], next: 10_000, ..Self::default() };
        for number in 0..size.products {
            // One product has more variants than REST puts into it, some more than a page of GraphQL has.
            let variants = match number {
                3 => 130,
                n if n % 17 == 5 => 14,
                n => 1 + n % 4,
            };
            stock.add_product(variants, at(number), chance);
        }
        for number in 0..size.customers {
            stock.add_customer(at(number), chance);
        }
        for number in 0..size.orders {
            let lines = match number {
                7 => 120,
                n if n % 31 == 11 => 6 + n % 9,
                n => 1 + n % 4,
            };
            let id = stock.add_order(lines, at(number), chance);
            stock.settle(id, at(number), chance);
        }
        stock
    }

    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Adds a product; gives its id.
    pub fn add_product(&mut self, variants: u64, now: i64, chance: &mut Chance) -> u64 {
        let id = self.number();
        let variants = (0..variants).map(|_| self.new_variant(now, chance)).collect();
        let product = Product {
            id,
            title: format!("Product {id}, \"large\""),
            vendor: chance.of(&["Acme", "Globex", "Açaí & Co"]),
            kind: chance.of(&["Mugs", "Shirts", ""]),
            status: chance.of(&["ACTIVE", "ACTIVE", "DRAFT", "ARCHIVED"]),
            tags: chance.some(&["new", "sale", "summer"]),
            created: now,
            updated: now,
            published: chance.one_in(5, None, Some(now)),
            variants,
        };
        self.products.insert(id, product);
        id
    }

    /// A variant with its stock levels.
    pub fn new_variant(&mut self, now: i64, chance: &mut Chance) -> Variant {
        let (id, item) = (self.number(), self.number());
        for (location, _) in self.locations.clone() {
            if chance.below(3) > 0 {
                let level = Level { available: chance.below(90) as i64 - 3, committed: chance.below(5) as i64, incoming: 0, updated: now };
                self.levels.insert((item, location), level);
            }
        }
        Variant {
            id,
            item,
            title: format!("Size {}", chance.below(9)),
            sku: chance.one_in(9, None, Some(format!("SKU-{id}"))),
            barcode: chance.one_in(2, None, Some(format!("78900{id}"))),
            price: 500 + chance.below(20_000) as i64,
            compare_at: chance.one_in(3, Some(25_000), None),
            cost: chance.one_in(4, None, Some(333)),
            taxable: chance.below(2) == 0,
            quantity: chance.below(100) as i64,
            created: now,
            updated: now,
        }
    }

    /// Adds a customer; gives its id.
    pub fn add_customer(&mut self, now: i64, chance: &mut Chance) -> u64 {
        let id = self.number();
        let first = chance.of(&["Ana", "Bob", "Chloé", "李"]).to_owned();
        let customer = Customer {
            id,
            created: now,
            updated: now,
            first: chance.one_in(8, None, Some(first)),
            last: Some(chance.of(&["Silva", "Norman", "O'Hara", "Müller"]).to_owned()),
            email: chance.one_in(10, None, Some(format!("customer{id}@example.com"))),
            phone: chance.one_in(3, Some(format!("+55119{id}")), None),
            state: chance.of(&["ENABLED", "DISABLED", "INVITED"]),
            verified: chance.below(2) == 0,
            exempt: chance.below(9) == 0,
            orders: 0,
            spent: 0,
            tags: chance.some(&["vip", "wholesale"]),
            note: chance.of(&NOTES).map(str::to_owned),
            address: chance.address(),
        };
        self.customers.insert(id, customer);
        id
    }

    /// Adds an order; gives its id.
    pub fn add_order(&mut self, lines: u64, now: i64, chance: &mut Chance) -> u64 {
        let id = self.number();
        let customers: Vec<_> = self.customers.keys().copied().collect();
        let lines: Vec<_> = (0..lines).map(|_| self.new_line(chance)).collect();
        let customer = chance.pick(&customers);
        let customer = chance.one_in(12, None, customer);
        let order = Order {
            id,
            number: 1000 + self.orders.len() as u64,
            customer,
            created: now,
            updated: now,
            cancelled: None,
            closed: None,
            financial: "PENDING",
            fulfilled: false,
            email: customer.and_then(|id| self.customers[&id].email.clone()),
            discount: chance.below(4) as i64 * 25,
            shipping: chance.below(3) as i64 * 990,
            tax: chance.below(500) as i64,
            test: chance.below(50) == 0,
            tags: chance.some(&["b2b", "express", "fragile"]),
            note: chance.of(&NOTES).map(str::to_owned),
            address: chance.address(),
            lines,
            refunds: Vec::new(),
        };
        if let Some(customer) = customer.and_then(|id| self.customers.get_mut(&id)) {
            customer.orders += 1;
            customer.spent += order.total();
            customer.updated = customer.updated.max(now);
        }
        self.orders.insert(id, order);
        id
    }

    pub fn new_line(&mut self, chance: &mut Chance) -> Line {
        let id = self.number();
        let products: Vec<_> = self.products.keys().copied().collect();
        // A line outlives its product.
        let product = chance.pick(&products);
        let product = chance.one_in(20, None, product).map(|id| &self.products[&id]);
        let variant = product.and_then(|product| chance.pick(&product.variants));
        let quantity = 1 + chance.below(3) as i64;
        Line {
            id,
            product: product.map(|product| product.id),
            variant: variant.as_ref().map(|variant| variant.id),
            title: product.map_or("Gone".to_owned(), |product| product.title.clone()),
            sku: variant.as_ref().and_then(|variant| variant.sku.clone()),
            quantity,
            current: quantity,
            price: variant.map_or(1999, |variant| variant.price),
            discount: chance.below(3) as i64 * 10,
            gift_card: chance.below(40) == 0,
        }
    }

    /// What became of an order of the past.
    fn settle(&mut self, id: u64, now: i64, chance: &mut Chance) {
        let fate = chance.below(10);
        let order = self.orders.get_mut(&id).expect("it was just added");
        order.financial = chance.of(&["PAID", "PENDING", "AUTHORIZED"]);
        order.fulfilled = chance.below(2) == 0;
        match fate {
            0 => order.cancelled = Some(now),
            1..5 => order.closed = Some(now),
            5 | 6 => self.refund(id, now, chance),
            _ => {}
        }
    }

    /// Pays some of an order back.
    pub fn refund(&mut self, id: u64, now: i64, chance: &mut Chance) {
        let count = self.orders[&id].lines.len() as u64;
        let usual = 1 + chance.below(2);
        let wanted = chance.one_in(6, count, usual).min(count);
        let (refund, items): (u64, Vec<u64>) = (self.number(), (0..wanted).map(|_| self.number()).collect());
        let order = self.orders.get_mut(&id).expect("the order is there");
        let items = items.into_iter().zip(&mut order.lines).map(|(id, line)| {
            line.current = 0;
            let (subtotal, restock) = (line.price * line.quantity, chance.of(&["RETURN", "CANCEL", "NO_RESTOCK"]));
            RefundItem { id, line: line.id, quantity: line.quantity, subtotal, tax: chance.below(90) as i64, restock }
        });
        let items = items.collect();
        order.refunds.push(Refund { id: refund, created: now, note: chance.of(&NOTES).map(str::to_owned), items });
        order.financial = "PARTIALLY_REFUNDED";
        order.updated = now;
    }
}

impl Chance {
    fn address(&mut self) -> Option<Address> {
        let (city, province, country, zip) = self.of(&CITIES);
        self.one_in(7, None, Some(Address(city, province, country, zip)))
    }
}

/// The time of the `number`th object of the past: [`TIES`] share each second.
fn at(number: u64) -> i64 {
    OPENED + (number / TIES * 61) as i64
}
