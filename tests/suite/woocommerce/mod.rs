//! `source-woocommerce` in the real host, against a shop over real sockets: the tables hold what the shop holds.

mod lake;
mod payloads;
mod runs;
mod shop;
