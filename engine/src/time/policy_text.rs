//! Policies from text: a name, or a name with changes such as `dedication, threshold = 1800, minimum = > 59`.

use super::policy::{Boundary, Credit, Minimum};
use super::seconds::Seconds;
use super::spent_policy::{EnrolmentFilter, Outside, PRESETS, Policy, RangeEnd, Scope};
use super::track_rules::{Attribution, Carry, Exactness, SessionRule};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::{nearest, quoted};
use crate::text::Text;

/// One parameter of a policy: its name, what it may be, and its sentence in the manual.
pub struct Parameter {
    /// Name in the configuration and in texts.
    pub name: &'static str,
    /// Values that are accepted.
    pub allowed: &'static str,
    /// Meaning, with the unit.
    pub doc: &'static str,
    /// Its value as a text that sets it.
    get: fn(&Policy) -> String,
    /// Sets it from a text; `None` when the text is none of the allowed values.
    set: fn(&mut Policy, &str) -> Option<()>,
}

const SCOPES: [(&str, Scope); 3] = [("site", Scope::Site), ("course", Scope::Course), ("course_day", Scope::CourseDay)];
const BOUNDARIES: [(&str, Boundary); 2] = [(">", Boundary::Longer), (">=", Boundary::LongerOrEqual)];
const RULES: [(&str, SessionRule); 3] =
    [("gap", SessionRule::Gap), ("login", SessionRule::Login), ("none", SessionRule::None)];
const ATTRIBUTIONS: [(&str, Attribution); 4] = [
    ("earlier", Attribution::Earlier),
    ("later", Attribution::Later),
    ("split", Attribution::Split),
    ("none", Attribution::None),
];
const OUTSIDE: [(&str, Outside); 3] = [("keep", Outside::Keep), ("logins", Outside::Logins), ("drop", Outside::Drop)];
const CARRIES: [(&str, Carry); 2] = [("once", Carry::Once), ("repeated", Carry::Repeated)];
const RANGES: [(&str, RangeEnd); 2] = [("inclusive", RangeEnd::Inclusive), ("half_open", RangeEnd::HalfOpen)];
const ENROLMENTS: [(&str, EnrolmentFilter); 2] =
    [("off", EnrolmentFilter::Off), ("all_courses", EnrolmentFilter::AllCourses)];

