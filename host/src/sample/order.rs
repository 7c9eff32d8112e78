//! One order with its life from purchase to delivery, and its items.

use super::{
    calendar::{self, DAY, HOUR, LAST_PURCHASE, TAIL, settle},
    payment::{self, Payment},
    review::{self, Review},
    rng::{Domain, Rng},
    shop::Shop,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Delivered,
    Shipped,
    Canceled,
    Unavailable,
    Invoiced,
    Processing,
    Created,
    Approved,
}

/// How many of 99,441 orders are in each state.
const STATUSES: [(Status, u32); 8] = [
    (Status::Delivered, 96_478),
    (Status::Shipped, 1_107),
    (Status::Canceled, 625),
    (Status::Unavailable, 609),
    (Status::Invoiced, 314),
    (Status::Processing, 301),
    (Status::Created, 5),
    (Status::Approved, 2),
];

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Shipped => "shipped",
            Self::Canceled => "canceled",
            Self::Unavailable => "unavailable",
            Self::Invoiced => "invoiced",
            Self::Processing => "processing",
            Self::Created => "created",
            Self::Approved => "approved",
        }
    }
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) product: u64,
    pub(super) seller: u64,
    pub(super) limit: i64,
    /// What the file says: a few are 0 or less.
    pub(super) price_cents: i64,
    pub(super) freight_cents: i64,
}

/// An order and what hangs on it. One value is filled again for each order.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) status: Status,
    pub(super) purchased: i64,
    pub(super) approved: Option<i64>,
    pub(super) carrier: Option<i64>,
    pub(super) delivered: Option<i64>,
    /// Midnight of the promised day.
    pub(super) estimated: i64,
    pub(super) items: Vec<Item>,
    pub(super) payments: Vec<Payment>,
    pub(super) reviews: Vec<Review>,
}

impl Order {
    /// Draws order `number` into `self`.
    pub(super) fn fill(&mut self, shop: &Shop, number: u64) {
        let rng = &mut shop.rng(Domain::Order, number);
        self.purchased = shop.calendar.purchase(rng);
        self.status = status(self.purchased, rng);
        self.estimated = calendar::day_of(self.purchased + days(shop.curves.estimate_days.draw(rng)));
        self.live(shop, rng);
        self.promise(rng);
        let worth = self.choose(shop, rng);
        payment::draw(&mut self.payments, self.status, !self.items.is_empty(), worth, rng);
        self.reviews.clear();
        review::draw(self, shop, number);
    }

    /// When it was approved, handed to the carrier and delivered.
    fn live(&mut self, shop: &Shop, rng: &mut Rng) {
        let room = LAST_PURCHASE - self.purchased;
        let total = days(shop.curves.delivery_days.draw(rng)).min(room * 9 / 10);
        let approval = ((shop.curves.approval_hours.draw(rng) * HOUR as f64) as i64).min(total / 2);
        let carrier = days(shop.curves.carrier_days.draw(rng)).min((total - approval) * 4 / 5);
        let approved = settle(self.purchased + approval);
        let handed = settle(approved + carrier);
        let delivered = settle(self.purchased + total);
        let (approved, handed, delivered) = match self.status {
            Status::Delivered => (Some(approved), Some(handed), Some(delivered)),
            Status::Shipped => (Some(approved), Some(handed), None),
            // Of 100 cancelled orders 23 were never approved, 12 were on their way and 1 had arrived.
            Status::Canceled => match rng.below(100) {
                0..23 => (None, None, None),
                23..88 => (Some(approved), None, None),
                88..99 => (Some(approved), Some(handed), None),
                _ => (Some(approved), Some(handed), Some(delivered)),
            },
            Status::Unavailable | Status::Invoiced | Status::Processing | Status::Approved => (Some(approved), None, None),
            Status::Created => (None, None, None),
        };
        (self.approved, self.carrier, self.delivered) = (approved, handed, delivered);
        self.disturb(rng);
    }

