//! What a plugin runs in and what it can reach: contract, instances with their limits, granted files and requests, and the archive that
//! everything passes on its way in.
//!
//! A crate of its own, because it is compiled with full optimisation: here the bytes of a run are copied across the sandbox, unpacked,
//! packed, hashed and searched for secrets. It is the host's lower half and knows nothing of pipelines, stages or warehouses.

pub mod config;
pub mod contract;
pub mod egress;
pub mod error;
pub mod lineage;
pub mod plugin;
pub mod quality;
