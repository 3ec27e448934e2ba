//! [`Streams`]: all tracks of one user under a policy, with what they add up to.

use chrono_tz::Tz;
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::buckets::{Buckets, Counter, Grain, Key};
use super::day_clock::DayClock;
use super::hit::Hit;
use super::spent_policy::Scope;
use super::track::{Lap, Track, TrackSession, TrackSink, Verdict};
use super::track_rules::{SessionRule, TrackRules};

/// A session with the courses it crosses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserSession {
    /// The session itself.
    pub session: TrackSession,
    /// Its courses, each once, in order of appearance.
    pub courses: Vec<i64>,
}

/// What is kept of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keep {
    /// Every lap.
    pub laps: bool,
    /// Every session.
    pub sessions: bool,
    /// Totals at this grain.
    pub totals: Option<Grain>,
}

/// The tracks of one user: rows in, then [`finish`](Self::finish), then the results until [`clear`](Self::clear).
#[derive(Debug, Clone)]
pub struct Streams {
    rules: TrackRules,
    scope: Scope,
    single: Track,
    many: HashMap<(i64, i32), Track, FixedState>,
    days: DayClock,
    results: Results,
}

impl Streams {
    /// Tracks under these rules; days are those of the time zone.
    pub fn new(mut rules: TrackRules, scope: Scope, zone: Tz, keep: Keep) -> Self {
        let by_session = keep.laps || keep.sessions || keep.totals.is_some_and(|grain| grain.session);
        if !by_session && !rules.provisional() {
            // Sessions decide nothing of what is kept.
            rules.sessions = SessionRule::None;
        }
        let results = Results {
            keep,
            days: DayClock::new(zone),
            provisional: rules.provisional(),
            one_course: rules.session_per_course,
            opened: 0,
            laps: Vec::new(),
            open: Vec::new(),
            sessions: Vec::new(),
            buckets: Buckets::default(),
        };
        Self { rules, scope, single: Track::default(), many: HashMap::default(), days: DayClock::new(zone), results }
    }

    /// Takes the next row of the user, in ascending order of (time, id).
    #[inline]
    pub fn push(&mut self, hit: Hit) {
        if self.scope == Scope::Site {
            self.single.push(&self.rules, hit, &mut self.results);
            return;
        }
        let day = if self.scope == Scope::CourseDay { self.days.day(hit.time) } else { 0 };
        self.many.entry((hit.course, day)).or_default().push(&self.rules, hit, &mut self.results);
    }

    /// Settles what is open: the user has no more rows.
    pub fn finish(&mut self) {
        if self.scope == Scope::Site {
            self.single.finish(&self.rules, &mut self.results);
            return;
        }
        let mut open: Vec<((i64, i32), Track)> = self.many.drain().collect();
        open.sort_unstable_by_key(|(key, _)| *key);
        for (_, mut track) in open {
            track.finish(&self.rules, &mut self.results);
        }
    }

    /// Laps in the order in which they were settled, where they are kept.
    pub fn laps(&self) -> &[Lap] {
        &self.results.laps
    }

    /// Sessions that count, in the order in which they ended, where they are kept.
    pub fn sessions(&self) -> impl Iterator<Item = &UserSession> {
        self.results.sessions.iter().filter(|session| session.session.verdict == Verdict::Kept)
    }

    /// All sessions, those that were dropped too.
    pub fn all_sessions(&self) -> &[UserSession] {
        &self.results.sessions
    }

    /// Totals at the grain that is kept.
    pub fn totals(&self) -> &[(Key, Counter)] {
        self.results.buckets.rows()
    }

    /// Forgets the user.
    pub fn clear(&mut self) {
        self.results.opened = 0;
        self.results.laps.clear();
        self.results.open.clear();
        self.results.sessions.clear();
        self.results.buckets.clear();
    }

    /// Bytes held, roughly.
    pub fn size(&self) -> usize {
        let results = &self.results;
        results.laps.capacity() * size_of::<Lap>()
            + results.sessions.capacity() * (size_of::<UserSession>() + 32)
            + results.buckets.rows().len() * 2 * size_of::<(Key, Counter)>()
            + self.many.capacity() * size_of::<((i64, i32), Track)>()
    }
}

/// Where laps and sessions go.
#[derive(Debug, Clone)]
struct Results {
    keep: Keep,
    days: DayClock,
    /// Whether time counts only once its session is known to be kept.
    provisional: bool,
    /// Whether a session has the course that opened it only.
    one_course: bool,
    opened: u32,
    laps: Vec<Lap>,
    /// Courses of the open sessions.
    open: Vec<(u32, Vec<i64>)>,
    sessions: Vec<UserSession>,
    buckets: Buckets,
}

impl Results {
    #[inline]
    fn total(&mut self, grain: Grain, lap: &Lap) {
        let mut key = grain.key(lap);
        let elapsed = lap.elapsed();
        if !grain.day {
            return match lap.session {
                Some(session) if self.provisional => {
                    self.buckets.add_provisional(session, key, &Counter::hit(lap, elapsed, 1));
                }
                _ => self.buckets.add_hit(key, lap, elapsed),
            };
        }
        let mut events = 1;
        if let Some(day) = self.days.within(lap.hit.time, elapsed)
            && !self.provisional
        {
            key.day = day;
            return self.buckets.add_hit(key, lap, elapsed);
        }
        let mut days = self.days.clone();
        days.cut(lap.hit.time, elapsed, |day, seconds| {
            key.day = day;
            self.put(lap, key, &Counter::hit(lap, seconds, events));
            events = 0;
        });
        self.days = days;
    }

    #[inline]
    fn put(&mut self, lap: &Lap, key: Key, counter: &Counter) {
        match lap.session {
            Some(session) if self.provisional => self.buckets.add_provisional(session, key, counter),
            _ => self.buckets.add(key, counter),
        }
    }

    fn cross(&mut self, lap: &Lap) {
        let Some(number) = lap.session else { return };
        if let Some((_, courses)) = self.open.iter_mut().rev().find(|(open, _)| *open == number)
            && !courses.contains(&lap.hit.course)
        {
            courses.push(lap.hit.course);
        }
    }
}

impl TrackSink for Results {
    #[inline]
    fn open(&mut self, hit: &Hit) -> u32 {
        self.opened = self.opened.saturating_add(1);
        if self.keep.sessions {
            self.open.push((self.opened, vec![hit.course]));
        }
        self.opened
    }

    #[inline]
    fn lap(&mut self, lap: &Lap) {
        if self.keep.laps {
            self.laps.push(*lap);
        }
        if lap.counts() {
            if self.keep.sessions && !self.one_course {
                self.cross(lap);
            }
            if let Some(grain) = self.keep.totals {
                self.total(grain, lap);
            }
        }
    }

    #[inline]
    fn session(&mut self, session: &TrackSession) {
        if self.provisional {
            self.buckets.decide(session);
        }
        if self.keep.sessions {
            let at = self.open.iter().rposition(|(open, _)| *open == session.number);
            let courses = at.map(|at| self.open.swap_remove(at).1).unwrap_or_default();
            self.sessions.push(UserSession { session: *session, courses });
        }
    }
}
