//! The nine files, in the layout of the published set, misspelt columns included.

use std::{io, path::Path};

use super::{
    csv::{Style, Table},
    order::Order,
    places::{self, plain},
    rng::{Domain, Rng},
    shop::Shop,
    words::CATEGORIES,
};

/// Every row of the tables that people edit is there twice in one of so many cases.
const REPEATED: u64 = 2_000;

/// All nine files, open.
#[derive(Debug)]
pub(super) struct Files {
    customers: Table,
    orders: Table,
    items: Table,
    payments: Table,
    reviews: Table,
    products: Table,
    sellers: Table,
    geolocation: Table,
    translation: Table,
    /// A city's name without accents, while a row is written.
    city: String,
}

impl Files {
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        let usual = |name, columns: &[&str]| Table::create(directory, name, columns, Style::Usual);
        Ok(Self {
            customers: usual(
                "olist_customers_dataset.csv",
                &["customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city", "customer_state"],
            )?,
            orders: usual(
                "olist_orders_dataset.csv",
                &[
                    "order_id",
                    "customer_id",
                    "order_status",
                    "order_purchase_timestamp",
                    "order_approved_at",
                    "order_delivered_carrier_date",
                    "order_delivered_customer_date",
                    "order_estimated_delivery_date",
                ],
            )?,
            items: usual(
                "olist_order_items_dataset.csv",
                &["order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date", "price", "freight_value"],
            )?,
            payments: usual(
                "olist_order_payments_dataset.csv",
                &["order_id", "payment_sequential", "payment_type", "payment_installments", "payment_value"],
            )?,
            reviews: usual(
                "olist_order_reviews_dataset.csv",
                &[
                    "review_id",
                    "order_id",
                    "review_score",
                    "review_comment_title",
                    "review_comment_message",
                    "review_creation_date",
                    "review_answer_timestamp",
                ],
            )?,
            products: usual(
                "olist_products_dataset.csv",
                &[
                    "product_id",
                    "product_category_name",
                    "product_name_lenght",
                    "product_description_lenght",
                    "product_photos_qty",
                    "product_weight_g",
                    "product_length_cm",
                    "product_height_cm",
                    "product_width_cm",
                ],
            )?,
            sellers: usual("olist_sellers_dataset.csv", &["seller_id", "seller_zip_code_prefix", "seller_city", "seller_state"])?,
            geolocation: usual(
                "olist_geolocation_dataset.csv",
                &["geolocation_zip_code_prefix", "geolocation_lat", "geolocation_lng", "geolocation_city", "geolocation_state"],
            )?,
            translation: Table::create(
                directory,
                "product_category_name_translation.csv",
                &["product_category_name", "product_category_name_english"],
                Style::Translation,
            )?,
            city: String::new(),
        })
    }

    /// Writes order `number` with its customer and all that hangs on it.
    pub(super) fn order(&mut self, shop: &Shop, number: u64, order: &Order) -> io::Result<()> {
        let rng = &mut shop.rng(Domain::Customer, number);
        let customer = rng.id();
        let id = shop.id(Domain::OrderId, number);
        self.customer(shop, number, customer, rng)?;
        self.orders.id(id).id(customer).text(order.status.name()).time(order.purchased);
        self.orders.maybe_time(order.approved).maybe_time(order.carrier).maybe_time(order.delivered);
        self.orders.time(order.estimated).end(times(rng))?;
        for (nth, item) in (1..).zip(&order.items) {
            let (product, seller) = (shop.id(Domain::ProductId, item.product), shop.id(Domain::SellerId, item.seller));
            self.items.id(id).number(nth).id(product).id(seller);
            self.items.time(item.limit).money(item.price_cents).money(item.freight_cents).end(times(rng))?;
        }
        for payment in &order.payments {
            self.payments.id(id).number(payment.sequential).text(payment.kind);
            self.payments.number(payment.installments).money(payment.cents).end(times(rng))?;
        }
        for review in &order.reviews {
            self.reviews.id(review.id).id(id).number(review.score).maybe_text(review.title).maybe_text(review.message.as_deref());
            self.reviews.time(review.created).time(review.answered).end(times(rng))?;
        }
        Ok(())
    }

    fn customer(&mut self, shop: &Shop, number: u64, id: u128, rng: &mut Rng) -> io::Result<()> {
        let person = shop.person(number);
        let home = shop.home(person);
        plain(home.city.name, &mut self.city);
        self.customers.id(id).id(shop.id(Domain::PersonId, person)).prefix(home.prefix);
        self.customers.text(&self.city).text(home.state.code).end(times(rng))
    }

    pub(super) fn products(&mut self, shop: &Shop) -> io::Result<()> {
        for number in 0..shop.products {
            let mut rng = shop.rng(Domain::ProductId, number);
            let id = rng.id();
            let product = shop.product(number);
            let listing = product.listing.as_ref();
            self.products.id(id).maybe_text(listing.map(|listing| listing.category.name));
            self.products.maybe_number(listing.map(|listing| listing.name_length));
            self.products.maybe_number(listing.map(|listing| listing.description_length));
            self.products.maybe_number(listing.map(|listing| listing.photos)).maybe_number(product.weight_g);
            for side in 0..3 {
                self.products.maybe_number(product.size_cm.map(|size| size[side]));
            }
            self.products.end(times(&mut rng))?;
        }
        Ok(())
    }

    pub(super) fn sellers(&mut self, shop: &Shop) -> io::Result<()> {
        for number in 0..shop.sellers {
            let mut rng = shop.rng(Domain::SellerId, number);
            let id = rng.id();
            let seller = shop.seller(number);
            plain(seller.place.city.name, &mut self.city);
            self.sellers.id(id).prefix(seller.place.prefix).text(seller.typed_city.unwrap_or(&self.city));
            self.sellers.text(seller.place.state.code).end(times(&mut rng))?;
        }
        Ok(())
    }

    /// Points around the places where customers live: a prefix has many, every fifth row is there before, accents come and go.
    pub(super) fn geolocation(&mut self, shop: &Shop) -> io::Result<()> {
        let mut number = 0;
        while self.geolocation.rows < shop.geolocations {
            let mut rng = shop.rng(Domain::Geolocation, number);
            number += 1;
            let place = places::of_customer(&mut rng);
            // A prefix lies somewhere in its city, its points within a kilometre.
            let mut prefix = shop.rng(Domain::Prefix, u64::from(place.prefix));
            let at = [place.city.lat, place.city.lng].map(|centre| centre + spread(&mut prefix, 0.12) + spread(&mut rng, 0.009));
            // One in 4,000 lies abroad: a sign or a digit went astray.
            let [lat, lng] = if rng.one_in(4_000) { [-at[0], -at[1]] } else { at };
            self.geolocation.prefix(place.prefix).text(&lat.to_string()).text(&lng.to_string());
            plain(place.city.name, &mut self.city);
            match rng.below(20) {
                0..4 => self.geolocation.text(place.city.name),
                4 if place.city.name == "são paulo" => self.geolocation.text("sp"),
                _ => self.geolocation.text(&self.city),
            };
            let twice = 1 + u64::from(rng.one_in(4));
            let left = shop.geolocations - self.geolocation.rows;
            self.geolocation.text(place.state.code).end(twice.min(left))?;
        }
        Ok(())
    }

    pub(super) fn translation(&mut self) -> io::Result<()> {
        for category in &CATEGORIES {
            if let Some(english) = category.english {
                self.translation.text(category.name).text(english).end(1)?;
            }
        }
        Ok(())
    }

    /// Every file in the order in which a person would read them.
    pub(super) fn tables(&mut self) -> [&mut Table; 9] {
        [
            &mut self.orders,
            &mut self.customers,
            &mut self.items,
            &mut self.payments,
            &mut self.reviews,
            &mut self.products,
            &mut self.sellers,
            &mut self.geolocation,
            &mut self.translation,
        ]
    }
}

fn times(rng: &mut Rng) -> u64 {
    1 + u64::from(rng.one_in(REPEATED))
}

/// A shift of up to `most` to either side.
fn spread(rng: &mut Rng, most: f64) -> f64 {
    (rng.unit() * 2.0 - 1.0) * most
}
