//! What a person reads of a difference between two replays.

use super::output::{columns, count, say, talk};
use crate::{
    flow::replay::diff::{DiffReport, MeasureDiff, Side, StreamDiff},
    warehouse::Difference,
};

/// Columns that are named of a difference; the rest is counted.
const COLUMNS: usize = 6;
/// Measures that are shown; the rest is counted.
const MEASURES: usize = 20;

/// Prints it.
pub fn tell(report: &DiffReport) {
    if report.changed.is_empty() {
        talk("nothing is other than in the run: the plugins are the same components");
    }
    report.changed.iter().for_each(|changed| talk(&format!("changed: {changed}")));
    report.after.missed.iter().for_each(|missed| talk(&format!("not recorded: it asks {missed}")));
    say("Streams");
    streams(&report.streams);
    if !report.tables.is_empty() {
        say("\nTables");
        differences(&report.tables);
    }
    for (tables, when) in [(&report.tables_before_only, "only before"), (&report.tables_after_only, "only after")] {
        tables.iter().for_each(|table| say(&format!("  {table}: {when}")));
    }
    details(report);
    measures(&report.measures);
    say("\nVerdict");
    say(&format!("  before  {}", ended(&report.before)));
    say(&format!("  after   {}", ended(&report.after)));
    talk("\nnothing was loaded");
}

fn ended(side: &Side) -> String {
    match (&side.verdict, &side.error) {
        (Some(verdict), _) => {
            let score = verdict.overall().map(|score| format!(", overall {score:.2} %")).unwrap_or_default();
            let reasons = verdict.sentences();
            let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) };
            format!("{}{score}{why}", verdict.name())
        }
        (None, Some(error)) => format!("failed: {error}"),
        (None, None) => "none".to_owned(),
    }
}

fn streams(streams: &[StreamDiff]) {
    let mut rows = vec![["", "stream", "read", "accepted", "quarantined", "added", "removed", "changed"].map(str::to_owned).to_vec()];
    rows.extend(streams.iter().map(|stream| {
        let was = |place: usize| match (stream.before[place], stream.after[place]) {
            (before, after) if before == after => count(after),
            (before, after) => format!("{} -> {}", count(before), count(after)),
        };
        let mut cells = vec![String::new(), stream.rows.name.clone(), was(0), was(1), was(2)];
        cells.extend(counts(&stream.rows));
        cells
    }));
    columns(&rows, &[2, 3, 4, 5, 6, 7]).iter().for_each(|line| say(line));
}

fn differences(tables: &[Difference]) {
    let mut rows = vec![["", "table", "rows", "added", "removed", "changed"].map(str::to_owned).to_vec()];
    rows.extend(tables.iter().map(|table| {
        let rows =
            if table.before == table.after { count(table.after) } else { format!("{} -> {}", count(table.before), count(table.after)) };
        let mut cells = vec![String::new(), table.name.clone(), rows];
        cells.extend(counts(table));
        cells
    }));
    columns(&rows, &[2, 3, 4, 5]).iter().for_each(|line| say(line));
}

fn counts(rows: &Difference) -> [String; 3] {
    [rows.added, rows.removed, rows.changed].map(|rows| if rows == 0 { "·".to_owned() } else { count(rows) })
}

/// Columns and samples of what differs.
fn details(report: &DiffReport) {
    let streams = report.streams.iter().map(|stream| (&stream.rows, "stream"));
    let tables = report.tables.iter().map(|table| (table, "table"));
    for (rows, kind) in streams.chain(tables).filter(|(rows, _)| !rows.is_none()) {
        let by = if rows.key.is_empty() {
            "without a key: a changed row is one removed and one added".to_owned()
        } else {
            format!("by {}", rows.key.join(", "))
        };
        say(&format!("\n{kind} {} ({by})", rows.name));
        if !rows.columns.is_empty() {
            let named = rows.columns.iter().take(COLUMNS).map(|(column, rows)| format!("{column} in {}", count(*rows)));
            let more =
                if rows.columns.len() > COLUMNS { format!(" and {} more columns", rows.columns.len() - COLUMNS) } else { String::new() };
            say(&format!("  columns   {}{more}", named.collect::<Vec<_>>().join(", ")));
        }
        for (columns, what) in [(&rows.new_columns, "new"), (&rows.lost_columns, "gone")] {
            if !columns.is_empty() {
                say(&format!("  {what:<9} {}", columns.join(", ")));
            }
        }
        let samples = &rows.samples;
        for (samples, what) in [(&samples.added, "added"), (&samples.removed, "removed"), (&samples.changed, "changed")] {
            samples.iter().for_each(|sample| say(&format!("  {what:<9} {sample}")));
        }
    }
}

fn measures(measures: &[MeasureDiff]) {
    if measures.is_empty() {
        return;
    }
    say("\nMeasures that differ (passed of total)");
    let counts =
        |counts: Option<(u64, u64)>| counts.map_or("-".to_owned(), |(passed, total)| format!("{} of {}", count(passed), count(total)));
    let mut rows = vec![["", "stream", "dimension", "rule", "before", "after"].map(str::to_owned).to_vec()];
    rows.extend(measures.iter().take(MEASURES).map(|measure| {
        let rule =
            if measure.columns.is_empty() { measure.rule.clone() } else { format!("{} {}", measure.rule, measure.columns.join(", ")) };
        vec![
            String::new(),
            measure.stream.clone(),
            measure.dimension.name().to_owned(),
            rule,
            counts(measure.before),
            counts(measure.after),
        ]
    }));
    columns(&rows, &[4, 5]).iter().for_each(|line| say(line));
    if measures.len() > MEASURES {
        say(&format!("  and {} more; --json has all", measures.len() - MEASURES));
    }
}
