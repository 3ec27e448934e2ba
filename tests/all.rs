//! Tests of the whole product, in one binary.

mod access_cli;
mod bad_input;
mod checks;
mod cli;
mod conformance_golden;
mod consumers;
mod crash;
mod distributed;
mod docs;
mod exactly_once;
mod fuzz;
mod http;
mod loads;
mod plans;
mod privacy;
mod properties;
mod stats_cli;
mod store;
mod tidy;
mod time_spent;
mod use_stats;
mod views;
