//! `account` and `token` as their users see them, and what they leave in the store.

use std::path::Path;

use anyhow::{Result, ensure};
use rstest::rstest;
use server::cli::Exit;
use tempfile::TempDir;
use tests::NOW;

use crate::cli::{Done, run_with_input};

const PASSWORD: &str = "correct horse battery";

fn ask(folder: &TempDir, arguments: &[&str]) -> Done {
    ask_with(folder, "en", "", arguments)
}

fn ask_with(folder: &TempDir, lang: &str, input: &str, arguments: &[&str]) -> Done {
    let store = folder.path().join("store").to_string_lossy().into_owned();
    run_with_input(NOW, lang, input, &[&["--store", &store], arguments].concat())
}

/// The secret that a command printed.
fn secret(done: &Done) -> Result<String> {
    ensure!(done.exit == Exit::Done, "{}", done.err);
    let text = done.text();
    let secret = text.trim_end_matches('\n');
    ensure!(secret.starts_with("asd_") && secret.len() == 47 && text.len() == 48, "{text}");
    ensure!(!done.err.contains(secret), "the secret is on standard error too");
    Ok(secret.to_owned())
}

fn create(folder: &TempDir, arguments: &[&str]) -> Result<String> {
    secret(&ask(folder, &[&["token", "create", "--label", "nightly"], arguments].concat()))
}

/// The contents of all files below a folder.
fn contents(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(contents(&path)?),
            false => found.push(std::fs::read(path)?),
        }
    }
    Ok(found)
}

fn is_in(files: &[Vec<u8>], text: &str) -> bool {
    files.iter().any(|file| file.windows(text.len()).any(|part| part == text.as_bytes()))
}

#[test]
fn no_secret_and_no_password_is_in_the_store() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let moodle = "0123456789abcdef0123456789abcdef";
    let made = create(&folder, &["--scope", "statistics", "--scope", "etl:crm"])?;
    let imported = ["token", "create", "--label", "old", "--scope", "statistics", "--import"];
    let done = ask_with(&folder, "en", &format!("{moodle}\n"), &imported);
    assert_eq!((done.exit, done.text().as_str()), (Exit::Done, ""), "{}", done.err);
    assert_eq!(done.err, "token 2 (`old`): the secret can be used from now on\n");
    let rotated = secret(&ask(&folder, &["token", "rotate", "1"]))?;
    let account = ["account", "create", "Ada", "--scope", "statistics", "--password-stdin"];
    let done = ask_with(&folder, "en", &format!("{PASSWORD}\n"), &account);
    assert_eq!((done.exit, done.text().as_str(), done.err.as_str()), (Exit::Done, "", "the account `ada` is made\n"));
    let done = ask_with(&folder, "en", "another horse", &["account", "password", "ada", "--password-stdin"]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);

    let files = contents(folder.path())?;
    for text in [made.as_str(), &made[4..], moodle, &rotated, PASSWORD, "another horse"] {
        assert!(!is_in(&files, text), "{text} is in the store");
    }
    // The search finds what is there: the hint of the imported token and its SHA-256, as `sha256sum` has it.
    let hash = "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9";
    for text in ["0123…", hash, "nightly", "$argon2id$v=19$m=19456,t=2,p=1$"] {
        assert!(is_in(&files, text), "{text} is not in the store");
    }
    let list = ask(&folder, &["token", "list", "--all", "--json"]).text() + &ask(&folder, &["token", "list"]).text();
    assert!(![&made, moodle, &rotated].iter().any(|secret| list.contains(*secret)), "{list}");
    Ok(())
}

#[test]
fn tokens_are_listed_with_their_state() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let addresses = "10.1., 192.168.1.10-40";
    let rights = ["--scope", "statistics", "--site", "campus", "--service", "stats", "--addresses", addresses];
    let made = create(&folder, &[&rights[..], &["--expires", "90d"]].concat())?;
    create(&folder, &["--scope", "sql"])?;
    assert_eq!(ask(&folder, &["token", "revoke", "2"]).err, "token 2 (`nightly`) is revoked\n");
    assert_eq!(ask(&folder, &["token", "revoke", "2"]).err, "token 2 (`nightly`) was revoked before\n");
    let list = ask(&folder, &["token", "list", "--json"]).json()?;
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    let token = &list[0];
    assert_eq!((&token["id"], &token["state"], &token["origin"]), (&1.into(), &"active".into(), &"created".into()));
    assert_eq!((&token["scopes"][0], &token["sites"][0]), (&"statistics".into(), &"campus".into()));
    assert_eq!((&token["service"], &token["addresses"]), (&"stats".into(), &addresses.into()));
    assert_eq!(token["hint"].as_str(), Some(format!("{}…", &made[..7]).as_str()));
    assert!(token["last_use"].is_null() && token["revoked"].is_null());
    let all = ask(&folder, &["token", "list", "--all", "--json"]).json()?;
    assert_eq!(all[1]["state"], "revoked");
    let done = ask(&folder, &["token", "list"]);
    assert!(done.text().contains("nightly") && done.err.contains("`--all` shows them"), "{}{}", done.text(), done.err);
    let done = ask_with(&folder, "fr", "", &["token", "list", "--all"]);
    assert!(done.text().contains("révoqué") && done.text().contains("libellé"), "{}", done.text());
    Ok(())
}

