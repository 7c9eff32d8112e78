//! The outer ring: misbehaving guests, scenarios, tidiness of the tree. One binary, one link step.

mod guests;
mod scenarios;
mod tidy;
