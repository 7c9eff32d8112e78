//! What the database's catalog says of a table.

use tokio_postgres::GenericClient;

use super::{
    PostgresError,
    ident::{Ident, TableName, literal},
    timescale,
    types::PgType,
};

/// A table as it is.
#[derive(Debug)]
pub(super) struct Table {
    pub oid: u32,
    /// One letter of `pg_class.relkind`.
    pub kind: char,
    pub columns: Vec<Column>,
}

/// A column as it is.
#[derive(Debug)]
pub(super) struct Column {
    pub name: Ident,
    /// As PostgreSQL writes it.
    pub declared: String,
    /// None where no load writes such a type.
    pub kind: Option<PgType>,
    /// Whether the database computes it.
    pub generated: bool,
}

impl Table {
    /// The table of this name; none where there is nothing.
    ///
    /// # Errors
    /// [`PostgresError::OtherKind`] where a view or a sequence has the name.
    pub async fn find(client: &impl GenericClient, name: &TableName) -> Result<Option<Self>, PostgresError> {
        let doing = || PostgresError::server(format!("look at the table {}", name.table.name()));
        let schema = name.schema.as_ref().map_or("pg_temp", Ident::name);
        let found = client
            .query_opt(
                "select c.oid, c.relkind::text from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                 where n.nspname = $1 and c.relname = $2",
                &[&schema, &name.table.name()],
            )
            .await
            .map_err(doing())?;
        let Some(row) = found else { return Ok(None) };
        let (oid, kind) = (row.get::<_, u32>(0), row.get::<_, &str>(1).chars().next().unwrap_or(' '));
        // An ordinary, a partitioned, and a foreign table.
        if !['r', 'p', 'f'].contains(&kind) {
            return Err(PostgresError::OtherKind { name: name.table.name().to_owned(), kind: kind_name(kind).to_owned() });
        }
        let rows = client
            .query(
                "select attname::text, format_type(atttypid, atttypmod), attgenerated <> '' from pg_attribute \
                 where attrelid = $1 and attnum > 0 and not attisdropped order by attnum",
                &[&oid],
            )
            .await
            .map_err(doing())?;
        let columns = rows.iter().map(|row| {
            let declared: String = row.get(1);
            Ok(Column { name: Ident::new(row.get(0))?, kind: PgType::parse(&declared), declared, generated: row.get(2) })
        });
        Ok(Some(Self { oid, kind, columns: columns.collect::<Result<_, PostgresError>>()? }))
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.name() == name)
    }

    /// Whether a unique index without conditions covers exactly these columns.
    pub async fn has_unique(&self, client: &impl GenericClient, key: &[Ident]) -> Result<bool, PostgresError> {
        let mut wanted: Vec<&str> = key.iter().map(Ident::name).collect();
        wanted.sort_unstable();
        let row = client
            .query_one(
                "select exists (select from pg_index i where i.indrelid = $1 and i.indisunique and i.indpred is null and i.indexprs is null \
                 and i.indimmediate and (select array_agg(a.attname::text order by a.attname::text collate \"C\") from pg_attribute a \
                 where a.attrelid = i.indrelid and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])) = $2)",
                &[&self.oid, &wanted],
            )
            .await
            .map_err(PostgresError::server("look at the table's indexes"))?;
        Ok(row.get(0))
    }

    /// The views and materialised views that use a column, or any column where none is named: name, and whether it is a mart of tidegate.
    pub async fn views(&self, client: &impl GenericClient, column: Option<&str>) -> Result<Vec<View>, PostgresError> {
        let rows = client
            .query(
                "select distinct n.nspname::text, c.relname::text, c.relkind = 'm' and coalesce(obj_description(c.oid, 'pg_class') like $3, false) \
                 from pg_depend d join pg_rewrite r on r.oid = d.objid join pg_class c on c.oid = r.ev_class \
                 join pg_namespace n on n.oid = c.relnamespace \
                 left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid \
                 where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = $1 and c.oid <> $1 \
                 and ($2::text is null or a.attname = $2)",
                &[&self.oid, &column, &format!("{MART}%")],
            )
            .await
            .map_err(PostgresError::server("look at the views of the table"))?;
        let view = |row: &tokio_postgres::Row| {
            let name = TableName { schema: Some(Ident::new(row.get(0))?), table: Ident::new(row.get(1))? };
            Ok(View { name, is_mart: row.get(2) })
        };
        rows.iter().map(view).collect()
    }

    /// Whether another table could take its place without loss: an ordinary table of this role, on which nothing depends, without
    /// triggers, row security and publications.
    pub async fn is_replaceable(&self, client: &impl GenericClient) -> Result<bool, PostgresError> {
        let row = client
            .query_one(
                "select c.relkind = 'r' and not c.relispartition and not c.relrowsecurity and c.relpersistence = 'p' \
                 and c.relowner = (select oid from pg_roles where rolname = current_user) \
                 and not exists (select from pg_inherits where inhparent = c.oid or inhrelid = c.oid) \
                 and not exists (select from pg_trigger where tgrelid = c.oid and not tgisinternal) \
                 and not exists (select from pg_constraint where confrelid = c.oid) \
                 and not exists (select from pg_publication_rel where prrelid = c.oid) \
                 and not exists (select from pg_depend d where d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid \
                     and d.classid in ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_policy'::regclass)) \
                 from pg_class c where c.oid = $1",
                &[&self.oid],
            )
            .await
            .map_err(PostgresError::server("look at what depends on the table"))?;
        // A hypertable without rows yet looks like an ordinary table.
        Ok(row.get(0) && !timescale::is_hypertable(client, self.oid).await?)
    }

    /// Whether a foreign key of another table points at it.
    pub async fn is_referenced(&self, client: &impl GenericClient) -> Result<bool, PostgresError> {
        let row = client
            .query_one("select exists (select from pg_constraint where confrelid = $1 and conrelid <> $1)", &[&self.oid])
            .await
            .map_err(PostgresError::server("look at the table's foreign keys"))?;
        Ok(row.get(0))
    }
}

/// A view that depends on a table.
#[derive(Debug)]
pub(super) struct View {
    pub name: TableName,
    pub is_mart: bool,
}

/// How the comment of a mart begins; the digest of its SQL follows.
pub(super) const MART: &str = "tidegate mart ";

/// What `pg_class.relkind` means.
pub(super) fn kind_name(kind: char) -> &'static str {
    match kind {
        'v' => "view",
        'm' => "materialised view",
        'S' => "sequence",
        'i' | 'I' => "index",
        'c' => "type",
        'r' | 'p' | 'f' => "table",
        _ => "relation",
    }
}

/// A comment on a relation as a statement.
pub(super) fn comment_on(kind: &str, name: &TableName, text: &str) -> String {
    format!("comment on {kind} {name} is {}", literal(text))
}
