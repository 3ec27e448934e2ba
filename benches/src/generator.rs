//! The generator: who has a session when, and the two orders of the rows.

use chrono::{Datelike, Days, NaiveDate, TimeDelta, TimeZone};

use crate::campus::Campus;
use crate::hit::Hit;
use crate::random::{Quantiles, Source, Weighted, poisson, scramble};
use crate::session;
use crate::shape::{Shape, ShapeError};

/// Gaps of a burst, in seconds from 0, with weights.
const BURST: [f64; 4] = [15.0, 65.0, 15.0, 5.0];

/// Stream numbers of a day's times; those of its events have this bit set.
const EVENTS: u64 = 1 << 63;

/// A log, as a function of its [`Shape`].
///
/// What a person does on a day depends on the seed, the person and the day alone, so any part of the log can be made
/// without the rest: day by day for the order of time, person by person for the clustered order.
#[derive(Debug)]
pub struct Generator {
    shape: Shape,
    campus: Campus,
    session_hits: Quantiles,
    gaps: Quantiles,
    burst: Weighted,
    hours: Weighted,
    /// Sessions of the whole site on a mean day.
    sessions_per_day: f64,
    /// Mean over the nominal days of weight of the weekday × weight of the month.
    mean_weight: f64,
    /// Unix seconds at which `other` changes from PHP's serialisation to JSON.
    json_from: i64,
}

/// A local day.
#[derive(Debug, Clone, Copy)]
struct Day {
    number: u32,
    /// Unix seconds of the local midnight.
    start: i64,
    /// Sessions of the whole site.
    sessions: f64,
}

impl Generator {
    /// Prepares a log: tables of a few bytes per user and module.
    ///
    /// # Errors
    ///
    /// For a shape that no log can have.
    pub fn new(shape: Shape) -> Result<Self, ShapeError> {
        shape.check()?;
        let (median, sigma, max) = shape.figures.session_hits;
        let session_hits = Quantiles::log_normal(median, sigma, 1, max);
        let (median, sigma, max) = shape.figures.gap;
        let mut generator = Self {
            gaps: Quantiles::log_normal(median, sigma, 1, max),
            burst: Weighted::new(BURST),
            hours: Weighted::new(shape.figures.hours.map(f64::from)),
            sessions_per_day: shape.rows as f64 / session_hits.mean() / f64::from(shape.days),
            session_hits,
            mean_weight: 1.0,
            json_from: 0,
            campus: Campus::new(&shape),
            shape,
        };
        let days = generator.shape.days;
        let weights: f64 =
            (0..days).filter_map(|number| generator.date(number)).map(|date| generator.weight(date)).sum();
        generator.mean_weight = weights / f64::from(days);
        let serialized = u64::from(days) * u64::from(generator.shape.figures.serialized_permille) / 1000;
        generator.json_from = generator.day(serialized as u32).map_or(i64::MIN, |day| day.start);
        Ok(generator)
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The rows in the order of time and id, as a database exports them. Holds the hits of one day.
    pub fn by_time(&self) -> ByTime<'_> {
        ByTime { generator: self, day: 0, hits: Vec::new(), next: 0, ready: 0, rows: 0 }
    }

