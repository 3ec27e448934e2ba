//! Tables of the plugin block_use_stats, for comparison with what it stored. Nothing here is computed from them.

use super::spec::{ID, Personal, TableSpec, id, int, private, text, time, user};

pub(super) static BLOCK_USE_STATS: TableSpec = TableSpec::new(
    "block_use_stats",
    ID,
    "Time of one user in one place. Of the plugin block_use_stats, whose current releases never write it.",
    &[
        id(),
        user("userid", "Account, `user.id`.").null(),
        int("contextid", "Place, `context.id`.").personal(Personal::ContextId).null(),
        int("elapsed", "Time spent.").seconds().null(),
        int("events", "Number of hits.").null(),
        time("compiletime", "When it was computed.").null(),
    ],
);

pub(super) static BLOCK_USE_STATS_LOG: TableSpec = TableSpec::new(
    "block_use_stats_log",
    ID,
    "The gap after one hit. Of the plugin block_use_stats.",
    &[
        id(),
        int("logid", "Hit, `logstore_standard_log.id`.").null(),
        int("gap", "Time to the user's next hit, never capped; 0 while unknown.").seconds().null(),
        user("userid", "Account, `user.id`.").null(),
        int("course", "Course, `course.id`.").null(),
        time("time", "When the hit happened.").null(),
        private("customtag1", "Value chosen by the site's settings.").null(),
        private("customtag2", "Value chosen by the site's settings.").null(),
        private("customtag3", "Value chosen by the site's settings.").null(),
        private("customtag4", "Value chosen by the site's settings.").null(),
        private("customtag5", "Value chosen by the site's settings.").null(),
        private("customtag6", "Value chosen by the site's settings.").null(),
    ],
);

pub(super) static BLOCK_USE_STATS_SESSION: TableSpec = TableSpec::new(
    "block_use_stats_session",
    ID,
    "One session that was seen in some report. Of the plugin block_use_stats; ranges of reports cut sessions, so \
     parts of sessions are rows too.",
    &[
        id(),
        user("userid", "Account, `user.id`.").null(),
        time("sessionstart", "First hit.").null(),
        time("sessionend", "Last hit.").null(),
        text("courses", "Courses visited: numbers separated by commas.").null(),
    ],
);
