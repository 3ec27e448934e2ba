//! The activity log: one row per hit.

use super::spec::{ID, Mark, Personal, TableSpec, id, int, long_private, private, text, time, user};

pub(super) static LOGSTORE_STANDARD_LOG: TableSpec = TableSpec::new(
    super::LOG,
    ID,
    "One action of one user, in one second (a hit): the source of all time spent.",
    &[
        id(),
        text("eventname", "Class of the event, such as `\\core\\event\\course_viewed`."),
        text("component", "Part of Moodle that raised the event, such as `core` or `mod_forum`."),
        text("action", "What was done: `viewed`, `created`, `loggedin`, `graded` and so on."),
        text("target", "What it was done to: `course`, `course_module`, `user` and so on."),
        text("objecttable", "Table of the object concerned.").null(),
        user("objectid", "Row of `objecttable`.").null().only(Mark::user_table("objecttable")),
        text("crud", "`c` create, `r` read, `u` update, `d` delete."),
        int("edulevel", "0 other, 1 teaching, 2 participating."),
        int("contextid", "Where it happened, `context.id`; the context may be gone since.")
            .personal(Personal::ContextId)
            .only(Mark::USER_LEVEL),
        int("contextlevel", "10 system, 30 user, 40 category, 50 course, 70 module, 80 block."),
        user(
            "contextinstanceid",
            "What the context stands for: with level 50 a course, with level 70 a `course_modules.id`.",
        )
        .only(Mark::USER_LEVEL),
        user("userid", "Who acted, `user.id`; 0 when nobody was logged in."),
        int("courseid", "Course; 0 outside of courses, 1 on the site course.").null(),
        user("relateduserid", "Another user concerned, such as the one who was graded.").null(),
        int("anonymous", "1 when the event hides who acted."),
        long_private("other", "Details, as JSON or in PHP's serialised form; may hold line breaks.").null(),
        time("timecreated", "When it happened."),
        text("origin", "How the request came: `web`, `ws`, `cli`, `restore` and so on.").null(),
        private("ip", "Network address of the client.").null(),
        user("realuserid", "Who really acted while logged in as `userid`.").null(),
    ],
);

pub(super) static LEGACY_LOG: TableSpec = TableSpec::new(
    "log",
    ID,
    "One action of one user in the log that Moodle kept before release 2.7.",
    &[
        id(),
        time("time", "When it happened."),
        user("userid", "Who acted, `user.id`."),
        private("ip", "Network address of the client."),
        int("course", "Course, `course.id`."),
        text("module", "Type of the module, or an area such as `course` or `user`."),
        int("cmid", "Module, `course_modules.id`; 0 outside of modules."),
        text("action", "What was done, such as `view` or `add post`."),
        private("url", "Page, relative to its area."),
        private("info", "Details; the meaning depends on the action."),
    ],
);
