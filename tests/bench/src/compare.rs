//! Both ways in turns, and what the difference is made of.

use std::ffi::OsString;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use tidegate::{engine::OperatorMetrics, flow};

use crate::{
    child::{self, Usage},
    job::{Job, Place, Steps},
    native,
    table::{median, print, row},
};

/// What is asked for.
pub struct Wanted {
    pub orders: u64,
    pub rounds: usize,
    pub items: bool,
}

/// What one round measured.
#[derive(Debug, Serialize)]
struct Round {
    sandbox: Usage,
    native: Usage,
    sandbox_steps: Spent,
    native_steps: Spent,
    operators: Vec<Operator>,
}

/// Where a way's time went, in seconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Spent {
    /// Start, plugins, archive, schemas.
    before: f64,
    /// The plans of the streams, and the sum of their measures.
    extract: f64,
    /// The lake.
    load: f64,
    /// What is left: the gate, the history, the end of the process.
    after: f64,
}

/// An operator in both ways, in seconds over all its partitions.
#[derive(Debug, Serialize)]
struct Operator {
    name: String,
    native: f64,
    guest: f64,
    ipc: f64,
}

/// What all rounds measured.
#[derive(Serialize)]
struct Measured {
    orders: u64,
    rows: u64,
    rounds: Vec<Round>,
    /// Sandboxed through native, the median of the rounds' ratios.
    wall_ratio: f64,
    cpu_ratio: f64,
    rows_per_second: f64,
    native_rows_per_second: f64,
}

/// Measures and reports.
pub fn measure(place: &Place, wanted: &Wanted, json: bool) -> Result<()> {
    ensure!(wanted.rounds > 0, "ask for one round at least");
    let data = place.sample(wanted.orders)?;
    let streams: &[&str] = if wanted.items { &["orders", "order_items"] } else { &["orders"] };
    let sandboxed = place.job("compare-sandbox", &data, streams, Steps::Example, true)?;
    let native = place.job("compare-native", &data, streams, Steps::Example, true)?;
    let mut rounds = Vec::with_capacity(wanted.rounds);
    let mut rows = 0;
    for round in 0..=wanted.rounds {
        let (found, read) = one_round(place, &sandboxed, &native)?;
        let (a, b) = (found.sandbox, found.native);
        let name = if round == 0 { "warm-up".to_owned() } else { format!("round {round}") };
        eprintln!(
            "{name}: sandbox {:.2} s, {:.2} s CPU · native {:.2} s, {:.2} s CPU",
            a.wall_seconds, a.cpu_seconds, b.wall_seconds, b.cpu_seconds
        );
        if round > 0 {
            rounds.push(found);
        }
        rows = read;
    }
    sandboxed.clear()?;
    native.clear()?;
    let over = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick));
    let measured = Measured {
        orders: wanted.orders,
        rows,
        wall_ratio: over(|round| round.sandbox.wall_seconds / round.native.wall_seconds),
        cpu_ratio: over(|round| round.sandbox.cpu_seconds / round.native.cpu_seconds),
        rows_per_second: rows as f64 / over(|round| round.sandbox.wall_seconds),
        native_rows_per_second: rows as f64 / over(|round| round.native.wall_seconds),
        rounds,
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else {
        report(&measured);
    }
    Ok(())
}

fn one_round(place: &Place, sandboxed: &Job, native: &Job) -> Result<(Round, u64)> {
    let (report, sandbox) = run_sandboxed(place, sandboxed)?;
    native.clear()?;
    let this = std::env::current_exe()?;
    let (printed, native_usage) = child::run(&this, &[OsString::from("--native"), native.folder.clone().into()])?;
    let plain: native::Report = serde_json::from_slice(&printed).context("read the native way's report")?;
    agree(&report, &plain)?;
    let operators = operators(&report, &plain);
    let round = Round {
        sandbox_steps: sandbox_steps(&report, &sandbox),
        native_steps: native_steps(&plain, &native_usage),
        sandbox,
        native: native_usage,
        operators,
    };
    Ok((round, report.rows().0))
}

/// Runs the sandboxed way from nothing.
pub fn run_sandboxed(place: &Place, job: &Job) -> Result<(flow::Report, Usage)> {
    job.clear()?;
    let arguments = [OsString::from("run"), job.folder.clone().into(), "--json".into()];
    let (printed, usage) = child::run(&place.tidegate, &arguments)?;
    Ok((serde_json::from_slice(&printed).context("read the report of `tidegate run --json`")?, usage))
}

/// Fails where the two ways did not find the same: then they did not do the same job.
fn agree(sandboxed: &flow::Report, native: &native::Report) -> Result<()> {
    for (a, b) in sandboxed.streams.iter().zip(&native.streams) {
        let counts = (&b.stream, b.read, b.accepted);
        ensure!(
            (&a.stream, a.read, a.accepted) == counts,
            "the sandboxed way counted {}, {}, {}; the native one {counts:?}",
            a.stream,
            a.read,
            a.accepted
        );
        let rules = sandboxed.measures.iter().filter(|found| found.stream == a.stream && found.plugin.starts_with("quality-dimensions@"));
        let rules: Vec<_> = rules.map(|found| (found.rule.clone(), found.columns.clone(), found.passed, found.total)).collect();
        ensure!(rules == b.measures, "measures of {} differ: sandboxed {rules:?}, native {:?}", a.stream, b.measures);
    }
    Ok(())
}