/// All parameters, in the order of the manual.
pub static PARAMETERS: [Parameter; 22] = [
    Parameter {
        name: "scope",
        allowed: "site | course | course_day",
        doc: "Which rows form one track: all of a user, those in one course, those in one course on one day.",
        get: |policy| name_of(policy.scope, &SCOPES),
        set: |policy, text| {
            policy.scope = one_of(text, &SCOPES)?;
            Some(())
        },
    },
    Parameter {
        name: "courses",
        allowed: "ids, separated by spaces; empty for all",
        doc: "The only courses whose rows are looked at.",
        get: |policy| joined(&policy.courses),
        set: |policy, text| {
            policy.courses = ids(text)?;
            Some(())
        },
    },
    Parameter {
        name: "threshold",
        allowed: "seconds, 0 or more",
        doc: "Longest gap that counts whole, in seconds.",
        get: |policy| policy.gap.threshold.get().to_string(),
        set: |policy, text| {
            policy.gap.threshold = seconds(text)?;
            Some(())
        },
    },
    Parameter {
        name: "boundary",
        allowed: "> | >=",
        doc: "Whether a gap is long when it is longer than the threshold, or already when it is as long.",
        get: |policy| name_of(policy.gap.boundary, &BOUNDARIES),
        set: |policy, text| {
            policy.gap.boundary = one_of(text, &BOUNDARIES)?;
            Some(())
        },
    },
    Parameter {
        name: "credit",
        allowed: "none | half | threshold | seconds, 0 or more",
        doc: "What a long gap and the last hit are worth instead, in seconds; never beyond the clock.",
        get: |policy| credit_text(policy.gap.credit),
        set: |policy, text| {
            policy.gap.credit = credit(text)?;
            Some(())
        },
    },
    Parameter {
        name: "credit_within_gap",
        allowed: "true | false",
        doc: "Whether the credit of a long gap is never longer than the gap.",
        get: |policy| policy.credit_within_gap.to_string(),
        set: |policy, text| {
            policy.credit_within_gap = flag(text)?;
            Some(())
        },
    },
    Parameter {
        name: "sessions",
        allowed: "gap | login | none",
        doc: "When a session begins: at the first hit, a login and after a long gap; at the first hit and a login; never (time is the sum of laps).",
        get: |policy| name_of(policy.sessions, &RULES),
        set: |policy, text| {
            policy.sessions = one_of(text, &RULES)?;
            Some(())
        },
    },
    Parameter {
        name: "session_per_course",
        allowed: "true | false",
        doc: "Whether a hit in another course begins another session.",
        get: |policy| policy.session_per_course.to_string(),
        set: |policy, text| {
            policy.session_per_course = flag(text)?;
            Some(())
        },
    },
    Parameter {
        name: "minimum",
        allowed: "none | > seconds | >= seconds | n events",
        doc: "Which sessions count; the length is taken from the first to the last hit.",
        get: |policy| minimum_text(policy.gap.minimum),
        set: |policy, text| {
            policy.gap.minimum = minimum(text)?;
            Some(())
        },
    },
    Parameter {
        name: "logins",
        allowed: "true | false",
        doc: "Whether logins, logouts and grading events are special; otherwise they are hits like others.",
        get: |policy| policy.logins.to_string(),
        set: |policy, text| {
            policy.logins = flag(text)?;
            Some(())
        },
    },
    Parameter {
        name: "attribution",
        allowed: "earlier | later | split | none",
        doc: "Which hit a gap belongs to: the one before it, the one after it, half to each, or to the session alone.",
        get: |policy| name_of(policy.attribution, &ATTRIBUTIONS),
        set: |policy, text| {
            policy.attribution = one_of(text, &ATTRIBUTIONS)?;
            Some(())
        },
    },
    Parameter {
        name: "origins",
        allowed: "names, separated by spaces; may be empty",
        doc: "Origins whose rows are not looked at.",
        get: |policy| joined(&policy.exclude.origins),
        set: |policy, text| {
            policy.exclude.origins = names(text);
            Some(())
        },
    },
    Parameter {
        name: "missing_origin",
        allowed: "true | false",
        doc: "Whether rows without origin are left out too; it has no effect on a log that has no origin at all.",
        get: |policy| policy.exclude.missing_origin.to_string(),
        set: |policy, text| {
            policy.exclude.missing_origin = flag(text)?;
            Some(())
        },
    },
    Parameter {
        name: "actions",
        allowed: "names, separated by spaces; may be empty",
        doc: "Actions whose rows are not looked at.",
        get: |policy| joined(&policy.exclude.actions),
        set: |policy, text| {
            policy.exclude.actions = names(text);
            Some(())
        },
    },
    Parameter {
        name: "users",
        allowed: "ids, separated by spaces; may be empty",
        doc: "Users whose rows are not looked at.",
        get: |policy| joined(&policy.exclude.users),
        set: |policy, text| {
            policy.exclude.users = ids(text)?;
            Some(())
        },
    },
    Parameter {
        name: "logged_in_as",
        allowed: "true | false",
        doc: "Whether rows that somebody made while logged in as the user are left out.",
        get: |policy| policy.exclude.logged_in_as.to_string(),
        set: |policy, text| {
            policy.exclude.logged_in_as = flag(text)?;
            Some(())
        },
    },
    Parameter {
        name: "outside",
        allowed: "keep | logins | drop",
        doc: "Rows outside of courses: all are looked at, only logins and logouts, or none.",
        get: |policy| name_of(policy.exclude.outside, &OUTSIDE),
        set: |policy, text| {
            policy.exclude.outside = one_of(text, &OUTSIDE)?;
            Some(())
        },
    },
    Parameter {
        name: "captured",
        allowed: "module names, separated by spaces; may be empty",
        doc: "Modules whose time is carried into the next counted hit (`capturemodules`).",
        get: |policy| joined(&policy.captured),
        set: |policy, text| {
            policy.captured = names(text);
            Some(())
        },
    },
    Parameter {
        name: "ignored",
        allowed: "module names, separated by spaces; may be empty",
        doc: "Modules whose hits and time count nowhere (`ignoremodules`).",
        get: |policy| joined(&policy.ignored),
        set: |policy, text| {
            policy.ignored = names(text);
            Some(())
        },
    },
    Parameter {
        name: "carry",
        allowed: "once | repeated",
        doc: "Whether carried time is used up by the hit that takes it, or taken again by each following one until a login or logout, as block_use_stats does.",
        get: |policy| name_of(policy.carry, &CARRIES),
        set: |policy, text| {
            policy.carry = one_of(text, &CARRIES)?;
            Some(())
        },
    },
    Parameter {
        name: "range",
        allowed: "inclusive | half_open",
        doc: "Whether rows at the very end of a range belong to it.",
        get: |policy| name_of(policy.range, &RANGES),
        set: |policy, text| {
            policy.range = one_of(text, &RANGES)?;
            Some(())
        },
    },
    Parameter {
        name: "enrolment_filter",
        allowed: "off | all_courses",
        doc: "Whether a range begins at the user's latest enrolment in any course.",
        get: |policy| name_of(policy.enrolment, &ENROLMENTS),
        set: |policy, text| {
            policy.enrolment = one_of(text, &ENROLMENTS)?;
            Some(())
        },
    },
];

