//! Requests that mean no good: never a status of 500, always a document that can be read.

use std::sync::Arc;

use anyhow::Result;
use axum::body::Body;
use axum::http::{Method, Request, header};
use http_body_util::BodyExt;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tower::ServiceExt;

use super::Setup;

/// Requests per run.
const CASES: u32 = 400;

fn is_well_formed(text: &str) -> bool {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let allowed = |letter: char| matches!(letter, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    if !text.chars().all(allowed) {
        return false;
    }
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => return true,
            Ok(quick_xml::events::Event::GeneralRef(reference)) => {
                let letter = reference.resolve_char_ref();
                let is_letter = letter.is_ok_and(|letter| letter.is_none_or(allowed));
                if !is_letter {
                    return false;
                }
            }
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

/// Bytes as a query carries them.
fn encoded(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "uid",
        "uids[]",
        "uids[0]",
        "uidsource",
        "cid",
        "from",
        "score",
        "wsfunction",
        "moodlewsrestformat",
        "callinguser[username]",
        "statsscope",
        "targetuser",
        "callinguser",
        "wstoken",
    ]);
    prop_oneof![
        4 => known.prop_map(|name| name.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => "[a-z\\[\\]. ]{0,12}".prop_map(String::into_bytes),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let known = proptest::sample::select(vec![
        "id",
        "username",
        "5",
        "0",
        "-1",
        "json",
        "xml",
        "idnumber",
        "block_use_stats_get_user_stats",
        "block_use_stats_get_users_stats",
        "block_use_stats_get_users_course_stats",
        "use_stats_rpc_get_stats",
        "use_stats_rpc_get_scores",
        "core_webservice_get_site_info",
        "tool_sync_check_course",
        "user5",
    ]);
    prop_oneof![
        4 => known.prop_map(|value| value.as_bytes().to_vec()),
        2 => any::<String>().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
        1 => "[<>&'\"\\x00-\\x1f\u{fffe}]{0,10}".prop_map(String::into_bytes),
    ]
}

fn pairs() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    proptest::collection::vec((name(), value()), 0..8)
}

fn flat(pairs: &[(Vec<u8>, Vec<u8>)]) -> String {
    pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect::<Vec<_>>().join("&")
}

#[test]
fn no_request_of_moodle_is_a_failure_of_ours() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (router, token) = runtime.block_on(async {
        let setup = Setup::new().await?.set("moodle.debug", "true").set("moodle.xmlrpc", "true");
        let token = setup.statistics().await?;
        anyhow::Ok((server::router(Arc::new(setup.app()?)), token))
    })?;
    let mut runner =
        TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() });
    let paths = proptest::sample::select(vec![
        "/webservice/rest/server.php",
        "/webservice/rest/server.php/x",
        "/login/token.php",
        "/lib/ajax/service.php",
        "/webservice/xmlrpc/server.php",
    ]);
    let methods = proptest::sample::select(vec![Method::GET, Method::POST, Method::PUT, Method::OPTIONS]);
    let contents = proptest::sample::select(vec![
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/xml",
        "\"",
    ]);
    let body = prop_oneof![
        pairs().prop_map(|pairs| flat(&pairs).into_bytes()),
        proptest::collection::vec(any::<u8>(), 0..200)
    ];
    let strategy = (paths, methods, contents, pairs(), body, any::<bool>());
    runner.run(&strategy, |(path, method, content, query, body, with_token)| {
        let own = if with_token { format!("wstoken={token}&") } else { String::new() };
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}?{own}{}", flat(&query)))
            .header(header::CONTENT_TYPE, content)
            .body(Body::from(body))
            .unwrap();
        let (status, kind, text) = runtime.block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, kind.unwrap_or_default(), String::from_utf8(bytes.to_vec()))
        });
        let text = text.expect("UTF-8");
        prop_assert!(status == 200 || status == 405, "{}: {}", status, text);
        prop_assert!(!text.contains("generalexceptionmessage"), "{}", text);
        let readable = match kind.split(';').next().unwrap_or_default() {
            "application/json" | "application/problem+json" => serde_json::from_str::<serde_json::Value>(&text).is_ok(),
            "application/xml" | "text/xml" => is_well_formed(&text),
            _ => false,
        };
        prop_assert!(readable, "{}: {}", kind, text);
        Ok(())
    })?;
    Ok(())
}

