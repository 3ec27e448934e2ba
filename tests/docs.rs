//! The manual says what the program does: codes, flags, links, commands, credits.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use engine::Lang;
use server::cli::{Console, Exit};

/// Names at which nothing is part of the project.
const NOT_OURS: [&str; 6] = [".git", "target", "assidu-store", "assidu-demo", "bench-work", "bench-venv"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

/// Files below a folder of the project, as paths from its root, sorted.
fn files(folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(root())?.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn pages() -> Result<Vec<String>> {
    Ok(files("")?.into_iter().filter(|file| file.ends_with(".md")).collect())
}

/// The lines of a page outside of its fenced blocks.
fn prose(page: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    page.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The headings of a page, without their marks.
fn headings(page: &str) -> impl Iterator<Item = &str> {
    prose(page).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim())
}

/// The longest beginning that a predicate accepts character by character.
fn while_true(text: &str, accept: fn(char) -> bool) -> &str {
    &text[..text.find(|c| !accept(c)).unwrap_or(text.len())]
}

/// Codes of faults in a source text: the literals `"load.…"` and `"report.…"` that name no file.
fn codes(source: &str) -> BTreeSet<String> {
    let code = |literal: &str| {
        let (family, name) = literal.split_once('.')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let is_code = matches!(family, "load" | "report") && plain && !matches!(name, "csv" | "rs" | "toml");
        is_code.then(|| literal.to_owned())
    };
    source.split('"').filter_map(code).collect()
}

#[test]
fn every_code_of_a_fault_has_a_paragraph() -> Result<()> {
    let mut known = BTreeSet::new();
    for file in files("engine/src")?.iter().filter(|file| file.ends_with(".rs")) {
        known.extend(codes(&text(file)?));
    }
    assert!(known.contains("load.field_count") && known.contains("report.no_user"), "{known:?}");
    let page = text("docs/reference/faults.md")?;
    let told: BTreeSet<String> = page.lines().filter_map(|line| line.strip_prefix("## ")).map(str::to_owned).collect();
    assert_eq!(told, known);
    for section in page.split("\n## ").skip(1) {
        let (code, body) = section.split_once('\n').context("a heading without text")?;
        assert!(body.lines().filter(|line| !line.is_empty()).count() >= 2, "`{code}` needs a reason and what to do");
    }
    Ok(())
}

#[test]
fn codes_are_found_and_files_are_not() {
    let found = codes(r#"Fault { code: "load.bad_time" }, source("report.csv"), "report.x""#);
    assert_eq!(found.into_iter().collect::<Vec<_>>(), ["load.bad_time", "report.x"]);
}

/// The anchor of a heading, as renderers make it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Targets of the links of a page, without those to the web.
fn links(page: &str) -> Vec<&str> {
    let pieces = prose(page).flat_map(|line| line.split("](").skip(1));
    let targets = pieces.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).collect()
}

fn check_link(page: &str, target: &str) -> Result<()> {
    let (path, fragment) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let folder = Path::new(page).parent().unwrap_or_else(|| Path::new(""));
    let linked = if path.is_empty() { PathBuf::from(page) } else { folder.join(path) };
    ensure!(root().join(&linked).exists(), "`{page}` links to `{target}`, which is not there");
    if let Some(fragment) = fragment {
        let there = text(&linked.to_string_lossy())?;
        ensure!(
            headings(&there).any(|heading| anchor(heading) == fragment),
            "`{page}`: no heading `#{fragment}` in `{target}`"
        );
    }
    Ok(())
}

#[test]
fn links_lead_somewhere() -> Result<()> {
    let mut count = 0;
    for page in pages()? {
        for target in links(&text(&page)?) {
            check_link(&page, target)?;
            count += 1;
        }
    }
    assert!(count > 50, "{count} links");
    assert!(check_link("README.md", "docs/no-such-page.md").is_err());
    assert!(check_link("docs/guide/loading.md", "cli.md#no-such-flag").is_err());
    Ok(())
}

/// Every page of the manual can be reached from its index.
#[test]
fn the_index_names_every_page() -> Result<()> {
    let index = text("docs/README.md")?;
    let named = links(&index);
    for page in files("docs")? {
        let page = page.trim_start_matches("docs/");
        assert!(page == "README.md" || named.contains(&page), "docs/README.md does not name `{page}`");
    }
    Ok(())
}

/// A command, such as `store vacuum`, and its long flags.
struct Declared {
    command: String,
    flags: BTreeSet<String>,
}

/// The commands and flags as the program declares them, from the manual pages that it writes.
fn declared() -> Result<Vec<Declared>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().to_string_lossy().into_owned();
    let args = ["assidu", "man", "--out", &out].map(std::ffi::OsString::from);
    let mut console = Console::new(Box::new(std::io::sink()), Box::new(std::io::sink()), Lang::En);
    ensure!(server::cli::run(args.into_iter(), tests::NOW, &mut console) == Exit::Done, "`man` failed");
    let mut commands = Vec::new();
    for entry in std::fs::read_dir(folder.path())? {
        let path = entry?.path();
        let page = std::fs::read_to_string(&path)?.replace("\\-", "-");
        let name = path.file_stem().context("name")?.to_string_lossy().into_owned();
        let flags = page.split("\\fB").filter(|piece| piece.starts_with("--"));
        let flags = flags.map(|piece| while_true(piece, |c| c.is_ascii_lowercase() || c == '-').to_owned()).collect();
        commands.push(Declared {
            command: name.trim_start_matches("assidu").trim_start_matches('-').replace('-', " "),
            flags,
        });
    }
    Ok(commands)
}

/// Whether a text names a flag, and not only one that begins like it.
fn names_flag(text: &str, flag: &str) -> bool {
    let after = |(at, _): (usize, &str)| text[at + flag.len()..].chars().next();
    text.match_indices(flag).map(after).any(|next| next.is_none_or(|c| !(c.is_ascii_lowercase() || c == '-')))
}

#[test]
fn every_command_and_flag_is_in_the_manual() -> Result<()> {
    let page = text("docs/guide/cli.md")?;
    let section = |title: &str| {
        page.split("\n## ").find(|section| section.lines().next().is_some_and(|line| line.contains(title)))
    };
    let everywhere = section("Flags of every command").context("flags of every command")?;
    let commands = declared()?;
    assert!(commands.len() >= 13, "{} commands", commands.len());
    for Declared { command, flags } in &commands {
        let name = command.split(' ').next().unwrap_or_default();
        let own = section(&format!("`{name}`")).unwrap_or_default();
        assert!(command.is_empty() || own.contains(command.as_str()), "`{command}` is not in docs/guide/cli.md");
        for flag in flags.iter().filter(|flag| !matches!(flag.as_str(), "--help" | "--version")) {
            assert!(
                names_flag(everywhere, flag) || names_flag(own, flag),
                "`{command} {flag}` is not in docs/guide/cli.md"
            );
        }
    }
    let load = commands.iter().find(|known| known.command == "load").context("load")?;
    assert!(load.flags.contains("--rejects-dir") && load.flags.contains("--store"), "{:?}", load.flags);
    assert!(!names_flag("only --memory-limit", "--memory") && names_flag("and `--memory SIZE`", "--memory"));
    Ok(())
}

/// The lines of the fenced blocks of a page.
fn commands(page: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    page.lines().map(str::trim).filter(move |line| {
        fenced ^= line.starts_with("```");
        fenced
    })
}

#[test]
fn the_readme_names_the_two_commands() -> Result<()> {
    let readme = text("README.md")?;
    let named: Vec<&str> = commands(&readme).filter(|line| line.starts_with("cargo ")).collect();
    assert_eq!(named, ["cargo run --release -- demo", "cargo test --workspace"]);
    let justfile = text("justfile")?;
    for command in named {
        assert!(justfile.lines().any(|line| line.trim() == command), "the justfile has no `{command}`");
    }
    let checks = text(".ci/run")?;
    assert!(checks.lines().any(|line| line.starts_with("step ") && line.contains("cargo test --workspace")));
    Ok(())
}

/// The files that the README tells to load are there, and its commands are those of the program.
#[test]
fn the_first_commands_can_be_typed() -> Result<()> {
    let readme = text("README.md")?;
    let known: BTreeSet<String> = declared()?.into_iter().map(|declared| declared.command).collect();
    let typed: Vec<&str> = commands(&readme).filter_map(|line| line.strip_prefix("target/release/assidu ")).collect();
    assert_eq!(typed.len(), 3);
    for line in typed {
        let mut words = line.split(' ');
        let verb = words.next().unwrap_or_default();
        assert!(known.contains(verb), "{line}");
        for file in words.filter(|word| word.starts_with("datasets/")) {
            assert!(root().join(file).is_file(), "{file}");
        }
    }
    Ok(())
}

/// A path of a machine, as no file of the project may have.
fn machine_path(text: &str) -> Option<&str> {
    let folders = ["work", "root"];
    let found = folders.iter().filter_map(|folder| {
        let wanted = format!("/{folder}/");
        let starts = |(at, _): &(usize, &str)| {
            !text[..*at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '}'))
        };
        let at = text.match_indices(&wanted).find(starts)?.0;
        Some(while_true(&text[at..], |c| !c.is_whitespace()))
    });
    found.min()
}

