//! The server: what surrounds the routes.

mod app;
mod metrics;
mod observe;
mod problem;
mod rate;
mod request;
mod serve;

pub use app::{App, Clock};
pub use metrics::Metrics;
pub(crate) use observe::{CallerAddress, RequestId, observe};
pub use problem::{ParameterFault, Problem};
pub(crate) use problem::{language, preferences};
pub(crate) use request::{origin, secret};
pub use serve::{Server, Signals};
