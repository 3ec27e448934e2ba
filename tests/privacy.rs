//! Sessions with pseudonyms: whatever a statement tries, it meets no number and no name of a person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::load::{LoadRequest, Silent};
use engine::privacy::{PseudonymKey, Pseudonyms, TEXT_NAMES, USER_NAMES};
use engine::query::Session;
use engine::{Engine, Lang, SessionRequest};
use futures::TryStreamExt;
use proptest::prelude::*;
use rstest::rstest;
use tests::{LOG_HEADER, NOW, source};

/// The users; no other number of the data, and no pseudonym of a test's key, has these digits.
const USERS: [i64; 4] = [7_100_003, 7_100_004, 7_100_005, 7_100_006];

/// Digits of the users' numbers and of their contexts' numbers, and a word in each of their texts.
const TRACES: [&str; 3] = ["71000", "88000", "hush"];

const KEY: [u8; 32] = [21; 32];

/// Header and rows by table. Course 2 has users 3 to 5, course 4 has users 5 and 6.
fn tables() -> Vec<(&'static str, String)> {
    let mut user =
        "id,username,firstname,lastname,email,idnumber,city,lastip,description,phone1,department,timecreated,hobby\n"
            .to_owned();
    // The last context is a block on the page of the first user.
    let mut context = "id,contextlevel,instanceid,path,depth\n1,10,0,/1,1\n21,50,2,/1/21,2\n".to_owned();
    context += "31,80,9,/1/8800003/31,3\n";
    let mut log = format!("{LOG_HEADER}\n");
    let mut grades = "id,itemid,userid,rawgrade,finalgrade,feedback,usermodified\n".to_owned();
    let mut members = "id,groupid,userid\n".to_owned();
    let mut cohorts = "id,cohortid,userid\n".to_owned();
    let mut fields = "id,userid,fieldid,data\n".to_owned();
    let mut attempts = "id,quiz,userid,state,feedback\n".to_owned();
    let mut id = 0;
    for (at, userid) in USERS.into_iter().enumerate() {
        let place = 8_800_003 + at;
        user += &format!(
            "{userid},hush{at},hush,hush,hush{at}@x.org,hush-7,hushtown,10.9.8.{at},hush,hush,Physics,1500000000,hush\n"
        );
        context += &format!("{place},30,{userid},/1/{place},2\n");
        for course in if at < 2 {
            vec![2]
        } else if at == 2 {
            vec![2, 4]
        } else {
            vec![4]
        } {
            for step in 0..3 {
                id += 1;
                let time = 1_600_000_000 + 100 * id;
                log += &format!(
                    "{id},e,core,viewed,course,course,{course},r,2,21,50,{course},{userid},{course},,0,hush,{time},web,hush {step},\n"
                );
            }
        }
        // A visit to the page of the next user, while somebody else is logged in as this one.
        let (next, next_place) = (USERS[(at + 1) % 4], 8_800_003 + (at + 1) % 4);
        id += 1;
        log += &format!(
            "{id},e,core,viewed,user_profile,user,{next},r,0,{next_place},30,{next},{userid},0,{next},0,hush,{},web,hush,{next}\n",
            1_600_000_000 + 100 * id
        );
        grades += &format!("{},1,{userid},{},{},hush,{next}\n", at + 1, 10 + at, 10 + at);
        members += &format!("{},1,{userid}\n", at + 1);
        cohorts += &format!("{},1,{userid}\n", at + 1);
        fields += &format!("{},{userid},1,hush\n", at + 1);
        attempts += &format!("{},1,{userid},finished,hush\n", at + 1);
    }
    let [first, second, ..] = USERS;
    vec![
        ("user", user),
        ("context", context),
        ("logstore_standard_log", log),
        ("grade_grades", grades),
        ("groups_members", members),
        ("cohort_members", cohorts),
        ("user_info_data", fields),
        ("quiz_attempts", attempts),
        ("course", "id,shortname,fullname\n2,C2,Course two\n4,C4,Course four\n".to_owned()),
        ("grade_items", "id,courseid,itemtype\n1,2,course\n".to_owned()),
        ("groups", "id,courseid,name\n1,2,Group\n".to_owned()),
        ("cohort", "id,contextid,name\n1,1,Cohort\n".to_owned()),
        (
            "forum_posts",
            format!("id,discussion,userid,subject,message,privatereplyto\n1,1,{first},hush,hush,{second}\n"),
        ),
        (
            "message",
            format!("id,useridfrom,useridto,subject,fullmessage,contexturl\n1,{first},{second},hush,hush,hush\n"),
        ),
        (
            "log",
            format!("id,time,userid,ip,course,url,info\n1,1400000000,{first},hush,2,view.php?id={first},{first}\n"),
        ),
        ("role_assignments", format!("id,roleid,contextid,userid,modifierid\n1,5,21,{first},{second}\n")),
        ("scorm_attempt", format!("id,userid,scormid,attempt\n1,{first},1,1\n")),
        ("scorm_element", "id,element\n1,cmi.session_time\n2,cmi.core.student_name\n".to_owned()),
        (
            "scorm_scoes_value",
            format!("id,scoid,attemptid,elementid,value\n1,1,1,1,PT5M\n2,1,1,2,hush\n3,1,1,2,{first}\n"),
        ),
        ("tag_instance", format!("id,tagid,itemtype,itemid,contextid\n1,1,user,{first},8800003\n2,1,course,2,21\n")),
        ("local_people", format!("id,username,email,teacherid\n{first},hush,hush@x.org,{second}\n")),
    ]
}

