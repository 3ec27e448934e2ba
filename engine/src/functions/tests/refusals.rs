//! Calls that are refused, when they are planned, with the value, the argument and what is allowed.

use rstest::rstest;

use super::{run, session, value};
use crate::error::Error;
use crate::text::Lang;

const HITS: &str = "(VALUES (1, 0, 'a'), (1, 50, 'b')) AS hits(userid, t, word)";

/// Our own failure somewhere in a chain of causes.
fn own<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own);
        }
        cause = error.source();
    }
    None
}

/// Plans a call over [`HITS`], without running it, and returns both languages of the failure.
async fn refusal(call: &str) -> (String, String) {
    let ctx = session(2, 8192);
    let sql = format!("SELECT {call} FROM {HITS}");
    let error = match ctx.sql(&sql).await {
        Ok(frame) => frame.create_physical_plan().await.map(|_| ()).unwrap_err(),
        Err(error) => error,
    };
    let own = own(&error).unwrap_or_else(|| panic!("{call}: {error}"));
    (own.message(Lang::En).to_owned(), own.message(Lang::Fr).to_owned())
}

#[rstest]
#[case("sessions(t, -1)", "argument `threshold` of `sessions` is \"-1\": allowed are whole seconds, 0 or more")]
#[case(
    "time_spent(t, 'soon')",
    "argument `threshold` of `time_spent` is \"soon\": allowed are whole seconds, 0 or more"
)]
#[case("time_spent(t, 900, '<')", "argument `boundary` of `time_spent` is \"<\": allowed are '>' or '>='")]
#[case("time_spent(t, 900, 5)", "argument `boundary` of `time_spent` is of type Int64: allowed are '>' or '>='")]
#[case(
    "time_spent(t, 0.5)",
    "argument `threshold` of `time_spent` is of type Float64: allowed are whole seconds, 0 or more"
)]
#[case(
    "sessions(t, 900, '>', 'all')",
    "argument `credit` of `sessions` is \"all\": allowed are 'none', 'half', 'threshold' or whole seconds, 0 or more"
)]
#[case(
    "sessions(t, NULL, NULL, NULL, '2 hits')",
    "argument `minimum` of `sessions` is \"2 hits\": allowed are 'none', whole seconds such as 59, or a text such as \
     '> 59', '>= 60' or '2 events'"
)]
#[case("sessions(t, t)", "argument `threshold` of `sessions` is \"hits.t\": a constant is needed")]
#[case(
    "sessions(word)",
    "argument `timecreated` of `sessions` is of type Utf8: allowed are an integer, in Unix seconds, or a timestamp"
)]
#[case("sessions(t, 1, '>', 1, 1, 1)", "`sessions` takes 1 to 5 arguments, not 6")]
#[case("sessions(DISTINCT t)", "`sessions` takes no DISTINCT: hits in the same second are different hits")]
#[case(
    "session_stats(DISTINCT t, 900)",
    "`session_stats` takes no DISTINCT: hits in the same second are different hits"
)]
#[tokio::test]
async fn refused_when_planned(#[case] call: &str, #[case] message: &str) {
    let (en, fr) = refusal(call).await;
    assert_eq!(en, message);
    assert!(fr.contains("argument") || fr.contains("DISTINCT"), "{fr}");
}

#[tokio::test]
async fn windows_refuse_when_they_run() {
    let ctx = session(2, 8192);
    let error = run(&ctx, &format!("SELECT time_spent(t, 900, '<') OVER () FROM {HITS}")).await.unwrap_err();
    assert!(error.describe(Lang::En).contains("argument `boundary` of `time_spent` is \"<\""), "{error:?}");
}

#[tokio::test]
async fn constants_may_be_expressions_and_parameters() {
    let ctx = session(2, 8192);
    assert_eq!(value(&ctx, &format!("SELECT time_spent(t, 5 * 10) FROM {HITS}")).await, "50");
    assert_eq!(value(&ctx, &format!("SELECT time_spent(t, 7 * 7) FROM {HITS}")).await, "0");
    let sql = format!("SELECT time_spent(t, $threshold, '>', $credit) FROM {HITS}");
    let frame = ctx.sql(&sql).await.unwrap();
    let frame = frame.with_param_values(vec![("threshold", 60_i64.into()), ("credit", "half".into())]).unwrap();
    let batches = frame.collect().await.unwrap();
    let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
    assert!(text.contains("| 80 "), "{text}");
}
