//! The declarations of all commands and flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use engine::Lang;
use engine::load::DateOrder;

use super::serve::ServeArgs;
use crate::encode::Format;

/// The store that is used when none is named.
pub(crate) const DEFAULT_STORE: &str = "./assidu-store";

/// Analytics of Moodle activity logs: load exports, ask in SQL, get time spent.
#[derive(Debug, Parser)]
#[command(name = "assidu", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 ok, 1 failure, 2 usage, 3 finished with rejected rows, 4 refused because locked."
)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub(crate) globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes, before or after its name.
#[derive(Debug, Args)]
pub(crate) struct Globals {
    /// Folder or URL of the store [default: ./assidu-store; `demo`: ./assidu-demo]
    #[arg(long, global = true, value_name = "URL", env = "ASSIDU_STORE", hide_env_values = true, value_hint = ValueHint::AnyPath)]
    pub(crate) store: Option<String>,
    /// Whether `store` came from the environment.
    #[arg(skip)]
    pub(crate) store_from_environment: bool,
    /// Language of messages: en or fr [default: from LC_ALL, LC_MESSAGES, LANG]
    #[arg(long, global = true, value_name = "LANG", env = "ASSIDU_LANG", hide_env_values = true, value_parser = parse_lang)]
    lang: Option<Lang>,
    /// Configuration file [default: assidu.toml in the current folder, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "ASSIDU_CONFIG", hide_env_values = true, value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    /// Whether `config` came from the environment.
    #[arg(skip)]
    pub(crate) config_from_environment: bool,
    /// What to log on standard error, such as info or engine=debug [default: warn; `serve`: info]
    #[arg(long, global = true, value_name = "FILTER", env = "ASSIDU_LOG", hide_env_values = true)]
    pub(crate) log: Option<String>,
    /// Form of the log
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        env = "ASSIDU_LOG_FORMAT",
        hide_env_values = true,
        default_value = "text"
    )]
    pub(crate) log_format: LogFormat,
}

impl Globals {
    /// The store that commands use.
    pub(crate) fn store(&self) -> &str {
        self.store.as_deref().unwrap_or(DEFAULT_STORE)
    }

    /// The language: the flag, else the locale of the environment, else English.
    pub(crate) fn lang(&self) -> Lang {
        self.lang.unwrap_or_else(|| locale_lang(|name| std::env::var(name).ok()))
    }
}

fn parse_lang(value: &str) -> Result<Lang, String> {
    Lang::from_code(value).ok_or_else(|| "write en or fr".to_owned())
}

/// The first variable that is set decides, even when its language is none of ours: that is how locales work.
fn locale_lang(variable: impl Fn(&str) -> Option<String>) -> Lang {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let code = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    code.and_then(|code| Lang::from_code(&code)).unwrap_or_default()
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load the bundled data into a new store and show the first figures
    Demo,
    /// Load files in one commit
    Load(LoadArgs),
    /// Run SQL, or open an interactive prompt
    Query(QueryArgs),
    /// Time spent: of users, of a course, under one policy or several
    Stats(StatsArgs),
    /// The sessions and laps behind a figure
    Explain(ExplainArgs),
    /// What counts as time spent: policies and their parameters
    Policy(PolicyArgs),
    /// The HTTP server: web services of Moodle, and an interface of its own
    Serve(ServeArgs),
    /// Views: the SQL that is published to consumers
    View(ViewArgs),
    /// Consumers of views: what they may pull, their marks and their tokens
    Instance(InstanceArgs),
    /// The configuration file
    Config(ConfigArgs),
    /// Look after a store
    Store(StoreArgs),
    /// Accounts of the server: names and passwords
    Account(AccountArgs),
    /// Tokens of the server: secrets of programs
    Token(TokenArgs),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all manual pages into a folder
    Man {
        /// Folder that receives one page per command
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        out: Option<PathBuf>,
    },
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object per line.
    Json,
}

