//! Functions within their limits and beyond.

use rstest::rstest;

use super::{ask, session, session_with};
use crate::query::Limits;
use crate::{ErrorKind, Lang};

#[rstest]
#[case("SELECT repeat('ab', 3)", "ababab")]
#[case("SELECT repeat('ab', -1)", "")]
#[case("SELECT repeat(NULL, 3)", "")]
#[case("SELECT length(repeat('x', 1048576))", "1048576")]
#[case("SELECT lpad('x', 4, 'ab')", "abax")]
#[case("SELECT rpad('x', 4, 'é')", "xééé")]
#[case("SELECT lpad('abc', 2)", "ab")]
#[case("SELECT length(lpad('x', 1048576))", "1048576")]
#[case("SELECT replace('banana', 'a', 'oo')", "boonoonoo")]
#[case("SELECT concat('a', NULL, 1)", "a1")]
#[case("SELECT 'a' || 1 || 'b'", "a1b")]
#[case("SELECT 'a' || NULL", "")]
#[case("SELECT concat_ws('-', 'a', NULL, 'b')", "a-b")]
#[case("SELECT overlay('abcdef' PLACING 'xyz' FROM 2 FOR 3)", "axyzef")]
#[case("SELECT [1] || [2]", "[1, 2]")]
#[case("SELECT array_append([1], 2)", "[1, 2]")]
#[case("SELECT array_repeat(7, 2)", "[7, 7]")]
#[case("SELECT list_resize([1], 3, 0)", "[1, 0, 0]")]
#[case("SELECT range(1, 7, 2)", "[1, 3, 5]")]
#[case("SELECT range(7, 1, -3)", "[7, 4]")]
#[case("SELECT range(5, 1)", "[]")]
#[case("SELECT generate_series(1, 3)", "[1, 2, 3]")]
#[case("SELECT cardinality(range(1048576))", "1048576")]
#[case("SELECT array_to_string([1, NULL, 3], '-', '*')", "1-*-3")]
#[case("SELECT array_to_string([[1, 2], [3]], '')", "123")]
#[case("SELECT regexp_replace('aXbX', 'x', '_', 'gi')", "a_b_")]
#[case("SELECT regexp_match('ab12', '([a-z]+)([0-9]+)')", "[ab, 12]")]
#[case("SELECT encode('ab', 'hex')", "6162")]
#[case("SELECT translate('abc', 'ac', 'é')", "éb")]
#[case("SELECT to_char(DATE '2024-02-29', '%d.%m.%Y')", "29.02.2024")]
#[case("SELECT struct(1, 'a')['c0']", "1")]
#[case("SELECT make_array(1, 2)[2]", "2")]
#[case("SELECT array_replace_all([1, 2, 1], 1, 5)", "[5, 2, 5]")]
#[case("SELECT cardinality(range(DATE '2024-01-01', DATE '2024-02-01', INTERVAL '1' DAY))", "31")]
#[tokio::test]
async fn functions_answer_as_before(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(ask(&session(), sql).await.unwrap(), [[expected]], "{sql}");
}

