//! Requests to the shop's REST API, and what is wrong where they fail.

use serde_json::{Value, value::RawValue};
use tidegate_sdk::{
    Failure, Result,
    http::{self, Request, Response},
    log,
};

use crate::config::Config;

/// A shop that can be asked.
#[derive(Debug, Clone)]
pub struct Shop {
    root: String,
    credential: String,
}

/// The parameters of a request.
pub type Parameters = Vec<(&'static str, String)>;

/// A record.
pub struct Record {
    /// Its id, above 0.
    pub id: u64,
    /// Its JSON text as it came.
    pub text: Box<RawValue>,
    /// The same as a value.
    pub value: Value,
}

/// A page of a list.
pub struct Listed {
    /// Its records.
    pub records: Vec<Record>,
    /// How many records the whole list has, where the shop says so.
    pub total: Option<usize>,
    /// The number of the archived page.
    pub page: u32,
}

/// One record, or that there is none.
pub struct Found {
    /// The record; none where the shop says that there is no such id.
    pub record: Option<Record>,
    /// The number of the archived page.
    pub page: u32,
}

impl Shop {
    /// The shop that the config names.
    pub fn new(config: &Config) -> Self {
        let root = format!("{}/wp-json/wc/v3", config.url.trim_end_matches('/'));
        Self { root, credential: config.credential.clone() }
    }

    /// What the shop's clock says, in seconds since 1970-01-01T00:00:00Z.
    pub fn now(&self, fresh: bool) -> Result<i64> {
        let request = self.request("orders").query("per_page", 1).query("_fields", "id");
        let request = if fresh { request.fresh() } else { request };
        let mut answer = expect_api(request.send()?)?;
        // A page for people, of a login or a maintenance, has a status of 200 too.
        answer.json::<Vec<Value>>()?;
        answer.date().ok_or_else(|| Failure::bad_data("the shop's answers have no header `Date`, so there is no time to go on from"))
    }

    /// A page of the list at `path`.
    pub fn list(&self, path: &str, parameters: &Parameters, fresh: bool) -> Result<Listed> {
        let answer = self.ask(path, parameters, fresh)?;
        if answer.status() == 400 && parameters.iter().any(|(name, value)| *name == "status" && value == "trash") {
            log::info(format!("this WooCommerce has no list of the bin of `{path}`: what lies there is found by the sweep"));
            return Ok(Listed { records: Vec::new(), total: Some(0), page: answer.page() });
        }
        let mut answer = expect_api(answer)?;
        let total = answer.header("x-wp-total").and_then(|total| total.trim().parse().ok());
        let page = answer.page();
        let records: Vec<Box<RawValue>> = answer.json()?;
        let records = records.into_iter().map(|text| Record::read(text, path, page)).collect::<Result<_>>()?;
        Ok(Listed { records, total, page })
    }

    /// The record at `path`.
    pub fn find(&self, path: &str, fresh: bool) -> Result<Found> {
        let mut answer = self.ask(path, &Vec::new(), fresh)?;
        let page = answer.page();
        if !matches!(answer.status(), 404 | 410) {
            let record = Record::read(expect_api(answer)?.json()?, path, page)?;
            return Ok(Found { record: Some(record), page });
        }
        // Also a site that is being moved, or has lost its rules for addresses, answers 404: only the API's own word counts.
        let said: Value = answer.json()?;
        if said["code"].as_str().is_some_and(|code| code.ends_with("invalid_id")) {
            return Ok(Found { record: None, page });
        }
        Err(Failure::unavailable(format!("the shop answered 404 to `{path}` in words that are not WooCommerce's")))
    }

    fn ask(&self, path: &str, parameters: &Parameters, fresh: bool) -> Result<Response> {
        let mut request = self.request(path);
        for (name, value) in parameters {
            request = request.query(name, value);
        }
        if fresh { request.fresh().send() } else { request.send() }
    }

    /// Pages are named after their collection, whatever stream reads them: streams share them.
    fn request(&self, path: &str) -> Request {
        let collection = path.rsplit('/').find(|part| part.bytes().any(|byte| byte.is_ascii_alphabetic())).unwrap_or(path);
        http::get(format!("{}/{path}", self.root)).credential(&self.credential).stream(collection)
    }
}

impl Record {
    fn read(text: Box<RawValue>, path: &str, page: u32) -> Result<Self> {
        // The text was read as JSON already.
        let value: Value = serde_json::from_str(text.get()).unwrap_or_default();
        match value["id"].as_u64() {
            Some(id) if id > 0 => Ok(Self { id, text, value }),
            _ => Err(Failure::bad_data(format!("a record of `{path}` (page {page}) has no id"))),
        }
    }
}

impl Listed {
    /// The ids of its records.
    pub fn ids(&self) -> Vec<u64> {
        self.records.iter().map(|record| record.id).collect()
    }
}

/// An answer of the API, as opposed to one of the site around it.
fn expect_api(answer: Response) -> Result<Response> {
    match answer.status() {
        404 => Err(Failure::config(format!(
            "the site has no WooCommerce REST API at `{}`: look at `url`, and set WordPress' permalinks to anything but `plain`",
            answer.path()
        ))),
        _ => answer.success(),
    }
}