#[test]
fn a_rotation_ends_the_old_token_after_its_overlap() -> Result<()> {
    let folder = tempfile::tempdir()?;
    create(&folder, &["--scope", "sql"])?;
    let done = ask(&folder, &["token", "rotate", "1", "--overlap", "1h"]);
    secret(&done)?;
    assert!(done.err.starts_with("token 2 replaces token 1 (`nightly`), which can be used until "), "{}", done.err);
    let later = |hours: i64| -> Result<Vec<String>> {
        let store = folder.path().join("store").to_string_lossy().into_owned();
        let list = ["--store", &store, "token", "list", "--all", "--json"];
        let list = run_with_input(NOW + hours * 3600 + 1, "en", "", &list).json()?;
        let states = list.as_array().into_iter().flatten().map(|token| token["state"].to_string());
        Ok(states.collect())
    };
    assert_eq!(later(0)?, ["\"active\"", "\"active\""]);
    assert_eq!(later(1)?, ["\"expired\"", "\"active\""]);
    let done = ask(&folder, &["token", "rotate", "2"]);
    assert_eq!((done.exit, done.text().as_str()), (Exit::Failed, ""));
    assert!(done.err.contains("revoke one of them first"), "{}", done.err);
    Ok(())
}

#[rstest]
#[case(&["token", "create", "--label", "x"], "", Exit::Usage, "with one `--scope` or more: statistics, etl")]
#[case(&["token", "create", "--scope", "sql"], "", Exit::Usage, "--label")]
#[case(&["token", "create", "--label", "x", "--scope", "sq"], "", Exit::Usage, "did you mean `sql`?")]
#[case(&["token", "create", "--label", "x", "--scope", "sql", "--addresses", "10.0.0.0/8,here"], "", Exit::Usage, "\"here\" is no address")]
#[case(&["token", "create", "--label", "x", "--scope", "sql", "--expires", "2001-01-01"], "", Exit::Usage, "lies in the past")]
#[case(&["token", "create", "--label", "x", "--scope", "sql", "--account", "adda"], "", Exit::Failed, "did you mean `ada`?")]
#[case(&["token", "create", "--label", "x", "--scope", "sql", "--account", "ada"], "", Exit::Failed, "does not have the scope `sql`")]
#[case(&["token", "create", "--label", "x", "--scope", "sql", "--import"], "", Exit::Failed, "standard input is empty")]
#[case(&["token", "create", "--label", "x", "--scope", "sql", "--import"], "too short", Exit::Failed, "16 to 256")]
#[case(&["token", "rotate", "11"], "", Exit::Failed, "did you mean 1 (`nightly`)?")]
#[case(&["token", "revoke", "nightly"], "", Exit::Failed, "did you mean 1 (`nightly`)?")]
#[case(&["token", "rotate", "1", "--overlap", "soon"], "", Exit::Usage, "is not a duration")]
#[case(&["account", "create", "ada", "--no-password"], "", Exit::Failed, "the account `ada` exists")]
#[case(&["account", "create", "ben"], PASSWORD, Exit::Usage, "add `--password-stdin`")]
#[case(&["account", "create", "ben", "--password-stdin"], "short", Exit::Failed, "at least 8 characters")]
#[case(&["account", "create", "b n", "--no-password"], "", Exit::Failed, "no name of an account")]
#[case(&["account", "create", "ben", "--no-password", "--password-stdin"], "", Exit::Usage, "cannot be used with")]
#[case(&["account", "password", "ada"], PASSWORD, Exit::Usage, "add `--password-stdin`")]
#[case(&["account", "delete", "zoe"], "", Exit::Failed, "`assidu account list` shows all")]
#[case(&["account", "suspend", "adam"], "", Exit::Failed, "did you mean `ada`?")]
fn mistakes_are_told_and_change_nothing(
    #[case] arguments: &[&str],
    #[case] input: &str,
    #[case] exit: Exit,
    #[case] told: &str,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    create(&folder, &["--scope", "statistics"])?;
    assert_eq!(ask(&folder, &["account", "create", "ada", "--no-password"]).exit, Exit::Done);
    let state = || -> Result<(serde_json::Value, serde_json::Value)> {
        let tokens = ask(&folder, &["token", "list", "--all", "--json"]).json()?;
        Ok((tokens, ask(&folder, &["account", "list", "--json"]).json()?))
    };
    let before = state()?;
    let done = ask_with(&folder, "en", input, arguments);
    assert_eq!((done.exit, done.text().as_str()), (exit, ""), "{}", done.err);
    assert!(done.err.contains(told), "{}", done.err);
    assert_eq!(state()?, before);
    Ok(())
}

