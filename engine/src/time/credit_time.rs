//! Credit times and declared times: what an activity is worth, beside what was measured.

use crate::error::{Error, ErrorKind, Result};

/// Where the time of an activity comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TimeSource {
    /// The hits of the user.
    #[default]
    RealTime,
    /// The credit of a check list.
    Credit,
    /// What the user declared.
    Declared,
    /// What a SCORM package reported.
    Package,
}

impl TimeSource {
    /// The name in answers: `realtime`, `credit`, `declared` or `package`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RealTime => "realtime",
            Self::Credit => "credit",
            Self::Declared => "declared",
            Self::Package => "package",
        }
    }
}

/// A time with its correction beside it: the measured time stays as it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Adjusted {
    /// Seconds that the hits tell; 0 without hits.
    pub measured: i64,
    /// Seconds added by the correction, negative when it takes away; 0 without one.
    pub credited: i64,
    /// `measured` and `credited` together, in seconds.
    pub total: i64,
    /// What `total` rests on.
    pub source: TimeSource,
}

impl Adjusted {
    /// A measured time without correction.
    pub const fn measured(measured: i64) -> Self {
        Self { measured, credited: 0, total: measured, source: TimeSource::RealTime }
    }

    /// A measured time that is replaced by another, both in seconds.
    pub const fn replaced(measured: i64, total: i64, source: TimeSource) -> Self {
        Self { measured, credited: total.saturating_sub(measured), total, source }
    }

    /// A measured time that is raised to what a SCORM package reported, both in seconds, when that is more.
    pub const fn raised_by_package(measured: i64, reported: i64) -> Self {
        if reported > measured {
            Self::replaced(measured, reported, TimeSource::Package)
        } else {
            Self::measured(measured)
        }
    }
}

/// When a credit replaces the measured time: the setting `strictcredits` of the check lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CreditRule {
    /// 0: marked items are raised to their credit, the others stay.
    #[default]
    RaiseMarked,
    /// 1, strict: the credit replaces the time when it is at least as long.
    AtLeast,
    /// 2, strict: the credit replaces the time when it is at most as long.
    AtMost,
    /// 3, strict: the credit replaces the time.
    Always,
}

impl TryFrom<i64> for CreditRule {
    type Error = Error;

    fn try_from(code: i64) -> Result<Self> {
        match code {
            0 => Ok(Self::RaiseMarked),
            1 => Ok(Self::AtLeast),
            2 => Ok(Self::AtMost),
            3 => Ok(Self::Always),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "`strictcredits` is 0 (raise marked items), 1 (at least), 2 (at most) or 3 (always), not \"{code}\"",
                    "`strictcredits` vaut 0 (relever les éléments cochés), 1 (au moins), 2 (au plus) ou 3 (toujours), pas \"{code}\""
                ),
            )),
        }
    }
}

/// An item of a check list that stands for an activity.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CreditItem {
    /// Course-module id of the activity.
    pub cm: i64,
    /// Id of its course.
    pub course: i64,
    /// Name of its type, such as `forum`.
    pub module: String,
    /// Whether the item gives a credit (`enablecredit`).
    pub enabled: bool,
    /// The credit in seconds; a negative one counts 0.
    pub credit: i64,
    /// Whether it is checked, by the teacher or the user as the list has it.
    pub marked: bool,
}

/// What a credit changes in the sums of an activity. The events of an activity never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CreditDecision {
    /// The time of the activity from now on, in seconds.
    pub elapsed: i64,
    /// Seconds by which the course total, the activities of the course and the section move.
    pub delta: i64,
    /// The time that was replaced, in seconds; told by the strict rules, when the credit was applied.
    pub real: Option<i64>,
    /// The credit in seconds, when a strict rule did not apply it.
    pub credit: Option<i64>,
    /// Whether the credit was applied.
    pub source: TimeSource,
    /// Whether the activity had no hits, so that it gets an entry of 0 events. In the reference such an entry has first
    /// and last access 0 under [`CreditRule::RaiseMarked`], and neither of the two under the strict rules.
    pub new_entry: bool,
}

impl CreditDecision {
    /// The decision as a correction beside the time that it was taken on, `None` without hits.
    pub const fn adjusted(&self, measured: Option<i64>) -> Adjusted {
        let measured = match measured {
            Some(measured) => measured,
            None => 0,
        };
        Adjusted::replaced(measured, self.elapsed, self.source)
    }
}

