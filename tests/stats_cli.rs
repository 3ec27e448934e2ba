//! `stats` and `explain` as their users see them, on the worked example of the reference.

use anyhow::Result;
use rstest::rstest;
use server::cli::Exit;
use tempfile::TempDir;
use tests::WORKED_EXAMPLE;

use crate::cli::{Done, run_at};

/// Long after the last hit of the worked example.
const LATER: i64 = 1_717_200_000;

/// A store with the worked example.
fn store(tables: &[(&str, &str)]) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for (file, table) in tables {
        let file = format!("{}/golden/use-stats/worked-example/{file}.csv", env!("CARGO_MANIFEST_DIR"));
        let done = ask(&folder, "en", &["load", &file, "--format", &format!("table:{table}")]);
        anyhow::ensure!(done.exit == Exit::Done, "{}", done.err);
    }
    Ok(folder)
}

fn whole() -> Result<TempDir> {
    store(&WORKED_EXAMPLE)
}

fn ask(folder: &TempDir, lang: &str, arguments: &[&str]) -> Done {
    let store = folder.path().join("store").to_string_lossy().into_owned();
    run_at(LATER, lang, &[&["--store", &store], arguments].concat())
}

#[test]
fn a_user_has_the_figures_of_the_reference() -> Result<()> {
    let folder = whole()?;
    let answer = ask(&folder, "en", &["stats", "user", "user5", "--by", "username", "--json"]).json()?;
    assert_eq!((&answer["policies"][0], &answer["snapshot"]), (&"use_stats".into(), &6.into()));
    let user = &answer["users"][0];
    assert_eq!((&user["total"], &user["hits"]), (&3670.into(), &11.into()));
    let course = &user["courses"][2];
    let figures = ["courseid", "coursetotal", "activitytime", "coursetime", "othertime", "hits", "sessions"];
    assert_eq!(figures.map(|name| course[name].as_i64()), [2, 2590, 1590, 1000, 0, 7, 3].map(Some));
    // The sessions of the gap rule: 1500, 1260 and 910 seconds.
    let sessions = &user["sessions"];
    let figures = ["sessions", "firstsession", "lastsession", "sessionmin", "sessionmax", "meansession"];
    let expected = [3, 1_704_099_600, 1_704_106_800, 910, 1500, 1223].map(Some);
    assert_eq!(figures.map(|name| sessions[name].as_i64()), expected);
    let text = ask(&folder, "en", &["stats", "user", "5"]).text();
    assert!(text.starts_with("policy use_stats; 1970-01-01T00:00:00Z to 2024-06-01T00:00:00Z;"), "{text}");
    assert!(text.contains("user user5 (5): 1h 1m 10s, 11 hits"), "{text}");
    let text = ask(&folder, "fr", &["stats", "user", "5"]).text();
    assert!(text.contains("utilisateur user5 (5) : 1h 1m 10s, 11 clics"), "{text}");
    Ok(())
}

#[test]
fn policies_stand_side_by_side() -> Result<()> {
    let folder = whole()?;
    let policies = ["--policy", "use_stats", "--policy", "dedication", "--policy", "use_stats_compat"];
    let answer = ask(&folder, "en", &[&["stats", "users", "--json"], &policies[..]].concat()).json()?;
    let compared = answer["users"][0]["policies"].as_array().cloned().unwrap_or_default();
    let totals: Vec<Option<i64>> = compared.iter().map(|policy| policy["total"].as_i64()).collect();
    assert_eq!(totals, [Some(3670), Some(2150), Some(3670)]);
    let sessions: Vec<Option<i64>> = compared.iter().map(|policy| policy["sessions"].as_i64()).collect();
    assert_eq!(sessions, [Some(3), Some(2), Some(2)]);
    let text = ask(&folder, "en", &[&["stats", "users"], &policies[..]].concat()).text();
    assert!(text.contains("0.59"), "{text}");
    Ok(())
}

