//! Use statistics on small logs, computed by hand: sums, services, and each correction of a defect of the plugin.

use std::sync::Arc;

use anyhow::{Context, Result};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent};
use engine::query::Limits;
use engine::stats::services::{Call, CourseSource, Score, ServiceError, UserSource};
use engine::stats::{Aggregate, Extras, Request, SessionTime, Stats};
use engine::time::{CreditItem, CreditRule, EnrolmentFilter, Exactness, Policy, plugin_list};
use proptest::prelude::*;
use tests::source;

/// The clock: long after every hit.
const LATER: i64 = 1_800_000_000;

/// 09:00:00 of the day on which the logs are.
const NINE: i64 = 1_704_099_600;

const HEADER: &str =
    "id,action,target,contextid,contextlevel,contextinstanceid,userid,courseid,timecreated,origin,ip,realuserid\n";

/// What a row is: `in`, `out`, `graded`, `page` of a course, or the number of an activity.
type Row<'a> = (i64, &'a str, i64, i64);

/// A log of rows (seconds after nine, what, course, user), with ids in their order.
fn log(rows: &[Row<'_>]) -> String {
    let mut text = HEADER.to_owned();
    for ((after, what, course, user), id) in rows.iter().zip(1..) {
        let (action, target, level, instance) = match *what {
            "in" => ("loggedin", "user", 10, "0"),
            "out" => ("loggedout", "user", 10, "0"),
            "graded" => ("graded", "user", 50, "2"),
            "page" => ("viewed", "course", 50, "2"),
            cm => ("viewed", "course_module", 70, cm),
        };
        let context = if level == 70 { format!("1{instance}") } else { "1".to_owned() };
        let time = NINE + after;
        text +=
            &format!("{id},{action},{target},{context},{level},{instance},{user},{course},{time},web,10.0.0.{id},\n");
    }
    text
}

/// Activities 240 (forum) and 241 (quiz) in section 20 of course 2, 260 (page) in section 30 of course 3. The context
/// of 299 exists and the activity is gone.
const TABLES: [(&str, &str); 6] = [
    ("modules", "id,name\n1,forum\n2,quiz\n3,page\n"),
    ("course_modules", "id,course,module,instance,section\n240,2,1,1,20\n241,2,2,1,20\n260,3,3,1,30\n"),
    ("context", "id,contextlevel,instanceid\n1240,70,240\n1241,70,241\n1260,70,260\n1299,70,299\n"),
    (
        "course",
        "id,shortname,fullname,idnumber\n1,SITE,Site,\n2,ALG,Algebra,C2\n3,BIO,Biology,C3\n4,CHE,Chemistry,C4\n",
    ),
    (
        "user",
        "id,username,idnumber,email\n5,ada,U5,ada@example.org\n6,bob,U6,bob@example.org\n7,eve,U7,eve@example.org\n",
    ),
    ("user_enrolments", "id,enrolid,userid,status,timestart\n1,1,5,0,1704100000\n"),
];

async fn stats(rows: &[Row<'_>]) -> Result<Stats> {
    let engine = Engine::open("memory://", &[]).await?;
    tests::load(&engine, vec![source("log.csv", log(rows))]).await?;
    for (table, text) in TABLES {
        let mut request = LoadRequest::new(vec![source(&format!("{table}.csv"), text)], LATER);
        request.format = Some(Format::Table(table.to_owned()));
        engine.load(&request, Arc::new(Silent)).await?;
    }
    Ok(engine.stats(None, None, &Limits::default()).await?)
}

async fn sums(rows: &[Row<'_>], policy: Policy) -> Result<Aggregate> {
    sums_at(rows, policy, LATER).await
}

async fn sums_at(rows: &[Row<'_>], policy: Policy, now: i64) -> Result<Aggregate> {
    let mut request = Request::new(policy, now);
    request.to = LATER;
    stats(rows).await?.aggregates(&request, Extras::default()).await?.pop().context("a user")
}

/// The exact profile without the enrolment filter and without captured modules.
fn exact() -> Policy {
    Policy { enrolment: EnrolmentFilter::Off, captured: Vec::new(), ..Policy::use_stats_compat() }
}

fn seconds(sums: &std::collections::BTreeMap<i64, engine::time::Counter>) -> Vec<(i64, i64)> {
    sums.iter().map(|(course, sum)| (*course, sum.elapsed)).collect()
}

fn session(start: i64, end: i64, elapsed: i64, events: u64, courses: &[i64]) -> SessionTime {
    SessionTime { start: NINE + start, end: NINE + end, elapsed, events, courses: courses.to_vec() }
}

/// The worked example of the reference: 13 rows.
const WORKED: [Row<'static>; 13] = [
    (0, "in", 0, 5),
    (20, "page", 2, 5),
    (60, "240", 2, 5),
    (60, "240", 2, 5),
    (360, "241", 2, 5),
    (360, "graded", 2, 5),
    (450, "page", 3, 5),
    (600, "page", 1, 5),
    (5400, "page", 2, 5),
    (5460, "out", 0, 5),
    (6000, "241", 2, 5),
    (7200, "in", 0, 5),
    (7210, "page", 2, 5),
];

#[tokio::test]
async fn the_worked_example_in_both_profiles() -> Result<()> {
    for policy in [exact(), Policy::use_stats()] {
        let sums = sums(&WORKED, policy).await?;
        assert_eq!(seconds(&sums.coursetotal), [(0, 30), (1, 900), (2, 2590), (3, 150)]);
        assert_eq!(seconds(&sums.course), [(1, 900), (2, 1000), (3, 150)]);
        assert_eq!((seconds(&sums.activities), seconds(&sums.other)), (vec![(2, 1590)], vec![(0, 30)]));
        let events: Vec<u64> = sums.coursetotal.values().map(|sum| sum.events).collect();
        assert_eq!(events, [2, 1, 7, 1]);
        let [forum, quiz] = [("forum", 240), ("quiz", 241)].map(|(of, cm)| sums.modules[of][&cm]);
        assert_eq!((forum.elapsed, forum.events, quiz.elapsed, quiz.events), (300, 2, 1290, 2));
        assert_eq!((seconds(&sums.section), sums.user.unwrap().elapsed), (vec![(20, 1590)], 30));
        assert_eq!(seconds(&sums.realmodule), [(0, 30), (240, 300), (241, 1290)]);
        assert_eq!(sums.coursesection[&(2, 20)].elapsed, 1590);
    }
    let by_login = sums(&WORKED, exact()).await?.sessions;
    assert_eq!(by_login, [session(0, 0, 2740, 9, &[0, 2, 3, 1]), session(7200, 7200, 900, 2, &[0, 2])]);
    let by_gap: Vec<_> = sums(&WORKED, Policy::use_stats()).await?.sessions;
    let by_gap: Vec<_> = by_gap.iter().map(|one| (one.start - NINE, one.end - NINE, one.elapsed)).collect();
    assert_eq!(by_gap, [(0, 1500, 1500), (5400, 7200, 1260), (7200, 8110, 910)]);
    Ok(())
}

#[tokio::test]
async fn services_of_the_worked_example() -> Result<()> {
    let stats = stats(&WORKED).await?;
    let ours = stats.get_user_stats(&Call::new(exact(), LATER, [5])).await?;
    let figures = ours.sessions.context("sessions")?;
    assert_eq!((figures.sessions, figures.sessionmax, figures.sessionmin, figures.meansession), (2, 2740, 900, 1820));
    let times: Vec<_> =
        ours.courses.iter().map(|of| (of.id, of.activitytime, of.othertime, of.sitecoursetime)).collect();
    assert_eq!(times, [(2, 0, 0, 900), (3, 0, 0, 900)]);
    // The activities of a course are its activity time, whatever course the request runs in.
    let ours = stats.get_user_stats(&Call::new(Policy::use_stats(), LATER, [5])).await?;
    let times: Vec<_> = ours.courses.iter().map(|of| (of.id, of.activitytime, of.coursetime, of.coursetotal)).collect();
    assert_eq!(times, [(2, 1590, Some(1000), Some(2590)), (3, 0, Some(150), Some(150))]);
    assert_eq!(ours.courses[0].score, Score::NotAsked);
    Ok(())
}

#[tokio::test]
async fn grading_at_the_end_leaves_the_last_hit_last() -> Result<()> {
    let rows = [(0, "page", 2, 5), (60, "page", 2, 5), (90, "graded", 2, 5)];
    assert_eq!(seconds(&sums(&rows, Policy::use_stats()).await?.coursetotal), [(2, 960)]);
    assert_eq!(seconds(&sums(&rows, exact()).await?.coursetotal), [(2, 60 - NINE - 60)]);
    Ok(())
}

#[tokio::test]
async fn carried_time_counts_once() -> Result<()> {
    let rows = [(0, "240", 2, 5), (100, "page", 2, 5), (200, "page", 2, 5)];
    let captured = vec!["forum".to_owned()];
    let once = Policy { captured: captured.clone(), ..Policy::use_stats() };
    assert_eq!(seconds(&sums(&rows, once).await?.coursetotal), [(2, 100 + 100 + 900)]);
    let again = Policy { captured, ..exact() };
    assert_eq!(seconds(&sums(&rows, again).await?.coursetotal), [(2, 100 + 100 + 100 + 900)]);
    Ok(())
}

#[tokio::test]
async fn users_of_one_call_do_not_share_sessions() -> Result<()> {
    let rows = [(0, "in", 0, 5), (10, "page", 2, 5), (20_000, "in", 0, 6), (20_010, "page", 2, 6)];
    let stats = stats(&rows).await?;
    let count = async |policy: Policy| -> Result<Vec<usize>> {
        let users = stats.get_users_stats(&Call::new(policy, LATER, [5, 6])).await?;
        Ok(users.iter().map(|user| user.sessions.map_or(0, |figures| figures.sessions)).collect())
    };
    assert_eq!(count(Policy::use_stats()).await?, [1, 1]);
    assert_eq!(count(exact()).await?, [1, 2]);
    Ok(())
}

#[tokio::test]
async fn figures_of_the_service_are_true() -> Result<()> {
    // Activity 260 of course 3 only; a gone activity in course 2.
    let rows = [(0, "page", 2, 5), (10, "999", 2, 5), (40, "260", 3, 5)];
    let stats = stats(&rows).await?;
    let mut call = Call::new(Policy::use_stats(), LATER, [5]);
    let ours = stats.get_user_stats(&call).await?;
    // Every course is listed, in order of the first hit, and its parts add up.
    let times: Vec<_> = ours.courses.iter().map(|of| (of.id, of.activitytime, of.othertime, of.coursetotal)).collect();
    assert_eq!(times, [(2, 0, 30, Some(40)), (3, 900, 0, Some(900))]);
    assert_eq!(ours.sessions.context("sessions")?.lastsession, Some(NINE));
    let theirs = stats.get_user_stats(&Call { policy: exact(), ..call.clone() }).await?;
    assert_eq!((theirs.courses.len(), theirs.courses[0].othertime), (1, 0));
    assert_eq!(theirs.sessions.context("sessions")?.lastsession, None);
    // `cid` restricts the courses; empty and 0 mean all.
    (call.cidsource, call.cid) = (Some(CourseSource::Idnumber), "C3".to_owned());
    assert_eq!(stats.get_user_stats(&call).await?.courses.iter().map(|of| of.id).collect::<Vec<_>>(), [3]);
    assert_eq!(stats.get_user_stats(&Call { policy: exact(), ..call.clone() }).await?.courses.len(), 1);
    call.cid = "0".to_owned();
    assert_eq!(stats.get_user_stats(&call).await?.courses.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_course_that_a_user_did_not_open_has_no_time() -> Result<()> {
    let stats = stats(&[(0, "page", 2, 5)]).await?;
    let call = Call {
        cidsource: Some(CourseSource::Shortname),
        cid: "CHE".to_owned(),
        score: true,
        ..Call::new(Policy::use_stats(), LATER, [5, 7])
    };
    let ours = stats.get_users_course_stats(&call).await?;
    let course = &ours[0].coursedata.course;
    assert_eq!((course.id, course.coursetime, course.coursetotal), (4, Some(0), Some(0)));
    assert_eq!(course.score, Score::Text("-".to_owned()));
    assert_eq!((ours[0].coursedata.firstsession, ours[0].coursedata.lastsession), (NINE, Some(NINE)));
    // Nothing at all is known of this user.
    assert_eq!((ours[1].coursedata.course.id, ours[1].coursedata.course.shortname.as_str()), (0, "-"));
    let theirs = stats.get_users_course_stats(&Call { policy: exact(), ..call }).await?;
    assert_eq!((theirs[0].coursedata.course.coursetime, theirs[0].coursedata.course.coursetotal), (None, None));
    Ok(())
}

#[tokio::test]
async fn faults_name_the_source_that_was_used() -> Result<()> {
    let stats = stats(&[(0, "page", 2, 5)]).await?;
    let fault = |error: ServiceError| match error {
        ServiceError::Fault(fault) => fault.to_string(),
        ServiceError::Engine(error) => format!("engine: {error}"),
    };
    let mut call = Call::new(Policy::use_stats(), LATER, [5]);
    (call.uidsource, call.uids) = (UserSource::Email, vec!["nobody".to_owned()]);
    let of_user = stats.get_user_stats(&call).await.err().map(fault);
    assert_eq!(of_user.as_deref(), Some("invalidparameter: Invalid user by email nobody"));
    (call.uidsource, call.uids) = (UserSource::Username, vec!["ada".to_owned()]);
    (call.cidsource, call.cid) = (Some(CourseSource::Shortname), "NONE".to_owned());
    let of_course = stats.get_user_stats(&call).await.err().map(fault);
    assert_eq!(of_course.as_deref(), Some("invalidparameter: Invalid course by shortname NONE"));
    let unknown = UserSource::parse("login", Exactness::Corrected).err().context("a fault")?;
    assert_eq!(
        (unknown.exception, unknown.errorcode.as_deref()),
        ("invalid_parameter_exception", Some("invalidparameter"))
    );
    assert_eq!(UserSource::parse("login", Exactness::Exact).err().context("a fault")?.exception, "Error");
    assert_eq!(CourseSource::parse("", Exactness::Exact).ok(), Some(None));
    Ok(())
}

#[tokio::test]
async fn a_long_gap_ends_a_session() -> Result<()> {
    let rows = [(0, "page", 2, 5), (60, "page", 2, 5), (9000, "page", 2, 5)];
    let ours = sums(&rows, Policy::use_stats()).await?.sessions;
    assert_eq!(ours, [session(0, 960, 960, 2, &[2]), session(9000, 9900, 900, 1, &[2])]);
    assert_eq!(sums(&rows, exact()).await?.sessions, [session(0, 0, 1860, 4, &[2])]);
    Ok(())
}

#[tokio::test]
async fn a_context_without_activity_is_a_gone_activity() -> Result<()> {
    let rows = [(0, "page", 2, 5), (30, "299", 2, 5), (90, "page", 2, 5)];
    let ours = sums(&rows, Policy::use_stats()).await?;
    assert_eq!((seconds(&ours.other), ours.section_fault), (vec![(2, 60)], None));
    let theirs = sums(&rows, exact()).await?.section_fault.context("a fault")?;
    assert_eq!((theirs.course, theirs.sections, theirs.activities), (2, 0, 60));
    // The plugin stops, and so does its web service where the activity has its identity.
    let call = Call { page: engine::stats::Target::All, ..Call::new(exact(), LATER, [5]) };
    let stopped = stats(&rows).await?.get_user_stats(&call).await.err().context("a fault")?;
    assert!(stopped.to_string().starts_with("Bad sumcheck on section time for course 2"), "{stopped}");
    Ok(())
}

#[tokio::test]
async fn ties_are_taken_in_the_order_of_ids() -> Result<()> {
    let rows = [(0, "page", 2, 5), (0, "page", 3, 5), (60, "out", 0, 5)];
    for policy in [exact(), Policy::use_stats()] {
        assert_eq!(seconds(&sums(&rows, policy).await?.coursetotal), [(2, 0), (3, 60)]);
    }
    Ok(())
}

#[tokio::test]
async fn an_enrolment_hides_earlier_time_only_when_asked() -> Result<()> {
    // User 5 is enrolled from 400 s after nine.
    let rows = [(0, "page", 2, 5), (500, "page", 2, 5)];
    assert_eq!(seconds(&sums(&rows, Policy::use_stats()).await?.coursetotal), [(2, 1400)]);
    assert_eq!(seconds(&sums(&rows, Policy::use_stats_compat()).await?.coursetotal), [(2, 900)]);
    Ok(())
}

#[tokio::test]
async fn a_hit_after_now_is_worth_nothing() -> Result<()> {
    let rows = [(0, "page", 2, 5)];
    assert_eq!(seconds(&sums_at(&rows, Policy::use_stats(), NINE - 100).await?.coursetotal), [(2, 0)]);
    assert_eq!(seconds(&sums_at(&rows, exact(), NINE - 100).await?.coursetotal), [(2, -100)]);
    Ok(())
}

#[tokio::test]
async fn a_credit_within_the_gap_is_a_choice() -> Result<()> {
    let rows = [(0, "page", 2, 5), (100, "page", 3, 5)];
    let mut policy = Policy::use_stats();
    policy.set("threshold", "60")?;
    assert_eq!(seconds(&sums(&rows, policy.clone()).await?.coursetotal), [(2, 900), (3, 900)]);
    policy.set("credit_within_gap", "true")?;
    assert_eq!(seconds(&sums(&rows, policy).await?.coursetotal), [(2, 100), (3, 900)]);
    Ok(())
}

#[test]
fn lists_of_modules_are_trimmed() {
    assert_eq!(plugin_list(&Policy::use_stats(), "forum, page,"), ["forum", "page"]);
    assert_eq!(plugin_list(&exact(), "forum, page,"), ["forum", " page", ""]);
}

#[tokio::test]
async fn logins_and_logouts_stay_what_they_are() -> Result<()> {
    // The lap of a logout is lost, that of a login is in course 0; a hit after a logout is in no new session.
    let rows = [(0, "in", 0, 5), (10, "page", 2, 5), (30, "out", 0, 5), (90, "page", 2, 5)];
    for (policy, elapsed) in [(exact(), 920), (Policy::use_stats(), 930)] {
        let sums = sums(&rows, policy).await?;
        assert_eq!(seconds(&sums.coursetotal), [(0, 10), (2, 920)]);
        assert_eq!(sums.sessions.iter().map(|one| one.elapsed).collect::<Vec<_>>(), [elapsed]);
    }
    Ok(())
}

#[tokio::test]
async fn credits_move_totals_once_and_leave_the_raw_sums() -> Result<()> {
    // 300 s in the forum, none in the quiz.
    let rows = [(0, "240", 2, 5), (300, "page", 2, 5)];
    let item = |cm: i64, module: &str, credit| CreditItem {
        cm,
        course: 2,
        module: module.to_owned(),
        enabled: true,
        credit,
        marked: true,
    };
    let items = [item(240, "forum", 500), item(241, "quiz", 70)];
    let stats = stats(&rows).await?;
    for (policy, of_quiz) in [(Policy::use_stats(), 70), (exact(), 140)] {
        let exact = policy.exactness == Exactness::Exact;
        let request = Request::new(policy, LATER);
        let mut sums = stats.aggregates(&request, Extras::default()).await?.pop().context("a user")?;
        sums.credit(CreditRule::RaiseMarked, &items, stats.dims(), exact);
        assert_eq!(seconds(&sums.coursetotal), [(2, 1200 + 200 + of_quiz)]);
        assert_eq!(seconds(&sums.activities), [(2, 500 + of_quiz)]);
        assert_eq!((seconds(&sums.section), sums.coursesection[&(2, 20)].elapsed), (vec![(20, 500 + of_quiz)], 300));
        assert_eq!((seconds(&sums.course), seconds(&sums.realmodule)), (vec![(2, 900)], vec![(240, 300)]));
        assert_eq!((sums.modules["forum"][&240].elapsed, sums.modules["quiz"][&241].events), (500, 0));
    }
    Ok(())
}

#[tokio::test]
async fn addresses_are_those_of_the_pages_of_a_course() -> Result<()> {
    let stats = stats(&[(0, "240", 2, 5), (10, "page", 2, 5), (20, "page", 2, 5), (30, "240", 2, 5)]).await?;
    let extras = Extras { addresses: true, ..Extras::default() };
    let sums = stats.aggregates(&Request::new(Policy::use_stats(), LATER), extras).await?.pop().context("a user")?;
    let addresses = &sums.addresses[&2];
    assert_eq!((addresses.first.as_deref(), addresses.last.as_deref()), (Some("10.0.0.2"), Some("10.0.0.3")));
    Ok(())
}

/// One of the kinds of rows, by number.
const KINDS: [&str; 7] = ["in", "out", "graded", "page", "240", "260", "299"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_parts_of_a_course_add_up(steps in prop::collection::vec((0_i64..5000, 0_usize..7, 1_i64..4), 1..40)) {
        let mut time = 0;
        let mut rows = Vec::new();
        for (gap, kind, course) in steps {
            time += gap;
            let course = if kind < 2 { 0 } else { course };
            rows.push((time, KINDS[kind], course, 5));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for policy in [Policy::use_stats(), exact()] {
            let of = |sums: &std::collections::BTreeMap<i64, engine::time::Counter>, course: &i64| {
                sums.get(course).map_or((0, 0), |sum| (sum.elapsed, sum.events))
            };
            let all = runtime.block_on(async {
                stats(&rows).await?.aggregates(&Request::new(policy.clone(), LATER), Extras::default()).await.map_err(anyhow::Error::from)
            });
            // A track of logouts alone counts nothing.
            let Some(sums) = all.unwrap().pop() else { continue };
            for (course, total) in &sums.coursetotal {
                let parts = [&sums.course, &sums.activities, &sums.other].map(|part| of(part, course));
                let added = parts.iter().fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
                prop_assert_eq!(added, (total.elapsed, total.events));
                let sections = sums.coursesection.iter().filter(|(key, _)| key.0 == *course);
                let in_sections: i64 = sections.map(|(_, sum)| sum.elapsed).sum();
                if sums.section_fault.is_none() {
                    prop_assert_eq!(in_sections, of(&sums.activities, course).0);
                }
            }
            if policy.exactness == Exactness::Corrected {
                prop_assert_eq!(sums.section_fault, None);
                let logins = sums.user.map_or(0, |user| user.elapsed);
                let total: i64 = sums.coursetotal.values().map(|sum| sum.elapsed).sum();
                let in_sessions: i64 = sums.sessions.iter().map(|session| session.elapsed).sum();
                // Only sessions of logins alone are none.
                prop_assert!(in_sessions <= total && total <= in_sessions + logins);
            }
        }
    }
}
