//! Rebuilds that are killed: whoever reads in between sees the old or the new tables, and the same command again makes the tables, marts,
//! cursors and audit of an undisturbed rebuild, row for row.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs::{self, File},
    path::Path,
    process::Child,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tidegate_tests::{folder, program::Workplace, table::difference};

use super::{Place, instead_of_cleaner};

const TABLES: &str = "[tables.log]\nstream = \"people\"\nmode = \"append\"\n\
                      [tables.people]\nsql = \"select id, name from people\"\nmode = \"merge\"\nkey = [\"id\"]\n\
                      [tables.latest]\nsql = \"select name, max(id) as id from people group by name\"\nmode = \"merge\"\nkey = [\"name\"]\n\
                      [marts.count]\nsql = \"select count(*) as n from people\"\n\
                      [marts.names]\nsql = \"select name, count(*) as n from log group by name\"\n";
const LOADED: [&str; 4] = ["log", "people", "latest", "ingest_audit"];
const MARTS: [&str; 2] = ["count", "names"];

/// All tables, and all marts, each as they stand at one instant.
const SEEN: &str = "select 'log' as place, cast(id as varchar) as a, name as b from log \
                    union all select 'people', cast(id as varchar), name from people \
                    union all select 'latest', cast(id as varchar), name from latest \
                    union all select 'mart count', cast(n as varchar), '' from count \
                    union all select 'mart names', name, cast(n as varchar) from names order by 1, 2, 3";

/// Points in time at which the rebuild is killed: over all of it, and from its intent to its end.
const MOMENTS: u32 = 12;
const MOMENTS_OF_LOAD: u32 = 20;

const ROWS: u32 = 3_000;

/// What a reader may see.
struct Seen {
    tables: String,
    marts: String,
}

impl Seen {
    fn of(place: &Place) -> Result<Self> {
        let (marts, tables): (Vec<_>, Vec<_>) =
            place.rows(SEEN)?.lines().map(|line| format!("{line}\n")).partition(|line| line.starts_with("mart "));
        Ok(Self { tables: tables.concat(), marts: marts.concat() })
    }
}

/// A pipeline with three runs, and what an undisturbed rebuild makes of it.
struct Calm {
    base: Place,
    runs: Vec<String>,
    old: Seen,
    new: Seen,
    audit: String,
    cursors: Value,
    length: Duration,
    /// From the intent to the end.
    load: Duration,
}

fn rebuild() -> Vec<String> {
    let plugin = instead_of_cleaner("guest-strict");
    ["replay", "--since", "2020-01-01", "--load", "--plugin", &plugin].map(str::to_owned).to_vec()
}

fn start(place: &Place) -> Result<Child> {
    place.workplace.start(&rebuild().iter().map(String::as_str).collect::<Vec<_>>())
}

