//! [`block_table`]: the list of courses that the block shows, with its totals.

use std::collections::BTreeMap;

/// Id of the front page of a site.
const SITE_COURSE: i64 = 1;

/// Id under which the time outside courses is counted.
const NO_COURSE: i64 = 0;

/// Name that sorts the time outside courses when the caller gives none.
const OTHER: &str = "other";

/// Figures of one user in one course.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CourseFigures {
    /// Id of the course; 0 is the time outside courses.
    pub courseid: i64,
    /// Its short name, `None` when the course is gone: then it is neither shown nor counted. Of course 0 the name of
    /// "other" in the reader's language; `other` when it is `None`.
    pub shortname: Option<String>,
    /// Seconds of all hits in the course.
    pub elapsed: i64,
    /// Number of all hits in the course.
    pub events: i64,
    /// Seconds of the hits in activities of the course.
    pub activities_elapsed: i64,
    /// Number of hits in activities. The block shows the number of all hits in any case.
    pub activities_events: i64,
}

/// Order of the courses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CourseOrder {
    /// By short name, byte by byte; equal names in the order of the input.
    #[default]
    Name,
    /// By the time shown, longest first; equal times in the reversed order of the input.
    Time,
}

/// Whether the time outside courses is listed and counted: the setting `displayothertime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OtherTime {
    /// 1: it is.
    #[default]
    Shown,
    /// 0: neither course 0 nor, on the page of a course, the site course.
    Hidden,
}

/// The time that is shown: the setting `displayactivitytimeonly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ReferenceTime {
    /// 0: all hits of the course.
    #[default]
    CourseTotal,
    /// 1: the hits in activities.
    Activities,
}

/// Settings of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlockSettings {
    /// Courses under this many seconds of the time shown are not listed, but counted in the totals; 0 or less lists
    /// all (`filterdisplayunder`).
    pub filter_under: i64,
    /// Whether the time outside courses belongs to the list and the totals.
    pub other_time: OtherTime,
    /// The time that is shown.
    pub reference: ReferenceTime,
}

impl Default for BlockSettings {
    /// The settings of a new site: 60 seconds, all times.
    fn default() -> Self {
        Self { filter_under: 60, other_time: OtherTime::Shown, reference: ReferenceTime::CourseTotal }
    }
}

/// The list of courses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct BlockTable {
    /// Ids of the listed courses in the order of the list.
    pub order: Vec<i64>,
    /// Seconds shown, by id of the listed course.
    pub elapsed: BTreeMap<i64, i64>,
    /// Number of hits, by id of the listed course.
    pub events: BTreeMap<i64, i64>,
    /// Seconds of all courses, the filtered ones too.
    pub fulltotal: i64,
    /// Number of hits of all courses, the filtered ones too.
    pub fullevents: i64,
}

/// The list of a user's courses on the page of a course (1 = the site), as block_use_stats 5.1.0 shows it.
///
/// The figures come in the order in which the user came to the courses, each course once; it settles ties.
pub fn block_table(
    figures: &[CourseFigures],
    page_course: i64,
    order: CourseOrder,
    settings: &BlockSettings,
) -> BlockTable {
    let mut table = BlockTable::default();
    let mut listed = Vec::new();
    for course in figures.iter().filter(|course| is_counted(course, page_course, settings.other_time)) {
        let elapsed = match settings.reference {
            ReferenceTime::CourseTotal => course.elapsed,
            ReferenceTime::Activities => course.activities_elapsed,
        };
        table.fulltotal = table.fulltotal.saturating_add(elapsed);
        table.fullevents = table.fullevents.saturating_add(course.events);
        if settings.filter_under <= 0 || elapsed >= settings.filter_under {
            table.elapsed.insert(course.courseid, elapsed);
            table.events.insert(course.courseid, course.events);
            listed.push((course.shortname.as_deref().unwrap_or(OTHER), elapsed, course.courseid));
        }
    }
    match order {
        CourseOrder::Name => listed.sort_by_key(|(name, _, _)| *name),
        CourseOrder::Time => {
            listed.sort_by_key(|(_, elapsed, _)| *elapsed);
            listed.reverse();
        }
    }
    table.order = listed.into_iter().map(|(_, _, courseid)| courseid).collect();
    table
}

