//! The JSON Schema of a pipeline file, for editors. `docs/pipeline.schema.json` holds a copy; a test fails when they differ.

use serde_json::{Value, json};

use super::Pipeline;
use crate::quality::Dimension;

/// The JSON Schema of [`Pipeline`] as indented JSON with a line feed at its end.
pub fn pipeline_schema() -> String {
    let mut schema = schemars::schema_for!(Pipeline).to_value();
    // schemars lets a map have any key, whatever the type of its keys.
    for map in ["floors", "weights"] {
        if let Some(map) = schema.pointer_mut(&format!("/$defs/Gate/properties/{map}")).and_then(Value::as_object_mut) {
            map.insert("propertyNames".to_owned(), json!({ "enum": Dimension::ALL }));
        }
    }
    format!("{schema:#}\n")
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use super::*;

    const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/pipeline.schema.json");

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let made = pipeline_schema();
        if env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
            fs::write(PUBLISHED, &made).unwrap();
        }
        let published = fs::read_to_string(PUBLISHED).unwrap_or_default().replace("\r\n", "\n");
        assert!(
            made == published,
            "docs/pipeline.schema.json is not the schema of host/src/config/pipeline.rs; this rewrites it: \
             UPDATE_EXPECT=1 cargo test -p tidegate published_schema"
        );
    }
}
