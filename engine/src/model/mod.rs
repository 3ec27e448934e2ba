//! The known tables: names, columns, types, units and keys.
//!
//! Tables and columns carry Moodle's names, in the order of Moodle 4.5, so that a full export is typed completely.
//! A column that another release has in addition is no fault: the loader infers it. A few tables and columns are our
//! own; their text says so. One file of this folder holds the tables of one subject.
//!
//! Inside, times are seconds since 1970-01-01 UTC and flags are 0 or 1, both in 64-bit integers, as Moodle has them.

mod activity;
mod catalogue;
mod cohort;
mod course;
mod enrolment;
mod forum;
mod grade;
mod group;
mod hit;
mod message;
mod module;
mod reference;
mod role;
mod scorm;
mod site;
mod spec;
mod sync;
mod use_stats;
mod user;

pub use reference::markdown;
pub use spec::{ColumnSpec, Kind, Mark, MarkValue, Personal, TableSpec};

/// Name of the activity log.
pub const LOG: &str = "logstore_standard_log";

/// The prefix of table names on most Moodle sites.
const PREFIX: &str = "mdl_";

/// Every known table, ordered by name.
static TABLES: &[&TableSpec] = &[
    &activity::ASSIGN,
    &sync::AVATARS,
    &activity::BIGBLUEBUTTONBN,
    &site::BLOCK_INSTANCES,
    &use_stats::BLOCK_USE_STATS,
    &use_stats::BLOCK_USE_STATS_LOG,
    &use_stats::BLOCK_USE_STATS_SESSION,
    &activity::BOOK,
    &message::CHAT,
    &message::CHAT_MESSAGES,
    &message::CHAT_MESSAGES_CURRENT,
    &activity::CHOICE,
    &cohort::COHORT,
    &cohort::COHORT_MEMBERS,
    &site::CONTEXT,
    &course::COURSE,
    &course::COURSE_CATEGORIES,
    &module::COURSE_MODULES,
    &sync::COURSE_RESETS,
    &course::COURSE_SECTIONS,
    &activity::DATA,
    &enrolment::ENROL,
    &activity::FEEDBACK,
    &activity::FOLDER,
    &forum::FORUM,
    &forum::FORUM_DISCUSSIONS,
    &forum::FORUM_POSTS,
    &forum::FORUM_SUBSCRIPTIONS,
    &activity::GLOSSARY,
    &grade::GRADE_GRADES,
    &grade::GRADE_ITEMS,
    &group::GROUPINGS,
    &group::GROUPINGS_GROUPS,
    &group::GROUPS,
    &group::GROUPS_MEMBERS,
    &activity::H5PACTIVITY,
    &activity::IMSCP,
    &activity::LABEL,
    &activity::LESSON,
    &hit::LEGACY_LOG,
    &hit::LOGSTORE_STANDARD_LOG,
    &activity::LTI,
    &message::MESSAGE,
    &message::MESSAGE_CONVERSATION_MEMBERS,
    &message::MESSAGE_CONVERSATIONS,
    &message::MESSAGE_READ,
    &message::MESSAGE_USER_ACTIONS,
    &message::MESSAGES,
    &site::MNET_HOST,
    &module::MODULES,
    &activity::PAGE,
    &activity::QBANK,
    &activity::QUIZ,
    &activity::RESOURCE,
    &role::ROLE,
    &role::ROLE_ASSIGNMENTS,
    &activity::SCORM,
    &scorm::SCORM_ATTEMPT,
    &scorm::SCORM_ELEMENT,
    &scorm::SCORM_SCOES_VALUE,
    &activity::SUBSECTION,
    &activity::SURVEY,
    &sync::SYNC_ROWS,
    &sync::SYNC_RUNS,
    &activity::URL,
    &user::USER,
    &enrolment::USER_ENROLMENTS,
    &user::USER_INFO_DATA,
    &user::USER_INFO_FIELD,
    &user::USER_LASTACCESS,
    &activity::WIKI,
    &activity::WORKSHOP,
];

/// Every known table, ordered by name.
pub fn tables() -> &'static [&'static TableSpec] {
    TABLES
}

/// The known table of this name, with or without the prefix `mdl_`, without regard to ASCII case.
pub fn table(name: &str) -> Option<&'static TableSpec> {
    let name = bare_name(name).to_ascii_lowercase();
    let index = TABLES.binary_search_by(|table| table.name.cmp(name.as_str())).ok()?;
    TABLES.get(index).copied()
}

/// The table of the store's own records of this name.
pub fn catalogue_table(name: &str) -> Option<&'static TableSpec> {
    [&catalogue::LOADS, &catalogue::PULLS].into_iter().find(|table| table.name == name)
}

/// The name without the prefix `mdl_` (in any ASCII case); other names come back as they are.
pub fn bare_name(name: &str) -> &str {
    match (name.get(..PREFIX.len()), name.get(PREFIX.len()..)) {
        (Some(prefix), Some(rest)) if prefix.eq_ignore_ascii_case(PREFIX) => rest,
        _ => name,
    }
}

#[cfg(test)]
mod tests;
