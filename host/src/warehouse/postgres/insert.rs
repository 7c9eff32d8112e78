//! The way in where COPY is refused: many rows per INSERT. The cells of rows that were encoded for COPY are bound as they are, since binary
//! parameters have the same form.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::{
    Statement,
    types::{Format, IsNull, ToSql, Type},
};

use super::{
    PostgresError,
    ddl::Fit,
    encode::{cells, rows},
    ident::{TableName, list},
    load::Job,
    types::PgType,
};

/// What one statement can bind.
const MOST_PARAMETERS: usize = 65_535;
/// More rows per statement are not faster (161,000 rows/s).
const MOST_ROWS: usize = 1000;

/// Sends encoded rows by INSERT.
pub(super) struct Insert {
    into: String,
    kinds: Vec<PgType>,
    doing: String,
    /// The statement for as many rows as one takes.
    full: Option<Statement>,
    inserted: u64,
}

impl Insert {
    /// Into the columns of `fit` of a table; `doing` says it in an error.
    pub fn new(name: &TableName, fit: &Fit, doing: String) -> Self {
        let into = format!("insert into {name} ({})", list(&fit.columns(), ""));
        Self { into, kinds: fit.written().map(|(_, kind)| kind.clone()).collect(), doing, full: None, inserted: 0 }
    }

    /// Sends encoded rows.
    pub async fn send(&mut self, job: &Job<'_>, encoded: &[u8]) -> Result<(), PostgresError> {
        let all: Vec<&[u8]> = rows(encoded).collect();
        for rows in all.chunks(self.rows_at_once()) {
            let statement = self.statement(job, rows.len()).await?;
            let values: Vec<Cell<'_>> = rows.iter().flat_map(|row| cells(row)).map(Cell).collect();
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|cell| cell as _).collect();
            self.inserted += job.client.execute(&statement, &values).await.map_err(PostgresError::server(&self.doing))?;
        }
        Ok(())
    }

    /// The rows that the server counts.
    pub fn inserted(&self) -> u64 {
        self.inserted
    }

    fn rows_at_once(&self) -> usize {
        (MOST_PARAMETERS / self.kinds.len().max(1)).clamp(1, MOST_ROWS)
    }

    async fn statement(&mut self, job: &Job<'_>, rows: usize) -> Result<Statement, PostgresError> {
        let full = rows == self.rows_at_once();
        if let Some(statement) = self.full.as_ref().filter(|_| full) {
            return Ok(statement.clone());
        }
        let sql = values(&self.into, &self.kinds, rows);
        let statement = job.client.prepare(&sql).await.map_err(PostgresError::server(&self.doing))?;
        if full {
            self.full = Some(statement.clone());
        }
        Ok(statement)
    }
}

/// In more than one row of VALUES, PostgreSQL takes a bare parameter for text, so each has its type.
fn values(into: &str, kinds: &[PgType], rows: usize) -> String {
    let kinds: Vec<String> = kinds.iter().map(PgType::sql).collect();
    let row = |row: usize| {
        let cells = kinds.iter().enumerate().map(|(column, kind)| format!("${}::{kind}", row * kinds.len() + column + 1));
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    };
    format!("{into} values {}", (0..rows).map(row).collect::<Vec<_>>().join(", "))
}

/// A cell that is encoded already.
#[derive(Debug)]
struct Cell<'c>(Option<&'c [u8]>);

impl ToSql for Cell<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Some(cell) => {
                out.put_slice(cell);
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Binary
    }

    tokio_postgres::types::to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_has_its_type() {
        let sql = values("insert into t (a, b)", &[PgType::BigInt, PgType::Text], 2);
        assert_eq!(sql, "insert into t (a, b) values ($1::bigint, $2::text), ($3::bigint, $4::text)");
    }
}
