//! [`TrackRules`]: everything that decides what the hits of one track are worth.

use super::hit::{ModuleId, ModuleRole};
use super::policy::{GapPolicy, Minimum};
use super::seconds::Seconds;

/// When a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SessionRule {
    /// At the first hit, at a login, and after a gap over the threshold.
    #[default]
    Gap,
    /// At the first hit and at a login; a long gap never ends a session.
    Login,
    /// There are no sessions: time is the sum of laps.
    None,
}

/// Which hit a gap that counts belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Attribution {
    /// The hit before it: the user was there.
    #[default]
    Earlier,
    /// The hit after it: the user was on the way there.
    Later,
    /// Half of it to each; the odd second goes to the earlier one.
    Split,
    /// To no hit: it counts in the session, and in no course and no activity.
    None,
}

/// What happens to the time carried from captured modules once a hit took it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Carry {
    /// It is used up.
    #[default]
    Once,
    /// Every following hit takes it again, until a login or logout: what block_use_stats 4 and 5 do.
    Repeated,
}

/// Whether the arithmetic follows block_use_stats 5.1 also where that is a defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Exactness {
    /// Defects are corrected: `docs/concepts/time-spent.md` lists them.
    #[default]
    Corrected,
    /// Bit for bit, defects included.
    Exact,
}

/// What the hits of one track are worth, and where its sessions begin.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TrackRules {
    /// Threshold, boundary, credit and minimum.
    pub gap: GapPolicy,
    /// Whether the credit of a long gap is never longer than the gap.
    pub credit_within_gap: bool,
    /// When a session begins.
    pub sessions: SessionRule,
    /// Whether another course begins another session.
    pub session_per_course: bool,
    /// Whether logins, logouts and grading events are special; otherwise every row is an ordinary hit.
    pub logins: bool,
    /// Which hit a gap belongs to.
    pub attribution: Attribution,
    /// What happens to carried time.
    pub carry: Carry,
    /// Corrected, or like the plugin.
    pub exactness: Exactness,
    /// Role of each module by its number; modules beyond the end are counted.
    pub roles: Vec<ModuleRole>,
    /// The clock, in Unix seconds: no credit goes beyond it.
    pub now: i64,
}

impl TrackRules {
    /// Rules of a gap policy whose credits end at `now`, with the defaults of all other choices.
    pub fn new(gap: GapPolicy, now: i64) -> Self {
        Self {
            gap,
            credit_within_gap: false,
            sessions: SessionRule::default(),
            session_per_course: false,
            logins: true,
            attribution: Attribution::default(),
            carry: Carry::default(),
            exactness: Exactness::default(),
            roles: Vec::new(),
            now,
        }
    }

    /// What the policy does with hits of a module.
    #[inline]
    pub fn role(&self, module: ModuleId) -> ModuleRole {
        self.roles.get(usize::from(module.0)).copied().unwrap_or_default()
    }

    /// Whether the module of a hit decides anything.
    pub fn looks_at_modules(&self) -> bool {
        self.roles.iter().any(|role| *role != ModuleRole::Counted)
    }

    /// Whether sessions must be complete before it is known whether their laps count.
    pub fn provisional(&self) -> bool {
        self.gap.minimum != Minimum::None
    }

    /// What a hit at `time` is worth when nothing follows it in time: the credit, as far as `now` allows.
    #[inline]
    pub fn credit(&self, time: i64) -> i64 {
        let credit = self.gap.credit_per_session().get().min(self.now.saturating_sub(time));
        if self.exactness == Exactness::Exact { credit } else { credit.max(0) }
    }

    /// [`Self::credit`] for a hit that is followed by a gap over the threshold.
    #[inline]
    pub fn credit_before_gap(&self, time: i64, gap: i64) -> i64 {
        let credit = self.credit(time);
        if self.credit_within_gap { credit.min(gap) } else { credit }
    }

    /// The threshold as the gap rule sees it; a shorthand for tests and explanations.
    pub fn threshold(&self) -> Seconds {
        self.gap.threshold
    }
}
