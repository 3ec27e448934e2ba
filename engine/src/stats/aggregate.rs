//! [`Aggregate`]: the time of one user in all the sums that block_use_stats makes of it.

use std::collections::BTreeMap;
use std::fmt;

use super::dims::Dims;
use super::source::UserTime;
use crate::time::{
    Counter, CreditItem, CreditRule, Grain, Keep, Key, ModuleId, TimeSource, UserSession, Verdict, decide,
};

/// Name of the type of SCORM packages.
const SCORM: &str = "scorm";

/// Time in one activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActivityTime {
    /// Seconds, corrections included.
    pub elapsed: i64,
    /// Hits; corrections never change them.
    pub events: u64,
    /// Unix seconds of the first hit; `None` where a correction made the entry. In the exact arithmetic such an entry
    /// can have 0 instead.
    pub first: Option<i64>,
    /// Unix seconds of the last hit; as `first`.
    pub last: Option<i64>,
    /// Seconds that were measured, where a strict credit replaced them.
    pub real: Option<i64>,
    /// Seconds of the credit, where a strict rule did not apply it.
    pub credit: Option<i64>,
    /// What `elapsed` rests on, where a correction looked at the activity.
    pub source: Option<TimeSource>,
}

/// A session of an aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionTime {
    /// Unix seconds of its first hit.
    pub start: i64,
    /// Unix seconds of its end; in the exact arithmetic what the plugin keeps there, which is mostly the start.
    pub end: i64,
    /// Seconds.
    pub elapsed: i64,
    /// Hits; in the exact arithmetic one more when an ordinary hit opened it.
    pub events: u64,
    /// Its courses, each once, in order of appearance.
    pub courses: Vec<i64>,
}

/// Network addresses of the first and the last hit on the pages of a course; `None` where the log has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses {
    /// Of the first hit.
    pub first: Option<String>,
    /// Of the last hit.
    pub last: Option<String>,
}

/// Sections that do not add up to the activities of their course: block_use_stats stops there. It happens when an
/// activity is gone and its context is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SectionFault {
    /// The course.
    pub course: i64,
    /// Seconds of its sections.
    pub sections: i64,
    /// Seconds of its activities.
    pub activities: i64,
}

impl fmt::Display for SectionFault {
    /// The message of the plugin, which callers of its web service may look for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { course, sections, activities } = self;
        write!(
            f,
            "Bad sumcheck on section time for course {course}: section time is {sections} / activities time is {activities} <br/>"
        )
    }
}

/// All sums of one user: seconds and hits by course, activity, section and kind of place, and sessions.
///
/// For every course but 0, `coursetotal` = `course` + `activities` + `other`, in seconds and hits, and its sections add
/// up to its activities, until a correction moves some of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Aggregate {
    /// The user.
    pub userid: i64,
    /// By course: everything. Course 0 has the logins.
    pub coursetotal: BTreeMap<i64, Counter>,
    /// By course: its own pages, outside of its activities.
    pub course: BTreeMap<i64, Counter>,
    /// By type and activity.
    pub modules: BTreeMap<String, BTreeMap<i64, ActivityTime>>,
    /// By activity, whatever its type, without corrections; 0 has all hits outside of course pages and activities.
    pub realmodule: BTreeMap<i64, Counter>,
    /// By course: its activities.
    pub activities: BTreeMap<i64, Counter>,
    /// By course: neither its pages nor its activities, such as logins and activities that are gone.
    pub other: BTreeMap<i64, Counter>,
    /// The user's own pages and logins.
    pub user: Option<Counter>,
    /// Pages of the system.
    pub system: Option<Counter>,
    /// Activities of other courses than the target course.
    pub outoftargetcourse: Option<Counter>,
    /// By section.
    pub section: BTreeMap<i64, Counter>,
    /// By course and section, without corrections.
    pub coursesection: BTreeMap<(i64, i64), Counter>,
    /// Sessions that count, in the order in which they began; empty where sessions were not asked for.
    pub sessions: Vec<SessionTime>,
    /// Network addresses by course, where they were asked for.
    pub addresses: BTreeMap<i64, Addresses>,
    /// Where the plugin would have stopped; always `None` in the corrected arithmetic.
    pub section_fault: Option<SectionFault>,
}

/// What an aggregate is built from.
pub(super) fn keep(sessions: bool, laps: bool) -> Keep {
    let grain = Grain { course: true, place: true, ..Grain::default() };
    Keep { laps, sessions, totals: Some(grain) }
}

impl Aggregate {
    /// The sums of one user, from totals by course and place.
    pub fn new(time: &UserTime, dims: &Dims) -> Self {
        let mut sums = Self { userid: time.userid, ..Self::default() };
        for (key, counter) in &time.totals {
            sums.add(*key, counter, dims);
        }
        sums.sessions = sessions(&time.sessions);
        sums.section_fault = sums.check_sections();
        sums
    }

    fn add(&mut self, key: Key, counter: &Counter, dims: &Dims) {
        let (course, place) = (key.course, key.place);
        add_to(&mut self.coursetotal, course, counter);
        if place.module == ModuleId::COURSE {
            add_to(&mut self.course, course, counter);
            return;
        }
        add_to(&mut self.realmodule, place.cm, counter);
        let pseudo = match place.module {
            ModuleId::USER => Some(&mut self.user),
            ModuleId::SYSTEM => Some(&mut self.system),
            ModuleId::OUT_OF_TARGET => Some(&mut self.outoftargetcourse),
            _ => None,
        };
        if let Some(sum) = pseudo {
            *sum = Some(sum.map_or(*counter, |sum| both(sum, counter)));
        }
        if place.cm == 0 {
            add_to(&mut self.other, course, counter);
            return;
        }
        add_to(&mut self.activities, course, counter);
        self.add_activity(key, counter, dims);
    }