/// What an item of a check list changes; `None` when it changes nothing, not even what is shown.
///
/// `measured` is the time of the activity so far in seconds, `None` when it has no hits. When several items stand for
/// one activity, each is decided on the time that the one before left.
///
/// `exact` follows block_use_stats 5.1.0, which moves the totals twice for a marked item without hits under
/// [`CreditRule::RaiseMarked`]. (It stops with an exception when the section has no time yet; here it goes on.)
/// Otherwise totals move once, by what the activity gains or loses.
pub fn decide(rule: CreditRule, item: &CreditItem, measured: Option<i64>, exact: bool) -> Option<CreditDecision> {
    if !item.enabled {
        return None;
    }
    let credit = item.credit.max(0);
    let old = measured.unwrap_or(0);
    let strict = rule != CreditRule::RaiseMarked;
    if !applies(rule, credit, item.marked, measured) {
        return (strict && credit > 0).then_some(CreditDecision {
            elapsed: old,
            delta: 0,
            real: None,
            credit: Some(credit),
            source: TimeSource::RealTime,
            new_entry: measured.is_none(),
        });
    }
    let gain = credit.saturating_sub(old);
    let twice = exact && !strict && measured.is_none();
    Some(CreditDecision {
        elapsed: credit,
        delta: if twice { gain.saturating_mul(2) } else { gain },
        real: strict.then_some(old),
        credit: None,
        source: TimeSource::Credit,
        new_entry: measured.is_none(),
    })
}

/// Whether the credit, in seconds, replaces the time of the activity.
fn applies(rule: CreditRule, credit: i64, marked: bool, measured: Option<i64>) -> bool {
    match (rule, measured) {
        (CreditRule::RaiseMarked, old) => marked && old.is_none_or(|old| old <= credit),
        (_, None) => marked && credit > 0,
        (CreditRule::AtLeast, Some(old)) => credit >= old,
        (CreditRule::AtMost, Some(old)) => credit <= old,
        (CreditRule::Always, Some(_)) => true,
    }
}

