use std::path::Path;

use engine::Lang;

use super::file::File;
use super::*;

fn read(text: &str) -> Result<Config, String> {
    let mut config = Config::default();
    let file = File { path: Path::new("assidu.toml"), text };
    file.read(&mut config).map_err(|error| error.message(Lang::En).to_owned())?;
    Ok(config)
}

fn serve(text: &str) -> Result<ServerSettings, String> {
    ServerSettings::try_new(&read(text)?, 4).map_err(|error| error.message(Lang::En).to_owned())
}

#[test]
fn policies_and_defaults_are_read() {
    let config = read(
        "timezone = \"Europe/Paris\"\n[stats]\npolicy = \"ours\"\n[policies.ours]\nbase = \"dedication\"\n\
         threshold = 1800\nignored = [\"forum\", \"quiz\"]\nminimum = \"> 59\"\nlogins = true\n",
    )
    .unwrap();
    assert_eq!(config.zone, (Tz::Europe__Paris, Origin::File));
    let ours = config.policies.resolve("ours").unwrap();
    assert_eq!((ours.gap.threshold.get(), ours.logins), (1800, true));
    assert_eq!(ours.ignored, ["forum", "quiz"]);
}

#[test]
fn faults_have_their_line_and_column() {
    for (text, message) in [
        ("timezon = \"UTC\"\n", "assidu.toml:1:1: unknown key `timezon`; did you mean `timezone`?"),
        ("[stats]\npolicy = 5\n", "assidu.toml:2:10: `policy` must be a text"),
        (
            "[policies.a]\nbase = \"use_stats\"\nthresold = 5\n",
            "assidu.toml:3:1: unknown key `thresold`; did you mean `threshold`?",
        ),
        (
            "[policies.\"a, b\"]\nthreshold = 5\n",
            "assidu.toml:1:1: a policy cannot be called \"a, b\": its name has no comma, no equals sign and no blank at its ends",
        ),
        (
            "[policies.a]\nthreshold = -5\n",
            "assidu.toml:2:13: parameter `threshold` of a policy is \"-5\": it must be seconds, 0 or more",
        ),
        ("[stats]\npolicy = \"dedicatoin\"\n", "no policy `dedicatoin`; did you mean `dedication`?"),
        ("[server]\nlissten = \"x\"\n", "assidu.toml:2:1: unknown key `lissten`; did you mean `listen`?"),
        ("[moodle]\nservice = 1\n", "assidu.toml:2:1: unknown key `service`; did you mean `services`?"),
        (
            "[sites.a]\nwwwroot = \"campus\"\n",
            "assidu.toml:2:11: \"campus\" is no address such as https://moodle.example.org",
        ),
        (
            "[peers.a]\nwwwroot = \"https://b.example\"\n",
            "assidu.toml:1:1: peer `a` needs its token either in `token_file` or in `token_env`",
        ),
        (
            "[moodle.services.a]\nusers = [{ username = \"x\", addresses = \"host\" }]\n",
            "assidu.toml:2:40: \"host\" is no address; write one such as 192.168.1.10, 10.0.0.0/8, 192.168.1.10-40, 10.1. or 2001:db8:",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), message);
    }
    assert!(read("a = \n").unwrap_err().starts_with("assidu.toml:1:"));
}

#[test]
fn the_server_has_defaults_and_reads_every_kind_of_value() {
    let settings = serve("").unwrap();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.limits.work, settings.limits.body), (8, 2 << 20));
    assert!(settings.metrics_from.unwrap().contains("127.0.0.1".parse().unwrap()));
    let settings = serve(
        "[server]\nlisten = \"0.0.0.0:80\"\nmetrics_from = \"\"\ncors_origins = [\"https://a.example\", \"https://b.example\"]\n\
         [limits]\nwork = 3\ntime = \"2min\"\n[compat]\nexact = true\n\
         [sites.main]\nwwwroot = \"https://moodle.example.org/\"\n\
         [moodle.services.erp]\nfunctions = [\"a\"]\nusers = [\"Bob\", { username = \"ann\", valid_until = \"2027-01-31\" }]\n",
    )
    .unwrap();
    assert_eq!(settings.limits.work, 3);
    assert_eq!(settings.limits.time.as_secs(), 120);
    assert_eq!(settings.metrics_from, None);
    assert_eq!(settings.cors_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(settings.moodle.sites["main"].wwwroot, "https://moodle.example.org");
    assert_eq!(settings.moodle_policy.exactness, engine::time::Exactness::Exact);
    let users = settings.moodle.services["erp"].users.as_ref().unwrap();
    // The last second of the day in UTC, from a calendar.
    assert_eq!((users[0].username.as_str(), users[1].valid_until), ("bob", Some(1_801_439_999)));
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    for (text, message) in [
        (
            "[server]\nlisten = \"8080\"\n",
            "assidu.toml:2:10: `server.listen`: \"8080\" is no address with a port, such as 127.0.0.1:8080 or [::1]:8080",
        ),
        (
            "[server]\ntls_key = \"k.pem\"\n",
            "`server.tls_certificate` and `server.tls_key` go together, and one of them is missing",
        ),
        ("[limits]\nwork = -1\n", "assidu.toml:2:8: `limits.work`: \"-1\" is no number, 0 or more"),
        (
            "[server]\nlisten = \"192.168.0.1:80\"\nauthentication = \"none\"\n",
            "`server.listen` is 192.168.0.1:80, which others can reach, and `server.authentication` is none; listen on 127.0.0.1, or require tokens",
        ),
    ] {
        assert_eq!(serve(text).unwrap_err(), message);
    }
    assert!(serve("[server]\nlisten = \"[::1]:0\"\nauthentication = \"none\"\n").is_ok());
}
