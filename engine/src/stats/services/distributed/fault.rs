//! [`DistributedFault`]: a refusal with its status.

use std::fmt;

use crate::error::Error;
use crate::stats::services::{ServiceError, ServiceFault};

/// Status numbers of answers.
pub mod status {
    /// The other site answers that it is there, and nothing else.
    pub const TEST: i64 = 100;
    /// The message is the answer.
    pub const SUCCESS: i64 = 200;
    /// The call failed: an unknown host, or a site that does not answer.
    pub const FAILURE: i64 = 500;
    /// Something is wrong with the calling user.
    pub const USER: i64 = 501;
    /// Something is wrong with the configuration.
    pub const CONFIG: i64 = 502;
    /// Something is wrong with the arguments.
    pub const DATA: i64 = 503;
    /// The calling user may not ask this.
    pub const CAPABILITY: i64 = 510;
    /// The network of sites failed.
    pub const MNET: i64 = 511;
    /// A user or course does not exist.
    pub const RECORD: i64 = 520;
    /// The computation failed.
    pub const RUN: i64 = 521;
}

/// Which checks had passed: the shape of the answer's list of errors depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The caller was still being checked.
    Caller,
    /// The caller was accepted, and the call itself has no answer.
    Call,
}

/// A call that is refused. Its text is part of the interface that callers know, so it is not translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributedFault {
    /// One of the numbers of [`status`].
    pub status: i64,
    /// Why.
    pub text: String,
    /// How far the call came.
    pub stage: Stage,
}

impl DistributedFault {
    /// A caller who is refused.
    pub fn caller(status: i64, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), stage: Stage::Caller }
    }

    /// An accepted caller's call without an answer.
    pub fn call(status: i64, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), stage: Stage::Call }
    }
}

impl fmt::Display for DistributedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.text)
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub enum DistributedError {
    /// Refused, with a status.
    Refused(DistributedFault),
    /// The plugin stops here with an exception of PHP; in the exact arithmetic only.
    Stopped(ServiceFault),
    /// The engine failed.
    Engine(Error),
}

/// Result of a call.
pub type DistributedResult<T> = Result<T, DistributedError>;

impl From<DistributedFault> for DistributedError {
    fn from(fault: DistributedFault) -> Self {
        Self::Refused(fault)
    }
}

impl From<Error> for DistributedError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ServiceError> for DistributedError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Fault(fault) => Self::Stopped(fault),
            ServiceError::Engine(error) => Self::Engine(error),
        }
    }
}

impl fmt::Display for DistributedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(fault) => fault.fmt(f),
            Self::Stopped(fault) => fault.fmt(f),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DistributedError {}
