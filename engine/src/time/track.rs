//! [`Track`]: the hits of one user, in order, become laps and sessions.

use super::hit::{Action, Hit, ModuleRole};
use super::session::Session;
use super::track_rules::{Attribution, Carry, Exactness, SessionRule, TrackRules};

/// Why a lap is as long as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LapRule {
    /// The gap to the next row, which is within the threshold.
    Gap,
    /// The gap is over the threshold: the credit instead.
    Break,
    /// Nothing follows in the range: the credit.
    Last,
    /// Only grading events follow, and the exact arithmetic takes the missing next row for time 0: a defect.
    NoNext,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It counts.
    Counted,
    /// A logout: its lap is lost.
    Logout,
    /// Of a captured module: its lap is carried.
    Captured,
    /// Of an ignored module: its lap is lost.
    Ignored,
}

/// One row with what it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lap {
    /// The row.
    pub hit: Hit,
    /// Seconds to the next row that is not skipped; `None` for the last one.
    pub gap: Option<i64>,
    /// Why the lap is as long as it is.
    pub rule: LapRule,
    /// Seconds from the row on during which the user was there: the gap, or the credit.
    pub forward: i64,
    /// Seconds of its own: what it adds to its course and activity, without what is carried. Negative only in the
    /// exact arithmetic.
    pub measured: i64,
    /// Seconds carried into it from captured modules.
    pub carried: i64,
    /// Seconds that count in the session but in no course ([`Attribution::None`]).
    pub unattributed: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// Number of its session; `None` where there is none.
    pub session: Option<u32>,
    /// Whether its time counts in that session; that of a login does not under the login rule.
    pub in_session: bool,
}

impl Lap {
    /// Seconds that count in the course and the activity.
    #[inline]
    pub fn elapsed(&self) -> i64 {
        if self.outcome == Outcome::Counted { self.measured.saturating_add(self.carried) } else { 0 }
    }

    /// Whether the row counts.
    #[inline]
    pub fn counts(&self) -> bool {
        self.outcome == Outcome::Counted
    }
}

/// What ended a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closing {
    /// A gap over the threshold.
    Gap,
    /// The next login.
    Login,
    /// A hit in another course.
    Course,
    /// Nothing follows in the range.
    End,
}

/// Whether a session is one of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is.
    Kept,
    /// It has logins only: it is no session, but the time of the logins stays in the totals.
    LoginOnly,
    /// It does not reach the minimum: neither it nor its time counts.
    BelowMinimum,
}

/// A session of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackSession {
    /// Its number, as the sink gave it; dropped sessions have numbers too.
    pub number: u32,
    /// Unix seconds of its first hit.
    pub start: i64,
    /// Unix seconds of its end: of the last hit plus its lap, or of the logout. In the exact arithmetic it is what
    /// the plugin keeps there, which is mostly the start.
    pub end: i64,
    /// Unix seconds of its last hit.
    pub last: i64,
    /// Sum of its laps, in seconds.
    pub elapsed: i64,
    /// Number of its hits. In the exact arithmetic one more when an ordinary hit opened it.
    pub events: u64,
    /// What ended it.
    pub closing: Closing,
    /// Whether it counts.
    pub verdict: Verdict,
    /// Course of the hit that opened it.
    course: i64,
    /// Course of its latest hit that is no login; `None` as long as there is only a login.
    latest: Option<i64>,
}

/// Who wants to know what a track is worth, as it becomes known.
pub trait TrackSink {
    /// A session opens with this row; answers its number, which the laps and the session will carry.
    fn open(&mut self, hit: &Hit) -> u32;

    /// A row is settled. Calls come in the order of the rows; skipped grading events make none.
    fn lap(&mut self, lap: &Lap);

    /// A session is complete. It comes after its laps, and before the laps of the next one.
    fn session(&mut self, session: &TrackSession);
}

