//! The calls without a login that some clients make before theirs: `/lib/ajax/service.php`.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::http::App;

/// Most calls of one batch.
const MAX_CALLS: usize = 20;

/// The one function that answers.
const PUBLIC_CONFIG: &str = "tool_mobile_get_public_config";

/// How a client logs in: with a name and a password, which it sends to `login/token.php`.
const LOGIN_VIA_APP: i64 = 1;

#[derive(Deserialize)]
struct Call {
    methodname: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Reply {
    Data { error: bool, data: Json },
    Failed { error: bool, exception: Json },
}

/// Answers a batch of calls; after one that fails no more are answered, as in Moodle.
pub(crate) async fn answer(app: &App, body: &[u8], origin: Option<&str>) -> Json {
    let calls: Vec<Call> = match serde_json::from_slice::<Vec<Call>>(body) {
        Ok(calls) if calls.len() <= MAX_CALLS => calls,
        _ => return json!([failed("invalidparameter", "Invalid parameter value detected")]),
    };
    let mut replies = Vec::with_capacity(calls.len());
    for call in calls {
        if call.methodname != PUBLIC_CONFIG {
            replies.push(failed(
                "servicenotavailable",
                "Web service is not available. (It doesn't exist or might be disabled.)",
            ));
            break;
        }
        match public_config(app, origin).await {
            Ok(data) => replies.push(Reply::Data { error: false, data }),
            Err(error) => {
                tracing::error!(error = %error.describe(engine::Lang::En), "the site cannot be told");
                replies.push(failed(
                    "generalexceptionmessage",
                    "The server could not answer this call; its log has the reason",
                ));
                break;
            }
        }
    }
    json!(replies)
}

fn failed(code: &str, message: &str) -> Reply {
    Reply::Failed {
        error: true,
        exception: json!({"message": message, "errorcode": code, "link": "", "moreinfourl": ""}),
    }
}

/// What everybody may know of the default site.
async fn public_config(app: &App, origin: Option<&str>) -> Result<Json, engine::Error> {
    let site = app.site_of(None, origin).await?;
    Ok(json!({
        "wwwroot": site.wwwroot,
        "httpswwwroot": site.wwwroot,
        "sitename": site.fullname,
        "guestlogin": 0,
        "rememberusername": 0,
        "authloginviaemail": 0,
        "registerauth": "",
        "forgottenpasswordurl": "",
        "authinstructions": "",
        "authnoneenabled": 0,
        "enablewebservices": i64::from(app.settings.moodle.enabled),
        "enablemobilewebservice": i64::from(app.settings.moodle.enabled && app.settings.moodle.rest),
        "maintenanceenabled": i64::from(app.settings.moodle.maintenance),
        "maintenancemessage": "",
        "typeoflogin": LOGIN_VIA_APP,
        "launchurl": format!("{}/login/token.php", site.wwwroot),
        "lang": site.lang,
        "identityproviders": [],
        "warnings": [],
    }))
}
