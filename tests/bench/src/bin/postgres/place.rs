//! The server, the sample, and a pipeline over it whose warehouse is a database.

use std::{fs, path::Path, process::Stdio, time::Instant};

use anyhow::{Context, Result, ensure};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use parquet::arrow::ArrowWriter;
use tidegate::{
    config,
    warehouse::{AuditRow, CleanStream, Load, TableLoad, TableResult, Warehouse},
};
use tidegate_tests::postgres::{Database, Server};

use crate::{
    child::{self, Usage},
    job::{self, Steps},
};

/// The variable that holds the database's URL for the pipeline.
const URL: &str = "TIDEGATE_BENCH_URL";

/// Where things are.
pub struct Place {
    server: Server,
    files: job::Place,
}

impl Place {
    /// Starts a server, or takes the one at `url`.
    pub fn open(url: Option<&str>, files: job::Place) -> Result<Self> {
        let server = match url {
            Some(url) => Server::at(url)?,
            None => Server::start()?,
        };
        Ok(Self { server, files })
    }

    /// A database, empty or a copy.
    pub fn database(&self, template: Option<&Database>) -> Result<Database> {
        self.server.database(template)
    }

    /// The CSV of the sample's orders.
    pub fn csv(&self, orders: u64) -> Result<std::path::PathBuf> {
        Ok(self.files.sample(orders)?.join("olist_orders_dataset.csv"))
    }

    /// A pipeline that takes the sample's orders through cleaner and dimensions into the table `orders` of a database.
    pub fn pipeline(&self, orders: u64, steps: Steps, warehouse: &str) -> Result<Pipeline> {
        let data = self.files.sample(orders)?;
        let job = self.files.job(&format!("postgres-{orders}"), &data, &["orders"], steps, true)?;
        let file = job.folder.join("pipeline.toml");
        let text = fs::read_to_string(&file)?;
        fs::write(&file, format!("{text}\n[warehouse]\nkind = \"postgres\"\nurl = {{ env = \"{URL}\" }}\n{warehouse}\n"))?;
        job.clear()?;
        Ok(Pipeline { job, tidegate: self.files.tidegate.clone() })
    }
}

/// A pipeline into a database.
pub struct Pipeline {
    pub job: job::Job,
    tidegate: std::path::PathBuf,
}

impl Pipeline {
    /// Runs it as a process of its own.
    pub fn run(&self, into: &Database) -> Result<Usage> {
        self.job.clear()?;
        point_at(into);
        let arguments = ["run".as_ref(), self.job.folder.as_os_str(), "--quiet".as_ref()];
        Ok(child::run(&self.tidegate, &arguments)?.1)
    }

    /// The clean files that its last run left.
    pub fn clean(&self) -> Result<CleanStream> {
        let storage = self.job.folder.join("store");
        let runs = fs::read_dir(storage.join("clean/orders"))?.flatten().map(|entry| entry.path());
        let run = runs.max().context("the run left clean files")?;
        let mut files: Vec<_> =
            fs::read_dir(&run)?.flatten().map(|entry| entry.path()).filter(|path| path.extension() == Some("parquet".as_ref())).collect();
        files.sort();
        let files = files.iter().map(|file| file.strip_prefix(&storage).map(Path::to_owned)).collect::<Result<_, _>>()?;
        Ok(CleanStream { name: "orders".into(), files })
    }

    /// Clean files with the rows of a SELECT over `orders`, as a run would leave them.
    pub async fn narrow(&self, clean: &CleanStream, select: &str) -> Result<CleanStream> {
        let storage = self.job.folder.join("store");
        let ctx = SessionContext::new();
        let files: Vec<_> = clean.files.iter().map(|file| storage.join(file).to_string_lossy().into_owned()).collect();
        let rows = ctx.read_parquet(files, ParquetReadOptions::default()).await?;
        ctx.register_table("orders", rows.into_view())?;
        let file = Path::new("clean/orders/narrow.parquet");
        let batches = ctx.sql(select).await?.collect().await?;
        let schema = batches.first().context("the SELECT has rows")?.schema();
        let mut writer = ArrowWriter::try_new(fs::File::create(storage.join(file))?, schema, None)?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.close()?;
        Ok(CleanStream { name: clean.name.clone(), files: vec![file.to_owned()] })
    }

    /// Loads clean files into a table, in this process: the load stage alone. Gives its wall seconds.
    pub async fn load(&self, into: &Database, clean: &CleanStream, table: TableLoad) -> Result<(f64, TableResult)> {
        point_at(into);
        let loaded = config::load(&self.job.folder)?;
        let mut warehouse = Warehouse::open(&loaded).await?;
        warehouse.claim().await?;
        let load = Load {
            pipeline: loaded.pipeline.name.clone(),
            run: format!("bench-{}", warehouse.sequence("bench") + 1),
            sequence: warehouse.sequence("bench") + 1,
            as_of: chrono::Utc::now(),
            quarantine: "quarantine/bench".into(),
            streams: vec![clean.clone()],
            tables: vec![table],
            marts: Vec::new(),
            cursors: [("bench/orders".to_owned(), "1".to_owned())].into(),
            audit: vec![AuditRow { stream: Some("orders".into()), verdict: "pass".into(), ..AuditRow::default() }],
        };
        let started = Instant::now();
        let mut results = warehouse.load(&load, &mut |_| ()).await?;
        Ok((started.elapsed().as_secs_f64(), results.pop().context("a load has a result")?))
    }
}

/// tidegate reads the URL from its environment.
fn point_at(database: &Database) {
    // SAFETY: nothing else in this program reads or writes the environment at the same time: cases run one after another.
    unsafe { std::env::set_var(URL, &database.url) };
}

/// Runs a script in psql and gives its wall seconds.
pub fn psql(database: &Database, script: &str) -> Result<f64> {
    let started = Instant::now();
    let status = database.psql(&[]).args(script.lines().flat_map(|line| ["-c", line])).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "psql failed");
    Ok(started.elapsed().as_secs_f64())
}

/// Lets the server write what it owes, so that the next way does not pay for it.
pub fn settle(database: &Database) -> Result<()> {
    database.execute("checkpoint")
}
