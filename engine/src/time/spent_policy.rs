//! [`Policy`]: a named answer to "what is time spent", with the rows it looks at and what they are worth.

use super::hit::{ModuleId, ModuleRole};
use super::policy::{Boundary, Credit, GapPolicy, Minimum};
use super::seconds::Seconds;
use super::track_rules::{Attribution, Carry, Exactness, SessionRule, TrackRules};

/// Which rows form one track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// All rows of a user: moving to another course is no gap.
    #[default]
    Site,
    /// The rows of a user in one course.
    Course,
    /// The rows of a user in one course on one day of the time zone.
    CourseDay,
}

/// What happens to rows outside of courses (course 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Outside {
    /// They are rows like others.
    Keep,
    /// Only logins and logouts are looked at.
    #[default]
    Logins,
    /// None is looked at.
    Drop,
}

/// Whether rows at the end of a range belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RangeEnd {
    /// `from <= timecreated <= to`
    #[default]
    Inclusive,
    /// `from <= timecreated < to`
    HalfOpen,
}

/// Whether a range begins with the user's latest enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EnrolmentFilter {
    /// The range is as asked for.
    #[default]
    Off,
    /// It begins at the latest start, before its end, of any active enrolment of the user in any course: what
    /// block_use_stats does by default. A new enrolment hides earlier time in every course.
    AllCourses,
}

/// Rows that a policy does not look at: for it, the user was not there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Exclusions {
    /// Origins, such as `cli`.
    pub origins: Vec<String>,
    /// Whether rows without origin are left out too, as long as the log has an origin at all.
    pub missing_origin: bool,
    /// Actions, such as `failed`.
    pub actions: Vec<String>,
    /// Users.
    pub users: Vec<i64>,
    /// Whether rows made by somebody logged in as the user are left out (`realuserid` is not NULL).
    pub logged_in_as: bool,
    /// Rows outside of courses.
    pub outside: Outside,
}

/// What counts as time spent: a value with a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// Its name: a preset, or a name of the configuration.
    pub name: String,
    /// Which rows form one track.
    pub scope: Scope,
    /// The only courses whose rows are looked at; empty for all.
    pub courses: Vec<i64>,
    /// Threshold, boundary, credit and minimum.
    pub gap: GapPolicy,
    /// Whether the credit of a long gap is never longer than the gap.
    pub credit_within_gap: bool,
    /// When a session begins.
    pub sessions: SessionRule,
    /// Whether another course begins another session.
    pub session_per_course: bool,
    /// Whether logins, logouts and grading events are special.
    pub logins: bool,
    /// Which hit a gap belongs to.
    pub attribution: Attribution,
    /// Rows that are not looked at.
    pub exclude: Exclusions,
    /// Names of modules whose laps are carried into the next counted hit.
    pub captured: Vec<String>,
    /// Names of modules whose hits and laps count nowhere.
    pub ignored: Vec<String>,
    /// What happens to carried time.
    pub carry: Carry,
    /// Whether rows at the end of a range belong to it.
    pub range: RangeEnd,
    /// Whether a range begins with the latest enrolment.
    pub enrolment: EnrolmentFilter,
    /// Corrected, or like block_use_stats bit for bit.
    pub exactness: Exactness,
}

/// Names of the presets, in the order of the manual.
pub const PRESETS: [&str; 9] = [
    "use_stats",
    "use_stats_compat",
    "dedication",
    "dedication_legacy",
    "attendance_register",
    "certificate",
    "gap_900",
    "active_gaps_60",
    "session_window",
];

impl Policy {
    /// The preset of this name.
    ///
    /// The figures are the defaults of the products: block_use_stats 5.1 (threshold 60 min, credit 15 min, captured
    /// module `learningtimecheck`), block_dedication 4 (limit 1 h, sessions longer than 1 min) and 3, mod_attendanceregister
    /// (timeout 30 min), mod_customcert (the site's session timeout, 2 h), a gap of 900 s, gaps up to 60 s, and
    /// session windows of 30 min.
    pub fn preset(name: &str) -> Option<Self> {
        match name {
            "use_stats" => Some(Self::use_stats()),
            "use_stats_compat" => Some(Self::use_stats_compat()),
            "dedication" => Some(Self::dedication()),
            "dedication_legacy" => Some(Self::peer(name, 3600)),
            "attendance_register" => Some(Self::peer(name, 1800).with_credit(Credit::HalfThreshold)),
            "certificate" => Some(Self { sessions: SessionRule::None, ..Self::peer(name, 7200) }),
            "gap_900" => Some(Self::peer(name, 900).of_site()),
            "active_gaps_60" => Some(Self { sessions: SessionRule::None, ..Self::peer(name, 60) }.of_site()),
            "session_window" => {
                let mut policy = Self::peer(name, 1800).with_credit(Credit::Threshold).of_site();
                policy.gap.boundary = Boundary::LongerOrEqual;
                Some(policy)
            }
            _ => None,
        }
    }

