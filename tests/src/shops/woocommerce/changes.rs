//! What happens to a shop while nobody looks, and while somebody reads it.

use serde_json::Value;

use super::{
    State,
    seed::{add_coupon, add_customer, add_order, add_product, add_variation, line, list_variations, money, recount, refund},
    shelf::{Record, Shelf},
};

/// Which record is meant. Where there is none, nothing happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The one with the lowest id: what leaves there moves all others one place to the left.
    First,
    /// The one with the highest id.
    Last,
    /// Any, by chance.
    Any,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An order is placed.
    OrderPlaced,
    /// An order is completed; its date moves.
    OrderCompleted(Pick),
    /// An order gets another line, and loses its first one.
    OrderEdited(Pick),
    /// So many orders change in one second, as a bulk action does.
    OrdersInBulk(usize),
    /// A customer gets 1.00 back.
    OrderRefunded(Pick),
    /// An order goes to the bin: `any` does not list it, its date moves.
    OrderTrashed(Pick),
    /// An order comes back from the bin.
    OrderRestored(Pick),
    /// An order is deleted for good, without a trace.
    OrderDeleted(Pick),
    /// The oldest order of the bin is deleted for good.
    BinEmptied,
    /// A product is added.
    ProductAdded,
    /// A product gets another price.
    ProductPriced(Pick),
    /// A product goes to the bin.
    ProductTrashed(Pick),
    /// A product is deleted for good, with its variations.
    ProductDeleted(Pick),
    /// A variation is sold: its stock shrinks, its date moves, its product's does not.
    VariationSold,
    /// A variation is added to a product that has some.
    VariationAdded,
    /// A variation is deleted for good.
    VariationDeleted,
    /// Somebody registers.
    CustomerAdded,
    /// A customer moves.
    CustomerMoved(Pick),
    /// A customer is deleted: customers know no bin.
    CustomerDeleted(Pick),
    /// A coupon is added.
    CouponAdded,
    /// A coupon is used.
    CouponUsed(Pick),
    /// A coupon is deleted for good.
    CouponDeleted(Pick),
}

impl State {
    /// Makes it happen now.
    pub fn change(&mut self, change: Change) {
        match change {
            Change::OrderPlaced => {
                add_order(self);
            }
            Change::OrderCompleted(pick) => self.order(pick, |state, id| {
                let now = state.now;
                state.edit_order(id, |order| {
                    order.set("status", "completed");
                    order.date("date_completed", Some(now));
                });
            }),
            Change::OrderEdited(pick) => self.order(pick, |state, id| {
                let added = line(state);
                state.edit_order(id, |order| {
                    let mut lines = order.get("line_items").as_array().cloned().unwrap_or_default();
                    lines.push(added);
                    lines.remove(0);
                    order.set("line_items", lines);
                    recount(order);
                });
            }),
            Change::OrdersInBulk(count) => {
                for id in self.orders.listed().into_iter().step_by(7).take(count) {
                    self.edit_order(id, |order| order.set("status", "processing"));
                }
            }
            Change::OrderRefunded(pick) => self.order(pick, |state, id| {
                refund(state, id);
            }),
            Change::OrderTrashed(pick) => self.order(pick, |state, id| state.edit_order(id, |order| order.set("status", "trash"))),
            Change::OrderRestored(pick) => {
                if let Some(id) = self.picked(&self.orders.trashed(), pick) {
                    self.edit_order(id, |order| order.set("status", "processing"));
                }
            }
            Change::OrderDeleted(pick) => self.order(pick, State::delete_order),
            Change::BinEmptied => {
                if let Some(id) = self.picked(&self.orders.trashed(), Pick::First) {
                    self.delete_order(id);
                }
            }
            Change::ProductAdded => {
                add_product(self);
            }
            Change::ProductPriced(pick) => self.product(pick, |state, id| {
                let price = money(i64::try_from(id).expect("small") + state.now % 1000);
                state.edit_product(id, |product| {
                    product.set("price", price.clone());
                    product.set("regular_price", price);
                });
            }),
            Change::ProductTrashed(pick) => self.product(pick, |state, id| {
                let now = state.now;
                state.edit_product(id, |product| product.set("status", "trash"));
                for variation in state.variations.get_mut(&id).into_iter().flat_map(|shelf| shelf.records.values_mut()) {
                    variation.set("status", "trash");
                    variation.touch(now);
                }
            }),
            Change::ProductDeleted(pick) => self.product(pick, State::delete_product),
            Change::VariationSold => self.variation(|state, product, id| {
                let now = state.now;
                let Some(variation) = state.variations.get_mut(&product).and_then(|shelf| shelf.records.get_mut(&id)) else { return };
                let stock = variation.get("stock_quantity").as_i64().unwrap_or(0);
                variation.set("stock_quantity", stock - 1);
                variation.touch(now);
            }),
            Change::VariationAdded => self.variation(|state, product, _| {
                add_variation(state, product);
            }),
            Change::VariationDeleted => self.variation(State::delete_variation),
            Change::CustomerAdded => {
                add_customer(self, "customer");
            }
            Change::CustomerMoved(pick) => {
                let now = self.now;
                let Some(id) = self.picked(&self.customers.listed(), pick) else { return };
                let Some(customer) = self.customers.records.get_mut(&id) else { return };
                if let Some(billing) = customer.json.get_mut("billing") {
                    billing["city"] = Value::from(format!("Cidade {now}"));
                }
                customer.touch(now);
            }
            Change::CustomerDeleted(pick) => {
                if let Some(id) = self.picked(&self.customers.listed(), pick) {
                    self.gone("customers", id, self.customers.records.get(&id).is_some_and(|customer| customer.served));
                    self.customers.records.remove(&id);
                }
            }
            Change::CouponAdded => {
                add_coupon(self);
            }
            Change::CouponUsed(pick) => {
                let now = self.now;
                let Some(id) = self.picked(&self.coupons.listed(), pick) else { return };
                let Some(coupon) = self.coupons.records.get_mut(&id) else { return };
                coupon.set("usage_count", coupon.get("usage_count").as_i64().unwrap_or(0) + 1);
                coupon.touch(now);
            }
            Change::CouponDeleted(pick) => {
                if let Some(id) = self.picked(&self.coupons.listed(), pick) {
                    self.gone("coupons", id, self.coupons.records.get(&id).is_some_and(|coupon| coupon.served));
                    self.coupons.records.remove(&id);
                }
            }
        }
    }

