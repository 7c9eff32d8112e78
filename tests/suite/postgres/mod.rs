//! PostgreSQL as the warehouse, against a real server that the suite starts.

mod connect;
mod early;
mod example;
mod faults;
mod guard;
mod modes;
mod paths;
mod round_trip;
mod shapes;

use anyhow::{Result, ensure};
use tidegate_tests::{
    postgres::{Database, shared},
    program::{Said, Workplace},
};

/// A pipeline with one CSV file per stream, its tables in a database of its own.
struct Shop {
    workplace: Workplace,
    database: Database,
}

impl Shop {
    /// `tables` is what follows the streams; each of `streams` reads `<name>.csv`. `warehouse` holds further keys of the warehouse.
    fn new(streams: &[&str], tables: &str, warehouse: &str) -> Result<Self> {
        Self::on(shared()?.database(None)?, streams, tables, warehouse)
    }

    fn on(database: Database, streams: &[&str], tables: &str, warehouse: &str) -> Result<Self> {
        let mut text = format!(
            "version = 1\nname = \"shop\"\n[clock]\nnow = \"2026-01-01T00:00:00Z\"\n\
             [warehouse]\nkind = \"postgres\"\nurl = {{ env = \"SHOP_URL\" }}\n{warehouse}\n\
             [sources.files]\nplugin = \"source-files\"\ngrants = {{ files = {{ data = \"input\" }} }}\n"
        );
        for stream in streams {
            // `name+id` is a stream of which a run reads only rows with a higher id than the last one.
            let (name, cursor) = stream.split_once('+').map_or((*stream, None), |(name, field)| (name, Some(field)));
            text.push_str(&format!("[sources.files.config.streams.{name}]\nfiles = \"{name}.csv\"\n"));
            if let Some(field) = cursor {
                text.push_str(&format!("incremental = {{ field = \"{field}\" }}\n"));
            }
            text.push_str(&format!("[streams.{name}]\n"));
        }
        text.push_str(tables);
        let mut workplace = Workplace::with_pipeline(&text)?;
        workplace.set("SHOP_URL", &database.url);
        Ok(Self { workplace, database })
    }

    /// Writes the file of a stream.
    fn write(&self, stream: &str, csv: &str) -> Result<()> {
        self.workplace.write(&format!("input/{stream}.csv"), csv)
    }

    fn run(&self) -> Result<Said> {
        self.workplace.tidegate(&["run"])
    }

    /// Runs, and expects that it loads.
    fn load(&self) -> Result<Said> {
        let said = self.run()?;
        ensure!(said.code == 0, "the run ended with {}:\n{}", said.code, said.stderr);
        Ok(said)
    }

    /// Runs with this file, and expects that it loads.
    fn load_with(&self, stream: &str, csv: &str) -> Result<Said> {
        self.write(stream, csv)?;
        self.load()
    }

    /// Rows of the database as CSV without a header.
    fn rows(&self, sql: &str) -> Result<String> {
        Ok(self.database.query(sql)?.lines().skip(1).collect::<Vec<_>>().join("\n"))
    }
}

const ROWS: &str = "[tables.rows]\nstream = \"rows\"\n";
