//! The reader against a shop of fixtures, natively: no network, the server's time is what a test says.

mod deletions;
mod faults;
mod rows;
mod shelf;
mod windows;