#[test]
fn no_native_request_is_a_failure_of_ours() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let (router, token) = runtime.block_on(async {
        let setup = Setup::new().await?;
        let token = setup.statistics().await?;
        anyhow::Ok((server::router(Arc::new(setup.app()?)), token))
    })?;
    let mut runner =
        TestRunner::new(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() });
    let routes = proptest::sample::select(vec!["/v1/stats/users", "/v1/stats/courses", "/v1/explain/users", "/v1"]);
    let names =
        proptest::sample::select(vec!["by", "from", "to", "policy", "timezone", "site", "at", "course", "laps", "x"]);
    let parameters = proptest::collection::vec((names, value()), 0..5);
    let strategy = (routes, value(), parameters, any::<bool>());
    runner.run(&strategy, |(route, id, parameters, wants_xml)| {
        let query =
            parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
        let accept = if wants_xml { "application/xml" } else { "application/json" };
        let request = Request::builder()
            .uri(format!("{route}/{}?{query}", encoded(&id)))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::ACCEPT, accept)
            .body(Body::empty())
            .unwrap();
        let (status, text) = runtime.block_on(async {
            let response = router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
        });
        prop_assert!(matches!(status, 200 | 400 | 404), "{}: {}", status, text);
        let readable = match text.starts_with('<') {
            true => is_well_formed(&text),
            false => serde_json::from_str::<serde_json::Value>(&text).is_ok(),
        };
        prop_assert!(readable, "{}", text);
        Ok(())
    })?;
    Ok(())
}

/// A name may be anything that a database can hold.
#[tokio::test(flavor = "multi_thread")]
async fn documents_are_well_formed_for_any_name() -> Result<()> {
    let setup = Setup::new().await?;
    let names = "a<b>&\"c\"']]> \u{1}\u{b}\u{fffe}é😀 \u{202e}";
    let csv = format!("id,shortname,fullname,idnumber\n2,\"{0}\",\"{0}\",\"{0}\"\n", names.replace('"', "\"\""));
    let summary = tests::load(&setup.engine, vec![tests::source("mdl_course.csv", csv)]).await?;
    assert_eq!(summary.total().rejected, 0);
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let path = format!(
        "/webservice/rest/server.php?wstoken={token}&wsfunction=block_use_stats_get_user_stats&uidsource=id&uid=5"
    );
    let text = served.get(&path).send().await?.text().await?;
    assert!(is_well_formed(&text) && text.contains("a&lt;b&gt;&amp;&quot;c&quot;"), "{text}");
    let answer = super::json(served.get(&format!("{path}&moodlewsrestformat=json")).send().await?).await?;
    let course = answer["courses"].as_array().unwrap().iter().find(|course| course["id"] == 2).unwrap();
    assert_eq!(course["fullname"], names);
    let arguments = [
        ("callinguser[username]", "user5"),
        ("callinguser[remoteuserhostroot]", served.url("").trim_end_matches('/')),
        ("callinguser[remotehostroot]", served.url("").trim_end_matches('/')),
        ("targetuser", "user5"),
        ("statsscope", "2"),
        ("json_response", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let arguments: Vec<(&str, &str)> = arguments.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = served.call(&token, "use_stats_rpc_get_stats", &arguments).await?;
    let document = answer["message"].as_str().unwrap_or_default();
    assert!(is_well_formed(document) && document.contains("<COURSES>"), "{answer}");
    served.finish().await
}
