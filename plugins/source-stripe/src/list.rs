//! Walking a list, newest first.
//!
//! - It ends where `has_more` is false; a page may be short and not be the last.
//! - It goes on after the last object of a page. Where that one is deleted meanwhile, Stripe refuses it, and it goes on after the one before,
//!   whose neighbours in the page have all been read (`a_list_goes_on_when_its_anchor_is_deleted`).
//! - A failed request leaves it where it was.

use std::collections::HashSet;

use serde_json::Value;
use tidegate_sdk::{Failure, Result};

use crate::api::{Answer, Api, MOST_OBJECTS, Page};

/// A list that is being walked.
pub struct List {
    path: String,
    query: Vec<(String, String)>,
    /// The ids of the last page, in its order.
    anchors: Vec<String>,
    ended: bool,
}

impl List {
    /// A list from its start.
    pub fn new(path: impl Into<String>, query: &[(&str, &str)]) -> Self {
        let query = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let query = query.chain([("limit".to_owned(), MOST_OBJECTS.to_owned())]).collect();
        Self { path: path.into(), query, anchors: Vec::new(), ended: false }
    }

    /// The rest of a list of which these were read already.
    pub fn after(path: impl Into<String>, anchors: Vec<String>) -> Self {
        Self { anchors, ..Self::new(path, &[]) }
    }

    /// The next page, without objects that stood in the page before; none at the end. Objects carry their places in the page, from 1.
    pub fn next(&mut self, api: &mut Api) -> Result<Option<(Page, Vec<u64>)>> {
        while !self.ended {
            match self.ask(api)? {
                Answer::Here(page) => return self.take(api, page).map(Some),
                Answer::AnchorGone => self.step_back()?,
                // It belongs to something that is gone.
                Answer::Gone(_) => self.ended = true,
            }
        }
        Ok(None)
    }

    fn ask(&self, api: &mut Api) -> Result<Answer<Page>> {
        let mut query = self.query.clone();
        query.extend(self.anchors.last().map(|anchor| ("starting_after".to_owned(), anchor.clone())));
        api.page(&self.path, &query)
    }

    fn take(&mut self, api: &mut Api, mut page: Page) -> Result<(Page, Vec<u64>)> {
        let before: HashSet<_> = self.anchors.iter().map(String::as_str).collect();
        let mut places = Vec::with_capacity(page.data.len());
        let mut anchors = Vec::with_capacity(page.data.len());
        let mut place = 0;
        page.data.retain(|object| {
            place += 1;
            let id = object["id"].as_str();
            let fresh = id.is_none_or(|id| !before.contains(id));
            if fresh {
                places.push(place);
                anchors.extend(id.map(str::to_owned));
            }
            fresh
        });
        if page.has_more && anchors.is_empty() {
            // Asked as it stands, the archive would give the same page for ever.
            api.distrust();
            return Err(Failure::unavailable(format!(
                "`{}` (page {}) says that there is more, and has nothing new",
                self.path, page.number
            )));
        }
        self.ended = !page.has_more;
        self.anchors = anchors;
        Ok((page, places))
    }

    fn step_back(&mut self) -> Result<()> {
        if self.anchors.len() < 2 {
            let message = "the objects of its last page were all deleted while it was read; run again";
            return Err(Failure::unavailable(format!("`{}` lost its place: {message}", self.path)));
        }
        self.anchors.pop();
        Ok(())
    }

    /// Whether its last page was read.
    pub fn is_over(&self) -> bool {
        self.ended
    }
}

/// The ids of objects, in their order.
pub fn ids(objects: &[Value]) -> Vec<String> {
    objects.iter().filter_map(|object| object["id"].as_str().map(str::to_owned)).collect()
}