    fn add_activity(&mut self, key: Key, counter: &Counter, dims: &Dims) {
        let cm = key.place.cm;
        if key.place.module != ModuleId::DELETED {
            let of_type = self.modules.entry(dims.module_name(key.place.module).to_owned()).or_default();
            of_type.entry(cm).or_default().add(counter);
        }
        if let Some(section) = dims.section(cm) {
            add_to(&mut self.section, section, counter);
            add_to(&mut self.coursesection, (key.course, section), counter);
        }
    }

    /// The first course, in order of its first hit on an activity, whose sections do not add up.
    fn check_sections(&self) -> Option<SectionFault> {
        let faults = self.activities.iter().filter_map(|(course, activities)| {
            let of_course = self.coursesection.range((*course, i64::MIN)..=(*course, i64::MAX));
            let sections = of_course.fold(0_i64, |sum, (_, counter)| sum.saturating_add(counter.elapsed));
            let fault = SectionFault { course: *course, sections, activities: activities.elapsed };
            (sections != activities.elapsed).then_some(((activities.first, activities.first_id), fault))
        });
        faults.min_by_key(|(order, _)| *order).map(|(_, fault)| fault)
    }

    /// Courses of one of the sums in order of their first hit.
    pub fn in_order(sum: &BTreeMap<i64, Counter>) -> Vec<i64> {
        let mut courses: Vec<_> = sum.iter().map(|(course, sum)| (sum.first, sum.first_id, *course)).collect();
        courses.sort_unstable();
        courses.into_iter().map(|(_, _, course)| course).collect()
    }

    /// Activities that are SCORM packages, which [`Self::raise_to_packages`] may raise.
    pub fn packages(&self) -> impl Iterator<Item = i64> {
        self.modules.get(SCORM).into_iter().flat_map(|activities| activities.keys().copied())
    }

    /// Raises SCORM packages to the seconds that they reported themselves, where that is more than was measured; their
    /// course's activities and total rise with them. Sections and sessions stay.
    pub fn raise_to_packages(&mut self, dims: &Dims, reported: impl Fn(i64) -> i64) {
        let Some(activities) = self.modules.get_mut(SCORM) else { return };
        for (cm, time) in activities {
            let gain = reported(*cm).saturating_sub(time.elapsed);
            let Some(activity) = dims.activities.get(cm).filter(|_| gain > 0) else { continue };
            time.elapsed = time.elapsed.saturating_add(gain);
            time.source = Some(TimeSource::Package);
            raise(&mut self.activities, activity.course, gain);
            raise(&mut self.coursetotal, activity.course, gain);
        }
    }

    /// Replaces the time of activities by the credits of check lists; their course's activities and total and their
    /// section move with them. Items of courses that the user did not visit, and of activities that are gone, change
    /// nothing.
    ///
    /// `exact` moves the totals as block_use_stats does; see [`decide`].
    pub fn credit(&mut self, rule: CreditRule, items: &[CreditItem], dims: &Dims, exact: bool) {
        for item in items {
            let Some(activity) = dims.activities.get(&item.cm) else { continue };
            if !self.coursetotal.contains_key(&item.course) {
                continue;
            }
            let known = self.modules.get(&item.module).and_then(|activities| activities.get(&item.cm));
            let Some(decision) = decide(rule, item, known.map(|time| time.elapsed), exact) else { continue };
            let time = self.modules.entry(item.module.clone()).or_default().entry(item.cm).or_default();
            time.elapsed = decision.elapsed;
            time.real = decision.real.or(time.real);
            time.credit = decision.credit.or(time.credit);
            time.source = Some(decision.source);
            if decision.new_entry && exact && rule == CreditRule::RaiseMarked {
                (time.first, time.last) = (Some(0), Some(0));
            }
            if decision.delta != 0 {
                raise(&mut self.coursetotal, item.course, decision.delta);
                raise(&mut self.activities, item.course, decision.delta);
                if let Some(section) = activity.section {
                    raise(&mut self.section, section, decision.delta);
                }
            }
        }
    }
}

impl ActivityTime {
    fn add(&mut self, counter: &Counter) {
        self.elapsed = self.elapsed.saturating_add(counter.elapsed);
        self.events += counter.events;
        self.first = Some(self.first.map_or(counter.first, |first| first.min(counter.first)));
        self.last = Some(self.last.map_or(counter.last, |last| last.max(counter.last)));
    }
}

fn both(mut sum: Counter, counter: &Counter) -> Counter {
    sum.add(counter);
    sum
}

fn add_to<K: Ord>(sums: &mut BTreeMap<K, Counter>, key: K, counter: &Counter) {
    sums.entry(key).and_modify(|sum| sum.add(counter)).or_insert(*counter);
}

fn raise(sums: &mut BTreeMap<i64, Counter>, key: i64, seconds: i64) {
    let sum = sums.entry(key).or_default();
    sum.elapsed = sum.elapsed.saturating_add(seconds);
}

/// Sessions that count, in the order in which they began.
fn sessions(all: &[UserSession]) -> Vec<SessionTime> {
    let mut kept: Vec<&UserSession> = all.iter().filter(|kept| kept.session.verdict == Verdict::Kept).collect();
    kept.sort_by_key(|kept| kept.session.number);
    let session = |kept: &UserSession| SessionTime {
        start: kept.session.start,
        end: kept.session.end,
        elapsed: kept.session.elapsed,
        events: kept.session.events,
        courses: kept.courses.clone(),
    };
    kept.into_iter().map(session).collect()
}
