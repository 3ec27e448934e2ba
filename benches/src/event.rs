//! The events of a generated log, with the facts that Moodle writes for each.
//!
//! Names and their parts are those of `datasets/moodle-event-catalogue.csv`; a test compares them. Two frequent events
//! that the catalogue lacks (`dashboard_viewed`, `user_graded`) are added.

/// Where an event happens, which decides context level, context and course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole site: context level 10, course 0.
    System,
    /// A person: context level 30, course 0.
    Person,
    /// The front page: the site course, context level 50.
    Front,
    /// A course: context level 50.
    Course,
    /// An activity of a course: context level 70.
    Module,
}

impl Scope {
    /// Moodle's number of the level.
    pub fn level(self) -> i64 {
        match self {
            Scope::System => 10,
            Scope::Person => 30,
            Scope::Front | Scope::Course => 50,
            Scope::Module => 70,
        }
    }
}

/// What `objectid` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// NULL.
    Nothing,
    /// The acting person.
    Actor,
    /// The activity's row in its own table.
    Instance,
    /// The course module.
    Module,
    /// One of the activity's entries: a post, a chapter, a page.
    Entry,
    /// The actor's own row in the activity: an attempt, a submission.
    Own,
}

/// What `relateduserid` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Related {
    /// NULL.
    Nobody,
    /// The acting person.
    Actor,
    /// Somebody else.
    Peer,
}

/// The pairs that an event writes into `other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// None: `null`, or `N;` when serialised.
    Nothing,
    /// `username`.
    Login,
    /// `sessionid`.
    Logout,
    /// `coursesectionnumber`, now and then.
    Section,
    /// `relateduserid`, `overrideby`, `completionstate`.
    Completion,
    /// `discussionid`, `forumid`, `forumtype`.
    Post,
    /// `forumid`, `discussion`.
    Subscription,
    /// `submission_editable`.
    Submission,
    /// `quizid`.
    Quiz,
    /// `attemptid`, `cmivalue`.
    Score,
    /// `modulename`, `instanceid`, `name`.
    Created,
    /// `enrol`.
    Enrolment,
}

/// One kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Class name, with the leading backslash.
    pub name: &'static str,
    /// Component.
    pub component: &'static str,
    /// Action.
    pub action: &'static str,
    /// Target.
    pub target: &'static str,
    /// Table of the object; empty for NULL.
    pub table: &'static str,
    /// `c`, `r`, `u` or `d`.
    pub crud: &'static str,
    /// 0 other, 1 teaching, 2 participating.
    pub level: i64,
    /// Where.
    pub scope: Scope,
    /// Object.
    pub object: Object,
    /// Related user.
    pub related: Related,
    /// Pairs of `other`.
    pub extra: Extra,
}

/// `component/target/action`, table of the object, crud and level, scope, object, related user, pairs.
macro_rules! event {
    ($component:literal / $target:literal / $action:literal, $table:literal, $crud:literal $level:literal,
     $scope:ident, $object:ident, $related:ident, $extra:ident) => {
        Event {
            name: concat!("\\", $component, "\\event\\", $target, "_", $action),
            component: $component,
            action: $action,
            target: $target,
            table: $table,
            crud: $crud,
            level: $level,
            scope: Scope::$scope,
            object: Object::$object,
            related: Related::$related,
            extra: Extra::$extra,
        }
    };
}

/// The view of an activity of one type.
macro_rules! view {
    ($component:literal, $table:literal) => {
        event!($component / "course_module" / "viewed", $table, "r" 2, Module, Instance, Nobody, Nothing)
    };
}

/// Opening of a session.
pub static LOGIN: Event = event!("core" / "user" / "loggedin", "user", "r" 0, System, Actor, Nobody, Login);
/// Closing of a session.
pub static LOGOUT: Event = event!("core" / "user" / "loggedout", "user", "r" 0, System, Actor, Nobody, Logout);
/// An administrator becomes the user.
pub static LOGIN_AS: Event = event!("core" / "user" / "loggedinas", "user", "r" 0, System, Actor, Actor, Login);
/// The dashboard, outside any course.
pub static DASHBOARD: Event = event!("core" / "dashboard" / "viewed", "", "r" 0, Person, Nothing, Nobody, Nothing);
/// A message sent.
pub static MESSAGE_SENT: Event = event!("core" / "message" / "sent", "messages", "c" 0, Person, Entry, Peer, Nothing);
/// A message read.
pub static MESSAGE_VIEWED: Event =
    event!("core" / "message" / "viewed", "message_user_actions", "c" 0, Person, Entry, Peer, Nothing);
