//! The outer ring: misbehaving guests, scenarios, tidiness of the tree. One binary, one link step.

mod examples;
mod faults;
mod guests;
mod postgres;
mod readers;
mod real_data;
mod scenarios;
mod tidy;
