//! The lake for those who only look: sessions and queries.

use datafusion::{execution::SendableRecordBatchStream, prelude::SessionContext};

use super::{Head, Lake, LakeError};
use crate::warehouse::session::{Join, select};

impl Lake {
    /// The same lake as it is now, with the same budget of memory.
    pub fn again(&self) -> Result<Self, LakeError> {
        Ok(Self { root: self.root.clone(), folder: self.folder.clone(), sessions: self.sessions.clone(), head: self.visible()? })
    }

    /// What is visible now.
    pub fn visible(&self) -> Result<Head, LakeError> {
        Head::read(&self.own("head.json"))
    }

    /// A session in which every visible table has its name.
    pub async fn session(&self) -> Result<SessionContext, LakeError> {
        self.session_at(&self.head, Join::Hash).await
    }

    pub(super) async fn session_at(&self, head: &Head, join: Join) -> Result<SessionContext, LakeError> {
        let ctx = self.sessions.context(join);
        for (name, version) in &head.tables {
            let table = self.table(name, Some(*version)).await?;
            let failed = LakeError::delta("read", name);
            table.update_datafusion_session(&ctx.state()).map_err(&failed)?;
            let provider = table.table_provider().await.map_err(LakeError::sql(name))?;
            ctx.register_table(name.as_str(), provider).map_err(LakeError::sql(name))?;
        }
        Ok(ctx)
    }

    /// Runs a SELECT over the visible tables. Whatever would change something is refused.
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream, LakeError> {
        let what = "the query";
        let rows = select(&self.session().await?, sql, what).await?;
        rows.execute_stream().await.map_err(LakeError::sql(what))
    }
}
