//! What orders refer to: products, sellers and people. Each is drawn from its number alone whenever it is needed, so none is kept.

use super::{
    Plan,
    calendar::Calendar,
    curve::Curves,
    places::{self, Place, TYPED_CITIES},
    rng::{Domain, Rng},
    words::{CATEGORIES, Category},
};

/// The shop behind the files: how much of everything there is, and where its draws come from.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) seed: u64,
    pub(super) products: u64,
    pub(super) sellers: u64,
    pub(super) geolocations: u64,
    pub(super) curves: Curves,
    pub(super) calendar: Calendar,
}

/// The published set holds a million geolocation rows; a fifth of them is plenty for a job that only reads them.
const MAX_GEOLOCATIONS: u64 = 200_000;

impl Shop {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            seed: plan.seed,
            products: (plan.orders / 3).max(1),
            sellers: (plan.orders / 32).max(1),
            geolocations: plan.orders.saturating_mul(10).min(MAX_GEOLOCATIONS),
            curves: Curves::new(),
            calendar: Calendar::new(),
        }
    }

    pub(super) fn rng(&self, domain: Domain, index: u64) -> Rng {
        Rng::of(self.seed, domain, index)
    }

    pub(super) fn id(&self, domain: Domain, index: u64) -> u128 {
        self.rng(domain, index).id()
    }

    /// The person behind an order: the order's own number, or that of an earlier order for somebody who came back (3.4 %).
    pub(super) fn person(&self, order: u64) -> u64 {
        let mut person = order;
        loop {
            let mut rng = self.rng(Domain::Repeat, person);
            if person == 0 || !rng.per_mille(34) {
                return person;
            }
            person = rng.below(person);
        }
    }

    pub(super) fn home(&self, person: u64) -> Place {
        places::of_customer(&mut self.rng(Domain::Person, person))
    }

    /// Half of the sales are spread evenly, the other half goes to what is popular.
    pub(super) fn sold_product(&self, rng: &mut Rng) -> u64 {
        if rng.one_in(2) {
            return rng.below(self.products);
        }
        (0..3).fold(self.products, |end, _| rng.below(end) + 1) - 1
    }

    pub(super) fn offer(&self, product: u64) -> Offer {
        Offer::draw(self, &mut self.rng(Domain::Product, product))
    }

    pub(super) fn product(&self, product: u64) -> Product {
        Product::draw(self, &mut self.rng(Domain::Product, product))
    }

    pub(super) fn seller(&self, seller: u64) -> Seller {
        let mut rng = self.rng(Domain::Seller, seller);
        let place = places::of_seller(&mut rng);
        Seller { place, typed_city: rng.per_mille(25).then(|| rng.pick(&TYPED_CITIES)) }
    }
}

/// What an order item takes from its product.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) price_cents: i64,
    pub(super) seller: u64,
}

impl Offer {
    fn draw(shop: &Shop, rng: &mut Rng) -> Self {
        let price_cents = priced(shop.curves.price.draw(rng) as i64, rng);
        // The lower of two draws: some sellers list far more than others.
        let seller = rng.below(shop.sellers).min(rng.below(shop.sellers));
        Self { price_cents, seller }
    }
}

/// Gives a price the ending that shops like.
fn priced(cents: i64, rng: &mut Rng) -> i64 {
    let whole = cents / 100 * 100;
    match rng.below(100) {
        0..55 => whole + 90,
        55..75 => whole + 99,
        75..88 => whole,
        _ => cents,
    }
}

/// A row of the products file.
#[derive(Debug)]
pub(super) struct Product {
    /// What the shop says of it; 610 of 32,951 products say nothing.
    pub(super) listing: Option<Listing>,
    pub(super) weight_g: Option<u64>,
    /// Length, height, width.
    pub(super) size_cm: Option<[u64; 3]>,
}

#[derive(Debug)]
pub(super) struct Listing {
    pub(super) category: &'static Category,
    pub(super) name_length: u64,
    pub(super) description_length: u64,
    pub(super) photos: u64,
}

/// Photos per product and how many of 100 products have so many.
const PHOTOS: [(u64, u32); 8] = [(1, 50), (2, 19), (3, 12), (4, 8), (5, 5), (6, 3), (7, 2), (10, 1)];

impl Product {
    fn draw(shop: &Shop, rng: &mut Rng) -> Self {
        // The price comes first, from the same draws as in `Shop::offer`.
        Offer::draw(shop, rng);
        let curves = &shop.curves;
        let listing = (!rng.per_mille(19)).then(|| Listing {
            category: rng.weighted(&CATEGORIES, |category| category.weight),
            name_length: rng.between(28, 64).max(rng.between(20, 60)) as u64,
            description_length: curves.description.draw(rng) as u64,
            photos: rng.weighted(&PHOTOS, |photos| photos.1).0,
        });
        // Fewer than 1 product in 8,000 has no size or weighs 0; here there are more, so that a small sample has some.
        let measured = !rng.one_in(500);
        let weight = if rng.one_in(400) { 0 } else { round_weight(curves.weight.draw(rng)) };
        let size = [curves.length.draw(rng) as u64, curves.height.draw(rng) as u64, curves.width.draw(rng) as u64];
        Self { listing, weight_g: measured.then_some(weight), size_cm: measured.then_some(size) }
    }
}

/// Scales are read to 50 g, which is also the least.
fn round_weight(grams: f64) -> u64 {
    (grams as u64 / 50 * 50).max(50)
}

/// A row of the sellers file.
#[derive(Debug)]
pub(super) struct Seller {
    pub(super) place: Place,
    /// What stands there instead of the city.
    pub(super) typed_city: Option<&'static str>,
}