fn is_counted(course: &CourseFigures, page_course: i64, other_time: OtherTime) -> bool {
    let hidden = other_time == OtherTime::Hidden;
    match course.courseid {
        NO_COURSE => !hidden,
        SITE_COURSE if hidden && page_course > SITE_COURSE => false,
        _ => course.shortname.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn course(courseid: i64, shortname: &str, elapsed: i64, events: i64) -> CourseFigures {
        let shortname = (!shortname.is_empty()).then(|| shortname.to_owned());
        CourseFigures { courseid, shortname, elapsed, events, ..CourseFigures::default() }
    }

    /// Course totals of the first recorded request, in the order of the log.
    fn figures(page_course: i64) -> Vec<CourseFigures> {
        let mut figures = vec![
            course(0, "", 900, 1),
            course(2, "ALGE2", 1196, 5),
            course(3, "BIOL3", 3221, 8),
            course(4, "CHEM4", 327, 4),
            course(1, "SITE", 2413, 8),
        ];
        if page_course == 2 {
            // Activities are known in the course of the page only. Its one hit outside them, row 11, lasts 5 s.
            (figures[1].activities_elapsed, figures[1].activities_events) = (1196 - 5, 4);
        }
        figures
    }

    fn told(table: &BlockTable) -> Value {
        serde_json::json!({
            "order": table.order,
            "elapsed": table.elapsed,
            "events": table.events,
            "fulltotal": table.fulltotal,
            "fullevents": table.fullevents,
        })
    }

    #[test]
    fn the_tables_are_those_of_the_block() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/use-stats/block-course-table");
        let expected: Value =
            serde_json::from_slice(&std::fs::read(format!("{folder}/expected.json")).unwrap()).unwrap();
        let results = expected["results"].as_array().unwrap();
        assert_eq!(results.len(), 16);
        let mut settings = BlockSettings { filter_under: 0, ..BlockSettings::default() };
        for result in results {
            let request = &result["request"];
            for (name, value) in request["settings"].as_object().unwrap() {
                match (name.as_str(), value.as_i64().unwrap()) {
                    ("filterdisplayunder", seconds) => settings.filter_under = seconds,
                    ("displayothertime", 0) => settings.other_time = OtherTime::Hidden,
                    ("displayothertime", _) => settings.other_time = OtherTime::Shown,
                    ("displayactivitytimeonly", 1) => settings.reference = ReferenceTime::Activities,
                    other => panic!("{other:?}"),
                }
            }
            let order = if request["order"] == "time" { CourseOrder::Time } else { CourseOrder::Name };
            let page = request["page_course"].as_i64().unwrap();
            let mut expected = result.clone();
            expected.as_object_mut().unwrap().remove("request");
            assert_eq!(told(&block_table(&figures(page), page, order, &settings)), expected, "{request}");
        }
    }

    #[test]
    fn a_course_that_is_gone_is_neither_shown_nor_counted() {
        let figures = [course(5, "", 500, 2), course(6, "six", 100, 1)];
        let table = block_table(&figures, 1, CourseOrder::Name, &BlockSettings::default());
        assert_eq!((table.order, table.fulltotal, table.fullevents), (vec![6], 100, 1));
    }

    #[test]
    fn the_filter_takes_the_time_shown_and_keeps_its_own_length() {
        let mut figures = [course(5, "five", 500, 2), course(6, "six", 60, 1), course(7, "seven", 59, 1)];
        let table = block_table(&figures, 1, CourseOrder::Time, &BlockSettings::default());
        assert_eq!((table.order, table.fulltotal, table.fullevents), (vec![5, 6], 619, 4));
        figures[2].activities_elapsed = 1000;
        let settings = BlockSettings { reference: ReferenceTime::Activities, ..BlockSettings::default() };
        let table = block_table(&figures, 1, CourseOrder::Time, &settings);
        assert_eq!((table.order, table.fulltotal, table.fullevents), (vec![7], 1000, 4));
    }

    #[test]
    fn names_are_compared_byte_by_byte_and_sums_do_not_overflow() {
        let figures = [
            course(5, "alpha", i64::MAX, 1),
            course(6, "Zeta", i64::MAX, i64::MAX),
            course(7, "élan", 100, 1),
            course(0, "autre", 100, 1),
        ];
        let table = block_table(&figures, 1, CourseOrder::Name, &BlockSettings::default());
        assert_eq!(table.order, [6, 5, 0, 7]);
        assert_eq!((table.fulltotal, table.fullevents), (i64::MAX, i64::MAX));
    }
}
