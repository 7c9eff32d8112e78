//! A run again: the same files byte for byte, whatever happened to everything that it used.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use serde_json::Value;
use tidegate_tests::{folder, olist, program::Workplace, root};

use super::Place;

/// Checks that a replay says that it is identical, and that it is.
pub fn identical(workplace: &Workplace, pipeline: &str, run: &str) -> Result<Value> {
    let said = workplace.tidegate(&["replay", run, "--pipeline", pipeline, "--json"])?;
    ensure!(said.code == 0, "the replay ended with {}:\n{}{}", said.code, said.stdout, said.stderr);
    let report: Value = serde_json::from_str(&said.stdout)?;
    ensure!(report["identical"] == true, "{report:#}");
    let store = workplace.path().join(pipeline).join("store");
    let (mut compared, clean) = (0, store.join("clean"));
    for file in folder::walk(&clean, &|_| true)?.into_iter().filter(|file| is_parquet_of(file, run)) {
        let again = store.join("replays").join(run).join("as-it-was/clean").join(file.strip_prefix(&clean)?);
        ensure!(fs::read(&file)? == fs::read(&again)?, "`{}` differs", again.display());
        compared += 1;
    }
    ensure!(compared > 0, "the run has no clean file");
    Ok(report)
}

fn is_parquet_of(file: &Path, run: &str) -> bool {
    file.extension().is_some_and(|extension| extension == "parquet") && file.iter().any(|part| part == run)
}

#[test]
fn the_example_is_repeated_without_its_data_its_sql_and_its_pipeline() {
    let workplace = olist::workplace().unwrap();
    let data = workplace.path().join("data");
    folder::lay_over(olist::sample().unwrap(), &data).unwrap();
    assert_eq!(olist::run(&workplace, &data).unwrap().code, 0);
    let before = olist::contents(&workplace).unwrap();
    let run = fs::read_dir(workplace.path().join("examples/olist/store/runs")).unwrap().next().unwrap().unwrap().file_name();
    let run = run.to_string_lossy().strip_suffix(".json").unwrap().to_owned();

    // Nothing that the run used is as it was.
    fs::remove_dir_all(&data).unwrap();
    for file in folder::walk(&workplace.path().join("sql"), &|_| true).unwrap() {
        fs::write(file, "select 1 as other").unwrap();
    }
    let pipeline = fs::read_to_string(root().join("examples/olist/pipeline.toml")).unwrap();
    let changed = format!("{}\n[engine]\npartitions = 5\n", pipeline.replace("2018-10-18T03:00:00Z", "2020-01-01T00:00:00Z"));
    workplace.write("examples/olist/pipeline.toml", &changed).unwrap();

    let report = identical(&workplace, "examples/olist", &run).unwrap();
    assert_eq!(report["streams"].as_array().unwrap().len(), 9);
    assert!(report["verdict"]["reasons"].as_array().unwrap().is_empty(), "{report:#}");

    // Where the clean files were removed, their sums serve.
    for file in folder::walk(&workplace.path().join("examples/olist/store/clean"), &|_| true).unwrap() {
        if is_parquet_of(&file, &run) {
            fs::remove_file(file).unwrap();
        }
    }
    let said = workplace.tidegate(&["replay", &run, "-p", "examples/olist"]).unwrap();
    assert_eq!(said.code, 0, "{}", said.stderr);
    assert!(said.stderr.contains(&format!("replay of run {run}: identical")), "{}", said.stderr);

    // The warehouse saw nothing of it.
    workplace.write("examples/olist/pipeline.toml", &pipeline).unwrap();
    folder::lay_over(&root().join("sql"), &workplace.path().join("sql")).unwrap();
    assert_eq!(olist::contents(&workplace).unwrap(), before);
}

#[test]
fn a_run_uses_the_plugin_that_it_used() {
    let place = Place::new("[tables.people]\nstream = \"people\"\nmode = \"append\"\n").unwrap();
    let run = place.load("a.csv", "id,name\n1,one\n2,two\n").unwrap();
    place.cleaner("guest-strict").unwrap();
    identical(&place.workplace, ".", &run).unwrap();

    // As the pipeline is now, it would be another one; that is no error.
    let report = place.json(&["replay", &run, "--current"], 0).unwrap();
    assert_eq!((&report["identical"], &report["streams"][0]["accepted"]), (&false.into(), &1.into()), "{report:#}");
    assert!(report["changed"][0].as_str().unwrap().contains("guest-strict@"), "{report:#}");
}

