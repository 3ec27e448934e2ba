//! [`TimeGrade`]: the grade, or the bonus, that time in a course earns.

use crate::error::{Error, ErrorKind, Result};

/// How time becomes a grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GradeMode {
    /// 0: all or nothing, at the first threshold.
    Binary,
    /// 1: by the number of thresholds that are passed, one after the other.
    Discrete,
    /// 2: in proportion to the first threshold.
    Continuous,
}

/// The time that is graded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GradeSource {
    /// 0: all time in the course.
    CourseTotal,
    /// 1: the time in its activities.
    Activities,
    /// 2: all time in the course, on the site course and outside courses.
    Extended,
}

impl TryFrom<i64> for GradeMode {
    type Error = Error;

    fn try_from(code: i64) -> Result<Self> {
        match code {
            0 => Ok(Self::Binary),
            1 => Ok(Self::Discrete),
            2 => Ok(Self::Continuous),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "the mode of a time grade is 0 (binary), 1 (discrete) or 2 (continuous), not \"{code}\"",
                    "le mode d'une note de temps est 0 (binaire), 1 (par paliers) ou 2 (continu), pas \"{code}\""
                ),
            )),
        }
    }
}

impl TryFrom<i64> for GradeSource {
    type Error = Error;

    fn try_from(code: i64) -> Result<Self> {
        match code {
            0 => Ok(Self::CourseTotal),
            1 => Ok(Self::Activities),
            2 => Ok(Self::Extended),
            _ => Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "the source of a time grade is 0 (course total), 1 (activities) or 2 (extended), not \"{code}\"",
                    "la source d'une note de temps est 0 (total du cours), 1 (activités) ou 2 (étendue), pas \"{code}\""
                ),
            )),
        }
    }
}

/// Whether the report shows the result as a grade of its own, or adds it to the grade of the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GradeUse {
    /// A column of its own, `moduleid` −1.
    Grade,
    /// Added to the grade of the course, `moduleid` −2; see [`with_bonus`].
    Bonus,
}

impl GradeUse {
    /// The use of a `moduleid` of the report; `None` for the grade of an activity.
    pub const fn from_moduleid(moduleid: i64) -> Option<Self> {
        match moduleid {
            -1 => Some(Self::Grade),
            -2 => Some(Self::Bonus),
            _ => None,
        }
    }
}

/// What can be earned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GradeRange {
    /// Points, up to this many; a negative number counts 0.
    Points(i64),
    /// An item of a scale, from lowest to highest.
    Scale(Vec<String>),
}

/// Times of a user that grades look at, in seconds. A negative time earns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct GradeTimes {
    /// All time in the course.
    pub coursetotal: i64,
    /// Time in the activities of the course.
    pub activities: i64,
    /// All time on the site course.
    pub site: i64,
    /// Time outside courses, such as logins.
    pub other: i64,
}

impl GradeTimes {
    /// The time of a source, in seconds, from 0 to `i64::MAX`.
    pub fn of(&self, source: GradeSource) -> i64 {
        let time = match source {
            GradeSource::CourseTotal => self.coursetotal,
            GradeSource::Activities => self.activities,
            GradeSource::Extended => self.coursetotal.saturating_add(self.other).saturating_add(self.site),
        };
        time.max(0)
    }
}

/// A grade for time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TimeGrade {
    /// How time becomes a grade.
    pub mode: GradeMode,
    /// The time that is graded.
    pub source: GradeSource,
    /// Thresholds in minutes, in the order of the setting. Without one nothing is earned.
    pub thresholds_minutes: Vec<i64>,
    /// What can be earned.
    pub range: GradeRange,
    /// What the result is for. It does not change the result.
    pub usage: GradeUse,
}

/// What was earned.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Earned {
    /// Hundredths of a point; halves are rounded up.
    Hundredths(i64),
    /// An item of the scale; empty when the scale has none.
    Item(String),
}

impl Earned {
    /// The text of the report: points with two decimals, or the item.
    pub fn text(&self) -> String {
        match self {
            Self::Hundredths(points) => {
                let sign = if *points < 0 { "-" } else { "" };
                let points = points.unsigned_abs();
                format!("{sign}{}.{:02}", points / 100, points % 100)
            }
            Self::Item(item) => item.clone(),
        }
    }
}

/// A part of a whole: `part` of `whole`, from 0 of 1 to all of it.
#[derive(Debug, Clone, Copy)]
struct Share {
    part: i64,
    whole: i64,
}

