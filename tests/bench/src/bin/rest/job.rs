//! What both ways do: a pipeline that reads the server's orders and items into two tables.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use tidegate::config::Loaded;

use crate::{
    child::{self, Usage},
    server::PAGE,
};

/// A folder with the pipeline. Each way has its own.
pub struct Job {
    /// The folder.
    pub folder: PathBuf,
}

impl Job {
    /// Writes the pipeline. The rate is as high as a pipeline can ask for, which with the server's latency is no limit.
    pub fn write(root: &Path, name: &str, plugin: &Path, url: &str) -> Result<Self> {
        let folder = root.join(name);
        fs::create_dir_all(&folder)?;
        let text = format!(
            r#"version = 1
name = "bench"

[sources.shop]
plugin = "{plugin}"
config = {{ url = "{url}", limit = {PAGE} }}
grants.http.api = {{ url = "{url}/**", private = true }}
patience = {{ requests_per_minute = 1000000 }}

[streams.orders]
[streams.order_items]

[tables.orders]
stream = "orders"
mode = "append"

[tables.order_items]
stream = "order_items"
mode = "append"
"#,
            plugin = plugin.display()
        );
        fs::write(folder.join("pipeline.toml"), text)?;
        Ok(Self { folder })
    }

    /// Removes what a run left, so that the next one starts from nothing.
    pub fn clear(&self) -> Result<()> {
        match fs::remove_dir_all(self.folder.join("store")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Counts and sums over both tables: what both ways must agree on.
    pub fn contents(&self, tidegate: &Path) -> Result<String> {
        const SQL: &str = "select count(*), sum(total), sum(customer_id), min(updated_at), max(updated_at), count(note), sum(length(city)), \
                           (select count(*) || ' ' || sum(price * quantity) || ' ' || sum(order_id) || ' ' || sum(length(title)) from order_items) \
                           from orders";
        let arguments = [OsString::from("query"), "--pipeline".into(), self.folder.clone().into(), SQL.into()];
        let (printed, _) = child::run(tidegate, &arguments)?;
        let printed = String::from_utf8(printed)?;
        ensure!(printed.lines().count() > 1, "the tables are empty");
        Ok(printed)
    }

    /// Runs the program on the pipeline from nothing; gives its report.
    pub fn run(&self, tidegate: &Path) -> Result<(tidegate::flow::Report, Usage)> {
        self.clear()?;
        let (printed, usage) = child::run(tidegate, &[OsString::from("run"), self.folder.clone().into(), "--json".into()])?;
        Ok((serde_json::from_slice(&printed).context("read the report of `tidegate run --json`")?, usage))
    }
}

/// Where the pipeline's source reads.
pub fn url(loaded: &Loaded) -> Result<String> {
    let source = loaded.pipeline.sources.values().next().context("the pipeline has a source")?;
    Ok(source.config["url"].as_str().context("the source has a url")?.to_owned())
}