impl Parameter {
    /// The value that a policy has, as a text that sets it.
    pub fn value(&self, policy: &Policy) -> String {
        (self.get)(policy)
    }
}

/// The page `docs/reference/policies.md`.
pub fn policies_markdown() -> String {
    let mut page = String::from(
        "# Policies\n\n\
         Generated from the policies themselves; a test refuses a difference.\n\
         [Time spent](../concepts/time-spent.md) says what they mean.\n\n\
         ## Parameters\n\n\
         | parameter | values | meaning |\n|---|---|---|\n",
    );
    for Parameter { name, allowed, doc, .. } in &PARAMETERS {
        let allowed = allowed.replace('|', "\\|");
        page.push_str(&format!("| `{name}` | {allowed} | {doc} |\n"));
    }
    page.push_str("\n## Presets\n\nWhat is not listed is empty, `false`, or as in `use_stats`.\n");
    let base = Policy::use_stats();
    for preset in PRESETS {
        let Some(policy) = Policy::preset(preset) else { continue };
        page.push_str(&format!("\n### {preset}\n\n| parameter | value |\n|---|---|\n"));
        for parameter in &PARAMETERS {
            let value = parameter.value(&policy);
            if preset == "use_stats" || value != parameter.value(&base) {
                page.push_str(&format!(
                    "| `{}` | {} |\n",
                    parameter.name,
                    if value.is_empty() { "(empty)" } else { &value }
                ));
            }
        }
    }
    page
}

impl Policy {
    /// Sets a parameter from its text.
    ///
    /// # Errors
    ///
    /// `Invalid` for an unknown parameter, with the nearest name, and for a value that is not allowed.
    pub fn set(&mut self, parameter: &str, value: &str) -> Result<()> {
        let Some(known) = PARAMETERS.iter().find(|known| known.name == parameter) else {
            return Err(no_parameter(parameter));
        };
        (known.set)(self, value.trim()).ok_or_else(|| {
            let (name, allowed, value) = (known.name, known.allowed, quoted(value.trim()));
            Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "parameter `{name}` of a policy is \"{value}\": it must be {allowed}",
                    "le paramètre `{name}` d'une règle vaut « {value} » : il doit être {allowed}"
                ),
            )
        })
    }
}

/// The presets and the policies that a configuration adds to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Policies {
    own: Vec<Policy>,
}

impl Policies {
    /// Adds a policy, or replaces the one of its name, also a preset.
    pub fn define(&mut self, policy: Policy) {
        self.own.retain(|known| known.name != policy.name);
        self.own.push(policy);
    }

    /// All names: presets first, then those of the configuration.
    pub fn names(&self) -> Vec<&str> {
        let own = self.own.iter().map(|policy| policy.name.as_str()).filter(|name| !PRESETS.contains(name));
        PRESETS.iter().copied().chain(own).collect()
    }

