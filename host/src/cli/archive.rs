//! `tidegate archive`: what runs took from their sources, whether it is still what came, and forgetting it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDate, Utc};
use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::output::{Failed, bytes, columns, count, pour, print_json, say, talk};
use crate::{
    config::{self, Loaded, StorageLayout},
    egress::archive::{
        Asked, Attempt, Exchange, Holding, Line, Page, each_page, holding, manifests, read, run_of, unpacked, verify as verify_page,
    },
    error,
    flow::{
        ReplayError, RunError, RunRecord,
        prune::{Pruned, Which, prune as forget},
        record,
    },
    state::{RunId, State},
};

/// What to do with the archive.
#[derive(Subcommand)]
pub enum ArchiveCommand {
    /// List what runs took from their sources.
    List(ListArgs),
    /// Show what a run asked for, or one page: request, status, headers, body.
    Show(ShowArgs),
    /// Read every page and compare it with its sum. Exit code 9 where one is missing or differs.
    Verify(VerifyArgs),
    /// Forget runs: their pages, clean files, rejected rows, replays, and plugins that no other run needs.
    Prune(PruneArgs),
}

/// Whose archive.
#[derive(Args)]
struct Place {
    /// The pipeline file, or its folder, whose storage it is.
    #[arg(long, short, default_value = ".")]
    pipeline: PathBuf,
}

/// Which runs to list.
#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    place: Place,
    /// Only runs that started at or after this: `2026-11-27`, or RFC 3339.
    #[arg(long, value_name = "DATE", value_parser = instant)]
    since: Option<DateTime<Utc>>,
    /// Only what came from this source.
    #[arg(long)]
    source: Option<String>,
}

