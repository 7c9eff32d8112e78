//! The lake for those who only look: sessions and queries.

use datafusion::{execution::SendableRecordBatchStream, prelude::SessionContext};

use super::{Head, Lake, LakeError};
use crate::warehouse::{
    kept::Kept,
    session::{Join, select},
};

impl Lake {
    /// The same lake as it is now, with the same budget of memory.
    pub fn again(&self) -> Result<Self, LakeError> {
        Ok(Self { root: self.root.clone(), folder: self.folder.clone(), sessions: self.sessions.clone(), head: self.visible()? })
    }

    /// What is visible now.
    pub fn visible(&self) -> Result<Head, LakeError> {
        Head::read(&self.own("head.json"))
    }

    /// A session in which every visible table has its name. Tables that are the same in `known` are taken from its session.
    pub async fn session(&self, known: Option<(&Head, &SessionContext)>) -> Result<SessionContext, LakeError> {
        let ctx = self.sessions.context(Join::Hash);
        self.register(&ctx, &self.head, known).await?;
        Ok(ctx)
    }

    pub(super) async fn session_at(&self, head: &Head, join: Join) -> Result<SessionContext, LakeError> {
        let ctx = self.sessions.context(join);
        self.register(&ctx, head, None).await?;
        Ok(ctx)
    }

    async fn register(&self, ctx: &SessionContext, head: &Head, known: Option<(&Head, &SessionContext)>) -> Result<(), LakeError> {
        for (name, version) in &head.tables {
            if let Some((before, session)) = known
                && before.tables.get(name) == Some(version)
            {
                let provider = session.table_provider(name.as_str()).await.map_err(LakeError::sql(name))?;
                ctx.register_table(name.as_str(), provider).map_err(LakeError::sql(name))?;
                continue;
            }
            let table = self.table(name, Some(*version)).await?;
            let failed = LakeError::delta("read", name);
            table.update_datafusion_session(&ctx.state()).map_err(&failed)?;
            let provider = table.table_provider().await.map_err(LakeError::sql(name))?;
            ctx.register_table(name.as_str(), provider).map_err(LakeError::sql(name))?;
        }
        Ok(())
    }

    /// The session of relations over the tables of `session`.
    pub(in crate::warehouse) async fn relations<'a>(
        &self,
        kept: &'a Kept,
        session: &SessionContext,
    ) -> Result<&'a SessionContext, LakeError> {
        Ok(kept.session(&self.sessions, session).await?)
    }

    /// Runs a SELECT over the visible tables. Whatever would change something is refused.
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream, LakeError> {
        let what = "the query";
        let rows = select(&self.session_at(&self.head, Join::Hash).await?, sql, what).await?;
        rows.execute_stream().await.map_err(LakeError::sql(what))
    }
}
