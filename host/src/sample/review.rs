//! What customers say: a score that suffers from lateness, seldom a title, in two of five reviews a message.

use super::{
    calendar::{self, DAY, LAST_PURCHASE, settle},
    order::{Order, Status, days},
    rng::{Domain, Rng},
    shop::Shop,
    words,
};

#[derive(Debug)]
pub(super) struct Review {
    pub(super) id: u128,
    pub(super) score: u64,
    pub(super) title: Option<&'static str>,
    pub(super) message: Option<String>,
    /// Midnight of the day on which the customer was asked.
    pub(super) created: i64,
    pub(super) answered: i64,
}

/// Scores per 10,000 reviews: delivered in time, delivered late, never delivered. The first two mix to the shares of delivered orders.
const IN_TIME: [(u64, u32); 5] = [(5, 6_210), (4, 2_022), (3, 793), (2, 265), (1, 710)];
const LATE: [(u64, u32); 5] = [(5, 2_200), (4, 1_150), (3, 1_150), (2, 800), (1, 4_700)];
const NEVER: [(u64, u32); 5] = [(5, 900), (4, 500), (3, 900), (2, 900), (1, 6_800)];

/// Adds the reviews of order `number`: none for 0.8 % of the orders, two for 0.5 %.
pub(super) fn draw(order: &mut Order, shop: &Shop, number: u64) {
    let rng = &mut shop.rng(Domain::Review, number);
    let own = rng.id();
    let count = match rng.below(1_000) {
        0..8 => 0,
        8..13 => 2,
        _ => 1,
    };
    for nth in 0..count {
        // One survey may speak of two orders: the id is that of the order before. The pair of ids stays unique.
        let shared = nth == 0 && number > 0 && rng.per_mille(8);
        let id = match nth {
            0 if shared => shop.id(Domain::Review, number - 1),
            0 => own,
            _ => rng.id(),
        };
        let review = one(order, id, shop, rng);
        order.reviews.push(review);
    }
}

fn one(order: &Order, id: u128, shop: &Shop, rng: &mut Rng) -> Review {
    let scores = match order.delivered {
        Some(at) if at < order.estimated + DAY => &IN_TIME,
        Some(_) => &LATE,
        None if order.status == Status::Delivered => &IN_TIME,
        None => &NEVER,
    };
    let score = rng.weighted(scores, |score| score.1).0;
    let asked = match order.delivered {
        Some(at) => calendar::day_of(at) + DAY,
        None => order.estimated + 2 * DAY,
    };
    let created = asked.min(calendar::day_of(LAST_PURCHASE));
    let answered = created + days(shop.curves.answer_days.draw(rng));
    // The published answers end five days after the last order.
    let answered = if answered > LAST_PURCHASE + 5 * DAY { created + days(rng.unit() * 4.0) + 600 } else { answered };
    Review {
        id,
        score,
        title: rng.per_mille(117).then(|| title(score, rng)),
        message: rng.per_mille(403).then(|| message(score, rng)),
        created,
        answered: settle(answered),
    }
}

fn title(score: u64, rng: &mut Rng) -> &'static str {
    match score {
        4.. => rng.pick(&words::GOOD_TITLES),
        3 => rng.pick(&words::FAIR_TITLES),
        _ => rng.pick(&words::BAD_TITLES),
    }
}

/// One to three phrases, put together as people do: with commas, line breaks, quotation marks, emoji, capitals and stray spaces.
fn message(score: u64, rng: &mut Rng) -> String {
    let phrases: &[&str] = match score {
        4.. => &words::GOOD,
        3 => &words::FAIR,
        _ => &words::BAD,
    };
    let mut text = String::with_capacity(160);
    if rng.one_in(40) {
        text.push(' ');
    }
    text.push_str(rng.pick(phrases));
    for _ in 0..rng.below(3) {
        text.push_str(match rng.below(8) {
            0 | 1 => "\r\n",
            2 => "\r\n\r\n",
            3 | 4 => ", ",
            5 => "! ",
            _ => ". ",
        });
        text.push_str(rng.pick(phrases));
    }
    if rng.one_in(120) {
        text.push_str(", mas diz ");
        text.push_str(rng.pick(&words::QUOTED));
    }
    if rng.one_in(80) {
        text.push(' ');
        text.push_str(rng.pick(&words::EMOJI));
    }
    if rng.one_in(25) {
        text = text.to_uppercase();
    }
    if rng.one_in(5) {
        text.push(' ');
    }
    text
}
