//! The program itself, for tests that need it in a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main_with(std::env::args_os())
}
