//! The data in the program, as its publishers give it, compressed.

use bytes::Bytes;
use chrono_tz::Tz;
use engine::load::{DateOrder, Format, LoadRequest, Source};

/// Site of the blended course.
pub(super) const COURSE_SITE: &str = "campus";

/// Site of the log reports.
const REPORTS_SITE: &str = "reports";

/// Who published the blended course, and under which licence, in English and French.
pub(super) const COURSE_CREDIT: [&str; 2] = [
    "Data: López-Pernas, Saqr, Conde, Del-Río-Carazo, in \"Learning Analytics Methods and Tutorials\", Springer 2024; \
     CC BY 4.0; converted to CSV.",
    "Données : López-Pernas, Saqr, Conde, Del-Río-Carazo, dans « Learning Analytics Methods and Tutorials », \
     Springer 2024 ; CC BY 4.0 ; converties en CSV.",
];

/// Who published the log reports, and under which licence, in English and French.
pub(super) const REPORTS_CREDIT: [&str; 2] = [
    "Data: Hasan, Palaniappan, Mahmood, Abbas, Sarker, \"Data\" 2021, 6(11), 110; CC BY 4.0; files renamed.",
    "Données : Hasan, Palaniappan, Mahmood, Abbas, Sarker, « Data » 2021, 6(11), 110 ; CC BY 4.0 ; fichiers renommés.",
];

macro_rules! bundled {
    ($($path:literal),+ $(,)?) => {
        &[$(($path, include_bytes!(concat!("../../../../datasets/", $path)).as_slice())),+]
    };
}

const COURSE: &[(&str, &[u8])] = bundled!["moodle-la-course/events.csv.gz"];

const REPORTS: &[(&str, &[u8])] = bundled![
    "moodle-log-report-en/moodle_module_1_f19.csv.gz",
    "moodle-log-report-en/moodle_module_1_f20.csv.gz",
    "moodle-log-report-en/moodle_module_1_sp18.csv.gz",
    "moodle-log-report-en/moodle_module_1_sp21.csv.gz",
    "moodle-log-report-en/moodle_module_2_f17.csv.gz",
    "moodle-log-report-en/moodle_module_3_f17.csv.gz",
    "moodle-log-report-en/moodle_module_3_sp17.csv.gz",
    "moodle-log-report-en/moodle_module_3_sp18.csv.gz",
    "moodle-log-report-en/moodle_module_5_f17.csv.gz",
    "moodle-log-report-en/moodle_module_5_sp17.csv.gz",
];

/// Column of the log, column of the file.
const COURSE_MAP: &[(&str, &str)] = &[
    ("userid", "user"),
    ("timecreated", "timecreated"),
    ("component", "Component"),
    ("eventname", "Event.name"),
    ("action", "Action"),
    ("courseid", "'la-course'"),
    ("other", "Event.context"),
];

/// The load of the blended course.
pub(super) fn course(now: i64) -> LoadRequest {
    let mut request = LoadRequest::new(sources(COURSE), now);
    request.site = Some(COURSE_SITE.to_owned());
    request.format = Some(Format::Events);
    request.timezone = Some(Tz::UTC);
    request.time_pattern = Some("%Y-%m-%d %H:%M:%S".to_owned());
    request.map = COURSE_MAP.iter().map(|(log, file)| ((*log).to_owned(), (*file).to_owned())).collect();
    request
}

/// The load of the ten log reports.
pub(super) fn reports(now: i64) -> LoadRequest {
    let mut request = LoadRequest::new(sources(REPORTS), now);
    request.site = Some(REPORTS_SITE.to_owned());
    request.format = Some(Format::LogReport);
    request.timezone = Some(Tz::UTC);
    request.date_order = Some(DateOrder::DayFirst);
    request
}

fn sources(files: &[(&str, &'static [u8])]) -> Vec<Source> {
    let source = |(path, bytes): &(&str, &'static [u8])| Source::Memory {
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        bytes: Bytes::from_static(bytes),
    };
    files.iter().map(source).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_compressed_and_named_as_such() {
        let requests = [course(0), reports(0)];
        let sources: Vec<&Source> = requests.iter().flat_map(|request| &request.sources).collect();
        assert_eq!(sources.len(), 11);
        for source in sources {
            let Source::Memory { name, bytes } = source else { panic!("not in memory") };
            assert!(name.ends_with(".csv.gz"), "{name}");
            assert_eq!(bytes[..2], [0x1f, 0x8b], "{name}");
        }
    }
}