/// A time that the user declared for an activity, in seconds, beside the measured one, `None` without hits.
///
/// `strict` (the setting `strict_declared`): the declared time holds. Otherwise the longer one holds, and the declared
/// one when they are equal. Totals move once, by [`Adjusted::credited`]. A negative declared time counts 0.
pub fn declare(strict: bool, measured: Option<i64>, declared: i64) -> Adjusted {
    let (old, declared) = (measured.unwrap_or(0), declared.max(0));
    if strict || declared >= old {
        Adjusted::replaced(old, declared, TimeSource::Declared)
    } else {
        Adjusted::measured(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The items of the recorded case `credit-times` with the measured seconds of their activities.
    fn items() -> Vec<(CreditItem, Option<i64>)> {
        let item = |course, cm, module: &str, enabled, credit, marked, measured| {
            let module = module.to_owned();
            (CreditItem { cm, course, module, enabled, credit, marked }, measured)
        };
        vec![
            item(2, 240, "forum", true, 300, true, Some(100)),
            item(2, 241, "quiz", true, 400, false, Some(400)),
            item(2, 242, "page", true, 600, true, Some(1000)),
            item(2, 243, "assign", true, 1800, false, Some(50)),
            item(2, 243, "assign", false, 60, true, Some(50)),
            item(3, 260, "forum", true, 900, true, Some(300)),
            item(2, 195, "url", true, 240, true, None),
        ]
    }

    /// Per activity: elapsed, `real`, `credit`, source; then how far course 2 and course 3 move.
    type Told = (Vec<(i64, i64, Option<i64>, Option<i64>, &'static str)>, i64, i64);

    fn told(code: i64, exact: bool) -> Told {
        let rule = CreditRule::try_from(code).unwrap();
        let (mut shown, mut moved) = (Vec::new(), [0, 0]);
        for (item, measured) in items() {
            if let Some(made) = decide(rule, &item, measured, exact) {
                shown.push((item.cm, made.elapsed, made.real, made.credit, made.source.as_str()));
                moved[usize::from(item.course == 3)] += made.delta;
                assert_eq!(made.new_entry, item.cm == 195);
            }
        }
        (shown, moved[0], moved[1])
    }

    /// The numbers are those of the reference; its course totals without credits are 5990 and 1200.
    #[test]
    fn the_recorded_case_is_explained() {
        let raised =
            vec![(240, 300, None, None, "credit"), (260, 900, None, None, "credit"), (195, 240, None, None, "credit")];
        assert_eq!(told(0, true), (raised.clone(), 6670 - 5990, 1800 - 1200), "195 moves its course by 480");
        assert_eq!(told(0, false), (raised, 200 + 240, 600), "195 moves its course by 240");
        let at_least = vec![
            (240, 300, Some(100), None, "credit"),
            (241, 400, Some(400), None, "credit"),
            (242, 1000, None, Some(600), "realtime"),
            (243, 1800, Some(50), None, "credit"),
            (260, 900, Some(300), None, "credit"),
            (195, 240, Some(0), None, "credit"),
        ];
        let at_most = vec![
            (240, 100, None, Some(300), "realtime"),
            (241, 400, Some(400), None, "credit"),
            (242, 600, Some(1000), None, "credit"),
            (243, 50, None, Some(1800), "realtime"),
            (260, 300, None, Some(900), "realtime"),
            (195, 240, Some(0), None, "credit"),
        ];
        let mut always = at_least.clone();
        always[2] = (242, 600, Some(1000), None, "credit");
        for exact in [true, false] {
            assert_eq!(told(1, exact), (at_least.clone(), 8180 - 5990, 1800 - 1200));
            assert_eq!(told(2, exact), (at_most.clone(), 5830 - 5990, 0));
            assert_eq!(told(3, exact), (always.clone(), 7780 - 5990, 1800 - 1200));
        }
    }

    #[test]
    fn sections_move_as_the_courses() {
        // Sections 20 and 21 of the recorded case, 500 and 1050 s measured: 240, 241, 195 lie in 20, 242, 243 in 21.
        for (code, section, expected) in
            [(0, 20, 1180), (0, 21, 1050), (1, 20, 940), (1, 21, 2800), (2, 20, 740), (2, 21, 650), (3, 21, 2400)]
        {
            let inside: &[i64] = if section == 20 { &[240, 241, 195] } else { &[242, 243] };
            let rule = CreditRule::try_from(code).unwrap();
            let moved: i64 = items()
                .iter()
                .filter(|(item, _)| inside.contains(&item.cm))
                .filter_map(|(item, measured)| decide(rule, item, *measured, true))
                .map(|made| made.delta)
                .sum();
            assert_eq!(moved + if section == 20 { 500 } else { 1050 }, expected, "rule {code}, section {section}");
        }
    }

    #[test]
    fn an_item_without_hits_needs_a_mark() {
        let item = CreditItem { enabled: true, credit: 60, ..CreditItem::default() };
        assert_eq!(decide(CreditRule::RaiseMarked, &item, None, true), None);
        let shown = CreditDecision {
            elapsed: 0,
            delta: 0,
            real: None,
            credit: Some(60),
            source: TimeSource::RealTime,
            new_entry: true,
        };
        for rule in [CreditRule::AtLeast, CreditRule::AtMost, CreditRule::Always] {
            assert_eq!(decide(rule, &item, None, true), Some(shown));
            let empty = CreditItem { credit: 0, marked: true, ..item.clone() };
            assert_eq!(decide(rule, &empty, None, true), None);
        }
    }

    #[test]
    fn corrections_stand_beside_the_measured_time() {
        let item = CreditItem { enabled: true, credit: 60, marked: true, ..CreditItem::default() };
        let made = decide(CreditRule::Always, &item, Some(100), false).unwrap();
        let adjusted = Adjusted { measured: 100, credited: -40, total: 60, source: TimeSource::Credit };
        assert_eq!(made.adjusted(Some(100)), adjusted);
        let raised = Adjusted { measured: 300, credited: 4053, total: 4353, source: TimeSource::Package };
        assert_eq!(Adjusted::raised_by_package(300, 4353), raised);
        assert_eq!(Adjusted::raised_by_package(340, 100), Adjusted::measured(340));
    }

    #[test]
    fn declared_times_hold_when_strict_or_longer() {
        let told = |strict, measured, declared| {
            let made = declare(strict, measured, declared);
            (made.measured, made.credited, made.total, made.source.as_str())
        };
        assert_eq!(told(true, Some(100), 40), (100, -60, 40, "declared"));
        assert_eq!(told(false, Some(100), 40), (100, 0, 100, "realtime"));
        assert_eq!(told(false, Some(100), 140), (100, 40, 140, "declared"));
        assert_eq!(told(false, None, 40), (0, 40, 40, "declared"));
        assert_eq!(told(true, Some(100), -5), (100, -100, 0, "declared"));
    }

    #[test]
    fn other_codes_are_refused_and_nothing_overflows() {
        assert_eq!(CreditRule::try_from(4).unwrap_err().kind(), ErrorKind::Invalid);
        let item = CreditItem { enabled: true, credit: i64::MAX, marked: true, ..CreditItem::default() };
        assert_eq!(decide(CreditRule::RaiseMarked, &item, None, true).unwrap().delta, i64::MAX);
        assert_eq!(decide(CreditRule::Always, &item, Some(i64::MIN), true).unwrap().delta, i64::MAX);
    }
}