    /// Where the way is long, the promise is too: half of the orders that would be late were promised for later. 8 % stay late.
    fn promise(&mut self, rng: &mut Rng) {
        if let Some(delivered) = self.delivered.filter(|delivered| *delivered >= self.estimated + DAY)
            && rng.per_mille(490)
        {
            self.estimated = calendar::day_of(delivered) + DAY * rng.between(0, 9);
        }
    }

    /// The clocks and exports of the real set disagree in some rows; the rarest kinds are a little more frequent here, so that a sample
    /// of 5,000 orders has each.
    fn disturb(&mut self, rng: &mut Rng) {
        if let (Some(approved), Some(carrier)) = (self.approved, &mut self.carrier) {
            match rng.below(4_000) {
                // 1.2 %: on its way before it was approved, but not before it was bought.
                0..48 => *carrier = settle((approved - rng.between(60, 20 * HOUR)).max(self.purchased)),
                // 0.1 %: on its way before it was bought.
                48..52 => *carrier = settle(self.purchased - rng.between(60, 3 * DAY)),
                // 0.05 %: delivered before it was on its way.
                52..54 => *carrier = self.delivered.map_or(*carrier, |delivered| settle(delivered + rng.between(60, DAY))),
                _ => {}
            }
        }
        if self.status == Status::Delivered {
            match rng.below(3_000) {
                0..2 => self.delivered = None,
                2 => self.approved = None,
                3 => self.carrier = None,
                _ => {}
            }
        }
    }

    /// Fills the items and gives what they are worth, in cents; for an order without items what it would have cost.
    fn choose(&mut self, shop: &Shop, rng: &mut Rng) -> i64 {
        self.items.clear();
        let count = match self.status {
            Status::Unavailable => u64::from(rng.per_mille(10)),
            Status::Canceled => u64::from(!rng.per_mille(265)) * item_count(rng),
            Status::Created => 0,
            _ => item_count(rng),
        };
        let mut product = shop.sold_product(rng);
        let mut worth = 0;
        for nth in 0..count.max(1) {
            // Most of the larger orders hold the same product several times.
            if nth > 0 && rng.per_mille(300) {
                product = shop.sold_product(rng);
            }
            let item = self.item(shop, product, rng);
            worth += item.0;
            self.items.extend((nth < count).then_some(item.1));
        }
        worth
    }

    /// An item and its worth.
    fn item(&self, shop: &Shop, product: u64, rng: &mut Rng) -> (i64, Item) {
        let offer = shop.offer(product);
        // Prices move: one in ten was bought at 80 to 120 % of today's.
        let asked = if rng.one_in(10) { offer.price_cents * rng.between(80, 120) / 100 } else { offer.price_cents };
        let freight_cents = if rng.one_in(300) { 0 } else { shop.curves.freight.draw(rng) as i64 };
        // 0.05 %: a price that can't be, for quarantine. The payment knows the right one.
        let price_cents = match rng.below(4_000) {
            0 => 0,
            1 => -asked,
            _ => asked,
        };
        let allowed = if rng.one_in(2_500) { DAY * rng.between(300, 530) } else { days(shop.curves.limit_days.draw(rng)) };
        let limit = settle(self.approved.unwrap_or(self.purchased) + allowed);
        (asked + freight_cents, Item { product, seller: offer.seller, limit, price_cents, freight_cents })
    }
}

fn status(purchased: i64, rng: &mut Rng) -> Status {
    match rng.weighted(&STATUSES, |status| status.1).0 {
        Status::Unavailable if purchased >= TAIL => Status::Unavailable,
        _ if purchased >= TAIL => Status::Canceled,
        status => status,
    }
}

/// How many items an order has: one in 89.7 % of the orders, 21 at most.
fn item_count(rng: &mut Rng) -> u64 {
    match rng.below(1_000) {
        0..897 => 1,
        897..976 => 2,
        976..991 => 3,
        991..996 => 4,
        996..999 => rng.below(2) + 5,
        _ => rng.below(15) + 7,
    }
}

/// Days as seconds.
pub(super) fn days(days: f64) -> i64 {
    (days * DAY as f64) as i64
}