fn sandbox_steps(report: &flow::Report, usage: &Usage) -> Spent {
    let sum =
        |step: &str| report.timings.iter().filter(|(name, _)| name.starts_with(step)).map(|(_, micros)| seconds(*micros)).sum::<f64>();
    let (extract, load, run) = (sum("extract"), sum("load"), report.millis as f64 / 1000.0);
    // The report's clock starts when the pipeline is ready, and ready it is when its files are archived.
    Spent { before: usage.wall_seconds - run, extract, load, after: run - extract - load }
}

fn native_steps(report: &native::Report, usage: &Usage) -> Spent {
    let sum = |step: &str| report.timings.iter().filter(|(name, _)| name == step).map(|(_, micros)| seconds(*micros)).sum::<f64>();
    let (archive, extract, load) = (sum("archive"), sum("extract"), sum("load"));
    Spent { before: archive, extract, load, after: usage.wall_seconds - archive - extract - load }
}

/// The operators around plugins, each beside its native counterpart.
fn operators(sandboxed: &flow::Report, native: &native::Report) -> Vec<Operator> {
    let mut found = Vec::new();
    for (sandboxed, native) in sandboxed.streams.iter().zip(&native.streams) {
        let of = |operators: &[OperatorMetrics], kind: &str| -> Vec<OperatorMetrics> {
            operators.iter().rev().filter(|operator| operator.operator.starts_with(kind)).cloned().collect()
        };
        for (kind, plain) in [("SourceExec", "NativeSource"), ("TransformExec", "NativeTransform"), ("AssessExec", "NativeAssess")] {
            for (a, b) in of(&sandboxed.operators, kind).iter().zip(of(&native.operators, plain)) {
                found.push(Operator {
                    name: format!("{} {kind}", sandboxed.stream),
                    native: seconds(b.guest_micros),
                    guest: seconds(a.guest_micros),
                    ipc: seconds(a.ipc_micros),
                });
            }
        }
    }
    found
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

fn report(measured: &Measured) {
    let rounds = &measured.rounds;
    let over = |pick: &dyn Fn(&Round) -> f64| median(rounds.iter().map(pick));
    let mut rows = vec![row(["round", "sandbox s", "CPU s", "peak MiB", "native s", "CPU s", "peak MiB", "wall ratio", "CPU ratio"])];
    let line = |name: String, a: Usage, b: Usage, wall: f64, cpu: f64| {
        let numbers = [a.wall_seconds, a.cpu_seconds, a.peak_mib, b.wall_seconds, b.cpu_seconds, b.peak_mib, wall, cpu];
        let digits = [2, 2, 0, 2, 2, 0, 2, 2];
        std::iter::once(name).chain(numbers.iter().zip(digits).map(|(number, digits)| format!("{number:.digits$}"))).collect::<Vec<_>>()
    };
    for (number, round) in rounds.iter().enumerate() {
        let (a, b) = (round.sandbox, round.native);
        rows.push(line((number + 1).to_string(), a, b, a.wall_seconds / b.wall_seconds, a.cpu_seconds / b.cpu_seconds));
    }
    let middle = |of: fn(&Round) -> Usage| Usage {
        wall_seconds: over(&|round| of(round).wall_seconds),
        cpu_seconds: over(&|round| of(round).cpu_seconds),
        peak_mib: over(&|round| of(round).peak_mib),
    };
    rows.push(line("median".to_owned(), middle(|r| r.sandbox), middle(|r| r.native), measured.wall_ratio, measured.cpu_ratio));
    print(&format!("{} rows, {} orders, in turns", measured.rows, measured.orders), &rows);
    println!(
        "\n  {:.0} rows/s sandboxed, {:.0} rows/s natively: the sandboxed way takes {:.2} times the time and {:.2} times the CPU",
        measured.rows_per_second, measured.native_rows_per_second, measured.wall_ratio, measured.cpu_ratio
    );

    let mut rows = vec![row(["step", "sandbox s", "native s", "ratio"])];
    type Step = (&'static str, fn(&Spent) -> f64);
    let steps: [Step; 4] = [
        ("start, plugins, archive", |steps| steps.before),
        ("read, transform, assess, land", |steps| steps.extract),
        ("load into the lake", |steps| steps.load),
        ("the rest", |steps| steps.after),
    ];
    for (name, of) in steps {
        let (a, b) = (over(&|round| of(&round.sandbox_steps)), over(&|round| of(&round.native_steps)));
        rows.push(row([name, &format!("{a:.2}"), &format!("{b:.2}"), &format!("{:.2}", a / b)]));
    }
    print("Where the time goes (medians)", &rows);

    let mut rows = vec![row(["operator", "native s", "guest s", "IPC s", "ratio"])];
    for (place, operator) in rounds.first().map(|round| &round.operators).into_iter().flatten().enumerate() {
        let of = |pick: fn(&Operator) -> f64| over(&|round| pick(&round.operators[place]));
        let (native, guest, ipc) = (of(|o| o.native), of(|o| o.guest), of(|o| o.ipc));
        let cells = [native, guest, ipc, (guest + ipc) / native].map(|number| format!("{number:.2}"));
        rows.push(std::iter::once(operator.name.clone()).chain(cells).collect());
    }
    print("Inside plugins, summed over partitions (medians); the guest's time includes the copies across the boundary", &rows);
}
