//! One JSON object: its members in their order, their values as the file spells them.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A value of an object.
pub enum Value<'a> {
    /// `null`.
    Null,
    /// A string.
    Text(Cow<'a, str>),
    /// A number, true or false.
    Plain(&'a str),
    /// An object or an array.
    Nested(&'a str),
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What a member's value is, or why its text is broken.
pub fn value(raw: &RawValue) -> Result<Value<'_>, String> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'n') => Ok(Value::Null),
        Some(b'"') => match serde_json::from_str::<Text<'_>>(text) {
            Ok(Text(text)) => Ok(Value::Text(text)),
            Err(_) => Err("its string has a broken escape".to_owned()),
        },
        Some(b'{' | b'[') => Ok(Value::Nested(text)),
        _ => Ok(Value::Plain(text)),
    }
}

/// The members of an object in their order.
pub fn members(text: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, String> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err("not a JSON object".to_owned());
    }
    match serde_json::from_str::<Members<'_>>(text) {
        Ok(members) => Ok(members.0),
        Err(error) => Err(format!("not valid JSON: {error}, counted from where the record begins")),
    }
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> serde::de::Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    members.push((key, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The key whose value, or which itself, is not UTF-8.
pub fn broken_member(record: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(record);
    let found = members(&text).ok()?.into_iter().find(|(key, value)| key.contains('\u{fffd}') || value.get().contains('\u{fffd}'));
    found.map(|(key, _)| key.into_owned())
}
