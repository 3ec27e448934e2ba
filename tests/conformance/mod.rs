//! Golden cases: recorded inputs, requests and answers of other programs, asked of the engine.

mod aggregate;
mod case;
mod classic;
mod data;
mod diff;
mod operations;
mod peers;
mod rpc;
mod service;
mod views;
mod ws;
mod ws_access;
mod ws_compare;
mod ws_etl;
mod ws_figures;

pub use diff::Report;
pub use operations::use_stats;
pub use peers::{Steps, peers};
pub use ws::ws;