#[test]
fn no_file_knows_a_machine() -> Result<()> {
    let mut count = 0;
    for file in files("")? {
        // Compressed data is no text.
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        count += 1;
        if let Some(path) = machine_path(&text) {
            panic!("`{file}` has the path {path}");
        }
    }
    assert!(count > 150, "{count} files");
    let path = ["", "root", "x"].join("/");
    assert_eq!(machine_path(&format!("see {path} there")), Some(path.as_str()));
    assert_eq!(machine_path(&format!("https://example.org{path}")), None);
    Ok(())
}

/// Whether a path fits a pattern with at most one `*`.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        Some((before, after)) => path.len() >= pattern.len() - 1 && path.starts_with(before) && path.ends_with(after),
        None => pattern == path,
    }
}

#[test]
fn every_data_set_has_its_credit() -> Result<()> {
    let page = text("datasets/README.md")?;
    let rows: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .filter(|(pattern, _)| pattern.contains(".csv"))
        .collect();
    let data: Vec<String> = files("datasets")?
        .into_iter()
        .filter(|file| !file.ends_with("README.md"))
        .map(|file| file.trim_start_matches("datasets/").to_owned())
        .collect();
    assert!(data.len() > 15 && !rows.is_empty(), "{} files, {} rows", data.len(), rows.len());
    for file in &data {
        let row =
            rows.iter().find(|(pattern, _)| fits(pattern, file)).with_context(|| format!("no credit for `{file}`"))?;
        let credit = row.1.rsplit('|').nth(1).unwrap_or_default();
        assert!(credit.contains("CC BY 4.0; ") || credit.trim_start().starts_with("facts, "), "`{file}`: {credit}");
    }
    for (pattern, _) in rows {
        assert!(data.iter().any(|file| fits(pattern, file)), "`{pattern}` is credited and not there");
    }
    Ok(())
}

/// Every file of expected numbers says in the README who computed it.
#[test]
fn every_expected_number_has_its_source() -> Result<()> {
    let page = text("tests/golden/README.md")?;
    let files = files("tests/golden")?;
    assert!(files.len() > 5);
    for file in files.iter().filter(|file| file.ends_with(".json")) {
        let name = file.rsplit('/').next().unwrap_or(file);
        assert!(page.contains(&format!("`{name}`")), "tests/golden/README.md does not name `{name}`");
    }
    Ok(())
}

/// Pages that are made from the code of the server; the failure shows the page as it should be.
#[test]
fn the_reference_of_the_server_is_made_from_the_code() -> Result<()> {
    for (path, made) in [
        ("docs/reference/settings.md", server::settings::markdown()),
        ("docs/reference/http.md", server::http_markdown()),
        ("docs/reference/webservices.md", server::functions_markdown()),
        ("docs/reference/views.md", engine::view::markdown()),
        ("docs/reference/tables.md", engine::model::markdown()),
    ] {
        // `UPDATE_DOCS=1 cargo test …` writes what is made from the code.
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(root().join(path), &made)?;
        }
        ensure!(text(path).unwrap_or_default() == made, "{path} should be:\n{made}");
    }
    Ok(())
}
