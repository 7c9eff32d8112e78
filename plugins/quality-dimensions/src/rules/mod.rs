//! The registry of rule kinds: one line per kind, one file per kind.
//!
//! A kind is a file with `Options`, its keys in the config, which implement [`Rule`]; each check that it makes gives one measure.

mod format;
mod freshness;
mod implies;
mod length;
mod ordering;
mod pattern;
mod plausible;
mod range;
mod reference;
mod reference_value;
mod required;
mod set;
mod sum_equals;
mod unique;

use schemars::JsonSchema;
use serde::Deserialize;
use tidegate_sdk::{Dimension, Result};

use crate::{
    rows::Rows,
    state::{Reader, Writer},
    stream::Stream,
    tally::Tally,
};

/// The keys of a rule kind.
pub trait Rule {
    /// Looks its columns up and says what to count.
    fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>>;
}

/// A check with the columns that its measure names.
pub struct Counted {
    pub columns: Vec<String>,
    pub check: Box<dyn Check>,
}

impl Counted {
    pub fn one(columns: impl IntoIterator<Item = impl Into<String>>, check: impl Check + 'static) -> Self {
        Self { columns: columns.into_iter().map(Into::into).collect(), check: Box::new(check) }
    }
}

/// Counts into one tally, batch by batch.
pub trait Check {
    fn observe(&mut self, rows: &Rows<'_>, tally: &mut Tally);

    /// Hands to the host what was gathered from a batch.
    fn hand_over(&mut self) -> Result<()> {
        Ok(())
    }

    /// Writes what it knows beyond its tally.
    fn save(&self, _out: &mut Writer) {}

    /// Adds what [`Check::save`] wrote elsewhere.
    fn merge(&mut self, _input: &mut Reader<'_>) -> Result<()> {
        Ok(())
    }

    /// Brings the tally up to date before anyone sees it. May be called again, also after more rows.
    fn settle(&mut self, _tally: &mut Tally) -> Result<()> {
        Ok(())
    }
}

macro_rules! registry {
    ($($(#[doc = $doc:literal])+ $kind:literal $variant:ident $module:ident $dimension:ident;)+) => {
        /// A rule: its kind, and that kind's keys.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(tag = "kind")]
        pub enum RuleConfig {
            $($(#[doc = $doc])+ #[serde(rename = $kind)] $variant($module::Options),)+
        }

        impl RuleConfig {
            /// All kinds, as the config writes them.
            pub const KINDS: &[&str] = &[$($kind),+];

            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind),+ }
            }

            /// What its measures are called: its own name, otherwise its kind.
            pub fn name(&self) -> &str {
                match self { $(Self::$variant(options) => options.name.as_deref().unwrap_or($kind)),+ }
            }

            pub fn dimension(&self) -> Dimension {
                match self { $(Self::$variant(options) => options.dimension.unwrap_or(Dimension::$dimension)),+ }
            }

            pub fn checks(&self, stream: &Stream<'_>) -> Result<Vec<Counted>> {
                match self { $(Self::$variant(options) => options.checks(stream)),+ }
            }
        }
    };
}

registry! {
    /// Cells that are present (completeness).
    "required" Required required Completeness;
    /// Numbers, dates or timestamps inside bounds (validity).
    "range" Range range Validity;
    /// Values of a closed list (validity).
    "set" Set set Validity;
    /// Texts that match a regular expression as a whole (conformity).
    "pattern" Pattern pattern Conformity;
    /// Texts in a named format (conformity).
    "format" Format format Conformity;
    /// Texts of a certain length (conformity).
    "length" Length length Conformity;
    /// Rows whose columns are in ascending order (consistency).
    "ordering" Ordering ordering Consistency;
    /// Rows in which two sums agree (consistency).
    "sum_equals" SumEquals sum_equals Consistency;
    /// Rows in which one condition brings another (consistency).
    "implies" Implies implies Consistency;
    /// Dates or timestamps close enough to the run's logical time (timeliness).
    "freshness" Freshness freshness Timeliness;
    /// Rows whose key is the first of its kind (uniqueness).
    "unique" Unique unique Uniqueness;
    /// Numbers, dates or timestamps inside what is plausible (accuracy).
    "plausible" Plausible plausible Accuracy;
    /// References that a left join resolved (integrity).
    "reference" Reference reference Integrity;
    /// Values that agree with those of a joined reference (accuracy).
    "reference_value" ReferenceValue reference_value Accuracy;
}