    /// The corrected profile of block_use_stats, and the default of Assidu.
    pub fn use_stats() -> Self {
        let credit = Credit::Fixed(seconds(900));
        Self {
            name: "use_stats".to_owned(),
            scope: Scope::Site,
            courses: Vec::new(),
            gap: GapPolicy { credit, ..GapPolicy::default() },
            credit_within_gap: false,
            sessions: SessionRule::Gap,
            session_per_course: false,
            logins: true,
            attribution: Attribution::Earlier,
            exclude: Exclusions {
                origins: vec!["cli".to_owned()],
                missing_origin: true,
                actions: vec!["failed".to_owned()],
                users: Vec::new(),
                logged_in_as: true,
                outside: Outside::Logins,
            },
            captured: vec!["learningtimecheck".to_owned()],
            ignored: Vec::new(),
            carry: Carry::Once,
            range: RangeEnd::Inclusive,
            enrolment: EnrolmentFilter::Off,
            exactness: Exactness::Corrected,
        }
    }

    /// The exact profile of block_use_stats 5.1, defects included.
    pub fn use_stats_compat() -> Self {
        Self {
            name: "use_stats_compat".to_owned(),
            sessions: SessionRule::Login,
            carry: Carry::Repeated,
            enrolment: EnrolmentFilter::AllCourses,
            exactness: Exactness::Exact,
            ..Self::use_stats()
        }
    }

    fn dedication() -> Self {
        let mut policy = Self::peer("dedication", 3600);
        policy.gap.minimum = Minimum::LongerThan(seconds(60));
        policy.exclude.origins = vec!["cli".to_owned()];
        policy
    }

    /// What the simpler products have in common: every row of a course counts, logins are rows like others.
    fn peer(name: &str, threshold: i64) -> Self {
        Self {
            name: name.to_owned(),
            scope: Scope::Course,
            gap: GapPolicy { threshold: seconds(threshold), ..GapPolicy::default() },
            logins: false,
            // Each of them looks at one course at a time.
            exclude: Exclusions { outside: Outside::Drop, ..Exclusions::none() },
            captured: Vec::new(),
            ..Self::use_stats()
        }
    }

    fn with_credit(mut self, credit: Credit) -> Self {
        self.gap.credit = credit;
        self
    }

    fn of_site(mut self) -> Self {
        self.scope = Scope::Site;
        self.exclude.outside = Outside::Keep;
        self
    }

    /// The rules of a track, for modules of these names and a clock.
    ///
    /// `names` are the names of the types of activities, numbered from [`ModuleId::FIRST_TYPE`]. A list of the exact
    /// profile that has an empty item matches deleted activities, whose name is empty.
    pub fn rules(&self, names: &[String], now: i64) -> TrackRules {
        let pseudo = ModuleId::PSEUDO.iter().copied();
        let role = |name: &str| {
            let listed = |list: &[String]| list.iter().any(|item| item == name);
            if listed(&self.captured) {
                ModuleRole::Captured
            } else if listed(&self.ignored) {
                ModuleRole::Ignored
            } else {
                ModuleRole::Counted
            }
        };
        TrackRules {
            credit_within_gap: self.credit_within_gap,
            sessions: self.sessions,
            session_per_course: self.session_per_course,
            logins: self.logins,
            attribution: self.attribution,
            carry: self.carry,
            exactness: self.exactness,
            roles: pseudo.chain(names.iter().map(String::as_str)).map(role).collect(),
            ..TrackRules::new(self.gap, now)
        }
    }
}

impl Exclusions {
    /// Every row is looked at.
    pub fn none() -> Self {
        Self { outside: Outside::Keep, ..Self::default() }
    }
}

/// A constant length.
fn seconds(number: i64) -> Seconds {
    Seconds::try_new(number).unwrap_or_default()
}
