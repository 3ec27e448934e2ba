//! [`Exception`]: an error as the web service tells it. Class, code and message are part of the protocol, so they are
//! those of Moodle and have no translation.

use engine::stats::services::{ServiceError, ServiceFault};

use crate::access::AccountState;

/// An error of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Class of the exception.
    pub class: String,
    /// Code of the error; clients rely on there being one.
    pub code: String,
    /// Message for people.
    pub message: String,
    /// What exactly is wrong; told only when the operator switched that on, and always logged.
    pub debug: Option<String>,
}

impl Exception {
    fn new(class: &str, code: &str, message: impl Into<String>) -> Self {
        Self { class: class.to_owned(), code: code.to_owned(), message: message.into(), debug: None }
    }

    fn because(mut self, debug: impl Into<String>) -> Self {
        self.debug = Some(debug.into());
        self
    }

    /// No token, or one that nobody knows.
    pub fn invalid_token() -> Self {
        Self::new("moodle_exception", "invalidtoken", "Invalid token - token not found")
    }

    /// Access that is refused. The text is the same for every reason; the reason is for the log.
    pub fn access(reason: impl Into<String>) -> Self {
        Self::new("webservice_access_exception", "accessexception", "Access control exception").because(reason)
    }

    /// An account in a state in which it may not call; `None` for one that may.
    pub fn account(state: AccountState, username: &str) -> Option<Self> {
        let (code, words) = match state {
            AccountState::Active => return None,
            AccountState::Suspended => ("wsaccessusersuspended", "suspended"),
            AccountState::Deleted => ("wsaccessuserdeleted", "deleted"),
            AccountState::Unconfirmed => ("wsaccessuserunconfirmed", "unconfirmed"),
            AccountState::PasswordExpired => ("wsaccessuserexpired", "password expired"),
            AccountState::NoLogin => ("wsaccessusernologin", "nologin authentication"),
        };
        let message = format!("Refused web service access for {words} username: {username}");
        Some(Self::new("moodle_exception", code, message))
    }

    /// An argument that the function does not take.
    pub fn invalid_parameter(debug: impl Into<String>) -> Self {
        Self::new("invalid_parameter_exception", "invalidparameter", "Invalid parameter value detected").because(debug)
    }

    /// A function that does not exist.
    pub fn unknown_function() -> Self {
        Self::new(
            "dml_missing_record_exception",
            "invalidrecord",
            "Can't find data record in database table external_functions.",
        )
    }

    /// A row that does not exist.
    pub fn no_record(table: &str) -> Self {
        let message = format!("Can't find data record in database table {table}.");
        Self::new("dml_missing_record_exception", "invalidrecord", message)
    }

    /// An extract without a name, as the ETL plugin tells it.
    pub fn no_query(has_window: bool) -> Self {
        match has_window {
            true => Self::new("moodle_exception", "Empty query in extractor", "error/Empty query in extractor"),
            false => Self::new("moodle_exception", "cannotconfigure", "Cannot configure the extractor: no query"),
        }
    }

    /// A state in which an extract cannot be given.
    pub fn etl(code: &str, message: impl Into<String>) -> Self {
        Self::new("moodle_exception", code, message)
    }

    /// An answer that does not fit its declaration.
    pub fn invalid_response(debug: impl Into<String>) -> Self {
        Self::new("invalid_response_exception", "invalidresponse", "Invalid response value detected").because(debug)
    }

    /// The site is in maintenance.
    pub fn maintenance() -> Self {
        let message = "The site is undergoing maintenance and is currently not available";
        Self::new("moodle_exception", "sitemaintenance", message)
    }

    /// A failure of ours: the message is neutral, the reason goes to the log.
    pub fn general(debug: impl Into<String>) -> Self {
        let message = "The server could not answer this call; its log has the reason";
        Self::new("moodle_exception", "generalexceptionmessage", message).because(debug)
    }

    /// More calls than the server takes.
    pub fn busy(message: &str) -> Self {
        Self::new("moodle_exception", "servertoobusy", message)
    }
}

impl From<ServiceFault> for Exception {
    fn from(fault: ServiceFault) -> Self {
        let code = fault.errorcode.unwrap_or_else(|| "generalexceptionmessage".to_owned());
        Self { class: fault.exception.to_owned(), code, message: fault.message, debug: fault.detail }
    }
}

impl From<ServiceError> for Exception {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Fault(fault) => fault.into(),
            ServiceError::Engine(error) => error.into(),
        }
    }
}

impl From<engine::Error> for Exception {
    fn from(error: engine::Error) -> Self {
        match error.kind() {
            engine::ErrorKind::Limit => {
                Self::busy("The call reached a limit of the server; ask for less").because(error.to_string())
            }
            _ => Self::general(error.describe(engine::Lang::En)),
        }
    }
}