    /// The same rows in the order (userid, timecreated, id). Holds the hits of one person and, for the ids, a counter
    /// of 4 bytes for every second of the log (126 MB for a year); a first pass over all times fills the counters.
    pub fn by_user(&self) -> ByUser<'_> {
        ByUser { generator: self, ids: Ids::count(self), user: 0, hits: Vec::new().into_iter() }
    }

    fn date(&self, number: u32) -> Option<NaiveDate> {
        self.shape.start.checked_add_days(Days::new(u64::from(number)))
    }

    fn weight(&self, date: NaiveDate) -> f64 {
        let figures = &self.shape.figures;
        let weekday = figures.weekdays[date.weekday().num_days_from_monday() as usize];
        f64::from(weekday) * f64::from(figures.months[date.month0() as usize])
    }

    /// A day of the log; `None` at the end of the calendar.
    fn day(&self, number: u32) -> Option<Day> {
        let date = self.date(number)?;
        let midnight = date.and_hms_opt(0, 0, 0)?;
        // Where the clocks change at midnight, the day starts with its first hour that exists.
        let start = (0..24).find_map(|hour| {
            let local = midnight + TimeDelta::hours(hour);
            self.shape.zone.from_local_datetime(&local).earliest()
        })?;
        let sessions = self.sessions_per_day * self.weight(date) / self.mean_weight;
        Some(Day { number, start: start.timestamp(), sessions })
    }

    /// Calls `each` with the ascending times of every session that a person begins on a day.
    fn sessions(&self, user: u32, day: &Day, times: &mut Vec<i64>, mut each: impl FnMut(&[i64])) {
        let key = scramble(self.shape.seed ^ u64::from(day.number), u64::from(user));
        let count = poisson(day.sessions * self.campus.share(user), key);
        if count == 0 {
            return;
        }
        let mut draw = Source::new(self.shape.seed, user, u64::from(day.number));
        for _ in 0..count {
            let hour = self.hours.draw(draw.bits()) as i64;
            let mut time = day.start + hour * 3600 + draw.below(3600) as i64;
            times.clear();
            times.push(time);
            for _ in 1..self.session_hits.draw(draw.bits()) {
                time += self.gap(&mut draw);
                times.push(time);
            }
            each(times);
        }
    }

    fn gap(&self, draw: &mut Source) -> i64 {
        if draw.permille(self.shape.figures.burst_permille) {
            self.burst.draw(draw.bits()) as i64
        } else {
            i64::from(self.gaps.draw(draw.bits()))
        }
    }

    /// Appends all hits of the sessions that a person begins on a day.
    fn hits(&self, user: u32, day: &Day, times: &mut Vec<i64>, out: &mut Vec<Hit>) {
        let mut draw = None;
        self.sessions(user, day, times, |times| {
            let draw = draw.get_or_insert_with(|| Source::new(self.shape.seed, user, u64::from(day.number) | EVENTS));
            let serialized = times[0] < self.json_from;
            session::write(&self.campus, &self.shape.figures, user, times, serialized, draw, out);
        });
    }
}

/// The rows in the order of time: see [`Generator::by_time`].
#[derive(Debug)]
pub struct ByTime<'a> {
    generator: &'a Generator,
    /// The next day to make.
    day: u32,
    /// Hits in order, up to `ready`; those behind are mixed with hits of later days.
    hits: Vec<Hit>,
    next: usize,
    ready: usize,
    rows: u64,
}

impl ByTime<'_> {
    /// Makes days until there is a hit to give; `None` at the end of the calendar.
    fn fill(&mut self) -> Option<()> {
        let mut times = Vec::new();
        while self.next == self.ready {
            self.hits.drain(..self.ready);
            let (day, tomorrow) = (self.generator.day(self.day)?, self.generator.day(self.day + 1)?);
            for user in 0..self.generator.campus.users() {
                self.generator.hits(user, &day, &mut times, &mut self.hits);
            }
            // Stable: hits of one person in one second stay in the order in which they were made.
            self.hits.sort_by_key(|hit| (hit.time, hit.userid));
            self.ready = self.hits.partition_point(|hit| hit.time < tomorrow.start);
            self.next = 0;
            self.day += 1;
        }
        Some(())
    }
}

impl Iterator for ByTime<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        if self.rows == self.generator.shape.rows {
            return None;
        }
        if self.next == self.ready {
            self.fill()?;
        }
        let mut hit = self.hits[self.next];
        self.next += 1;
        self.rows += 1;
        hit.id = self.rows;
        Some(hit)
    }
}

/// The rows in the order (userid, timecreated, id): see [`Generator::by_user`].
#[derive(Debug)]
pub struct ByUser<'a> {
    generator: &'a Generator,
    ids: Ids,
    user: u32,
    hits: std::vec::IntoIter<Hit>,
}

