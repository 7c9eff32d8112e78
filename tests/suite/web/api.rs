//! The JSON API of the real daemon, asked thousands of things that its own document allows or forbids.
//!
//! What always holds here: schemathesis (PyPI, installed by `tests/run`) makes requests from `/api/openapi.json` and finds no server error, no
//! status, content type or body that the document does not describe, and nothing wrong that is taken for right.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use tidegate_tests::{http, site::Site};

/// What is looked at. Left out is `positive_data_acceptance`: a text that is no time fits the type of a time, and is refused in words;
/// and `ignored_auth`, whose requests without a token carry the one of the command line all the same.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,negative_data_rejection,\
                      missing_required_header,unsupported_method";

/// Asks the API of a daemon whatever its document lets one ask.
fn ask(daemon: &Site, token: Option<&str>) -> Result<()> {
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
    command.args(token.iter().flat_map(|token| ["-H".to_owned(), format!("authorization: Bearer {token}")]));
    let said = command.current_dir(daemon.workplace.path()).output().context("start schemathesis")?;
    ensure!(
        said.status.success(),
        "schemathesis complains:\n{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    ensure!(http::get(daemon.address, "/healthz")?.status == 200, "the daemon is not well after it:\n{}", daemon.log());
    Ok(())
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
