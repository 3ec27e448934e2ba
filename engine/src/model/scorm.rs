//! What SCORM packages report, as Moodle keeps it since release 4.3.

use super::spec::{ID, Personal, TableSpec, id, int, long_text, text, time, user};

pub(super) static SCORM_ATTEMPT: TableSpec = TableSpec::new(
    "scorm_attempt",
    ID,
    "One attempt of one user at one SCORM package.",
    &[
        id(),
        user("userid", "Account, `user.id`."),
        int("scormid", "Package: `course_modules.instance` of a module of type `scorm`."),
        int("attempt", "Number of the attempt, from 1."),
    ],
);

pub(super) static SCORM_ELEMENT: TableSpec = TableSpec::new(
    "scorm_element",
    ID,
    "One element of the SCORM data model that some package has reported.",
    &[id(), text("element", "Name, unique, such as `cmi.session_time`.")],
);

pub(super) static SCORM_SCOES_VALUE: TableSpec = TableSpec::new(
    "scorm_scoes_value",
    ID,
    "The value of one element, for one part of the package in one attempt.",
    &[
        id(),
        int("scoid", "Part of the package."),
        int("attemptid", "Attempt, `scorm_attempt.id`."),
        int("elementid", "Element, `scorm_element.id`."),
        long_text("value", "The value; a duration looks like `PT1H2M3S` or `01:02:03.00`.").personal(Personal::Measure),
        time("timemodified", "When it was reported last."),
    ],
);
