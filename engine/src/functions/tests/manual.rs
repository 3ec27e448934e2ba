//! The manual's page is what the functions say, and its examples print what they promise.

use super::{session, shown};
use crate::functions::{all, markdown};

#[test]
fn the_page_is_up_to_date() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/functions.md"));
    assert!(
        page == markdown(),
        "write `engine::functions::markdown()` to docs/reference/functions.md:\n{}",
        markdown()
    );
}

#[tokio::test]
async fn the_examples_print_what_they_promise() {
    let ctx = session(2, 8192);
    for function in all() {
        let documentation = function.documentation().unwrap();
        let example = documentation.sql_example.as_deref().unwrap();
        let mut blocks = example.split("```").skip(1).step_by(2);
        let sql = blocks.next().and_then(|block| block.strip_prefix("sql\n")).unwrap();
        let answer = blocks.next().and_then(|block| block.strip_prefix("text\n")).unwrap();
        assert_eq!(shown(&ctx, sql.trim_end_matches([';', '\n'])).await, answer.trim_end(), "{}", function.name());
    }
}