#[test]
fn an_account_is_suspended_restored_and_deleted_with_its_tokens() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let names = ["--first-name", "Ada", "--last-name", "Byron", "--email", "ada@example.org"];
    let create_ada = ["account", "create", "ada", "--scope", "statistics", "--site", "campus", "--no-password"];
    assert_eq!(ask(&folder, &[&create_ada[..], &names, &["--no-rest"]].concat()).exit, Exit::Done);
    create(&folder, &["--scope", "statistics", "--account", "Ada"])?;
    create(&folder, &["--scope", "statistics"])?;
    let account =
        || -> Result<serde_json::Value> { Ok(ask(&folder, &["account", "list", "--json"]).json()?[0].clone()) };
    let ada = account()?;
    assert_eq!((&ada["state"], &ada["tokens"], &ada["site"]), (&"active".into(), &1.into(), &"campus".into()));
    assert_eq!(
        (&ada["rest"], &ada["create_tokens"], &ada["has_password"]),
        (&false.into(), &true.into(), &false.into())
    );
    assert_eq!((&ada["firstname"], &ada["lastname"]), (&"Ada".into(), &"Byron".into()));
    assert_eq!(ask(&folder, &["account", "suspend", "ADA"]).exit, Exit::Done);
    assert_eq!(account()?["state"], "suspended");
    let done = ask_with(&folder, "fr", "", &["account", "suspend", "ada"]);
    assert_eq!(done.err, "le compte `ada` était déjà suspendu\n");
    let text = ask(&folder, &["account", "list"]).text();
    assert!(text.contains("Ada Byron") && text.contains("suspended"), "{text}");
    assert_eq!(ask(&folder, &["account", "restore", "ada"]).err, "the account `ada` is active again\n");
    assert_eq!(ask(&folder, &["account", "delete", "ada"]).err, "the account `ada` is deleted; tokens revoked: 1\n");
    let ada = account()?;
    assert_eq!((&ada["state"], &ada["tokens"]), (&"deleted".into(), &0.into()));
    let tokens = ask(&folder, &["token", "list", "--json"]).json()?;
    assert_eq!((tokens.as_array().map(Vec::len), &tokens[0]["id"]), (Some(1), &2.into()));
    assert_eq!(ask(&folder, &["account", "restore", "ada"]).exit, Exit::Failed);
    Ok(())
}

#[test]
fn commands_at_once_lose_no_token() -> Result<()> {
    let folder = tempfile::tempdir()?;
    create(&folder, &["--scope", "sql"])?;
    std::thread::scope(|scope| {
        let writer = || (0..6).try_for_each(|_| create(&folder, &["--scope", "sql"]).map(drop));
        let writers: Vec<_> = (0..2).map(|_| scope.spawn(writer)).collect();
        writers.into_iter().try_for_each(|writer| writer.join().unwrap())
    })?;
    let list = ask(&folder, &["token", "list", "--json"]).json()?;
    let ids: Vec<u64> = list.as_array().into_iter().flatten().filter_map(|token| token["id"].as_u64()).collect();
    assert_eq!(ids, (1..=13).collect::<Vec<u64>>());
    Ok(())
}

#[test]
fn a_store_that_does_not_exist_is_not_made_by_listing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for arguments in [["token", "list"], ["account", "list"], ["token", "revoke"]] {
        let more: &[&str] = if arguments[1] == "revoke" { &["1"] } else { &[] };
        assert_eq!(ask(&folder, &[&arguments[..], more].concat()).exit, Exit::Failed);
    }
    // Nothing is wrong with the store, but the account has no name.
    assert_eq!(ask(&folder, &["account", "create", "", "--no-password"]).exit, Exit::Failed);
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
    // A folder with anything else is no store either, and stays as it is.
    std::fs::create_dir(folder.path().join("store"))?;
    let done = ask(&folder, &["token", "list"]);
    assert!(done.exit == Exit::Failed && done.err.contains("there is no store"), "{}", done.err);
    assert_eq!(std::fs::read_dir(folder.path().join("store"))?.count(), 0);
    Ok(())
}
