//! The cases of `report_etl_get`. Most recorded bodies have defects of the plugin in them; what counts is their `rows`,
//! and where there are none, what the reference of the plugin asks a server in its place to do.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::ws::Answer;
use super::ws_compare::{Piece, compare, pieces};

/// The logical rows of the cases of a group, by the name of the case without its format.
pub(super) fn rows_of(cases: &[Value]) -> BTreeMap<String, Vec<Value>> {
    let named = cases.iter().filter_map(|case| Some((bare(case), case["rows"].as_array()?.clone())));
    named.collect()
}

fn bare(case: &Value) -> String {
    let id = case["id"].as_str().unwrap_or_default();
    id.trim_end_matches(".json").trim_end_matches(".xml").to_owned()
}

/// What is wrong with the answer to a case.
pub(super) fn compare_etl(case: &Value, rows: &BTreeMap<String, Vec<Value>>, answer: &Answer) -> Option<String> {
    if case["kind"] == "recorded" {
        return compare(case, answer);
    }
    check(case, rows, answer).err().map(|error| format!("{error:#}: {}", answer.body))
}

fn check(case: &Value, rows: &BTreeMap<String, Vec<Value>>, answer: &Answer) -> Result<()> {
    let url = case["request"]["url"].as_str().unwrap_or_default();
    ensure!(answer.status == 200, "status {}", answer.status);
    let members = members(url, &answer.body)?;
    let member = |name: &str| members.get(name).map(String::as_str).unwrap_or_default();
    let name = bare(case);
    if url.contains("report_etl_get_sql") {
        ensure!(member("errorcode") == "accessexception", "SQL of a caller is refused");
    } else if name.ends_with("unknown-extract") {
        ensure!(member("errorcode") == "invalidrecord", "an unknown extract");
    } else if name.ends_with("testmode-missing") {
        ensure!(member("recordset") == "special_test", "`testmode` is optional");
        let document = pieces(member("xmlcontent")).map_err(anyhow::Error::msg)?;
        let starts: Vec<&str> = document.iter().filter_map(start).collect();
        ensure!(starts == ["connection", "status", "time", "version"], "the document of the test: {starts:?}");
        ensure!(document.contains(&Piece::Text("success".to_owned())), "the status of the test");
    } else {
        let expected = rows.get(&name).context("no rows for the case")?;
        records(expected, member("xmlcontent"))?;
        ensure!(member("records") == expected.len().to_string(), "records: {}", member("records"));
        let recorded: Value =
            serde_json::from_str(case["response"]["body"].as_str().unwrap_or_default()).unwrap_or_default();
        for time in ["firsttime", "lasttime"] {
            if let Some(known) = recorded[time].as_i64() {
                ensure!(member(time) == known.to_string(), "{time}: {}", member(time));
            }
        }
    }
    Ok(())
}

fn start(piece: &Piece) -> Option<&str> {
    match piece {
        Piece::Start(name, _) => Some(name),
        _ => None,
    }
}

/// Members of the answer as texts, in either format; missing and null ones are empty.
fn members(url: &str, body: &str) -> Result<BTreeMap<String, String>> {
    if url.contains("moodlewsrestformat=json") {
        let value: Value = serde_json::from_str(body)?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let members = value.as_object().context("an object")?.iter().filter(|(_, value)| !value.is_null());
        return Ok(members.map(|(name, value)| (name.clone(), text(value))).collect());
    }
    let document = pieces(body).map_err(anyhow::Error::msg)?;
    let (mut members, mut name) = (BTreeMap::new(), String::new());
    for piece in &document {
        match piece {
            Piece::Start(element, attributes) => {
                let named = attributes.iter().find(|(name, _)| name == "name").map(|(_, value)| value.clone());
                // Errors have elements of their own names.
                if element != "VALUE" && element != "NULL" {
                    name = named.unwrap_or_else(|| element.to_lowercase());
                }
            }
            Piece::Text(text) => drop(members.insert(name.clone(), text.clone())),
            Piece::End => {}
        }
    }
    Ok(members)
}

/// The text that the recorded text of XML stands for; ampersands were escaped once or twice.
fn plain(text: &str) -> String {
    text.replace("&amp;amp;", "&").replace("&amp;", "&")
}

/// What the plugin says of blocks comes from tables that the fixture has not.
fn without_block(row: &mut Vec<(String, String)>) {
    let is_block = row.iter().any(|(name, value)| name == "context" && value == "Block context level");
    row.retain(|(name, _)| !(is_block && matches!(name.as_str(), "instance" | "object")));
}

/// Compares the records of a document with rows as multisets, and looks at the frame of each record.
fn records(expected: &[Value], document: &str) -> Result<()> {
    let pieces = pieces(document).map_err(anyhow::Error::msg)?;
    let (mut depth, mut got, mut field) = (0, Vec::new(), String::new());
    let mut record: Vec<(String, String)> = Vec::new();
    for piece in &pieces {
        match piece {
            Piece::Start(name, attributes) => {
                depth += 1;
                if depth == 2 {
                    let id = got.len().to_string();
                    ensure!(
                        attributes.iter().any(|(name, value)| name == "id" && *value == id),
                        "record {id} has another id"
                    );
                } else if depth == 3 {
                    field.clone_from(name);
                    record.push((name.clone(), String::new()));
                }
            }
            Piece::Text(text) if depth == 3 => {
                if let Some((_, value)) = record.last_mut() {
                    value.push_str(text);
                }
            }
            Piece::Text(_) => {}
            Piece::End => {
                depth -= 1;
                if depth == 1 {
                    let mut whole = std::mem::take(&mut record);
                    ensure!(whole.first() == Some(&("ix".to_owned(), got.len().to_string())), "no ix: {whole:?}");
                    whole.remove(0);
                    let names: Vec<&String> = whole.iter().map(|(name, _)| name).collect();
                    ensure!(names.is_sorted(), "fields are not in alphabetical order: {names:?}");
                    got.push(whole);
                }
            }
        }
    }
    let text = |value: &Value| {
        value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
    };
    // The plugin leaves some fields of some records out; an element without content says the same.
    let of = |row: &Value| -> Vec<(String, String)> {
        let fields = row.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), plain(&text(value))));
        fields.filter(|(_, value)| !value.is_empty()).collect()
    };
    got.iter_mut().for_each(|row| row.retain(|(_, value)| !value.is_empty()));
    got.iter_mut().for_each(without_block);
    let mut wanted: Vec<Vec<(String, String)>> = expected.iter().map(of).collect();
    wanted.iter_mut().for_each(without_block);
    wanted.iter_mut().for_each(|row| row.sort());
    wanted.sort();
    got.sort();
    let different = wanted.iter().zip(&got).find(|(wanted, got)| wanted != got);
    if let Some((wanted, got)) = different {
        let fields = got.iter().filter(|field| !wanted.contains(field));
        anyhow::bail!("a row differs in {:?}; wanted {wanted:?}", fields.collect::<Vec<_>>());
    }
    ensure!(wanted.len() == got.len(), "{} records instead of {}", got.len(), wanted.len());
    Ok(())
}
