//! The first figures of the blended course, by SQL, beside what others found in the same data.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use engine::query::Session;
use engine::{Error, Lang, Result};
use futures::TryStreamExt;

use super::{bundle, choose};
use crate::cli::numbers;
use crate::encode::draw;

/// Sessions of every learner: a gap of more than 15 minutes opens a new one.
const SESSIONS: &str = "
SELECT
    count(DISTINCT userid),
    sum(session['events']),
    count(*),
    count(*) FILTER (WHERE session['events'] >= 2),
    sum(session['elapsed']),
    max(session['elapsed'])
FROM (
    SELECT userid, unnest(sessions(timecreated, 900)) AS session
    FROM campus.logstore_standard_log
    GROUP BY userid
)";

/// Sessions longer than 59 seconds, where a gap of more than an hour opens a new one.
const LONG_SESSIONS: &str = "
SELECT sum(stats['sessions'])
FROM (
    SELECT userid, session_stats(timecreated, 3600, '>', 0, '> 59') AS stats
    FROM campus.logstore_standard_log
    GROUP BY userid
)";

/// The learners with the most time.
const TOP: &str = "
SELECT u.username, stats['events'], stats['sessions'], stats['elapsed']
FROM (
    SELECT userid, session_stats(timecreated, 900) AS stats
    FROM campus.logstore_standard_log
    GROUP BY userid
) AS totals
JOIN campus.\"user\" AS u ON u.id = totals.userid
ORDER BY stats['elapsed'] DESC, u.username
LIMIT 5";

/// The textbook whose chapter on sequence analysis prints figures of this very data.
const CHAPTER: [&str; 2] = ["textbook, chapter on sequence analysis", "manuel, chapitre sur l'analyse de séquences"];

/// A plugin of Moodle that was run on the data.
const REGISTER: [&str; 2] =
    ["mod_attendanceregister, run on this data", "mod_attendanceregister, exécuté sur ces données"];

/// The rule of a plugin of Moodle, computed by a program of another language.
const DEDICATION: [&str; 2] = ["rule of block_dedication, counted apart", "règle de block_dedication, comptée à part"];

/// A figure that others found, and who.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reference {
    value: i64,
    source: [&'static str; 2],
}

/// A figure of ours with its name in both languages.
#[derive(Debug, PartialEq, Eq)]
struct Figure {
    en: &'static str,
    fr: &'static str,
    value: i64,
    is_time: bool,
    reference: Option<Reference>,
}

/// A learner with events, sessions and seconds.
#[derive(Debug, PartialEq, Eq)]
struct Learner {
    name: String,
    numbers: [i64; 3],
}

/// All figures of the demo.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Figures {
    figures: Vec<Figure>,
    top: Vec<Learner>,
}

impl Figures {
    /// Asks the store.
    pub(super) async fn collect(session: &Session) -> Result<Self> {
        let counts = first_row::<6>(session, SESSIONS).await?;
        let [long] = first_row::<1>(session, LONG_SESSIONS).await?;
        let mut top = Vec::new();
        for batch in collect(session, TOP).await? {
            for row in 0..batch.num_rows() {
                let numbers = [number(&batch, 1, row)?, number(&batch, 2, row)?, number(&batch, 3, row)?];
                top.push(Learner { name: name(&batch, row)?, numbers });
            }
        }
        Ok(Self { figures: figures(counts, long), top })
    }

    /// Whether every figure that others found is the same here.
    pub(super) fn agree(&self) -> bool {
        self.figures.iter().all(|figure| figure.reference.is_none_or(|reference| reference.value == figure.value))
    }

    /// Two tables: the figures and the first five learners.
    pub(super) fn draw(&self, lang: Lang, width: Option<u16>) -> String {
        let (title, head, top_title, top_head) = match lang {
            Lang::En => (
                "Site `campus`: a blended course",
                ["figure", "Assidu", "found by others", "", "source"],
                "Most time, in sessions with a 15-minute gap",
                ["learner", "events", "sessions", "time"],
            ),
            Lang::Fr => (
                "Site `campus` : un cours hybride",
                ["chiffre", "Assidu", "trouvé par d'autres", "", "source"],
                "Le plus de temps, en sessions avec un écart de 15 minutes",
                ["apprenant", "événements", "sessions", "temps"],
            ),
        };
        let rows: Vec<Vec<String>> = self.figures.iter().map(|figure| figure.row(lang)).collect();
        let figures = draw(&head.map(str::to_owned), &[false, true, true], &rows, width);
        let rows: Vec<Vec<String>> = self.top.iter().map(|learner| learner.row(lang)).collect();
        let top = draw(&top_head.map(str::to_owned), &[false, true, true, true], &rows, width);
        let credit = choose(lang, bundle::COURSE_CREDIT);
        format!("{title}\n{figures}{credit}\n\n{top_title}\n{top}")
    }
}

