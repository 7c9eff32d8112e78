//! SQL identifiers: a type that can only be shown quoted.

use std::fmt;

/// The bytes of a name that PostgreSQL keeps; it cuts the rest off without a word.
const MOST_BYTES: usize = 63;

/// The name of a schema, table, column or role.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ident(String);

/// A text that can't be a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can't be a name: {why}")]
pub struct NoName {
    /// The text.
    pub name: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Ident {
    /// Takes a text that PostgreSQL can keep as a name.
    pub fn new(name: &str) -> Result<Self, NoName> {
        let why = match name {
            "" => "it is empty",
            name if name.len() > MOST_BYTES => "PostgreSQL keeps 63 bytes of a name",
            name if name.contains('\0') => "it holds a zero byte",
            name => return Ok(Self(name.to_owned())),
        };
        Err(NoName { name: name.to_owned(), why })
    }

    /// The name itself, for comparisons and parameters, never for SQL.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The name with something before it, cut where it would be too long. For objects that last for one transaction.
    pub fn prefixed(&self, prefix: &str) -> Self {
        let mut name = format!("{prefix}{}", self.0);
        let end = (0..=name.len().min(MOST_BYTES)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        name.truncate(end);
        Self(name)
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\"\""))
    }
}

/// A table in its schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TableName {
    /// The schema; none for temporary tables.
    pub schema: Option<Ident>,
    /// The table.
    pub table: Ident,
}

impl TableName {
    /// A table of the session's own.
    pub fn temporary(table: Ident) -> Self {
        Self { schema: None, table }
    }

    /// Another table beside it.
    pub fn beside(&self, table: Ident) -> Self {
        Self { schema: self.schema.clone(), table }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => write!(f, "pg_temp.{}", self.table),
        }
    }
}

/// Names with something before each, separated by commas.
pub fn list<'n>(names: impl IntoIterator<Item = &'n Ident>, prefix: &str) -> String {
    names.into_iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ")
}

/// A text as a SQL literal.
pub fn literal(text: &str) -> String {
    // With a backslash in it, the form `E''` is the one that means the same under every setting.
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_only_shown_quoted() {
        let evil = Ident::new("a\"; drop table orders; --").unwrap();
        assert_eq!(evil.to_string(), "\"a\"\"; drop table orders; --\"");
        let table = TableName { schema: Some(Ident::new("public").unwrap()), table: evil };
        assert_eq!(table.to_string(), "\"public\".\"a\"\"; drop table orders; --\"");
    }

    #[test]
    fn names_that_would_be_cut_are_refused() {
        assert!(Ident::new(&"x".repeat(63)).is_ok());
        assert_eq!(Ident::new(&"x".repeat(64)).unwrap_err().why, "PostgreSQL keeps 63 bytes of a name");
        assert!(Ident::new("").is_err());
        assert_eq!(Ident::new(&"é".repeat(31)).unwrap().prefixed("ab").name().len(), 62);
    }

    #[test]
    fn literals_keep_quotes_and_backslashes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), " E'a\\\\''b'");
    }
}
