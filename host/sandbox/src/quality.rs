//! The words of data quality that every part of the host shares: dimension, measure, score.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The eight dimensions of data quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dimension {
    /// Required cells that are present.
    Completeness,
    /// Values inside their type, range or set.
    Validity,
    /// Rows whose columns agree with each other.
    Consistency,
    /// Rows that arrived within the freshness the stream promises.
    Timeliness,
    /// Rows whose key is the first of its kind.
    Uniqueness,
    /// Values that agree with a reference or lie inside a plausible range.
    Accuracy,
    /// Values in their declared format.
    Conformity,
    /// References that resolve.
    Integrity,
}

impl Dimension {
    /// All of them, in the order in which people read them.
    pub const ALL: [Self; 8] = [
        Self::Completeness,
        Self::Validity,
        Self::Consistency,
        Self::Timeliness,
        Self::Uniqueness,
        Self::Accuracy,
        Self::Conformity,
        Self::Integrity,
    ];

    /// The least score in percent that the gate asks for where a pipeline says nothing.
    pub fn default_floor(self) -> f64 {
        match self {
            Self::Completeness | Self::Accuracy => 90.0,
            Self::Validity | Self::Conformity => 85.0,
            Self::Consistency | Self::Uniqueness => 95.0,
            Self::Timeliness => 80.0,
            Self::Integrity => 100.0,
        }
    }

    /// Its name as pipelines and tables write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::Validity => "validity",
            Self::Consistency => "consistency",
            Self::Timeliness => "timeliness",
            Self::Uniqueness => "uniqueness",
            Self::Accuracy => "accuracy",
            Self::Conformity => "conformity",
            Self::Integrity => "integrity",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a rule counted in one stream of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// The stream.
    pub stream: String,
    /// The plugin that counted, as `name@version`.
    pub plugin: String,
    /// The dimension it speaks of.
    pub dimension: Dimension,
    /// The rule's name.
    pub rule: String,
    /// The columns it looked at.
    pub columns: Vec<String>,
    /// How many cells or rows passed.
    pub passed: u64,
    /// How many were looked at.
    pub total: u64,
    /// Keys of some rows that failed.
    pub samples: Vec<String>,
    /// Whether the failed rows were rejected: such a row was looked at by all rules of its plugin together, and counts once.
    #[serde(default)]
    pub rejects: bool,
}
