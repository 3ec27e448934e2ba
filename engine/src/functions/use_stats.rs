//! `use_stats`: the whole result of one user in one pass, from rows in any order.

use std::mem::size_of;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, Int64Builder, ListArray, RecordBatch, StringBuilder, StringViewArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, Schema};
use chrono_tz::Tz;
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDFImpl, ColumnarValue, DocSection, Documentation, Signature, Volatility,
};

use super::args::external;
use super::state::count;
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Action, Grain, Hit, Keep, ModuleId, Place, Policies, Streams};

/// Name in SQL.
const NAME: &str = "use_stats";

/// Arguments: name, whether it is a text, meaning.
const ARGUMENTS: [(&str, bool, &str); 8] = [
    ("timecreated", false, "Time of each hit, Unix seconds. A row without time is skipped."),
    ("id", false, "Row of the log: the order of hits in the same second."),
    ("courseid", false, "Course of the hit; NULL counts as 0, outside of courses."),
    ("action", true, "Action of the hit; `loggedin`, `loggedout` and `graded` are special for most policies."),
    ("target", true, "Target of the action; with `graded`, `user` is special."),
    ("module", true, "Type of the activity, or `course`, `user`, `system`. NULL counts as `course`."),
    ("cmid", false, "Activity; NULL or 0 outside of activities."),
    ("policy", true, "Policy: a constant, such as `'use_stats'` (the default) or `'use_stats, threshold = 1800'`."),
];

/// Arguments before the policy.
const ROW: usize = 7;

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let section = DocSection {
        include: true,
        label: "Time",
        description: Some("Sessions and time spent, from the times of hits."),
    };
    let description = "Returns the time spent of one user, by session, course and activity.\n\
        The rows of a group are those of one user, in any order; which rows belong to it is up to `WHERE`.\n\
        It holds the rows of a group until the group is complete, so on a log that is clustered by user it needs as much memory as the largest user.\n\
        The table functions (`course_time` and its siblings) compute the same straight from the log.\n\n\
        Result: A list of structs, in the order of the sessions' first hits:\n\n\
        | field | type | meaning |\n|---|---|---|\n\
        | `session` | Int64 | number of the session, NULL outside of sessions |\n\
        | `courseid` | Int64 | course |\n\
        | `module` | Utf8 | type of the activity, or `course`, `user`, `system` |\n\
        | `cmid` | Int64 | activity, 0 outside of activities |\n\
        | `elapsed` | Int64 | seconds |\n\
        | `events` | Int64 | hits |\n\
        | `firstaccess` | Int64 | first hit, Unix seconds |\n\
        | `lastaccess` | Int64 | last hit, Unix seconds |";
    let syntax = "use_stats(timecreated, id, courseid, action, target, module, cmid [, policy])";
    let example = "```sql\nSELECT userid, p['courseid'] AS courseid, p['elapsed'] AS elapsed, p['events'] AS events\n\
        FROM (\n\
        SELECT userid, unnest(use_stats(t, id, course, action, 'page', 'course', 0, 'use_stats')) AS p\n\
        FROM (VALUES (7, 1, 1700000000, 2, 'viewed'), (7, 2, 1700000300, 3, 'viewed')) AS hits(userid, id, t, course, action)\n\
        GROUP BY userid\n\
        );\n```\n\n```text\n\
        +--------+----------+---------+--------+\n\
        | userid | courseid | elapsed | events |\n\
        +--------+----------+---------+--------+\n\
        | 7      | 2        | 300     | 1      |\n\
        | 7      | 3        | 900     | 1      |\n\
        +--------+----------+---------+--------+\n```";
    let builder = Documentation::builder(section, description, syntax).with_sql_example(example);
    ARGUMENTS.iter().fold(builder, |builder, (name, _, doc)| builder.with_argument(*name, *doc)).build()
});

/// `use_stats(…)` with the policies and the clock of its session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct UseStats {
    signature: Signature,
    policies: Policies,
    default: String,
    now: i64,
}

impl UseStats {
    pub(super) fn new(policies: Policies, default: &str, now: i64) -> Self {
        let mut signature = Signature::user_defined(Volatility::Immutable);
        signature.parameter_names = Some(ARGUMENTS.iter().map(|(name, _, _)| (*name).to_owned()).collect());
        Self { signature, policies, default: default.to_owned(), now }
    }

    /// The policy of a call that is about to run.
    fn policy(&self, call: &AccumulatorArgs<'_>) -> Result<crate::time::Policy> {
        let Some(expr) = call.exprs.get(ROW) else { return self.policies.resolve(&self.default) };
        let empty = RecordBatch::new_empty(Arc::new(Schema::empty()));
        match expr.evaluate(&empty) {
            Ok(ColumnarValue::Scalar(value)) if value.is_null() => self.policies.resolve(&self.default),
            Ok(ColumnarValue::Scalar(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)))) => {
                self.policies.resolve(&text)
            }
            _ => Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "argument `policy` of `{NAME}` must be a constant text",
                    "l'argument `policy` de `{NAME}` doit être un texte constant"
                ),
            )),
        }
    }
}

