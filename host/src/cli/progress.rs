//! Progress of a run: a bar on a terminal, nothing elsewhere.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::count;
use crate::{
    engine::Progress,
    flow::{Stage, Watcher},
};

/// Draws one line that follows the run.
pub struct Bar {
    bar: ProgressBar,
    progress: Arc<Progress>,
    before: AtomicU64,
}

impl Bar {
    /// A bar that follows `progress`; hidden where stderr is no terminal or `quiet`.
    pub fn start(progress: Arc<Progress>, quiet: bool) -> Arc<Self> {
        let hidden = quiet || !io::stderr().is_terminal();
        let bar = if hidden { ProgressBar::hidden() } else { ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()) };
        let style =
            ProgressStyle::with_template("{spinner} {prefix:<9} {wide_msg} {elapsed}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        let this = Arc::new(Self { bar, progress, before: AtomicU64::new(0) });
        if !hidden {
            let follow = Arc::downgrade(&this);
            std::thread::spawn(move || {
                while let Some(bar) = follow.upgrade() {
                    bar.tick();
                    drop(bar);
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
        }
        this
    }

    fn tick(&self) {
        let rows = self.progress.rows.load(Ordering::Relaxed).saturating_sub(self.before.load(Ordering::Relaxed));
        let message = self.bar.message();
        let name = message.split("  ").next().unwrap_or_default().to_owned();
        if rows > 0 && self.bar.prefix() == "extract" {
            self.bar.set_message(format!("{name}  {} rows", count(rows)));
        }
        self.bar.tick();
    }

    /// Takes the bar away.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watcher for Bar {
    fn started(&self, stage: Stage, what: &str, _bytes: Option<u64>) {
        self.before.store(self.progress.rows.load(Ordering::Relaxed), Ordering::Relaxed);
        self.bar.set_prefix(stage.name());
        self.bar.set_message(what.to_owned());
    }

    fn finished(&self, _: Stage, _: &str, _: Option<u64>) {}
}
