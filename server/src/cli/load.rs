//! `load`: files, patterns and standard input, in one commit.

use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::load::{LoadRequest, Source};
use engine::{Error, ErrorKind, text};

use super::args::{Globals, LoadArgs};
use super::exit::{Exit, Failure};
use super::progress::Shown;
use super::summary::Report;
use super::{Console, flags, open, query};

/// Runs `load`.
pub(crate) async fn run(args: &LoadArgs, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let request = request(args, now)?;
    let engine = open::open(globals.store()).await?;
    let started = Instant::now();
    let shown = Shown::on(console, total_bytes(&request.sources));
    let summary = engine.load(&request, shown.receiver()).await;
    drop(shown);
    let summary = summary?;
    let report = Report { summary: &summary, seconds: started.elapsed().as_secs_f64() };
    if args.json {
        console.json(&report.json(console.lang()))?;
    } else {
        report.print(console)?;
    }
    Ok(if summary.total().rejected > 0 { Exit::Rejected } else { Exit::Done })
}

fn request(args: &LoadArgs, now: i64) -> Result<LoadRequest, Failure> {
    let mut request = LoadRequest::new(sources(&args.files)?, now);
    request.site.clone_from(&args.site);
    request.format = flags::parse("format", args.format.as_deref(), flags::load_format)?;
    request.timezone = flags::parse("timezone", args.timezone.as_deref(), flags::timezone)?;
    request.date_order = args.date_order.map(Into::into);
    for map in &args.map {
        request.map.extend(flags::parse("map", Some(map), flags::mapping)?.unwrap_or_default());
    }
    request.time_pattern.clone_from(&args.time_pattern);
    request.delimiter = flags::parse("delimiter", args.delimiter.as_deref(), flags::delimiter)?;
    request.rejects_dir.clone_from(&args.rejects_dir);
    request.again = args.again;
    if let Some(memory) = flags::parse("memory", args.memory.as_deref(), flags::size)? {
        request.memory_budget = memory;
    }
    request.threads = query::threads(args.threads);
    Ok(request)
}

/// The inputs in the order given, patterns expanded, each file once.
fn sources(files: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let mut sources: Vec<Source> = Vec::new();
    for file in files {
        if file == Path::new("-") {
            push_new(&mut sources, Source::Stdin);
            continue;
        }
        for path in expand(file)? {
            if path.is_dir() {
                let folder = path.display();
                return Err(missing(text!(
                    "`{folder}` is a folder; name its files, such as `{folder}/*.csv`",
                    "`{folder}` est un dossier ; nommez ses fichiers, par exemple `{folder}/*.csv`"
                )));
            }
            push_new(&mut sources, Source::File(path));
        }
    }
    Ok(sources)
}

fn push_new(sources: &mut Vec<Source>, source: Source) {
    if !sources.contains(&source) {
        sources.push(source);
    }
}

/// The files of a pattern; a name that exists is a name, whatever characters it has.
fn expand(file: &Path) -> Result<Vec<PathBuf>, Failure> {
    let shown = file.display();
    if file.exists() {
        return Ok(vec![file.to_owned()]);
    }
    let pattern = file.to_str().filter(|name| name.contains(['*', '?', '[']));
    let Some(pattern) = pattern else {
        return Err(missing(text!("there is no file `{shown}`", "il n'y a pas de fichier `{shown}`")));
    };
    let wrong = |reason: String| {
        Failure::Usage(text!(
            "`{shown}` is no valid pattern: {reason}",
            "`{shown}` n'est pas un motif valide : {reason}"
        ))
    };
    let found = glob::glob(pattern).map_err(|error| wrong(error.msg.to_owned()))?;
    // Folders may match too, and so do the reject files of an earlier load; a reject file is loaded when it is named.
    let mut paths = found
        .map(|entry| entry.map_err(std::io::Error::from))
        .filter(|entry| !entry.as_ref().is_ok_and(|path| path.is_dir() || is_rejects(path)))
        .collect::<Result<Vec<_>, _>>()?;
    if paths.is_empty() {
        return Err(missing(text!("no file matches `{shown}`", "aucun fichier ne correspond à `{shown}`")));
    }
    paths.sort();
    Ok(paths)
}

fn is_rejects(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.ends_with(".rejected.csv"))
}

fn missing(message: engine::Text) -> Failure {
    Error::new(ErrorKind::NotFound, message).into()
}

/// Bytes of all inputs, as stored; `None` when one of them is a pipe.
pub(crate) fn total_bytes(sources: &[Source]) -> Option<u64> {
    sources
        .iter()
        .map(|source| match source {
            Source::File(path) => std::fs::metadata(path).ok().filter(|found| found.is_file()).map(|found| found.len()),
            Source::Memory { bytes, .. } => Some(bytes.len() as u64),
            Source::Stdin => None,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_expanded_in_order_and_files_come_once() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "a.csv.rejected.csv", "c.txt", "[x].csv"] {
            std::fs::write(folder.path().join(name), "12345").unwrap();
        }
        std::fs::create_dir(folder.path().join("d.csv")).unwrap();
        let at = |name: &str| folder.path().join(name);
        let found = sources(&[at("b.csv"), at("*.csv"), PathBuf::from("-"), at("[x].csv")]).unwrap();
        let file = |name: &str| Source::File(at(name));
        assert_eq!(found, [file("b.csv"), file("[x].csv"), file("a.csv"), Source::Stdin]);
        assert_eq!(total_bytes(&found[..3]), Some(15));
        assert_eq!(total_bytes(&found), None);
    }

    #[test]
    fn a_pattern_without_match_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["*.csv", "a.csv", "[z"] {
            assert!(sources(&[folder.path().join(name)]).is_err(), "{name}");
        }
        assert!(sources(&[folder.path().to_owned()]).is_err());
    }
}
