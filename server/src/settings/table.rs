//! [`SETTINGS`]: every setting of the server that is one value. Each has a key in the file, a variable of the
//! environment and a flag; the flag wins over the environment, and that over the file.

/// A setting of the server.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Key in the configuration file: table and name.
    pub key: &'static str,
    /// Flag of `serve`, without its dashes.
    pub flag: &'static str,
    /// Variable of the environment.
    pub env: &'static str,
    /// Value when nobody says anything.
    pub default: &'static str,
    /// What a value looks like, for the help.
    pub value: &'static str,
    /// What it is for.
    pub doc: &'static str,
}

const fn setting(
    [key, flag, env]: [&'static str; 3],
    value: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Setting {
    Setting { key, flag, env, default, value, doc }
}

/// All settings that are one value, in the order of the manual.
pub const SETTINGS: &[Setting] = &[
    setting(
        ["server.listen", "listen", "ASSIDU_LISTEN"],
        "ADDRESS:PORT",
        "127.0.0.1:8080",
        "Where the server listens; port 0 takes a free one",
    ),
    setting(
        ["server.authentication", "authentication", "ASSIDU_AUTHENTICATION"],
        "required|none",
        "required",
        "Whether callers need a token; `none` is for trying things out and works on loopback addresses alone",
    ),
    setting(
        ["server.public_url", "public-url", "ASSIDU_PUBLIC_URL"],
        "URL",
        "",
        "Address under which callers reach the server, for links in answers [default: what the caller used]",
    ),
    setting(
        ["server.trusted_proxies", "trusted-proxies", "ASSIDU_TRUSTED_PROXIES"],
        "ADDRESSES",
        "",
        "Addresses of proxies whose X-Forwarded-For tells the caller",
    ),
    setting(
        ["server.metrics_from", "metrics-from", "ASSIDU_METRICS_FROM"],
        "ADDRESSES",
        "127.0.0.0/8, ::1",
        "Addresses that may read /metrics without a token; others need the scope `admin`",
    ),
    setting(
        ["server.cors_origins", "cors-origins", "ASSIDU_CORS_ORIGINS"],
        "ORIGINS",
        "",
        "Origins of web pages that may call /v1, separated by commas; `*` for all",
    ),
    setting(
        ["server.tls_certificate", "tls-certificate", "ASSIDU_TLS_CERTIFICATE"],
        "FILE",
        "",
        "Certificate chain in PEM; with it the server speaks HTTPS",
    ),
    setting(["server.tls_key", "tls-key", "ASSIDU_TLS_KEY"], "FILE", "", "Private key of the certificate in PEM"),
    setting(
        ["server.drain_delay", "drain-delay", "ASSIDU_DRAIN_DELAY"],
        "DURATION",
        "2s",
        "How long the server goes on accepting after a signal to stop, while /ready already says 503",
    ),
    setting(
        ["server.drain_timeout", "drain-timeout", "ASSIDU_DRAIN_TIMEOUT"],
        "DURATION",
        "30s",
        "How long running requests may take to finish after that",
    ),
    setting(["limits.body", "limit-body", "ASSIDU_LIMIT_BODY"], "SIZE", "2MiB", "Greatest body of a request"),
    setting(
        ["limits.fields", "limit-fields", "ASSIDU_LIMIT_FIELDS"],
        "NUMBER",
        "20000",
        "Greatest number of arguments of a call of the web service",
    ),
    setting(
        ["limits.list", "limit-list", "ASSIDU_LIMIT_LIST"],
        "NUMBER",
        "10000",
        "Greatest number of users in one call",
    ),
    setting(
        ["limits.requests", "limit-requests", "ASSIDU_LIMIT_REQUESTS"],
        "NUMBER",
        "1024",
        "Requests at once; beyond, callers get 503",
    ),
    setting(
        ["limits.work", "limit-work", "ASSIDU_LIMIT_WORK"],
        "NUMBER",
        "0",
        "Computations at once; others wait for their turn. 0 takes twice the number of processors",
    ),
    setting(
        ["limits.time", "limit-time", "ASSIDU_LIMIT_TIME"],
        "DURATION",
        "60s",
        "Longest time for a request, waiting included",
    ),
    setting(
        ["limits.header_time", "limit-header-time", "ASSIDU_LIMIT_HEADER_TIME"],
        "DURATION",
        "10s",
        "Longest time for the first line and the headers of a request to arrive",
    ),
    setting(
        ["limits.rate", "limit-rate", "ASSIDU_LIMIT_RATE"],
        "NUMBER",
        "0",
        "Requests per second and token, with a reserve of twice as many; beyond, callers get 429. 0 for no limit",
    ),
    setting(
        ["limits.refusals", "limit-refusals", "ASSIDU_LIMIT_REFUSALS"],
        "NUMBER",
        "60",
        "Refused tokens and passwords per minute and address; beyond, the address gets 429. 0 for no limit",
    ),
    setting(
        ["limits.memory", "limit-memory", "ASSIDU_LIMIT_MEMORY"],
        "SIZE",
        "1GiB",
        "Memory that one computation may take",
    ),
    setting(
        ["etl.views", "views", "ASSIDU_VIEWS"],
        "DIR",
        "",
        "Folder of your own views, one .sql file each [default: sql/views beside the configuration file]",
    ),
    setting(
        ["etl.refresh", "view-refresh", "ASSIDU_VIEW_REFRESH"],
        "DURATION",
        "2s",
        "How often that folder is looked at; SIGHUP and /v1/admin/views/reload look at once",
    ),
    setting(
        ["etl.time", "pull-time", "ASSIDU_PULL_TIME"],
        "DURATION",
        "30m",
        "Longest time for a pull, from the request to the last byte; instances and views can allow less",
    ),
    setting(["etl.pulls", "pulls", "ASSIDU_PULLS"], "NUMBER", "64", "Pulls at once; beyond, callers get 503"),
    setting(["etl.page", "page", "ASSIDU_PAGE"], "NUMBER", "10000", "Greatest number of rows of one page (`limit=`)"),
    setting(
        ["etl.document", "document", "ASSIDU_DOCUMENT"],
        "SIZE",
        "64MiB",
        "Greatest document that report_etl_get puts into its answer",
    ),
    setting(
        ["moodle.enabled", "moodle", "ASSIDU_MOODLE"],
        "true|false",
        "true",
        "Whether the Moodle-compatible web services answer",
    ),
    setting(["moodle.rest", "moodle-rest", "ASSIDU_MOODLE_REST"], "true|false", "true", "Whether REST answers"),
    setting(
        ["moodle.xmlrpc", "moodle-xmlrpc", "ASSIDU_MOODLE_XMLRPC"],
        "true|false",
        "false",
        "Whether XML-RPC answers, with the token in the query",
    ),
    setting(
        ["moodle.debug", "moodle-debug", "ASSIDU_MOODLE_DEBUG"],
        "true|false",
        "false",
        "Whether errors tell callers what exactly is wrong; the log always has it",
    ),
    setting(
        ["moodle.maintenance", "moodle-maintenance", "ASSIDU_MOODLE_MAINTENANCE"],
        "true|false",
        "false",
        "Whether all calls get Moodle's error of a site in maintenance",
    ),
    setting(
        ["moodle.login_by_url", "moodle-login-by-url", "ASSIDU_MOODLE_LOGIN_BY_URL"],
        "true|false",
        "false",
        "Whether login/token.php takes a password in the URL, where proxies and browsers keep it; moodlepy needs it",
    ),
    setting(
        ["moodle.token_life", "moodle-token-life", "ASSIDU_MOODLE_TOKEN_LIFE"],
        "DURATION",
        "84d",
        "How long tokens of login/token.php live",
    ),
    setting(
        ["moodle.release", "moodle-release", "ASSIDU_MOODLE_RELEASE"],
        "TEXT",
        "4.5 (Build: 20241007)",
        "Release that the site tells; clients parse the number at its beginning",
    ),
    setting(
        ["moodle.version", "moodle-version", "ASSIDU_MOODLE_VERSION"],
        "TEXT",
        "2024100700",
        "Version that the site tells for itself and its functions",
    ),
    setting(
        ["compat.exact", "compat-exact", "ASSIDU_COMPAT_EXACT"],
        "true|false",
        "false",
        "Whether the web services answer bit for bit like the plugin, defects included (policy `use_stats_compat`)",
    ),
];

/// The setting of this key.
pub(super) fn of_key(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The manual page of all settings.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Settings\n\n\
         Made from the code; a test refuses a difference.\n\n\
         A flag of `assidu serve` wins over its variable, and that over the key in the configuration file.\n\
         `assidu config show` tells the value of each and where it comes from.\n",
    );
    let mut table = "";
    for setting in SETTINGS {
        let (of, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if of != table {
            page.push_str(&format!("\n## [{of}]\n\n| key | flag, variable | default | what |\n|---|---|---|---|\n"));
            table = of;
        }
        let default = if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
        let (flag, env, value) = (setting.flag, setting.env, setting.value.replace('|', "\\|"));
        let doc = setting.doc.replace('|', "\\|");
        page.push_str(&format!("| `{name}` | `--{flag} {value}`, `{env}` | {default} | {doc}. |\n"));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_from_each_other() {
        for setting in SETTINGS {
            let expected = format!("ASSIDU_{}", setting.flag.replace('-', "_").to_ascii_uppercase());
            assert_eq!(setting.env, expected);
            let same_key = SETTINGS.iter().filter(|other| other.key == setting.key || other.flag == setting.flag);
            assert_eq!(same_key.count(), 1, "{}", setting.key);
        }
    }
}
