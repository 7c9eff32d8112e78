//! `pattern`: texts that match a regular expression as a whole. One measure per column, over the cells that are not null.

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Failure, Result};

use super::{Check, Counted, Rule};
use crate::{
    config::Names,
    rows::Rows,
    stream::{Family, Stream},
    tally::Tally,
};

/// Texts that match a regular expression.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns: texts.
    pub column: Names,
    /// The regular expression, in the syntax of Rust's `regex` crate; the whole cell must match. `\d` takes digits of every script,
    /// `[0-9]` those of ASCII.
    pub regex: String,
    /// Counts for this dimension instead of conformity.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `pattern`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        // Compiled alone first: a stray bracket must not pair with those around the whole.
        let wrong = |error: regex::Error| Failure::config(format!("`regex` can't be read: {error}"));
        Regex::new(&self.regex).map_err(wrong)?;
        // The second attempt is for a comment at the end, as `(?x)` allows: a line break closes it.
        let whole = |end: &str| Regex::new(&format!("\\A(?:{}{end})\\z", self.regex));
        let regex = whole("").or_else(|_| whole("\n")).map_err(wrong)?;
        let check = |name: &String| {
            let column = stream.column(name, &[Family::Text])?.index;
            Ok(Counted::one([name], Matching { column, regex: regex.clone() }))
        };
        self.column.0.iter().map(check).collect()
    }
}

struct Matching {
    column: usize,
    regex: Regex,
}

impl Check for Matching {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        rows.judge_text(rows.column(self.column), tally, |text| self.regex.is_match(text));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{counts, ints, problem, rows, texts};

    fn check(regex: &str, cells: Vec<Option<&str>>) -> String {
        let config = serde_json::json!({ "rules": [{ "kind": "pattern", "column": "a", "regex": regex }] }).to_string();
        counts(&config, &rows(vec![("a", texts(cells))])).concat().replace("conformity pattern a ", "")
    }

    #[test]
    fn the_whole_cell_matches() {
        assert_eq!(check("[a-z]+|[0-9]{2}", vec![Some("abc"), Some("12"), Some("123"), None, Some("abc\n"), Some("")]), "2/5 1:3 1:5 1:6");
        assert_eq!(check(r"(?i)\d{2}-é\p{L}", vec![Some("12-ÉX"), Some("12-e1")]), "1/2 1:2");
        assert_eq!(check("(?x) ab # letters", vec![Some("ab"), Some("abc")]), "1/2 1:2");
    }

    #[test]
    fn a_broken_expression_is_refused() {
        let batch = rows(vec![("a", texts([Some("x")])), ("i", ints([Some(1)]))]);
        assert!(problem(r#"{"rules":[{"kind":"pattern","column":"a","regex":"x)(y"}]}"#, &batch).contains("`regex` can't be read: "));
        assert!(
            problem(r#"{"rules":[{"kind":"pattern","column":"i","regex":"x"}]}"#, &batch)
                .contains("column `i` is Int64; this rule reads texts")
        );
        assert!(problem(r#"{"rules":[{"kind":"pattern","column":"b","regex":"x"}]}"#, &batch).contains("no column `b`"));
    }
}
