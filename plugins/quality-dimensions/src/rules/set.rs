//! `set`: values of a closed list. One measure per column, over the cells that are not null.

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result};

use super::{Check, Counted, Rule};
use crate::{
    config::{Literal, Names},
    members::Members,
    rows::Rows,
    stream::{Column, Family, Stream},
    tally::Tally,
};

/// Values of a closed list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// The column or columns, of any type but floats.
    pub column: Names,
    /// The values that pass. Texts are compared letter by letter, case included.
    pub values: Vec<Literal>,
    /// Counts for this dimension instead of validity.
    pub dimension: Option<Dimension>,
    /// What its measures are called, instead of `set`.
    pub name: Option<String>,
}

impl Rule for Options {
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
        let check = |name: &String| {
            let column = stream.column(name, Family::EXACT)?;
            let members = Members::new(&column, "values", &self.values)?;
            Ok(Counted::one([name], Listed { column, members }))
        };
        self.column.0.iter().map(check).collect()
    }
}

struct Listed {
    column: Column,
    members: Members,
}

impl Check for Listed {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally) {
        let array = rows.column(self.column.index);
        if self.column.family == Family::Text {
            return rows.judge_text(array, tally, |text| self.members.contains_text(text));
        }
        let cells = Members::lane(&self.column).read(array);
        rows.judge(array.nulls(), tally, |row| self.members.contains(&cells, row));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_sdk::arrow_array::{ArrayRef, BooleanArray, Date32Array, Decimal128Array, LargeStringArray, StringViewArray, UInt64Array};

    use crate::testing::{counts, floats, ints, problem, rows, texts};

    fn check(array: ArrayRef, values: &str) -> String {
        let found = counts(&format!(r#"{{"rules":[{{"kind":"set","column":"a","values":{values}}}]}}"#), &rows(vec![("a", array)]));
        found.concat().replace("validity set a ", "")
    }

    #[test]
    fn texts_of_every_layout_are_looked_up() {
        let cells = [Some("paid"), None, Some("Paid"), Some(""), Some("void")];
        let values = r#"["void","paid","open"]"#;
        assert_eq!(check(texts(cells), values), "2/4 1:3 1:4");
        assert_eq!(check(Arc::new(LargeStringArray::from(cells.to_vec())), values), "2/4 1:3 1:4");
        assert_eq!(check(Arc::new(StringViewArray::from(cells.to_vec())), values), "2/4 1:3 1:4");
    }

    #[test]
    fn other_types_are_looked_up() {
        assert_eq!(check(ints([Some(1), Some(2), None]), "[1,3]"), "1/2 1:2");
        assert_eq!(check(Arc::new(UInt64Array::from(vec![u64::MAX, 1])), "[18446744073709551615]"), "1/2 1:2");
        assert_eq!(check(Arc::new(BooleanArray::from(vec![true, false])), "[true]"), "1/2 1:2");
        assert_eq!(check(Arc::new(Date32Array::from(vec![0, 1])), r#"["1970-01-01"]"#), "1/2 1:2");
        let decimals = Decimal128Array::from(vec![150, 151]).with_precision_and_scale(5, 2).unwrap();
        assert_eq!(check(Arc::new(decimals), r#"[1.5]"#), "1/2 1:2");
    }

    #[test]
    fn values_of_another_type_are_refused() {
        let batch = rows(vec![("a", ints([Some(1)])), ("f", floats([Some(1.0)])), ("t", texts([None]))]);
        let said = |rule: &str| problem(&format!(r#"{{"rules":[{{"kind":"set",{rule}}}]}}"#), &batch);
        assert!(said(r#""column":"a","values":["x"]"#).contains(r#""x" does not suit column `a` of type Int64; write a number"#));
        assert!(said(r#""column":"a","values":[1.5]"#).contains("1.5 is not exactly a value of column `a` of type Int64"));
        assert!(said(r#""column":"t","values":[5]"#).contains("5 does not suit column `t` of type Utf8; write a text in quotes"));
        assert!(said(r#""column":"f","values":[1]"#).contains("column `f` is Float64; this rule reads texts"));
        assert!(said(r#""column":"a","values":[]"#).contains("`values` is empty; list at least one value"));
        assert!(said(r#""column":"zzz","values":[1]"#).contains("has no column `zzz`"));
    }
}