impl Figure {
    fn row(&self, lang: Lang) -> Vec<String> {
        let name = choose(lang, [self.en, self.fr]);
        let value = if self.is_time { numbers::duration(self.value, lang) } else { numbers::signed(self.value, lang) };
        let (found, mark, source) = match self.reference {
            Some(reference) => {
                let mark = if reference.value == self.value { "✓" } else { "✗" };
                (numbers::signed(reference.value, lang), mark, choose(lang, reference.source))
            }
            None => (String::new(), "", ""),
        };
        vec![name.to_owned(), value, found, mark.to_owned(), source.to_owned()]
    }
}

impl Learner {
    fn row(&self, lang: Lang) -> Vec<String> {
        let [events, sessions, seconds] = self.numbers;
        vec![
            self.name.clone(),
            numbers::signed(events, lang),
            numbers::signed(sessions, lang),
            numbers::duration(seconds, lang),
        ]
    }
}

fn figures(counts: [i64; 6], long: i64) -> Vec<Figure> {
    let [learners, events, sessions, longer_than_one, elapsed, longest] = counts;
    let figure = |en, fr, value, reference| Figure { en, fr, value, is_time: false, reference };
    let found = |value, source| Some(Reference { value, source });
    vec![
        figure("events", "événements", events, found(95_626, CHAPTER)),
        figure("learners", "apprenants", learners, found(130, CHAPTER)),
        figure("sessions, 15-minute gap", "sessions, écart de 15 minutes", sessions, found(9_560, REGISTER)),
        figure("… of two or more events", "… d'au moins deux événements", longer_than_one, found(9_383, CHAPTER)),
        figure(
            "sessions longer than 59 s, 60-minute gap",
            "sessions de plus de 59 s, écart de 60 minutes",
            long,
            found(5_485, DEDICATION),
        ),
        Figure {
            is_time: true,
            ..figure("time in all, 15-minute gap", "temps total, écart de 15 minutes", elapsed, None)
        },
        Figure { is_time: true, ..figure("longest session", "plus longue session", longest, None) },
    ]
}

async fn collect(session: &Session, sql: &str) -> Result<Vec<RecordBatch>> {
    Ok(session.query(sql).await?.try_collect().await?)
}

async fn first_row<const N: usize>(session: &Session, sql: &str) -> Result<[i64; N]> {
    let batches = collect(session, sql).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).ok_or_else(|| Error::bug("a total has no row"))?;
    let mut numbers = [0; N];
    for (idx, slot) in numbers.iter_mut().enumerate() {
        *slot = number(batch, idx, 0)?;
    }
    Ok(numbers)
}

fn column(batch: &RecordBatch, idx: usize, data_type: &DataType) -> Result<arrow::array::ArrayRef> {
    let column = batch.columns().get(idx).ok_or_else(|| Error::bug("a figure has no column"))?;
    Ok(cast(column, data_type)?)
}

/// A number of a row; null, the sum of nothing, is 0.
fn number(batch: &RecordBatch, idx: usize, row: usize) -> Result<i64> {
    let column = column(batch, idx, &DataType::Int64)?;
    let column = column.as_primitive::<Int64Type>();
    Ok(if column.is_valid(row) { column.value(row) } else { 0 })
}

fn name(batch: &RecordBatch, row: usize) -> Result<String> {
    let column = column(batch, 0, &DataType::Utf8)?;
    let column = column.as_string::<i32>();
    Ok(if column.is_valid(row) { column.value(row).to_owned() } else { String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counted from the CSV by a program of another language.
    const COUNTS: [i64; 6] = [130, 95_626, 9_560, 9_383, 3_374_010, 4_973];

    #[test]
    fn equal_figures_are_ticked() {
        let top = vec![Learner { name: "417892918".to_owned(), numbers: [1, 2, 85_784] }];
        let ours = Figures { figures: figures(COUNTS, 5_485), top };
        assert!(ours.agree());
        let text = ours.draw(Lang::En, None);
        assert_eq!(text.matches('✓').count(), 5, "{text}");
        assert!(text.contains("937 h 13 min 30 s") && text.contains("23 h 49 min 44 s"), "{text}");
    }

    #[test]
    fn a_difference_shows() {
        let ours = Figures { figures: figures(COUNTS, 5_484), top: Vec::new() };
        assert!(!ours.agree());
        assert!(ours.draw(Lang::Fr, None).contains('✗'));
    }
}
