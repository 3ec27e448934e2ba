//! What a generated log looks like: its size and the figures behind its rhythm.

use std::fmt;

use chrono::NaiveDate;
use chrono_tz::Tz;

/// Size, period and figures of a log. Two equal shapes give the same log, byte for byte, on every machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Rows, exactly: the log ends with its last row.
    pub rows: u64,
    /// People with an account, the visitor (user 0) and the administrator (user 2) included; at least 3.
    pub users: u32,
    /// Courses, without the site course; at least 1.
    pub courses: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// First local day.
    pub start: NaiveDate,
    /// Days that the log is paced for; the last row falls within about a per cent of it (more for small logs).
    pub days: u32,
    /// Time zone of the rhythm of days and weeks.
    pub zone: Tz,
    /// The figures.
    pub figures: Figures,
}

/// Figures of behaviour. The defaults come from two published sets of real logs, see `datasets/gen/README.md`.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Hits per session: median, standard deviation of the logarithm, maximum.
    pub session_hits: (f64, f64, u32),
    /// Share of gaps inside a session that are a burst of 0 to 3 seconds (pages that log several events), per mille.
    pub burst_permille: u32,
    /// Other gaps inside a session, in seconds: median, standard deviation of the logarithm, maximum.
    pub gap: (f64, f64, u32),
    /// Weights of the local hours in which sessions start, from midnight.
    pub hours: [u32; 24],
    /// Weights of the days of the week, from Monday.
    pub weekdays: [u32; 7],
    /// Weights of the months, from January.
    pub months: [u32; 12],
    /// Zipf's law over users: weight `1 / (rank + offset)^exponent`, with the offset as a share of all users.
    pub user_zipf: (f64, f64),
    /// Exponent of Zipf's law over courses.
    pub course_zipf: f64,
    /// Courses that one user visits; the first ones more often.
    pub courses_per_user: u32,
    /// Modules per course: median, standard deviation of the logarithm, maximum.
    pub modules: (f64, f64, u32),
    /// People who teach, per mille.
    pub teachers_permille: u32,
    /// Sessions that begin with a login, and end with a logout, per mille.
    pub login_permille: (u32, u32),
    /// Sessions of the mobile app (origin `ws`), per mille.
    pub app_permille: u32,
    /// Sessions in which an administrator is logged in as the user, per mille.
    pub login_as_permille: u32,
    /// Sessions of a teacher that restore a course (origin `restore`), per mille.
    pub restore_permille: u32,
    /// Part of the nominal days, from the start, in which `other` is PHP-serialised; JSON afterwards; per mille.
    pub serialized_permille: u32,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            session_hits: (7.0, 1.08, 200),
            burst_permille: 670,
            gap: (47.0, 1.83, 7200),
            hours: [
                502, 216, 245, 181, 732, 2531, 3107, 5191, 6953, 8002, 6907, 6241, 5751, 6401, 6572, 5734, 6218, 6235,
                4442, 4751, 3605, 3108, 1334, 667,
            ],
            weekdays: [186, 172, 122, 119, 136, 106, 114],
            months: [9, 9, 10, 9, 8, 6, 2, 2, 9, 11, 11, 7],
            user_zipf: (1.0, 0.02),
            course_zipf: 0.9,
            courses_per_user: 8,
            modules: (30.0, 0.7, 300),
            teachers_permille: 40,
            login_permille: (600, 80),
            app_permille: 40,
            login_as_permille: 1,
            restore_permille: 10,
            serialized_permille: 250,
        }
    }
}

impl Shape {
    /// A log of so many rows over one academic year in Paris: a thousand rows per user, ten users per course.
    pub fn sized(rows: u64, seed: u64) -> Self {
        let users = (rows / 1000).clamp(3, 10_000_000) as u32;
        Self {
            rows,
            users,
            courses: (users / 10).max(1),
            seed,
            start: NaiveDate::from_ymd_opt(2023, 9, 4).unwrap_or_default(),
            days: 365,
            zone: Tz::Europe__Paris,
            figures: Figures::default(),
        }
    }

    /// Checks what the generator takes for granted.
    ///
    /// # Errors
    ///
    /// Names the first figure that no log can have.
    pub fn check(&self) -> Result<(), ShapeError> {
        let figures = &self.figures;
        let positive = |(median, sigma, max): (f64, f64, u32)| median > 0.0 && (0.0..5.0).contains(&sigma) && max > 0;
        let faults = [
            (self.users < 3, "users: at least 3"),
            (self.users > 1 << 30, "users: at most 2^30"),
            (self.courses < 1, "courses: at least 1"),
            (self.courses > 1 << 24, "courses: at most 2^24"),
            (self.days < 1, "days: at least 1"),
            (figures.courses_per_user < 1, "courses per user: at least 1"),
            (figures.hours.iter().all(|&weight| weight == 0), "hours: one weight above 0"),
            (figures.weekdays.contains(&0), "weekdays: weights above 0"),
            (figures.months.contains(&0), "months: weights above 0"),
            (!positive(figures.session_hits), "session hits: median and maximum above 0, deviation below 5"),
            (!positive(figures.gap), "gap: median and maximum above 0, deviation below 5"),
            (!positive(figures.modules), "modules: median and maximum above 0, deviation below 5"),
            (!(0.0..=3.0).contains(&figures.course_zipf), "course exponent: 0 to 3"),
            (!(0.0..=3.0).contains(&figures.user_zipf.0), "user exponent: 0 to 3"),
            (!(0.0..=10.0).contains(&figures.user_zipf.1), "user offset: 0 to 10"),
        ];
        match faults.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, fault)) => Err(ShapeError(fault)),
            None => Ok(()),
        }
    }
}

/// A figure that no log can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShapeError(pub(crate) &'static str);

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no log has this shape: {}", self.0)
    }
}

impl std::error::Error for ShapeError {}
