use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::DataType;

use super::*;

#[test]
fn names_are_unique_and_sorted() {
    let names: Vec<_> = tables().iter().map(|table| table.name).collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
}

#[test]
fn names_are_lower_case_and_bare() {
    for table in tables() {
        assert_eq!(table.name, table.name.to_ascii_lowercase());
        assert_eq!(table.name, bare_name(table.name));
    }
}

#[test]
fn columns_are_unique_without_regard_to_case() {
    for table in tables() {
        let mut seen = HashSet::new();
        for column in table.columns {
            assert!(seen.insert(column.name.to_ascii_lowercase()), "{}.{}", table.name, column.name);
            // Hidden columns of the store start with an underscore.
            assert!(!column.name.starts_with('_'), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn keys_exist_and_are_never_null() {
    for table in tables() {
        assert!(!table.key.is_empty(), "{}", table.name);
        for key in table.key {
            let column = table.column(key).unwrap_or_else(|| panic!("{}.{key}", table.name));
            assert!(!column.nullable && !column.secret, "{}.{key}", table.name);
        }
    }
}

#[test]
fn only_tables_of_the_store_have_a_key_other_than_id() {
    let own: Vec<_> = tables().iter().filter(|table| table.key != ["id"]).map(|table| table.name).collect();
    assert_eq!(own, ["avatars", "sync_rows", "sync_runs"]);
}

#[test]
fn everything_is_documented_in_a_sentence() {
    for table in tables() {
        assert!(is_sentence(table.doc), "{}: {:?}", table.name, table.doc);
        for column in table.columns {
            assert!(is_sentence(column.doc), "{}.{}: {:?}", table.name, column.name, column.doc);
        }
    }
}

fn is_sentence(doc: &str) -> bool {
    let starts = doc.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit() || c == '`');
    starts && doc.ends_with('.') && !doc.contains('\n') && !doc.contains("  ")
}

#[test]
fn units_are_seconds_or_bytes_and_only_on_integers() {
    for table in tables() {
        for column in table.columns {
            assert!(matches!(column.unit, None | Some("s" | "B")), "{}.{}", table.name, column.name);
            assert!(column.unit.is_none() || column.kind == Kind::Int, "{}.{}", table.name, column.name);
            if column.name.starts_with("time") && column.kind == Kind::Int {
                assert_eq!(column.unit, Some("s"), "{}.{}", table.name, column.name);
            }
        }
    }
}

#[test]
fn secrets_are_marked_and_nullable() {
    let mut secrets = Vec::new();
    for table in tables() {
        for column in table.columns.iter().filter(|column| column.secret) {
            assert!(column.nullable, "{}.{}", table.name, column.name);
            secrets.push(format!("{}.{}", table.name, column.name));
        }
    }
    assert_eq!(secrets, ["enrol.password", "groups.enrolmentkey", "user.password", "user.secret"]);
}

#[test]
fn a_table_is_found_with_and_without_prefix_in_any_case() {
    for name in ["user", "mdl_user", "MDL_USER", "User", "Mdl_User"] {
        assert_eq!(table(name).map(|table| table.name), Some("user"), "{name}");
    }
    for name in ["", "mdl_", "users", "mdl_mdl_user", " user", "mdl", "usér"] {
        assert!(table(name).is_none(), "{name}");
    }
    for known in tables() {
        assert!(table(known.name).is_some_and(|found| std::ptr::eq(found, *known)), "{}", known.name);
    }
    assert_eq!(table(LOG).map(|table| table.name), Some("logstore_standard_log"));
}

#[test]
fn bare_name_strips_one_prefix_and_nothing_else() {
    assert_eq!(bare_name("mdl_course"), "course");
    assert_eq!(bare_name("MDL_Course"), "Course");
    assert_eq!(bare_name("course"), "course");
    assert_eq!(bare_name("mdl_mdl_course"), "mdl_course");
    assert_eq!(bare_name("mdl"), "mdl");
    assert_eq!(bare_name("mdl_"), "");
    // The fourth byte lies inside a character.
    assert_eq!(bare_name("mdlé"), "mdlé");
}

#[test]
fn a_column_is_found_in_any_case() {
    let user = table("user").unwrap();
    assert_eq!(user.column("UserName").map(|column| column.name), Some("username"));
    assert!(user.column("nothing").is_none());
}

#[test]
fn the_schema_is_built_once() {
    let log = table(LOG).unwrap();
    assert!(Arc::ptr_eq(&log.schema(), &log.schema()));
}

#[test]
fn schemas_follow_the_columns() {
    for table in tables() {
        let schema = table.schema();
        assert_eq!(schema.fields().len(), table.columns.len());
        for (field, column) in schema.fields().iter().zip(table.columns) {
            assert_eq!(field.name(), column.name);
            assert_eq!(field.is_nullable(), column.nullable, "{}.{}", table.name, column.name);
            assert_eq!(*field.data_type(), column.kind.data_type(), "{}.{}", table.name, column.name);
        }
    }
}

#[test]
fn kinds_have_their_arrow_types() {
    assert_eq!(Kind::Int.data_type(), DataType::Int64);
    assert_eq!(Kind::Float.data_type(), DataType::Float64);
    assert_eq!(Kind::Text.data_type(), DataType::Utf8View);
    assert_eq!(Kind::LongText.data_type(), DataType::Utf8View);
    assert_eq!(Kind::Bytes.data_type(), DataType::BinaryView);
}

/// The 21 columns that the reference lists for the activity log, in its order, with its "null" column.
#[test]
fn the_log_has_the_columns_of_the_reference() {
    let (int, text) = (DataType::Int64, DataType::Utf8View);
    let expected = [
        ("id", &int, false),
        ("eventname", &text, false),
        ("component", &text, false),
        ("action", &text, false),
        ("target", &text, false),
        ("objecttable", &text, true),
        ("objectid", &int, true),
        ("crud", &text, false),
        ("edulevel", &int, false),
        ("contextid", &int, false),
        ("contextlevel", &int, false),
        ("contextinstanceid", &int, false),
        ("userid", &int, false),
        ("courseid", &int, true),
        ("relateduserid", &int, true),
        ("anonymous", &int, false),
        ("other", &text, true),
        ("timecreated", &int, false),
        ("origin", &text, true),
        ("ip", &text, true),
        ("realuserid", &int, true),
    ];
    let schema = table(LOG).unwrap().schema();
    let found: Vec<_> =
        schema.fields().iter().map(|field| (field.name().as_str(), field.data_type(), field.is_nullable())).collect();
    assert_eq!(found, expected);
    assert_eq!(table(LOG).unwrap().column("other").unwrap().kind, Kind::LongText);
    assert_eq!(table(LOG).unwrap().column("timecreated").unwrap().unit, Some("s"));
}

/// Columns that statistics, command files and extracts name.
#[test]
fn tables_have_the_columns_that_the_references_name() {
    let named = [
        ("context", "id contextlevel instanceid path"),
        ("course_modules", "id course module instance section deletioninprogress visible groupmode idnumber"),
        ("modules", "id name"),
        (
            "course",
            "id shortname fullname idnumber startdate enddate category sortorder summary format \
             showgrades newsitems marker maxbytes legacyfiles showreports visible visibleold groupmode \
             groupmodeforce defaultgroupingid lang theme enablecompletion timecreated timemodified",
        ),
        (
            "user",
            "id username idnumber email auth confirmed deleted suspended mnethostid firstname lastname \
             institution department address city country lang timezone phone1 phone2 url description \
             mailformat maildigest maildisplay autosubscribe trackforums picture timecreated \
             timemodified firstaccess lastaccess",
        ),
        ("user_info_field", "shortname"),
        ("user_info_data", "userid fieldid data"),
        ("user_lastaccess", "userid courseid timeaccess"),
        ("avatars", "id userid md5 bytes timemodified"),
        ("course_sections", "course section name summary"),
        ("course_categories", "id parent name idnumber depth path visible sortorder timemodified"),
        (
            "enrol",
            "id enrol courseid status sortorder roleid enrolstartdate enrolenddate customint1 \
             customint2",
        ),
        ("user_enrolments", "enrolid userid status timestart timeend"),
        ("role", "id shortname name sortorder"),
        ("role_assignments", "roleid courseid contextid userid component itemid timemodified"),
        ("groups", "courseid name idnumber description"),
        ("groups_members", "groupid userid component itemid timeadded"),
        ("groupings", "courseid name idnumber"),
        ("groupings_groups", "groupingid groupid"),
        ("cohort", "idnumber name contextid description component visible"),
        ("cohort_members", "cohortid userid timeadded"),
        (
            "course_resets",
            "id courseid time roles completion events grades groupings groups local_roles logs modules notes",
        ),
        ("sync_runs", "run file tool started simulate status kind field warnings applied unchanged error skipped"),
        ("sync_rows", "run line status action kind field value warnings message"),
        ("grade_items", "itemtype courseid iteminstance itemmodule"),
        ("grade_grades", "itemid userid rawgrade finalgrade locked overridden timecreated timemodified"),
        ("scorm_element", "id element"),
        ("scorm_attempt", "id userid scormid attempt"),
        ("scorm_scoes_value", "attemptid elementid value timemodified"),
        ("mnet_host", "id name wwwroot"),
        ("forum_posts", "id discussion parent userid created"),
        ("forum_discussions", "id course forum"),
        ("forum_subscriptions", "forum userid"),
        ("messages", "id conversationid useridfrom timecreated"),
        ("message_conversations", "id type"),
        ("message_conversation_members", "conversationid userid"),
        ("message_user_actions", "userid messageid action timecreated"),
        ("message", "id useridfrom useridto timecreated"),
        ("message_read", "id useridfrom useridto timecreated timeread"),
        ("chat", "id course name"),
        ("chat_messages", "id chatid userid issystem message timestamp"),
        ("chat_messages_current", "id chatid userid issystem message timestamp"),
        ("block_instances", "id blockname parentcontextid"),
        ("block_use_stats_log", "logid userid course time gap customtag1 customtag6"),
        ("block_use_stats_session", "userid sessionstart sessionend courses"),
        ("log", "time userid course module cmid action"),
    ];
    for (name, columns) in named {
        let table = table(name).unwrap_or_else(|| panic!("{name}"));
        for column in columns.split(' ') {
            assert!(table.column(column).is_some(), "{name}.{column}");
        }
    }
}

/// Number of columns of the tables in Moodle 4.5, without those of our own (`user.url`, `role_assignments.courseid`).
#[test]
fn full_exports_are_typed_completely() {
    let columns = |name: &str| table(name).unwrap().columns.len();
    assert_eq!(columns("course"), 37);
    assert_eq!(columns("user") - 1, 48);
    assert_eq!(columns("enrol"), 35);
    assert_eq!(columns("course_modules"), 24);
    assert_eq!(columns("grade_items"), 31);
    assert_eq!(columns("grade_grades"), 23);
    assert_eq!(columns("role_assignments") - 1, 9);
    assert_eq!(columns("forum"), 29);
}

#[test]
fn the_page_of_tables_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/tables.md");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, markdown()).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(page == markdown(), "docs/reference/tables.md differs: run `BLESS=1 cargo test -p engine model`");
}
