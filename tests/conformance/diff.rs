//! [`Report`]: recorded results beside ours.

use serde_json::Value;

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// Recorded results that are equal to ours.
    pub passed: u64,
    /// Recorded results that differ from ours.
    pub failed: u64,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// One line for each difference.
    pub differences: Vec<String>,
}

impl Report {
    /// Compares one recorded result. `place` says whose it is, such as the case and the number of the request.
    pub fn compare(&mut self, place: &str, expected: &Value, got: &Value) {
        let before = self.differences.len();
        self.differ(place, "", expected, got);
        if self.differences.len() == before {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    /// A recorded result that is equal to ours.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// A recorded result that we have no answer to.
    pub fn fail(&mut self, place: &str, why: &str) {
        self.failed += 1;
        self.differences.push(format!("{place}: {why}"));
    }

    /// Says what is not compared.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    fn differ(&mut self, place: &str, path: &str, expected: &Value, got: &Value) {
        match (expected, got) {
            (Value::Object(expected), Value::Object(ours)) => {
                for (key, value) in expected {
                    let path = format!("{path}.{key}");
                    match ours.get(key) {
                        Some(ours) => self.differ(place, &path, value, ours),
                        None => self.line(place, &path, &value.to_string(), "nothing"),
                    }
                }
                for (key, value) in ours.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                    self.line(place, &format!("{path}.{key}"), "nothing", &value.to_string());
                }
            }
            (Value::Array(expected), Value::Array(ours)) => {
                if expected.len() != ours.len() {
                    let (expected, ours) = (expected.len().to_string(), ours.len().to_string());
                    self.line(place, &format!("{path}.length"), &expected, &ours);
                }
                for (at, (value, ours)) in expected.iter().zip(ours).enumerate() {
                    self.differ(place, &format!("{path}[{at}]"), value, ours);
                }
            }
            (expected, ours) if same(expected, ours) => {}
            (expected, ours) => self.line(place, path, &expected.to_string(), &ours.to_string()),
        }
    }

    fn line(&mut self, place: &str, path: &str, expected: &str, got: &str) {
        self.differences.push(format!("{place}: {path}: expected {expected}, got {got}"));
    }
}

/// Equal values; 1 and 1.0 are.
fn same(a: &Value, b: &Value) -> bool {
    a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a == b && a.abs() < 9e15)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_have_no_order_and_lists_do() {
        let mut report = Report::default();
        report.compare("a", &json!({"x": 1, "y": [1, 2]}), &json!({"y": [1, 2], "x": 1.0}));
        report.compare("b", &json!({"x": [1, 2]}), &json!({"x": [2, 1], "z": null}));
        assert_eq!((report.passed, report.failed), (1, 1));
        let lines = ["b: .x[0]: expected 1, got 2", "b: .x[1]: expected 2, got 1", "b: .z: expected nothing, got null"];
        assert_eq!(report.differences, lines);
    }
}
