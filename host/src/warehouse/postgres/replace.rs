//! Replace: the run's rows are written to a table beside the old one, which takes its place in the same transaction.
//!
//! Readers see the old rows until the commit, and the lock that keeps them out is held for the renaming only. Keys, indexes, comments and
//! privileges of the old table go over to the new one, which gets its keys and indexes when its rows are there.
//!
//! # Why
//! A table on which views or foreign keys depend, or that has triggers, policies or partitions, can't be swapped without taking all of that
//! down. Such a table is emptied and filled in its place: as safe, since a transaction does it, but readers wait for the whole load.

use super::{
    PostgresError,
    catalog::Table,
    copy::{Destination, copy},
    ddl::{Fit, OldRows, follow},
    ident::{Ident, TableName, literal},
    load::Job,
    table::{Filled, Filling, Rest, checking_keys},
    types::PgType,
};
use crate::warehouse::TableLoad;

pub(super) async fn fill(job: &Job<'_>, filling: Filling<'_>, existing: Table) -> Result<Filled, PostgresError> {
    if existing.is_replaceable(job.client).await? {
        fill_beside(job, filling, existing).await
    } else {
        refill(job, filling, &existing).await
    }
}

async fn refill(job: &Job<'_>, filling: Filling<'_>, existing: &Table) -> Result<Filled, PostgresError> {
    let fit = follow(job, &filling, existing, OldRows::Stay).await?;
    let Filling { load, name, key, rows, .. } = filling;
    // TRUNCATE takes tables that point at this one along, or refuses.
    let empty = if existing.is_referenced(job.client).await? { format!("delete from {name}") } else { format!("truncate {name}") };
    job.execute(&empty, format!("empty the table `{}`", load.name)).await?;
    let sent = copy(job, load, Destination::there(&name), rows, &fit, &key).await?;
    Ok(Filled { name, key, sent, rest: Rest::Refilled })
}

async fn fill_beside(job: &Job<'_>, filling: Filling<'_>, existing: Table) -> Result<Filled, PostgresError> {
    let fit = follow(job, &filling, &existing, OldRows::Go).await?;
    let Filling { load, name, key, rows, .. } = filling;
    let new = name.beside(name.table.prefixed("tidegate_new_"));
    let create = format!("create table {new} (like {name} including all excluding indexes){}", retype(&new, &existing, &fit));
    let sent = copy(job, load, Destination::made(&new, create), rows, &fit, &key).await?;
    Ok(Filled { name, key, sent, rest: Rest::Swap(Swap { new, existing }) })
}

/// A table that holds the new rows, and the one whose place it takes.
pub(super) struct Swap {
    new: TableName,
    existing: Table,
}

impl Swap {
    pub async fn settle(&self, job: &Job<'_>, load: &TableLoad, name: &TableName, key: &[Ident]) -> Result<(), PostgresError> {
        let doing = || format!("replace the table `{}`", load.name);
        let indexes = Indexes::of(job, &self.existing).await?;
        for statement in indexes.make(&self.new) {
            checking_keys(job, load, &self.new, key, &statement).await?;
        }
        for statement in privileges(job, &self.existing, &self.new).await? {
            job.execute(&statement, doing()).await?;
        }
        job.execute(&format!("drop table {name}"), doing()).await?;
        job.execute(&format!("alter table {} rename to {}", self.new, name.table), doing()).await?;
        for statement in indexes.rename(name) {
            job.execute(&statement, doing()).await?;
        }
        Ok(())
    }
}

/// Gives columns of the new table, which is empty, the types that their rows want.
fn retype(new: &TableName, existing: &Table, fit: &Fit) -> String {
    let other = |(name, kind): &(&Ident, &PgType)| existing.column(name.name()).is_some_and(|column| column.kind.as_ref() != Some(kind));
    let change = |(name, kind): (&Ident, &PgType)| format!("; alter table {new} drop column {name}, add column {name} {}", kind.sql());
    fit.written().filter(other).map(change).collect()
}