#[test]
fn explanations_add_up() -> Result<()> {
    let folder = whole()?;
    for (course, total) in [(None, 3670), (Some("ALGE2"), 2590), (Some("BIOL3"), 150)] {
        let mut arguments = vec!["explain", "user", "5", "--course-by", "shortname"];
        arguments.extend(course.iter().flat_map(|course| ["--course", course]));
        let text = ask(&folder, "en", &arguments).text();
        assert!(text.ends_with(&format!("= {total} s\n")), "{text}");
        arguments.push("--json");
        let answer = ask(&folder, "en", &arguments).json()?;
        let parts = answer["explanations"][0]["parts"].as_array().cloned().unwrap_or_default();
        let laps = parts.iter().flat_map(|part| part["laps"].as_array().cloned().unwrap_or_default());
        let sum: i64 = laps.filter_map(|lap| lap["elapsed"].as_i64()).sum();
        assert_eq!((sum, answer["explanations"][0]["total"].as_i64()), (total, Some(total)));
    }
    let text = ask(&folder, "en", &["explain", "user", "5", "--sessions"]).text();
    assert!(
        text.contains("closed by a gap over the threshold") && text.contains("1500 + 1260 + 910 = 3670 s"),
        "{text}"
    );
    let text = ask(&folder, "fr", &["explain", "user", "5", "--policy", "dedication, minimum = > 400"]).text();
    assert!(text.contains("sous le minimum, ne compte pas") && text.ends_with("= 1810 s\n"), "{text}");
    Ok(())
}

#[test]
fn a_course_lists_its_users_and_ranges_are_days() -> Result<()> {
    let folder = whole()?;
    let course = ["stats", "course", "2", "--json", "--from", "2024-01-01", "--to", "2024-01-01"];
    let answer = ask(&folder, "en", &course).json()?;
    assert_eq!(answer["users"][0]["total"], 2590);
    // Of the three sessions all cross course 2, and the first one alone course 3: it has 1500 s.
    assert_eq!(answer["users"][0]["sessions"]["sessions"], 3);
    let other = ask(&folder, "en", &["stats", "course", "3", "--json"]).json()?;
    let sessions = &other["users"][0]["sessions"];
    assert_eq!((&sessions["sessions"], &sessions["sessionmax"]), (&1.into(), &1500.into()));
    // A moment as the end belongs to the range or not, as the policy says; a day is whole by either rule.
    for range in ["inclusive", "half_open"] {
        let policy = format!("use_stats, range = {range}");
        let day = ["stats", "user", "5", "--json", "--policy", &policy, "--to", "1704106810"];
        let hits = if range == "inclusive" { 11 } else { 10 };
        assert_eq!(ask(&folder, "en", &day).json()?["users"][0]["hits"], hits);
        let day = ["stats", "user", "5", "--json", "--policy", &policy, "--to", "2024-01-01"];
        assert_eq!(ask(&folder, "en", &day).json()?["users"][0]["hits"], 11);
    }
    let other = ["stats", "course", "2", "--json", "--from", "2024-01-02"];
    assert_eq!(ask(&folder, "en", &other).json()?["users"].as_array().map(Vec::len), Some(0));
    Ok(())
}

#[test]
fn a_log_alone_gives_times_and_users_without_hits_have_zeros() -> Result<()> {
    let folder = store(&[("log", "logstore_standard_log")])?;
    let answer = ask(&folder, "en", &["stats", "user", "5", "77", "--json"]).json()?;
    assert_eq!(answer["users"][0]["total"], 3670);
    assert_eq!((&answer["users"][1]["total"], &answer["users"][1]["sessions"]["sessions"]), (&0.into(), &0.into()));
    let done = ask(&folder, "en", &["stats", "user", "ada", "--by", "username"]);
    assert!(done.err.contains("no table `user`"), "{}", done.err);
    Ok(())
}