    /// The policy of a text: its name, and behind commas changes of its parameters.
    ///
    /// ```
    /// use engine::time::{Policies, Seconds};
    ///
    /// let policy = Policies::default().resolve("dedication, threshold = 1800")?;
    /// assert_eq!(policy.gap.threshold, Seconds::try_new(1800)?);
    /// assert!(Policies::default().resolve("dedicatoin").unwrap_err().to_string().contains("did you mean `dedication`?"));
    /// # Ok::<(), engine::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, with the nearest one; `Invalid` as [`Policy::set`].
    pub fn resolve(&self, text: &str) -> Result<Policy> {
        let mut parts = text.split(',');
        let name = parts.next().unwrap_or_default().trim();
        let own = self.own.iter().find(|policy| policy.name == name).cloned();
        let mut policy = own.or_else(|| Policy::preset(name)).ok_or_else(|| self.no_policy(name))?;
        let changes: Vec<&str> = parts.collect();
        for change in &changes {
            let Some((parameter, value)) = change.split_once('=') else {
                let change = quoted(change.trim());
                return Err(Error::new(
                    ErrorKind::Invalid,
                    crate::text!(
                        "\"{change}\" changes no parameter of a policy: write `parameter = value`",
                        "« {change} » ne change aucun paramètre d'une règle : écrivez `paramètre = valeur`"
                    ),
                ));
            };
            policy.set(parameter.trim(), value)?;
        }
        if !changes.is_empty() {
            text.trim().clone_into(&mut policy.name);
        }
        Ok(policy)
    }

    fn no_policy(&self, name: &str) -> Error {
        let names = self.names();
        let Text { en, fr } = match nearest(name, names.iter().copied()) {
            Some(near) => crate::text!("; did you mean `{near}`?", " ; vouliez-vous dire `{near}` ?"),
            None => {
                let all = names.join(", ");
                crate::text!("; there are {all}", " ; il y a {all}")
            }
        };
        let name = quoted(name);
        Error::new(ErrorKind::NotFound, crate::text!("no policy `{name}`{en}", "aucune règle `{name}`{fr}"))
    }
}

fn no_parameter(name: &str) -> Error {
    let Text { en, fr } = match nearest(name, PARAMETERS.iter().map(|known| known.name)) {
        Some(near) => crate::text!("; did you mean `{near}`?", " ; vouliez-vous dire `{near}` ?"),
        None => {
            let all = PARAMETERS.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
            crate::text!("; there are {all}", " ; il y a {all}")
        }
    };
    let name = quoted(name);
    Error::new(
        ErrorKind::Invalid,
        crate::text!("a policy has no parameter `{name}`{en}", "une règle n'a pas de paramètre `{name}`{fr}"),
    )
}