/// The state of one track between rows: constant in size, whatever the number of rows.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// The row whose lap is open.
    pending: Option<Hit>,
    /// Whether grading events were skipped after it.
    skipped: bool,
    /// Seconds carried from captured modules.
    carried: i64,
    /// Seconds of the gap before the pending row that belong to it.
    arriving: i64,
    /// Whether the gap after the last counted hit was over the threshold.
    broken: bool,
    /// The open session.
    session: Option<TrackSession>,
}

impl Track {
    /// Takes the next row. Rows come in ascending order of (time, id).
    #[inline]
    pub fn push(&mut self, rules: &TrackRules, hit: Hit, sink: &mut impl TrackSink) {
        if let Some(pending) = self.pending {
            if hit.action == Action::GradedUser && rules.logins {
                self.skipped = true;
                return;
            }
            self.settle(rules, pending, Some(hit.time), sink);
        }
        self.skipped = false;
        self.pending = Some(hit);
    }

    /// Settles the last row and the open session; the track is empty afterwards.
    pub fn finish(&mut self, rules: &TrackRules, sink: &mut impl TrackSink) {
        if let Some(pending) = self.pending {
            self.settle(rules, pending, None, sink);
        }
        self.close(rules, Closing::End, sink);
        *self = Self::default();
    }

    #[inline]
    fn settle(&mut self, rules: &TrackRules, hit: Hit, next: Option<i64>, sink: &mut impl TrackSink) {
        let mut lap = self.lap(rules, hit, next);
        let (mut own, mut next_part) = (lap.measured, 0);
        if lap.rule == LapRule::Gap && rules.attribution != Attribution::Earlier {
            (own, next_part, lap.unattributed) = attribute(rules.attribution, lap.measured);
        }
        lap.measured = own.saturating_add(self.arriving);
        self.arriving = next_part;
        self.account(rules, &mut lap, sink);
        if lap.outcome == Outcome::Counted {
            // Only hits break sessions: not the gap after a logout, nor that after a captured or ignored row.
            self.broken = lap.rule == LapRule::Break;
        }
        sink.lap(&lap);
    }

    /// The row with its raw lap.
    #[inline]
    fn lap(&self, rules: &TrackRules, hit: Hit, next: Option<i64>) -> Lap {
        let gap = next.map(|next| next.saturating_sub(hit.time));
        let (rule, measured) = match gap {
            Some(gap) if rules.gap.rule().continues(0, gap) => (LapRule::Gap, gap),
            Some(gap) => (LapRule::Break, rules.credit_before_gap(hit.time, gap)),
            None if self.skipped && rules.exactness == Exactness::Exact => (LapRule::NoNext, hit.time.saturating_neg()),
            None => (LapRule::Last, rules.credit(hit.time)),
        };
        let (outcome, session) = (Outcome::Counted, None);
        Lap {
            hit,
            gap,
            rule,
            forward: measured,
            measured,
            carried: 0,
            unattributed: 0,
            outcome,
            session,
            in_session: false,
        }
    }

    /// Decides what becomes of a row, in the order of block_use_stats 5.1: logout, captured, ignored, login, hit.
    #[inline]
    fn account(&mut self, rules: &TrackRules, lap: &mut Lap, sink: &mut impl TrackSink) {
        let login = rules.logins && lap.hit.action == Action::Login;
        if rules.logins && lap.hit.action == Action::Logout {
            lap.outcome = Outcome::Logout;
            self.carried = 0;
            self.end_at_logout(rules, lap.hit.time);
            return;
        }
        if login {
            self.carried = 0;
        } else {
            match rules.role(lap.hit.place.module) {
                ModuleRole::Counted => {}
                ModuleRole::Captured => {
                    lap.outcome = Outcome::Captured;
                    self.carried = self.carried.saturating_add(lap.measured);
                    return;
                }
                ModuleRole::Ignored => {
                    lap.outcome = Outcome::Ignored;
                    return;
                }
            }
            lap.carried = self.carried;
            if rules.carry == Carry::Once {
                self.carried = 0;
            }
        }
        self.enter(rules, lap, login, sink);
    }

