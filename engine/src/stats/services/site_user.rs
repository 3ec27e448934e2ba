//! People and courses as the web service looks them up outside of statistics.

use std::collections::BTreeSet;

use datafusion::common::ScalarValue;

use super::SITE_COURSE;
use super::call::CourseSource;
use crate::error::Result;
use crate::stats::Stats;
use crate::stats::lookup::{ints, numbers, texts};

/// An account of the site, as far as its row tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SiteUser {
    /// The id.
    pub id: i64,
    /// Login name.
    pub username: String,
    /// First name; may be empty.
    pub firstname: String,
    /// Last name; may be empty.
    pub lastname: String,
    /// Mail address; may be empty.
    pub email: String,
    /// Language; may be empty.
    pub lang: String,
    /// How the person logs in; `nologin` for accounts that cannot.
    pub auth: String,
    /// Whether the account was deleted.
    pub deleted: bool,
    /// Whether the account is suspended.
    pub suspended: bool,
    /// Whether the mail address was confirmed; `true` where the table does not tell.
    pub confirmed: bool,
}

impl Stats {
    /// The account of that login name; `None` when the site has no such row, or no table of users.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be read, `Limit` for a limit of the session.
    pub async fn site_user(&self, username: &str) -> Result<Option<SiteUser>> {
        if !self.has_table("user") {
            return Ok(None);
        }
        // All columns, because exports of this table differ in what they have.
        let sql = "SELECT * FROM \"user\" WHERE username IN ({}) ORDER BY id";
        let batches = self.rows_of(sql, &[ScalarValue::Utf8(Some(username.to_owned()))]).await?;
        let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
        let text = |name: &str| texts(batch, name).into_iter().next().flatten();
        let is = |name: &str, missing: bool| match text(name).as_deref() {
            None => missing,
            Some(value) => !matches!(value, "0" | "false" | ""),
        };
        Ok(Some(SiteUser {
            id: ints(batch, "id").first().copied().unwrap_or(0),
            username: username.to_owned(),
            firstname: text("firstname").unwrap_or_default(),
            lastname: text("lastname").unwrap_or_default(),
            email: text("email").unwrap_or_default(),
            lang: text("lang").unwrap_or_default(),
            auth: text("auth").unwrap_or_default(),
            deleted: is("deleted", false),
            suspended: is("suspended", false),
            confirmed: is("confirmed", true),
        }))
    }

    /// Full name of the site: that of its site course; `None` where the site has no such row.
    ///
    /// # Errors
    ///
    /// As [`Stats::site_user`].
    pub async fn site_name(&self) -> Result<Option<String>> {
        let courses = self.courses_of(BTreeSet::from([SITE_COURSE])).await?;
        Ok(courses.into_values().next().map(|course| course.fullname).filter(|name| !name.is_empty()))
    }

    /// Whether there is a course of that identifier.
    ///
    /// # Errors
    ///
    /// As [`Stats::site_user`].
    pub async fn has_course(&self, source: CourseSource, identifier: &str) -> Result<bool> {
        if !self.has_table("course") {
            return Ok(false);
        }
        let values = match (source, identifier.parse()) {
            (CourseSource::Id, Ok(id)) => numbers([id]),
            (CourseSource::Id, Err(_)) => return Ok(false),
            _ => vec![ScalarValue::Utf8(Some(identifier.to_owned()))],
        };
        let sql = format!("SELECT id FROM course WHERE {} IN ({{}})", source.column());
        Ok(self.rows_of(&sql, &values).await?.iter().any(|batch| batch.num_rows() > 0))
    }
}
