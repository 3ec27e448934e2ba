//! The command line: noun, then verb.
//!
//! Data goes to standard output and everything else to standard error. The exit code says how it ended: see [`Exit`].

mod args;
mod console;
mod demo;
mod exit;
mod flags;
mod load;
mod log;
mod numbers;
mod open;
mod packaging;
mod progress;
mod prompt;
mod query;
mod sink;
mod sql;
mod store;
mod summary;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, FromArgMatches};
use engine::{Error, Lang};

pub use args::Cli;
use args::Command;
pub use console::Console;
pub use exit::Exit;
use exit::Failure;

/// Stack of the threads that plan queries: deep expressions recurse.
const STACK_BYTES: usize = 8 << 20;

/// Runs the program with these arguments (the first is its name) on the standard streams.
///
/// This is the only place that reads the clock of the calendar; below it, `now` is an argument.
pub fn main_with(args: impl Iterator<Item = OsString>) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    run(args, now, &mut Console::standard()).into()
}

/// Runs the program with these arguments on this console; `now` is in Unix seconds.
///
/// The language of the console is set from `--lang` and the environment.
pub fn run(args: impl Iterator<Item = OsString>, now: i64, console: &mut Console) -> Exit {
    let cli = match parse(args) {
        Ok(cli) => cli,
        Err(error) => return show_usage(&error, console),
    };
    console.set_lang(cli.globals.lang());
    log::start(cli.globals.log.as_deref());
    let result = runtime().map_err(Failure::from).and_then(|runtime| runtime.block_on(dispatch(cli, now, console)));
    let exit = match result {
        Ok(exit) => exit,
        // A reader that has seen enough, such as `head`, is no failure.
        Err(_) if console.is_broken() => return Exit::Done,
        Err(failure) => {
            console.failure(&failure);
            failure.exit()
        }
    };
    match console.flush() {
        Err(error) if !console.is_broken() => {
            console.failure(&Failure::from(Error::from(error)));
            Exit::Failed
        }
        _ => exit,
    }
}

fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let matches = Cli::command().try_get_matches_from(args)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    let from_environment = matches.value_source("store") == Some(clap::parser::ValueSource::EnvVariable);
    cli.globals.store_from_environment = from_environment;
    Ok(cli)
}

/// Help and version go to standard output and are no failure; mistakes go to standard error.
fn show_usage(error: &clap::Error, console: &mut Console) -> Exit {
    let lang = console.lang();
    if error.use_stderr() {
        console.note(&match lang {
            Lang::En => error.render().to_string().trim_end().to_owned(),
            Lang::Fr => format!("{}\n(--help pour l'aide)", error.render().to_string().trim_end()),
        });
        return Exit::Usage;
    }
    match console.data(&error.render().to_string()).and_then(|()| console.flush()) {
        Ok(()) => Exit::Done,
        Err(_) if console.is_broken() => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()?;
    Ok(runtime)
}

async fn dispatch(cli: Cli, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let globals = &cli.globals;
    match cli.command {
        Command::Demo => Box::pin(demo::run(globals, now, console)).await,
        Command::Load(args) => Box::pin(load::run(&args, globals, now, console)).await,
        Command::Query(args) => Box::pin(query::run(&args, globals, console)).await,
        Command::Store(args) => Box::pin(store::run(&args.verb, globals, now, console)).await,
        Command::Completions { shell } => packaging::completions(shell, console),
        Command::Man { out } => packaging::man(out.as_deref(), console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_captured(args: &[&str]) -> (Exit, String, String) {
        let (mut console, out, err) = Console::captured(Lang::En);
        let args = std::iter::once("assidu").chain(args.iter().copied()).map(OsString::from);
        let exit = run(args, 1_700_000_000, &mut console);
        (exit, out.text(), err.text())
    }

    #[test]
    fn declarations_of_the_commands_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_and_version_are_data() {
        let (exit, out, err) = run_captured(&["--help"]);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""));
        assert!(out.contains("load") && out.contains("query") && out.contains("store"));
        let (exit, out, _) = run_captured(&["--version"]);
        assert_eq!(exit, Exit::Done);
        assert!(out.starts_with("assidu "));
    }

    #[test]
    fn mistakes_in_the_arguments_exit_with_2() {
        for args in [
            &["laod"][..],
            &["load"],
            &["query", "--format", "yaml", "SELECT 1"],
            &["query", "--memory", "lots", "SELECT 1"],
            &["load", "x.csv", "--date-order", "dd/mm"],
            &["--lang", "de", "demo"],
            &["store", "vacuum", "--keep", "soon"],
        ] {
            let (exit, out, err) = run_captured(args);
            assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{args:?}: {err}");
            assert!(!err.is_empty());
        }
    }

    #[test]
    fn errors_speak_the_language_of_the_operator() {
        let (exit, _, err) = run_captured(&["--lang", "fr", "query", "--memory", "12 lots", "SELECT 1"]);
        assert_eq!(exit, Exit::Usage);
        assert!(err.starts_with("erreur : `--memory`"), "{err}");
        let (_, _, err) = run_captured(&["--lang", "en", "query", "--memory", "12 lots", "SELECT 1"]);
        assert!(err.starts_with("error: `--memory`"), "{err}");
    }

    #[test]
    fn a_missing_file_fails_before_anything_is_loaded() {
        let (exit, out, err) = run_captured(&["load", "no/such/file.csv"]);
        assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
        assert!(err.contains("no/such/file.csv"), "{err}");
    }

    #[test]
    fn the_command_line_wins_over_the_environment_wherever_it_stands() {
        let cli = parse(["assidu", "demo", "--store", "x"].into_iter().map(OsString::from)).unwrap();
        assert_eq!(cli.globals.store.as_deref(), Some("x"));
        assert!(!cli.globals.store_from_environment);
    }
}