#[test]
fn every_site_has_its_own_people() -> Result<()> {
    let folder = whole()?;
    for (name, csv) in [
        ("mdl_user.csv", "id,username\n8,grace\n"),
        (
            "mdl_logstore_standard_log.csv",
            "id,userid,courseid,action,origin,timecreated\n1,8,2,viewed,web,1704099600\n",
        ),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, csv)?;
        let done = ask(&folder, "en", &["load", &file.to_string_lossy(), "--site", "north"]);
        anyhow::ensure!(done.exit == Exit::Done, "{}", done.err);
    }
    let of = |arguments: &[&str]| {
        ask(&folder, "en", &[&["stats", "user", "--by", "username", "--json"], arguments].concat())
    };
    let answer = of(&["grace", "--site", "north"]).json()?;
    assert_eq!((&answer["site"], &answer["users"][0]["total"]), (&"north".into(), &900.into()));
    assert!(of(&["grace"]).err.contains("no user has the username"));
    assert!(of(&["user5", "--site", "north"]).err.contains("no user has the username"));
    let done = ask(
        &folder,
        "en",
        &["query", "SELECT username, coursetotal FROM course_summary('use_stats', NULL, NULL, 'north')"],
    );
    assert_eq!(done.text(), "username,coursetotal\ngrace,900\n");
    Ok(())
}

#[rstest]
#[case(&["stats", "user", "user6", "--by", "username"], 1, "no user has the username \"user6\"; did you mean \"user5\"?")]
#[case(&["stats", "user", "five"], 1, "\"five\" is no id of a user")]
#[case(&["stats", "course", "ALGEB2", "--course-by", "shortname"], 1, "did you mean \"ALGE2\"?")]
#[case(&["stats", "users", "--policy", "use_stat"], 1, "no policy `use_stat`; did you mean `use_stats`?")]
#[case(&["stats", "users", "--policy", "use_stats, threshold = -1"], 1, "it must be seconds, 0 or more")]
#[case(&["stats", "users", "--from", "2024-02-01", "--to", "2024-01-01"], 1, "exchange `from` and `to`")]
#[case(&["stats", "users", "--from", "31/12/2024"], 2, "a date such as 2024-01-31")]
#[case(&["stats", "users", "--timezone", "Paris"], 2, "Europe/Paris")]
#[case(&["stats", "users", "--site", "campus"], 1, "no site `campus`")]
#[case(&["explain", "user", "5", "--at", "99"], 1, "99")]
fn mistakes_are_told(#[case] arguments: &[&str], #[case] code: u8, #[case] message: &str) -> Result<()> {
    let folder = whole()?;
    let done = ask(&folder, "en", arguments);
    assert!(done.err.contains(message), "{}", done.err);
    assert_eq!((done.exit.code(), done.text().as_str()), (code, ""));
    Ok(())
}

#[test]
fn a_configured_policy_is_the_default_everywhere() -> Result<()> {
    let folder = whole()?;
    let config = folder.path().join("ours.toml");
    std::fs::write(&config, "[stats]\npolicy = \"ours\"\n[policies.ours]\nbase = \"dedication\"\nthreshold = 300\n")?;
    let config = config.to_string_lossy().into_owned();
    // Course 2 has gaps of 40, 0 and 300 s that are not longer than 300 s; the other gaps end sessions of 0 s.
    let answer = ask(&folder, "en", &["--config", &config, "stats", "user", "5", "--json"]).json()?;
    assert_eq!((&answer["policies"][0], &answer["users"][0]["total"]), (&"ours".into(), &340.into()));
    let sql = "SELECT elapsed FROM user_time(NULL)";
    assert_eq!(ask(&folder, "en", &["--config", &config, "query", sql]).text(), "elapsed\n340\n");
    let shown = ask(&folder, "en", &["--config", &config, "config", "show", "--json"]).json()?;
    assert_eq!((&shown[3]["value"], &shown[3]["source"]), (&"ours".into(), &"file".into()));
    assert!(ask(&folder, "en", &["policy", "show", "certificate"]).text().contains("threshold = 7200\n"));
    Ok(())
}
