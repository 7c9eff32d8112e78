//! What both ways do: a sample, and a pipeline over it made from the one of `examples/olist`, so that its rules are those that are shown
//! to users.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tidegate::sample;
use toml::{Table, Value, toml};

/// The example whose streams and rules are measured.
const EXAMPLE: &str = include_str!("../../../examples/olist/pipeline.toml");

/// The streams that can be measured, and the files that they read.
const FILES: [(&str, &str); 2] = [("orders", "olist_orders_dataset.csv"), ("order_items", "olist_order_items_dataset.csv")];

/// Where things are.
pub struct Place {
    /// The program to measure.
    pub tidegate: PathBuf,
    /// The folder for samples and results.
    pub root: PathBuf,
}

/// What happens to the stream of orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// It is judged by one range rule: nothing remembers a row.
    Range,
    /// Before that it passes transform-olist, which removes duplicates.
    Transformed,
    /// It passes transform-olist and all rules of the example, two of which look for keys that repeat.
    Example,
}

/// A pipeline over a sample.
pub struct Job {
    /// The pipeline's folder.
    pub folder: PathBuf,
}

impl Place {
    /// Makes the sample where it is not there yet. Only what is measured is kept of its nine files.
    pub fn sample(&self, orders: u64) -> Result<PathBuf> {
        let folder = self.root.join(format!("sample-{orders}"));
        if FILES.iter().all(|(_, file)| folder.join(file).is_file()) {
            return Ok(folder);
        }
        eprintln!("making a sample of {orders} orders in {}", folder.display());
        let summary = sample::write(&sample::Plan { orders, seed: 42 }, &folder, &mut |_| ())?;
        for file in summary.files.iter().filter(|file| FILES.iter().all(|(_, kept)| *kept != file.name)) {
            fs::remove_file(folder.join(file.name))?;
        }
        Ok(folder)
    }

    /// Writes a pipeline over the sample in `data`. With `load`, each stream becomes a table.
    pub fn job(&self, name: &str, data: &Path, streams: &[&str], steps: Steps, load: bool) -> Result<Job> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder)?;
        let pipeline = pipeline(data, streams, steps, load).context("make a pipeline of the example")?;
        fs::write(folder.join("pipeline.toml"), toml::to_string(&pipeline)?)?;
        Ok(Job { folder })
    }
}

impl Job {
    /// Removes what a run left, so that the next one starts from nothing.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(self.folder.join("store")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

fn pipeline(data: &Path, streams: &[&str], steps: Steps, load: bool) -> Result<Table> {
    let example: Table = EXAMPLE.parse()?;
    let mut pipeline = Table::new();
    for key in ["version", "storage", "clock", "sources", "streams"] {
        pipeline.insert(key.to_owned(), example[key].clone());
    }
    pipeline.insert("name".to_owned(), "bench".into());
    let granted = Value::from(data.to_str().context("the sample's folder is not UTF-8")?);
    table(&mut pipeline, &["sources", "olist", "grants", "files"]).insert("data".to_owned(), granted);
    table(&mut pipeline, &["sources", "olist", "config", "streams"]).retain(|name, _| streams.contains(&name));
    table(&mut pipeline, &["streams"]).retain(|name, _| streams.contains(&name));
    if steps != Steps::Example {
        let rule = toml! { plugin = "quality-dimensions" config = { rules = [{ kind = "range", column = "order_purchase_timestamp", min = "2015-01-01" }] } };
        table(&mut pipeline, &["streams", "orders"]).insert("quality".to_owned(), vec![rule].into());
    }
    if steps == Steps::Range {
        table(&mut pipeline, &["streams", "orders"]).remove("transforms");
        let types = toml! { order_purchase_timestamp = "timestamp" };
        table(&mut pipeline, &["sources", "olist", "config", "streams", "orders"]).insert("types".to_owned(), types.into());
    }
    if load {
        let whole = |stream: &&str| {
            let mut table = Table::new();
            table.insert("stream".to_owned(), (*stream).into());
            table.insert("mode".to_owned(), "replace".into());
            ((*stream).to_owned(), Value::from(table))
        };
        pipeline.insert("tables".to_owned(), streams.iter().map(whole).collect::<Table>().into());
    }
    Ok(pipeline)
}

/// A table inside the pipeline.
fn table<'a>(pipeline: &'a mut Table, path: &[&str]) -> &'a mut Table {
    path.iter().fold(pipeline, |table, key| table[*key].as_table_mut().expect("the example has this table"))
}
