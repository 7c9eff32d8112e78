//! What is wrong with a page without looking at it: what its console says, and what axe finds (https://github.com/dequelabs/axe-core).
//!
//! The rules of axe come from PyPI's `axe-playwright-python`, which carries the file; no third party's file lies in the tree.

use std::{fmt, fs, process::Command, sync::OnceLock};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::json;

use super::Page;

/// How many of the places of a violation are shown.
const SHOWN: usize = 5;

/// What the browser complained about: an error of a script, a file that did not come, a breach of the page's policy for content.
#[derive(Debug, Deserialize)]
pub struct Complaint {
    /// `SEVERE`, `WARNING`, `INFO` or `DEBUG`.
    pub level: String,
    /// Where and what.
    pub message: String,
}

/// A rule that a page breaks.
#[derive(Debug, Deserialize)]
pub struct Violation {
    /// The rule.
    pub id: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: Option<String>,
    /// What the rule asks for.
    pub help: String,
    /// Where it is broken.
    nodes: Vec<Place>,
}

#[derive(Debug, Deserialize)]
struct Place {
    html: String,
    #[serde(rename = "failureSummary")]
    why: Option<String>,
}

impl Violation {
    /// Whether somebody is kept from using the page.
    pub fn is_serious(&self) -> bool {
        matches!(self.impact.as_deref(), Some("serious" | "critical"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.id, self.impact.as_deref().unwrap_or("no impact"), self.help)?;
        for place in self.nodes.iter().take(SHOWN) {
            write!(f, "\n    {}", place.html)?;
            for line in place.why.as_deref().unwrap_or_default().lines().skip(1) {
                write!(f, "\n      {}", line.trim())?;
            }
        }
        let more = self.nodes.len().saturating_sub(SHOWN);
        if more > 0 { write!(f, "\n    and {more} more") } else { Ok(()) }
    }
}

impl Page {
    /// What the console has said since it was last asked, but for what only informs.
    pub fn complaints(&self) -> Result<Vec<Complaint>> {
        let said: Vec<Complaint> = serde_json::from_value(self.session.post("se/log", &json!({ "type": "browser" }))?)?;
        Ok(said.into_iter().filter(|complaint| matches!(complaint.level.as_str(), "SEVERE" | "WARNING")).collect())
    }

    /// The rules for accessibility that the page breaks.
    pub fn violations(&self) -> Result<Vec<Violation>> {
        if self.session.script("return window.axe === undefined", &[])? == json!(true) {
            self.session.script(axe()?, &[])?;
        }
        let script = "const done = arguments[arguments.length - 1]; \
                      axe.run(document, {resultTypes: ['violations']}).then(r => done({found: r.violations}), e => done({error: String(e)}));";
        let mut answer = self.session.script_later(script, &[])?;
        ensure!(answer["error"].is_null(), "axe failed: {}", answer["error"]);
        serde_json::from_value(answer["found"].take()).context("read what axe found")
    }

    /// Everything that is wrong with the page that is shown: one text for each fault, none where there is none.
    pub fn faults(&self) -> Result<Vec<String>> {
        let mut faults: Vec<String> =
            self.complaints()?.iter().map(|complaint| format!("console: {} {}", complaint.level, complaint.message)).collect();
        faults.extend(self.violations()?.iter().filter(|violation| violation.is_serious()).map(|violation| format!("axe: {violation}")));
        let overflow = self.overflow()?;
        if overflow > 0 {
            faults.push(format!("the page is {overflow} pixels wider than its window"));
        }
        Ok(faults)
    }
}

/// The script of axe.
fn axe() -> Result<&'static str> {
    static SCRIPT: OnceLock<std::result::Result<String, String>> = OnceLock::new();
    SCRIPT.get_or_init(|| find_axe().map_err(|error| format!("{error:#}"))).as_deref().map_err(|error| anyhow::anyhow!("{error}"))
}

fn find_axe() -> Result<String> {
    let python =
        std::env::var("TIDEGATE_TEST_PYTHON").ok().context("TIDEGATE_TEST_PYTHON names no Python: run tests/run, which makes one")?;
    let ask = "import importlib.util as u; print(u.find_spec('axe_playwright_python').submodule_search_locations[0])";
    let output = Command::new(&python).args(["-c", ask]).output().with_context(|| format!("start `{python}`"))?;
    ensure!(output.status.success(), "`{python}` lacks axe-playwright-python: run tests/run, which installs it");
    let file = format!("{}/axe.min.js", String::from_utf8_lossy(&output.stdout).trim());
    fs::read_to_string(&file).with_context(|| format!("read `{file}`"))
}