    /// Puts a counted row into its session.
    #[inline]
    fn enter(&mut self, rules: &TrackRules, lap: &mut Lap, login: bool, sink: &mut impl TrackSink) {
        if rules.sessions == SessionRule::None {
            return;
        }
        if let Some(closing) = self.closes(rules, lap, login) {
            self.close(rules, closing, sink);
        }
        let opens = self.session.is_none();
        let session = match &mut self.session {
            Some(session) => session,
            None => self.session.insert(TrackSession::open(sink.open(&lap.hit), &lap.hit)),
        };
        lap.session = Some(session.number);
        lap.in_session = !(login && rules.sessions == SessionRule::Login);
        session.take(rules, lap, login, opens);
    }

    /// What ends the open session before this row, if anything does.
    #[inline]
    fn closes(&self, rules: &TrackRules, lap: &Lap, login: bool) -> Option<Closing> {
        let session = self.session.as_ref()?;
        let by_login = rules.sessions == SessionRule::Login;
        if by_login {
            // A session of the same second stays: the plugin keys sessions by their start.
            if session.start == lap.hit.time {
                return None;
            }
        } else if self.broken {
            return Some(Closing::Gap);
        }
        if login {
            return Some(Closing::Login);
        }
        let course = if by_login { Some(session.course) } else { session.latest };
        let moved = rules.session_per_course && course.is_some_and(|course| course != lap.hit.course);
        moved.then_some(Closing::Course)
    }

    /// A logout is the end of a session that is not over yet.
    fn end_at_logout(&mut self, rules: &TrackRules, time: i64) {
        let applies = !self.broken && rules.exactness == Exactness::Corrected;
        if let Some(session) = self.session.as_mut().filter(|_| applies) {
            session.end = time;
        }
    }

    fn close(&mut self, rules: &TrackRules, closing: Closing, sink: &mut impl TrackSink) {
        let Some(mut session) = self.session.take() else { return };
        session.closing = closing;
        session.verdict = session.judge(rules);
        sink.session(&session);
    }
}

impl TrackSession {
    fn open(number: u32, hit: &Hit) -> Self {
        Self {
            number,
            start: hit.time,
            end: hit.time,
            last: hit.time,
            elapsed: 0,
            events: 0,
            closing: Closing::End,
            verdict: Verdict::Kept,
            course: hit.course,
            latest: None,
        }
    }

    /// Course of the hit that opened it.
    pub fn opening_course(&self) -> i64 {
        self.course
    }

    /// From the first to the last hit, in seconds, without any credit.
    pub fn length(&self) -> i64 {
        self.last.saturating_sub(self.start)
    }

    #[inline]
    fn take(&mut self, rules: &TrackRules, lap: &Lap, login: bool, opens: bool) {
        let exact = rules.exactness == Exactness::Exact;
        if exact {
            // The plugin counts the opening itself, and then an ordinary hit that opens once more.
            self.events += u64::from(opens) + u64::from(!login);
            if rules.session_per_course && !login {
                self.end = self.end.max(lap.hit.time);
            }
        } else {
            self.events += 1;
            // The lap as it lies in time: not what was carried into it, and whoever the gap belongs to.
            self.end = lap.hit.time.saturating_add(lap.forward.max(0));
        }
        if lap.in_session {
            self.elapsed = self.elapsed.saturating_add(lap.elapsed()).saturating_add(lap.unattributed);
        }
        self.last = lap.hit.time;
        if !login {
            self.latest = Some(lap.hit.course);
        }
    }

    fn judge(&self, rules: &TrackRules) -> Verdict {
        if rules.sessions == SessionRule::Gap && self.latest.is_none() {
            return Verdict::LoginOnly;
        }
        let measured = Session { start: self.start, end: self.last, events: self.events };
        if rules.gap.keeps(&measured) { Verdict::Kept } else { Verdict::BelowMinimum }
    }
}

