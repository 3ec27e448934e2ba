//! Who may use the server: accounts, tokens, and the gate that checks them.
//!
//! What is known lies in two registers of the store: `access` holds the document [`Access`] with accounts and tokens,
//! `access/use` holds when each token was used last. Only hashes are stored, so a secret is shown once, when it is made.
//!
//! * Commands change the document through [`AccessRegister::update`] and the operations of [`Access`], which are pure.
//! * The server asks a [`Gate`]: [`Gate::authenticate`] for tokens, [`Gate::login`] and [`Gate::issue`] for passwords.

mod account;
mod accounts;
mod addresses;
mod document;
mod gate;
mod login;
mod password;
mod register;
mod scope;
mod secret;
mod token;
mod tokens;
mod usage;

pub use account::{Account, AccountState, NewAccount};
pub use addresses::AddressList;
pub use document::Access;
pub use gate::{Caller, Gate, GateSettings, Refusal};
pub use login::{IssueRefusal, LOGIN_LABEL, LoginRefusal};
pub use password::Password;
pub use register::AccessRegister;
pub use scope::{SCOPES, Scope};
pub use secret::{MAX_IMPORTED, MIN_IMPORTED, PREFIX, Secret, SecretHash};
pub(crate) use secret::{from_hex, random, to_hex};
pub use token::{NewToken, Origin, Token, TokenState};
pub use tokens::DEFAULT_OVERLAP;
pub use usage::{TokenUse, Usage};
