//! The lake through another Delta reader: Python's `deltalake` sees the same tables, counts and sums.

use std::{env, process::Command};

use tidegate_tests::olist::{self, TABLES};

/// Prints for each table its rows and the sum of its cents. It leaves without the interpreter's farewell: a reading thread of Arrow's that still
/// winds down then would end the process by `terminate called without an active exception`, after everything was read.
const SCRIPT: &str = r"
import os, sys
from deltalake import DeltaTable
import pyarrow.compute as pc
for name in sys.argv[2:]:
    table = DeltaTable(f'{sys.argv[1]}/{name}').to_pyarrow_table()
    cents = sum(pc.sum(table[c]).as_py() or 0 for c in table.column_names if c.endswith('_cents'))
    print(f'{name},{table.num_rows},{cents}', flush=True)
os._exit(0)
";

#[test]
fn python_reads_what_tidegate_wrote() {
    let python =
        env::var("TIDEGATE_TEST_PYTHON").expect("TIDEGATE_TEST_PYTHON names a Python with `deltalake`: run tests/run, which makes one");
    let workplace = olist::workplace().unwrap();
    assert_eq!(olist::run(&workplace, olist::sample().unwrap()).unwrap().code, 0);
    // Merged once more, so that the reader meets a table with a history.
    assert_eq!(olist::run(&workplace, olist::sample().unwrap()).unwrap().code, 0);
    let lake = workplace.path().join("examples/olist/store/lake");
    let names = TABLES.map(|(table, _)| table);
    let output = Command::new(python).arg("-c").arg(SCRIPT).arg(&lake).args(names).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let mut ours = String::new();
    for table in names {
        let columns = olist::query(&workplace, &format!("select * from {table} limit 0")).unwrap();
        let cents: Vec<_> = columns.trim_end().split(',').filter(|column| column.ends_with("_cents")).collect();
        let sum = cents.iter().map(|column| format!("coalesce(sum({column}), 0)")).chain(["0".to_owned()]).collect::<Vec<_>>().join(" + ");
        let found = olist::query(&workplace, &format!("select count(*), {sum} from {table}")).unwrap();
        ours.push_str(&format!("{table},{}\n", found.lines().nth(1).unwrap_or_default()));
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), ours);
}
