//! [`DurationForm`]: how a length of time is written for people and for spreadsheets.

/// Seconds above which [`DurationForm::Csv`] stops padding: the report takes larger values for something else.
const CSV_LIMIT: u64 = 100_000_000;

/// A way to write a length of time. The unit names are those of the block and the report, in every language.
///
/// A negative length, which only damaged data gives, is written as the positive one behind a `-`.
///
/// ```
/// use engine::time::DurationForm;
///
/// assert_eq!(DurationForm::Block.format(3661), "1h 1m 1s");
/// assert_eq!(DurationForm::Csv.format(3661), "01:01:01");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DurationForm {
    /// `1h 0m 5s`, `2m 0s`, `0s`: units before the first that counts are left out.
    Block,
    /// `1h 0min`, `2min`, `5s` under a minute, `0min` for nothing: seconds are cut, not rounded.
    Report,
    /// `1h 0min 5s`, `1h 2min`, `1h`, `2min`, `0s`: zero seconds are left out, then zero minutes.
    ReportSeconds,
    /// `1:0:5`, without padding, and an empty text for nothing.
    Spreadsheet,
    /// `01:00:05`, padded, `0` for nothing; above 100,000,000 seconds as [`Report`](Self::Report).
    Csv,
}

impl DurationForm {
    /// The text of this many seconds.
    pub fn format(self, seconds: i64) -> String {
        let text = self.unsigned(seconds.unsigned_abs());
        if seconds < 0 { format!("-{text}") } else { text }
    }

    fn unsigned(self, seconds: u64) -> String {
        let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match self {
            Self::Block => block(h, m, s),
            Self::Report => report(h, m, s),
            Self::ReportSeconds => report_seconds(h, m, s),
            Self::Spreadsheet if seconds == 0 => String::new(),
            Self::Spreadsheet => format!("{h}:{m}:{s}"),
            Self::Csv if seconds == 0 => "0".to_owned(),
            Self::Csv if seconds > CSV_LIMIT => report(h, m, s),
            Self::Csv => format!("{h:02}:{m:02}:{s:02}"),
        }
    }
}

fn block(h: u64, m: u64, s: u64) -> String {
    match (h, m) {
        (0, 0) => format!("{s}s"),
        (0, _) => format!("{m}m {s}s"),
        _ => format!("{h}h {m}m {s}s"),
    }
}

fn report(h: u64, m: u64, s: u64) -> String {
    match (h, m, s) {
        (0, 0, 0) => "0min".to_owned(),
        (0, 0, _) => format!("{s}s"),
        (0, _, _) => format!("{m}min"),
        _ => format!("{h}h {m}min"),
    }
}

fn report_seconds(h: u64, m: u64, s: u64) -> String {
    match (h, m, s) {
        (0, 0, _) => format!("{s}s"),
        (0, _, 0) => format!("{m}min"),
        (0, _, _) => format!("{m}min {s}s"),
        (_, 0, 0) => format!("{h}h"),
        (_, _, 0) => format!("{h}h {m}min"),
        _ => format!("{h}h {m}min {s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds, then the text of each form in the order of the enum.
    const TEXTS: [(i64, [&str; 5]); 12] = [
        (0, ["0s", "0min", "0s", "", "0"]),
        (1, ["1s", "1s", "1s", "0:0:1", "00:00:01"]),
        (59, ["59s", "59s", "59s", "0:0:59", "00:00:59"]),
        (60, ["1m 0s", "1min", "1min", "0:1:0", "00:01:00"]),
        (125, ["2m 5s", "2min", "2min 5s", "0:2:5", "00:02:05"]),
        (3600, ["1h 0m 0s", "1h 0min", "1h", "1:0:0", "01:00:00"]),
        (3605, ["1h 0m 5s", "1h 0min", "1h 0min 5s", "1:0:5", "01:00:05"]),
        (3720, ["1h 2m 0s", "1h 2min", "1h 2min", "1:2:0", "01:02:00"]),
        (360_000, ["100h 0m 0s", "100h 0min", "100h", "100:0:0", "100:00:00"]),
        (100_000_000, ["27777h 46m 40s", "27777h 46min", "27777h 46min 40s", "27777:46:40", "27777:46:40"]),
        (100_000_001, ["27777h 46m 41s", "27777h 46min", "27777h 46min 41s", "27777:46:41", "27777h 46min"]),
        (-65, ["-1m 5s", "-1min", "-1min 5s", "-0:1:5", "-00:01:05"]),
    ];

    #[test]
    fn each_form_has_its_text() {
        use DurationForm::{Block, Csv, Report, ReportSeconds, Spreadsheet};
        for (seconds, texts) in TEXTS {
            let forms = [Block, Report, ReportSeconds, Spreadsheet, Csv];
            assert_eq!(forms.map(|form| form.format(seconds)), texts.map(str::to_owned), "{seconds}");
        }
    }

    #[test]
    fn the_longest_lengths_have_a_text() {
        assert_eq!(DurationForm::Block.format(i64::MAX), "2562047788015215h 30m 7s");
        assert_eq!(DurationForm::Block.format(i64::MIN), "-2562047788015215h 30m 8s");
    }
}
