//! Groups and groupings of courses, with their members.

use super::spec::{ID, TableSpec, id, int, long_text, text, time, user};

pub(super) static GROUPS: TableSpec = TableSpec::new(
    "groups",
    ID,
    "One group of users in one course.",
    &[
        id(),
        int("courseid", "Course, `course.id`."),
        text("idnumber", "Identifier given by the institution; may be empty."),
        text("name", "Name."),
        long_text("description", "Description.").null(),
        int("descriptionformat", "Format of the description: 0 Moodle, 1 HTML, 2 plain, 4 Markdown."),
        text("enrolmentkey", "Key that enrols into the group.").secret(),
        int("picture", "0 without a picture, else its revision."),
        int("visibility", "Who sees the members: 0 everybody, 1 members, 2 each only themselves, 3 nobody."),
        int("participation", "1 when the group can be chosen in modules."),
        time("timecreated", "When the group was created."),
        time("timemodified", "When the group was last changed."),
    ],
);

pub(super) static GROUPS_MEMBERS: TableSpec = TableSpec::new(
    "groups_members",
    ID,
    "One user in one group; unique per `groupid` and `userid`.",
    &[
        id(),
        int("groupid", "Group, `groups.id`."),
        user("userid", "Account, `user.id`."),
        time("timeadded", "When the user was added."),
        text("component", "Plugin that added the user; empty for people."),
        int("itemid", "Row of that plugin; 0 for none."),
    ],
);

pub(super) static GROUPINGS: TableSpec = TableSpec::new(
    "groupings",
    ID,
    "One grouping: a set of groups in one course.",
    &[
        id(),
        int("courseid", "Course, `course.id`."),
        text("name", "Name."),
        text("idnumber", "Identifier given by the institution; may be empty."),
        long_text("description", "Description.").null(),
        int("descriptionformat", "Format of the description: 0 Moodle, 1 HTML, 2 plain, 4 Markdown."),
        long_text("configdata", "Settings of tools.").null(),
        time("timecreated", "When the grouping was created."),
        time("timemodified", "When the grouping was last changed."),
    ],
);

pub(super) static GROUPINGS_GROUPS: TableSpec = TableSpec::new(
    "groupings_groups",
    ID,
    "One group in one grouping.",
    &[
        id(),
        int("groupingid", "Grouping, `groupings.id`."),
        int("groupid", "Group, `groups.id`."),
        time("timeadded", "When the group was added."),
    ],
);
