//! What the messages look like: [`text`] those of the text and its types, [`sense`] those of what it means. `START` is a pipeline that is right; every test breaks it in one place.

use std::path::{Path, PathBuf};

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::diagnose::ConfigError;
use super::load::{Loaded, parse};

mod alerts;
mod egress;
mod schedule;
mod sense;
mod text;

const START: &str = r#"version = 1
name = "shop"

[sources.files]
plugin = "source-files"

[streams.orders]
quality = [{ plugin = "quality-dimensions" }]

[streams.customers]

[checks.known]
stream = "orders"
sql = "select 1"
quality = [{ plugin = "quality-dimensions" }]

[tables.fact_orders]
stream = "orders"
mode = "merge"
key = ["order_id"]
"#;

fn read(text: &str) -> Result<Loaded, ConfigError> {
    read_in(Path::new("nowhere"), text)
}

fn read_in(root: &Path, text: &str) -> Result<Loaded, ConfigError> {
    parse(PathBuf::from("pipeline.toml"), root.to_owned(), text.to_owned())
}

/// The message for [`START`] with `from` replaced by `to`.
fn told(from: &str, to: &str) -> String {
    assert!(START.contains(from), "START has no {from:?}");
    rendered(&read(&START.replace(from, to)).expect_err("the change is wrong on purpose"))
}

/// The message for [`START`] with `more` at its end.
fn told_of(more: &str) -> String {
    rendered(&read(&format!("{START}{more}")).expect_err("the addition is wrong on purpose"))
}

fn rendered(error: &ConfigError) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
    handler.render_report(&mut text, error).expect("a string takes every text");
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_start_is_right() {
    assert_eq!(read(START).map(|loaded| loaded.pipeline.tables.len()).ok(), Some(1));
}
