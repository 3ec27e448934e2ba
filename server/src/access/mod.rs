//! Who may use the server: accounts, tokens, and from where.
//!
//! All of them are one document in a register of the store, so that every process that uses the store knows the same.
//! Of secrets it has hashes alone.

mod account;
mod address;
mod document;
mod gate;
mod password;
mod register;
mod scope;
mod secret;
mod token;

pub use account::{Account, AccountState, Derivation};
pub use address::AddressList;
pub use document::{Access, imported};
pub use gate::{Caller, Gate, LoginRefusal, Refusal};
pub use password::{hash_password, new_derivation};
pub use register::{AccessRegister, TokenUse};
pub use scope::Scope;
pub use secret::{Secret, SecretHash};
pub use token::{NewToken, Token, TokenState};