/// The front page.
pub static FRONT_VIEWED: Event = event!("core" / "course" / "viewed", "", "r" 2, Front, Nothing, Nobody, Nothing);
/// A course page.
pub static COURSE_VIEWED: Event = event!("core" / "course" / "viewed", "", "r" 2, Course, Nothing, Nobody, Section);
/// Completion of an activity.
pub static COMPLETED: Event = event!("core" / "course_module_completion" / "updated", "course_modules_completion",
    "u" 2, Module, Own, Actor, Completion);
/// A grade written by a teacher.
pub static GRADED: Event = event!("core" / "user" / "graded", "grade_grades", "u" 1, Course, Entry, Peer, Nothing);
/// The teacher's side of the same.
pub static SUBMISSION_GRADED: Event =
    event!("mod_assign" / "submission" / "graded", "assign_grades", "u" 1, Module, Entry, Peer, Nothing);
/// A module added, one by one or by a restore.
pub static MODULE_CREATED: Event =
    event!("core" / "course_module" / "created", "course_modules", "c" 1, Module, Module, Nobody, Created);
/// An enrolment, by hand or by a scheduled task.
pub static ENROLLED: Event =
    event!("core" / "user_enrolment" / "created", "user_enrolments", "c" 0, Course, Entry, Peer, Enrolment);

/// A type of activity: how often its modules are met, and what people do there.
#[derive(Debug)]
pub struct Kind {
    /// Name of the module type and of its table.
    pub name: &'static str,
    /// Weight among the modules.
    pub weight: u32,
    /// Opening it.
    pub viewed: Event,
    /// What follows inside, with weights.
    pub inside: &'static [(u32, Event)],
}

