//! The program `assidu`: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::main_with(std::env::args_os())
}
