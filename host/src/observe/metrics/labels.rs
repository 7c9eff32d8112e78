//! The labels of the metrics. Their values are names of a pipeline's own things, so there are few.

use prometheus_client::encoding::EncodeLabelSet;

/// A set of labels: one struct per set, all made alike.
macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($label:ident),+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
            pub(super) struct $name {
                $(pub $label: String,)+
            }

            impl $name {
                pub fn new($($label: &str),+) -> Self {
                    Self { $($label: $label.to_owned()),+ }
                }
            }
        )+
    };
}

labels! {
    /// The program.
    Build { version }
    /// A pipeline.
    Pipeline { pipeline }
    /// How a pipeline's run ended.
    Ended { pipeline, outcome }
    /// A stage of a pipeline's runs.
    Staged { pipeline, stage }
    /// Rows of a stream, and what became of them.
    StreamRows { pipeline, stream, what }
    /// A stream.
    Stream { pipeline, stream }
    /// Rows of a table, and what became of them.
    TableRows { pipeline, table, what }
    /// A table.
    Table { pipeline, table }
    /// A dimension of a stream's quality.
    Quality { pipeline, stream, dimension }
    /// A source.
    Source { pipeline, source }
    /// What became of messages to a channel.
    Alert { pipeline, channel, kind, outcome }
}
