//! The web services of Moodle over a real store.

use anyhow::Result;
use serde_json::{Value, json};

use super::{PASSWORD, Served, Setup};

const USER: &[(&str, &str)] = &[("uidsource", "id"), ("uid", "5"), ("score", "0"), ("cidsource", "")];

/// The numbers of the worked example of the specification, as the plugin answers them.
#[tokio::test(flavor = "multi_thread")]
async fn the_exact_profile_answers_like_the_plugin() -> Result<()> {
    let setup = Setup::new().await?.set("compat.exact", "true");
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let answer = served.call(&token, "block_use_stats_get_user_stats", USER).await?;
    let sessions = &answer["sessions"];
    assert_eq!(
        (&sessions["sessions"], &sessions["sessionmax"], &sessions["sessionmin"]),
        (&json!(2), &json!(2740), &json!(900))
    );
    assert_eq!(sessions["meansession"], 1820);
    let course =
        |id: i64| answer["courses"].as_array().and_then(|all| all.iter().find(|course| course["id"] == id)).cloned();
    let figures = |course: Option<Value>| {
        let course = course.unwrap_or_default();
        ["activitytime", "coursetime", "coursetotal", "othertime", "sitecoursetime"].map(|name| course[name].as_i64())
    };
    assert_eq!(figures(course(2)), [0, 1000, 2590, 0, 900].map(Some));
    assert_eq!(figures(course(3)), [0, 150, 150, 0, 900].map(Some));
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_corrected_profile_has_the_time_of_activities_and_one_course_when_asked() -> Result<()> {
    let setup = Setup::new().await?;
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let one = [("uidsource", "id"), ("uid", "5"), ("cidsource", "id"), ("cid", "2")];
    let answer = served.call(&token, "block_use_stats_get_user_stats", &one).await?;
    let courses = answer["courses"].as_array().unwrap();
    assert_eq!(courses.len(), 1);
    assert_eq!((&courses[0]["activitytime"], &courses[0]["score"]), (&json!(1590), &json!("-")));
    assert_eq!(answer["query"]["to"], super::NOW);

    let many = [("uidsource", "id"), ("uids[0]", "5"), ("uids[1]", "5")];
    let answer = served.call(&token, "block_use_stats_get_users_stats", &many).await?;
    assert_eq!(answer.as_array().map(Vec::len), Some(2));
    assert_eq!(answer[0], answer[1]);
    let course = [("uidsource", "id"), ("uids[]", "5"), ("cidsource", "id"), ("cid", "2")];
    let answer = served.call(&token, "block_use_stats_get_users_course_stats", &course).await?;
    assert_eq!((&answer[0]["coursedata"]["id"], &answer[0]["coursedata"]["coursetotal"]), (&json!(2), &json!(2590)));
    served.finish().await
}

/// Members that are not there are left out in JSON and null in XML; nobody without a hit has a session.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_hit_has_an_empty_list_in_json_and_nulls_in_xml() -> Result<()> {
    let setup = Setup::new().await?;
    let users = "id,username,firstname,lastname\n77,nobody,No,Body\n";
    tests::load(&setup.engine, vec![tests::source("mdl_user.csv", users)]).await?;
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let nobody = [("uidsource", "username"), ("uid", "nobody"), ("cid", "0")];
    let answer = served.call(&token, "block_use_stats_get_user_stats", &nobody).await?;
    assert_eq!((&answer["sessions"], &answer["courses"]), (&json!([]), &json!([])));
    let path = format!(
        "/service/rest/server.php?wstoken={token}&wsfunction=block_use_stats_get_user_stats&uidsource=username&uid=nobody"
    );
    let text = served.get(&path).send().await?.text().await?;
    let expected = "<KEY name=\"sessions\"><SINGLE>\n<KEY name=\"sessions\"><VALUE null=\"null\"/>\n</KEY>\n";
    assert!(text.contains(expected), "{text}");
    assert!(text.contains("<KEY name=\"courses\"><MULTIPLE>\n</MULTIPLE>\n</KEY>\n"), "{text}");
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gives_a_token_that_works_and_is_the_same_again() -> Result<()> {
    let mut setup = Setup::new().await?;
    setup.config.services.insert("erp_svc".to_owned(), server::settings::Service::default());
    setup.account().await?;
    let served = setup.serve().await?;
    let form = [("username", "ERP"), ("password", PASSWORD), ("service", "erp!_svc")];
    let login = async || super::json(served.post("/login/token.php").form(&form).send().await?).await;
    let (first, second) = (login().await?, login().await?);
    assert_eq!(first, second, "the same token, and foreign characters of the service are removed");
    assert_eq!(first["privatetoken"], Value::Null);
    let token = first["token"].as_str().unwrap();
    let info = served.call(token, "core_webservice_get_site_info", &[]).await?;
    assert_eq!((&info["username"], &info["siteurl"]), (&json!("erp"), &json!(served.url("").trim_end_matches('/'))));
    let names: Vec<&str> =
        info["functions"].as_array().unwrap().iter().filter_map(|function| function["name"].as_str()).collect();
    assert!(names.contains(&"block_use_stats_get_user_stats") && names.contains(&"use_stats_rpc_get_scores_wrapped"));
    assert_eq!(
        served.call(token, "tool_sync_check_course", &[("courseidsource", "id"), ("courseid", "2")]).await?,
        true
    );
    assert_eq!(
        served.call(token, "tool_sync_check_course", &[("courseidsource", "shortname"), ("courseid", "NOPE")]).await?,
        false
    );

    let path = format!("/login/token.php?username=erp&password={}&service=erp_svc", PASSWORD.replace(' ', "%20"));
    let refused = super::json(served.get(&path).send().await?).await?;
    assert_eq!(refused["errorcode"], "invalidlogin", "a password in a URL is refused");
    served.finish().await
}

/// What pymoodle asks before its login.
#[tokio::test(flavor = "multi_thread")]
async fn clients_learn_how_to_log_in() -> Result<()> {
    let served = Setup::new().await?.serve().await?;
    let batch = |method: &str| json!([{"index": 0, "methodname": method, "args": {}}]).to_string();
    let ask = async |body: String| super::json(served.post("/lib/ajax/service.php").body(body).send().await?).await;
    let config = ask(batch("tool_mobile_get_public_config")).await?;
    assert_eq!((&config[0]["error"], &config[0]["data"]["typeoflogin"]), (&json!(false), &json!(1)));
    let other = ask(batch("core_user_get_users")).await?;
    assert_eq!(other[0]["exception"]["errorcode"], "servicenotavailable");
    assert_eq!(ask("nonsense".to_owned()).await?[0]["error"], true);
    served.finish().await
}

const HOME: &str = "https://moodle.example.org";
const OTHER: &str = "https://other.example.org";

/// Two sites of one store, with the same people.
async fn two_sites() -> Result<Setup> {
    let mut setup = Setup::new().await?;
    super::load(&setup.engine, Some("other")).await?;
    for (name, wwwroot) in [("main", HOME), ("other", OTHER)] {
        let site = server::settings::SiteSettings { wwwroot: wwwroot.to_owned(), ..Default::default() };
        setup.config.sites.insert(name.to_owned(), site);
    }
    Ok(setup)
}

/// Login name of the user of the worked example.
const USER5: &str = "user5";

/// A call of the distributed function; the JSON that its text holds.
async fn distributed(served: &Served, token: &str, user: &str, root: &str, more: &[(&str, &str)]) -> Result<Value> {
    let calling = [
        ("callinguser[username]", user),
        ("callinguser[remoteuserhostroot]", HOME),
        ("callinguser[remotehostroot]", HOME),
        ("targetuser", user),
        ("whereroot", root),
    ];
    let arguments: Vec<_> = calling.iter().chain(more).copied().collect();
    let answer = served.call(token, "use_stats_rpc_get_stats", &arguments).await?;
    Ok(serde_json::from_str(answer.as_str().unwrap_or("null"))?)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_of_the_store_answers_for_its_root() -> Result<()> {
    let setup = two_sites().await?;
    let user = USER5.to_owned();
    let all = setup.statistics().await?;
    let sites = vec!["main".to_owned()];
    let scopes = [server::access::Scope::Statistics].into();
    let (_, home_only) = setup.token(server::access::NewToken { scopes, sites, ..Default::default() }).await?;
    let served = setup.serve().await?;
    let scope = [("statsscope", "2")];
    let here = distributed(&served, &all, &user, "", &scope).await?;
    assert_eq!(here["status"], 200, "{here}");
    assert!(here["message"].as_str().unwrap().starts_with("<USE_STATS>\n<USER>\n\t<USERNAME>"), "{here}");
    assert_eq!(distributed(&served, &all, &user, "https://MOODLE.example.org/", &scope).await?, here, "our own root");
    assert_eq!(distributed(&served, &all, &user, OTHER, &scope).await?, here, "the same people there");
    assert_eq!(distributed(&served, &home_only, &user, OTHER, &scope).await?["status"], 510);
    let unknown = distributed(&served, &all, &user, "https://nowhere.example.org", &scope).await?;
    assert_eq!(
        (&unknown["status"], &unknown["errors"][1]),
        (&json!(500), &json!("REMOTE : the site is not known here"))
    );
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_arguments_may_come_as_one_map() -> Result<()> {
    let setup = two_sites().await?;
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let calling = [("username", USER5), ("remoteuserhostroot", HOME), ("remotehostroot", HOME)];
    let calling = calling.map(|(name, value)| (format!("wrapped[callinguser][{name}]"), value));
    let mut arguments: Vec<(&str, &str)> = calling.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    arguments.extend([("wrapped[targetuser]", USER5), ("wrapped[json_response]", "0")]);
    let answer = served.call(&token, "use_stats_rpc_get_stats_wrapped", &arguments).await?;
    assert_eq!(answer["status"], 200, "{answer}");
    let course = [("wrapped[courseidfield]", "shortname"), ("wrapped[courseidentifier]", "ALGE2")];
    let answer = served.call(&token, "use_stats_rpc_get_scores_wrapped", &[&arguments[..], &course].concat()).await?;
    assert_eq!(answer["status"], 200, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("<SHORTNAME>ALGE2</SHORTNAME>"), "{answer}");
    // A key of the caller that is missing has its own status, and is no wrong argument.
    let nobody =
        served.call(&token, "use_stats_rpc_get_stats", &[("targetuser", USER5), ("json_response", "0")]).await?;
    assert_eq!((&nobody["status"], &nobody["errors"]), (&json!(501), &json!(["Bad client user format."])));
    served.finish().await
}

/// One Assidu asks another one, over HTTP, with a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_peer_answers_for_its_own_site() -> Result<()> {
    let mut far = Setup::new().await?;
    let site = server::settings::SiteSettings { wwwroot: OTHER.to_owned(), ..Default::default() };
    far.config.sites.insert("main".to_owned(), site);
    far.config.hosts.push(HOME.to_owned());
    let (far_token, user) = (far.statistics().await?, USER5.to_owned());
    let far_engine = far.engine.clone();
    let far = far.serve().await?;

    let mut near = Setup::new().await?;
    let site = server::settings::SiteSettings { wwwroot: HOME.to_owned(), ..Default::default() };
    near.config.sites.insert("main".to_owned(), site);
    let token = near.statistics().await?;
    let peer = |token: &str| server::peer::Peer {
        name: "far".to_owned(),
        wwwroot: far.url("").parse().unwrap(),
        token: token.to_owned(),
        timeout: std::time::Duration::from_secs(5),
        retries: 0,
        ca: None,
    };
    let served = Served::start(near.app()?.with_peers(vec![peer(&far_token)])?).await?;
    let far_root = far.url("");
    // The far site does not know the user's home; it computes for those whom it knows.
    let answer = distributed(&served, &token, &user, &far_root, &[]).await?;
    assert_eq!(answer["status"], 500);
    let told = answer["errors"][1].as_str().unwrap();
    assert_eq!(told, "Remote application error : Calling user has no local account. Register remote user first");
    // Now it has an account of the user, whose home is the near site.
    let hosts = format!("id,wwwroot,name\n1,{OTHER},far\n7,{HOME},near\n");
    let visitor = format!("id,username,firstname,lastname,mnethostid\n50,{USER5},First5,Last5,7\n");
    let sources = vec![tests::source("mdl_mnet_host.csv", hosts), tests::source("mdl_user.csv", visitor)];
    tests::load(&far_engine, sources).await?;
    let answer = distributed(&served, &token, &user, &far_root, &[("statsscope", "2")]).await?;
    assert_eq!(answer["status"], 200, "{answer}");
    assert_eq!(answer, distributed(&served, &token, &user, "", &[("statsscope", "2")]).await?, "the same log there");
    served.finish().await?;

    let wrong = Served::start(near.app()?.with_peers(vec![peer("wrong")])?).await?;
    let answer = distributed(&wrong, &token, &user, &far_root, &[]).await?;
    assert_eq!(answer["errors"][1], "REMOTE : Invalid token - token not found");
    far.finish().await?;
    let answer = distributed(&wrong, &token, &user, &far_root, &[]).await?;
    assert!(answer["errors"][1].as_str().unwrap().starts_with("REMOTE : "), "{answer}");
    wrong.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn xml_rpc_calls_by_position() -> Result<()> {
    let setup = two_sites().await?;
    let (token, user) = (setup.statistics().await?, USER5.to_owned());
    let off = setup.serve().await?;
    let path = format!("/webservice/xmlrpc/server.php?wstoken={token}");
    assert_eq!(off.post(&path).body("x").send().await?.status(), 403);
    off.finish().await?;
    let served = setup.set("moodle.xmlrpc", "true").serve().await?;
    let ask = async |body: String| anyhow::Ok(served.post(&path).body(body).send().await?.text().await?);
    let member = |name: &str, value: &str| {
        format!("<member><name>{name}</name><value><string>{value}</string></value></member>")
    };
    let calling =
        [member("username", &user), member("remoteuserhostroot", HOME), member("remotehostroot", HOME)].concat();
    let call = format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>use_stats_rpc_get_stats</methodName><params>\
         <param><value><struct>{calling}</struct></value></param><param><value>{user}</value></param>\
         <param><value></value></param><param><value><int>1</int></value></param><param><value><int>0</int></value></param>\
         <param><value><boolean>0</boolean></value></param></params></methodCall>"
    );
    let answer = ask(call).await?;
    assert!(answer.contains("<name>status</name><value><int>200</int></value>"), "{answer}");
    assert!(answer.contains("&lt;USE_STATS&gt;"), "{answer}");
    let unknown = ask("<methodCall><methodName>nope</methodName></methodCall>".to_owned()).await?;
    assert!(unknown.contains("ERRORCODE: invalidrecord"), "{unknown}");
    let broken = ask("<methodCall>".to_owned()).await?;
    assert!(broken.contains("ERRORCODE: invalidparameter"), "{broken}");
    let nobody = served.post("/webservice/xmlrpc/server.php").body("<methodCall/>").send().await?.text().await?;
    assert!(nobody.contains("ERRORCODE: invalidtoken"), "{nobody}");
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_errors_and_never_silent() -> Result<()> {
    let setup = Setup::new().await?.set("limits.list", "3").set("limits.fields", "10").set("limits.body", "1kB");
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let users = |count: usize| (0..count).map(|_| ("uids[]", "5")).collect::<Vec<_>>();
    let call = async |count: usize| {
        let arguments = [vec![("uidsource", "id")], users(count)].concat();
        served.call(&token, "block_use_stats_get_users_stats", &arguments).await
    };
    assert_eq!(call(3).await?.as_array().map(Vec::len), Some(3));
    for count in [4, 20] {
        assert_eq!(call(count).await?["errorcode"], "invalidparameter", "{count}");
    }
    // A body that is too large is not read, so that nobody knows which form of answer it asks for.
    let form = [vec![("wstoken", token.as_str())], users(400)].concat();
    let text = served.post("/webservice/rest/server.php").form(&form).send().await?.text().await?;
    assert!(text.contains("<ERRORCODE>invalidparameter</ERRORCODE>"), "{text}");
    served.finish().await
}
