//! The distributed functions in the corrected profile, on the log of the recorded calls, computed by hand.
//!
//! The log has one user, 5, with gaps in seconds of 10, 290, 600, 100, 500, 100, 5400, 200, 100, 1, 1699, 3600, 3600
//! and 100 between its 15 rows. They are in courses 0, 2, 2, 2, 3, 3, 3, 2, 2, 4, 4, 4, 4, 4 and 1; the 3rd, 4th and
//! 9th are on activity 241, the 6th on 261, the 12th to 14th on 281.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use engine::query::Limits;
use engine::stats::Stats;
use engine::stats::services::{
    Breakdown, CallingUser, Capability, DistributedError, DistributedFault, DistributedResult, DistributedScores,
    DistributedStats, Hosts, ScoresCall, Stage, StatsCall,
};
use engine::time::{Exactness, Policy, Seconds};
use rstest::rstest;
use server::moodle::DistributedAnswer;
use tests::source;

/// Time of the first row.
const FIRST: i64 = 1_704_099_600;

const OWN: &str = "https://moodle.example.org";
const OTHER: &str = "https://other.example.org/campus";

/// Tables beside those of the case. The users of the case, 5 and 6, are of host 1.
const TABLES: [(&str, &str); 5] = [
    (
        "mnet_host",
        "id,wwwroot,deleted\n1,https://moodle.example.org,0\n2,,0\n3,https://other.example.org/campus,0\n4,https://gone.example.org,1\n",
    ),
    (
        "user",
        "id,username,firstname,lastname,idnumber,deleted,mnethostid\n\
         5,user5,Anne,Roi & Fils,ID00005,0,1\n6,user6,First6,Last6,ID00006,0,1\n7,remote,Rose,Mote,,0,3\n\
         8,twin,Far,Twin,,0,3\n9,twin,Near,Twin,,0,1\n10,gone,Gone,Gone,,1,1\n",
    ),
    ("quiz", "id,course,name\n141,2,Entry <test>\n161,3,Other\n"),
    ("grade_items", "id,courseid,itemtype,iteminstance\n1,2,course,1\n2,2,mod,7\n3,3,course,1\n"),
    ("grade_grades", "id,itemid,userid,rawgrade\n1,1,5,72.5\n2,2,5,3\n3,1,6,99\n"),
];

async fn stats(with_tables: bool) -> Result<Stats> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/use-stats/mnet-rpc");
    let engine = Engine::open("memory://", &[]).await?;
    let file = |name: &str| Source::File(folder.join(format!("{name}.csv")));
    let known = [("log", "logstore_standard_log"), ("contexts", "context"), ("courses", "course"), ("users", "user")];
    let mut loads: Vec<(Source, &str)> = known.map(|(name, table)| (file(name), table)).into();
    loads.extend(["modules", "course_modules"].map(|table| (file(table), table)));
    if with_tables {
        loads.extend(TABLES.map(|(table, text)| (source(&format!("{table}.csv"), text), table)));
    }
    for (from, table) in loads {
        let mut request = LoadRequest::new(vec![from], tests::NOW);
        request.format = Some(Format::Table(table.to_owned()));
        let summary = engine.load(&request, Arc::new(Silent)).await?;
        anyhow::ensure!(summary.total().rejected == 0, "{table}");
    }
    Ok(engine.stats(None, None, &Limits::default()).await?)
}

fn caller(username: &str, userhost: &str, host: &str) -> CallingUser {
    let some = |text: &str| Some(text.to_owned());
    CallingUser { username: some(username), userhost: some(userhost), host: some(host) }
}

fn hosts() -> Hosts {
    Hosts { own: vec![OWN.to_owned()], known: vec!["https://known.example.org".to_owned()] }
}

fn call(target: &str, scope: i64) -> StatsCall {
    StatsCall {
        calling: caller("user6", OWN, OWN),
        hosts: hosts(),
        capability: Capability::Granted,
        target: target.to_owned(),
        scope,
        from: FIRST,
        now: 1_717_200_000,
        policy: Policy::use_stats(),
    }
}

fn scores_call(scope: &str, field: &str, identifier: &str) -> ScoresCall {
    let StatsCall { calling, hosts, capability, target, .. } = call("user5", 1);
    let (scope, field, identifier) = (scope.to_owned(), field.to_owned(), identifier.to_owned());
    ScoresCall { calling, hosts, capability, target, scope, field, identifier, exactness: Exactness::Corrected }
}

async fn answered(call: &StatsCall) -> Result<DistributedStats> {
    let answer = stats(true).await?.distributed_stats(call).await?;
    anyhow::Context::context(answer, "an empty set")
}

fn refusal<T: std::fmt::Debug>(result: DistributedResult<T>) -> DistributedFault {
    match result {
        Err(DistributedError::Refused(fault)) => fault,
        other => panic!("{other:?} is no refusal"),
    }
}

