//! The arrows between modules, and other promises that a compiler does not keep.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A module of the engine, the modules that it may use, and why no others.
struct Arrows {
    module: &'static str,
    uses: &'static [&'static str],
    because: &'static str,
}

const ARROWS: [Arrows; 13] = [
    Arrows { module: "text", uses: &[], because: "sentences know nothing" },
    Arrows { module: "error", uses: &["text"], because: "everyone uses failures, so they use nobody" },
    Arrows { module: "fault", uses: &["text"], because: "everyone uses faults, so they use nobody" },
    Arrows {
        module: "time",
        uses: &["error", "fault", "text"],
        because: "the algebra is pure: integers in, integers out",
    },
    Arrows { module: "model", uses: &[], because: "schemas are values; they know neither files nor queries" },
    Arrows {
        module: "functions",
        uses: &["error", "fault", "text", "time"],
        because: "functions call the algebra and know no table",
    },
    Arrows {
        module: "store",
        uses: &["error", "text"],
        because: "the store keeps any table: it knows no Moodle and no SQL function",
    },
    Arrows {
        module: "load",
        uses: &["error", "fault", "model", "store", "text"],
        because: "loading ends where the store begins; it asks no query",
    },
    Arrows {
        module: "query",
        uses: &["error", "fault", "model", "store", "text"],
        because: "queries read snapshots; the façade hands them the functions",
    },
    Arrows {
        module: "etl",
        uses: &["error", "fault", "store", "text"],
        because: "marks are numbers of commits; what a view is, they do not know",
    },
    Arrows {
        module: "view",
        uses: &["error", "fault", "query", "store", "text", "time"],
        because: "a view is text around a query; who pulls it is none of its business",
    },
    Arrows {
        module: "stats",
        uses: &["error", "fault", "functions", "model", "query", "store", "text", "time"],
        because: "the fold stands between the log of the store and the algebra, and offers itself to queries",
    },
    Arrows {
        module: "engine",
        uses: &["error", "etl", "functions", "load", "query", "stats", "store", "text"],
        because: "the façade is the only one that knows all",
    },
];

/// An outside name, and the files of the engine that may use it.
struct Owners {
    name: &'static str,
    /// Beginnings of paths below `engine/src`.
    places: &'static [&'static str],
    because: &'static str,
}

const OWNERS: [Owners; 16] = [
    Owners { name: "std::time::SystemTime", places: &[], because: "`now` is an argument" },
    Owners { name: "SystemTime::now", places: &[], because: "`now` is an argument" },
    Owners {
        name: "Instant::now",
        places: &["query/"],
        because: "only timeouts of queries look at a clock, and not at the calendar",
    },
    Owners { name: "Utc::now", places: &[], because: "`now` is an argument" },
    Owners { name: "Local::now", places: &[], because: "`now` is an argument" },
    Owners { name: "env::var", places: &[], because: "settings are arguments" },
    Owners { name: "env::temp_dir", places: &[], because: "the store says where temporary files go" },
    Owners { name: "rand::", places: &[], because: "every run can be repeated" },
    Owners {
        name: "uuid::",
        places: &["store/writer.rs"],
        because: "names of data files are the one use of randomness",
    },
    Owners {
        name: "std::fs::",
        places: &["store/layout.rs", "load/input.rs", "load/rejects.rs", "view/library.rs"],
        because: "files are opened in few places",
    },
    Owners { name: "csv::", places: &["load/"], because: "only loading knows CSV" },
    Owners { name: "object_store::", places: &["store/", "error.rs"], because: "only the store reaches its objects" },
    Owners {
        name: "parquet::",
        places: &["store/", "load/", "error.rs"],
        because: "queries read through the store's scan",
    },
    Owners {
        name: "datafusion::",
        places: &["store/", "query/", "functions/", "stats/", "view/", "engine.rs", "error.rs"],
        because: "loading and the algebra need no query engine",
    },
    Owners {
        name: "arrow::",
        places: &["store/", "query/", "functions/", "stats/", "load/", "model/", "view/", "etl/audit.rs", "error.rs"],
        because: "the algebra knows no Arrow",
    },
    Owners {
        name: "chrono::",
        places: &["load/", "time/day.rs", "time/moment.rs", "view/param.rs"],
        because: "inside, time is Unix seconds",
    },
];

/// `std::fs::File` alone is the type of a temporary file that another module has opened.
const TEMPORARY_FILES: [&str; 2] = ["load/spool.rs", "load/run.rs"];

/// Files whose readers and writers must not be drawn into the pure part of loading: the log report.
const NOT_IN_REPORT: [&str; 5] = ["csv::", "arrow::", "std::fs", "std::io", "crate::store"];

/// Longest function, in lines.
const MAX_FUNCTION: usize = 60;

/// Longer functions with their lines of today. The list may only shrink: what got shorter is entered anew or leaves.
const LONG_FUNCTIONS: [(&str, &str, usize); 0] = [];

/// Lines that would panic if a constant of ours were another: the order of clustered files is never empty.
const PANICS: [(&str, usize); 1] = [("store/scan.rs", 1)];

