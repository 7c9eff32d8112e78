//! How an order is paid: one payment, or a card and vouchers, that add up to the order's worth but for one order in 300.

use super::{order::Status, rng::Rng};

#[derive(Debug)]
pub(super) struct Payment {
    pub(super) sequential: u64,
    pub(super) kind: &'static str,
    pub(super) installments: u64,
    pub(super) cents: i64,
}

const CARD: &str = "credit_card";
const VOUCHER: &str = "voucher";

/// The kinds of single payments, per 1,000.
const KINDS: [(&str, u32); 4] = [(CARD, 764), ("boleto", 204), (VOUCHER, 16), ("debit_card", 16)];

/// Installments of a card payment, per 1,000.
const INSTALLMENTS: [(u64, u32); 14] =
    [(1, 333), (2, 162), (3, 136), (4, 92), (10, 70), (5, 68), (8, 56), (6, 51), (7, 21), (9, 8), (12, 2), (15, 1), (24, 1), (0, 1)];

/// Fills `payments` for an order of `worth` cents.
pub(super) fn draw(payments: &mut Vec<Payment>, status: Status, has_items: bool, worth: i64, rng: &mut Rng) {
    payments.clear();
    if status == Status::Canceled && !has_items && rng.one_in(6) {
        payments.push(Payment { sequential: 1, kind: "not_defined", installments: 1, cents: 0 });
        return;
    }
    let paid = if rng.one_in(300) { worth + off_by(worth, rng) } else { worth };
    let count = payment_count(rng);
    // One in 1,200 orders counts its payments from 2.
    let first = 1 + u64::from(rng.one_in(1_200));
    let mut left = paid;
    for nth in 0..count {
        let cents = if nth + 1 == count { left } else { (left * rng.between(20, 80) / 100).max(1).min(left) };
        left -= cents;
        let kind = match nth {
            _ if count == 1 => rng.weighted(&KINDS, |kind| kind.1).0,
            0 if rng.per_mille(800) => CARD,
            _ => VOUCHER,
        };
        let installments = if kind == CARD { rng.weighted(&INSTALLMENTS, |installments| installments.1).0 } else { 1 };
        payments.push(Payment { sequential: first + nth, kind, installments, cents });
    }
    if rng.one_in(2_000) {
        // A voucher that was used up already.
        payments.push(Payment { sequential: first + count, kind: VOUCHER, installments: 1, cents: 0 });
    }
}

/// The difference between paid and owed: cents of rounding, or a forgotten or doubled fee. Never takes all.
fn off_by(worth: i64, rng: &mut Rng) -> i64 {
    let size = if rng.one_in(3) { rng.between(2, 9) } else { rng.between(100, 3_000) };
    if rng.one_in(2) { size } else { -size.min(worth / 2) }
}

fn payment_count(rng: &mut Rng) -> u64 {
    match rng.below(10_000) {
        0..9_703 => 1,
        9_703..9_943 => 2,
        9_943..9_973 => 3,
        9_973..9_995 => rng.below(4) + 4,
        _ => rng.below(20) + 8,
    }
}
