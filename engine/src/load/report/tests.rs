use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;

use super::dates::{OrderAnswer, OrderEvidence};
use super::*;

const HEADER: [&str; 9] = [
    "Time",
    "User full name",
    "Affected user",
    "Event context",
    "Component",
    "Event name",
    "Description",
    "Origin",
    "IP address",
];

fn parser() -> ReportParser {
    ReportParser::new(headers::detect(&HEADER).unwrap(), Some(DateOrder::DayFirst), Tz::UTC)
}

#[test]
fn a_row_becomes_a_row_of_the_log() {
    let row = parser()
        .parse(&[
            "12/01/24, 14:05",
            "-",
            "-",
            "File: Tom &amp; Jerry",
            "File",
            "Course module viewed",
            "The user with id '5121' viewed the 'resource' activity with course module id '2427'.",
            "web",
            "192.168.99.3",
        ])
        .unwrap();
    let other: Value = serde_json::from_str(row.other.as_deref().unwrap()).unwrap();
    assert_eq!(other["context"], "File: Tom &amp; Jerry");
    assert_eq!(other["user"], "-");
    assert_eq!(other["event"], "Course module viewed");
    assert_eq!(other.as_object().unwrap().len(), 6);
    let expected = ReportRow {
        time: 1_705_068_300,
        userid: 5121,
        relateduserid: None,
        courseid: None,
        eventname: r"\mod_resource\event\course_module_viewed".to_owned(),
        component: "mod_resource".to_owned(),
        action: "viewed".to_owned(),
        target: "course_module".to_owned(),
        objecttable: Some("resource".to_owned()),
        objectid: None,
        crud: "r",
        edulevel: 2,
        contextlevel: 70,
        contextinstanceid: 2427,
        origin: "web".to_owned(),
        ip: Some("192.168.99.3".to_owned()),
        other: row.other.clone(),
    };
    assert_eq!(row, expected);
}

#[test]
fn rows_of_nobody_of_moodle_and_of_the_command_line_are_read() {
    let mut parser = parser();
    let mut user = |description, origin, ip| {
        let row =
            parser.parse(&["1/01/24, 0:00", "", "", "", "System", "User graded", description, origin, ip]).unwrap();
        (row.userid, row.relateduserid, row.origin, row.ip)
    };
    assert_eq!(
        user("The user with id '-1' updated the grade with id '5' for the user with id '6' for …", "web", "-"),
        (-1, Some(6), "web".to_owned(), None)
    );
    assert_eq!(user("The user with id '0' has …", "cli", ""), (0, None, "cli".to_owned(), None));
}

#[test]
fn rows_without_time_or_user_are_faults() {
    let mut parser = parser();
    let fault = parser.parse(&["31/02/24, 14:05", "", "", "", "", "", "The user with id '1' …"]).unwrap_err();
    assert_eq!(
        (fault.code, fault.column, fault.value.as_deref()),
        ("report.bad_time", Some(0), Some("31/02/24, 14:05"))
    );
    let fault = parser.parse(&["1/02/24, 14:05", "", "", "", "", "", "User added submission 'x'"]).unwrap_err();
    assert_eq!(
        (fault.code, fault.column, fault.value.as_deref()),
        ("report.no_user", Some(6), Some("User added submission 'x'"))
    );
    assert_eq!(parser.parse(&[]).unwrap_err().code, "report.bad_time");
    assert_eq!(parser.parse(&["1/02/24, 14:05"]).unwrap_err().code, "report.no_user");
}

#[test]
fn a_column_with_user_numbers_helps_where_the_description_does_not() {
    let columns = headers::detect(&["Time", "User ID", "Event name", "Description"]).unwrap();
    let mut parser = ReportParser::new(columns, None, Tz::UTC);
    assert_eq!(parser.parse(&["2024-01-12 14:05", "7", "x", "nothing"]).unwrap().userid, 7);
    assert_eq!(parser.parse(&["2024-01-12 14:05", "7", "x", "The user with id '8' …"]).unwrap().userid, 8);
    assert_eq!(parser.parse(&["2024-01-12 14:05", "", "x", "nothing"]).unwrap_err().code, "report.no_user");
}

