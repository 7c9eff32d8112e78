//! What a person reads when a run ends.

use std::{fmt::Write, path::Path};

use super::output::{bytes, columns, count};
use crate::config::paths::program;
use crate::flow::{Outcome, Report, gate::Scores, report::StreamReport};

/// Reasons that are shown; the rest is counted.
const REASONS: usize = 8;

/// Keys of failed rows that are shown for a rule.
const SAMPLES: usize = 3;

/// The summary of a run of the pipeline at `pipeline`.
pub fn summary(report: &Report, pipeline: &Path) -> String {
    let mut text = headline(report);
    if report.outcome == Outcome::Resumed {
        tables(&mut text, report);
        let _ = writeln!(text, "\nIt finished what an earlier run had begun. Run again for what came since.");
        return text;
    }
    if report.streams.iter().all(|stream| stream.read == 0) {
        let _ = writeln!(text, "Nothing new in {} streams; the tables are as they were.", report.streams.len());
        requests(&mut text, report);
        return text;
    }
    streams(&mut text, report);
    reasons(&mut text, &report.streams);
    scores(&mut text, report);
    tables(&mut text, report);
    requests(&mut text, report);
    places(&mut text, report, pipeline);
    text
}

fn headline(report: &Report) -> String {
    let outcome = match report.outcome {
        Outcome::Loaded => "loaded",
        Outcome::Held => "HELD by the gate, nothing was loaded",
        Outcome::Resumed => "resumed and loaded",
        Outcome::Running => "running",
    };
    let seconds = std::time::Duration::from_millis(report.millis).as_secs_f64();
    format!("\n{} · run {} · {outcome} in {seconds:.1} s\n", report.pipeline, report.run)
}

fn streams(text: &mut String, report: &Report) {
    let mut rows = vec![["stream", "read", "accepted", "quarantined"].map(str::to_owned).to_vec()];
    rows.extend(
        report
            .streams
            .iter()
            .map(|stream| vec![stream.stream.clone(), count(stream.read), count(stream.accepted), count(stream.quarantined)]),
    );
    let (read, accepted, quarantined) = report.rows();
    rows.push(vec!["total".into(), count(read), count(accepted), count(quarantined)]);
    section(text, "Rows", &columns(&rows, &[1, 2, 3]));
}

fn reasons(text: &mut String, streams: &[StreamReport]) {
    let mut found: Vec<_> = streams.iter().flat_map(|stream| stream.reasons.iter().map(move |reason| (stream, reason))).collect();
    if found.is_empty() {
        return;
    }
    found.sort_by_key(|(_, reason)| std::cmp::Reverse(reason.rows));
    let rows: Vec<_> = found
        .iter()
        .take(REASONS)
        .map(|(stream, reason)| vec![count(reason.rows), stream.stream.clone(), reason.rule.clone(), reason.reason.clone()])
        .collect();
    let mut lines = columns(&rows, &[0]);
    if found.len() > REASONS {
        let rest: u64 = found.iter().skip(REASONS).map(|(_, reason)| reason.rows).sum();
        let (rows, more) = (if rest == 1 { "row" } else { "rows" }, found.len() - REASONS);
        lines.push(format!("… and {} {rows} for {more} more {}", count(rest), if more == 1 { "reason" } else { "reasons" }));
    }
    section(text, "Quarantined because", &lines);
}

fn scores(text: &mut String, report: &Report) {
    let Some(verdict) = &report.verdict else { return };
    let Some(all) = verdict.scores.first() else { return };
    let mut rows = vec![["dimension", "score", "floor", "", "worst stream"].map(str::to_owned).to_vec()];
    for found in &all.dimensions {
        let worst = worst(&verdict.scores, found.dimension, found.floor);
        // The gate judges stream by stream, where a pipeline can set other floors: the mark says what it found there.
        let held = verdict.reasons.iter().any(|hold| hold.rule == found.dimension.name());
        let (score, mark) = match found.score {
            Some(score) => (percent(score), if held { "HOLD" } else { "ok" }),
            None => ("not measured".to_owned(), ""),
        };
        rows.push(vec![found.dimension.name().to_owned(), score, percent(found.floor), mark.to_owned(), worst]);
    }
    if let Some(overall) = all.overall {
        let mark = if verdict.reasons.iter().any(|hold| hold.rule == "overall") { "HOLD" } else { "ok" };
        rows.push(vec!["overall".into(), percent(overall), percent(all.overall_floor), mark.into(), String::new()]);
    }
    section(text, "Quality", &columns(&rows, &[1, 2]));
    let _ = writeln!(text, "\nVerdict: {}", if verdict.holds() { "hold" } else { "pass" });
    for hold in &verdict.reasons {
        let _ = writeln!(text, "  {}", hold.sentence());
    }
    if verdict.holds() {
        section(text, "Rules that failed", &failed_rules(report));
    }
}