impl ByUser<'_> {
    fn hits_of(&mut self, user: u32) -> Vec<Hit> {
        let (mut hits, mut times) = (Vec::new(), Vec::new());
        for day in &self.ids.days {
            self.generator.hits(user, day, &mut times, &mut hits);
        }
        hits.sort_by_key(|hit| hit.time);
        hits.retain_mut(|hit| match self.ids.take(hit.time) {
            Some(id) => {
                hit.id = id;
                true
            }
            None => false,
        });
        hits
    }
}

impl Iterator for ByUser<'_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        loop {
            if let Some(hit) = self.hits.next() {
                return Some(hit);
            }
            if self.user == self.generator.campus.users() {
                return None;
            }
            self.hits = self.hits_of(self.user).into_iter();
            self.user += 1;
        }
    }
}

/// The next id of every second. When people come in ascending order, this numbers the rows by (time, user).
#[derive(Debug)]
struct Ids {
    rows: u64,
    start: i64,
    days: Vec<Day>,
    /// Rows before each block of seconds.
    blocks: Vec<u64>,
    /// Rows before each second inside its block, and those already taken of it.
    seconds: Vec<u32>,
}

/// Seconds per block: short enough for a counter of 32 bits.
const BLOCK: usize = 1 << 16;

impl Ids {
    /// Counts the hits of every second, day by day until the rows are reached.
    fn count(generator: &Generator) -> Self {
        let rows = generator.shape.rows;
        let start = generator.day(0).map_or(0, |day| day.start);
        let mut ids = Self { rows, start, days: Vec::new(), blocks: Vec::new(), seconds: Vec::new() };
        let (mut done, mut times) = (0, Vec::new());
        while done < rows {
            let number = ids.days.len() as u32;
            let (Some(day), Some(tomorrow)) = (generator.day(number), generator.day(number + 1)) else { break };
            for user in 0..generator.campus.users() {
                generator.sessions(user, &day, &mut times, |times| times.iter().for_each(|&time| ids.add(time)));
            }
            let end = (tomorrow.start - start) as usize;
            if ids.seconds.len() < end {
                ids.seconds.resize(end, 0);
            }
            // Sessions of later days begin later: what lies before tomorrow is complete.
            let today = (day.start - start) as usize..end;
            done += ids.seconds[today].iter().map(|&count| u64::from(count)).sum::<u64>();
            ids.days.push(day);
            if done >= rows {
                ids.seconds.truncate(end);
            }
        }
        ids.accumulate();
        ids
    }

    fn add(&mut self, time: i64) {
        let second = (time - self.start) as usize;
        if second >= self.seconds.len() {
            self.seconds.resize(second + 1, 0);
        }
        self.seconds[second] += 1;
    }

    fn accumulate(&mut self) {
        let mut before = 0;
        for block in self.seconds.chunks_mut(BLOCK) {
            self.blocks.push(before);
            let mut inside = 0;
            for second in block {
                inside += std::mem::replace(second, inside);
            }
            before += u64::from(inside);
        }
    }