/// Flags of `load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Files, patterns such as 'exports/*.csv.gz', or - for standard input
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// What the rows are: table:<name>, log, log-report or events [default: detected]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// Site (schema) that receives the rows [default: the store's default site]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// Time zone of local times, such as Europe/Paris
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Order of day and month in numeric dates, where the file does not prove it
    #[arg(long, value_name = "ORDER")]
    pub(crate) date_order: Option<Order>,
    /// Columns of events: <column of the log>=<column of the file>, separated by commas; may be repeated
    #[arg(long, value_name = "MAP")]
    pub(crate) map: Vec<String>,
    /// Pattern of the time column of events, such as '%d.%m.%Y %H:%M' [default: Unix seconds or RFC 3339]
    #[arg(long, value_name = "PATTERN")]
    pub(crate) time_pattern: Option<String>,
    /// Field separator, one character or tab [default: detected]
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<String>,
    /// Folder of the files of rejected rows [default: beside each file]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) rejects_dir: Option<PathBuf>,
    /// Load a file without keys although the same bytes were loaded before
    #[arg(long)]
    pub(crate) again: bool,
    /// Memory that sorting may take before it uses temporary files [default: 384MiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Threads that parse and sort [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print the summary as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// 31/12/2024
    Dmy,
    /// 12/31/2024
    Mdy,
    /// 2024/12/31
    Ymd,
}

impl From<Order> for DateOrder {
    fn from(order: Order) -> Self {
        match order {
            Order::Dmy => Self::DayFirst,
            Order::Mdy => Self::MonthFirst,
            Order::Ymd => Self::YearFirst,
        }
    }
}

/// Flags of `query`.
#[derive(Debug, Args)]
pub(crate) struct QueryArgs {
    /// One statement, or - to read it from standard input; without it a prompt opens
    #[arg(value_name = "SQL")]
    pub(crate) sql: Option<String>,
    /// File that holds the statement
    #[arg(short, long, value_name = "FILE", conflicts_with = "sql", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Format of the result [default: by the name of --output, else table on a terminal, csv elsewhere]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// File that receives the result; it appears when the result is complete
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Ask the snapshot of this commit [default: the newest]
    #[arg(long, value_name = "COMMIT")]
    pub(crate) at: Option<u64>,
    /// Memory that a query may take [default: 1GiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<String>,
    /// Threads of a query [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Rows that the format table shows
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_rows: usize,
}

/// `stats` and its verb.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Of whom.
    #[command(subcommand)]
    pub(crate) verb: StatsVerb,
}

/// Verbs of `stats`.
#[derive(Debug, Subcommand)]
pub(crate) enum StatsVerb {
    /// One user, or a few: each course and the sessions
    User {
        /// Users, as --by names them
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
        /// Flags of time.
        #[command(flatten)]
        time: TimeArgs,
    },
    /// One line per user: all of the store, or those named
    Users {
        /// Users, as --by names them [default: all]
        #[arg(value_name = "USER")]
        users: Vec<String>,
        /// Flags of time.
        #[command(flatten)]
        time: TimeArgs,
    },
    /// The users of a course, with their time in it
    Course {
        /// Course, as --course-by names it
        #[arg(value_name = "COURSE")]
        course: String,
        /// Which column names the course
        #[arg(long, value_name = "COLUMN", default_value = "id")]
        course_by: CourseColumn,
        /// Flags of time.
        #[command(flatten)]
        time: TimeArgs,
    },
}

/// Flags of everything that computes time.
#[derive(Debug, Args)]
pub(crate) struct TimeArgs {
    /// Policy, with changes behind commas: 'dedication, threshold = 1800'; repeat it to compare [default: use_stats]
    #[arg(long, value_name = "POLICY")]
    pub(crate) policy: Vec<String>,
    /// Start of the range, inclusive: Unix seconds, a date, or RFC 3339 [default: the first hit]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) from: Option<String>,
    /// End of the range; a date means the end of that day [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) to: Option<String>,
    /// Time zone of dates, such as Europe/Paris [default: UTC, or that of the configuration]
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Which column names users
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    pub(crate) by: UserColumn,
    /// Site whose log is read [default: the store's default site]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// Ask the snapshot of this commit [default: the newest]
    #[arg(long, value_name = "COMMIT")]
    pub(crate) at: Option<u64>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Columns that name users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UserColumn {
    /// Number of the user
    Id,
    /// Login name
    Username,
    /// Number in the information system
    Idnumber,
    /// Address
    Email,
}

/// Columns that name courses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CourseColumn {
    /// Number of the course
    Id,
    /// Short name
    Shortname,
    /// Number in the information system
    Idnumber,
}

/// Flags of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// What to explain.
    #[command(subcommand)]
    pub(crate) verb: ExplainVerb,
}

