//! Who is let in, and what nobody ever sees.

use anyhow::Result;
use engine::{Engine, ErrorKind};
use serde_json::json;
use server::access::{AccessRegister, NewToken, Scope};
use server::settings::ServerSettings;

use super::process::Process;
use super::{NOW, PASSWORD, Served, Setup};

fn statistics() -> NewToken {
    NewToken { scopes: [Scope::Statistics].into(), ..NewToken::default() }
}

/// Status of a native call, and code of a call of Moodle, with one token.
async fn both(served: &Served, token: &str) -> Result<(u16, String)> {
    let native = served.get("/v1/stats/users/5").bearer_auth(token).send().await?.status().as_u16();
    let moodle = served.call(token, "block_use_stats_get_user_stats", &[("uidsource", "id"), ("uid", "5")]).await?;
    Ok((native, moodle["errorcode"].as_str().unwrap_or("ok").to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_refused_on_both_sides() -> Result<()> {
    let setup = Setup::new().await?;
    let (_, good) = setup.token(statistics()).await?;
    let (_, expired) = setup.token(NewToken { expires: Some(NOW - 1), ..statistics() }).await?;
    let (id, revoked) = setup.token(statistics()).await?;
    AccessRegister::new(&setup.engine).update(|access| access.revoke_token(id, NOW - 10)).await?;
    let (_, foreign_scope) =
        setup.token(NewToken { scopes: [Scope::Sql, Scope::Admin].into(), ..statistics() }).await?;
    let (_, foreign_address) = setup.token(NewToken { addresses: "10.0.0.0/8".parse()?, ..statistics() }).await?;
    let (_, foreign_site) = setup.token(NewToken { sites: vec!["elsewhere".to_owned()], ..statistics() }).await?;
    let served = setup.serve().await?;
    assert_eq!(both(&served, &good).await?, (200, "ok".to_owned()));
    for token in ["wrong", &good[..46], &good.to_uppercase(), &revoked] {
        assert_eq!(both(&served, token).await?, (401, "invalidtoken".to_owned()), "{token}");
    }
    // An expired token is told so by the first call, and unknown afterwards.
    assert_eq!(both(&served, &expired).await?, (401, "invalidtoken".to_owned()));
    assert_eq!(both(&served, &foreign_scope).await?, (403, "accessexception".to_owned()));
    assert_eq!(both(&served, &foreign_address).await?, (403, "accessexception".to_owned()));
    assert_eq!(
        both(&served, &foreign_site).await?,
        (404, "generalexceptionmessage".to_owned()),
        "its home is not there"
    );
    let here = served.get("/v1/stats/users/5?site=main").bearer_auth(&foreign_site).send().await?;
    assert_eq!(here.status(), 400, "a site that the token does not see");
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_found_where_clients_put_them() -> Result<()> {
    let setup = Setup::new().await?;
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let path = "/v1/stats/users/5";
    let ways = [
        served.get(path).bearer_auth(&token),
        served.get(path).basic_auth("anybody", Some(&token)),
        served.get(path).basic_auth(&token, None::<&str>),
        served.get(path).header("x-api-key", &token),
        served.get(&format!("{path}?token={token}")),
    ];
    for way in ways {
        let request = way.build()?;
        assert_eq!(served.client.execute(request.try_clone().unwrap()).await?.status(), 200, "{request:?}");
    }
    let nobody = served.get(path).send().await?;
    assert_eq!((nobody.status().as_u16(), nobody.headers().contains_key("www-authenticate")), (401, true));
    // Moodle's protocol ignores the header, and reads the token from query and form.
    let url = "/webservice/rest/server.php?wsfunction=core_webservice_get_site_info&moodlewsrestformat=json";
    let ignored = super::json(served.get(url).bearer_auth(&token).send().await?).await?;
    assert_eq!(ignored["errorcode"], "invalidtoken");
    let query = super::json(served.get(&format!("{url}&wstoken={token}")).send().await?).await?;
    assert_eq!(query["siteid"], 1);
    let form = super::json(served.post(url).form(&[("wstoken", &token)]).send().await?).await?;
    assert_eq!(form["siteid"], 1);
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_trusted_proxies_tell_the_address() -> Result<()> {
    let setup = Setup::new().await?;
    let (_, token) = setup.token(NewToken { addresses: "10.0.0.0/8".parse()?, ..statistics() }).await?;
    let ask = async |served: &Served| {
        let request = served.get("/v1/stats/users/5").bearer_auth(&token).header("x-forwarded-for", "10.1.2.3");
        anyhow::Ok(request.send().await?.status().as_u16())
    };
    let direct = setup.serve().await?;
    assert_eq!(ask(&direct).await?, 403);
    direct.finish().await?;
    let behind = setup.set("server.trusted_proxies", "127.0.0.1").serve().await?;
    assert_eq!(ask(&behind).await?, 200);
    behind.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_guesses_is_shut_out() -> Result<()> {
    let setup = Setup::new().await?.set("limits.refusals", "5");
    setup.account().await?;
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    for _ in 0..6 {
        assert_eq!(served.get("/v1/stats/users/5").bearer_auth("guess").send().await?.status(), 401);
    }
    let refused = served.get("/v1/stats/users/5").bearer_auth(&token).send().await?;
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str()?), (429, "12"), "five a minute");
    let form = [("username", "erp"), ("password", PASSWORD), ("service", "x")];
    let login = served.post("/login/token.php").form(&form).send().await?;
    assert_eq!(
        (login.status().as_u16(), super::json(login).await?["errorcode"].clone()),
        (429, json!("servertoobusy"))
    );
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_over_its_rate_waits() -> Result<()> {
    let setup = Setup::new().await?.set("limits.rate", "1");
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(served.get("/v1/stats/users/5").bearer_auth(&token).send().await?.status().as_u16());
    }
    assert_eq!(statuses[..2], [200, 200], "twice as many in reserve");
    assert!(statuses.contains(&429), "{statuses:?}");
    let rest = format!("/webservice/rest/server.php?wstoken={token}&wsfunction=core_webservice_get_site_info");
    let mut moodle = Vec::new();
    for _ in 0..4 {
        moodle.push(served.get(&rest).send().await?.status().as_u16());
    }
    assert!(moodle.contains(&429), "{moodle:?}");
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_for_operators() -> Result<()> {
    let setup = Setup::new().await?.set("server.metrics_from", "10.0.0.0/8");
    let (_, admin) = setup.token(NewToken { scopes: [Scope::Admin].into(), ..NewToken::default() }).await?;
    let (other, served) = (setup.statistics().await?, setup.serve().await?);
    assert_eq!(served.get("/metrics").send().await?.status(), 401);
    assert_eq!(served.get("/metrics").bearer_auth(&other).send().await?.status(), 403);
    assert_eq!(served.get("/metrics").bearer_auth(&admin).send().await?.status(), 200);
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tokens_only_this_machine_is_served() -> Result<()> {
    let setup = Setup::new().await?.set("server.authentication", "none");
    let served = setup.serve().await?;
    assert_eq!(served.get("/v1/stats/users/5").send().await?.status(), 200);
    assert_eq!(served.call("", "core_webservice_get_site_info", &[]).await?["siteid"], 1);
    served.finish().await?;
    let open = setup.set("server.listen", "0.0.0.0:0");
    assert_eq!(ServerSettings::try_new(&open.config, 2).unwrap_err().kind(), ErrorKind::Invalid);
    Ok(())
}

/// Everything that the program says, its log at the finest level included, while clients send secrets in every place and
/// make every mistake.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_logs_errors_and_metrics() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(
        folder.path().join("assidu.toml"),
        "[moodle]\ndebug = true\nlogin_by_url = true\n[moodle.services.svc]\n",
    )?;
    let setup = Setup::on(Engine::open(&folder.path().join("store").to_string_lossy(), &[]).await?).await?;
    setup.account().await?;
    let token = setup.statistics().await?;
    let (_, expired) = setup.token(NewToken { expires: Some(NOW - 1), ..statistics() }).await?;
    let wrong = "asd_wrong-but-secret-all-the-same";
    let mut process = Process::start(folder, "trace", &["--limit-refusals", "0", "--drain-delay", "0"]).await?;
    let (client, root) = (reqwest::Client::new(), process.root.clone());
    let get = |path: &str| client.get(format!("{root}{path}"));
    let mut said = String::new();
    for token in [token.as_str(), &expired, wrong] {
        for path in [
            format!("/webservice/rest/server.php?wstoken={token}&wsfunction=nope"),
            format!("/webservice/rest/server.php?wstoken={token}&wsfunction=block_use_stats_get_user_stats&uid=1&x=2"),
            format!("/v1/stats/users/5?token={token}&from=bad"),
        ] {
            said.push_str(&get(&path).send().await?.text().await?);
        }
        said.push_str(&get("/v1/stats/users/99").bearer_auth(token).send().await?.text().await?);
        said.push_str(&get("/v1/stats/users/99").basic_auth("x", Some(token)).send().await?.text().await?);
        said.push_str(&get(&format!("/v1/{token}")).send().await?.text().await?);
    }
    for password in [PASSWORD, "another secret password"] {
        let form = [("username", "erp"), ("password", password), ("service", "svc")];
        let answer = super::json(client.post(format!("{root}/login/token.php")).form(&form).send().await?).await?;
        said.push_str(answer["error"].as_str().unwrap_or_default());
        let query = format!("/login/token.php?username=erp&password={}&service=nope", password.replace(' ', "+"));
        said.push_str(&get(&query).send().await?.text().await?);
    }
    said.push_str(&get("/metrics").send().await?.text().await?);
    process.signal("TERM")?;
    assert_eq!(process.wait()?, Some(0));
    let log = std::fs::read_to_string(process.log())?;
    for part in ["/v1/stats/users/{id}", "a login was refused", "what is wrong with it"] {
        assert!(log.contains(part), "the log was kept, and has no `{part}`");
    }
    // What the libraries below say at `trace` is theirs; nothing of it is ours to promise.
    let own_log: String = log.lines().filter(|line| line.contains(" server::") || line.contains(" engine::")).collect();
    for secret in [token.as_str(), &expired, wrong, PASSWORD, "another secret password", "another+secret"] {
        assert!(!own_log.contains(secret), "{secret} is in the log");
        assert!(!said.contains(secret), "{secret} is in an answer: {said}");
    }
    Ok(())
}
