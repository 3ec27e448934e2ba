//! The people, courses and activities of a generated site: all that does not change with time.

use crate::event::KINDS;
use crate::random::{Quantiles, Source, Weighted, below, pow, scramble};
use crate::shape::Shape;

/// Context of the system.
pub const SYSTEM_CONTEXT: u32 = 1;
/// Context of the front page.
pub const FRONT_CONTEXT: u32 = 2;
/// Course number of the front page.
pub const FRONT_COURSE: u32 = 1;
/// The administrator's user number.
pub const ADMINISTRATOR: u32 = 2;

/// The site: its tables are a few bytes per user and per activity.
#[derive(Debug)]
pub struct Campus {
    seed: u64,
    users: u32,
    courses_per_user: u64,
    teachers_permille: u32,
    /// Share of the site's sessions, by user index.
    shares: Vec<f64>,
    popularity: Weighted,
    /// First module of every course, and the end.
    first_module: Vec<u32>,
    modules: Vec<Module>,
}

/// An activity.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// Index in [`KINDS`].
    pub kind: u8,
    /// Number in the table of its kind.
    pub instance: u32,
}

impl Campus {
    /// Builds the site of a shape.
    pub fn new(shape: &Shape) -> Self {
        let (first_module, modules) = modules(shape);
        Self {
            seed: shape.seed,
            users: shape.users,
            courses_per_user: u64::from(shape.figures.courses_per_user.min(shape.courses)),
            teachers_permille: shape.figures.teachers_permille,
            shares: shares(shape),
            popularity: Weighted::new((0..shape.courses).map(|rank| zipf(f64::from(rank), shape.figures.course_zipf))),
            first_module,
            modules,
        }
    }

    /// Number of people.
    pub fn users(&self) -> u32 {
        self.users
    }

    /// The user number of an index, ascending: 0 is the visitor, 2 the administrator, then everybody else.
    pub fn userid(index: u32) -> u32 {
        if index == 0 { 0 } else { index + 1 }
    }

    /// The part of all sessions that belongs to a user index.
    pub fn share(&self, index: u32) -> f64 {
        self.shares.get(index as usize).copied().unwrap_or(0.0)
    }

    /// Whether a person teaches.
    pub fn teaches(&self, index: u32) -> bool {
        index > 0 && below(scramble(self.seed ^ 0x7EAC, u64::from(index)), 1000) < u64::from(self.teachers_permille)
    }

    /// One of the courses of a person, by index; the first ones are chosen more often.
    pub fn course_of(&self, index: u32, draw: &mut Source) -> u32 {
        let which = draw.below(self.courses_per_user).min(draw.below(self.courses_per_user));
        self.popularity.draw(scramble(self.seed ^ (which << 48), u64::from(index))) as u32
    }

    /// The course number of a course index.
    pub fn courseid(course: u32) -> u32 {
        course + FRONT_COURSE + 1
    }

    /// One of the modules of a course, by index; the first ones are chosen more often.
    pub fn module_of(&self, course: u32, draw: &mut Source) -> u32 {
        let (first, end) = (self.first_module[course as usize], self.first_module[course as usize + 1]);
        let count = u64::from(end - first);
        first + draw.below(count).min(draw.below(count)) as u32
    }

    /// A module.
    pub fn module(&self, module: u32) -> Module {
        self.modules[module as usize]
    }

    /// Number of the course module of a module index.
    pub fn cmid(module: u32) -> u32 {
        module + 1
    }

    /// Context of a person.
    pub fn user_context(index: u32) -> u32 {
        FRONT_CONTEXT + 1 + index
    }

    /// Context of a course.
    pub fn course_context(&self, course: u32) -> u32 {
        Self::user_context(self.users) + course
    }

    /// Context of a module.
    pub fn module_context(&self, module: u32) -> u32 {
        self.course_context(self.first_module.len() as u32 - 1) + module
    }
}

fn zipf(rank: f64, exponent: f64) -> f64 {
    1.0 / pow(rank.max(0.0) + 1.0, exponent)
}

/// Zipf's law over the users, with the ranks scattered over the user numbers.
fn shares(shape: &Shape) -> Vec<f64> {
    let (exponent, offset) = shape.figures.user_zipf;
    let shift = offset * f64::from(shape.users);
    let mut order: Vec<u32> = (0..shape.users).collect();
    order.sort_by_key(|&index| (scramble(shape.seed ^ 0x5A1F, u64::from(index)), index));
    let mut shares = vec![0.0; order.len()];
    let mut sum = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        let weight = zipf(rank as f64 + shift, exponent);
        shares[index as usize] = weight;
        sum += weight;
    }
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

fn modules(shape: &Shape) -> (Vec<u32>, Vec<Module>) {
    let (median, sigma, max) = shape.figures.modules;
    let sizes = Quantiles::log_normal(median, sigma, 1, max);
    let kinds = Weighted::new(KINDS.iter().map(|kind| f64::from(kind.weight)));
    let mut draw = Source::new(shape.seed, u32::MAX, 0);
    let mut instances = [0; KINDS.len()];
    let (mut first, mut modules) = (vec![0], Vec::new());
    for _ in 0..shape.courses {
        for _ in 0..sizes.draw(draw.bits()) {
            let kind = kinds.draw(draw.bits());
            instances[kind] += 1;
            modules.push(Module { kind: kind as u8, instance: instances[kind] });
        }
        first.push(modules.len() as u32);
    }
    (first, modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_and_user_numbers_do_not_overlap() {
        let shape = Shape { users: 50, courses: 7, ..Shape::sized(1000, 3) };
        let campus = Campus::new(&shape);
        let mut contexts: Vec<u32> = vec![SYSTEM_CONTEXT, FRONT_CONTEXT];
        contexts.extend((0..50).map(Campus::user_context));
        contexts.extend((0..7).map(|course| campus.course_context(course)));
        contexts.extend((0..campus.modules.len() as u32).map(|module| campus.module_context(module)));
        assert!(contexts.windows(2).all(|pair| pair[0] < pair[1]), "{contexts:?}");
        assert_eq!([0, 1, 2, 49].map(Campus::userid), [0, ADMINISTRATOR, 3, 50]);
    }

    #[test]
    fn shares_sum_to_one_and_follow_the_law() {
        let shape = Shape { users: 1000, ..Shape::sized(1000, 3) };
        let campus = Campus::new(&shape);
        let mut shares: Vec<f64> = (0..1000).map(|index| campus.share(index)).collect();
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        shares.sort_by(f64::total_cmp);
        // Exponent 1 and offset 0.02: weights 1/21 for the first rank and 1/1020 for the last.
        assert!((shares[999] / shares[0] - 1020.0 / 21.0).abs() < 1e-6);
    }

    #[test]
    fn everybody_has_few_courses_and_every_module_has_a_course() {
        let shape = Shape { users: 200, courses: 40, ..Shape::sized(1000, 3) };
        let campus = Campus::new(&shape);
        let mut draw = Source::new(9, 9, 9);
        let mut seen: Vec<u32> = (0..500).map(|_| campus.course_of(17, &mut draw)).collect();
        seen.sort_unstable();
        seen.dedup();
        assert!((2..=8).contains(&seen.len()) && seen.iter().all(|&course| course < 40), "{seen:?}");
        for course in 0..40 {
            assert!((campus.module_of(course, &mut draw) as usize) < campus.modules.len());
        }
    }
}
