//! All functions of the web service, one subject per file.

mod check_course;
mod distributed;
mod report_etl;
mod site_info;
mod use_stats;

use super::function::Function;

/// All functions, in the order of the manual.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    [&site_info::FUNCTION]
        .into_iter()
        .chain(use_stats::FUNCTIONS)
        .chain(distributed::FUNCTIONS)
        .chain([&report_etl::FUNCTION, &check_course::FUNCTION])
}

/// The function of that name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// Functions of Moodle and its plugins that are known and never offered: the reason is for the log.
pub(crate) const REFUSED: &[(&str, &str)] =
    &[("report_etl_get_sql", "SQL of a caller is never run over this protocol; publish a view instead")];