/// The types of activity. Weights follow the shares of events in the two published logs.
pub static KINDS: [Kind; 15] = [
    Kind {
        name: "forum",
        weight: 270,
        viewed: view!("mod_forum", "forum"),
        inside: &[
            (
                800,
                event!("mod_forum" / "discussion" / "viewed", "forum_discussions", "r" 2, Module, Entry, Nobody, Nothing),
            ),
            (125, event!("mod_forum" / "post" / "created", "forum_posts", "c" 2, Module, Entry, Nobody, Post)),
            (
                45,
                event!("mod_forum" / "discussion_subscription" / "created", "forum_discussion_subs",
                "c" 2, Module, Entry, Actor, Subscription),
            ),
            (15, event!("mod_forum" / "post" / "updated", "forum_posts", "u" 2, Module, Entry, Nobody, Post)),
            (
                15,
                event!("mod_forum" / "discussion" / "created", "forum_discussions", "c" 2, Module, Entry, Nobody, Nothing),
            ),
        ],
    },
    Kind { name: "resource", weight: 240, viewed: view!("mod_resource", "resource"), inside: &[] },
    Kind {
        name: "assign",
        weight: 170,
        viewed: view!("mod_assign", "assign"),
        inside: &[
            (
                800,
                event!("mod_assign" / "submission" / "viewed", "assign_submission", "r" 1, Module, Own, Nobody, Nothing),
            ),
            (
                90,
                event!("mod_assign" / "assessable" / "submitted", "assign_submission",
                "u" 2, Module, Own, Nobody, Submission),
            ),
            (110, event!("mod_assign" / "feedback" / "viewed", "assign_grades", "r" 1, Module, Own, Actor, Nothing)),
        ],
    },
    Kind { name: "page", weight: 80, viewed: view!("mod_page", "page"), inside: &[] },
    Kind {
        name: "quiz",
        weight: 70,
        viewed: view!("mod_quiz", "quiz"),
        inside: &[
            (550, event!("mod_quiz" / "attempt" / "viewed", "quiz_attempts", "r" 2, Module, Own, Actor, Quiz)),
            (160, event!("mod_quiz" / "attempt" / "started", "quiz_attempts", "c" 2, Module, Own, Actor, Quiz)),
            (150, event!("mod_quiz" / "attempt" / "submitted", "quiz_attempts", "u" 2, Module, Own, Actor, Quiz)),
            (140, event!("mod_quiz" / "attempt" / "reviewed", "quiz_attempts", "r" 2, Module, Own, Actor, Quiz)),
        ],
    },
    Kind { name: "url", weight: 55, viewed: view!("mod_url", "url"), inside: &[] },
    Kind {
        name: "book",
        weight: 25,
        viewed: view!("mod_book", "book"),
        inside: &[(
            1,
            event!("mod_book" / "chapter" / "viewed", "book_chapters", "r" 2, Module, Entry, Nobody, Nothing),
        )],
    },
    Kind { name: "folder", weight: 20, viewed: view!("mod_folder", "folder"), inside: &[] },
    Kind {
        name: "scorm",
        weight: 15,
        viewed: view!("mod_scorm", "scorm"),
        inside: &[
            (500, event!("mod_scorm" / "sco" / "launched", "scorm_scoes", "r" 2, Module, Entry, Nobody, Nothing)),
            (
                500,
                event!("mod_scorm" / "scoreraw" / "submitted", "scorm_scoes_value", "c" 2, Module, Own, Nobody, Score),
            ),
        ],
    },
    Kind {
        name: "wiki",
        weight: 12,
        viewed: view!("mod_wiki", "wiki"),
        inside: &[(1, event!("mod_wiki" / "page" / "viewed", "wiki_pages", "r" 2, Module, Entry, Nobody, Nothing))],
    },
    Kind {
        name: "choice",
        weight: 12,
        viewed: view!("mod_choice", "choice"),
        inside: &[(
            1,
            event!("mod_choice" / "answer" / "created", "choice_answers", "c" 2, Module, Own, Actor, Nothing),
        )],
    },
    Kind {
        name: "feedback",
        weight: 10,
        viewed: view!("mod_feedback", "feedback"),
        inside: &[(
            1,
            event!("mod_feedback" / "response" / "submitted", "feedback_completed",
            "c" 2, Module, Own, Actor, Nothing),
        )],
    },
    Kind {
        name: "lesson",
        weight: 8,
        viewed: view!("mod_lesson", "lesson"),
        inside: &[
            (
                700,
                event!("mod_lesson" / "content_page" / "viewed", "lesson_pages", "r" 2, Module, Entry, Nobody, Nothing),
            ),
            (
                300,
                event!("mod_lesson" / "question" / "answered", "lesson_pages", "c" 2, Module, Entry, Nobody, Nothing),
            ),
        ],
    },
    Kind {
        name: "glossary",
        weight: 8,
        viewed: view!("mod_glossary", "glossary"),
        inside: &[(
            1,
            event!("mod_glossary" / "entry" / "viewed", "glossary_entries", "r" 2, Module, Entry, Nobody, Nothing),
        )],
    },
    Kind { name: "lti", weight: 5, viewed: view!("mod_lti", "lti"), inside: &[] },
];

/// Every event that a generated log can hold.
pub fn all() -> impl Iterator<Item = &'static Event> {
    let general = [
        &LOGIN,
        &LOGOUT,
        &LOGIN_AS,
        &DASHBOARD,
        &MESSAGE_SENT,
        &MESSAGE_VIEWED,
        &FRONT_VIEWED,
        &COURSE_VIEWED,
        &COMPLETED,
        &GRADED,
        &SUBMISSION_GRADED,
        &MODULE_CREATED,
        &ENROLLED,
    ];
    let of_kinds =
        KINDS.iter().flat_map(|kind| std::iter::once(&kind.viewed).chain(kind.inside.iter().map(|(_, e)| e)));
    general.into_iter().chain(of_kinds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOGUE: &str = include_str!("../../datasets/moodle-event-catalogue.csv");

    #[test]
    fn events_are_those_of_the_catalogue() {
        let rows: Vec<Vec<&str>> = CATALOGUE.lines().skip(1).map(|line| line.split(',').collect()).collect();
        for event in all() {
            let found = rows.iter().find(|row| row[0] == event.name);
            if event.name == DASHBOARD.name || event.name == GRADED.name {
                assert!(found.is_none(), "{} is in the catalogue now", event.name);
                continue;
            }
            let row = found.unwrap_or_else(|| panic!("{} is not in the catalogue", event.name));
            assert_eq!([row[1], row[2], row[3]], [event.component, event.action, event.target], "{}", event.name);
        }
    }

    #[test]
    fn an_object_has_a_table_and_the_reverse() {
        for event in all() {
            assert_eq!(event.object == Object::Nothing, event.table.is_empty(), "{}", event.name);
            assert!(event.table.len() <= 50 && ["c", "r", "u", "d"].contains(&event.crud));
        }
    }
}
