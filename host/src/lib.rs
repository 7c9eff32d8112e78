//! tidegate: an ETL host in one binary.
//!
//! Data flows through only when the gate says so. Sources, transforms and quality rules are WebAssembly components in a sandbox that hand
//! Arrow record batches to the host; the host extracts, archives, gates, loads and shows.

pub mod build;
pub mod cli;
pub mod config;
pub mod engine;
pub mod error;
pub mod flow;
pub mod notify;
pub mod observe;
pub mod quarantine;
pub mod sample;
pub mod schedule;
pub mod state;
pub mod warehouse;
pub mod web;

pub use tidegate_sandbox::{contract, egress, lineage, plugin, quality};