#[test]
fn a_report_in_french() {
    let header = [
        "\u{feff}Heure",
        "Nom complet de l'utilisateur",
        "Utilisateur touché",
        "Contexte de l'événement",
        "Composant",
        "Nom de l'événement",
        "Description",
        "Origine",
        "Adresse IP",
    ];
    let mut parser = ReportParser::new(headers::detect(&header).unwrap(), None, Tz::Europe__Paris);
    let row = parser
        .parse(&[
            "12 janvier 2024, 15:05",
            "Zoé Martin",
            "-",
            "Système",
            "Système",
            "Utilisateur connecté",
            "The user with id '9' has logged in.",
            "web",
            "10.0.0.1",
        ])
        .unwrap();
    assert_eq!(
        (row.time, row.userid, row.action.as_str(), row.target.as_str()),
        (1_705_068_300, 9, "loggedin", "user")
    );
    assert_eq!((row.contextlevel, row.courseid), (10, None));
}

#[test]
fn the_course_of_a_file_needs_more_than_95_percent() {
    let courses = |own: usize, other: usize| {
        file_course(std::iter::repeat_n(Some(7), own).chain(std::iter::repeat_n(Some(8), other)).chain([None, None]))
    };
    assert_eq!(courses(1, 0), Some(7));
    assert_eq!(courses(96, 4), Some(7));
    assert_eq!(courses(95, 5), None);
    assert_eq!(courses(1, 1), None);
    assert_eq!(courses(0, 0), None);
}

#[test]
fn a_course_is_filled_in_only_where_none_is_named() {
    let mut parser = parser();
    let mut row =
        |event, description| parser.parse(&["1/01/24, 0:00", "", "", "", "System", event, description]).unwrap();
    let mut graded =
        row("User graded", "The user with id '1' updated the grade with id '5' for the user with id '6' …");
    graded.set_course(7);
    assert_eq!((graded.courseid, graded.contextlevel, graded.contextinstanceid), (Some(7), 50, 7));
    let mut viewed = row("Course viewed", "The user with id '1' viewed the course with id '3'.");
    viewed.set_course(7);
    assert_eq!((viewed.courseid, viewed.contextinstanceid), (Some(3), 3));
}