fn head(place: &Path) -> Value {
    let text = fs::read(place.join("store/lake/_tidegate/head.json")).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn cursors(place: &Place) -> Value {
    head(place.workplace.path())["pipelines"]["people"]["cursors"].clone()
}

/// What the audit says of each rebuild, but for names of runs and times.
fn audits(place: &Place) -> Result<Vec<String>> {
    let rows = place.rows(
        "select sequence, stream, \"table\", rows_read, rows_accepted, rows_quarantined, rows_loaded, bytes_read, overall_score, verdict, \
         plugin_digests, scores, replayed from ingest_audit where replayed is not null order by 1, 2, 3",
    )?;
    let mut audits: BTreeMap<&str, String> = BTreeMap::new();
    for (sequence, row) in rows.lines().filter_map(|line| line.split_once(',')) {
        audits.entry(sequence).or_default().extend([row, "\n"]);
    }
    Ok(audits.into_values().collect())
}

/// A pipeline's folder again, its files as old as they are.
fn copy(base: &Place) -> Result<Place> {
    let workplace = Workplace::empty()?;
    folder::lay_over(base.workplace.path(), workplace.path())?;
    for file in folder::walk(&base.path("input"), &|_| true)? {
        let copied = workplace.path().join("input").join(file.file_name().context("a file has a name")?);
        File::options().write(true).open(copied)?.set_modified(fs::metadata(&file)?.modified()?)?;
    }
    Ok(Place { workplace })
}

impl Calm {
    fn new() -> Result<Self> {
        let base = Place::new(TABLES)?;
        let mut runs = Vec::new();
        for (run, file) in (1..).zip(["a.csv", "b.csv", "c.csv"]) {
            let mut csv = "id,name\n".to_owned();
            for row in 0..ROWS {
                let _ = writeln!(csv, "{},name {}", row * run, row % 17 + run);
            }
            runs.push(base.load(file, &csv)?);
        }
        let old = Seen::of(&base)?;
        let place = copy(&base)?;
        let (started, before) = (Instant::now(), head(place.workplace.path()));
        let mut child = start(&place)?;
        let mut intent = None;
        while child.try_wait()?.is_none() {
            if intent.is_none() && place.path("store/lake/_tidegate/intents/people.json").is_file() {
                intent = Some(Instant::now());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        let (length, load) = (started.elapsed(), intent.context("the rebuild wrote down no intent")?.elapsed());
        ensure!(child.wait()?.success() && head(place.workplace.path()) != before, "the rebuild failed");
        let (new, audit) = (Seen::of(&place)?, audits(&place)?.concat());
        ensure!(new.tables != old.tables && new.marts != old.marts, "the rebuild changed nothing");
        ensure!(audit.lines().count() == LOADED.len(), "the audit has no row for each table and the stream:\n{audit}");
        let calm = Self { cursors: cursors(&base), base, runs, old, new, audit, length, load };
        calm.is_rebuilt(&place)?;
        Ok(calm)
    }

    /// Whether a reader saw the tables before or after the rebuild, and so the marts; these follow the tables.
    fn old_or_new(&self, seen: &Seen) -> Result<bool> {
        let is_new = |seen: &String, old: &String, new: &String| match seen {
            seen if seen == old => Ok(false),
            seen if seen == new => Ok(true),
            seen => bail!("neither the old nor the new:\n{}", difference(new, seen)),
        };
        let tables = is_new(&seen.tables, &self.old.tables, &self.new.tables).context("tables")?;
        let marts = is_new(&seen.marts, &self.old.marts, &self.new.marts).context("marts")?;
        ensure!(tables || !marts, "the marts are newer than the tables");
        Ok(tables)
    }

    /// Whether tables, marts, audit, cursors and history are those after an undisturbed rebuild.
    fn is_rebuilt(&self, place: &Place) -> Result<()> {
        let seen = Seen::of(place)?;
        ensure!(seen.tables == self.new.tables, "the tables differ:\n{}", difference(&self.new.tables, &seen.tables));
        ensure!(seen.marts == self.new.marts, "the marts differ:\n{}", difference(&self.new.marts, &seen.marts));
        let audits = audits(place)?;
        ensure!(!audits.is_empty(), "the audit knows no rebuild");
        for audit in audits {
            ensure!(audit == self.audit, "the audit differs:\n{}", difference(&self.audit, &audit));
        }
        ensure!(cursors(place) == self.cursors, "the cursors moved: {}", cursors(place));
        let runs = place.json(&["runs"], 0)?;
        let states: Vec<_> = runs.as_array().into_iter().flatten().filter_map(|run| run["status"].as_str()).collect();
        ensure!(states[0] == "loaded" && !states.contains(&"running"), "the history says {states:?}");
        Ok(())
    }

    /// When to kill.
    fn kills(&self) -> Vec<Kill> {
        let spread = |length: Duration, moments: u32| (0..moments).map(move |moment| length * (2 * moment + 1) / (2 * moments));
        let mut kills: Vec<_> = spread(self.length, MOMENTS).map(Kill::After).collect();
        kills.extend(spread(self.load, MOMENTS_OF_LOAD).map(Kill::AfterTheIntent));
        let now = |pattern: &str| folder::matching(&self.base.path("store"), pattern).len();
        let mut another = |pattern: String| kills.push(Kill::When { files: now(&pattern) + 1, pattern });
        another("runs/*.json".into());
        self.runs.iter().for_each(|run| another(format!("replays/*/{run}/clean/people/*/_manifest.json")));
        ["log", "people", "latest"].iter().for_each(|table| another(format!("replays/*/tables/{table}/*")));
        another("lake/_tidegate/intents/people.json".into());
        LOADED.iter().chain(&MARTS).for_each(|table| another(format!("lake/{table}/_delta_log/*.json")));
        kills.push(Kill::WhenTheHeadMoved);
        kills
    }

    /// Kills a rebuild, looks, and rebuilds again; with a run where that is enough. What the kill hit.
    fn disturbed(&self, kill: &Kill, with_run: bool) -> Result<Hit> {
        let place = copy(&self.base)?;
        let mut child = start(&place)?;
        kill.wait(&place, &mut child)?;
        let is_alive = child.try_wait()?.is_none();
        let _ = child.kill();
        child.wait()?;
        let is_begun = place.path("store/lake/_tidegate/intents/people.json").is_file();
        let is_new = self.old_or_new(&Seen::of(&place)?).context("after the kill")?;
        if with_run && (is_begun || is_new) {
            place.ends(&["run"], 0)?;
            self.is_rebuilt(&place).context("after a run")?;
        } else {
            again(&place, self)?;
        }
        Ok(match (is_alive, is_begun, is_new) {
            (false, ..) => Hit::Nothing,
            (true, _, true) => Hit::Marts,
            (true, true, false) => Hit::Load,
            (true, false, false) => Hit::Replays,
        })
    }
}

/// Rebuilds while somebody reads.
fn again(place: &Place, calm: &Calm) -> Result<()> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while looks == 0 || !done.load(Ordering::Relaxed) {
                calm.old_or_new(&Seen::of(place)?)?;
                looks += 1;
            }
            Ok::<_, anyhow::Error>(())
        });
        let said = place.ends(&rebuild().iter().map(String::as_str).collect::<Vec<_>>(), 0);
        done.store(true, Ordering::Relaxed);
        let read = reader.join().expect("a reader does not panic");
        said?;
        read.context("while it was rebuilt again")
    })?;
    calm.is_rebuilt(place)?;
    let left = folder::walk(&place.path("store/replays"), &|_| true).unwrap_or_default();
    ensure!(left.is_empty(), "the rebuilds left {} files, such as {}", left.len(), left[0].display());
    Ok(())
}