/// Verbs of `explain`.
#[derive(Debug, Subcommand)]
pub(crate) enum ExplainVerb {
    /// The total of a user, or of one of their courses
    User {
        /// User, as --by names them
        #[arg(value_name = "USER")]
        user: String,
        /// Only this course, as --course-by names it
        #[arg(long, value_name = "COURSE")]
        course: Option<String>,
        /// Which column names the course
        #[arg(long, value_name = "COLUMN", default_value = "id")]
        course_by: CourseColumn,
        /// Sessions without their laps
        #[arg(long)]
        sessions: bool,
        /// Flags of time.
        #[command(flatten)]
        time: TimeArgs,
    },
}

/// `policy` and its verb.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// What to show.
    #[command(subcommand)]
    pub(crate) verb: PolicyVerb,
}

/// Verbs of `policy`.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyVerb {
    /// Names of all policies: presets, and those of the configuration
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// All parameters of a policy
    Show {
        /// Policy, with changes behind commas
        #[arg(value_name = "POLICY")]
        policy: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `config` and its verb.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: ConfigVerb,
}

/// Verbs of `config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Check the configuration file; exit 1 when something is wrong
    Check,
    /// The effective configuration, with the source of each value
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `store` and its verb.
#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    /// What to do with the store.
    #[command(subcommand)]
    pub(crate) verb: StoreVerb,
}

/// Verbs of `store`.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreVerb {
    /// Rows, files and bytes of every table
    Stats {
        /// Figures of the snapshot of this commit [default: the newest]
        #[arg(long, value_name = "COMMIT")]
        at: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check every file of the newest snapshot; exit 1 when something is wrong
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Merge small files and runs of the activity log
    Optimize {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete old snapshots and the files that only they needed
    Vacuum {
        /// Keep snapshots that are younger, such as 7d or 12h
        #[arg(long, value_name = "DURATION", default_value = "7d")]
        keep: String,
        /// Only tell what would be deleted
        #[arg(long)]
        dry_run: bool,
        /// Accept less than an hour; only while nothing else uses the store
        #[arg(long)]
        force: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the commits whose snapshots can be asked
    Snapshots {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the contents of an older commit the newest ones, as a new commit
    Restore {
        /// The commit
        commit: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `account` and its verb.
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// What to do with accounts.
    #[command(subcommand)]
    pub(crate) verb: AccountVerb,
}

/// Verbs of `account`.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountVerb {
    /// Make an account; its password is asked for
    Create(NewAccountArgs),
    /// List the accounts
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give an account another password; tokens that it got for the old one end
    Password {
        /// The account
        username: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Refuse an account and its tokens until it is restored
    Suspend {
        /// The account
        username: String,
    },
    /// Accept an account and its tokens again
    Restore {
        /// The account
        username: String,
    },
    /// Delete an account, and revoke its tokens
    Delete {
        /// The account
        username: String,
    },
}

/// Flags of `account create`.
#[derive(Debug, Args)]
pub(crate) struct NewAccountArgs {
    /// The name; capital letters become small ones
    pub(crate) username: String,
    /// What it may do: statistics, etl, etl:INSTANCE, sql or admin; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// The only site that it sees [default: all]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// First name
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) first_name: String,
    /// Last name
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) last_name: String,
    /// Address of electronic mail
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    pub(crate) email: String,
    /// Without the right to call the web service
    #[arg(long)]
    pub(crate) no_rest: bool,
    /// Without the right to get tokens from login/token.php
    #[arg(long)]
    pub(crate) no_token_creation: bool,
    /// Read the password from standard input
    #[arg(long, conflicts_with = "no_password")]
    pub(crate) password_stdin: bool,
    /// Without a password: only its tokens are used
    #[arg(long)]
    pub(crate) no_password: bool,
}

/// `token` and its verb.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    /// What to do with tokens.
    #[command(subcommand)]
    pub(crate) verb: TokenVerb,
}

/// Verbs of `token`.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Make a token, and print its secret, this once
    Create(NewTokenArgs),
    /// List the tokens, without their secrets
    List {
        /// Also those that were revoked or have expired
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Make the token that replaces another one, and print its secret, this once
    Rotate {
        /// Number of the token
        id: String,
        /// How long the old one can be used beside the new one
        #[arg(long, value_name = "DURATION", default_value = "24h")]
        overlap: String,
    },
    /// Refuse a token from now on
    Revoke {
        /// Number of the token
        id: String,
    },
}

/// Flags of `token create`.
#[derive(Debug, Args)]
pub(crate) struct NewTokenArgs {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: String,
    /// What it may do: statistics, etl, etl:INSTANCE, sql or admin; may be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// The account on whose behalf it acts [default: none]
    #[arg(long, value_name = "USERNAME")]
    pub(crate) account: Option<String>,
    /// Short name of the Moodle service whose functions it may call [default: all that its scopes allow]
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Site that it sees, the first is its home; may be repeated [default: all]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Vec<String>,
    /// Its end: a date, which is its last day, or a duration such as 90d [default: none]
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// From where it may be used, such as 10.0.0.0/8,192.168.1.10-40 [default: everywhere]
    #[arg(long, value_name = "LIST")]
    pub(crate) addresses: Option<String>,
    /// Read an existing secret from standard input, such as the token of a Moodle
    #[arg(long)]
    pub(crate) import: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_tells_the_language() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(locale_lang(env(&[("LANG", "fr_FR.UTF-8")])), Lang::Fr);
        assert_eq!(locale_lang(env(&[("LC_ALL", "en_GB"), ("LANG", "fr_FR")])), Lang::En);
        assert_eq!(locale_lang(env(&[("LC_ALL", ""), ("LANG", "fr")])), Lang::Fr);
        assert_eq!(locale_lang(env(&[("LC_ALL", "C"), ("LANG", "fr")])), Lang::En);
        assert_eq!(locale_lang(env(&[])), Lang::En);
    }
}