    fn picked(&mut self, ids: &[u64], pick: Pick) -> Option<u64> {
        match pick {
            Pick::First => ids.first().copied(),
            Pick::Last => ids.last().copied(),
            Pick::Any if ids.is_empty() => None,
            Pick::Any => Some(*self.chance.pick(ids)),
        }
    }

    fn order(&mut self, pick: Pick, then: impl FnOnce(&mut Self, u64)) {
        if let Some(id) = self.picked(&self.orders.listed(), pick) {
            then(self, id);
        }
    }

    fn product(&mut self, pick: Pick, then: impl FnOnce(&mut Self, u64)) {
        if let Some(id) = self.picked(&self.products.listed(), pick) {
            then(self, id);
        }
    }

    /// Any variation of any product that is not in the bin.
    fn variation(&mut self, then: impl FnOnce(&mut Self, u64, u64)) {
        let listed = |product: &u64| self.products.records.get(product).is_some_and(|product| !product.trashed());
        let of = |(product, shelf): (&u64, &Shelf)| shelf.listed().into_iter().map(|id| (*product, id)).collect::<Vec<_>>();
        let all: Vec<(u64, u64)> = self.variations.iter().filter(|(product, _)| listed(product)).flat_map(of).collect();
        if !all.is_empty() {
            let (product, id) = *self.chance.pick(&all);
            then(self, product, id);
        }
    }

    fn edit_order(&mut self, id: u64, edit: impl FnOnce(&mut Record)) {
        let now = self.now;
        if let Some(order) = self.orders.records.get_mut(&id) {
            edit(order);
            order.touch(now);
        }
    }

    fn edit_product(&mut self, id: u64, edit: impl FnOnce(&mut Record)) {
        let now = self.now;
        if let Some(product) = self.products.records.get_mut(&id) {
            edit(product);
            product.touch(now);
        }
    }

    fn delete_order(&mut self, id: u64) {
        if let Some(order) = self.orders.records.remove(&id) {
            self.gone("orders", id, order.served);
        }
        self.refunds.remove(&id);
    }

    fn delete_product(&mut self, id: u64) {
        if let Some(product) = self.products.records.remove(&id) {
            self.gone("products", id, product.served);
        }
        for (variation, record) in self.variations.remove(&id).unwrap_or_default().records {
            self.gone("variations", variation, record.served);
        }
    }

    fn delete_variation(&mut self, product: u64, id: u64) {
        if let Some(variation) = self.variations.get_mut(&product).and_then(|shelf| shelf.records.remove(&id)) {
            self.gone("variations", id, variation.served);
        }
        list_variations(self, product);
    }

    /// Only what a reader was given can be missed by it.
    fn gone(&mut self, stream: &'static str, id: u64, served: bool) {
        if served {
            self.gone.entry(stream).or_default().insert(id);
        }
    }
}
