//! Peak memory against the length of the input.

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::{
    compare::run_sandboxed,
    job::{Place, Steps},
    table::{print, row},
};

/// What is measured: words for a person, what happens to the stream, whether it is loaded.
const CASES: [(&str, Steps, bool); 4] = [
    ("read, one range rule, land", Steps::Range, false),
    ("the same, and load", Steps::Range, true),
    ("with the deduplicating transform", Steps::Transformed, true),
    ("with it and all rules, two of them for keys", Steps::Example, true),
];

/// One case at one length.
#[derive(Serialize)]
struct Measured {
    case: &'static str,
    rows: u64,
    /// None where the run failed.
    peak_mib: Option<f64>,
    wall_seconds: Option<f64>,
    error: Option<String>,
}

/// Measures each case with a tenth of `rows` and with `rows`.
pub fn measure(place: &Place, rows: u64, json: bool) -> Result<()> {
    ensure!(rows >= 10, "ask for ten rows at least");
    let mut found = Vec::new();
    for length in [rows / 10, rows] {
        let data = place.sample(length)?;
        for (case, steps, load) in CASES {
            let job = place.job("memory", &data, &["orders"], steps, load)?;
            let measured = match run_sandboxed(place, &job) {
                Ok((report, usage)) => Measured {
                    case,
                    rows: report.rows().0,
                    peak_mib: Some(usage.peak_mib),
                    wall_seconds: Some(usage.wall_seconds),
                    error: None,
                },
                Err(error) => Measured { case, rows: length, peak_mib: None, wall_seconds: None, error: Some(format!("{error:#}")) },
            };
            eprintln!("{length} rows, {case}: {}", measured.peak());
            job.clear()?;
            found.push(measured);
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&found)?);
        return Ok(());
    }
    let (short, long) = found.split_at(CASES.len());
    let mut table = vec![row(["peak resident MiB", &format!("{} rows", short[0].rows), &format!("{} rows", long[0].rows), "ratio", "s"])];
    for (short, long) in short.iter().zip(long) {
        let ratio = long.peak_mib.zip(short.peak_mib).map_or_else(String::new, |(long, short)| format!("{:.2}", long / short));
        let seconds = long.wall_seconds.map_or_else(String::new, |seconds| format!("{seconds:.1}"));
        table.push(vec![short.case.to_owned(), short.peak(), long.peak(), ratio, seconds]);
    }
    print("Memory of the sandboxed way against its input's length", &table);
    for failed in found.iter().filter_map(|measured| measured.error.as_ref()) {
        println!("  failed: {failed}");
    }
    Ok(())
}

impl Measured {
    fn peak(&self) -> String {
        self.peak_mib.map_or_else(|| "failed".to_owned(), |peak| format!("{peak:.0}"))
    }
}