/// The real reports: what the peer's mapping counted in each, and courses counted by hand with a search in the files.
#[test]
fn the_ten_real_reports() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let golden = std::fs::read_to_string(root.join("tests/golden/peers/dedication_moodle_reports.json")).unwrap();
    let golden: Value = serde_json::from_str(&golden).unwrap();
    let courses = BTreeMap::from([
        ("moodle_module_1_f19.csv", 111),
        ("moodle_module_1_f20.csv", 148),
        ("moodle_module_1_sp18.csv", 158),
        ("moodle_module_1_sp21.csv", 406),
        ("moodle_module_2_f17.csv", 95),
        ("moodle_module_3_f17.csv", 113),
        ("moodle_module_3_sp17.csv", 177),
        ("moodle_module_3_sp18.csv", 177),
        ("moodle_module_5_f17.csv", 165),
        ("moodle_module_5_sp17.csv", 229),
    ]);
    let mut events: BTreeMap<String, u64> = BTreeMap::new();
    let files = golden["files"].as_array().unwrap();
    assert_eq!(files.len(), 10);
    for expected in files {
        let name = expected["file"].as_str().unwrap();
        let found = read_report(&root.join("datasets/moodle-log-report-en").join(format!("{name}.gz")));
        let left_out = |why: &str| expected["rows_left_out"][why].as_u64().unwrap_or(0);
        assert_eq!(found.rows, expected["rows"].as_u64().unwrap(), "{name}");
        assert_eq!(found.without_user, left_out("no_user"), "{name}");
        assert_eq!(found.nobody, left_out("user<=0"), "{name}");
        assert_eq!(found.bad_times, 0, "{name}");
        assert_eq!(found.loaded - found.nobody, expected["rows_used"].as_u64().unwrap(), "{name}");
        assert_eq!(found.course, Some(courses[name]), "{name}");
        for (event, count) in found.events {
            *events.entry(event).or_default() += count;
        }
        // The peer leaves rows of the command line out of its users; every other user that it lists is one of ours.
        for user in expected["users"].as_object().unwrap().keys() {
            assert!(found.users.contains(&user.parse::<i64>().unwrap()), "{name} {user}");
        }
    }
    // Rows by component and event name, counted in the files with another program; rows without a user left out.
    let counted = [
        (r"\core\event\course_viewed", 13_261),
        (r"\mod_resource\event\course_module_viewed", 8536),
        (r"\core\event\course_module_completion_updated", 2470),
        (r"\core\event\grade_item_updated", 1817),
        (r"\mod_assign\event\submission_status_viewed", 1312),
        (r"\core\event\user_enrolment_updated", 818),
        (r"\mod_url\event\course_module_viewed", 669),
        (r"\mod_hvp\event\course_module_viewed", 665),
        (r"\mod_assign\event\course_module_viewed", 590),
        (r"\mod_assign\event\submission_form_viewed", 422),
        (r"\core\event\course_module_updated", 421),
        (r"\assignsubmission_file\event\assessable_uploaded", 332),
        (r"\assignsubmission_file\event\submission_created", 294),
        (r"\mod_assign\event\grading_table_viewed", 219),
        (r"\core\event\user_list_viewed", 217),
        (r"\mod_assign\event\assessable_submitted", 201),
        (r"\mod_assign\event\submission_confirmation_form_viewed", 152),
        (r"\core\event\course_section_updated", 149),
        (r"\core\event\course_module_created", 136),
        (r"\core\event\course_backup_created", 123),
        (r"\core\event\grade_item_created", 119),
        (r"\core\event\user_profile_viewed", 105),
        (r"\core\event\user_graded", 101),
        (r"\core\event\role_assigned", 88),
        (r"\core\event\user_enrolment_created", 82),
        (r"\core\event\group_member_added", 81),
        (r"\mod_assign\event\statement_accepted", 72),
        (r"\core\event\course_section_created", 54),
        (r"\core\event\calendar_event_updated", 49),
        (r"\core\event\grade_deleted", 47),
        (r"\core\event\calendar_event_created", 44),
        (r"\assignsubmission_file\event\submission_updated", 38),
        (r"\mod_forum\event\course_module_viewed", 24),
        (r"\mod_wiki\event\course_module_viewed", 21),
        (r"\mod_realtimequiz\event\course_module_viewed", 18),
        (r"\mod_folder\event\course_module_viewed", 14),
        (r"\mod_assign\event\all_submissions_downloaded", 9),
        (r"\core\event\course_updated", 8),
        (r"\core\event\badge_listing_viewed", 7),
        (r"\core\event\enrol_instance_created", 7),
        (r"\core\event\group_created", 4),
        (r"\mod_wiki\event\comments_viewed", 4),
        (r"\mod_wiki\event\page_viewed", 4),
        (r"\report_log\event\report_viewed", 3),
        (r"\core\event\course_created", 3),
        (r"\core\event\user_enrolment_deleted", 3),
        (r"\core\event\role_unassigned", 3),
        (r"\mod_assign\event\remove_submission_form_viewed", 3),
        (r"\core\event\group_member_removed", 2),
        (r"\mod_assign\event\submission_status_updated", 2),
        (r"\mod_wiki\event\page_history_viewed", 2),
        (r"\core\event\course_section_deleted", 1),
        (r"\mod_folder\event\folder_updated", 1),
        (r"\core\event\course_restored", 1),
        (r"\mod_wiki\event\comment_created", 1),
        (r"\mod_wiki\event\page_map_viewed", 1),
        (r"\mod_wiki\event\page_created", 1),
        (r"\core\event\recent_activity_viewed", 1),
        (r"\mod_folder\event\all_files_downloaded", 1),
    ];
    let counted: BTreeMap<String, u64> = counted.map(|(event, count)| (event.to_owned(), count)).into();
    assert_eq!(events, counted);
}

#[derive(Default)]
struct Found {
    rows: u64,
    loaded: u64,
    without_user: u64,
    nobody: u64,
    bad_times: u64,
    course: Option<i64>,
    users: BTreeSet<i64>,
    /// Rows with a user by event.
    events: BTreeMap<String, u64>,
}

fn read_report(path: &std::path::Path) -> Found {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    let (text, _, _) = encoding_rs::WINDOWS_1252.decode(&bytes);
    let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let columns = headers::detect(&header.iter().collect::<Vec<_>>()).unwrap();
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();

    let mut evidence = OrderEvidence::default();
    for (line, record) in (2..).zip(&records) {
        evidence.observe(line, &record[columns.time], Dictionary::builtin());
    }
    let OrderAnswer::Proved { order: DateOrder::DayFirst, .. } = evidence.answer() else {
        panic!("{:?}", evidence.answer())
    };

    let mut parser = ReportParser::new(columns, Some(DateOrder::DayFirst), Tz::UTC);
    let mut found = Found::default();
    for record in &records {
        found.rows += 1;
        match parser.parse(&record.iter().collect::<Vec<_>>()) {
            Ok(row) => {
                found.loaded += 1;
                found.nobody += u64::from(row.userid <= 0);
                found.users.insert(row.userid);
                *found.events.entry(row.eventname).or_default() += 1;
            }
            Err(fault) if fault.code == "report.no_user" => found.without_user += 1,
            Err(_) => found.bad_times += 1,
        }
    }
    found.course = parser.courses().course();
    found
}
