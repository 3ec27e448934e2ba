//! Calls to sites that answer, stumble, hang, and lie.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response as Answer};
use axum::routing::post;
use rstest::rstest;
use tokio::net::TcpListener;

use super::*;
use crate::moodle::DistributedAnswer;

const TOKEN: &str = "0123456789abcdef";

/// What the other site does at its n-th call, from 0, with the body of the call.
type Behaviour = fn(usize, String) -> Answer;

#[derive(Clone)]
struct Site {
    calls: Arc<AtomicUsize>,
    behaviour: Behaviour,
}

async fn serve(State(site): State<Site>, headers: HeaderMap, body: String) -> Answer {
    assert_eq!(headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    (site.behaviour)(site.calls.fetch_add(1, Ordering::SeqCst), body)
}

/// A site below the path `/campus`, and the peer that it is.
async fn site(behaviour: Behaviour) -> (Peer, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let state = Site { calls: Arc::clone(&calls), behaviour };
    let router = Router::new().route("/campus/webservice/rest/server.php", post(serve)).with_state(state);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}/campus/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (peer(&root), calls)
}

fn peer(root: &str) -> Peer {
    Peer {
        name: "other".to_owned(),
        wwwroot: Url::parse(root).unwrap(),
        token: TOKEN.to_owned(),
        timeout: Duration::from_secs(20),
        retries: 2,
        ca: None,
    }
}

async fn call(peer: &Peer) -> Result<Value, PeerFailure> {
    let relay = Relay::try_new(std::slice::from_ref(peer)).unwrap();
    let arguments = [("targetuser", "été & co"), ("wstoken", "of the caller"), ("callinguser[username]", "u")];
    let arguments = arguments.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let result = relay.call(peer, "use_stats_rpc_get_stats", &arguments).await;
    if let Err(failure) = &result {
        assert!(!format!("{failure:?} {failure}").contains(TOKEN), "{failure}");
    }
    result
}

/// The text of an answer, as `json_response` wraps it.
fn wrapped(text: &str) -> Answer {
    serde_json::to_string(text).unwrap().into_response()
}