#[test]
fn a_second_run_resumes_where_the_first_one_ended() {
    let place = Place::new("[tables.people]\nstream = \"people\"\nmode = \"append\"\n").unwrap();
    place.load("a.csv", "id,name\n1,one\n").unwrap();
    let second = place.load("b.csv", "id,name\n2,two\n").unwrap();
    place.ends(&["run"], 0).unwrap();
    let idle = place.last_run().unwrap();
    place.load("c.csv", "id,name\n3,three\n").unwrap();
    let report = identical(&place.workplace, ".", &second).unwrap();
    assert_eq!(report["streams"][0]["read"], 1);
    let report = identical(&place.workplace, ".", &idle).unwrap();
    assert_eq!(report["streams"][0]["read"], 0);
}

#[test]
fn a_failed_run_fails_again_and_passes_once_it_is_mended() {
    let place = Place::new("").unwrap();
    let broken = super::PEOPLE.replace("plugin = \"cleaner\"", "plugin = \"cleaner\", config = { misbehave = \"panics\" }");
    place.workplace.write("pipeline.toml", &broken).unwrap();
    place.workplace.write("input/a.csv", "id,name\n1,one\n2,two\n").unwrap();
    place.ends(&["run"], 5).unwrap();
    let run = place.last_run().unwrap();
    fs::remove_dir_all(place.path("input")).unwrap();

    let said = place.ends(&["replay", &run], 5).unwrap();
    assert!(said.stderr.contains("it fails as the run did") && said.stderr.contains("it panicked"), "{}", said.stderr);

    place.workplace.write("pipeline.toml", super::PEOPLE).unwrap();
    let report = place.json(&["replay", &run, "--current"], 0).unwrap();
    assert_eq!(report["streams"][0]["accepted"], 2, "{report:#}");
    assert_eq!(report["original"], "failed");
}

#[test]
fn a_killed_run_is_repeated_as_far_as_it_came() {
    let workplace = olist::workplace().unwrap();
    let data = olist::sample().unwrap();
    let mut child = workplace.start(&["run", "examples/olist", "--data", &data.to_string_lossy()]).unwrap();
    let store = workplace.path().join("examples/olist/store");
    // The second stream is being read when the first one is whole.
    let first =
        || fs::read_dir(store.join("clean/orders")).into_iter().flatten().flatten().any(|run| run.path().join("_manifest.json").is_file());
    while !first() {
        assert!(matches!(child.try_wait(), Ok(None)), "the run ended before it could be killed");
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let run = fs::read_dir(store.join("runs")).unwrap().next().unwrap().unwrap().file_name();
    let run = run.to_string_lossy().strip_suffix(".json").unwrap().to_owned();

    let said = workplace.tidegate(&["replay", &run, "-p", "examples/olist", "--json"]).unwrap();
    let report: Value = serde_json::from_str(&said.stdout).unwrap();
    let orders = report["streams"].as_array().unwrap().iter().find(|stream| stream["stream"] == "orders").unwrap();
    assert_eq!(orders["same"], "identical", "{report:#}");
    if said.code != 0 {
        assert_eq!(said.code, 6, "{}", said.stdout);
        assert!(report["error"].as_str().unwrap().contains("did not ask source `olist` for the file"), "{report:#}");
    }
}

#[test]
fn what_can_not_be_replayed_says_why() {
    let place = Place::new("").unwrap();
    let run = place.load("a.csv", "id,name\n1,one\n").unwrap();
    let said = place.ends(&["replay", "20181017T173018125Z-5f3a91"], 1).unwrap();
    assert!(said.stderr.contains("there is no record of run `20181017T173018125Z-5f3a91`"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: `tidegate runs` lists runs"), "{}", said.stderr);
    let said = place.ends(&["replay", "yesterday"], 2).unwrap();
    assert!(said.stderr.contains("`yesterday` is not a run"), "{}", said.stderr);
    let said = place.ends(&["replay", &run, "--plugin", "cleane=x.wasm"], 2).unwrap();
    assert!(said.stderr.contains("the run used no plugin `cleane`") && said.stderr.contains("did you mean `cleaner`?"), "{}", said.stderr);
    let said = place.ends(&["replay", &run, "--plugin", "cleaner=x.wasm"], 5).unwrap();
    assert!(said.stderr.contains("there is no component `<dir>/x.wasm`"), "{}", said.stderr);
    let said = place.ends(&["replay"], 2).unwrap();
    assert!(said.stderr.contains("--since"), "{}", said.stderr);

    // A source that asks for other files than it did.
    let asks = super::PEOPLE.replace("files = \"*.csv\"", "files = \"*.tsv\"");
    place.workplace.write("pipeline.toml", &asks).unwrap();
    let said = place.ends(&["replay", &run, "--current"], 6).unwrap();
    assert!(said.stderr.contains("did not ask source `files` for the files `*.tsv` of `data`"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: a run that ended early"), "{}", said.stderr);
}
