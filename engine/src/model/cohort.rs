//! Cohorts and their members.

use super::spec::{ID, TableSpec, id, int, long_text, text, time, user};

pub(super) static COHORT: TableSpec = TableSpec::new(
    "cohort",
    ID,
    "One cohort: a set of users of the site or of a category.",
    &[
        id(),
        int("contextid", "Where the cohort belongs, `context.id`: the site (1) or a category."),
        text("name", "Name."),
        text("idnumber", "Identifier given by the institution.").null(),
        long_text("description", "Description.").null(),
        int("descriptionformat", "Format of the description: 0 Moodle, 1 HTML, 2 plain, 4 Markdown."),
        int("visible", "1 when teachers see the cohort."),
        text("component", "Plugin that manages the cohort; empty for people."),
        time("timecreated", "When the cohort was created."),
        time("timemodified", "When the cohort was last changed."),
        text("theme", "Appearance for its members.").null(),
    ],
);

pub(super) static COHORT_MEMBERS: TableSpec = TableSpec::new(
    "cohort_members",
    ID,
    "One user in one cohort; unique per `cohortid` and `userid`.",
    &[
        id(),
        int("cohortid", "Cohort, `cohort.id`."),
        user("userid", "Account, `user.id`."),
        time("timeadded", "When the user was added."),
    ],
);
