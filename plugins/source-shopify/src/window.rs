//! Windows: which changes a run reads, and how the shop is told.
//!
//! The end is the shop's own time, less a second: `updated_at` has whole seconds, and the second that is passing may still get changes. It is
//! asked for once per run, before the first page, so that children are not read past their parents.

use tidegate_sdk::{Result, instant, rest::Window};

use crate::{config::Config, shop};

/// The window of a run that resumes after `cursor`.
pub fn of_run(config: &Config, cursor: Option<&str>) -> Result<Window> {
    let window = Window::after(cursor, shop::clock(config)? - 1, i64::from(config.overlap_seconds))?;
    Ok(Window { from: window.from.or(config.start_seconds()?), ..window })
}

/// GraphQL's search filter for changes from `from` until the window's end. A bound without a value would bring the shop down, so it is left
/// out.
pub fn filter(window: &Window, from: Option<i64>) -> String {
    let until = format!("updated_at:<='{}'", instant::rfc3339(window.until));
    match from {
        Some(from) => format!("updated_at:>='{}' AND {until}", instant::rfc3339(from)),
        None => until,
    }
}