async fn load_site(engine: &Engine, site: Option<&str>) -> Result<()> {
    for (table, csv) in tables() {
        let mut request = LoadRequest::new(vec![source(&format!("{table}.csv"), csv)], NOW);
        request.site = site.map(str::to_owned);
        request.format = Some(if table == "logstore_standard_log" {
            engine::load::Format::Log
        } else {
            engine::load::Format::Table(table.to_owned())
        });
        let summary = engine.load(&request, Arc::new(Silent)).await?;
        anyhow::ensure!(summary.files.iter().all(|file| file.counts.rejected == 0), "{table}: {summary:?}");
    }
    Ok(())
}

async fn store() -> Result<Engine> {
    let engine = Engine::open("memory://", &[]).await?;
    load_site(&engine, None).await?;
    load_site(&engine, Some("campus")).await?;
    Ok(engine)
}

fn request(key: Option<[u8; 32]>) -> SessionRequest {
    SessionRequest { pseudonyms: key.map(PseudonymKey::from_bytes), ..SessionRequest::default() }
}

async fn session(engine: &Engine, key: Option<[u8; 32]>) -> Result<Session> {
    Ok(engine.session_for(&request(key)).await?)
}

/// All rows as texts; NULL is empty.
async fn ask(session: &Session, sql: &str) -> Result<Vec<Vec<String>>> {
    let batches: Vec<RecordBatch> =
        session.query(sql).await.context(sql.to_owned())?.try_collect().await.context(sql.to_owned())?;
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options)).collect::<Result<_, _>>()?;
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()),
        );
    }
    Ok(rows)
}

/// The first column as numbers.
async fn numbers(session: &Session, sql: &str) -> Result<Vec<i64>> {
    ask(session, sql).await?.into_iter().map(|row| Ok(row.first().context("no column")?.parse()?)).collect()
}

fn pseudonym(site: &str, id: i64) -> i64 {
    Pseudonyms::new(&PseudonymKey::from_bytes(KEY), site).user(id).unwrap_or_default()
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort();
    values
}

fn all_pseudonyms() -> Vec<i64> {
    sorted(USERS.map(|id| pseudonym("main", id)).to_vec())
}