impl AggregateUDFImpl for UseStats {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> DfResult<Vec<DataType>> {
        if arg_types.len() < ROW || arg_types.len() > ARGUMENTS.len() {
            let given = arg_types.len();
            return Err(external(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "`{NAME}` takes 7 or 8 arguments, not {given}",
                    "`{NAME}` prend 7 ou 8 arguments, pas {given}"
                ),
            )));
        }
        ARGUMENTS.iter().zip(arg_types).map(|((name, text, _), kind)| coerced(name, *text, kind)).collect()
    }

    fn return_type(&self, _arg_types: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::List(item(parts())))
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> DfResult<ScalarValue> {
        ScalarValue::try_from_array(&answer(&[], &Names::default())?, 0)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "rows"), DataType::List(item(rows())), false))])
    }

    fn accumulator(&self, acc_args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let policy = self.policy(&acc_args).map_err(external)?;
        Ok(Box::new(Rows { policy, now: self.now, hits: Vec::new(), names: Names::default() }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

fn coerced(name: &str, text: bool, kind: &DataType) -> DfResult<DataType> {
    let is_text = matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null);
    match text {
        true if is_text => Ok(DataType::Utf8View),
        false if kind.is_integer() || kind.is_null() => Ok(DataType::Int64),
        _ => {
            let (wanted, voulu) = if text { ("a text", "un texte") } else { ("an integer", "un entier") };
            Err(external(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "argument `{name}` of `{NAME}` is of type {kind}: it must be {wanted}",
                    "l'argument `{name}` de `{NAME}` est de type {kind} : il doit être {voulu}"
                ),
            )))
        }
    }
}

/// Fields of the answer.
fn parts() -> Fields {
    let int = |name: &str| Field::new(name, DataType::Int64, false);
    Fields::from(vec![
        Field::new("session", DataType::Int64, true),
        int("courseid"),
        Field::new("module", DataType::Utf8, false),
        int("cmid"),
        int("elapsed"),
        int("events"),
        int("firstaccess"),
        int("lastaccess"),
    ])
}

/// Fields of the state: the rows themselves.
fn rows() -> Fields {
    let int = |name: &str| Field::new(name, DataType::Int64, false);
    let module = Field::new("module", DataType::Utf8, false);
    Fields::from(vec![int("timecreated"), int("id"), int("courseid"), int("action"), module, int("cmid")])
}

fn item(fields: Fields) -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(fields), true))
}

/// Names of the types of activities that were met.
#[derive(Debug, Clone, Default)]
struct Names(Vec<String>);

impl Names {
    fn id(&mut self, name: &str) -> ModuleId {
        let pseudo = ModuleId::PSEUDO.iter().position(|known| *known == name);
        let number = pseudo.unwrap_or_else(|| {
            let at = self.0.iter().position(|known| known == name).unwrap_or_else(|| {
                self.0.push(name.to_owned());
                self.0.len() - 1
            });
            at + ModuleId::PSEUDO.len()
        });
        ModuleId(u16::try_from(number).unwrap_or(u16::MAX))
    }

    fn name(&self, module: ModuleId) -> &str {
        let number = usize::from(module.0);
        match ModuleId::PSEUDO.get(number) {
            Some(name) => name,
            None => self.0.get(number - ModuleId::PSEUDO.len()).map_or("", String::as_str),
        }
    }
}

/// The rows of one group.
#[derive(Debug)]
struct Rows {
    policy: crate::time::Policy,
    now: i64,
    hits: Vec<Hit>,
    names: Names,
}

