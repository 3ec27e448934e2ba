//! Roles and who holds them where.

use super::spec::{ID, TableSpec, id, int, long_text, text, time, user};

pub(super) static ROLE: TableSpec = TableSpec::new(
    "role",
    ID,
    "One role.",
    &[
        id(),
        text("name", "Name given by the site; empty for a standard role under its standard name."),
        text("shortname", "Short name, unique, such as `student`."),
        long_text("description", "Description; empty for the standard one."),
        int("sortorder", "Rank, from 1; the smaller the more important."),
        text("archetype", "Standard role that it is like; may be empty."),
    ],
);

pub(super) static ROLE_ASSIGNMENTS: TableSpec = TableSpec::new(
    "role_assignments",
    ID,
    "One role held by one user in one place. Rows loaded from Moodle name the place by `contextid`, rows made by \
     command files by `courseid`.",
    &[
        id(),
        int("roleid", "Role, `role.id`."),
        int("contextid", "Place, `context.id`; null for rows made by command files.").null(),
        user("userid", "Account, `user.id`."),
        time("timemodified", "When the role was given."),
        user("modifierid", "Who gave it, `user.id`."),
        text("component", "Plugin that gave it, such as `enrol_cohort`; empty for people."),
        int("itemid", "Row of that plugin, such as `enrol.id`; 0 for none."),
        int("sortorder", "Rank among roles given by a plugin."),
        int("courseid", "Place, `course.id`; not a column of Moodle, null for rows loaded from it.").null(),
    ],
);
