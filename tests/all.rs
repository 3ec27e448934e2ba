//! Tests of the whole product, in one binary.

mod bad_input;
mod crash;
mod docs;
mod loads;
mod plans;
mod store;
mod tidy;