/// The columns of a batch of rows.
struct Columns<'a> {
    ints: [&'a Int64Array; 4],
    texts: [&'a StringViewArray; 3],
}

impl<'a> Columns<'a> {
    fn of(values: &'a [ArrayRef]) -> Option<Self> {
        let int = |at: usize| values.get(at)?.as_primitive_opt::<Int64Type>();
        let text = |at: usize| values.get(at)?.as_string_view_opt();
        Some(Self { ints: [int(0)?, int(1)?, int(2)?, int(6)?], texts: [text(3)?, text(4)?, text(5)?] })
    }

    fn int(&self, column: usize, row: usize) -> i64 {
        let column = self.ints[column];
        if column.is_valid(row) { column.value(row) } else { 0 }
    }

    fn text(&self, column: usize, row: usize) -> Option<&str> {
        let column = self.texts[column];
        column.is_valid(row).then(|| column.value(row))
    }

    fn action(&self, row: usize) -> Action {
        match self.text(0, row) {
            Some("loggedin" | "login") => Action::Login,
            Some("loggedout" | "logout") => Action::Logout,
            Some("graded") if self.text(1, row) == Some("user") => Action::GradedUser,
            _ => Action::Other,
        }
    }
}

impl Accumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let columns = Columns::of(values).ok_or_else(|| external(Error::bug("arguments that were not coerced")))?;
        for row in 0..columns.ints[0].len() {
            if columns.ints[0].is_null(row) {
                continue;
            }
            let module = self.names.id(columns.text(2, row).unwrap_or("course"));
            self.hits.push(Hit {
                time: columns.int(0, row),
                id: columns.int(1, row),
                course: columns.int(2, row),
                action: columns.action(row),
                place: Place { module, cm: columns.int(3, row) },
            });
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.hits.sort_unstable_by_key(|hit| (hit.time, hit.id));
        let rules = self.policy.rules(&self.names.0, self.now);
        let grain = Grain { session: true, course: true, place: true, day: false };
        let keep = Keep { totals: Some(grain), ..Keep::default() };
        let mut streams = Streams::new(rules, self.policy.scope, Tz::UTC, keep);
        self.hits.iter().for_each(|hit| streams.push(*hit));
        streams.finish();
        ScalarValue::try_from_array(&answer(streams.totals(), &self.names)?, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.hits.capacity() * size_of::<Hit>() + self.names.0.len() * 32
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        let ints =
            |value: fn(&Hit) -> i64| -> ArrayRef { Arc::new(self.hits.iter().map(value).collect::<Int64Array>()) };
        let mut modules = StringBuilder::new();
        self.hits.iter().for_each(|hit| modules.append_value(self.names.name(hit.place.module)));
        let columns = vec![
            ints(|hit| hit.time),
            ints(|hit| hit.id),
            ints(|hit| hit.course),
            ints(|hit| code(hit.action)),
            Arc::new(modules.finish()) as ArrayRef,
            ints(|hit| hit.place.cm),
        ];
        let list = one_list(rows(), columns)?;
        Ok(vec![ScalarValue::try_from_array(&list, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let bug = || external(Error::bug("a state that is no list of rows"));
        let lists = states.first().and_then(|states| states.as_list_opt::<i32>()).ok_or_else(bug)?;
        for list in lists.iter().flatten() {
            let items = list.as_struct_opt().ok_or_else(bug)?;
            let int = |at: usize| items.column(at).as_primitive_opt::<Int64Type>().ok_or_else(bug);
            let (time, id, course, action, cm) = (int(0)?, int(1)?, int(2)?, int(3)?, int(5)?);
            let modules = items.column(4).as_string_opt::<i32>().ok_or_else(bug)?;
            for row in 0..items.len() {
                let module = self.names.id(modules.value(row));
                self.hits.push(Hit {
                    time: time.value(row),
                    id: id.value(row),
                    course: course.value(row),
                    action: decoded(action.value(row)),
                    place: Place { module, cm: cm.value(row) },
                });
            }
        }
        Ok(())
    }
}

fn code(action: Action) -> i64 {
    match action {
        Action::Other => 0,
        Action::Login => 1,
        Action::Logout => 2,
        Action::GradedUser => 3,
    }
}

fn decoded(code: i64) -> Action {
    match code {
        1 => Action::Login,
        2 => Action::Logout,
        3 => Action::GradedUser,
        _ => Action::Other,
    }
}

/// The answer of one group.
fn answer(totals: &[(crate::time::Key, crate::time::Counter)], names: &Names) -> DfResult<ArrayRef> {
    let mut sessions = Int64Builder::new();
    let mut modules = StringBuilder::new();
    for (key, _) in totals {
        sessions.append_option((key.session != 0).then_some(i64::from(key.session)));
        modules.append_value(names.name(key.place.module));
    }
    let ints = |value: fn(&(crate::time::Key, crate::time::Counter)) -> i64| -> ArrayRef {
        Arc::new(totals.iter().map(value).collect::<Int64Array>())
    };
    let columns = vec![
        Arc::new(sessions.finish()) as ArrayRef,
        ints(|(key, _)| key.course),
        Arc::new(modules.finish()) as ArrayRef,
        ints(|(key, _)| key.place.cm),
        ints(|(_, counter)| counter.elapsed),
        ints(|(_, counter)| count(counter.events)),
        ints(|(_, counter)| counter.first),
        ints(|(_, counter)| counter.last),
    ];
    one_list(parts(), columns)
}

/// An array of one list.
fn one_list(fields: Fields, columns: Vec<ArrayRef>) -> DfResult<ArrayRef> {
    let len = columns.first().map_or(0, |column| column.len());
    let items = StructArray::try_new(fields.clone(), columns, None)?;
    Ok(Arc::new(ListArray::try_new(item(fields), OffsetBuffer::from_lengths([len]), Arc::new(items), None)?))
}
