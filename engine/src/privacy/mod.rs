//! Pseudonyms: sessions in which nobody is called by a name or a number of the site.
//!
//! The replacement happens in the leaves of every plan: each table and table function answers with pseudonyms in the
//! place of numbers of users, and without what else tells who somebody is. So whatever a statement does with the
//! columns, it never meets the original. Which columns these are is declared with the tables
//! ([`Personal`](crate::model::Personal)); columns that no declaration knows are judged by their names.

mod catalog;
mod exec;
mod key;
mod measure;
mod names;
mod permutation;
mod pseudonyms;
mod replace;
mod rules;
mod table;

pub(crate) use catalog::PrivateCatalog;
pub use key::PseudonymKey;
pub use names::{TEXT_NAMES, USER_NAMES};
pub use pseudonyms::Pseudonyms;
pub(crate) use table::PrivateTable;

#[cfg(test)]
mod tests;
