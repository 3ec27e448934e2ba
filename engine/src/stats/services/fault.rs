//! [`ServiceFault`]: an exception as the web service of Moodle tells it.

use std::fmt;

use crate::error::Error;

/// An exception of the web service. Its texts are part of the interface that callers know, so they are not translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFault {
    /// Class of the exception.
    pub exception: &'static str,
    /// Code, where the class has one.
    pub errorcode: Option<String>,
    /// Message.
    pub message: String,
    /// What exactly is wrong; the `debuginfo` of an answer.
    pub detail: Option<String>,
}

impl ServiceFault {
    /// A parameter of the call has no good value.
    pub fn invalid_parameter(detail: impl Into<String>) -> Self {
        Self {
            exception: "invalid_parameter_exception",
            errorcode: Some("invalidparameter".to_owned()),
            message: "Invalid parameter value detected".to_owned(),
            detail: Some(detail.into()),
        }
    }

    /// The computation stopped with this message.
    pub(super) fn stopped(message: String) -> Self {
        Self { exception: "moodle_exception", errorcode: Some(message.clone()), message, detail: None }
    }

    /// The plugin means [`Self::invalid_parameter`] here and forgets a `new`, so that PHP stops.
    pub(super) fn missing_new() -> Self {
        Self {
            exception: "Error",
            errorcode: None,
            message: "Call to undefined function invalid_parameter_exception()".to_owned(),
            detail: None,
        }
    }
}

impl fmt::Display for ServiceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.errorcode, &self.detail) {
            (Some(code), Some(detail)) => write!(f, "{code}: {detail}"),
            _ => f.write_str(&self.message),
        }
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub enum ServiceError {
    /// As the web service tells it.
    Fault(ServiceFault),
    /// The engine failed.
    Engine(Error),
}

/// Result of a call.
pub type ServiceResult<T> = Result<T, ServiceError>;

impl From<Error> for ServiceError {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<ServiceFault> for ServiceError {
    fn from(fault: ServiceFault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServiceError {}
