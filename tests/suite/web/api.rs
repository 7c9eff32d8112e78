//! The JSON API of the real daemon, asked thousands of things that its own document allows or forbids.
//!
//! What always holds here: schemathesis (PyPI, installed by `tests/run`) makes requests from `/api/openapi.json` and finds no server error, no
//! status, content type or body that the document does not describe, and nothing wrong that is taken for right. It knows names of a pipeline, a
//! run and a task that are there, so that each operation does what it is for, and names that are not.

use std::{collections::BTreeMap, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tidegate_tests::{http, root, site::Site};

/// What is looked at. Left out is `positive_data_acceptance`: a text that is no time fits the type of a time, and is refused in words;
/// and `ignored_auth`, whose requests without a token carry the one of the command line all the same.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,\
                      missing_required_header,unsupported_method";

/// Names that are there: of the pipeline, of its run that loaded, and of a task. Most requests use them, some use made up ones.
fn names(daemon: &Site, headers: &[(&str, &str)]) -> Result<String> {
    let asked: Value = http::send(daemon.address, "POST", "/api/v1/pipelines/olist/run", headers, None)?.json()?;
    let task = asked["id"].as_str().context("the name of a task")?;
    let runs: Value = http::send(daemon.address, "GET", "/api/v1/pipelines/olist/runs", headers, None)?.json()?;
    let loaded = runs.as_array().context("runs")?.iter().find(|run| run["status"] == "loaded");
    let run = loaded.and_then(|run| run["id"].as_str()).context("a run that loaded")?;
    let hook = root().join("tests/suite/web/answers.py");
    let mut text = format!("hooks = {hook:?}\n");
    for (parameter, name) in [("pipeline", "olist"), ("run", run), ("task", task)] {
        text.push_str(&format!("[dictionaries.{parameter}]\nvalues = [\"{name}\"]\n"));
        text.push_str(&format!("[parameters.\"path.{parameter}\"]\ndictionary = \"{parameter}\"\nprobability = 0.7\n"));
    }
    Ok(text)
}

/// Whether each operation of the document was asked for what there is, and did what it is for.
fn check_answers(daemon: &Site, headers: &[(&str, &str)]) -> Result<()> {
    let answers = std::fs::read(daemon.workplace.path().join("answers.json")).context("what the hook counted")?;
    let answers: BTreeMap<String, BTreeMap<String, u32>> = serde_json::from_slice(&answers)?;
    let document: Value = http::send(daemon.address, "GET", "/api/openapi.json", headers, None)?.json()?;
    let mut idle = Vec::new();
    for (path, methods) in document["paths"].as_object().context("paths")? {
        for method in methods.as_object().context("methods")?.keys() {
            let operation = format!("{method} {path}");
            // The run that is known has ended: it can't be stopped any more.
            let wanted = if path.ends_with("/cancel") { "409" } else { "2" };
            let done =
                answers.get(&operation).into_iter().flatten().filter(|(status, _)| status.starts_with(wanted)).map(|(_, count)| count);
            if done.sum::<u32>() == 0 {
                idle.push(format!("{operation}: {:?}", answers.get(&operation)));
            }
        }
    }
    ensure!(idle.is_empty(), "operations that never did what they are for:\n{}", idle.join("\n"));
    Ok(())
}

/// Asks the API of a daemon whatever its document lets one ask.
fn ask(daemon: &Site, token: Option<&str>) -> Result<()> {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let headers: Vec<_> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    daemon.workplace.write("schemathesis.toml", &names(daemon, &headers)?)?;
    let python = std::env::var("TIDEGATE_TEST_PYTHON").context("TIDEGATE_TEST_PYTHON is not set: tests/run sets it")?;
    let program = Path::new(&python).with_file_name("schemathesis");
    ensure!(program.is_file(), "schemathesis is missing: tests/run installs it");
    let mut command = Command::new(program);
    command.args(["run", &format!("http://{}/api/openapi.json", daemon.address), "--checks", CHECKS]);
    // The same requests each time; links between operations would start runs without end.
    command.args([
        "--seed",
        "7",
        "--max-examples",
        "40",
        "--phases",
        "examples,coverage,fuzzing",
        "--no-color",
        "--suppress-health-check",
        "all",
    ]);
    command.args(bearer.iter().flat_map(|bearer| ["-H".to_owned(), format!("authorization: {bearer}")]));
    let said = command.current_dir(daemon.workplace.path()).output().context("start schemathesis")?;
    ensure!(
        said.status.success(),
        "schemathesis complains:\n{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    ensure!(http::get(daemon.address, "/healthz")?.status == 200, "the daemon is not well after it:\n{}", daemon.log());
    check_answers(daemon, &headers)
}

#[test]
fn the_api_answers_as_its_document_says() -> Result<()> {
    ask(&Site::of_olist("")?, None)
}

/// A token, and its SHA-256 for the daemon's file.
const TOKEN: (&str, &str) = ("a-token-that-nobody-guesses-0123456789", "234f606f4ee6e1f776af0f3d7ff259a6b9642c6824a2e496f04449b11d45eade");

#[test]
fn the_api_answers_as_its_document_says_to_those_who_hold_a_token() -> Result<()> {
    let daemon = Site::of_olist(&format!("[web.tokens.tests]\nrole = \"operator\"\nsha256 = \"{}\"", TOKEN.1))?;
    for path in ["pipelines", "pipelines/olist", "pipelines/olist/runs", "pipelines/olist/tasks", "tasks/none", "pipelines/none"] {
        let status = http::get(daemon.address, &format!("/api/v1/{path}"))?.status;
        ensure!(status == 401, "`{path}` answers {status} to those who hold no token");
    }
    for wrong in ["Bearer wrong", "Bearer ", "Basic eDp5", TOKEN.0] {
        let status = http::send(daemon.address, "GET", "/api/v1/pipelines", &[("authorization", wrong)], None)?.status;
        ensure!(status == 401, "the API answers {status} to `{wrong}`");
    }
    ask(&daemon, Some(TOKEN.0))
}
