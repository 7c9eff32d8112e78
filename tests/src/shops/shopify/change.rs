//! What happens in the shop while it is open: each change is made at the shop's time, and follows from its number.

use super::{chance::Chance, model::Stock};

impl Stock {
    /// Lets one thing happen.
    pub fn change(&mut self, now: i64, chance: &mut Chance) {
        let orders: Vec<_> = self.orders.keys().copied().collect();
        let order = chance.pick(&orders).expect("the shop has orders");
        match chance.below(12) {
            0 => {
                let customer = self.add_customer(now, chance);
                let id = self.add_order(1 + chance.below(7), now, chance);
                self.orders.get_mut(&id).expect("it was just added").customer = Some(customer);
            }
            1 => drop(self.add_order(1 + chance.below(3), now, chance)),
            2 | 3 => self.refund(order, now, chance),
            4 => self.edit_lines(order, now, chance),
            5 => self.close(order, now, chance),
            6 => self.edit_customer(now, chance),
            7 => self.edit_product(now, chance),
            8 => {
                let product = self.some_product(chance);
                let variant = self.new_variant(now, chance);
                let product = self.products.get_mut(&product).expect("it was just found");
                product.variants.push(variant);
                product.updated = now;
            }
            9 | 10 => self.move_stock(now, chance),
            _ => drop(self.add_product(1 + chance.below(3), now, chance)),
        }
    }

    fn some_product(&self, chance: &mut Chance) -> u64 {
        chance.pick(&self.products.keys().copied().collect::<Vec<_>>()).expect("the shop has products")
    }

    fn edit_lines(&mut self, order: u64, now: i64, chance: &mut Chance) {
        let line = self.new_line(chance);
        let order = self.orders.get_mut(&order).expect("it was just found");
        // A line that is taken out stays, with nothing left of it.
        if let Some(first) = order.lines.first_mut() {
            first.current = 0;
        }
        order.lines.push(line);
        order.updated = now;
    }

    fn close(&mut self, order: u64, now: i64, chance: &mut Chance) {
        let order = self.orders.get_mut(&order).expect("it was just found");
        order.tags = chance.some(&["done", "late", "b2b"]);
        order.fulfilled = true;
        order.financial = "PAID";
        order.updated = now;
        match chance.below(3) {
            0 => order.cancelled = Some(now),
            1 => order.closed = Some(now),
            _ => (order.closed, order.cancelled) = (None, None),
        }
    }

    fn edit_customer(&mut self, now: i64, chance: &mut Chance) {
        let id = chance.pick(&self.customers.keys().copied().collect::<Vec<_>>()).expect("the shop has customers");
        let customer = self.customers.get_mut(&id).expect("it was just found");
        customer.last = Some(format!("Married {}", chance.below(1000)));
        customer.phone = None;
        customer.updated = now;
    }

    fn edit_product(&mut self, now: i64, chance: &mut Chance) {
        let product = self.some_product(chance);
        let product = self.products.get_mut(&product).expect("it was just found");
        let place = chance.below(product.variants.len() as u64) as usize;
        if let Some(variant) = product.variants.get_mut(place) {
            variant.price += 1 + chance.below(50) as i64;
            variant.updated = now;
        }
        product.status = "ACTIVE";
        product.updated = now;
    }

    fn move_stock(&mut self, now: i64, chance: &mut Chance) {
        let keys: Vec<_> = self.levels.keys().copied().collect();
        let Some(key) = chance.pick(&keys) else { return };
        let level = self.levels.get_mut(&key).expect("it was just found");
        level.available -= 1;
        level.committed += 1;
        level.updated = now;
        // What is in stock is a part of the product.
        for product in self.products.values_mut() {
            if let Some(variant) = product.variants.iter_mut().find(|variant| variant.item == key.0) {
                variant.quantity -= 1;
                variant.updated = now;
                product.updated = now;
            }
        }
    }
}