    /// The id of the next hit of a second; `None` behind the last row.
    fn take(&mut self, time: i64) -> Option<u64> {
        let second = (time - self.start) as usize;
        let inside = self.seconds.get_mut(second)?;
        *inside += 1;
        let id = self.blocks[second / BLOCK] + u64::from(*inside);
        (id <= self.rows).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hit::Origin;

    fn generator(rows: u64, seed: u64) -> Generator {
        Generator::new(Shape { users: 200, days: 60, ..Shape::sized(rows, seed) }).unwrap()
    }

    #[test]
    fn both_orders_hold_the_same_rows() {
        let generator = generator(30_000, 11);
        let mut by_time: Vec<Hit> = generator.by_time().collect();
        assert_eq!(by_time.len(), 30_000);
        assert!(by_time.iter().zip(1..).all(|(hit, id)| hit.id == id));
        assert!(by_time.windows(2).all(|pair| pair[0].time <= pair[1].time));
        let by_user: Vec<Hit> = generator.by_user().collect();
        let key = |hit: &Hit| (hit.userid, hit.time, hit.id);
        assert!(by_user.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
        by_time.sort_by_key(key);
        assert!(by_time == by_user);
    }

    #[test]
    fn the_seed_decides_and_nothing_else() {
        let first: Vec<Hit> = generator(5_000, 1).by_time().collect();
        assert!(first == generator(5_000, 1).by_time().collect::<Vec<_>>());
        assert!(first != generator(5_000, 2).by_time().collect::<Vec<_>>());
    }

    #[test]
    fn odd_shapes_are_complete_too() {
        for (rows, users, days) in [(0, 3, 1), (1, 3, 1), (999, 3, 1), (5_000, 4_000, 3), (10, 500, 365)] {
            let shape = Shape { users, days, courses: 1, ..Shape::sized(rows, 5) };
            let generator = Generator::new(shape).unwrap();
            assert_eq!((generator.by_time().count() as u64, generator.by_user().count() as u64), (rows, rows));
        }
        assert!(Generator::new(Shape { users: 2, ..Shape::sized(1, 1) }).is_err());
    }

    #[test]
    fn the_period_is_the_nominal_one() {
        let generator = generator(100_000, 3);
        let (first, last) = (generator.by_time().next().unwrap(), generator.by_time().last().unwrap());
        let days = (last.time - first.time) as f64 / 86_400.0;
        assert!((56.0..64.0).contains(&days), "{days}");
    }

    /// The published log has, over all gaps of a user, 1 s at 10 % and 50 %, 61 s at 75 %, 181 s at 85 % and a gap over
    /// 900 s at 9.7 % (9383 sessions of 95626 events); its times have a grain of 60 s, hence the bands.
    #[test]
    fn gaps_are_like_those_of_the_published_log() {
        let hits: Vec<Hit> = generator(150_000, 4).by_user().collect();
        let mut gaps: Vec<i64> = hits
            .windows(2)
            .filter(|pair| pair[0].userid == pair[1].userid)
            .map(|pair| pair[1].time - pair[0].time)
            .collect();
        gaps.sort_unstable();
        let quantile = |p: f64| gaps[(p * gaps.len() as f64) as usize];
        assert_eq!(quantile(0.5), 1);
        assert!((31..=91).contains(&quantile(0.75)), "{}", quantile(0.75));
        assert!((121..=301).contains(&quantile(0.85)), "{}", quantile(0.85));
        let long = gaps.iter().filter(|&&gap| gap > 900).count() as f64 / gaps.len() as f64;
        assert!((0.08..0.12).contains(&long), "{long}");
    }

    #[test]
    fn days_have_a_rhythm_and_rows_their_marks() {
        let hits: Vec<Hit> = generator(100_000, 6).by_time().collect();
        let share = |of: &dyn Fn(&Hit) -> bool| hits.iter().filter(|hit| of(hit)).count() as f64 / hits.len() as f64;
        // Paris is two hours ahead of UTC in September and October.
        let night = share(&|hit| (0..5).contains(&((hit.time + 7200).rem_euclid(86_400) / 3600)));
        assert!((0.005..0.06).contains(&night), "{night}");
        let course_viewed = share(&|hit| hit.event.name == "\\core\\event\\course_viewed");
        assert!((0.2..0.4).contains(&course_viewed), "{course_viewed}");
        let logins = share(&|hit| hit.event.action == "loggedin");
        assert!((0.03..0.09).contains(&logins), "{logins}");
        assert!(share(&|hit| hit.origin == Origin::Web) > 0.9 && share(&|hit| hit.origin == Origin::Ws) > 0.01);
        assert!(share(&|hit| hit.realuserid.is_some()) < 0.01);
        assert!(hits.iter().all(|hit| (hit.event.scope == crate::event::Scope::System) <= (hit.courseid == 0)));
        assert!((0.15..0.35).contains(&share(&|hit| hit.serialized)));
    }
}
