//! Marts: tables that are made from the lake's own tables.

use std::time::SystemTime;

use deltalake_core::kernel::transaction::CommitProperties;
use serde_json::json;

use super::{CLOCK_SLACK, Head, Lake, LakeError, atomic, commit, delta_schema, types::conform};
use crate::{
    config::Mode,
    warehouse::{
        TableResult,
        session::{Join, select},
    },
};

impl Lake {
    /// Makes marts again: SELECTs over the lake's tables, in order, each seeing those before it. They become visible together.
    pub async fn refresh(&mut self, pipeline: &str, run: &str, marts: &[(String, String)]) -> Result<Vec<TableResult>, LakeError> {
        let _lock = self.lock().await?;
        self.reload()?;
        let since = SystemTime::now() - CLOCK_SLACK;
        let mut head = self.head.clone();
        let mut results = Vec::with_capacity(marts.len());
        for (name, sql) in marts {
            let made = match self.refresh_mart(pipeline, run, &head, name, sql, Join::Hash).await {
                Err(error) if error.is_out_of_memory() => self.refresh_mart(pipeline, run, &head, name, sql, Join::SortMerge).await?,
                made => made?,
            };
            head.tables.extend(made.version.map(|version| (name.clone(), version)));
            let folder = self.folder(name)?;
            atomic::sync_below(&folder, since).map_err(LakeError::file("write", &folder))?;
            results.push(made);
        }
        head.write(&self.own("head.json"))?;
        self.head = head;
        Ok(results)
    }

    async fn refresh_mart(
        &self,
        pipeline: &str,
        run: &str,
        head: &Head,
        name: &str,
        sql: &str,
        join: Join,
    ) -> Result<TableResult, LakeError> {
        let what = format!("the mart `{name}`");
        let ctx = self.session_at(head, join).await?;
        let rows = select(&ctx, sql, &what).await?;
        let schema = delta_schema(name, rows.schema().as_arrow())?;
        let plan = conform(rows, &schema).map_err(LakeError::sql(&what))?.into_unoptimized_plan();
        let mark = json!({ "pipeline": pipeline, "run": run });
        let properties = CommitProperties::default().with_metadata([(commit::MARK.to_owned(), mark)]);
        let table = self.table(name, None).await?;
        let table = commit::write_plan(&ctx, table, name, plan, true, properties).await?;
        let rows = self.count(name, &table).await?;
        Ok(TableResult {
            table: name.to_owned(),
            mode: Mode::Replace,
            rows_in: rows,
            inserted: rows,
            rows_after: Some(rows),
            version: Some(commit::version(&table)),
            ..TableResult::default()
        })
    }
}
