//! Sends the requests that its config names to get hold of credentials, and tells what it got by every door it has.

use tidegate_sdk::{
    arrow_array::{ArrayRef, Int64Array, StringArray},
    arrow_schema::{DataType, Field},
    http,
    prelude::*,
};

/// So few bytes at a time that a secret never comes in one piece.
const PIECE: u32 = 7;

/// A request that may bring a credential.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub struct Attempt {
    /// What the test calls it.
    name: String,
    url: String,
    #[serde(default)]
    method: Method,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    credential: Option<String>,
    /// The name of a stream, which becomes part of a page's name.
    #[serde(default)]
    stream: Option<String>,
    /// Whether a post may be repeated.
    #[serde(default)]
    idempotent: bool,
    /// Whether it only counts the body's bytes.
    #[serde(default)]
    counts: bool,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
enum Method {
    #[default]
    Get,
    Head,
    Post,
}

/// Where it tells what it got.
#[derive(Clone, Copy, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", crate = "tidegate_sdk::serde")]
#[schemars(crate = "tidegate_sdk::schemars")]
pub enum Door {
    /// In rows, records that can't be read, messages, the slice's label and the cursor.
    #[default]
    Rows,
    /// In the failure of a check.
    Check,
    /// In the failure of a reader.
    Reader,
    /// In a panic.
    Panic,
    /// In the name of a stream.
    StreamName,
    /// In the label of a slice.
    Label,
}

/// What an attempt brought, and the same so that nobody but the test can read it.
pub struct Loot {
    pub told: String,
    masked: String,
}

impl Attempt {
    pub fn run(&self) -> Loot {
        let told = match self.send() {
            Ok(told) => format!("GOT {told}"),
            Err(failure) => failure.message,
        };
        // What redacts texts on their way out must not be what saves the secret.
        let masked = told.bytes().map(|byte| format!("{:02x}", byte ^ 0x55)).collect();
        Loot { told, masked }
    }

    fn send(&self) -> Result<String> {
        let mut request = match self.method {
            Method::Get => http::get(&self.url),
            Method::Head => http::head(&self.url),
            Method::Post => http::post(&self.url),
        };
        request = self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        request = self.body.iter().fold(request, |request, body| request.body(body.as_str()));
        request = self.credential.iter().fold(request, |request, name| request.credential(name));
        request = self.stream.iter().fold(request, |request, stream| request.stream(stream));
        if self.idempotent {
            request = request.idempotent();
        }
        let mut response = request.send()?;
        let (mut body, mut bytes) = (Vec::new(), 0);
        loop {
            let piece = response.read(if self.counts { 1 << 20 } else { PIECE })?;
            bytes += piece.len();
            match piece.is_empty() {
                true => break,
                false if self.counts => {}
                false => body.extend(piece),
            }
        }
        if self.counts {
            return Ok(format!("{} with {bytes} bytes", response.status()));
        }
        let headers: Vec<_> = response.headers().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Ok(format!("{} [{}] {}", response.status(), headers.join(" | "), String::from_utf8_lossy(&body)))
    }
}

/// All that was got, in one text.
pub fn all(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("{}: {}", attempt.name, attempt.run().told)).collect::<Vec<_>>().join("\n")
}

pub fn schema() -> Schema {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Schema::new(vec![Field::new("id", DataType::Int64, false), text("attempt"), text("told"), text("masked")])
}

/// Everything by the doors that an open reader has.
pub fn pull(attempts: &[Attempt]) -> Result<Pulled> {
    let loot: Vec<_> = attempts.iter().map(Attempt::run).collect();
    let text = |of: fn(&Loot) -> &str| -> ArrayRef { std::sync::Arc::new(loot.iter().map(|loot| Some(of(loot))).collect::<StringArray>()) };
    let mut unread = Vec::new();
    for (number, (attempt, loot)) in (1..).zip(attempts.iter().zip(&loot)) {
        log::debug(&loot.told);
        log::info(&loot.told);
        log::warn(format!("{}: {}", attempt.name, loot.told));
        log::error(loot.told.chars().rev().collect::<String>());
        unread.push(Unread {
            origin: Origin::new(0, 1000 + number),
            rule: "loot".into(),
            dimension: Dimension::Validity,
            reason: loot.told.clone(),
            raw: loot.told.clone(),
        });
    }
    let names: StringArray = attempts.iter().map(|attempt| Some(attempt.name.as_str())).collect();
    let count = attempts.len() as i64;
    let columns: Vec<ArrayRef> = vec![
        std::sync::Arc::new((1..=count).collect::<Int64Array>()),
        std::sync::Arc::new(names),
        text(|loot| &loot.told),
        text(|loot| &loot.masked),
    ];
    let batch = Origin::attach(&schema(), columns, (1..=count as u64).map(|record| Origin::new(0, record).to_u64()).collect())?;
    let cursor = loot.iter().map(|loot| loot.told.as_str()).collect::<Vec<_>>().join("\n");
    Ok(Pulled { batch: Some(batch), unread, cursor: Some(cursor), bytes: 0 })
}