/// The failed rules of the streams that held the run, worst first, with some keys of failed rows.
fn failed_rules(report: &Report) -> Vec<String> {
    let held = |stream: &str| report.verdict.iter().flat_map(|verdict| &verdict.reasons).any(|hold| hold.stream == stream);
    let mut failed: Vec<_> = report.measures.iter().filter(|measure| measure.passed < measure.total && held(&measure.stream)).collect();
    failed.sort_by_key(|measure| std::cmp::Reverse((measure.total - measure.passed) * 1000 / measure.total));
    failed
        .iter()
        .take(REASONS)
        .map(|measure| {
            let columns = if measure.columns.is_empty() { String::new() } else { format!(" ({})", measure.columns.join(", ")) };
            let samples = measure.samples.iter().take(SAMPLES).cloned().collect::<Vec<_>>().join("; ");
            let samples = if samples.is_empty() { samples } else { format!(": {samples}") };
            let (bad, total) = (count(measure.total - measure.passed), count(measure.total));
            format!("{}, {}{columns}: {bad} of {total} failed{samples}", measure.stream, measure.rule)
        })
        .collect()
}

fn worst(scores: &[Scores], dimension: crate::quality::Dimension, floor: f64) -> String {
    scores
        .iter()
        .filter_map(|scores| {
            let stream = scores.stream.as_ref()?;
            let found = scores.dimensions.iter().find(|found| found.dimension == dimension)?;
            Some((found.score?, stream, found.floor))
        })
        .min_by(|(a, ..), (b, ..)| a.total_cmp(b))
        .filter(|(score, ..)| *score < 100.0)
        .map(|(score, stream, own)| {
            let own = if own == floor { String::new() } else { format!(" (its floor is {own} %)") };
            format!("{stream} {}{own}", percent(score))
        })
        .unwrap_or_default()
}

/// Two decimals; never 100.00 for what is less.
fn percent(score: f64) -> String {
    let text = format!("{score:.2} %");
    if score < 100.0 && text.starts_with("100") { "99.99 %".to_owned() } else { text }
}

fn tables(text: &mut String, report: &Report) {
    if report.tables.is_empty() {
        return;
    }
    let mut rows = vec![["table", "mode", "rows in", "new", "changed", "rows now"].map(str::to_owned).to_vec()];
    rows.extend(report.tables.iter().chain(&report.marts).map(|table| {
        vec![
            table.table.clone(),
            table.mode.name().to_owned(),
            count(table.rows_in),
            count(table.inserted),
            count(table.updated),
            table.rows_after.map(count).unwrap_or_default(),
        ]
    }));
    let mut lines = columns(&rows, &[2, 3, 4, 5]);
    for table in report.tables.iter().filter(|table| table.refused > 0) {
        lines.push(format!("{}: {} rows went to quarantine, the database has no place for a value", table.table, count(table.refused)));
    }
    lines.extend(report.tables.iter().flat_map(|table| table.notes.clone()));
    section(text, "Tables and marts", &lines);
}

fn requests(text: &mut String, report: &Report) {
    let rows: Vec<_> = report.egress.iter().map(|egress| vec![egress.source.clone(), egress.health.sentence()]).collect();
    if !rows.is_empty() {
        section(text, "Requests", &columns(&rows, &[]));
    }
}

fn places(text: &mut String, report: &Report, pipeline: &Path) {
    let archived: u64 = report.archives.iter().map(|archive| archive.pages).sum();
    let packed: u64 = report.archives.iter().map(|archive| archive.packed_bytes).sum();
    let pages = if archived == 1 { "1 page".to_owned() } else { format!("{} pages", count(archived)) };
    let mut rows = vec![vec!["raw".into(), format!("{} ({pages}, {})", report.places.raw.display(), bytes(packed))]];
    rows.push(vec!["clean".into(), report.places.clean.display().to_string()]);
    if report.places.quarantine.is_dir() {
        rows.push(vec!["quarantine".into(), report.places.quarantine.display().to_string()]);
    }
    if report.outcome != Outcome::Held {
        rows.push(vec!["warehouse".into(), report.places.warehouse.clone()]);
    }
    section(text, "Files", &columns(&rows, &[]));
    let (program, pipeline) = (program(), pipeline.display());
    let (_, _, quarantined) = report.rows();
    let next = match report.marts.first().or(report.tables.first()) {
        Some(table) => format!("{program} query --pipeline {pipeline} \"select * from {} limit 10\"", table.table),
        None if quarantined > 0 => format!("{program} quarantine {pipeline} --rows 20"),
        None => format!("{program} runs {pipeline} --run {}", report.run),
    };
    let _ = writeln!(text, "\nNext: {next}");
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    let _ = writeln!(text, "\n{title}");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}
