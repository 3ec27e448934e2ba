//! Flags of everything that computes time: policies, range, users; and what every answer says about them.

use engine::query::Limits;
use engine::stats::services::{CourseSource, UserSource};
use engine::stats::{Request, Stats};
use engine::text;
use engine::time::{self, DayEdge, Policy, RangeEnd};

use super::args::{CourseColumn, Globals, TimeArgs, UserColumn};
use super::config;
use super::exit::Failure;
use super::{Console, flags, numbers, open};
use crate::answers::Basis;

impl From<UserColumn> for UserSource {
    fn from(column: UserColumn) -> Self {
        match column {
            UserColumn::Id => Self::Id,
            UserColumn::Username => Self::Username,
            UserColumn::Idnumber => Self::Idnumber,
            UserColumn::Email => Self::Email,
        }
    }
}

impl From<CourseColumn> for CourseSource {
    fn from(column: CourseColumn) -> Self {
        match column {
            CourseColumn::Id => Self::Id,
            CourseColumn::Shortname => Self::Shortname,
            CourseColumn::Idnumber => Self::Idnumber,
        }
    }
}

/// What the flags ask for.
pub(crate) struct Asked {
    /// The store's statistics.
    pub(crate) stats: Stats,
    /// The policies, at least one.
    pub(crate) policies: Vec<Policy>,
    /// Range and zone, with the first policy.
    request: Request,
    /// Whether the range ends with a day.
    to_is_day: bool,
}

impl Asked {
    /// Reads the flags, then opens the store.
    pub(crate) async fn new(args: &TimeArgs, globals: &Globals, now: i64) -> Result<Self, Failure> {
        let config = config::load(globals)?;
        let zone = flags::parse("timezone", args.timezone.as_deref(), flags::timezone)?.unwrap_or(config.zone.0);
        let from = flags::parse("from", args.from.as_deref(), |text| flags::moment(text, zone, DayEdge::First))?;
        let to = flags::parse("to", args.to.as_deref(), |text| flags::moment(text, zone, DayEdge::Last))?;
        let named = if args.policy.is_empty() { vec![config.policy.0.clone()] } else { args.policy.clone() };
        let mut policies = Vec::new();
        for name in &named {
            policies.push(config.policies.resolve(name)?);
        }
        let first = policies.first().cloned().unwrap_or_else(Policy::use_stats);
        let request = Request { zone, ..Request::new(first, now) }.between(from.unwrap_or(0), to.unwrap_or(now))?;
        let engine = open::open_existing(globals.store()).await?;
        let limits = Limits { threads: super::query::threads(None), ..Limits::default() };
        let stats = engine.stats(args.site.as_deref(), args.at, &limits).await?;
        let to_is_day = args.to.as_deref().is_some_and(time::is_date);
        Ok(Self { stats, policies, request, to_is_day })
    }

    /// The request of one policy, for these users. A range that ends with a day holds its last second by either rule.
    pub(crate) fn request(&self, policy: &Policy, users: Option<Vec<i64>>) -> Request {
        let more = i64::from(self.to_is_day && policy.range == RangeEnd::HalfOpen);
        let to = self.request.to.saturating_add(more);
        Request { policy: policy.clone(), users, to, ..self.request.clone() }
    }

    /// What every answer says about itself.
    pub(crate) fn basis(&self) -> Basis {
        Basis::new(&self.stats, &self.request, &self.policies)
    }
}

/// The lines above a table.
pub(crate) fn print_basis(basis: &Basis, console: &mut Console) -> Result<(), Failure> {
    let Basis { from, to, timezone, site, snapshot, engine, policies } = basis;
    let (from, to) = (numbers::instant(*from), numbers::instant(*to));
    let policies = policies.join(" | ");
    let line = text!(
        "policy {policies}; {from} to {to}; time zone {timezone}; site {site}, snapshot {snapshot}, engine {engine}",
        "règle {policies} ; du {from} au {to} ; fuseau {timezone} ; site {site}, instantané {snapshot}, moteur {engine}"
    );
    let line = format!("{}\n", line.get(console.lang()));
    Ok(console.data(&line)?)
}