/// Every way to ask for the users of the log gives their pseudonyms.
#[rstest]
#[case("SELECT DISTINCT userid FROM logstore_standard_log ORDER BY userid")]
#[case("SELECT userid FROM mdl_logstore_standard_log GROUP BY userid ORDER BY 1")]
#[case("SELECT DISTINCT l.userid AS x FROM main.logstore_standard_log AS l ORDER BY x")]
#[case("SELECT u.id AS x FROM user AS u ORDER BY x")]
#[case("SELECT id FROM mdl_user ORDER BY id LIMIT 4")]
#[case("WITH a AS (SELECT userid AS b FROM logstore_standard_log) SELECT DISTINCT b FROM a ORDER BY b")]
#[case("SELECT userid FROM logstore_standard_log UNION SELECT id FROM user ORDER BY 1")]
#[case("SELECT userid FROM logstore_standard_log INTERSECT SELECT id FROM user ORDER BY 1")]
#[case("SELECT id FROM user WHERE id IN (SELECT userid FROM logstore_standard_log) ORDER BY id")]
#[case("SELECT id FROM user AS u WHERE EXISTS (SELECT 1 FROM grade_grades AS g WHERE g.userid = u.id) ORDER BY id")]
#[case(
    "SELECT userid FROM (SELECT userid, row_number() OVER (PARTITION BY userid ORDER BY id) AS n FROM logstore_standard_log) AS s WHERE n = 1 ORDER BY 1"
)]
#[case("SELECT DISTINCT relateduserid FROM logstore_standard_log WHERE relateduserid IS NOT NULL ORDER BY 1")]
#[case("SELECT DISTINCT realuserid FROM logstore_standard_log WHERE realuserid IS NOT NULL ORDER BY 1")]
#[case("SELECT objectid FROM logstore_standard_log WHERE objecttable = 'user' ORDER BY 1")]
#[case("SELECT contextinstanceid FROM logstore_standard_log WHERE contextlevel = 30 ORDER BY 1")]
#[case("SELECT instanceid FROM context WHERE contextlevel = 30 ORDER BY 1")]
#[case("SELECT usermodified FROM grade_grades ORDER BY 1")]
#[case("SELECT userid FROM user_time('use_stats') ORDER BY 1")]
#[case("SELECT DISTINCT userid FROM course_time('use_stats', NULL, NULL, 'main') ORDER BY 1")]
#[case("SELECT DISTINCT userid FROM laps('use_stats') ORDER BY 1")]
#[case("SELECT DISTINCT userid FROM hits('use_stats') ORDER BY 1")]
#[case("SELECT DISTINCT userid FROM course_summary('use_stats') ORDER BY 1")]
#[case("SELECT CAST(substr(username, 6) AS BIGINT) FROM user ORDER BY 1")]
#[case("SELECT DISTINCT userid FROM logstore_standard_log WHERE _commit > 0 ORDER BY 1")]
#[case("SELECT userid FROM quiz_attempts ORDER BY 1")]
#[tokio::test(flavor = "multi_thread")]
async fn users_are_pseudonyms(#[case] sql: &str) -> Result<()> {
    let engine = store().await?;
    assert_eq!(numbers(&session(&engine, Some(KEY)).await?, sql).await?, all_pseudonyms());
    // The statement asks for what it claims to ask for.
    assert_eq!(
        sorted(numbers(&session(&engine, None).await?, &sql.replace("substr(username, 6)", "id")).await?),
        USERS
    );
    Ok(())
}

/// Counts, sums and joins do not depend on what people are called.
#[rstest]
#[case(
    "SELECT count(*), count(userid), count(DISTINCT userid), count(DISTINCT relateduserid) FROM logstore_standard_log"
)]
#[case("SELECT count(*) FROM logstore_standard_log AS l JOIN user AS u ON u.id = l.userid")]
#[case(
    "SELECT count(*) FROM logstore_standard_log AS l JOIN user AS u ON u.id = l.relateduserid JOIN grade_grades AS g ON g.userid = u.id"
)]
#[case("SELECT count(*) FROM logstore_standard_log AS l JOIN context AS c ON c.id = l.contextid")]
#[case("SELECT count(*) FROM context AS c JOIN user AS u ON u.id = c.instanceid WHERE c.contextlevel = 30")]
#[case("SELECT count(*), min(timecreated), max(timecreated), max(courseid) FROM logstore_standard_log")]
#[case("SELECT courseid, count(DISTINCT userid) FROM logstore_standard_log GROUP BY courseid ORDER BY courseid")]
#[case(
    "SELECT n, count(*) FROM (SELECT userid, count(*) AS n FROM logstore_standard_log GROUP BY userid) AS s GROUP BY n ORDER BY n"
)]
#[case(
    "SELECT count(*), sum(elapsed), sum(events) FROM course_time('use_stats') AS t JOIN user AS u ON u.id = t.userid"
)]
#[case(
    "SELECT courseid, sum(coursetotal), sum(hits), max(score), count(username) FROM course_summary('use_stats') GROUP BY courseid ORDER BY courseid"
)]
#[case("SELECT cohortname, courseid, members, users, coursetotal FROM cohort_summary('use_stats') ORDER BY courseid")]
#[case("SELECT groupname, courseid, members, users, coursetotal FROM group_summary('use_stats') ORDER BY courseid")]
#[case("SELECT department, count(*), min(timecreated) FROM user GROUP BY department")]
#[case("SELECT sum(scorm_seconds('cmi.session_time', value)) FROM scorm_scoes_value WHERE elementid = 1")]
#[case("SELECT sum(time_spent(timecreated, 900)) OVER () FROM logstore_standard_log GROUP BY courseid")]
#[case("SELECT itemid, contextid FROM tag_instance WHERE itemtype = 'course' AND contextid IS NULL")]
#[case("SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns ORDER BY 1, 2, 3")]
#[case("DESCRIBE user")]
#[case("SHOW COLUMNS FROM logstore_standard_log")]
#[tokio::test(flavor = "multi_thread")]
async fn figures_are_those_of_the_raw_session(#[case] sql: &str) -> Result<()> {
    let engine = store().await?;
    let private = ask(&session(&engine, Some(KEY)).await?, sql).await?;
    assert_eq!(private, ask(&session(&engine, None).await?, sql).await?);
    Ok(())
}

