//! Modules: the activities of courses, and their types.

use super::spec::{ID, TableSpec, id, int, long_text, text, time};

pub(super) static COURSE_MODULES: TableSpec = TableSpec::new(
    "course_modules",
    ID,
    "One module: one activity or resource in one course. Its number is what Moodle calls `cmid`.",
    &[
        id(),
        int("course", "Course, `course.id`."),
        int("module", "Type, `modules.id`."),
        int("instance", "Row in the table of the type, such as `forum.id`."),
        int("section", "Section, `course_sections.id`."),
        text("idnumber", "Identifier given by the teacher.").null(),
        time("added", "When the module was added."),
        int("score", "Not used any more."),
        int("indent", "Steps to the right on the course page."),
        int("visible", "1 when students can open the module."),
        int("visibleoncoursepage", "0 when the module can be opened but is not listed."),
        int("visibleold", "Value of `visible` before the section was hidden."),
        int("groupmode", "0 no groups, 1 separate groups, 2 visible groups."),
        int("groupingid", "Grouping, `groupings.id`; 0 for none."),
        int("completion", "Tracking of completion: 0 none, 1 by the user, 2 by conditions."),
        int("completiongradeitemnumber", "Grade that counts for completion; null for none.").null(),
        int("completionview", "1 when the module must be viewed to be complete."),
        time("completionexpected", "When completion is expected; 0 for no date."),
        int("completionpassgrade", "1 when the grade must be a pass."),
        int("showdescription", "1 when the description is on the course page."),
        long_text("availability", "Conditions of access, as JSON.").null(),
        int("deletioninprogress", "1 while the module waits for its deletion."),
        int("downloadcontent", "1 when the content may be downloaded.").null(),
        text("lang", "Language imposed on users.").null(),
    ],
);

pub(super) static MODULES: TableSpec = TableSpec::new(
    "modules",
    ID,
    "One type of module that is installed.",
    &[
        id(),
        text("name", "Name, such as `forum` or `quiz`."),
        int("cron", "Seconds between its periodic runs; not used any more.").seconds(),
        time("lastcron", "Its latest periodic run; not used any more."),
        text("search", "Not used any more."),
        int("visible", "1 when the type is enabled."),
    ],
);
