//! A walk through a list that changes while it is read, in the order of its ids.
//!
//! - Nothing that is in the list from the walk's first request to its last is left out, whatever comes, goes and moves meanwhile
//!   (`tests::no_row_is_lost_while_others_come_and_go`).
//! - A walk ends: one that makes no way for [`MOST_STEPS_BACK`] requests fails as `unavailable`.
//!
//! # Why
//! Pages are cut by counting. Ordered by id, records that change keep their place and new ones come last; but each record that leaves the
//! list (to the bin, for good) moves all behind it one place to the left, and the next page begins one too late. A shrinking `X-WP-Total`
//! does not show it where another record came at the same time. So each page is asked for from the last place of the page before: if it
//! begins with an id that was seen, nothing is missing between the two. If not, the walk goes back half a page.

use tidegate_sdk::{Failure, Result};

/// The most records that WooCommerce gives at a time; it answers 101 with an error.
pub const PER_PAGE: usize = 100;

/// How far a walk goes back: half a page, so that what it asks for again holds both sides of the gap.
const STEP_BACK: usize = PER_PAGE / 2;

/// How often in a row a walk may go back without a new id. A shop that deletes faster than it can be read is rare; one whose firewall
/// gives stale pages is not.
const MOST_STEPS_BACK: usize = 40;

/// A gap that is the same after so many looks is no shift: records lie there that this key may not see, or that WooCommerce can't load. It
/// counts them and leaves them out of the page.
const LOOKS_AT_A_GAP: usize = 4;

/// Where a walk stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// The place, from 0, at which the next page begins.
    place: usize,
    /// The first id of the list's first page.
    first: Option<u64>,
    /// The greatest id so far.
    last: u64,
    /// How many pages were asked for again. It goes along with requests, so that each of them is one of its own.
    again: usize,
    /// How often it went back since the last new id.
    steps_back: usize,
    /// The ids around the gap that was seen last, and how often it was seen.
    gap: Option<(u64, Option<u64>, usize)>,
}

/// What a page is to the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// It follows on what was read; the list goes on.
    Follows,
    /// It follows on what was read and is the last one.
    Ends,
    /// Something may be missing before it: the walk went back.
    Gap,
}