impl Share {
    const NOTHING: Self = Self { part: 0, whole: 1 };
    const ALL: Self = Self { part: 1, whole: 1 };
}

impl TimeGrade {
    /// What these times earn.
    ///
    /// Points: binary, all when the time is over the first threshold; discrete, the share of thresholds that it is
    /// over, up to the first that it is not over; continuous, its share of the first threshold, at most all.
    ///
    /// Scales: binary, the highest item when the time reaches the first threshold, else the lowest; discrete, one item
    /// up for each threshold passed, at most the highest; continuous, the share of the way from the lowest to the
    /// highest, rounded down.
    pub fn earned(&self, times: &GradeTimes) -> Earned {
        let time = times.of(self.source);
        match &self.range {
            GradeRange::Points(points) => Earned::Hundredths(hundredths((*points).max(0), self.share(time))),
            GradeRange::Scale(items) => {
                let item = self.step(time, items.len().saturating_sub(1));
                Earned::Item(items.get(item).cloned().unwrap_or_default())
            }
        }
    }

    /// The thresholds in seconds.
    fn thresholds(&self) -> impl Iterator<Item = i64> {
        self.thresholds_minutes.iter().map(|minutes| minutes.saturating_mul(60))
    }

    /// Number of thresholds passed before the first that is not.
    fn passed(&self, time: i64) -> usize {
        self.thresholds().take_while(|threshold| time > *threshold).count()
    }

    /// The share of the points that a time earns, in seconds.
    fn share(&self, time: i64) -> Share {
        let Some(first) = self.thresholds().next() else {
            return Share::NOTHING;
        };
        match self.mode {
            GradeMode::Binary if time > first => Share::ALL,
            GradeMode::Binary => Share::NOTHING,
            GradeMode::Discrete => {
                Share { part: count(self.passed(time)), whole: count(self.thresholds_minutes.len()) }
            }
            GradeMode::Continuous if time >= first && time > 0 => Share::ALL,
            GradeMode::Continuous => Share { part: time, whole: first.max(1) },
        }
    }

    /// The item of a scale, from 0 to `highest`, that a time earns, in seconds.
    fn step(&self, time: i64, highest: usize) -> usize {
        match (self.mode, self.thresholds().next()) {
            (_, None) => 0,
            (GradeMode::Binary, Some(first)) => {
                if time >= first {
                    highest
                } else {
                    0
                }
            }
            (GradeMode::Discrete, _) => self.passed(time).min(highest),
            (GradeMode::Continuous, _) => {
                let share = self.share(time);
                let step = i128::from(count(highest)) * i128::from(share.part) / i128::from(share.whole);
                usize::try_from(step).unwrap_or(highest).min(highest)
            }
        }
    }
}

/// The grade of a course with a bonus, at most the highest grade of the course; all in hundredths of a point.
pub fn with_bonus(grade: i64, bonus: i64, highest: i64) -> i64 {
    grade.saturating_add(bonus).min(highest)
}

