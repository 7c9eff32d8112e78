//! Rules, and the verdict over the rows of a batch.

use tidegate_sdk::{
    Output,
    arrow_array::{ArrayRef, BooleanArray, RecordBatch},
    arrow_select::filter::FilterBuilder,
    prelude::*,
};

/// A rule as a table lists it.
pub struct RuleText {
    /// Unique in its table; the same name means the same in every table.
    pub name: &'static str,
    /// What a violation counts against.
    pub dimension: Dimension,
    /// The columns it looks at, by the names of [`crate::tables::Definition::columns`]; none for the whole row.
    pub columns: &'static [&'static str],
    /// Why a row that breaks it is rejected.
    pub reason: &'static str,
}

impl RuleText {
    /// The rule as the host sees it, with the columns as the input calls them.
    pub fn named(&self, name_in_input: impl Fn(&str) -> String) -> Rule {
        Rule {
            name: self.name.to_owned(),
            dimension: self.dimension,
            columns: self.columns.iter().map(|column| name_in_input(column)).collect(),
            reason: self.reason.to_owned(),
        }
    }
}

/// A rule's place in its table's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleIndex(pub u8);

/// Writes a table's rules down once: as `RULES`, the list that is declared, and as `Rule`, whose members are the places in it.
macro_rules! rules {
    ($($member:ident: $name:literal, $dimension:ident, $columns:expr, $reason:literal;)*) => {
        /// The places of the rules in `RULES`.
        #[derive(Debug, Clone, Copy)]
        #[repr(u8)]
        #[expect(dead_code, reason = "the sheet itself speaks of `row-blank`, by its place")]
        enum Rule { $($member),* }

        impl From<Rule> for $crate::rules::RuleIndex {
            fn from(rule: Rule) -> Self {
                Self(rule as u8)
            }
        }

        /// The rules in the order in which they count.
        const RULES: &[$crate::rules::RuleText] = &[$($crate::rules::RuleText {
            name: $name,
            dimension: tidegate_sdk::Dimension::$dimension,
            columns: &$columns,
            reason: $reason,
        }),*];
    };
}
pub(crate) use rules;

/// The first rule of the list that each row of a batch breaks.
pub struct Verdict {
    broken: Vec<u8>,
    /// Whether a row breaks a rule: the clean batch is the usual one, and needs no filter.
    any: bool,
}

const KEPT: u8 = u8::MAX;

impl Verdict {
    /// All of `rows` are kept so far.
    pub fn new(rows: usize) -> Self {
        Self { broken: vec![KEPT; rows], any: false }
    }

    /// Says that `row` breaks `rule`. An earlier rule of the list stands, a later one gives way.
    pub fn reject(&mut self, row: usize, rule: impl Into<RuleIndex>) {
        let RuleIndex(rule) = rule.into();
        let broken = &mut self.broken[row];
        *broken = rule.min(*broken);
        self.any = true;
    }

    /// Whether `row` breaks no rule so far.
    pub fn keeps(&self, row: usize) -> bool {
        self.broken[row] == KEPT
    }

    /// The rows that break `rule` first.
    pub fn rejected_by(&self, RuleIndex(rule): RuleIndex) -> Vec<usize> {
        let rows = if self.any { self.broken.as_slice() } else { &[] };
        rows.iter().enumerate().filter(|(_, broken)| **broken == rule).map(|(row, _)| row).collect()
    }

    /// The accepted rows of `columns` with their origin, and the rejected ones.
    pub fn output(&self, schema: &SchemaRef, mut columns: Vec<ArrayRef>, origin: &ArrayRef) -> Result<Output> {
        columns.push(origin.clone());
        if !self.any {
            return Ok(Output { accepted: Some(RecordBatch::try_new(schema.clone(), columns)?), ..Output::default() });
        }
        let mut rejected = Rejections::default();
        for (row, rule) in self.broken.iter().enumerate().filter(|(_, rule)| **rule != KEPT) {
            rejected.reject(usize::from(*rule), row);
        }
        let kept = BooleanArray::from_unary(&tidegate_sdk::arrow_array::UInt8Array::from(self.broken.clone()), |rule| rule == KEPT);
        let filter = FilterBuilder::new(&kept).optimize().build();
        let columns = columns.iter().map(|column| filter.filter(column)).collect::<Result<Vec<_>, _>>()?;
        Ok(Output { accepted: Some(RecordBatch::try_new(schema.clone(), columns)?), rejected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_of_the_list_counts() {
        let mut verdict = Verdict::new(3);
        verdict.reject(1, RuleIndex(7));
        verdict.reject(1, RuleIndex(2));
        verdict.reject(1, RuleIndex(5));
        assert_eq!(verdict.rejected_by(RuleIndex(2)), [1]);
        assert!(verdict.keeps(0) && !verdict.keeps(1));
    }
}
