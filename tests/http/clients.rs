//! Clients that are slow, and clients that leave: neither holds work.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use engine::stats::Stats;
use engine::stats::services::{Call, ServiceResult, UserCourseStats, UserStats};
use futures::FutureExt;
use futures::future::BoxFuture;
use server::moodle::Figures;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Served, Setup};

/// Figures that never come; counts who waits for them.
#[derive(Debug, Clone, Default)]
struct Never(Arc<AtomicUsize>);

struct Waiting(Arc<AtomicUsize>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Never {
    fn wait<T>(&self) -> BoxFuture<'static, T> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let waiting = Waiting(Arc::clone(&self.0));
        async move {
            let _waiting = waiting;
            std::future::pending().await
        }
        .boxed()
    }

    /// Waits until so many wait.
    async fn reach(&self, count: usize) -> Result<()> {
        for _ in 0..500 {
            if self.0.load(Ordering::SeqCst) == count {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::bail!("{} wait, and not {count}", self.0.load(Ordering::SeqCst))
    }
}

impl Figures for Never {
    fn of_users<'a>(&'a self, _: &'a Stats, _: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserStats>>> {
        self.wait()
    }

    fn in_course<'a>(&'a self, _: &'a Stats, _: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserCourseStats>>> {
        self.wait()
    }
}

fn request(token: &str) -> String {
    let query = format!("wstoken={token}&wsfunction=block_use_stats_get_user_stats&uidsource=id&uid=5");
    format!("GET /webservice/rest/server.php?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_work_of_a_client_that_leaves_is_dropped() -> Result<()> {
    let setup = Setup::new().await?.set("limits.work", "1");
    let (token, never) = (setup.statistics().await?, Never::default());
    let served = Served::start(setup.app()?.with_figures(Arc::new(never.clone()))).await?;
    for _ in 0..3 {
        let mut leaving = TcpStream::connect(served.address).await?;
        leaving.write_all(request(&token).as_bytes()).await?;
        never.reach(1).await?;
        drop(leaving);
        never.reach(0).await?;
    }
    // The one turn is free again: another function answers.
    assert_eq!(
        served.call(&token, "tool_sync_check_course", &[("courseidsource", "id"), ("courseid", "2")]).await?,
        true
    );
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_its_time_ends() -> Result<()> {
    let setup = Setup::new().await?.set("limits.time", "1s");
    let (token, never) = (setup.statistics().await?, Never::default());
    let served = Served::start(setup.app()?.with_figures(Arc::new(never.clone()))).await?;
    let path = format!(
        "/webservice/rest/server.php?wstoken={token}&wsfunction=block_use_stats_get_user_stats&uidsource=id&uid=5&moodlewsrestformat=json"
    );
    let answer = served.get(&path).send().await?;
    assert_eq!(
        (answer.status().as_u16(), super::json(answer).await?["errorcode"].clone()),
        (504, "servertoobusy".into())
    );
    never.reach(0).await?;
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_hold_no_turn_and_are_let_go() -> Result<()> {
    let setup = Setup::new().await?.set("limits.work", "1").set("limits.header_time", "1s").set("limits.time", "2s");
    let (token, served) = (setup.statistics().await?, setup.serve().await?);
    let mut slow = Vec::new();
    for at in 0..20 {
        let mut stream = TcpStream::connect(served.address).await?;
        // Half of them stop in the head, the others in the body.
        let head = "POST /webservice/rest/server.php HTTP/1.1\r\nHost: localhost\r\n";
        let rest = if at % 2 == 0 { "X-Slow: " } else { "Content-Length: 100\r\n\r\nwstoken" };
        stream.write_all(format!("{head}{rest}").as_bytes()).await?;
        slow.push(stream);
    }
    let info = served.call(&token, "core_webservice_get_site_info", &[]).await?;
    assert_eq!(info["siteid"], 1, "others are served meanwhile");
    for mut stream in slow {
        let mut answer = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.expect("let go")?;
    }
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_limit_of_requests_callers_are_told_to_come_back() -> Result<()> {
    let setup = Setup::new().await?.set("limits.requests", "1");
    let (token, never) = (setup.statistics().await?, Never::default());
    let served = Served::start(setup.app()?.with_figures(Arc::new(never.clone()))).await?;
    let mut first = TcpStream::connect(served.address).await?;
    first.write_all(request(&token).as_bytes()).await?;
    never.reach(1).await?;
    let native = served.get("/v1/stats/users/5").bearer_auth(&token).send().await?;
    assert_eq!((native.status().as_u16(), native.headers()["retry-after"].to_str()?), (503, "1"));
    let moodle = served.get(&format!("/webservice/rest/server.php?wstoken={token}")).send().await?;
    assert_eq!(moodle.status(), 503);
    assert!(moodle.text().await?.contains("<ERRORCODE>servertoobusy</ERRORCODE>"));
    drop(first);
    never.reach(0).await?;
    served.finish().await
}