/// What a kill hit.
#[derive(Debug, PartialEq)]
enum Hit {
    Replays,
    Load,
    Marts,
    Nothing,
}

/// When to kill.
#[derive(Debug)]
enum Kill {
    /// So long after the start.
    After(Duration),
    /// So long after the intent was there.
    AfterTheIntent(Duration),
    /// As soon as so many files are there, below the storage folder; `*` stands for a part of one name.
    When { pattern: String, files: usize },
    /// As soon as the tables are visible.
    WhenTheHeadMoved,
}

impl Kill {
    fn wait(&self, place: &Place, child: &mut Child) -> Result<()> {
        let (started, store, before) = (Instant::now(), place.path("store"), head(place.workplace.path()));
        let intent = store.join("lake/_tidegate/intents/people.json");
        let mut since = None;
        while child.try_wait()?.is_none() {
            let is_time = match self {
                Self::After(time) => started.elapsed() >= *time,
                Self::AfterTheIntent(time) => {
                    since = since.or_else(|| intent.is_file().then(Instant::now));
                    since.is_some_and(|since: Instant| since.elapsed() >= *time)
                }
                Self::When { pattern, files } => folder::matching(&store, pattern).len() >= *files,
                Self::WhenTheHeadMoved => head(place.workplace.path()) != before,
            };
            if is_time {
                break;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }
}

#[test]
fn a_killed_rebuild_shows_the_old_or_the_new_tables_and_is_made_good_by_the_next() {
    let calm = Calm::new().unwrap();
    let (mut hits, mut failed) = (Vec::new(), Vec::new());
    let kills = calm.kills();
    for (at, kill) in kills.iter().enumerate() {
        match calm.disturbed(kill, at % 3 == 2) {
            Ok(hit) => hits.push(hit),
            Err(error) => failed.push(format!("{kill:?}: {error:#}")),
        }
    }
    let hit = |wanted: Hit| hits.iter().filter(|hit| **hit == wanted).count();
    let (tried, replays, load, marts) = (kills.len(), hit(Hit::Replays), hit(Hit::Load), hit(Hit::Marts));
    println!("killed at {tried} points: {replays} in the replays, {load} between intent and head, {marts} after the head");
    assert!(failed.is_empty(), "{} of {tried} points:\n{}", failed.len(), failed.join("\n"));
    assert!(replays >= 5 && load >= 10 && marts >= 1, "{hits:?}: too few to show anything");
}