#[rstest]
#[case::hundreds_of_megabytes("SELECT repeat('x', 900000000)")]
#[case::one_byte_too_many("SELECT repeat('x', 1048577)")]
#[case::the_length_only("SELECT length(repeat('x', 900000000))")]
#[case::nested("SELECT repeat(repeat('x', 100000), 100000)")]
#[case::in_a_condition("SELECT 1 WHERE repeat('x', 900000000) = 'y'")]
#[case::explained("EXPLAIN ANALYZE SELECT repeat('x', 900000000)")]
#[case::in_values("VALUES (repeat('x', 900000000))")]
#[case::by_row("SELECT repeat('x', id * 1000000) FROM hits")]
#[case::in_order("SELECT id FROM hits ORDER BY repeat('x', id * 1000000)")]
#[case::lpad("SELECT lpad('x', 900000000)")]
#[case::rpad("SELECT rpad('x', 900000000, 'é')")]
#[case::pad_of_wide_letters("SELECT lpad('x', 600000, 'é')")]
#[case::replace("SELECT replace(repeat('a', 1000000), 'a', 'bbbb')")]
#[case::replace_with_much("SELECT replace(repeat('a', 1000000), 'a', repeat('b', 1000000))")]
#[case::concat("SELECT concat(repeat('x', 1000000), repeat('y', 1000000))")]
#[case::operator("SELECT repeat('x', 1000000) || repeat('y', 1000000)")]
#[case::concat_ws("SELECT concat_ws(repeat(',', 1000000), 'a', 'b', 'c')")]
#[case::overlay("SELECT overlay(repeat('a', 1000000) PLACING repeat('b', 1000000) FROM 2)")]
#[case::array_to_string("SELECT array_to_string(range(1, 100000), repeat(',', 1000))")]
#[case::regexp_replace("SELECT regexp_replace(repeat('a', 1000000), 'a', 'bbbbbbbb', 'g')")]
#[case::regexp_groups("SELECT regexp_replace(repeat('a', 1000000), '(.*)', '\\1\\1\\1\\1')")]
#[case::regexp_match("SELECT regexp_match(repeat('a', 1000000), repeat('(', 100) || '.*' || repeat(')', 100))")]
#[case::encode("SELECT encode(repeat('x', 1000000), 'hex')")]
#[case::to_char("SELECT to_char(now(), repeat('%c', 500000))")]
#[case::array_repeat("SELECT array_repeat(1, 900000000)")]
#[case::list_repeat("SELECT list_repeat(1, 900000000)")]
#[case::array_repeat_of_texts("SELECT array_repeat(repeat('x', 100000), 100000)")]
#[case::array_resize("SELECT array_resize([1], 900000000)")]
#[case::list_resize("SELECT list_resize([1], 900000000, 5)")]
#[case::range("SELECT range(1, 9000000000)")]
#[case::range_of_all("SELECT range(0, 9223372036854775807)")]
#[case::range_backward("SELECT range(9223372036854775807, -9223372036854775808, -1)")]
#[case::generate_series("SELECT generate_series(1, 9000000000)")]
#[case::time_range("SELECT range(TIMESTAMP '2020-01-01', TIMESTAMP '2024-01-01', INTERVAL '1' SECOND)")]
#[case::array_concat("SELECT array_concat(range(1000000), range(1000000))")]
#[case::array_replace("SELECT array_replace_all(array_repeat('a', 100000), 'a', repeat('b', 100000))")]
#[tokio::test]
async fn one_value_beyond_the_limits_is_refused(#[case] sql: &str) {
    let error = ask(&session(), sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{sql}: {error}");
    assert!(error.message(Lang::En).contains("the limit is"), "{sql}: {error}");
    assert!(error.message(Lang::Fr).contains("la limite est"), "{sql}: {error}");
}

#[rstest]
#[case::by_row("SELECT repeat('x', 100000 + value) FROM generate_series(1, 1000)")]
#[case::constant("SELECT repeat('x', 100000) FROM generate_series(1, 8192)")]
#[case::constant_list("SELECT range(1000000) FROM generate_series(1, 8192)")]
#[case::constant_in_case(
    "SELECT CASE WHEN value > 5 THEN repeat('x', 100000) ELSE 'y' END FROM generate_series(1, 8192)"
)]
#[case::constant_in_coalesce(
    "SELECT coalesce(nullif(value % 2, 0)::text, repeat('x', 100000)) FROM generate_series(1, 8192)"
)]
#[case::constant_spread_by_a_function("SELECT array_element(range(1000000), value) FROM generate_series(1, 8192)")]
#[case::cross_join("SELECT s.v FROM (SELECT repeat('x', 1000000) AS v) AS s, generate_series(1, 8192)")]
#[case::join(
    "SELECT s.v FROM (SELECT repeat('x', 1000000 + id) AS v, 1 AS k FROM other.user) AS s JOIN (SELECT 1 AS k FROM generate_series(1, 8192)) AS t USING (k)"
)]
#[case::unnest("SELECT v, unnest(range(100000)) FROM (SELECT repeat('x', 1000000 + id) AS v FROM other.user) AS s")]
#[case::delimiter("SELECT string_agg(CAST(value AS VARCHAR), repeat(',', 1000000)) FROM generate_series(1, 8192)")]
#[case::operator("SELECT repeat('x', 50000 + value) || repeat('y', 50000 + value) FROM generate_series(1, 700)")]
#[case::lists("SELECT range(100000 + value) FROM generate_series(1, 100)")]
#[tokio::test]
async fn one_batch_beyond_the_limits_is_refused(#[case] sql: &str) {
    let error = ask(&session(), sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{sql}: {error}");
    assert!(error.message(Lang::En).contains("64 × `max_text`"), "{sql}: {error}");
}

#[rstest]
// Rough measures are looked at after the work, in parts of a batch: 350 rows of 4 × 20000 and of 4 × 20001 letters.
#[case(
    "SELECT sum(length(regexp_replace(repeat('ab', 20000 + value % 2), 'a', 'xyz', 'g'))) FROM generate_series(1, 700)",
    "56001400"
)]
// Long constants are compared and looked up without being spread.
#[case("SELECT count(*) FROM generate_series(1, 8192) WHERE CAST(value AS VARCHAR) < repeat('5', 100000)", "5063")]
#[case("SELECT count(*) FROM generate_series(1, 8192) WHERE array_has(range(5000), value)", "4999")]
// Lists become rows part by part: 700 × 2000 rows with a text of 1000 bytes.
#[case(
    "SELECT count(*) FROM (SELECT v, unnest(range(2000)) AS n FROM (SELECT repeat('x', 1000 + value % 2) AS v FROM generate_series(1, 70)) AS s) AS t",
    "140000"
)]
#[tokio::test]
async fn ordinary_work_over_many_rows_passes(#[case] sql: &str, #[case] expected: &str) {
    assert_eq!(ask(&session(), sql).await.unwrap(), [[expected]], "{sql}");
}