fn courses(stats: &DistributedStats) -> Vec<(&str, i64)> {
    match &stats.breakdown {
        Breakdown::Courses(courses) => {
            courses.iter().map(|course| (course.shortname.as_str(), course.elapsed)).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn the_whole_site_has_a_last_name_and_no_list() -> Result<()> {
    // All gaps but 5400 and the two of 3600, which are not less than the threshold: 3700 s.
    let stats = answered(&call("user5", 1)).await?;
    assert_eq!((stats.user.lastname.as_str(), stats.from, stats.elapsed), ("Roi & Fils", FIRST, 3700));
    assert_eq!(stats.breakdown, Breakdown::Site);
    Ok(())
}

#[tokio::test]
async fn courses_of_five_minutes_are_listed() -> Result<()> {
    // 2: 290 + 600 + 200, 3: 500 + 100, 4: 1 + 1699; the first counted row of each gives nothing. Courses 0 and 1 have
    // one row each.
    let stats = answered(&call("user5", 2)).await?;
    assert_eq!(courses(&stats), [("ALGE2", 1090), ("BIOL3", 600), ("CHEM4", 1700)]);
    Ok(())
}

#[tokio::test]
async fn the_threshold_is_that_of_the_policy() -> Result<()> {
    // Gaps below 600: 10, 290, 100, 500, 100, 200, 100, 1 and 100.
    let mut call = call("user5", 2);
    call.policy.gap.threshold = Seconds::try_new(600)?;
    let stats = answered(&call).await?;
    assert_eq!((stats.elapsed, courses(&stats)), (1401, vec![("ALGE2", 490), ("BIOL3", 600)]));
    // The exact profile takes an hour, whatever the policy says.
    call.policy.exactness = Exactness::Exact;
    let stats = answered(&call).await?;
    assert_eq!((stats.elapsed, courses(&stats).len(), stats.user.lastname.as_str()), (3700, 3, ""));
    Ok(())
}

#[tokio::test]
async fn the_first_row_ends_a_gap_that_begins_with_the_range() -> Result<()> {
    let mut call = call("user5", 1);
    call.from = FIRST - 3599;
    assert_eq!(answered(&call).await?.elapsed, 3700 + 3599);
    call.from = FIRST - 3600;
    assert_eq!(answered(&call).await?.elapsed, 3700);
    Ok(())
}

#[tokio::test]
async fn modules_of_two_minutes_stand_in_their_own_list() -> Result<()> {
    // 241: 600 + 200 after its first row. The rows of 281 after the first follow gaps of an hour.
    let document = |stats| DistributedAnswer::of_stats(stats, Exactness::Corrected);
    let expected = |name: &str| {
        format!(
            "<USE_STATS>\n<USER>\n\t<USERNAME>user5</USERNAME>\n\t<FIRSTNAME>Anne</FIRSTNAME>\n\
             \t<LASTNAME>Roi &amp; Fils</LASTNAME>\n\t<FROM>{FIRST}</FROM>\n\t<ELAPSED>61</ELAPSED>\n\n</USER><MODULES>\n\
             <MODULE>\n\t<NAME>{name}</NAME>\n\t<TYPE>quiz</TYPE>\n\t<IDNUMBER></IDNUMBER>\n\t<ELAPSED>13</ELAPSED>\n\n\
             </MODULE>\n\n</MODULES>\n\n</USE_STATS>"
        )
    };
    let answer = document(stats(true).await?.distributed_stats(&call("user5", 3)).await)?;
    assert_eq!(answer, DistributedAnswer::success(expected("Entry &lt;test&gt;")));
    // Without the table of the type, the activity is known by its number.
    let answer = document(stats(false).await?.distributed_stats(&call("user5", 3)).await)?;
    assert_eq!(answer, DistributedAnswer::success(expected("quiz 241")));
    Ok(())
}

#[tokio::test]
async fn a_user_without_rows_is_an_empty_set() -> Result<()> {
    for scope in 1..=3 {
        assert_eq!(stats(true).await?.distributed_stats(&call("user6", scope)).await?, None);
    }
    Ok(())
}

#[tokio::test]
async fn an_unknown_scope_or_target_is_refused() -> Result<()> {
    let stats = stats(true).await?;
    for scope in [i64::MIN, 0, 4] {
        let fault = refusal(stats.distributed_stats(&call("nobody", scope)).await);
        assert_eq!((fault.status, fault.stage), (503, Stage::Call));
    }
    for target in ["nobody", "gone", "", "USER5"] {
        let fault = refusal(stats.distributed_stats(&call(target, 1)).await);
        assert_eq!(fault, DistributedFault::call(520, "Target user does not exist."), "{target}");
    }
    Ok(())
}

#[rstest]
// Of this site, whatever the spelling of the root; the site that calls is in the table, or in the configuration.
#[case("user6", OWN, "https://MOODLE.example.org/", None)]
#[case("user6", OWN, OTHER, None)]
#[case("user6", OWN, "https://known.example.org", None)]
// Of another site.
#[case("remote", OTHER, OTHER, None)]
#[case("remote", OWN, OTHER, Some(501))]
#[case("user6", OTHER, OTHER, Some(501))]
#[case("user6", "https://known.example.org", OTHER, Some(501))]
#[case("user6", "", OTHER, Some(501))]
#[case("gone", OWN, OWN, Some(501))]
#[case("", OWN, "https://nowhere.example.org", Some(501))]
// Not a site that may call.
#[case("user6", OWN, "https://gone.example.org", Some(500))]
#[case("user6", OWN, "https://other.example.org", Some(500))]
#[case("user6", OWN, "", Some(500))]
#[tokio::test]
async fn callers_need_an_account_and_a_known_site(
    #[case] name: &str,
    #[case] userhost: &str,
    #[case] host: &str,
    #[case] refused: Option<i64>,
) -> Result<()> {
    let calling = caller(name, userhost, host);
    let checked = stats(true).await?.check_caller(&calling, &hosts(), Capability::Granted, Exactness::Corrected).await;
    match refused {
        None => assert!(checked.is_ok(), "{checked:?}"),
        Some(status) => {
            let fault = refusal(checked);
            assert_eq!((fault.status, fault.stage), (status, Stage::Caller));
        }
    }
    Ok(())
}

#[tokio::test]
async fn only_the_corrected_profile_looks_at_the_capability() -> Result<()> {
    let stats = stats(true).await?;
    let mut call = StatsCall { capability: Capability::Missing, ..call("nobody", 9) };
    let fault = refusal(stats.distributed_stats(&call).await);
    assert_eq!(fault, DistributedFault::caller(510, "Local user's identity has no capability to run"));
    call.policy = Policy::use_stats_compat();
    assert_eq!(refusal(stats.distributed_stats(&call).await).status, 520);
    Ok(())
}

#[tokio::test]
async fn of_two_accounts_the_one_of_this_site_is_meant() -> Result<()> {
    let scores = scores_call("notes/global", "id", "2");
    let scores = ScoresCall { target: "twin".to_owned(), ..scores };
    match stats(true).await?.distributed_scores(&scores).await? {
        DistributedScores::Grade { user, score, .. } => assert_eq!((user.firstname.as_str(), score), ("Near", None)),
        DistributedScores::NotImplemented => panic!("no grade"),
    }
    Ok(())
}

#[tokio::test]
async fn the_grade_of_a_course_is_the_one_score() -> Result<()> {
    let stats = stats(true).await?;
    for (field, identifier) in [("id", "2"), ("shortname", "ALGE2"), ("idnumber", "C-002")] {
        let scores = stats.distributed_scores(&scores_call("notes/global", field, identifier)).await;
        let answer = DistributedAnswer::of_scores(scores, Exactness::Corrected)?;
        let expected = "<USER_SCORES>\n<USER>\n\t<USERNAME>user5</USERNAME>\n\t<FIRSTNAME>Anne</FIRSTNAME>\n\
             \t<LASTNAME>Roi &amp; Fils</LASTNAME>\n\t<IDNUMBER>ID00005</IDNUMBER>\n\n</USER>\n<COURSE>\n\
             \t<NAME>Algebra</NAME>\n\t<SHORTNAME>ALGE2</SHORTNAME>\n\t<IDNUMBER>C-002</IDNUMBER>\n\n</COURSE>\n\
             <SCORE>72.50000</SCORE>\n</USER_SCORES>";
        assert_eq!(answer, DistributedAnswer::success(expected.to_owned()));
    }
    let other = stats.distributed_scores(&scores_call("notes/detail", "id", "2")).await?;
    assert_eq!(other, DistributedScores::NotImplemented);
    let exact = ScoresCall { exactness: Exactness::Exact, ..scores_call("notes/global", "id", "2") };
    assert_eq!(stats.distributed_scores(&exact).await?, DistributedScores::NotImplemented);
    Ok(())
}

#[tokio::test]
async fn an_unknown_course_is_refused_before_an_unknown_user() -> Result<()> {
    let stats = stats(true).await?;
    for (field, identifier) in [("id", "99"), ("id", "0"), ("id", "x"), ("idnumber", ""), ("name", "2"), ("", "2")] {
        let call = ScoresCall { target: "nobody".to_owned(), ..scores_call("notes/global", field, identifier) };
        let fault = refusal(stats.distributed_scores(&call).await);
        assert_eq!(fault, DistributedFault::call(520, "Unkown course."), "{field} {identifier}");
    }
    Ok(())
}