/// A count as a number of seconds or items would be; no list is longer than that.
fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A share of points in hundredths, halves rounded up; at most `i64::MAX`.
fn hundredths(points: i64, share: Share) -> i64 {
    let (part, whole) = (i128::from(share.part), i128::from(share.whole));
    let doubled = (i128::from(points) * 200).saturating_mul(part).saturating_add(whole);
    i64::try_from(doubled / (2 * whole)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn grade(mode: GradeMode, thresholds_minutes: &[i64], range: GradeRange) -> TimeGrade {
        let thresholds_minutes = thresholds_minutes.to_vec();
        TimeGrade { mode, source: GradeSource::CourseTotal, thresholds_minutes, range, usage: GradeUse::Grade }
    }

    /// The text that seconds in the course earn.
    fn text(grade: &TimeGrade, coursetotal: i64) -> String {
        grade.earned(&GradeTimes { coursetotal, ..GradeTimes::default() }).text()
    }

    /// The grade that a recorded request asks for, and its times.
    fn asked(request: &Value) -> (TimeGrade, GradeTimes) {
        let usage = GradeUse::from_moduleid(request["moduleid"].as_i64().unwrap()).unwrap();
        let ranges = &request["ranges"];
        let mode = match usage {
            GradeUse::Grade => &ranges["timemode"],
            GradeUse::Bonus => &ranges["bonusmode"],
        };
        let course = request["course"].to_string();
        let time = |bucket: &str, course: &str| request["aggregate"][bucket][course].as_i64().unwrap();
        let times = GradeTimes {
            coursetotal: time("coursetotal", &course),
            activities: time("activities", &course),
            site: time("coursetotal", "1"),
            other: time("coursetotal", "0"),
        };
        let grade = TimeGrade {
            mode: mode.as_i64().unwrap().try_into().unwrap(),
            source: ranges["timesource"].as_i64().unwrap().try_into().unwrap(),
            thresholds_minutes: ranges["ranges"].as_array().unwrap().iter().map(|m| m.as_i64().unwrap()).collect(),
            range: GradeRange::Points(request["grade"].as_i64().unwrap()),
            usage,
        };
        (grade, times)
    }

    #[test]
    fn the_grades_are_those_of_the_report() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/use-stats/report-time-grade/expected.json");
        let expected: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let results = expected["results"].as_array().unwrap();
        assert_eq!(results.len(), 72);
        for result in results {
            let (grade, times) = asked(&result["request"]);
            assert_eq!(grade.earned(&times).text(), result["grade"].as_str().unwrap(), "{}", result["request"]);
        }
    }

    #[test]
    fn points_at_the_edges() {
        let points = |mode, thresholds: &[i64], time| text(&grade(mode, thresholds, GradeRange::Points(20)), time);
        assert_eq!(points(GradeMode::Binary, &[1], 60), "0.00");
        assert_eq!(points(GradeMode::Binary, &[1], 61), "20.00");
        assert_eq!(points(GradeMode::Discrete, &[2, 1, 3], 100), "0.00", "the first that is not passed ends it");
        assert_eq!(points(GradeMode::Discrete, &[1, 2, 3], 121), "13.33");
        assert_eq!(points(GradeMode::Continuous, &[1], 60), "20.00");
        assert_eq!(points(GradeMode::Continuous, &[1], 59), "19.67");
        assert_eq!(points(GradeMode::Continuous, &[1], -5), "0.00");
        assert_eq!(points(GradeMode::Continuous, &[0], 0), "0.00");
        assert_eq!(points(GradeMode::Continuous, &[0], 1), "20.00");
        assert_eq!(text(&grade(GradeMode::Discrete, &[1, 2, 3, 4, 5, 6, 7, 8], GradeRange::Points(1)), 61), "0.13");
        assert_eq!(text(&grade(GradeMode::Binary, &[1], GradeRange::Points(-3)), 61), "0.00");
    }

    #[test]
    fn scales_give_items() {
        let scale = GradeRange::Scale(["low", "middle", "high"].map(str::to_owned).to_vec());
        let item = |mode, thresholds: &[i64], time| text(&grade(mode, thresholds, scale.clone()), time);
        assert_eq!(item(GradeMode::Binary, &[1], 59), "low");
        assert_eq!(item(GradeMode::Binary, &[1], 60), "high");
        assert_eq!(item(GradeMode::Discrete, &[1, 2], 60), "low");
        assert_eq!(item(GradeMode::Discrete, &[1, 2], 61), "middle");
        assert_eq!(item(GradeMode::Discrete, &[1, 2, 3, 4], 1000), "high");
        assert_eq!(item(GradeMode::Continuous, &[1], 29), "low");
        assert_eq!(item(GradeMode::Continuous, &[1], 30), "middle");
        assert_eq!(item(GradeMode::Continuous, &[1], 60), "high");
        assert_eq!(item(GradeMode::Binary, &[], 1000), "low");
        assert_eq!(text(&grade(GradeMode::Binary, &[1], GradeRange::Scale(Vec::new())), 60), "");
    }

    #[test]
    fn a_bonus_stops_at_the_highest_grade() {
        assert_eq!(with_bonus(1500, 300, 2000), 1800);
        assert_eq!(with_bonus(1500, 1000, 2000), 2000);
        assert_eq!(GradeUse::from_moduleid(240), None);
    }

    #[test]
    fn other_codes_are_refused_and_nothing_overflows() {
        assert_eq!(GradeMode::try_from(3).unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(GradeSource::try_from(-1).unwrap_err().kind(), ErrorKind::Invalid);
        let huge = grade(GradeMode::Continuous, &[i64::MAX], GradeRange::Points(i64::MAX));
        assert_eq!(
            huge.earned(&GradeTimes { coursetotal: i64::MAX, ..GradeTimes::default() }).text(),
            "92233720368547758.07"
        );
        let most = GradeTimes { coursetotal: i64::MAX, site: i64::MAX, other: i64::MAX, ..GradeTimes::default() };
        assert_eq!(most.of(GradeSource::Extended), i64::MAX);
        assert!(!text(&huge, i64::MAX - 1).is_empty());
    }
}