#[tokio::test]
async fn limits_are_the_caller_s() {
    let session = session_with(&Limits { max_text: 10, max_list: 3, ..Limits::default() });
    assert_eq!(ask(&session, "SELECT repeat('x', 10)").await.unwrap(), [["xxxxxxxxxx"]]);
    let error = ask(&session, "SELECT repeat('x', 11)").await.unwrap_err();
    assert_eq!(error.message(Lang::En), "`repeat` would make a text of 11 bytes; the limit is 10 bytes (`max_text`)");
    let error = ask(&session, "SELECT range(4)").await.unwrap_err();
    assert_eq!(
        error.message(Lang::En),
        "`range` would make a list of 4 elements; the limit is 3 elements (`max_list`)"
    );
}

/// Where planning itself computes, a refused function leaves no number behind.
#[tokio::test]
async fn planning_is_guarded_too() {
    for sql in [
        "SELECT 1 LIMIT length(repeat('x', 900000000))",
        "SELECT count(*) FROM generate_series(1, length(repeat('x', 900000000)))",
    ] {
        let error = ask(&session(), sql).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{sql}");
        assert!(error.message(Lang::En).len() < 2_000, "{error}");
    }
    let sql = "SELECT count(*) FROM generate_series(1, CAST(length(repeat('x', 5)) AS BIGINT))";
    assert_eq!(ask(&session(), sql).await.unwrap(), [["5"]]);
}

#[tokio::test]
async fn a_step_that_stands_still_is_refused() {
    let sql = "SELECT range(TIMESTAMP '2024-01-01', TIMESTAMP '2024-03-01', INTERVAL '1 month -31 days')";
    assert_eq!(ask(&session(), sql).await.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn values_of_a_fixed_size_are_refused() {
    for sql in [
        "SELECT arrow_cast('x', 'FixedSizeBinary(2000000000)')",
        "SELECT arrow_try_cast([1], 'FixedSizeList(1000000000, Int64)')",
    ] {
        assert_eq!(ask(&session(), sql).await.unwrap_err().kind(), ErrorKind::Invalid, "{sql}");
    }
    assert_eq!(ask(&session(), "SELECT arrow_cast(1, 'Int8')").await.unwrap(), [["1"]]);
}
