//! Tables are made from the schema of their rows and follow it, as far as the pipeline's contract lets them.

use arrow::datatypes::{Field, Schema};
use tokio_postgres::Client;

use super::{
    PostgresError,
    catalog::Table,
    encode::Encoder,
    ident::{Ident, TableName, list},
    load::Job,
    table::Filling,
    types::PgType,
};
use crate::config::Contract;

/// A column of the rows, and the type that PostgreSQL has for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub name: Ident,
    pub kind: PgType,
}

/// The columns of a table whose rows have this schema.
pub(super) fn wanted(table: &str, schema: &Schema) -> Result<Vec<Wanted>, PostgresError> {
    let column = |field: &Field| {
        let kind = PgType::of(field).ok_or_else(|| PostgresError::ColumnType {
            table: table.to_owned(),
            column: field.name().clone(),
            found: field.data_type().to_string(),
        })?;
        Ok(Wanted { name: Ident::new(field.name())?, kind })
    };
    schema.fields().iter().map(|field| column(field)).collect()
}

/// How rows go into a table: for each of their columns the type to write, none where the table has no place for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fit {
    pub names: Vec<Ident>,
    pub kinds: Vec<Option<PgType>>,
}

impl Fit {
    /// Rows that go into a table made for them.
    pub fn whole(wanted: &[Wanted]) -> Self {
        Self {
            names: wanted.iter().map(|column| column.name.clone()).collect(),
            kinds: wanted.iter().map(|column| Some(column.kind.clone())).collect(),
        }
    }

    /// The columns that are written.
    pub fn written(&self) -> impl Iterator<Item = (&Ident, &PgType)> {
        self.names.iter().zip(&self.kinds).filter_map(|(name, kind)| Some((name, kind.as_ref()?)))
    }

    /// The names of the columns that are written.
    pub fn columns(&self) -> Vec<Ident> {
        self.written().map(|(name, _)| name.clone()).collect()
    }

    /// The columns with their types, for a table that holds just them.
    pub fn definitions(&self) -> String {
        self.written().map(|(name, kind)| format!("{name} {}", kind.sql())).collect::<Vec<_>>().join(", ")
    }
}

/// The statement that makes a table for rows with these columns; `more` are further column definitions.
pub(super) fn create(name: &TableName, wanted: &[Wanted], more: &[&str]) -> String {
    let column = |column: &Wanted| format!("{} {}", column.name, column.kind.sql());
    let columns: Vec<_> = wanted.iter().map(column).chain(more.iter().map(|more| (*more).to_owned())).collect();
    format!("create table {name} ({})", columns.join(", "))
}

/// Whether the rows that a table has stay in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldRows {
    Stay,
    /// A new table takes its place: any type is possible there.
    Go,
}

/// What has to be done with a table so that it takes a column of its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Nothing: values are written as this type.
    Write(PgType),
    /// Nothing: the table has no place for its values.
    Leave,
    /// The column is added.
    Add,
    /// The column gets a wider type.
    Widen,
}

/// Lets a table follow the columns of its rows, as far as the contract allows.
pub(super) async fn follow(job: &Job<'_>, filling: &Filling<'_>, table: &Table, old: OldRows) -> Result<Fit, PostgresError> {
    let name = &filling.name;
    let mut kinds = Vec::with_capacity(filling.wanted.len());
    for (column, field) in filling.wanted.iter().zip(filling.schema.fields()) {
        kinds.push(match step(job.contract, name, table, field, column, old)? {
            Step::Write(kind) => Some(kind),
            Step::Leave => None,
            Step::Add => {
                alter(job.client, name, &format!("add column {} {}", column.name, column.kind.sql())).await?;
                Some(column.kind.clone())
            }
            Step::Widen => {
                widen(job.client, name, table, column).await?;
                Some(column.kind.clone())
            }
        });
    }
    Ok(Fit { names: filling.wanted.iter().map(|column| column.name.clone()).collect(), kinds })
}

/// Whether a table takes its rows as it is.
pub(super) fn takes_as_it_is(job: &Job<'_>, filling: &Filling<'_>, table: &Table, old: OldRows) -> bool {
    let columns = filling.wanted.iter().zip(filling.schema.fields());
    let mut steps = columns.map(|(column, field)| step(job.contract, &filling.name, table, field, column, old));
    steps.all(|step| matches!(step, Ok(Step::Write(_) | Step::Leave)))
}

fn step(contract: Contract, name: &TableName, table: &Table, field: &Field, wanted: &Wanted, old: OldRows) -> Result<Step, PostgresError> {
    let (table_name, column) = (name.table.name().to_owned(), wanted.name.name().to_owned());
    let Some(found) = table.column(wanted.name.name()) else {
        return match contract {
            Contract::Evolve => Ok(Step::Add),
            Contract::Freeze => Err(PostgresError::NewColumn { table: table_name, column }),
            Contract::Quarantine => Ok(Step::Leave),
        };
    };
    match &found.kind {
        Some(kind) if !found.generated && wanted.kind.widens_to(kind) => Ok(Step::Write(kind.clone())),
        _ if !found.generated && contract == Contract::Evolve && old == OldRows::Go => Ok(Step::Write(wanted.kind.clone())),
        Some(kind) if !found.generated && contract == Contract::Evolve && kind.widens_to(&wanted.kind) => Ok(Step::Widen),
        // Single values may fit where the types don't.
        Some(kind) if !found.generated && contract == Contract::Quarantine && takes(field, kind) => Ok(Step::Write(kind.clone())),
        _ if contract == Contract::Quarantine => Ok(Step::Leave),
        _ => {
            let found = if found.generated { format!("{}, computed by the database", found.declared) } else { found.declared.clone() };
            Err(PostgresError::TypeChanged { table: table_name, column, found, wanted: wanted.kind.sql() })
        }
    }
}

/// Whether values of a field can be tried as this type, one by one.
fn takes(field: &Field, kind: &PgType) -> bool {
    Encoder::new(&Schema::new(vec![field.clone()]), std::slice::from_ref(kind)).is_ok()
}

/// Gives a column a wider type. Marts that use it go, and come back when they are refreshed; other views stand in the way.
async fn widen(client: &Client, name: &TableName, table: &Table, wanted: &Wanted) -> Result<(), PostgresError> {
    let views = table.views(client, Some(wanted.name.name())).await?;
    if let Some(view) = views.iter().find(|view| !view.is_mart) {
        return Err(PostgresError::UsedByView {
            table: name.table.name().to_owned(),
            column: wanted.name.name().to_owned(),
            view: view.name.table.name().to_owned(),
        });
    }
    for view in views {
        let statement = format!("drop materialized view if exists {}", view.name);
        client.batch_execute(&statement).await.map_err(PostgresError::server("drop a mart over the table"))?;
    }
    alter(client, name, &format!("alter column {} type {}", wanted.name, wanted.kind.sql())).await
}

async fn alter(client: &Client, name: &TableName, change: &str) -> Result<(), PostgresError> {
    let doing = format!("alter the table `{}`", name.table.name());
    client.batch_execute(&format!("alter table {name} {change}")).await.map_err(PostgresError::server(doing))
}

/// The statement that adds the key of a table once its rows are there.
pub(super) fn add_key(name: &TableName, key: &[Ident]) -> String {
    format!("alter table {name} add primary key ({})", list(key, ""))
}
