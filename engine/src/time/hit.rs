//! [`Hit`]: one row of the log, as far as time is concerned.

/// What the action of a row means for sessions and laps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Action {
    /// Any other action.
    #[default]
    Other,
    /// The user logged in (`loggedin`, `login`).
    Login,
    /// The user logged out (`loggedout`, `logout`).
    Logout,
    /// Somebody graded the user (`graded` on the target `user`): the user did nothing.
    GradedUser,
}

/// Number of a module name: one of the pseudo modules below, or a type of activity at [`ModuleId::FIRST_TYPE`] or
/// above, as its owner numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ModuleId(pub u16);

impl ModuleId {
    /// A page of a course, outside of its activities.
    pub const COURSE: Self = Self(0);
    /// The user's own pages, and logins.
    pub const USER: Self = Self(1);
    /// Pages of the system.
    pub const SYSTEM: Self = Self(2);
    /// An activity of another course than the target course.
    pub const OUT_OF_TARGET: Self = Self(3);
    /// An activity that exists no more; its name is empty.
    pub const DELETED: Self = Self(4);
    /// The first type of activity.
    pub const FIRST_TYPE: u16 = 5;
    /// Names of the pseudo modules, in the order of their numbers.
    pub const PSEUDO: [&'static str; 5] = ["course", "user", "system", "outoftargetcourse", ""];
}

/// Where a hit happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// Name of the module.
    pub module: ModuleId,
    /// The activity (course-module id); 0 outside of activities.
    pub cm: i64,
}

/// One row of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Hit {
    /// Row id; the order of hits in the same second.
    pub id: i64,
    /// Unix seconds.
    pub time: i64,
    /// Course; 0 outside of courses.
    pub course: i64,
    /// What the action means.
    pub action: Action,
    /// Where it happened.
    pub place: Place,
}

/// What a policy does with the hits of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ModuleRole {
    /// Its hits count.
    #[default]
    Counted,
    /// Its hits count nowhere, and their laps are carried into the next counted hit (`capturemodules`).
    Captured,
    /// Its hits and their laps count nowhere (`ignoremodules`).
    Ignored,
}
