//! The outer ring: misbehaving guests, scenarios, replays, tidiness of the tree. One binary, one link step.

mod alerts;
mod desk;
mod egress;
mod egress_faults;
mod examples;
mod faults;
mod guests;
mod history;
mod keys;
mod observe;
mod postgres;
mod readers;
mod real_data;
mod replay;
mod scenarios;
mod schedule;
mod shop_to_star;
mod shopify;
mod stripe;
mod stripe_api;
mod tidy;
mod web;
mod wire;
mod woocommerce;