fn one_of<T: Copy>(text: &str, values: &[(&str, T)]) -> Option<T> {
    values.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

/// The name of a value.
fn name_of<T: Copy + PartialEq>(value: T, names: &[(&str, T)]) -> String {
    names.iter().find(|(_, known)| *known == value).map_or_else(String::new, |(name, _)| (*name).to_owned())
}

fn joined(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn credit_text(credit: Credit) -> String {
    match credit {
        Credit::None => "none".to_owned(),
        Credit::HalfThreshold => "half".to_owned(),
        Credit::Threshold => "threshold".to_owned(),
        Credit::Fixed(seconds) => seconds.get().to_string(),
    }
}

fn minimum_text(minimum: Minimum) -> String {
    match minimum {
        Minimum::None => "none".to_owned(),
        Minimum::LongerThan(seconds) => format!("> {}", seconds.get()),
        Minimum::AtLeast(seconds) => format!(">= {}", seconds.get()),
        Minimum::Events(events) => format!("{events} events"),
    }
}

fn flag(text: &str) -> Option<bool> {
    one_of(text, &[("true", true), ("false", false)])
}

fn seconds(text: &str) -> Option<Seconds> {
    text.parse().ok().and_then(|number| Seconds::try_new(number).ok())
}

fn ids(text: &str) -> Option<Vec<i64>> {
    text.split_whitespace().map(|id| id.parse().ok()).collect()
}

fn names(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn credit(text: &str) -> Option<Credit> {
    match text {
        "none" => Some(Credit::None),
        "half" => Some(Credit::HalfThreshold),
        "threshold" => Some(Credit::Threshold),
        number => seconds(number).map(Credit::Fixed),
    }
}

fn minimum(text: &str) -> Option<Minimum> {
    if text == "none" {
        return Some(Minimum::None);
    }
    if let Some(number) = text.strip_prefix(">=") {
        return seconds(number.trim()).map(Minimum::AtLeast);
    }
    if let Some(number) = text.strip_prefix('>') {
        return seconds(number.trim()).map(Minimum::LongerThan);
    }
    let number = text.strip_suffix("events").or_else(|| text.strip_suffix("event"))?;
    number.trim().parse().ok().map(Minimum::Events)
}

/// The exact settings of the plugin, as it stores them: minutes, and lists with commas.
///
/// Items of the lists are compared as they are, blanks and empty items included, when the policy is exact; otherwise
/// they are trimmed and empty ones are left out.
pub fn plugin_list(policy: &Policy, setting: &str) -> Vec<String> {
    if setting.is_empty() {
        return Vec::new();
    }
    let items = setting.split(',').map(str::to_owned);
    if policy.exactness == Exactness::Exact {
        return items.collect();
    }
    items.map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ModuleId;

    #[test]
    fn every_preset_has_its_name_and_every_parameter_is_settable() {
        for name in PRESETS {
            assert_eq!(Policy::preset(name).unwrap().name, name);
        }
        let mut policy = Policy::use_stats();
        for parameter in &PARAMETERS {
            let first = parameter.allowed.split(" | ").next().unwrap();
            let value = match first {
                "seconds, 0 or more" => "60",
                text if text.contains("separated by spaces") => "1 2",
                text => text,
            };
            policy.set(parameter.name, value).unwrap();
        }
        assert_eq!(policy.courses, [1, 2]);
        assert_eq!(policy.ignored, ["1", "2"]);
        assert_eq!(ModuleId::PSEUDO.len(), usize::from(ModuleId::FIRST_TYPE));
    }

    #[test]
    fn what_a_policy_shows_sets_it_again() {
        for name in PRESETS {
            let policy = Policy::preset(name).unwrap();
            let mut other = Policy { name: policy.name.clone(), exactness: policy.exactness, ..Policy::use_stats() };
            for parameter in &PARAMETERS {
                other.set(parameter.name, &parameter.value(&policy)).unwrap();
            }
            assert_eq!(other, policy, "{name}");
        }
    }

    #[test]
    fn the_page_is_up_to_date() {
        let page = include_str!("../../../docs/reference/policies.md");
        assert!(
            page == policies_markdown(),
            "write `engine::time::policies_markdown()` to docs/reference/policies.md:\n{}",
            policies_markdown()
        );
    }

    #[test]
    fn changes_are_read_and_faults_are_told() {
        let policies = Policies::default();
        let policy = policies.resolve("dedication, threshold=900 , minimum = 2 events").unwrap();
        assert_eq!((policy.gap.threshold.get(), policy.gap.minimum), (900, Minimum::Events(2)));
        assert_eq!(policy.name, "dedication, threshold=900 , minimum = 2 events");
        for (text, message) in [
            ("use_stat", "no policy `use_stat`; did you mean `use_stats`?"),
            ("use_stats, treshold = 3", "a policy has no parameter `treshold`; did you mean `threshold`?"),
            ("use_stats, threshold = -3", "parameter `threshold` of a policy is \"-3\": it must be seconds, 0 or more"),
            ("use_stats, 900", "\"900\" changes no parameter of a policy: write `parameter = value`"),
        ] {
            assert_eq!(policies.resolve(text).unwrap_err().message(crate::Lang::En), message);
        }
    }

    #[test]
    fn own_policies_replace_presets_and_are_listed_once() {
        let mut policies = Policies::default();
        let mut own = Policy::use_stats();
        own.gap.threshold = Seconds::ZERO;
        policies.define(own.clone());
        policies.define(Policy { name: "ours".to_owned(), ..own.clone() });
        assert_eq!(policies.resolve("use_stats").unwrap(), own);
        assert_eq!(policies.names().last(), Some(&"ours"));
        assert_eq!(policies.names().len(), PRESETS.len() + 1);
    }

    #[test]
    fn lists_of_the_plugin() {
        assert_eq!(plugin_list(&Policy::use_stats_compat(), "forum, page,"), ["forum", " page", ""]);
        assert_eq!(plugin_list(&Policy::use_stats(), "forum, page,"), ["forum", "page"]);
        assert!(plugin_list(&Policy::use_stats_compat(), "").is_empty());
    }
}
