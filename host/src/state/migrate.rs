//! Brings the state file to the newest layout, step by step. `PRAGMA user_version` counts the steps taken.

use rusqlite::{Connection, TransactionBehavior};

use super::store::StateError;

/// Steps are only ever added. Their texts do not change once released.
const STEPS: &[&str] = &[include_str!("migrations/0001_runs.sql"), include_str!("migrations/0002_failure.sql")];

/// Takes the steps that `connection` has not seen.
pub(super) fn to_newest(connection: &mut Connection) -> Result<(), StateError> {
    // Before the lock, so that readers of an up-to-date file wait for nobody.
    if version(connection)? == STEPS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = version(&transaction)?;
    if taken > STEPS.len() {
        return Err(StateError::Newer { found: taken, known: STEPS.len() });
    }
    for (index, step) in STEPS.iter().enumerate().skip(taken) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i64::try_from(index + 1).unwrap_or(i64::MAX))?;
    }
    transaction.commit()?;
    Ok(())
}

fn version(connection: &Connection) -> Result<usize, StateError> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_taken_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        to_newest(&mut connection).unwrap();
        to_newest(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), STEPS.len());
    }

    #[test]
    fn a_file_from_a_newer_tidegate_is_left_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let error = to_newest(&mut connection).unwrap_err();
        assert_eq!(error.to_string(), format!("open a state file of version 99: this tidegate knows versions up to {}", STEPS.len()));
    }

    #[test]
    fn every_table_is_strict() {
        let mut connection = Connection::open_in_memory().unwrap();
        to_newest(&mut connection).unwrap();
        let sql =
            "select count(*) from pragma_table_list where schema = 'main' and type = 'table' and name not like 'sqlite_%' and not strict";
        assert_eq!(connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
    }
}
