//! Tests of the whole product, in one binary.

mod bad_input;
mod checks;
mod cli;
mod conformance_golden;
mod crash;
mod docs;
mod fuzz;
mod loads;
mod plans;
mod properties;
mod store;
mod tidy;
mod use_stats;
