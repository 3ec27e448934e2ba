//! What a person does in one session: the events behind given times.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::campus::{ADMINISTRATOR, Campus, FRONT_CONTEXT, FRONT_COURSE, SYSTEM_CONTEXT};
use crate::event::{self, Event, Extra, KINDS, Object, Related, Scope};
use crate::hit::{Hit, Origin, Other};
use crate::random::{Source, scramble};
use crate::shape::Figures;

/// What kind of session it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Play {
    /// Somebody who is not logged in looks at the front page.
    Visit,
    /// A scheduled task enrols people.
    Task,
    /// A teacher restores a course.
    Restore,
    /// Somebody learns or teaches.
    Study,
}

/// A session being written.
pub(crate) struct Session<'a> {
    campus: &'a Campus,
    draw: &'a mut Source,
    index: u32,
    play: Play,
    course: u32,
    module: u32,
    origin: Origin,
    ip: Option<IpAddr>,
    realuserid: Option<u32>,
    serialized: bool,
}

/// Appends the hits of one session of a person (given by user index) at these times. Ids are left at 0.
pub(crate) fn write(
    campus: &Campus,
    figures: &Figures,
    index: u32,
    times: &[i64],
    serialized: bool,
    draw: &mut Source,
    out: &mut Vec<Hit>,
) {
    let mut session = Session::open(campus, figures, index, serialized, draw);
    let study = session.play == Play::Study;
    let login = study && session.draw.permille(figures.login_permille.0);
    let logout = study && times.len() > 2 && session.draw.permille(figures.login_permille.1);
    let mut last: Option<&'static Event> = None;
    for (n, &time) in times.iter().enumerate() {
        let event = match n {
            0 if session.realuserid.is_some() => &event::LOGIN_AS,
            0 if login => &event::LOGIN,
            _ if logout && n + 1 == times.len() => &event::LOGOUT,
            _ => session.next(last),
        };
        out.push(session.hit(time, event));
        last = Some(event);
    }
}

impl<'a> Session<'a> {
    fn open(campus: &'a Campus, figures: &Figures, index: u32, serialized: bool, draw: &'a mut Source) -> Self {
        let teaches = campus.teaches(index);
        let play = match Campus::userid(index) {
            0 => Play::Visit,
            ADMINISTRATOR if draw.permille(500) => Play::Task,
            _ if teaches && draw.permille(figures.restore_permille) => Play::Restore,
            _ => Play::Study,
        };
        let origin = match play {
            Play::Task => Origin::Cli,
            Play::Restore => Origin::Restore,
            Play::Study if draw.permille(figures.app_permille) => Origin::Ws,
            _ => Origin::Web,
        };
        let login_as = play == Play::Study && index > 1 && draw.permille(figures.login_as_permille);
        let course = campus.course_of(index, draw);
        let module = campus.module_of(course, draw);
        let ip = if play == Play::Task { None } else { Some(address(index, draw)) };
        let realuserid = login_as.then_some(ADMINISTRATOR);
        Self { campus, draw, index, play, course, module, origin, ip, realuserid, serialized }
    }

    /// The event after another one; moves to another course or module where it leads there.
    fn next(&mut self, last: Option<&'static Event>) -> &'static Event {
        match self.play {
            Play::Visit => return &event::FRONT_VIEWED,
            Play::Task => {
                self.course = self.campus.course_of(self.draw.below(u64::from(self.campus.users())) as u32, self.draw);
                return &event::ENROLLED;
            }
            Play::Restore => {
                self.module = self.campus.module_of(self.course, self.draw);
                return &event::MODULE_CREATED;
            }
            Play::Study => {}
        }
        match last.map(|event| event.scope) {
            Some(Scope::System) => &event::DASHBOARD,
            None | Some(Scope::Person | Scope::Front) => self.arrive(),
            Some(Scope::Course) => self.enter_module(),
            Some(Scope::Module) => self.inside(),
        }
    }

    /// From outside into a course, or another look at what is outside.
    fn arrive(&mut self) -> &'static Event {
        match self.draw.below(100) {
            0..6 => &event::MESSAGE_VIEWED,
            6..9 => &event::MESSAGE_SENT,
            9..14 => &event::FRONT_VIEWED,
            _ => &event::COURSE_VIEWED,
        }
    }