impl Walk {
    /// The parameters of the next request, besides those that choose the list.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = vec![
            ("orderby", "id".to_owned()),
            ("order", "asc".to_owned()),
            ("per_page", PER_PAGE.to_string()),
            ("offset", self.place.to_string()),
        ];
        // WordPress ignores it. The host answers a request that it sent already from the archive; with this it is another one, and yet the
        // same for each stream that walks this list, so that all of them see one moment.
        if self.again > 0 {
            parameters.push(("_again", self.again.to_string()));
        }
        parameters
    }

    /// Takes in a page: the ids of its records in their order, and `X-WP-Total`.
    pub fn arrived(&mut self, ids: &[u64], total: Option<usize>) -> Result<Page> {
        if !ids.is_sorted() {
            return Err(Failure::bad_data("the shop does not list by id, though it was asked to: something changes its requests"));
        }
        let (first, last) = (ids.first().copied(), ids.last().copied());
        if self.place == 0 {
            self.first = first;
        } else if ids.len() > 1 && first == self.first {
            return self.back("the shop gives its first page again: it ignores `offset`, or its list changes too fast");
        }
        // A place that the list does not have any more, or a page that begins behind what was seen.
        let beyond = self.place > 0 && first.is_none() && total.is_none_or(|total| total <= self.place);
        let behind = self.place > 0 && first.is_some_and(|first| first > self.last);
        if (beyond || behind) && !self.is_lasting_gap(first) {
            return self.back("the shop's list changes faster than it can be read");
        }
        if last > Some(self.last) {
            (self.last, self.steps_back) = (last.unwrap_or_default(), 0);
        }
        // A full page is never the last: the count may be of a moment later.
        if ids.len() < PER_PAGE && total.is_none_or(|total| self.place + PER_PAGE >= total) {
            return Ok(Page::Ends);
        }
        self.place += PER_PAGE - 1;
        Ok(Page::Follows)
    }

    fn is_lasting_gap(&mut self, first: Option<u64>) -> bool {
        let looks = match self.gap {
            Some((last, again, looks)) if (last, again) == (self.last, first) => looks + 1,
            _ => 1,
        };
        self.gap = Some((self.last, first, looks));
        looks >= LOOKS_AT_A_GAP
    }

    fn back(&mut self, otherwise: &str) -> Result<Page> {
        self.steps_back += 1;
        if self.steps_back > MOST_STEPS_BACK {
            return Err(Failure::unavailable(otherwise));
        }
        self.again += 1;
        self.place = self.place.saturating_sub(STEP_BACK);
        Ok(Page::Gap)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A list, and the ids of it that nobody is shown.
    #[derive(Default)]
    struct List {
        ids: BTreeSet<u64>,
        hidden: BTreeSet<u64>,
    }

    impl List {
        fn of(ids: impl IntoIterator<Item = u64>) -> Self {
            Self { ids: ids.into_iter().collect(), ..Self::default() }
        }

        fn page(&self, walk: &Walk) -> Vec<u64> {
            let place = walk.parameters().iter().find(|(name, _)| *name == "offset").map(|(_, place)| place.parse().unwrap()).unwrap();
            self.ids.iter().skip(place).take(PER_PAGE).filter(|id| !self.hidden.contains(id)).copied().collect()
        }

        /// Reads to the end; `meanwhile` changes the list after each page.
        fn read(&mut self, mut meanwhile: impl FnMut(&mut Self, usize)) -> Result<(BTreeSet<u64>, usize)> {
            let (mut walk, mut read, mut requests) = (Walk::default(), BTreeSet::new(), 0);
            loop {
                let ids = self.page(&walk);
                requests += 1;
                let page = walk.arrived(&ids, Some(self.ids.len()))?;
                if page != Page::Gap {
                    read.extend(ids);
                }
                if page == Page::Ends {
                    return Ok((read, requests));
                }
                assert!(requests < 10_000, "the walk does not end");
                meanwhile(self, requests);
            }
        }
    }

    #[test]
    fn a_quiet_list_is_read_once_with_one_record_twice_per_page() {
        for (size, requests) in [(0, 1), (1, 1), (99, 1), (100, 2), (101, 2), (199, 3), (1000, 11)] {
            let mut list = List::of((1..=size).map(|id| id * 3));
            assert_eq!(list.read(|_, _| ()).unwrap(), (list.ids.clone(), requests), "{size} records");
        }
    }

    #[test]
    fn no_row_is_lost_while_others_come_and_go() {
        for seed in 0..200_u64 {
            let mut list = List::of((1..=1500).map(|id| id * 2));
            let (mut next, mut gone) = (10_000, BTreeSet::new());
            let mut chance = seed;
            let always = list.ids.clone();
            let read = list.read(|list, _| {
                for _ in 0..5 {
                    chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let pick = *list.ids.iter().nth((chance >> 33) as usize % list.ids.len()).unwrap();
                    match chance >> 60 {
                        0..6 => {
                            list.ids.remove(&pick);
                            gone.insert(pick);
                            // The count does not show it.
                            next += 1;
                            list.ids.insert(next);
                        }
                        6..10 => drop(list.ids.insert(pick + 1)),
                        _ => {}
                    }
                }
            });
            let (read, _) = read.unwrap();
            let missing: Vec<_> = always.difference(&gone).filter(|id| !read.contains(id)).collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}");
        }
    }

    #[test]
    fn records_that_nobody_may_see_leave_gaps_that_are_let_be() {
        for hidden in [1, 49, 51, 99, 100, 101, 250, 499] {
            let mut list = List::of(1..=1000);
            list.hidden = (301..301 + hidden).collect();
            let (read, requests) = list.read(|_, _| ()).unwrap();
            assert_eq!(read.len(), 1000 - list.hidden.len(), "{hidden} hidden");
            assert!(requests < 60, "{hidden} hidden: {requests} requests");
        }
    }

    #[test]
    fn a_list_that_empties_while_it_is_read_ends() {
        let mut list = List::of(1..=1000);
        let (read, _) = list.read(|list, _| list.ids = list.ids.iter().skip(400).copied().collect()).unwrap();
        assert!(read.contains(&1));
    }

    #[test]
    fn a_shop_that_ignores_what_it_is_asked_is_found_out() {
        let mut walk = Walk::default();
        let page: Vec<u64> = (1..=100).collect();
        assert_eq!(walk.arrived(&page, Some(1000)), Ok(Page::Follows));
        let failed = (0..1000).find_map(|_| walk.arrived(&page, Some(1000)).err()).unwrap();
        assert!(failed.message.contains("ignores `offset`"), "{failed}");

        let failed = Walk::default().arrived(&[3, 2, 1], None).unwrap_err();
        assert!(failed.message.contains("does not list by id"), "{failed}");
    }

    #[test]
    fn a_page_that_is_asked_for_again_is_another_request() {
        let mut walk = Walk::default();
        walk.arrived(&(1..=100).collect::<Vec<_>>(), Some(300)).unwrap();
        let asked = walk.parameters();
        assert!(asked.contains(&("offset", "99".to_owned())) && asked.iter().all(|(name, _)| *name != "_again"), "{asked:?}");
        assert_eq!(walk.arrived(&[101, 102], Some(299)), Ok(Page::Gap));
        let asked = walk.parameters();
        assert!(asked.contains(&("offset", "49".to_owned())) && asked.contains(&("_again", "1".to_owned())), "{asked:?}");
    }
}
