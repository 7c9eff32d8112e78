//! What a run reads of a list that can be filtered by change: from the end of the last run less an overlap, to now by the shop's clock.
//!
//! - The end is only remembered, never asked for: an upper bound would make each record that changes leave the list. What changed after the
//!   end may come now, and comes again in the next run.
//! - The end is the `Date` of the run's first answer. Every stream asks the same request, and the host answers it once per run.

use tidegate_sdk::instant;

use crate::{config::Config, cursor::Cursor};

/// A run's window, in seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Only what changed after this second; none where all is read.
    pub after: Option<i64>,
    /// Where the next run goes on.
    pub end: i64,
}

impl Window {
    /// The window of a run that begins at `now`.
    pub fn new(config: &Config, since: Option<i64>, cursor: &Cursor, now: i64) -> Self {
        // A clock that was set back would leave out what changed between the two times.
        let last = cursor.until.map(|until| until.min(now) - i64::from(config.overlap_seconds));
        let since = since.map(|since| since - 1);
        Self { after: last.max(since), end: now }
    }

    /// The parameters that ask for it. The value has no zone, and `dates_are_gmt` says that it is GMT: with a zone, or without this word,
    /// WordPress brings it onto the site's clock, and a shop west of Greenwich would lose the hours between.
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let Some(after) = self.after else { return Vec::new() };
        vec![("modified_after", instant::zoneless(after)), ("dates_are_gmt", "true".to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_795_176_000;

    fn config() -> Config {
        serde_json::from_str(r#"{"url": "https://shop.example", "overlap_seconds": 60}"#).unwrap()
    }

    fn until(until: i64) -> Cursor {
        Cursor { until: Some(until), ..Cursor::default() }
    }

    #[test]
    fn the_first_window_has_no_lower_bound() {
        let window = Window::new(&config(), None, &Cursor::default(), NOON);
        assert_eq!((window.after, window.end), (None, NOON));
        assert!(window.parameters().is_empty());
    }

    #[test]
    fn the_next_window_overlaps_the_last_one_and_is_asked_for_in_gmt() {
        let window = Window::new(&config(), None, &until(NOON), NOON + 3600);
        assert_eq!(window, Window { after: Some(NOON - 60), end: NOON + 3600 });
        let asked = window.parameters();
        assert_eq!(asked, [("modified_after", "2026-11-20T11:59:00".to_owned()), ("dates_are_gmt", "true".to_owned())]);
    }

    #[test]
    fn a_clock_that_was_set_back_leaves_nothing_out() {
        let window = Window::new(&config(), None, &until(NOON), NOON - 600);
        assert_eq!(window, Window { after: Some(NOON - 660), end: NOON - 600 });
    }

    #[test]
    fn what_changed_in_the_second_of_since_belongs_to_it() {
        let window = Window::new(&config(), Some(NOON), &Cursor::default(), NOON + 10);
        assert_eq!(window.after, Some(NOON - 1));
        assert_eq!(Window::new(&config(), Some(NOON), &until(NOON + 3600), NOON + 7200).after, Some(NOON + 3540));
    }
}