/// The keys, constraints and indexes of a table that a copy of it lacks.
struct Indexes(Vec<Index>);

struct Index {
    name: Ident,
    made_as: Ident,
    /// As PostgreSQL writes it: of a constraint what follows its name, of an index the whole statement.
    definition: String,
    is_constraint: bool,
}

impl Indexes {
    async fn of(job: &Job<'_>, table: &Table) -> Result<Self, PostgresError> {
        let rows = job
            .client
            .query(
                "select conname::text, pg_get_constraintdef(oid), true from pg_constraint where conrelid = $1 and contype in ('p', 'u', 'x', 'f') \
                 union all \
                 select c.relname::text, pg_get_indexdef(i.indexrelid), false from pg_index i join pg_class c on c.oid = i.indexrelid \
                 where i.indrelid = $1 and not exists (select from pg_constraint where conindid = i.indexrelid and conrelid = $1) \
                 order by 3 desc, 1",
                &[&table.oid],
            )
            .await
            .map_err(PostgresError::server("look at the table's indexes"))?;
        let index = |row: &tokio_postgres::Row| {
            let name = Ident::new(row.get(0))?;
            Ok(Index { made_as: name.prefixed("tidegate_new_"), name, definition: row.get(1), is_constraint: row.get(2) })
        };
        Ok(Self(rows.iter().map(index).collect::<Result<_, PostgresError>>()?))
    }

    /// The statements that give `table` the same.
    fn make(&self, table: &TableName) -> Vec<String> {
        let statement = |index: &Index| {
            if index.is_constraint {
                return format!("alter table {table} add constraint {} {}", index.made_as, index.definition);
            }
            // `create [unique] index <name> on [only] <table> using ...`: what names contain is quoted, so the first ` USING ` outside quotes
            // is the keyword.
            let unique = if index.definition.starts_with("CREATE UNIQUE") { "unique " } else { "" };
            let using = outside_quotes(&index.definition, " USING ").map_or("", |at| &index.definition[at..]);
            format!("create {unique}index {} on {table}{using}", index.made_as)
        };
        self.0.iter().map(statement).collect()
    }

    /// The statements that give them their old names.
    fn rename(&self, table: &TableName) -> Vec<String> {
        let statement = |index: &Index| {
            if index.is_constraint {
                format!("alter table {table} rename constraint {} to {}", index.made_as, index.name)
            } else {
                format!("alter index {} rename to {}", table.beside(index.made_as.clone()), index.name)
            }
        };
        self.0.iter().map(statement).collect()
    }
}

/// Where `word` begins in `text` outside of double quotes.
fn outside_quotes(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|at| text[..*at].matches('"').count().is_multiple_of(2))
}

/// The statements that give another table the privileges of this one.
async fn privileges(job: &Job<'_>, table: &Table, new: &TableName) -> Result<Vec<String>, PostgresError> {
    let statement = format!(
        "select format('grant %s on table %s to %s%s', a.privilege_type, {}, \
         case when a.grantee = 0 then 'public' else quote_ident(r.rolname) end, case when a.is_grantable then ' with grant option' else '' end) \
         from pg_class c, aclexplode(c.relacl) a left join pg_roles r on r.oid = a.grantee where c.oid = $1",
        literal(&new.to_string())
    );
    let rows = job.client.query(&statement, &[&table.oid]).await.map_err(PostgresError::server("look at the table's privileges"))?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_made_again_whatever_its_names_hold() {
        let definition = r#"CREATE UNIQUE INDEX "a USING b" ON public."t USING u" USING btree (lower(name)) WHERE (x > 0)"#;
        let index = Index {
            name: Ident::new("i").unwrap(),
            made_as: Ident::new("n").unwrap(),
            definition: definition.into(),
            is_constraint: false,
        };
        let table = TableName { schema: Some(Ident::new("public").unwrap()), table: Ident::new("t2").unwrap() };
        let made = Indexes(vec![index]).make(&table);
        assert_eq!(made, [r#"create unique index "n" on "public"."t2" USING btree (lower(name)) WHERE (x > 0)"#]);
    }
}