/// What to show.
#[derive(Args)]
pub struct ShowArgs {
    /// The run.
    run: RunId,
    /// The page.
    page: Option<u32>,
    /// Write the page's bytes to stdout, as they came.
    #[arg(long, requires = "page")]
    body: bool,
    /// The source, where the run has several.
    #[arg(long)]
    source: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// What to verify.
#[derive(Args)]
pub struct VerifyArgs {
    /// The run; without it, all of them.
    run: Option<RunId>,
    #[command(flatten)]
    place: Place,
}

/// What to forget.
#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).multiple(false).args(["before", "keep"]))]
pub struct PruneArgs {
    /// Forget runs that started before this: `2026-11-27`, or RFC 3339.
    #[arg(long, value_name = "DATE", value_parser = instant)]
    before: Option<DateTime<Utc>>,
    /// Forget all runs but the newest so many.
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Say what would go, and leave it.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

/// A day in UTC, or an instant.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    text.parse().map_err(|_| "write a day like 2026-11-27, or a time like 2026-11-27T06:00:00Z".to_owned())
}

/// Runs one of the commands.
pub async fn archive(command: &ArchiveCommand, json: bool) -> Result<u8, Failed> {
    match command {
        ArchiveCommand::List(args) => list(args, json),
        ArchiveCommand::Show(args) => show(args, json),
        ArchiveCommand::Verify(args) => verify(args, json),
        ArchiveCommand::Prune(args) => prune(args, json).await,
    }
}

fn open(place: &Place) -> Result<(Loaded, StorageLayout), Failed> {
    let loaded = config::load(&place.pipeline)?;
    let storage = loaded.storage();
    Ok((loaded, storage))
}

/// The manifests of a run, or of all runs.
fn found(storage: &StorageLayout, run: Option<&RunId>) -> Result<Vec<PathBuf>, Failed> {
    let mut found = manifests(&storage.raw())?;
    if let Some(run) = run {
        found.retain(|manifest| run_of(manifest) == Some(run.as_str()));
        if found.is_empty() {
            return Err(anyhow::anyhow!("the archive has no page of run {}", run.as_str()).into());
        }
    }
    Ok(found)
}

fn list(args: &ListArgs, as_json: bool) -> Result<u8, Failed> {
    let (_, storage) = open(&args.place)?;
    let since = args.since.map(|since| RunId::new(since, 0).as_str()[..19].to_owned());
    let mut holdings = Vec::new();
    for manifest in found(&storage, None)? {
        if since.as_deref().is_none_or(|since| run_of(&manifest).is_some_and(|run| run >= since)) {
            holdings.push(holding(&manifest).map_err(ReplayError::from).map_err(RunError::from)?);
        }
    }
    holdings.retain(|holding| args.source.as_ref().is_none_or(|source| holding.head.source == *source));
    let status = statuses(&storage)?;
    let status = |holding: &Holding| status.get(&holding.head.run).cloned().unwrap_or_default();
    if as_json {
        let one = |holding: &Holding| {
            json!({ "run": holding.head.run, "pipeline": holding.head.pipeline, "source": holding.head.source, "status": status(holding),
                    "pages": holding.totals.pages, "bytes": holding.totals.bytes, "packed_bytes": holding.totals.packed_bytes,
                    "manifest": holding.manifest, "replayable": record::path_of(&storage, &holding.head.run).is_file() })
        };
        print_json(&holdings.iter().map(one).collect::<Vec<_>>());
        return Ok(error::OK);
    }
    if holdings.is_empty() {
        talk("the archive has no such page");
        return Ok(error::OK);
    }
    let mut rows = vec![["run", "source", "status", "pages", "bytes", "on disk"].map(str::to_owned).to_vec()];
    rows.extend(holdings.iter().map(|holding| {
        let totals = holding.totals;
        let (run, source) = (holding.head.run.clone(), holding.head.source.clone());
        vec![run, source, status(holding), count(totals.pages), bytes(totals.bytes), bytes(totals.packed_bytes)]
    }));
    columns(&rows, &[3, 4, 5]).iter().for_each(|line| say(line));
    Ok(error::OK)
}

/// How runs ended, as the history has it.
fn statuses(storage: &StorageLayout) -> Result<HashMap<String, String>, Failed> {
    let database = storage.state_db();
    if !database.is_file() {
        return Ok(HashMap::new());
    }
    let runs = State::open(&database).and_then(|state| state.runs(u32::MAX, None)).map_err(RunError::from)?;
    Ok(runs.into_iter().map(|run| (run.id.to_string(), run.status.to_string())).collect())
}

fn show(args: &ShowArgs, as_json: bool) -> Result<u8, Failed> {
    let (_, storage) = open(&args.place)?;
    let mut manifests = found(&storage, Some(&args.run))?;
    if let Some(source) = &args.source {
        manifests.retain(|manifest| source_of(manifest) == Some(source.as_str()));
    }
    match args.page {
        None => show_run(&manifests, as_json),
        Some(number) => {
            let [manifest] = manifests.as_slice() else {
                let sources: Vec<_> = manifests.iter().filter_map(|manifest| source_of(manifest)).collect();
                let which = sources.join(", ");
                let why = match sources.len() {
                    0 => "the run took nothing from such a source".to_owned(),
                    _ => format!("the run has several sources: say which one with --source ({which})"),
                };
                return Err(anyhow::anyhow!(why).into());
            };
            let page = page_of(manifest, number)?;
            show_page(&storage, &page, args.body, as_json)
        }
    }
}

/// The source of a manifest, by the folder that it lies in.
fn source_of(manifest: &Path) -> Option<&str> {
    manifest.parent()?.parent()?.file_name()?.to_str()
}

fn page_of(manifest: &Path, number: u32) -> Result<Page, Failed> {
    let mut found = None;
    each_page(manifest, |page| {
        if page.page == number {
            found = Some(page);
        }
    })
    .map_err(ReplayError::from)
    .map_err(RunError::from)?;
    found.ok_or_else(|| anyhow::anyhow!("the run has no page {number}").into())
}

fn show_run(manifests: &[PathBuf], as_json: bool) -> Result<u8, Failed> {
    let mut told = Vec::new();
    for manifest in manifests {
        let (mut rows, mut lines) = (vec![["page", "bytes", "status", "request"].map(str::to_owned).to_vec()], Vec::new());
        let head = read(manifest, |_, line| {
            match &line {
                Line::Page(page) => {
                    let refused = page.refused().map(|why| format!(" (no plugin got it: {why})")).unwrap_or_default();
                    rows.push(vec![page.page.to_string(), bytes(page.bytes), status_of(page), format!("{}{refused}", asked(page))]);
                }
                Line::Listing(list) => {
                    let files =
                        if list.entries.len() == 1 { "1 file".to_owned() } else { format!("{} files", count(list.entries.len() as u64)) };
                    rows.push(words(format!("list {}/{}: {files}", list.directory, list.glob)));
                }
                Line::Unanswered(unanswered) => {
                    let exchange = &unanswered.exchange;
                    let why = exchange.refused.as_deref().unwrap_or_default();
                    rows.push(words(format!("no answer to {} {}: {why}", exchange.method, exchange.url)));
                    rows.extend(exchange.attempts.iter().map(|attempt| words(format!("  sent {}", sent(attempt)))));
                }
            }
            if as_json {
                lines.push(line);
            }
        })
        .map_err(ReplayError::from)
        .map_err(RunError::from)?;
        if as_json {
            told.push(json!({ "source": head.source, "run": head.run, "asked": lines }));
        } else {
            say(&format!("{} · {}", head.source, head.run));
            columns(&rows, &[0, 1]).iter().for_each(|line| say(&format!("  {line}")));
        }
    }
    if as_json {
        print_json(&told);
    }
    Ok(error::OK)
}

/// A row about what is no page.
fn words(text: String) -> Vec<String> {
    vec![String::new(), String::new(), String::new(), text]
}

fn status_of(page: &Page) -> String {
    match &page.asked {
        Asked::File(_) => String::new(),
        Asked::Http(exchange) => exchange.status.map(|status| status.to_string()).unwrap_or_default(),
    }
}

fn asked(page: &Page) -> String {
    match &page.asked {
        Asked::File(file) => format!("{}/{}", file.directory, file.path),
        Asked::Http(exchange) => format!("{} {}", exchange.method, exchange.url),
    }
}

fn show_page(storage: &StorageLayout, page: &Page, body: bool, as_json: bool) -> Result<u8, Failed> {
    if body {
        pour(&mut unpacked(&storage.raw(), page)?)?;
        return Ok(error::OK);
    }
    if as_json {
        print_json(page);
        return Ok(error::OK);
    }
    say(&asked(page));
    let mut rows = vec![["archived as".to_owned(), storage.raw().join(&page.archived).display().to_string()]];
    rows.push(["bytes".to_owned(), format!("{} ({} on disk)", count(page.bytes), count(page.packed_bytes))]);
    rows.push(["sha256".to_owned(), page.sha256.clone()]);
    match &page.asked {
        Asked::File(file) => {
            let modified = DateTime::from_timestamp_micros(file.modified_micros).map(|time| time.to_rfc3339()).unwrap_or_default();
            rows.push(["modified".to_owned(), modified]);
        }
        Asked::Http(exchange) => rows.extend(of_exchange(exchange)),
    }
    let rows: Vec<_> = rows.into_iter().map(Vec::from).collect();
    columns(&rows, &[]).iter().for_each(|line| say(line));
    Ok(error::OK)
}

fn of_exchange(exchange: &Exchange) -> Vec<[String; 2]> {
    let named = |name: &str, value: &str| [name.to_owned(), value.to_owned()];
    let mut rows = vec![named("stream", &exchange.stream)];
    rows.extend(exchange.status.map(|status| named("status", &status.to_string())));
    rows.extend(exchange.refused.iter().map(|why| named("no plugin got it", why)));
    rows.extend(exchange.credential.iter().map(|credential| named("credential", credential)));
    rows.extend(exchange.headers.iter().map(|(name, value)| [format!("> {name}"), value.clone()]));
    rows.extend(exchange.body.iter().map(|body| named("> body", body)));
    rows.extend(exchange.response_headers.iter().map(|(name, value)| [format!("< {name}"), value.clone()]));
    rows.extend(exchange.attempts.iter().map(|attempt| named("sent", &sent(attempt))));
    rows
}

fn sent(attempt: &Attempt) -> String {
    let what = attempt.error.clone().or_else(|| attempt.status.map(|status| status.to_string())).unwrap_or_default();
    let waited = if attempt.waited_millis > 0 { format!(" after waiting {} ms", attempt.waited_millis) } else { String::new() };
    let page = attempt.page.map(|page| format!(", page {page}")).unwrap_or_default();
    let passed: String = attempt.passed.iter().map(|page| format!(", by way of page {page}")).collect();
    format!("{}: {what} in {} ms{waited}{page}{passed}", attempt.at.to_rfc3339(), attempt.millis)
}

fn verify(args: &VerifyArgs, as_json: bool) -> Result<u8, Failed> {
    let (_, storage) = open(&args.place)?;
    let (mut pages, mut total, mut faults) = (0_u64, 0_u64, Vec::new());
    for manifest in found(&storage, args.run.as_ref())? {
        let run = run_of(&manifest).unwrap_or_default().to_owned();
        let read = each_page(&manifest, |page| {
            pages += 1;
            total += page.bytes;
            if let Err(fault) = verify_page(&storage.raw(), &page) {
                faults.push(format!("run {run}, page {} ({}): {}", page.page, page.request(), error::chain(&fault)));
            }
        });
        faults.extend(read.err().map(|broken| format!("run {run}: {}", error::chain(&broken))));
    }
    let plugins = verify_plugins(&storage, args.run.as_ref(), &mut faults)?;
    if as_json {
        print_json(&json!({ "pages": pages, "bytes": total, "plugins": plugins, "faults": faults }));
    } else {
        faults.iter().for_each(|fault| say(fault));
        let wrong = if faults.is_empty() { "all are what came".to_owned() } else { format!("{} faults", count(faults.len() as u64)) };
        talk(&format!("{} pages, {} and {} plugins: {wrong}", count(pages), bytes(total), count(plugins)));
    }
    Ok(if faults.is_empty() { error::OK } else { error::DIFFERS })
}

/// Compares the components that runs need with their sums; gives how many there are.
fn verify_plugins(storage: &StorageLayout, run: Option<&RunId>, faults: &mut Vec<String>) -> Result<u64, Failed> {
    let mut seen = std::collections::BTreeSet::new();
    for name in record::runs(storage)?.into_iter().filter(|name| run.is_none_or(|run| run.as_str() == name)) {
        let record = match RunRecord::read(storage, &name) {
            Ok(record) => record,
            Err(broken) => {
                faults.push(format!("run {name}: {}", error::chain(&broken)));
                continue;
            }
        };
        for component in record.plugins.into_values() {
            if !seen.insert(component.sha256.clone()) {
                continue;
            }
            let path = record::component_path(&storage.plugins(), &component.sha256);
            match fs::read(&path) {
                Ok(found) if format!("{:x}", Sha256::digest(&found)) == component.sha256 => {}
                Ok(_) => faults.push(format!("run {name}, plugin {}: `{}` holds another component", component.plugin, path.display())),
                Err(why) => faults.push(format!("run {name}, plugin {}: can't read `{}`: {why}", component.plugin, path.display())),
            }
        }
    }
    Ok(seen.len() as u64)
}

async fn prune(args: &PruneArgs, as_json: bool) -> Result<u8, Failed> {
    let (loaded, _) = open(&args.place)?;
    let which = match (args.before, args.keep) {
        (Some(before), _) => Which::Before(before),
        (None, keep) => Which::AllBut(keep.unwrap_or(usize::MAX)),
    };
    let pruned = forget(&loaded, which, args.dry_run).await?;
    if as_json {
        print_json(&pruned);
    } else {
        tell(&pruned);
    }
    Ok(error::OK)
}

fn tell(pruned: &Pruned) {
    if !pruned.runs.is_empty() {
        let mut rows = vec![["run", "pages", "clean", "quarantine", "replays"].map(str::to_owned).to_vec()];
        rows.extend(pruned.runs.iter().map(|run| {
            let cells = [run.raw, run.clean, run.quarantine, run.replays].map(bytes);
            std::iter::once(run.run.clone()).chain(cells).collect()
        }));
        columns(&rows, &[1, 2, 3, 4]).iter().for_each(|line| say(line));
    }
    pruned.components.iter().for_each(|sum| say(&format!("plugin {sum}")));
    pruned.kept.iter().for_each(|(run, why)| talk(&format!("run {run} stays: {why}")));
    let (verb, runs) = (if pruned.dry_run { "would free" } else { "freed" }, pruned.runs.len());
    let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
    talk(&format!("{verb} {} by forgetting {runs}; tables and history stay, these runs can't be replayed any more", bytes(pruned.bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_utc() {
        assert_eq!(instant("2026-11-27").unwrap().to_rfc3339(), "2026-11-27T00:00:00+00:00");
        assert_eq!(instant("2026-11-27T06:00:00+02:00").unwrap().to_rfc3339(), "2026-11-27T04:00:00+00:00");
        assert!(instant("yesterday").unwrap_err().starts_with("write a day"));
    }
}
