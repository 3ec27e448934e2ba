//! The command line: noun, then verb.
//!
//! Data goes to standard output and everything else to standard error. The exit code says how it ended: see [`Exit`].

mod account;
mod args;
mod ask;
mod config;
mod console;
mod demo;
mod exit;
mod explain;
mod flags;
mod instance;
mod load;
mod log;
mod numbers;
mod open;
mod packaging;
mod policy;
mod progress;
mod prompt;
mod query;
mod serve;
mod sink;
mod sql;
mod stats;
mod store;
mod summary;
mod time_flags;
mod token;
mod view;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, FromArgMatches};
use engine::{Error, Lang};

pub use args::Cli;
use args::Command;
pub use console::Console;
pub use exit::Exit;
use exit::Failure;

/// Stack of the threads that plan queries: deep expressions recurse.
const STACK_BYTES: usize = 8 << 20;

/// How long the end of a command waits for work that nobody needs any more.
const PATIENCE: Duration = Duration::from_secs(1);

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
    let default = if matches!(cli.command, Command::Serve(_)) { "info" } else { "warn" };
    log::start(cli.globals.log.as_deref().unwrap_or(default), cli.globals.log_format);
    let result = work(cli, now, console);
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
    let from_environment = |flag| matches.value_source(flag) == Some(clap::parser::ValueSource::EnvVariable);
    cli.globals.store_from_environment = from_environment("store");
    cli.globals.config_from_environment = from_environment("config");
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

fn work(cli: Cli, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let runtime = runtime()?;
    let result = runtime.block_on(dispatch(cli, now, console));
    // A cancelled query ends where it looks up next, which may be far away; nobody waits for that.
    runtime.shutdown_timeout(PATIENCE);
    result
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
        Command::Query(args) => Box::pin(query::run(&args, globals, now, console)).await,
        Command::Stats(args) => Box::pin(stats::run(&args.verb, globals, now, console)).await,
        Command::Explain(args) => Box::pin(explain::run(&args.verb, globals, now, console)).await,
        Command::Policy(args) => policy::run(&args.verb, globals, console),
        Command::Serve(args) => Box::pin(serve::run(&args, globals, console)).await,
        Command::View(args) => Box::pin(view::run(&args.verb, globals, now, console)).await,
        Command::Instance(args) => Box::pin(instance::run(&args.verb, globals, now, console)).await,
        Command::Config(args) => config::run(&args.verb, globals, console),
        Command::Store(args) => Box::pin(store::run(&args.verb, globals, now, console)).await,
        Command::Account(args) => Box::pin(account::run(&args.verb, globals, now, console)).await,
        Command::Token(args) => Box::pin(token::run(&args.verb, globals, now, console)).await,
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

    /// Runs a command on a store in this folder.
    fn run_in(folder: &std::path::Path, args: &[&str]) -> (Exit, String, String) {
        let store = folder.join("store");
        let mut all = vec!["--store", store.to_str().unwrap()];
        all.extend(args);
        run_captured(&all)
    }

    #[test]
    fn a_file_is_loaded_asked_and_looked_after() {
        let folder = tempfile::tempdir().unwrap();
        let (users, out) = (folder.path().join("mdl_user.csv"), folder.path().join("out.json"));
        std::fs::write(&users, "id,username\n1,ann\n2,bob\nx,eve\n").unwrap();
        let run = |args: &[&str]| run_in(folder.path(), args);
        let (users, out) = (users.to_str().unwrap(), out.to_str().unwrap());

        let (exit, text, err) = run(&["load", users]);
        assert_eq!(exit, Exit::Rejected, "{text}{err}");
        assert!(err.contains("1 rejected row is in"), "{err}");
        let (exit, text, _) = run(&["query", "SELECT id, username FROM user ORDER BY id;"]);
        assert_eq!((exit, text.as_str()), (Exit::Done, "id,username\n1,ann\n2,bob\n"));
        let (exit, text, _) = run(&["query", "SELECT id FROM user WHERE id = 2", "-o", out]);
        assert_eq!((exit, text.as_str()), (Exit::Done, ""));
        assert_eq!(std::fs::read_to_string(out).unwrap(), "[{\"id\":2}]\n");
        let (exit, text, _) = run(&["store", "stats", "--json"]);
        assert_eq!(exit, Exit::Done);
        assert!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap()["tables"]
                .as_array()
                .unwrap()
                .iter()
                .any(|table| table["table"] == "user" && table["rows"] == 2)
        );
        assert_eq!(run(&["store", "verify"]).0, Exit::Done);
        assert_eq!(run(&["store", "snapshots"]).0, Exit::Done);
        assert_eq!(run(&["store", "restore", "1"]).0, Exit::Done);
        assert_eq!(run(&["store", "restore", "99"]).0, Exit::Failed);
    }

    #[test]
    fn a_query_that_fails_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("mdl_user.csv");
        std::fs::write(&users, "id,username\n1,ann\n").unwrap();
        let out = folder.path().join("out.csv");
        let run = |args: &[&str]| run_in(folder.path(), args);
        let (exit, _, err) = run(&["load", users.to_str().unwrap(), "--site", "north"]);
        assert_eq!(exit, Exit::Done, "{err}");
        let sql = "SELECT 1 / (id - 1) AS x FROM north.user";
        let (exit, _, err) = run(&["query", sql, "-o", out.to_str().unwrap()]);
        assert_eq!(exit, Exit::Failed, "{err}");
        assert!(!out.exists());
        // The CSV, the store, and nothing that was half written.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        let (exit, text, err) = run(&["query", "SELECT * FROM user"]);
        assert_eq!((exit, text.as_str()), (Exit::Failed, ""));
        assert!(err.ends_with("\n  there is `north.user`\n"), "{err}");
    }

    #[test]
    fn a_store_that_does_not_exist_is_not_made_by_asking() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(run_in(folder.path(), &["query", "SELECT 1"]).0, Exit::Failed);
        assert_eq!(run_in(folder.path(), &["store", "stats"]).0, Exit::Failed);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_demo_finds_the_figures_of_others_and_is_replaced_until_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| run_in(folder.path(), args);
        for _ in 0..2 {
            let (exit, text, err) = run(&["demo"]);
            assert_eq!(exit, Exit::Done, "{text}{err}");
            assert_eq!(text.matches('✓').count(), 5, "{text}");
            assert!(text.contains("937 h 13 min 30 s"), "{text}");
        }
        let users = folder.path().join("mdl_user.csv");
        std::fs::write(&users, "id,username\n1,ann\n").unwrap();
        assert_eq!(run(&["load", users.to_str().unwrap()]).0, Exit::Done);
        let (exit, _, err) = run(&["demo"]);
        assert_eq!(exit, Exit::Failed);
        assert!(err.contains("was changed by commit"), "{err}");
    }
}