/// Parts of a gap for the earlier hit, the later one, and neither.
fn attribute(rule: Attribution, gap: i64) -> (i64, i64, i64) {
    match rule {
        Attribution::Earlier => (gap, 0, 0),
        Attribution::Later => (0, gap, 0),
        Attribution::Split => (gap - gap / 2, gap / 2, 0),
        Attribution::None => (0, 0, gap),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{
        Counter, Credit, GapPolicy, Grain, Keep, Key, Minimum, ModuleId, Place, Scope, Seconds, Streams,
    };

    const NOW: i64 = 1_000_000;

    fn rules(threshold: i64, credit: i64) -> TrackRules {
        let seconds = |number| Seconds::try_new(number).unwrap();
        let gap =
            GapPolicy { threshold: seconds(threshold), credit: Credit::Fixed(seconds(credit)), ..GapPolicy::default() };
        TrackRules::new(gap, NOW)
    }

    fn hit(id: i64, time: i64, course: i64, action: Action) -> Hit {
        Hit { id, time, course, action, place: Place { module: ModuleId::COURSE, cm: 0 } }
    }

    /// Hits with these gaps before them; a course or an action per number.
    fn hits(steps: &[(i64, u8)]) -> Vec<Hit> {
        let mut time = 0;
        let mut made = Vec::new();
        for ((gap, kind), id) in steps.iter().zip(1..) {
            time += gap;
            let (course, action) = match kind {
                0 => (0, Action::Login),
                1 => (0, Action::Logout),
                2 => (2, Action::GradedUser),
                course => (i64::from(*course), Action::Other),
            };
            made.push(hit(id, time, course, action));
        }
        made
    }

    fn fold(rules: &TrackRules, hits: &[Hit]) -> Streams {
        let keep = Keep { laps: true, sessions: true, totals: Some(Grain { course: true, ..Grain::default() }) };
        let mut streams = Streams::new(rules.clone(), Scope::Site, chrono_tz::Tz::UTC, keep);
        hits.iter().for_each(|hit| streams.push(*hit));
        streams.finish();
        streams
    }

    fn total(streams: &Streams) -> i64 {
        streams.totals().iter().map(|(_, counter)| counter.elapsed).sum()
    }

    fn steps() -> impl Strategy<Value = Vec<(i64, u8)>> {
        let gap = prop_oneof![3 => 0..120_i64, 2 => 890..910_i64, 1 => 0..9000_i64];
        proptest::collection::vec((gap, 0..6_u8), 0..30)
    }

    proptest! {
        #[test]
        fn parts_add_up_and_are_bounded(steps in steps(), minimum in any::<bool>()) {
            let mut rules = rules(900, 300);
            if minimum {
                rules.gap.minimum = Minimum::Events(2);
            }
            let hits = hits(&steps);
            let streams = fold(&rules, &hits);
            let kept = |lap: &&Lap| {
                let session = streams.all_sessions().iter().find(|found| Some(found.session.number) == lap.session);
                session.is_none_or(|found| found.session.verdict != Verdict::BelowMinimum)
            };
            let laps: i64 = streams.laps().iter().filter(kept).map(Lap::elapsed).sum();
            prop_assert_eq!(laps, total(&streams));
            for found in streams.all_sessions() {
                let session = &found.session;
                let of = streams.laps().iter().filter(|lap| lap.session == Some(session.number) && lap.in_session);
                prop_assert_eq!(of.map(Lap::elapsed).sum::<i64>(), session.elapsed);
                prop_assert!(session.start <= session.last && session.last <= session.end);
            }
            let most = i64::try_from(hits.len()).unwrap() * 900;
            prop_assert!((0..=most).contains(&total(&streams)));
        }

        #[test]
        fn shifting_all_times_changes_nothing(steps in steps(), shift in -500_000..500_000_i64) {
            let hits = hits(&steps);
            let shifted: Vec<Hit> = hits.iter().map(|hit| Hit { time: hit.time + shift, ..*hit }).collect();
            let later = TrackRules { now: NOW + shift, ..rules(900, 300) };
            let figures = |streams: &Streams, shift: i64| -> Vec<(Key, Counter)> {
                let back = |(key, sum): &(Key, Counter)| {
                    (*key, Counter { first: sum.first - shift, last: sum.last - shift, ..*sum })
                };
                streams.totals().iter().map(back).collect()
            };
            prop_assert_eq!(figures(&fold(&rules(900, 300), &hits), 0), figures(&fold(&later, &shifted), shift));
        }

        #[test]
        fn a_hit_twice_adds_an_event_and_no_time(steps in steps(), at in 0..30_usize) {
            let mut hits = hits(&steps);
            prop_assume!(hits.get(at).is_some_and(|hit| hit.action == Action::Other));
            let before = fold(&rules(900, 300), &hits);
            hits.insert(at, hits[at]);
            let after = fold(&rules(900, 300), &hits);
            let events = |streams: &Streams| streams.totals().iter().map(|(_, sum)| sum.events).sum::<u64>();
            prop_assert_eq!((total(&after), events(&after)), (total(&before), events(&before) + 1));
        }

        #[test]
        fn a_larger_threshold_never_gives_less(steps in steps(), less in 300..2000_i64, more in 0..2000_i64) {
            let hits = hits(&steps);
            let of = |threshold| total(&fold(&rules(threshold, 300), &hits));
            prop_assert!(of(less) <= of(less + more));
        }

        #[test]
        fn attribution_moves_time_between_hits_and_keeps_that_of_sessions(steps in steps()) {
            // Without logins and logouts, whose laps are lost or lie in course 0.
            let steps: Vec<(i64, u8)> = steps.iter().map(|(gap, kind)| (*gap, kind + 3)).collect();
            let hits = hits(&steps);
            let of = |attribution| fold(&TrackRules { attribution, ..rules(900, 300) }, &hits);
            let elapsed = |streams: &Streams| streams.sessions().map(|found| found.session.elapsed).sum::<i64>();
            let earlier = of(Attribution::Earlier);
            for other in [Attribution::Later, Attribution::Split] {
                prop_assert_eq!(total(&of(other)), total(&earlier));
            }
            let none = of(Attribution::None);
            prop_assert_eq!(elapsed(&none), elapsed(&earlier));
            let unattributed: i64 = none.laps().iter().map(|lap| lap.unattributed).sum();
            prop_assert_eq!(total(&none) + unattributed, total(&earlier));
        }
    }

    #[test]
    fn a_session_ends_where_its_last_lap_ends_whatever_was_carried() {
        let mut rules = rules(900, 300);
        rules.roles = vec![ModuleRole::Counted; 6];
        rules.roles[5] = ModuleRole::Captured;
        let captured = Place { module: ModuleId(5), cm: 9 };
        let hits = [Hit { place: captured, ..hit(1, 0, 2, Action::Other) }, hit(2, 100, 2, Action::Other)];
        let streams = fold(&rules, &hits);
        let session = streams.sessions().next().unwrap().session;
        assert_eq!((session.start, session.elapsed, session.end), (100, 400, 400));
    }

    #[test]
    fn a_session_per_course_begins_with_the_first_hit_of_the_course() {
        let rules = TrackRules { session_per_course: true, ..rules(900, 300) };
        let hits = hits(&[(0, 0), (10, 2 + 1), (20, 2 + 1), (30, 4), (40, 4)]);
        let found: Vec<_> = fold(&rules, &hits)
            .sessions()
            .map(|found| (found.session.start, found.session.elapsed, found.session.closing))
            .collect();
        assert_eq!(found, [(0, 60, Closing::Course), (60, 340, Closing::End)]);
    }
}
