//! Tables of our own: what command files leave behind beside the changes of Moodle's tables.

use super::spec::{ID, Mark, TableSpec, id, int, long_private, long_text, private, text, time, user};

pub(super) static AVATARS: TableSpec = TableSpec::new(
    "avatars",
    &["userid"],
    "The picture of one account. Of this store; the bytes lie among its files.",
    &[
        id(),
        user("userid", "Account, `user.id`."),
        private("md5", "MD5 of the picture as received, in hexadecimal; names the file."),
        int("bytes", "Size of the picture.").bytes(),
        time("timemodified", "When the picture was last replaced."),
    ],
);

pub(super) static COURSE_RESETS: TableSpec = TableSpec::new(
    "course_resets",
    ID,
    "One request to reset one course. Of this store, which keeps the history that Moodle would delete.",
    &[
        id(),
        int("courseid", "Course, `course.id`."),
        time("time", "When the request was applied."),
        text("roles", "Roles whose holders were unenrolled: short names separated by spaces; empty for none."),
        int("completion", "1 when completion was to be deleted."),
        int("events", "1 when calendar events were to be deleted."),
        text("grades", "Grades to be deleted: `all`, `items`, `grades` or `none`."),
        text("groupings", "`all`, `groups` deletes groupings, `members` empties them, `none`."),
        text("groups", "`all`, `groups` deletes groups, `members` empties them, `none`."),
        text("local_roles", "Roles to be removed: `all`, `roles`, `overrides` or `none`."),
        int("logs", "1 when logs were to be deleted; they are kept here."),
        long_text("modules", "`all`, names of module types, or names with `-` before them to leave them out."),
        int("notes", "1 when notes were to be deleted."),
        int("blog_associations", "1 when links of blogs were to be deleted; null when not said.").null(),
        int("comments", "1 when comments were to be deleted; null when not said.").null(),
        long_text("options", "Switches of module types, such as `quiz_attempts`, as a JSON object.").null(),
    ],
);

pub(super) static SYNC_RUNS: TableSpec = TableSpec::new(
    "sync_runs",
    &["run"],
    "One command file that was processed. Of this store.",
    &[
        int("run", "Number of the run, from 1."),
        text("file", "Name of the file as received."),
        text("sha256", "SHA-256 of the file as received, in hexadecimal."),
        text("tool", "Operation, such as `users` or `enrols`."),
        time("started", "When the run started."),
        time("finished", "When the run ended.").null(),
        int("simulate", "1 for a dry run, which changes nothing."),
        text("status", "`processed`, or `rejected` when the file as a whole was refused."),
        text("kind", "Why the file was refused, such as `missing_column`.").null(),
        text("field", "Column concerned by the refusal.").null(),
        long_private("warnings", "Remarks about the file, as a JSON list.").null(),
        int("applied", "Rows that changed something."),
        int("unchanged", "Rows that had nothing to change."),
        int("error", "Rows that failed and had no effect."),
        int("skipped", "Lines that were not considered."),
        text("tryback", "Path of the tryback; null for none.").null(),
        text("archive", "Path of the archived file; null for none.").null(),
        text("report", "Path of the report; null for none.").null(),
    ],
);

pub(super) static SYNC_ROWS: TableSpec = TableSpec::new(
    "sync_rows",
    &["run", "line"],
    "The outcome of one line of one command file. Of this store.",
    &[
        int("run", "Run, `sync_runs.run`."),
        int(
            "line",
            "Physical line of the file, from 1; for pictures the position of the entry in the archive's order.",
        ),
        private("entry", "Name of the entry in the archive, for pictures.").null(),
        text("status", "`applied`, `unchanged`, `error` or `skipped`."),
        text("action", "What was done.").null(),
        text("kind", "Why, such as `unknown_course` or `no_change`.").null(),
        text("field", "Column concerned.").null(),
        private("value", "Value concerned; never a password.").null(),
        text("entity_table", "Table of the entity concerned.").null(),
        user("entity_id", "Row of that table.").null().only(Mark::user_table("entity_table")),
        long_private("warnings", "Remarks about the row, as a JSON list.").null(),
        long_private("message", "One sentence for people; programs read `kind` and `field`.").null(),
    ],
);
