//! A transform that passes its bytes through, or hands over Arrow IPC that is none: one file per way to do so.

mod broken_ipc;
mod bytes_after_the_end;
mod compressed;
mod contradicting_rows;
mod endless_rows;
mod message;
mod negative_rows;
mod two_schemas;
mod wrong_rows;

use exports::tidegate::plugin::transform::{Guest, GuestTransformer, Pushed, Shape, Transformer};
use tidegate::plugin::types::{Context, Distribution, Failure, FailureKind, Manifest};

wit_bindgen::generate!({ path: "../../../wit", world: "transform-plugin" });

struct Component;

/// The config's `misbehave`; empty where it behaves.
struct Work(String);

impl Guest for Component {
    type Transformer = Work;

    fn describe() -> Manifest {
        Manifest {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
            licence: env!("CARGO_PKG_LICENSE").into(),
            summary: env!("CARGO_PKG_DESCRIPTION").into(),
            config_schema: r#"{ "type": "object" }"#.into(),
            grants: Vec::new(),
        }
    }

    fn output_schema(_: String, _: Context, input: Vec<u8>) -> Result<Shape, Failure> {
        Ok(Shape { schema: input, primary_key: Vec::new(), distribution: Distribution::Any, rules: Vec::new() })
    }

    fn open(config: String, _: Context, _: Vec<u8>) -> Result<Transformer, Failure> {
        let config: serde_json::Value = serde_json::from_str(&config).map_err(failure)?;
        Ok(Transformer::new(Work(config["misbehave"].as_str().unwrap_or_default().to_owned())))
    }
}

impl GuestTransformer for Work {
    fn push(&self, batch: Vec<u8>) -> Result<Pushed, Failure> {
        let accepted = match self.0.as_str() {
            "" => batch,
            "broken_ipc" => broken_ipc::bytes(),
            "bytes_after_the_end" => bytes_after_the_end::bytes(batch),
            "compressed" => compressed::bytes(&batch),
            "contradicting_rows" => contradicting_rows::bytes(&batch),
            "endless_rows" => endless_rows::bytes(&batch),
            "negative_rows" => negative_rows::bytes(&batch),
            "two_schemas" => two_schemas::bytes(&batch),
            "wrong_rows" => wrong_rows::bytes(&batch),
            other => return Err(failure(format!("there is no misbehaviour `{other}`"))),
        };
        Ok(Pushed { accepted: Some(accepted), rejected: Vec::new() })
    }

    fn finish(&self) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }
}

/// The first message of a stream: marker and length, four bytes each, then the schema.
fn schema_message(stream: &[u8]) -> &[u8] {
    let length = u32::from_le_bytes([stream[4], stream[5], stream[6], stream[7]]) as usize;
    &stream[..8 + length]
}

fn failure(error: impl ToString) -> Failure {
    Failure { kind: FailureKind::Config, message: error.to_string() }
}

export!(Component);