    /// From the course page: mostly into a module, at times to another course.
    fn enter_module(&mut self) -> &'static Event {
        match self.draw.below(100) {
            0..4 => {
                self.course = self.campus.course_of(self.index, self.draw);
                &event::COURSE_VIEWED
            }
            4..6 => &event::DASHBOARD,
            6..9 if self.campus.teaches(self.index) => &event::GRADED,
            _ => {
                self.module = self.campus.module_of(self.course, self.draw);
                &KINDS[usize::from(self.campus.module(self.module).kind)].viewed
            }
        }
    }

    /// Inside a module: on with it, completed, or back to the course page or to another module.
    fn inside(&mut self) -> &'static Event {
        let kind = &KINDS[usize::from(self.campus.module(self.module).kind)];
        match self.draw.below(100) {
            0..11 => &event::COMPLETED,
            11..55 if !kind.inside.is_empty() => {
                if kind.name == "assign" && self.campus.teaches(self.index) {
                    return &event::SUBMISSION_GRADED;
                }
                let total: u32 = kind.inside.iter().map(|(weight, _)| weight).sum();
                let mut left = self.draw.below(u64::from(total)) as u32;
                for (weight, event) in kind.inside {
                    if left < *weight {
                        return event;
                    }
                    left -= weight;
                }
                &kind.viewed
            }
            11..85 => &event::COURSE_VIEWED,
            _ => self.enter_module(),
        }
    }

    fn hit(&mut self, time: i64, event: &'static Event) -> Hit {
        let userid = Campus::userid(self.index);
        let (contextid, instanceid, courseid) = self.place(event.scope, userid);
        Hit {
            id: 0,
            time,
            userid,
            event,
            contextid,
            instanceid,
            courseid,
            objectid: self.object(event.object, userid),
            relateduserid: match event.related {
                Related::Nobody => None,
                Related::Actor => Some(userid),
                Related::Peer => Some(self.peer()),
            },
            origin: self.origin,
            ip: self.ip,
            realuserid: self.realuserid,
            other: self.other(event.extra),
            serialized: self.serialized,
        }
    }

    fn place(&self, scope: Scope, userid: u32) -> (u32, u32, u32) {
        let courseid = Campus::courseid(self.course);
        match scope {
            Scope::System => (SYSTEM_CONTEXT, 0, 0),
            Scope::Person => (Campus::user_context(self.index), userid, 0),
            Scope::Front => (FRONT_CONTEXT, FRONT_COURSE, FRONT_COURSE),
            Scope::Course => (self.campus.course_context(self.course), courseid, courseid),
            Scope::Module => (self.campus.module_context(self.module), Campus::cmid(self.module), courseid),
        }
    }

    fn peer(&mut self) -> u32 {
        Campus::userid(self.draw.below(u64::from(self.campus.users())).max(1) as u32)
    }

    fn object(&mut self, object: Object, userid: u32) -> Option<u32> {
        let instance = self.campus.module(self.module).instance;
        match object {
            Object::Nothing => None,
            Object::Actor => Some(userid),
            Object::Instance => Some(instance),
            Object::Module => Some(Campus::cmid(self.module)),
            Object::Entry => Some(instance * 64 + self.draw.below(64) as u32),
            Object::Own => Some(instance * 256 + self.index % 256),
        }
    }

    fn other(&mut self, extra: Extra) -> Other {
        let instance = self.campus.module(self.module).instance;
        match extra {
            Extra::Nothing => Other::Nothing,
            Extra::Login => Other::Login,
            Extra::Logout => Other::Logout(self.draw.bits()),
            Extra::Section if self.draw.permille(200) => Other::Section(self.draw.below(15) as u32),
            Extra::Section => Other::Nothing,
            Extra::Completion => Other::Completion(self.draw.permille(900)),
            Extra::Post => Other::Post(instance * 16 + self.draw.below(16) as u32, instance),
            Extra::Subscription => Other::Subscription(instance, instance * 16 + self.draw.below(16) as u32),
            Extra::Submission => Other::Submission(self.draw.permille(300)),
            Extra::Quiz => Other::Quiz(instance),
            Extra::Score => Other::Score(1 + self.draw.below(3) as u32, self.draw.below(101) as u32),
            Extra::Created => Other::Created(self.campus.module(self.module).kind, instance),
            Extra::Enrolment => Other::Enrolment(self.draw.permille(500)),
        }
    }
}

/// The address of a session: the campus behind few addresses, the home of the person, or a place on the way.
///
/// Only private and documentation ranges occur, so no address is anybody's.
fn address(index: u32, draw: &mut Source) -> IpAddr {
    let home = scramble(0x1B, u64::from(index));
    match draw.below(100) {
        0..35 => Ipv4Addr::new(192, 168, 99, 1 + draw.below(8) as u8).into(),
        35..80 if home.is_multiple_of(20) => Ipv6Addr::from((0x2001_0db8 << 96) | u128::from(home)).into(),
        35..80 => Ipv4Addr::from((10 << 24) | (home >> 40) as u32).into(),
        _ => Ipv4Addr::from((100 << 24) | (64 << 16) | draw.below(1 << 22) as u32).into(),
    }
}
