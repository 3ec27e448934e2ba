//! The native routes: real statuses, problem documents, tags.

use anyhow::Result;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Served, Setup};

async fn served() -> Result<(Served, String)> {
    let setup = Setup::new().await?;
    let token = setup.statistics().await?;
    Ok((setup.serve().await?, token))
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_tell_what_they_were_made_from() -> Result<()> {
    let (served, token) = served().await?;
    let answer = served.get("/v1/stats/users/5?timezone=Europe/Paris").bearer_auth(&token).send().await?;
    assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &"application/json".parse()?));
    let reply = super::json(answer).await?;
    assert_eq!(
        (&reply["policies"], &reply["timezone"], &reply["to"]),
        (&json!(["use_stats"]), &json!("Europe/Paris"), &json!(super::NOW))
    );
    let user = &reply["users"][0];
    // The sums of the worked example: 30 + 900 + 2590 + 150 seconds.
    assert_eq!((&user["userid"], &user["total"]), (&json!(5), &json!(3670)));
    let course = user["courses"].as_array().unwrap().iter().find(|course| course["courseid"] == 2).unwrap();
    assert_eq!(
        (&course["coursetotal"], &course["activitytime"], &course["coursetime"]),
        (&json!(2590), &json!(1590), &json!(1000))
    );

    let course = super::json(served.get("/v1/stats/courses/3").bearer_auth(&token).send().await?).await?;
    assert_eq!(course["users"][0]["total"], 150);
    let explained = super::json(served.get("/v1/explain/users/5").bearer_auth(&token).send().await?).await?;
    assert_eq!(explained["explanations"][0]["total"], 3670);
    let laps = |value: &Value| -> usize {
        let parts = value["explanations"][0]["parts"].as_array().unwrap();
        parts.iter().filter_map(|part| part["laps"].as_array()).map(Vec::len).sum()
    };
    assert!(laps(&explained) >= 11, "{explained}");
    let bare = super::json(
        served.get("/v1/explain/users/5?laps=0&policy=use_stats|dedication").bearer_auth(&token).send().await?,
    )
    .await?;
    assert_eq!((laps(&bare), bare["explanations"].as_array().unwrap().len()), (0, 2));
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_has_the_answer_is_told_so() -> Result<()> {
    let (served, token) = served().await?;
    let path = "/v1/stats/users/5?to=2024-06-01";
    let first = served.get(path).bearer_auth(&token).send().await?;
    let tag = first.headers()["etag"].to_str()?.to_owned();
    let again = |tag: String| served.get(path).bearer_auth(&token).header("if-none-match", tag).send();
    let known = again(format!("\"other\", W/{tag}")).await?;
    assert_eq!((known.status().as_u16(), known.headers()["etag"].to_str()?), (304, tag.as_str()));
    assert_eq!(known.text().await?, "");
    assert_eq!(again("\"other\"".to_owned()).await?.status(), 200);
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_parameters_are_named_in_the_language_of_the_caller() -> Result<()> {
    let (served, token) = served().await?;
    let path = "/v1/stats/users/5?form=1&policy=dedicatoin&by=nickname&at=x&to=soon&timezone=Paris&site=a&site=b";
    let english = served.get(path).bearer_auth(&token).send().await?;
    assert_eq!(
        (english.status().as_u16(), &english.headers()["content-type"]),
        (400, &"application/problem+json".parse()?)
    );
    let problem = super::json(english).await?;
    let mut names: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["parameter"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["at", "by", "form", "policy", "site", "timezone", "to"]);
    let of = |name: &str| {
        problem["errors"].as_array().unwrap().iter().find(|error| error["parameter"] == name).cloned().unwrap()
    };
    assert_eq!(of("form")["reason"], "unknown; did you mean `from`?");
    assert!(of("policy")["reason"].as_str().unwrap().contains("did you mean `dedication`?"));
    assert_eq!(problem["code"], "http.parameters");
    assert!(problem["request"].is_string());

    let french =
        served.get(path).bearer_auth(&token).header("accept-language", "fr").header("accept", "application/xml");
    let french = french.send().await?;
    assert_eq!(&french.headers()["content-type"], "application/problem+xml");
    let text = french.text().await?;
    assert!(text.contains("<reason>inconnu ; vouliez-vous dire `from` ?</reason>"), "{text}");
    served.finish().await
}

#[rstest]
#[case("/v1/stats/users/99", 404, "http.not_found")]
#[case("/v1/stats/users/x", 400, "http.invalid")]
#[case("/v1/stats/users/nobody?by=username", 404, "http.not_found")]
#[case("/v1/stats/courses/99", 404, "http.not_found")]
#[case("/v1/stats/users/5?site=nowhere", 404, "http.not_found")]
#[case("/v1/stats/users/5?at=99", 404, "http.not_found")]
#[case("/v1/stats/users/5?from=2024-02-01&to=2024-01-01", 400, "http.invalid")]
#[case("/v1/nothing", 404, "http.not_found")]
#[case("/", 404, "http.not_found")]
#[tokio::test(flavor = "multi_thread")]
async fn failures_have_their_status(#[case] path: &str, #[case] status: u16, #[case] code: &str) -> Result<()> {
    let (served, token) = served().await?;
    let answer = served.get(path).bearer_auth(&token).send().await?;
    assert_eq!(answer.status().as_u16(), status, "{path}");
    assert_eq!(super::json(answer).await?["code"], code);
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_and_programs_have_their_routes() -> Result<()> {
    let setup = Setup::new().await?.set("server.cors_origins", "https://bi.example.org");
    let token = setup.statistics().await?;
    let served = setup.serve().await?;
    assert_eq!(served.get("/live").send().await?.text().await?, "ok\n");
    let ready = super::json(served.get("/ready").send().await?).await?;
    assert_eq!(ready["status"], "ready");
    let id = served.get("/live").header("x-request-id", "abc-1").send().await?;
    assert_eq!(id.headers()["x-request-id"], "abc-1");
    let odd = served.get("/live").header("x-request-id", "a b").send().await?;
    assert_eq!(odd.headers()["x-request-id"].len(), 32, "a new one");
    served.call(&token, "core_webservice_get_site_info", &[]).await?;
    let metrics = served.get("/metrics").send().await?.text().await?;
    let line = "assidu_webservice_calls_total{function=\"core_webservice_get_site_info\",outcome=\"ok\"} 1";
    assert!(metrics.contains(line) && metrics.ends_with("# EOF\n"), "{metrics}");
    let openapi = super::json(served.get("/openapi.json").send().await?).await?;
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3."));
    let page = served.get("/docs").header("accept-language", "fr").send().await?.text().await?;
    assert!(page.contains("<html lang=\"fr\">") && page.contains("/v1/stats/users/{id}"));
    assert_eq!(served.post("/live").send().await?.status(), 405);

    let preflight = served.client.request(reqwest::Method::OPTIONS, served.url("/v1/stats/users/5"));
    let preflight = preflight.header("origin", "https://bi.example.org").header("access-control-request-method", "GET");
    let preflight = preflight.header("access-control-request-headers", "authorization").send().await?;
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://bi.example.org");
    let other =
        served.get("/v1/stats/users/5").header("origin", "https://evil.example.org").bearer_auth(&token).send().await?;
    assert!(other.headers().get("access-control-allow-origin").is_none());
    served.finish().await
}