/// `view` and its verb.
#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: ViewVerb,
}

/// Where views lie.
#[derive(Debug, Args)]
pub(crate) struct ViewPlace {
    /// Folder of your own views [default: etl.views of the configuration, sql/views beside it]
    #[arg(long, value_name = "DIR", env = "ASSIDU_VIEWS", hide_env_values = true, value_hint = ValueHint::DirPath)]
    pub(crate) views: Option<PathBuf>,
}

/// Verbs of `view`.
#[derive(Debug, Subcommand)]
pub(crate) enum ViewVerb {
    /// All views
    List {
        /// Where views lie.
        #[command(flatten)]
        place: ViewPlace,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// One view: what it is, its parameters and columns
    Show {
        /// Name of the view
        #[arg(value_name = "VIEW")]
        view: String,
        /// Print its file
        #[arg(long, conflicts_with = "json")]
        sql: bool,
        /// Where views lie.
        #[command(flatten)]
        place: ViewPlace,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Check the files of views against the store; exit code 1 when one is wrong
    Check {
        /// Files [default: those of the product and of the folder]
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
        /// Where views lie.
        #[command(flatten)]
        place: ViewPlace,
    },
    /// Run the cases of views: tables in CSV, and the rows that are expected
    Test {
        /// Views [default: all that have cases]
        #[arg(value_name = "VIEW")]
        names: Vec<String>,
        /// Folder of the cases, one folder per view [default: tests beside the folder of views]
        #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        cases: Option<PathBuf>,
        /// Where views lie.
        #[command(flatten)]
        place: ViewPlace,
    },
    /// Pull a view from the store
    Run(ViewRunArgs),
}

/// Flags of `view run`.
#[derive(Debug, Args)]
pub(crate) struct ViewRunArgs {
    /// Name of the view
    #[arg(value_name = "VIEW")]
    pub(crate) view: String,
    /// A parameter: name=value; may be repeated
    #[arg(short, long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// Site whose tables it reads [default: the store's default site]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// Pull the snapshot of this commit [default: the newest]
    #[arg(long, value_name = "COMMIT")]
    pub(crate) at: Option<u64>,
    /// Only rows of commits after this one
    #[arg(long, value_name = "COMMIT")]
    pub(crate) after: Option<u64>,
    /// Most rows
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// See what this instance sees: its fixed parameters, its site, its pseudonyms
    #[arg(long, value_name = "INSTANCE")]
    pub(crate) instance: Option<String>,
    /// Format of the result [default: by the name of --output, else table on a terminal, csv elsewhere]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// File that receives the result; it appears when the result is complete
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Rows that the format table shows
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_rows: usize,
    /// Where views lie.
    #[command(flatten)]
    pub(crate) place: ViewPlace,
}

/// `instance` and its verb.
#[derive(Debug, Args)]
pub(crate) struct InstanceArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: InstanceVerb,
}

/// What an instance may do.
#[derive(Debug, Args, Default)]
pub(crate) struct InstanceFlags {
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub(crate) label: Option<String>,
    /// Site whose tables it sees [default: the store's default site]
    #[arg(long, value_name = "SITE")]
    pub(crate) site: Option<String>,
    /// Name of the plugin by which report_etl_get calls it, such as boardz
    #[arg(long, value_name = "NAME")]
    pub(crate) plugin: Option<String>,
    /// Number by which report_etl_get calls it
    #[arg(long, value_name = "N")]
    pub(crate) number: Option<i64>,
    /// A view that it may pull; may be repeated [default: all]
    #[arg(long = "view", value_name = "VIEW")]
    pub(crate) views: Vec<String>,
    /// A format that it may ask for; may be repeated [default: all]
    #[arg(long = "format", value_name = "FORMAT")]
    pub(crate) formats: Vec<String>,
    /// A parameter that is fixed: name=value; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// Addresses and networks that it may pull from, separated by commas [default: everywhere]
    #[arg(long, value_name = "LIST")]
    pub(crate) addresses: Option<String>,
    /// Pulls per minute [default: no limit]
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<u32>,
    /// Pulls at once [default: no limit but the server's]
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<u32>,
    /// Longest time for a pull, such as 10m [default: that of the server]
    #[arg(long, value_name = "DURATION")]
    pub(crate) timeout: Option<String>,
    /// Most rows of a pull
    #[arg(long, value_name = "N")]
    pub(crate) max_rows: Option<u64>,
    /// Most bytes of a pull, such as 2GiB
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_bytes: Option<String>,
    /// Whether it sees who people are, else pseudonyms of its own: true or false [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) identities: Option<bool>,
}

/// Verbs of `instance`.
#[derive(Debug, Subcommand)]
pub(crate) enum InstanceVerb {
    /// All instances
    List {
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Create an instance
    Add {
        /// Its name: small letters, digits, - and _
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do.
        #[command(flatten)]
        flags: Box<InstanceFlags>,
    },
    /// One instance, with its marks
    Show {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change what an instance may do; a list that is given replaces the one before
    Edit {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do.
        #[command(flatten)]
        flags: Box<InstanceFlags>,
        /// A setting that goes back to its default, such as rate; may be repeated
        #[arg(long, value_name = "SETTING")]
        unset: Vec<String>,
    },
    /// Let an instance pull no more, or, with --resume, again
    Pause {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// Why; consumers are told
        #[arg(long, value_name = "TEXT", required_unless_present = "resume")]
        reason: Option<String>,
        /// End the pause
        #[arg(long, conflicts_with = "reason")]
        resume: bool,
    },
    /// Set the mark of a view: the next pull has the rows after it
    Reset {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// View whose mark is set
        #[arg(value_name = "VIEW")]
        view: String,
        /// Why; it is kept
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Commit up to which the consumer has all rows [default: 0, none]
        #[arg(long, value_name = "COMMIT", default_value_t = 0)]
        to: u64,
    },
    /// Marks, batches and resets of an instance
    History {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete an instance with its marks
    Delete {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Tokens of an instance
    Token {
        /// What to do.
        #[command(subcommand)]
        verb: InstanceTokenVerb,
    },
}

/// Verbs of `instance token`.
#[derive(Debug, Subcommand)]
pub(crate) enum InstanceTokenVerb {
    /// Create a token; its secret is shown once
    Add {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        label: String,
        /// Last day or moment, or a duration such as 90d [default: no end]
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        /// Addresses and networks that may use it, separated by commas [default: everywhere]
        #[arg(long, value_name = "LIST")]
        addresses: Option<String>,
    },
    /// Tokens of the instance
    List {
        /// Name of the instance
        #[arg(value_name = "NAME")]
        name: String,
        /// Also those that were revoked or have expired
        #[arg(long)]
        all: bool,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace a token by a new one; both work for a while
    Rotate {
        /// Number of the token
        #[arg(value_name = "ID")]
        id: String,
        /// How long the old one still works
        #[arg(long, value_name = "DURATION", default_value = "1d")]
        overlap: String,
    },
    /// Revoke a token
    Revoke {
        /// Number of the token
        #[arg(value_name = "ID")]
        id: String,
    },
}