/// Statements that look for persons in every corner.
const ATTEMPTS: &[&str] = &[
    "SELECT min(userid), max(userid), min(id), max(relateduserid) FROM logstore_standard_log",
    "SELECT min(id), max(id), min(username), max(lastname) FROM user",
    "SELECT userid, objectid, contextid, contextinstanceid, other, ip, relateduserid, realuserid FROM logstore_standard_log",
    "SELECT concat_ws('|', userid, objectid, contextinstanceid, relateduserid) FROM logstore_standard_log",
    "SELECT CASE WHEN objecttable = 'user' THEN objectid END, coalesce(relateduserid, objectid) FROM logstore_standard_log",
    "SELECT objectid FROM (SELECT objectid, lower(objecttable) AS o FROM logstore_standard_log) AS s WHERE o = 'user'",
    "SELECT array_agg(userid), string_agg(CAST(relateduserid AS TEXT), ',') FROM logstore_standard_log",
    "SELECT struct(userid, id), make_array(userid, objectid) FROM logstore_standard_log",
    "SELECT first_value(userid) OVER (ORDER BY userid), lag(contextinstanceid) OVER (ORDER BY id) FROM logstore_standard_log",
    "SELECT * FROM laps('use_stats')",
    "SELECT * FROM sessions('use_stats')",
    "SELECT * FROM course_summary('use_stats')",
    "SELECT * FROM activity_summary('use_stats')",
    "SELECT * FROM session_time('use_stats')",
    "SELECT * FROM daily_time('use_stats')",
    "SELECT * FROM user AS u FULL JOIN logstore_standard_log AS l ON l.userid = u.id",
    "SELECT u.*, c.*, l.objectid FROM context AS c LEFT JOIN user AS u ON u.id = c.instanceid LEFT JOIN logstore_standard_log AS l ON l.contextid = c.id",
    "SELECT regexp_replace(description, 'x', 'y'), upper(firstname), reverse(email), lastname || firstname FROM user",
    "SELECT (SELECT max(id) FROM user), (SELECT min(email) FROM user) FROM course",
    "SELECT userid, _commit FROM logstore_standard_log ORDER BY _commit",
    "EXPLAIN SELECT userid, count(*) FROM logstore_standard_log WHERE courseid = 2 GROUP BY userid",
    "EXPLAIN VERBOSE SELECT userid, min(relateduserid) FROM logstore_standard_log WHERE userid > 5 GROUP BY userid",
    "EXPLAIN ANALYZE SELECT l.userid, u.username FROM logstore_standard_log AS l JOIN user AS u ON u.id = l.userid",
    "EXPLAIN ANALYZE VERBOSE SELECT userid FROM course_time('use_stats') ORDER BY userid LIMIT 1",
    "EXPLAIN FORMAT TREE SELECT userid FROM logstore_standard_log ORDER BY userid",
    "EXPLAIN SELECT * FROM user_time('use_stats') WHERE userid = 1",
    "SHOW ALL",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM information_schema.views",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_has_a_trace_of_a_person() -> Result<()> {
    let engine = store().await?;
    let (private, raw) = (session(&engine, Some(KEY)).await?, session(&engine, None).await?);
    let whole = |site: &str| {
        tables().into_iter().map(|(table, _)| format!(r#"SELECT * FROM {site}"{table}""#)).collect::<Vec<_>>()
    };
    let attempts = ATTEMPTS.iter().map(|sql| (*sql).to_owned());
    let mut traces = BTreeSet::new();
    for sql in attempts.chain(whole("")).chain(whole("campus.")) {
        let found = ask(&private, &sql).await?;
        let printed = format!("{found:?}");
        for trace in TRACES {
            assert!(!printed.contains(trace), "{sql}: {trace} in {printed}");
        }
        // Neither the key as bytes nor as digits.
        assert!(!printed.contains("21, 21") && !printed.contains("1515"), "{sql}: {printed}");
        let raw = format!("{:?}", ask(&raw, &sql).await?);
        traces.extend(TRACES.into_iter().filter(|trace| raw.contains(trace)));
    }
    // All of it is there for those who may see it.
    assert_eq!(traces, TRACES.into_iter().collect());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn raw_numbers_find_nobody() -> Result<()> {
    let engine = store().await?;
    let session = session(&engine, Some(KEY)).await?;
    let three = USERS[0];
    for sql in [
        format!("SELECT count(*) FROM logstore_standard_log WHERE userid = {three}"),
        format!(
            "SELECT count(*) FROM logstore_standard_log WHERE {three} IN (userid, relateduserid, objectid, realuserid)"
        ),
        format!("SELECT count(*) FROM user WHERE id = {three} OR username = 'hush0' OR email LIKE 'hush%'"),
        format!("SELECT count(*) FROM user_time('use_stats') WHERE userid = {three}"),
        format!("SELECT count(*) FROM course_time('use_stats') WHERE userid IN ({three}, {})", USERS[1]),
        format!("SELECT count(*) FROM course_summary('use_stats') WHERE userid = {three}"),
        format!("SELECT count(*) FROM context WHERE instanceid = {three} OR id = 8800003 OR path = '/1/8800003'"),
        format!("SELECT count(*) FROM (VALUES ({three})) AS v (id) JOIN user AS u ON u.id = v.id"),
        "SELECT count(*) FROM logstore_standard_log WHERE ip LIKE 'hush%' OR other IS NOT NULL".to_owned(),
    ] {
        assert_eq!(numbers(&session, &sql).await?, [0], "{sql}");
    }
    let known = pseudonym("main", three);
    let sql = format!("SELECT count(*) FROM logstore_standard_log WHERE userid = {known}");
    assert_eq!(numbers(&session, &sql).await?, [4]);
    let sql = format!("SELECT userid FROM user_time('use_stats') WHERE userid = {known}");
    assert_eq!(numbers(&session, &sql).await?, [known]);
    Ok(())
}

/// The text of a policy takes numbers of users, and so could ask which pseudonym is whose.
#[tokio::test(flavor = "multi_thread")]
async fn policies_take_no_numbers_of_users() -> Result<()> {
    let engine = store().await?;
    let (private, raw) = (session(&engine, Some(KEY)).await?, session(&engine, None).await?);
    for table in ["user_time", "course_summary"] {
        for change in ["users = 7100003", "threshold = 900 ,  users=7100003 7100004"] {
            let sql = format!("SELECT count(*) FROM {table}('use_stats, {change}')");
            let error = private.query(&sql).await.err().context("refused")?;
            assert!(error.message(Lang::En).contains("numbers of the site"), "{error}");
            assert!(error.message(Lang::Fr).contains("numéros du site"), "{error}");
            assert!(!error.to_string().contains("7100003"), "{error}");
            ask(&raw, &sql).await?;
        }
        ask(&private, &format!("SELECT count(*) FROM {table}('use_stats, threshold = 900')")).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consumers_and_two_sites_have_nothing_in_common() -> Result<()> {
    let engine = store().await?;
    let (one, two) = (session(&engine, Some(KEY)).await?, session(&engine, Some([22; 32])).await?);
    let mut seen = BTreeSet::new();
    for (session, table) in [(&one, "main"), (&two, "main"), (&one, "campus"), (&two, "campus")] {
        for sql in
            [format!("SELECT id FROM {table}.user"), format!("SELECT id FROM {table}.context WHERE contextlevel = 30")]
        {
            let found = numbers(session, &sql).await?;
            assert_eq!(found.len(), 4);
            assert!(found.into_iter().all(|id| seen.insert(id)), "{sql}");
        }
    }
    // The same key gives the same pseudonyms again, by any way to the site.
    let campus = engine.session_for(&SessionRequest { site: Some("campus".to_owned()), ..request(Some(KEY)) }).await?;
    let expected = sorted(USERS.map(|id| pseudonym("campus", id)).to_vec());
    assert_eq!(numbers(&campus, "SELECT id FROM user ORDER BY id").await?, expected);
    let sql = "SELECT userid FROM user_time('use_stats', NULL, NULL, 'campus') ORDER BY userid";
    assert_eq!(numbers(&one, sql).await?, expected);
    assert_eq!(numbers(&one, "SELECT id FROM campus.mdl_user ORDER BY id").await?, expected);
    assert_eq!(numbers(&campus, "SELECT userid FROM user_time('use_stats') ORDER BY userid").await?, expected);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn values_stand_where_they_stood() -> Result<()> {
    let engine = store().await?;
    let session = session(&engine, Some(KEY)).await?;
    let three = pseudonym("main", USERS[0]);
    let sql = format!(
        "SELECT username, firstname, email, idnumber, city, lastip, description, hobby, department, timecreated FROM user WHERE id = {three}"
    );
    let mut expected = vec![format!("user-{three}")];
    expected.extend(["", "", "", "", "", "", "", "Physics", "1500000000"].map(str::to_owned));
    assert_eq!(ask(&session, &sql).await?, [expected]);
    // A store keeps all columns but keys as ones that may be NULL, so that is what stands for what is left out.
    let sql = "SELECT count(firstname), count(email), count(description), count(hobby) FROM user";
    assert_eq!(ask(&session, sql).await?, [["0"; 4]]);
    // The figures of packages stay; names do not, and numbers as long as those of people do not either.
    assert_eq!(ask(&session, "SELECT value FROM scorm_scoes_value ORDER BY id").await?, [["PT5M"], [""], [""]]);
    assert_eq!(ask(&session, "SELECT contextid FROM role_assignments").await?, [["21"]]);
    assert_eq!(ask(&session, "SELECT path FROM context WHERE contextlevel = 50").await?, [["/1/21"]]);
    let sql = "SELECT itemid FROM tag_instance WHERE itemtype = 'course'";
    assert_eq!(ask(&session, sql).await?, [["2"]]);
    let people = ask(&session, "SELECT id, username, email, teacherid FROM local_people").await?;
    let second = pseudonym("main", USERS[1]).to_string();
    assert_eq!(people, [[three.to_string(), format!("user-{three}"), String::new(), second]]);
    Ok(())
}

/// The leaves read what is asked, tell what stays, and hide what is below.
#[tokio::test(flavor = "multi_thread")]
async fn plans_read_little_and_tell_little() -> Result<()> {
    let engine = store().await?;
    let session = session(&engine, Some(KEY)).await?;
    let plan = session.plan("SELECT ip, other, courseid FROM logstore_standard_log").await?;
    assert!(plan.contains("replaced=[other, ip], read=1,") && !plan.contains("userid"), "{plan}");
    let plan = session.plan("SELECT count(*), max(timecreated) FROM logstore_standard_log").await?;
    assert!(plan.contains("PlaceholderRowExec") && !plan.contains("PseudonymExec"), "{plan}");
    for column in ["userid", "relateduserid", "objectid", "contextid"] {
        let plan = session.plan(&format!("SELECT min({column}), max({column}) FROM logstore_standard_log")).await?;
        assert!(plan.contains("PseudonymExec") && plan.contains(&format!("replaced=[{column}]")), "{plan}");
        assert!(!plan.contains("DataSourceExec") && !plan.contains("SpentExec"), "{plan}");
    }
    // Filters on what stays work where rows are read: course 2 has three users with three hits each, 99 has none.
    for (course, rows) in [(2, 9), (99, 0)] {
        let sql = format!("EXPLAIN ANALYZE SELECT userid FROM logstore_standard_log WHERE courseid = {course}");
        let analyzed = format!("{:?}", ask(&session, &sql).await?);
        let leaf = analyzed.split("PseudonymExec").nth(1).context("a leaf")?;
        assert!(leaf.contains(&format!("output_rows={rows},")), "{analyzed}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn known_tables_are_empty_where_a_site_has_none() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    for key in [None, Some(KEY)] {
        let strict = session(&engine, key).await?;
        assert!(strict.query("SELECT * FROM user").await.is_err());
        let known = engine.session_for(&SessionRequest { known_tables: true, ..request(key) }).await?;
        for sql in [
            "SELECT count(*) FROM mdl_user",
            "SELECT count(*) FROM logstore_standard_log AS l JOIN user AS u ON u.id = l.userid WHERE u.username = 'x'",
            "SELECT count(*) FROM main.grade_grades WHERE _commit > 3",
            "SELECT count(*) FROM course_summary('use_stats')",
        ] {
            assert_eq!(numbers(&known, sql).await?, [0], "{sql}");
        }
        assert!(known.query("SELECT * FROM quiz_attempts").await.is_err());
    }
    let nowhere = SessionRequest { site: Some("nowhere".to_owned()), ..request(None) };
    let error = engine.session_for(&nowhere).await.err().context("no such site")?;
    assert_eq!(error.kind(), engine::ErrorKind::NotFound);
    Ok(())
}

/// The manual lists by which names columns of unknown tables are known.
#[test]
fn the_manual_lists_the_names() -> Result<()> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/concepts/privacy.md"))?;
    for name in USER_NAMES.iter().chain(TEXT_NAMES) {
        assert!(page.contains(&format!("`{name}`")), "docs/concepts/privacy.md does not name `{name}`");
    }
    Ok(())
}

/// A row of a random log: user, course, time, the user concerned.
type Hit = (i64, i64, i64, Option<i64>);

fn hits() -> impl Strategy<Value = Vec<Hit>> {
    let user = prop_oneof![Just(0), 1_i64..8, Just((1 << 52) - 1)];
    let hit = (user, 2_i64..5, 0_i64..5_000, proptest::option::of(1_i64..8));
    proptest::collection::vec(hit, 1..40)
}

/// Answers by user, first column the user.
async fn by_user(session: &Session, sql: &str, name: impl Fn(i64) -> i64) -> Result<BTreeMap<i64, Vec<Vec<String>>>> {
    let mut found: BTreeMap<i64, Vec<Vec<String>>> = BTreeMap::new();
    for mut row in ask(session, sql).await? {
        let user = name(row.remove(0).parse()?);
        found.entry(user).or_default().push(row);
    }
    found.values_mut().for_each(|rows| rows.sort());
    Ok(found)
}

async fn check_by_user(hits: &[Hit]) -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    let mut log = "id,userid,courseid,action,timecreated,relateduserid\n".to_owned();
    for (at, (user, course, time, related)) in hits.iter().enumerate() {
        let related = related.map(|related| related.to_string()).unwrap_or_default();
        log += &format!("{},{user},{course},viewed,{},{related}\n", at + 1, 1_600_000_000 + time);
    }
    tests::load(&engine, vec![source("log.csv", log)]).await?;
    let (private, raw) = (session(&engine, Some(KEY)).await?, session(&engine, None).await?);
    let pseudonyms = Pseudonyms::new(&PseudonymKey::from_bytes(KEY), "main");
    for sql in [
        "SELECT userid, count(*), count(DISTINCT courseid), min(timecreated), sum(id), count(relateduserid) FROM logstore_standard_log GROUP BY userid",
        "SELECT userid, courseid, time_spent(timecreated, 900) FROM logstore_standard_log GROUP BY userid, courseid",
        "SELECT userid, session_stats(timecreated, 600) FROM logstore_standard_log GROUP BY userid",
        "SELECT userid, count(*) OVER (PARTITION BY userid), lag(timecreated) OVER (PARTITION BY userid ORDER BY timecreated, id) FROM logstore_standard_log",
        "SELECT relateduserid, count(DISTINCT userid) FROM logstore_standard_log WHERE relateduserid IS NOT NULL GROUP BY relateduserid",
        "SELECT a.userid, count(*) FROM logstore_standard_log AS a JOIN logstore_standard_log AS b ON a.userid = b.relateduserid GROUP BY a.userid",
        "SELECT userid, courseid, elapsed, events, firstaccess, lastaccess FROM course_time('use_stats')",
        "SELECT userid, session, sessionstart, elapsed FROM sessions('use_stats')",
    ] {
        let expected = by_user(&raw, sql, |user| pseudonyms.user(user).unwrap_or_default()).await?;
        assert_eq!(by_user(&private, sql, |user| user).await?, expected, "{sql}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Every aggregate by pseudonym is the aggregate of the user behind it.
    #[test]
    fn aggregates_by_pseudonym_are_those_of_the_user(hits in hits()) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(check_by_user(&hits)).unwrap();
    }
}
