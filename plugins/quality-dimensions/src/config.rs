//! The plugin's config, as a pipeline writes it. The keys of a rule live in the rule's own file.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor, value::SeqAccessDeserializer},
};
use serde_json::Value;

use crate::{rules::RuleConfig, stream::nearest};

/// What to judge in a stream.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Columns whose values name a failing row in the samples, joined by `/`. Without them a row is named by where it came from, as
    /// `page:record`.
    #[serde(default)]
    pub key: Vec<String>,
    /// The rules, in the order in which their measures are reported.
    #[serde(deserialize_with = "numbered")]
    pub rules: Vec<RuleConfig>,
}

/// Reads rules one by one, so that a message says which one is wrong.
fn numbered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RuleConfig>, D::Error> {
    let rules = Vec::<Value>::deserialize(deserializer)?;
    rules
        .into_iter()
        .enumerate()
        .map(|(index, rule)| read(rule).map_err(|why| de::Error::custom(format!("rule {}{why}", index + 1))))
        .collect()
}

fn read(rule: Value) -> Result<RuleConfig, String> {
    let kind = rule.get("kind").and_then(Value::as_str).ok_or_else(|| format!(": `kind` is missing; it is one of {}", kinds()))?;
    if !RuleConfig::KINDS.contains(&kind) {
        let hint = nearest(kind, RuleConfig::KINDS.iter().copied());
        return Err(match hint {
            Some(near) => format!(": there is no kind `{kind}`; did you mean `{near}`?"),
            None => format!(": there is no kind `{kind}`; it is one of {}", kinds()),
        });
    }
    let label = format!(" (`{kind}`): ");
    serde_json::from_value(rule).map_err(|error| format!("{label}{error}"))
}

fn kinds() -> String {
    RuleConfig::KINDS.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(", ")
}

/// A column's name, or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names(pub Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Wanted;
        impl<'de> Visitor<'de> for Wanted {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column's name or a list of them")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![name.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, names: A) -> Result<Names, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(Names)
            }
        }
        deserializer.deserialize_any(Wanted)
    }
}

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
    }
}

/// A value in the config: a number, a text or a truth value; dates as `YYYY-MM-DD`, timestamps as RFC 3339.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Literal(pub Value);

impl JsonSchema for Literal {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Literal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["number", "string", "boolean"] })
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn problem(json: &str) -> String {
        serde_json::from_str::<Config>(json).expect_err("the config is wrong").to_string()
    }

    #[test]
    fn messages_name_the_rule_and_the_near_miss() {
        assert!(problem(r#"{"rules":[{"kind":"rang","column":"a"}]}"#).contains("rule 1: there is no kind `rang`; did you mean `range`?"));
        let found = problem(r#"{"rules":[{"kind":"required","columns":["a"]},{"kind":"range","colum":"a"}]}"#);
        assert!(found.contains("rule 2 (`range`): unknown field `colum`, expected one of `column`"), "{found}");
        assert!(problem(r#"{"rules":[{"column":"a"}]}"#).contains("rule 1: `kind` is missing; it is one of `required`"));
        assert!(problem(r#"{"rules":[{"kind":"range","column":7}]}"#).contains("a column's name or a list of them"));
        assert!(problem(r#"{"rules":[],"keys":[]}"#).contains("unknown field `keys`"));
        assert!(problem(r#"{"rules":[{"kind":"range","column":"a","dimension":"beauty"}]}"#).contains("unknown variant `beauty`"));
    }

    #[test]
    fn the_published_schema_knows_every_kind_and_no_other_key() {
        let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
        let kinds = schema["$defs"]["RuleConfig"]["oneOf"].as_array().expect("one schema per kind");
        assert_eq!(kinds.len(), crate::rules::RuleConfig::KINDS.len());
        for (schema, kind) in kinds.iter().zip(crate::rules::RuleConfig::KINDS) {
            assert_eq!(schema["properties"]["kind"]["const"], *kind, "{schema:#}");
            assert_eq!(schema["additionalProperties"], false, "{schema:#}");
            assert!(schema["description"].is_string(), "{schema:#}");
            let properties = schema["properties"].as_object().unwrap();
            assert!(properties.contains_key("dimension") && properties.contains_key("name"), "{schema:#}");
            for (key, property) in properties.iter().filter(|(key, _)| *key != "kind") {
                assert!(property["description"].is_string(), "`{key}` of `{kind}` is undocumented");
            }
        }
    }
}