#[tokio::test]
async fn a_call_is_a_form_with_the_token_and_its_answer_is_unwrapped() {
    let (peer, calls) = site(|_, body| {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let expected = [
            ("targetuser", "été & co"),
            ("callinguser[username]", "u"),
            ("wstoken", TOKEN),
            ("wsfunction", "use_stats_rpc_get_stats"),
            ("moodlewsrestformat", "json"),
        ];
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let met = if form == expected { 200 } else { 599 };
        wrapped(&format!("{{\"status\":{met},\"errors\":[[]],\"message\":\"<USE_STATS\\/>\"}}"))
    })
    .await;
    let answer = DistributedAnswer::relayed(call(&peer).await);
    assert_eq!(answer, DistributedAnswer::success("<USE_STATS/>".to_owned()));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_answer_that_is_an_object_is_taken_as_it_is() {
    let (peer, _) =
        site(|_, _| "{\"status\":520,\"errors\":[[],\"Target user does not exist.\"]}".into_response()).await;
    let answer = call(&peer).await.unwrap();
    assert_eq!(answer["status"], 520);
    let answer = DistributedAnswer::relayed(Ok(answer));
    let expected = "{\"status\":500,\"errors\":[[],\"Remote application error : Target user does not exist.\"]}";
    assert_eq!(answer.to_json(), expected);
}

#[tokio::test]
async fn a_site_that_is_busy_is_asked_again() {
    let (peer, calls) = site(|n, _| match n {
        0 | 1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => "{\"status\":200}".into_response(),
    })
    .await;
    let start = Instant::now();
    assert_eq!(call(&peer).await.unwrap()["status"], 200);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert!(start.elapsed() >= Duration::from_millis(400), "pauses of 100 and 300 ms");
}

#[rstest]
#[case(502, 3)]
#[case(504, 3)]
#[case(500, 1)]
#[case(403, 1)]
#[case(204, 1)]
#[tokio::test]
async fn other_statuses_are_failures(#[case] status: u16, #[case] expected: usize) {
    let (peer, calls) = match status {
        502 => site(|_, _| StatusCode::BAD_GATEWAY.into_response()).await,
        504 => site(|_, _| StatusCode::GATEWAY_TIMEOUT.into_response()).await,
        403 => site(|_, _| StatusCode::FORBIDDEN.into_response()).await,
        204 => site(|_, _| StatusCode::NO_CONTENT.into_response()).await,
        _ => site(|_, _| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await,
    };
    let failure = call(&peer).await.unwrap_err();
    assert_eq!(failure.kind, PeerFailureKind::Status(status));
    assert_eq!(calls.load(Ordering::SeqCst), expected);
    let answer = DistributedAnswer::relayed(Err(failure));
    assert_eq!((answer.status, answer.errors[1].as_str().unwrap().starts_with("REMOTE : ")), (500, true));
}

#[tokio::test]
async fn pauses_end_with_the_time_of_the_call() {
    let (peer, calls) = site(|_, _| StatusCode::SERVICE_UNAVAILABLE.into_response()).await;
    let peer = Peer { timeout: Duration::from_millis(350), retries: 50, ..peer };
    let start = Instant::now();
    assert_eq!(call(&peer).await.unwrap_err().kind, PeerFailureKind::Status(503));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(calls.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_site_that_hangs_is_given_up() {
    let (peer, calls) = site(|_, _| {
        let forever = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        Body::from_stream(forever).into_response()
    })
    .await;
    let peer = Peer { timeout: Duration::from_millis(300), ..peer };
    let start = Instant::now();
    assert_eq!(call(&peer).await.unwrap_err().kind, PeerFailureKind::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let (peer, _) = site(|_, _| {
        let chunk = bytes::Bytes::from(vec![b' '; 64 * 1024]);
        let endless = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        Body::from_stream(endless).into_response()
    })
    .await;
    assert_eq!(call(&peer).await.unwrap_err().kind, PeerFailureKind::TooLarge);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (peer, calls) = site(|_, _| {
        let location = [(header::LOCATION, "/campus/webservice/rest/server.php")];
        (StatusCode::TEMPORARY_REDIRECT, location).into_response()
    })
    .await;
    let failure = call(&peer).await.unwrap_err();
    assert_eq!(failure.kind, PeerFailureKind::Status(307));
    assert!(failure.message.fr.contains("redirige"));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[rstest]
#[case(|_: usize, _: String| "<html>".into_response())]
#[case(|_: usize, _: String| "".into_response())]
#[case(|_: usize, _: String| wrapped("<html>"))]
#[tokio::test]
async fn what_is_not_json_is_a_failure(#[case] behaviour: Behaviour) {
    let (peer, _) = site(behaviour).await;
    assert_eq!(call(&peer).await.unwrap_err().kind, PeerFailureKind::NotJson);
}

#[tokio::test]
async fn an_exception_is_told_on_one_line_without_the_token() {
    let (peer, _) = site(|_, body| {
        let text = format!("Invalid token\n- {} not found in {body}", TOKEN);
        let exception =
            serde_json::json!({"exception": "moodle_exception", "errorcode": "invalidtoken", "message": text});
        exception.to_string().into_response()
    })
    .await;
    let failure = call(&peer).await.unwrap_err();
    assert_eq!(failure.kind, PeerFailureKind::Exception);
    assert!(failure.to_string().starts_with("Invalid token - ••• not found in"), "{failure}");
    assert!(failure.to_string().chars().count() <= MAX_MESSAGE);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let peer = Peer { retries: 1, ..peer(&root) };
    let failure = call(&peer).await.unwrap_err();
    assert_eq!(failure.kind, PeerFailureKind::Unreachable);
    let answer = DistributedAnswer::relayed(Err(failure)).to_json();
    assert_eq!(answer, "{\"status\":500,\"errors\":[[],\"REMOTE : the other site cannot be reached\"]}");
}

#[tokio::test]
async fn a_peer_of_another_configuration_is_none() {
    let peer = peer("http://127.0.0.1:1/");
    let failure = Relay::default().call(&peer, "f", &[]).await.unwrap_err();
    assert_eq!(failure.kind, PeerFailureKind::Configuration);
}

#[rstest]
#[case("https://moodle.example.org", true)]
#[case("https://moodle.example.org/campus", true)]
#[case("http://localhost:8080", true)]
#[case("http://[::1]/", true)]
#[case("http://127.1.2.3/", true)]
#[case("http://moodle.example.org", false)]
#[case("http://localhost.example.org", false)]
#[case("http://10.0.0.1", false)]
#[case("ftp://localhost", false)]
#[case("https://user:secret@moodle.example.org", false)]
#[case("https://moodle.example.org/?a=b", false)]
fn a_root_is_a_bare_address_with_tls(#[case] root: &str, #[case] good: bool) {
    assert_eq!(Relay::try_new(&[peer(root)]).is_ok(), good, "{root}");
}

#[test]
fn certificates_are_checked_at_the_start_and_the_token_is_never_shown() {
    let bad = Peer { ca: Some(b"no certificate".to_vec()), ..peer("https://moodle.example.org") };
    assert_eq!(Relay::try_new(std::slice::from_ref(&bad)).unwrap_err().kind(), ErrorKind::Invalid);
    assert!(!format!("{bad:?}").contains(TOKEN));
}

#[test]
fn a_peer_is_found_by_its_root() {
    let peers = [peer("https://a.example/"), peer("https://b.example/campus")];
    assert!(Peer::of_root(&peers, "HTTPS://B.example/campus/").is_some());
    assert!(Peer::of_root(&peers, "https://b.example").is_none() && Peer::of_root(&peers, "").is_none());
}
