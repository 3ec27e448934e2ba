//! The program's own log, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::args::LogFormat;

/// Starts the log with a filter such as `info` or `engine=debug`; a second start in one process changes nothing.
///
/// Directives that cannot be understood are left out, and a filter is never a reason to refuse a command.
pub(crate) fn start(filter: &str, format: LogFormat) {
    let filter = EnvFilter::builder().parse_lossy(filter);
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people.
    let log = log.with_ansi(std::io::stderr().is_terminal());
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
