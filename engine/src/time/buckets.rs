//! [`Buckets`]: laps added up at a grain, for one user.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::hit::{ModuleId, Place};
use super::track::{Lap, TrackSession, Verdict};

/// What laps are added up by. Everything that is left out is summed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Grain {
    /// By session.
    pub session: bool,
    /// By course.
    pub course: bool,
    /// By module name and activity.
    pub place: bool,
    /// By local day; a lap that crosses midnight is cut there, and its event belongs to the day of the hit.
    pub day: bool,
}

/// What a bucket is about; parts that the grain leaves out are 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Key {
    /// Number of the session; 0 for time outside of sessions.
    pub session: u32,
    /// Course.
    pub course: i64,
    /// Module name and activity.
    pub place: Place,
    /// Local day, in days since 1970-01-01.
    pub day: i32,
}

/// What a bucket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Counter {
    /// Seconds.
    pub elapsed: i64,
    /// Those of them on activities.
    pub activity: i64,
    /// Those of them on pages of courses outside of activities.
    pub course: i64,
    /// Hits.
    pub events: u64,
    /// Unix seconds of the first and the last hit.
    pub first: i64,
    /// See `first`.
    pub last: i64,
    /// Row ids of the first and the last hit.
    pub first_id: i64,
    /// See `first_id`.
    pub last_id: i64,
}

impl Counter {
    /// The counter of one hit.
    pub fn hit(lap: &Lap, elapsed: i64, events: u64) -> Self {
        let (time, id, place) = (lap.hit.time, lap.hit.id, lap.hit.place);
        let on_course = place.module == ModuleId::COURSE;
        let activity = if place.cm != 0 { elapsed } else { 0 };
        let course = if on_course { elapsed } else { 0 };
        Self { elapsed, activity, course, events, first: time, last: time, first_id: id, last_id: id }
    }

    /// Adds one hit; of hits in the same second the later call is the later hit.
    #[inline]
    pub fn add_hit(&mut self, lap: &Lap, elapsed: i64) {
        let (time, place) = (lap.hit.time, lap.hit.place);
        if time >= self.last {
            (self.last, self.last_id) = (time, lap.hit.id);
        }
        if time < self.first {
            (self.first, self.first_id) = (time, lap.hit.id);
        }
        self.elapsed = self.elapsed.saturating_add(elapsed);
        if place.cm != 0 {
            self.activity = self.activity.saturating_add(elapsed);
        } else if place.module == ModuleId::COURSE {
            self.course = self.course.saturating_add(elapsed);
        }
        self.events += 1;
    }

    /// Adds what another counter holds.
    #[inline]
    pub fn add(&mut self, other: &Self) {
        if (other.first, other.first_id) < (self.first, self.first_id) {
            (self.first, self.first_id) = (other.first, other.first_id);
        }
        if (other.last, other.last_id) > (self.last, self.last_id) {
            (self.last, self.last_id) = (other.last, other.last_id);
        }
        self.elapsed = self.elapsed.saturating_add(other.elapsed);
        self.activity = self.activity.saturating_add(other.activity);
        self.course = self.course.saturating_add(other.course);
        self.events += other.events;
    }
}

/// The buckets of one user. It is emptied and used again for the next one.
#[derive(Debug, Clone, Default)]
pub struct Buckets {
    rows: Vec<(Key, Counter)>,
    index: HashMap<Key, usize, FixedState>,
    /// Where a key was found last, by a few bits of it: most keys come again soon.
    slots: Vec<usize>,
    /// Bucket of the last lap: hits in a row mostly share it.
    latest: usize,
    /// Buckets of sessions that may still turn out to be too short.
    provisional: Vec<(u32, Key, Counter)>,
}

impl Buckets {
    /// The buckets so far, in order of their first lap.
    pub fn rows(&self) -> &[(Key, Counter)] {
        &self.rows
    }

    /// Forgets everything, and keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.index.clear();
        self.provisional.clear();
        self.latest = 0;
    }

    /// Adds to a bucket.
    #[inline]
    pub fn add(&mut self, key: Key, counter: &Counter) {
        if let Some((latest, sum)) = self.rows.get_mut(self.latest)
            && *latest == key
        {
            sum.add(counter);
            return;
        }
        self.find(key, counter);
    }

    /// Adds one hit to a bucket.
    #[inline]
    pub fn add_hit(&mut self, key: Key, lap: &Lap, elapsed: i64) {
        if let Some((latest, sum)) = self.rows.get_mut(self.latest)
            && *latest == key
        {
            sum.add_hit(lap, elapsed);
            return;
        }
        self.find(key, &Counter::hit(lap, elapsed, 1));
    }

    fn find(&mut self, key: Key, counter: &Counter) {
        let slot = key.slot();
        // A slot may be left from another user or another key: the key that stands there decides.
        let seen = self.slots.get(slot).copied().unwrap_or(0);
        if let Some((known, sum)) = self.rows.get_mut(seen)
            && *known == key
        {
            sum.add(counter);
            self.latest = seen;
            return;
        }
        self.latest = match self.index.entry(key) {
            Entry::Occupied(known) => {
                let at = *known.get();
                self.rows[at].1.add(counter);
                at
            }
            Entry::Vacant(vacant) => {
                let at = *vacant.insert(self.rows.len());
                self.rows.push((key, *counter));
                at
            }
        };
        if self.slots.is_empty() {
            self.slots = vec![0; SLOTS];
        }
        self.slots[slot] = self.latest;
    }

    /// Adds to a bucket of a session that may still turn out to be too short.
    pub fn add_provisional(&mut self, session: u32, key: Key, counter: &Counter) {
        match self.provisional.last_mut() {
            Some((of, latest, sum)) if *of == session && *latest == key => sum.add(counter),
            _ => self.provisional.push((session, key, *counter)),
        }
    }

    /// Takes the provisional buckets of a session in, or drops them.
    pub fn decide(&mut self, session: &TrackSession) {
        let mut open = std::mem::take(&mut self.provisional);
        open.retain(|(of, key, counter)| {
            let decided = *of == session.number;
            if decided && session.verdict != Verdict::BelowMinimum {
                self.add(*key, counter);
            }
            !decided
        });
        self.provisional = open;
    }
}

/// Number of slots, a power of two.
const SLOTS: usize = 256;

impl Key {
    /// The slot of the key.
    #[inline]
    fn slot(&self) -> usize {
        let parts = (self.course ^ self.place.cm.rotate_left(20)).cast_unsigned()
            ^ u64::from(self.session).rotate_left(40)
            ^ u64::from(self.day.cast_unsigned()).rotate_left(50)
            ^ u64::from(self.place.module.0).rotate_left(33);
        // The high bits of the product depend on all bits of the parts.
        (parts.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize
    }
}

impl Grain {
    /// The bucket of a lap, without its day.
    #[inline]
    pub fn key(self, lap: &Lap) -> Key {
        Key {
            session: if self.session && lap.in_session { lap.session.unwrap_or(0) } else { 0 },
            course: if self.course { lap.hit.course } else { 0 },
            place: if self.place { lap.hit.place } else { Place { module: ModuleId::COURSE, cm: 0 } },
            day: 0,
        }
    }
}
