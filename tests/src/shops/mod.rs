//! Fake shops: servers that behave as the makers' own do where it matters to whoever reads them, over a [`Wire`](crate::wire::Wire).
//!
//! One file, or folder, per shop.

pub mod plain;
pub mod shopify;
pub mod stripe;
pub mod woocommerce;
