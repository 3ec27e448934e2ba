//! The program's own log, on standard error.

use tracing_subscriber::EnvFilter;

/// What is logged when nothing else is asked for.
const DEFAULT_FILTER: &str = "warn";

/// Starts the log with a filter such as `info` or `engine=debug`; a second start in one process changes nothing.
///
/// Directives that cannot be understood are left out, and a filter is never a reason to refuse a command.
pub(crate) fn start(filter: Option<&str>) {
    let filter = EnvFilter::builder().parse_lossy(filter.unwrap_or(DEFAULT_FILTER));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
