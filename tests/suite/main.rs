//! The outer ring: misbehaving guests, scenarios, tidiness of the tree. One binary, one link step.

mod faults;
mod guests;
mod readers;
mod real_data;
mod scenarios;
mod tidy;