/// Libraries of which a second version would be another, incompatible copy of the same types.
const ONE_VERSION: [&str; 5] = ["arrow", "arrow-array", "parquet", "object_store", "datafusion"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// All files below a folder with this extension: path below it, and text.
fn texts(folder: &Path, extension: &str) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| next.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|known| known == extension) {
                let name = path.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(found)
}

/// The lines of a package that belong to the product: no tests, no comments.
fn product(package: &str) -> Result<BTreeMap<String, Vec<String>>> {
    let mut files = texts(&root().join(package).join("src"), "rs")?;
    let test_files: BTreeSet<String> = files.iter().flat_map(|(name, text)| test_modules(name, text)).collect();
    files.retain(|name, _| {
        !test_files.iter().any(|test| name == &format!("{test}.rs") || name.starts_with(&format!("{test}/")))
    });
    Ok(files.into_iter().map(|(name, text)| (name, product_lines(&text))).collect())
}

/// Modules in files of their own that only tests have, as paths without extension.
fn test_modules(name: &str, text: &str) -> Vec<String> {
    let folder = match name.strip_suffix("mod.rs").or_else(|| name.strip_suffix("lib.rs")) {
        Some(folder) => folder.to_owned(),
        None => format!("{}/", name.trim_end_matches(".rs")),
    };
    let lines: Vec<&str> = text.lines().collect();
    let declared = lines.windows(2).filter(|pair| pair[0].trim() == "#[cfg(test)]" && pair[1].ends_with(';'));
    declared
        .filter_map(|pair| pair[1].split_once("mod ").map(|(_, module)| module.trim_end_matches(';')))
        .map(|module| format!("{folder}{module}"))
        .collect()
}

fn product_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{'));
    let lines = &lines[..tests.unwrap_or(lines.len())];
    lines.iter().filter(|line| !line.trim_start().starts_with("//")).map(|line| (*line).to_owned()).collect()
}

/// The module of a file: the first part of its path.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// The modules that a line names behind `crate::`.
fn used_modules(line: &str) -> Vec<&'static str> {
    let mut used = Vec::new();
    for (at, found) in line.match_indices("crate::") {
        let rest = &line[at + found.len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or_default().split(',').map(str::trim).collect(),
            None => vec![rest],
        };
        used.extend(names.into_iter().map(owner));
    }
    used
}

/// The module behind a name of the crate's root.
fn owner(name: &str) -> &'static str {
    let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
    match &name[..end] {
        "Error" | "ErrorKind" | "Result" => "error",
        "Fault" => "fault",
        "Lang" | "Text" => "text",
        "Engine" => "engine",
        other => ARROWS.iter().map(|arrows| arrows.module).find(|known| *known == other).unwrap_or("an unknown module"),
    }
}

