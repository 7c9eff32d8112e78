//! Where tables go.
//!
//! - [`lake`]: the embedded default, Delta Lake tables in a folder; nothing to install.

pub mod lake;
