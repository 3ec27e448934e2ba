//! The end of a server: a signal under load, and TLS at the other end of its life.

use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::Client;

use super::process::Process;

/// Under load a signal ends the server in good order: not ready at once, everything that was accepted is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_under_load_loses_no_reply() -> Result<()> {
    for name in ["TERM", "INT"] {
        let flags = ["--authentication", "none", "--drain-delay", "1s"];
        let mut process = Process::start(Process::folder()?, "warn", &flags).await?;
        let (client, root) = (Client::new(), process.root.clone());
        let ready = async || anyhow::Ok(client.get(format!("{root}/ready")).send().await?.status().as_u16());
        assert_eq!(ready().await?, 200);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let url = format!("{root}/webservice/rest/server.php?wsfunction=core_webservice_get_site_info");
            tasks.spawn(async move {
                let client = Client::new();
                let mut answered = 0u32;
                // Until the server accepts no more connections: that is the one error that there may be.
                loop {
                    match client.get(&url).send().await {
                        Ok(answer) => {
                            ensure!(answer.status() == 200 && answer.text().await?.contains("<RESPONSE>"), "no answer");
                            answered += 1;
                        }
                        Err(error) if error.is_connect() => return Ok(answered),
                        // A connection that waits for its next request may be closed under it.
                        Err(error) if error.is_request() => return Ok(answered),
                        Err(error) => return Err(error.into()),
                    }
                }
            });
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        process.signal(name)?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(ready().await?, 503, "{name}");
        for answered in tasks.join_all().await {
            assert!(answered? > 0);
        }
        assert_eq!(process.wait()?, Some(0), "{name}");
    }
    Ok(())
}

/// Requests that run when the signal comes are answered: checking a password takes its time, and two are checked at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_waits_for_requests_that_run() -> Result<()> {
    let mut process =
        Process::start(Process::folder()?, "warn", &["--drain-delay", "0", "--limit-refusals", "0"]).await?;
    let mut logins = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = format!("{}/login/token.php", process.root);
        let form = [("username", "nobody"), ("password", "any password"), ("service", "any")];
        logins.spawn(async move { super::json(Client::new().post(url).form(&form).send().await?).await });
    }
    let metrics = format!("{}/metrics", process.root);
    // All of them have arrived.
    loop {
        let text = reqwest::get(&metrics).await?.text().await?;
        // The one that asks runs too.
        if text.contains("assidu_http_requests_running 7\n") {
            break;
        }
        ensure!(!text.contains("route=\"/login/token.php\""), "they end too fast to be met: {text}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.signal("TERM")?;
    for answer in logins.join_all().await {
        assert_eq!(answer?["errorcode"], "invalidlogin");
    }
    assert_eq!(process.wait()?, Some(0));
    Ok(())
}

/// A server with a certificate speaks HTTPS, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_a_certificate_speaks_https() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    let flags = ["--tls-certificate", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let mut process = Process::start(Process::folder()?, "warn", &flags).await?;
    let port = process.root.rsplit(':').next().unwrap().to_owned();
    assert!(process.root.starts_with("https://"), "{}", process.root);
    let authority = reqwest::Certificate::from_pem(made.cert.pem().as_bytes())?;
    let client = Client::builder().add_root_certificate(authority).build()?;
    let live = client.get(format!("https://localhost:{port}/live")).send().await?;
    assert_eq!((live.status().as_u16(), live.version()), (200, reqwest::Version::HTTP_2));
    assert!(client.get(format!("http://localhost:{port}/live")).send().await.is_err());
    process.signal("TERM")?;
    assert_eq!(process.wait()?, Some(0));
    Ok(())
}