#[test]
fn arrows_between_modules_point_downwards() -> Result<()> {
    let files = product("engine")?;
    let mut wrong = Vec::new();
    for (file, lines) in &files {
        if file == "lib.rs" {
            continue;
        }
        let arrows = ARROWS.iter().find(|arrows| arrows.module == module(file));
        let arrows = arrows.with_context(|| format!("`{file}` belongs to no module of the table"))?;
        for used in lines.iter().flat_map(|line| used_modules(line)) {
            if used != arrows.module && !arrows.uses.contains(&used) {
                wrong.push(format!("{file} uses `{used}`: {}", arrows.because));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows drawn upwards:\n{}", wrong.join("\n"));
    for arrows in &ARROWS {
        assert!(files.keys().any(|file| module(file) == arrows.module), "no module `{}` any more", arrows.module);
    }
    Ok(())
}

/// The table itself: an arrow and its way back would be a circle.
#[test]
fn arrows_between_modules_form_no_circle() {
    let mut below: BTreeSet<&str> = BTreeSet::new();
    for arrows in &ARROWS {
        for used in arrows.uses {
            assert!(below.contains(used), "`{}` uses `{used}`, which the table has not placed below it", arrows.module);
        }
        below.insert(arrows.module);
    }
}

#[test]
fn outside_names_stay_with_their_owners() -> Result<()> {
    let mut wrong = Vec::new();
    for (file, lines) in product("engine")? {
        for owners in &OWNERS {
            let allowed = owners.places.iter().any(|place| file.starts_with(place));
            let used = lines.iter().any(|line| names(line, owners.name) && !is_temporary_file(&file, line));
            if used && !allowed {
                wrong.push(format!("{file} uses `{}`: {}", owners.name, owners.because));
            }
        }
        let report = file.starts_with("load/report/");
        for name in NOT_IN_REPORT.iter().filter(|_| report) {
            if lines.iter().any(|line| names(line, name)) {
                wrong.push(format!("{file} uses `{name}`: the reader of reports is pure"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Whether a line uses a path that starts a word: `csv::` is not in `self::csv::`, nor `arrow::` in `to_arrow::`.
fn names(line: &str, path: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    // Types may be written with their whole path, and methods follow anything.
    let anywhere = path.starts_with('.') || path.ends_with("::now") || path.starts_with("env::");
    line.match_indices(path).any(|(at, _)| anywhere || !line[..at].ends_with(inside))
}

fn is_temporary_file(file: &str, line: &str) -> bool {
    TEMPORARY_FILES.contains(&file) && line == "use std::fs::File;"
}

#[test]
fn nothing_below_the_command_line_prints_or_panics() -> Result<()> {
    let macros = [
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "dbg!",
        "std::process::exit",
        "panic!(",
        "unimplemented!",
        "unreachable!",
        ".expect(",
        ".unwrap()",
    ];
    let mut panics = BTreeMap::new();
    for (file, lines) in product("engine")? {
        let found = lines.iter().filter(|line| macros.iter().any(|name| names(line, name))).count();
        if found > 0 {
            panics.insert(file, found);
        }
    }
    let known: BTreeMap<String, usize> = PANICS.into_iter().map(|(file, count)| (file.to_owned(), count)).collect();
    assert_eq!(panics, known, "lines that print or panic beside those of the list");
    Ok(())
}

#[test]
fn functions_fit_on_a_screen() -> Result<()> {
    let mut long = BTreeMap::new();
    for package in ["engine", "server"] {
        for (file, lines) in product(package)? {
            for (name, length) in functions(&lines).into_iter().filter(|(_, length)| *length > MAX_FUNCTION) {
                long.insert((format!("{package}/src/{file}"), name), length);
            }
        }
    }
    let known: BTreeMap<_, _> =
        LONG_FUNCTIONS.into_iter().map(|(file, name, length)| ((file.to_owned(), name.to_owned()), length)).collect();
    assert_eq!(long, known, "functions over {MAX_FUNCTION} lines beside those of the list");
    Ok(())
}

/// Names and lines of the functions, from the signature to the brace that closes it; the code is formatted.
fn functions(lines: &[String]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let words = line.trim_start();
        let Some(at) = words.find("fn ").filter(|at| words[..*at].split(' ').all(is_qualifier)) else { continue };
        let name: String = words[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let closes =
            |line: &String| line.len() > indent && line[..indent].trim().is_empty() && line[indent..].starts_with('}');
        let one_line = words.ends_with('}') || words.ends_with(';');
        if let Some(length) = lines[start..].iter().position(closes).filter(|_| !one_line) {
            found.push((name, length + 1));
        }
    }
    found
}

fn is_qualifier(word: &str) -> bool {
    word.is_empty()
        || ["async", "const", "unsafe", "extern"].contains(&word)
        || word.starts_with("pub")
        || word.starts_with("in")
        || word.ends_with(')')
}

#[test]
fn functions_are_measured_from_signature_to_brace() {
    let text = "impl X {\n    pub(super) async fn long(\n        a: u8,\n    ) {\n        if a {\n        }\n    }\n\n    fn short() {}\n}\n\nfn last() {\n}\n";
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(functions(&lines), [("long".to_owned(), 6), ("last".to_owned(), 2)]);
}

#[test]
fn arrow_and_its_family_stand_once_in_the_lock_file() -> Result<()> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    for name in ONE_VERSION {
        let entries = lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
        assert_eq!(entries, 1, "versions of `{name}`");
    }
    Ok(())
}

#[test]
fn every_file_of_sql_tests_asks_something() -> Result<()> {
    let files = texts(&root().join("tests/slt"), "slt")?;
    assert!(!files.is_empty());
    for (name, text) in files {
        let asks = text.lines().any(|line| line.starts_with("query ") || line.starts_with("statement "));
        assert!(asks, "{name} holds no query");
    }
    Ok(())
}

/// A test that is not run proves nothing, and a promise without a date is none.
#[test]
fn no_test_is_ignored_and_nothing_is_left_to_do_without_a_condition() -> Result<()> {
    // Put together here, so that this file is not found itself.
    let (ignored, left) = (concat!("#[", "ignore"), concat!("TO", "DO"));
    for package in ["engine", "server", "tests", "benches"] {
        for (name, text) in texts(&root().join(package), "rs")? {
            for line in text.lines() {
                assert!(!line.contains(ignored), "{package}/{name}: {line}");
                let named = [" when ", " until ", " once ", " after "].iter().any(|word| line.contains(word));
                assert!(!line.contains(left) || named, "{package}/{name}: {line}");
            }
        }
    }
    Ok(())
}

/// The command line starts the server, and nothing of the server knows of a command line.
#[test]
fn the_server_knows_no_command_line() -> Result<()> {
    let sources = texts(&root().join("server/src"), "rs")?;
    let below: Vec<&String> = sources
        .keys()
        .filter(|path| !path.starts_with("cli/") && !["lib.rs", "main.rs"].contains(&path.as_str()))
        .collect();
    anyhow::ensure!(below.iter().any(|path| path.starts_with("routes/")), "the server was not found");
    for path in below {
        anyhow::ensure!(!sources[path].contains("crate::cli"), "{path} uses the command line");
    }
    Ok(())
}
