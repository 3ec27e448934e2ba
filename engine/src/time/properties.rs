//! Properties of the algebra, on hits that are few, close and often equal: there the edges are.

use proptest::prelude::*;

use super::{Boundary, Credit, GapPolicy, Minimum, Seconds, Session, SessionSet, naive};

fn seconds(value: i64) -> Seconds {
    Seconds::try_new(value).unwrap()
}

/// Thresholds around the gaps that `times` makes, and the longest one.
pub(crate) fn policies() -> impl Strategy<Value = GapPolicy> {
    let threshold = prop_oneof![9 => 0..40_i64, 1 => Just(i64::MAX), 1 => Just(i64::MAX - 1)];
    let boundary = prop_oneof![Just(Boundary::Longer), Just(Boundary::LongerOrEqual)];
    let credit = prop_oneof![
        Just(Credit::None),
        (0..50_i64).prop_map(|value| Credit::Fixed(seconds(value))),
        Just(Credit::HalfThreshold),
        Just(Credit::Threshold)
    ];
    let minimum = prop_oneof![
        Just(Minimum::None),
        (0..50_i64).prop_map(|value| Minimum::LongerThan(seconds(value))),
        (0..50_i64).prop_map(|value| Minimum::AtLeast(seconds(value))),
        (0..5_u64).prop_map(Minimum::Events)
    ];
    (threshold, boundary, credit, minimum).prop_map(|(threshold, boundary, credit, minimum)| GapPolicy {
        threshold: seconds(threshold),
        boundary,
        credit,
        minimum,
    })
}

/// Hits in any order, dense enough to touch, with the ends of time among them.
pub(crate) fn times() -> impl Strategy<Value = Vec<i64>> {
    let time = prop_oneof![
        30 => 0..1500_i64,
        1 => Just(i64::MIN),
        1 => Just(i64::MIN + 1),
        1 => Just(i64::MAX),
        1 => Just(-1_i64)
    ];
    prop::collection::vec(time, 0..120)
}

fn set_of(policy: GapPolicy, times: &[i64]) -> SessionSet {
    let mut set = SessionSet::new(policy);
    set.extend(times.iter().copied());
    set
}

proptest! {
    #[test]
    fn any_order_gives_the_sessions_of_sorted_hits(policy in policies(), times in times()) {
        let mut set = set_of(policy, &times);
        prop_assert_eq!(set.sessions().collect::<Vec<_>>(), naive::sessions(&policy, &times));
        prop_assert_eq!(set.kept().collect::<Vec<_>>(), naive::kept(&policy, &times));
    }

    #[test]
    fn looking_between_hits_changes_nothing(policy in policies(), times in times()) {
        let mut set = SessionSet::new(policy);
        for (seen, time) in times.iter().enumerate() {
            prop_assert_eq!(set.sessions().collect::<Vec<_>>(), naive::sessions(&policy, &times[..seen]));
            set.push(*time);
        }
    }

    #[test]
    fn any_split_and_any_order_of_merging_gives_the_same(
        policy in policies(),
        hits in prop::collection::vec((0..1500_i64, 0..6_usize), 0..120),
        swap in any::<bool>(),
    ) {
        let mut parts = vec![SessionSet::new(policy); 6];
        hits.iter().for_each(|(time, part)| parts[*part].push(*time));
        if swap {
            parts.reverse();
        }
        let mut merged = SessionSet::new(policy);
        for part in &parts {
            merged.merge(part).unwrap();
        }
        let times: Vec<i64> = hits.iter().map(|(time, _)| *time).collect();
        prop_assert_eq!(merged.sessions().collect::<Vec<_>>(), naive::sessions(&policy, &times));
        prop_assert_eq!(merged.totals(), set_of(policy, &times).totals());
    }

    #[test]
    fn totals_are_the_sums_of_the_kept_sessions(policy in policies(), times in times()) {
        let kept = naive::kept(&policy, &times);
        let totals = set_of(policy, &times).totals();
        let elapsed = kept.iter().map(|kept| i128::from(kept.elapsed(&policy).get())).sum::<i128>();
        prop_assert_eq!(totals.sessions, kept.len() as u64);
        prop_assert_eq!(i128::from(totals.elapsed.get()), elapsed.min(i128::from(i64::MAX)));
        prop_assert_eq!(totals.events, kept.iter().map(|kept| kept.events).sum::<u64>());
        prop_assert_eq!(totals.first, kept.first().map(|kept| kept.start));
        prop_assert_eq!(totals.last, kept.last().map(|kept| kept.start));
    }

    #[test]
    fn shifting_all_hits_shifts_the_sessions(
        policy in policies(),
        times in prop::collection::vec(0..1500_i64, 0..60),
        shift in -1_000_000_i64..1_000_000,
    ) {
        let shifted: Vec<i64> = times.iter().map(|time| time + shift).collect();
        let expected: Vec<Session> = set_of(policy, &times)
            .sessions()
            .map(|session| Session { start: session.start + shift, end: session.end + shift, ..session })
            .collect();
        prop_assert_eq!(set_of(policy, &shifted).sessions().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_larger_threshold_never_lowers_the_elapsed_time_when_the_credit_is_at_most_the_threshold(
        times in prop::collection::vec(0..1500_i64, 0..60),
        threshold in 0..60_i64,
        more in 0..60_i64,
        share in 0..=100_i64,
    ) {
        let credit = Credit::Fixed(seconds(threshold * share / 100));
        let small = GapPolicy { threshold: seconds(threshold), credit, ..GapPolicy::default() };
        let large = GapPolicy { threshold: seconds(threshold + more), ..small };
        prop_assert!(set_of(small, &times).totals().elapsed <= set_of(large, &times).totals().elapsed);
    }

    #[test]
    fn a_duplicate_hit_adds_an_event_and_no_time(
        times in prop::collection::vec(0..1500_i64, 1..60),
        threshold in 0..60_i64,
        pick in any::<prop::sample::Index>(),
    ) {
        let policy = GapPolicy { threshold: seconds(threshold), ..GapPolicy::default() };
        let mut more = times.clone();
        more.push(*pick.get(&times));
        let (before, after) = (set_of(policy, &times).totals(), set_of(policy, &more).totals());
        prop_assert_eq!((after.events, after.elapsed), (before.events + 1, before.elapsed));
    }
}
