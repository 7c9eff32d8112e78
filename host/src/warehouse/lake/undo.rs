//! The way out where a load can't be finished: everything is put back to what the head shows.

use std::collections::BTreeSet;

use super::{AUDIT, Lake, LakeError, atomic, commit};

impl Lake {
    /// Gives up the pending load of `pipeline`: tables that it changed get back the rows that the head shows, tables that it made go.
    /// The load's number is not used again. Tells whether there was one.
    pub async fn abandon(&mut self, pipeline: &str) -> Result<bool, LakeError> {
        let _lock = self.lock().await?;
        self.reload()?;
        let Some(intent) = self.intent(pipeline)?.filter(|intent| intent.load.sequence > self.head.sequence(pipeline)) else {
            return Ok(false);
        };
        let mut head = self.head.clone();
        let names: BTreeSet<_> = intent.tables.iter().map(|table| table.table.as_str()).chain([AUDIT]).collect();
        for name in names {
            let table = self.table(name, None).await?;
            if !commit::is_done(&table, &intent.load, name).await? {
                continue;
            }
            match self.head.tables.get(name) {
                Some(version) => {
                    let restored = table.restore().with_version_to_restore(*version).await;
                    let (table, _) = restored.map_err(LakeError::delta("restore", name))?;
                    head.tables.insert(name.to_owned(), commit::version(&table));
                }
                None => atomic::remove_folder(&self.folder(name)?)?,
            }
        }
        head.pipelines.entry(pipeline.to_owned()).or_default().sequence = intent.load.sequence;
        head.write(&self.own("head.json"))?;
        self.head = head;
        self.forget(pipeline)?;
        Ok(true)
    }
}
