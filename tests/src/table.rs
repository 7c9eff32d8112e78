//! Tables against what is expected of them: a CSV file whose header says which columns count, and whose rows are sorted by them.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};

use crate::{program::Workplace, update_expect};

/// How many differing rows are shown.
const SHOWN: usize = 20;

/// Compares a table of a workplace's lake with a CSV file of the same name. Gives what differs; rewrites the file where that is wanted.
/// An empty file means all columns, one that ends in `.absent` no table.
pub fn compare(workplace: &Workplace, expected: &Path) -> Result<Option<String>> {
    let table = expected.file_stem().context("a table has a name")?.to_string_lossy().into_owned();
    if expected.extension().is_some_and(|extension| extension == "absent") {
        let found = query(workplace, &format!("select count(*) from \"{table}\""));
        return Ok(found.is_ok().then(|| format!("there is a table `{table}`, and there must be none")));
    }
    let wanted = fs::read_to_string(expected)?;
    let header = match wanted.lines().next() {
        Some(header) if !header.is_empty() => header.to_owned(),
        _ => query(workplace, &format!("select * from \"{table}\" limit 0"))?.trim_end().to_owned(),
    };
    let columns: Vec<_> = header.split(',').collect();
    let select = columns.iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    let order = (1..=columns.len()).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
    let found = query(workplace, &format!("select {select} from \"{table}\" order by {order}"))?;
    if found == wanted {
        return Ok(None);
    }
    if update_expect() {
        fs::write(expected, &found)?;
        return Ok(None);
    }
    Ok(Some(format!("the table `{table}` is not as expected (UPDATE_EXPECT=1 rewrites it):\n{}", difference(&wanted, &found))))
}

fn query(workplace: &Workplace, sql: &str) -> Result<String> {
    let said = workplace.tidegate(&["query", "--format", "csv", sql])?;
    ensure!(said.code == 0, "`{sql}` ended with {}:\n{}", said.code, said.stderr);
    Ok(said.stdout)
}

/// Rows that are only expected, then rows that are only found. Both sides are sorted alike, so that order says nothing.
pub fn difference(wanted: &str, found: &str) -> String {
    let mut surplus: Vec<_> = found.lines().collect();
    let mut shown = Vec::new();
    for line in wanted.lines() {
        match surplus.iter().position(|row| *row == line) {
            Some(same) => drop(surplus.remove(same)),
            None => shown.push(format!("- {line}")),
        }
    }
    shown.extend(surplus.iter().map(|row| format!("+ {row}")));
    if shown.is_empty() {
        return "the same rows in another order".to_owned();
    }
    let more = shown.len().saturating_sub(SHOWN);
    shown.truncate(SHOWN);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join("\n")
}
