//! [`Function`]: one function of the web service, declared with what it takes and answers.

use std::net::IpAddr;
use std::sync::Arc;

use engine::stats::Stats;
use futures::future::BoxFuture;

use super::exception::Exception;
use super::param::Param;
use super::shape::Shape;
use super::value::Value;
use crate::access::{Caller, Scope};
use crate::http::App;

/// What a function may use.
#[derive(Clone)]
pub(crate) struct Context {
    /// The server.
    pub(crate) app: Arc<App>,
    /// Who calls.
    pub(crate) caller: Caller,
    /// Short name of the service of the token, where it has one.
    pub(crate) service: Option<String>,
    /// The clock, in Unix seconds.
    pub(crate) now: i64,
    /// Address of the caller.
    pub(crate) address: IpAddr,
    /// Number of the request.
    pub(crate) request: Option<String>,
    /// Address of the server as the caller used it, where that is known.
    pub(crate) origin: Option<String>,
}

impl Context {
    /// The site that the token is at home in; `None` for the store's default one.
    pub(crate) fn home(&self) -> Option<&str> {
        self.caller.home()
    }

    /// The statistics of the home site, over the newest snapshot.
    pub(crate) async fn stats(&self) -> Result<Stats, Exception> {
        Ok(self.app.stats(self.home(), None).await?)
    }
}

/// What answers a call: the arguments have passed the declaration.
pub(crate) type Handler = fn(Context, Value) -> BoxFuture<'static, Result<Value, Exception>>;

/// A function of the web service.
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it takes, in the order of positional protocols.
    pub(crate) params: &'static [Param],
    /// What it answers.
    pub(crate) returns: Shape,
    /// What a token must be allowed to do; `None` when every token may call it.
    pub(crate) scope: Option<Scope>,
    /// What it is for, for the manual.
    pub(crate) doc: &'static str,
    /// What answers.
    pub(crate) handler: Handler,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish_non_exhaustive()
    }
}
