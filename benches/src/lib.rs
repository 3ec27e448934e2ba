//! Activity logs of any size, made from a seed, and the tools that measure the engine on them.
//!
//! A [`Generator`] is one log. Its rows come in two orders with the same contents, ids included:
//!
//! ```
//! use benches::{Generator, Shape};
//!
//! let generator = Generator::new(Shape::sized(1_000, 7))?;
//! let mut by_time: Vec<_> = generator.by_time().collect();
//! let by_user: Vec<_> = generator.by_user().collect();
//! by_time.sort_by_key(|hit| (hit.userid, hit.time, hit.id));
//! assert!(by_time == by_user && by_user.len() == 1_000);
//! # Ok::<(), benches::ShapeError>(())
//! ```
//!
//! [`csv`] and [`batch`] turn hits into the 21 columns of `logstore_standard_log`.

mod generator;
mod hit;
mod session;

pub mod batch;
pub mod campus;
pub mod csv;
pub mod event;
pub mod machine;
pub mod random;
pub mod shape;

pub use generator::{ByTime, ByUser, Generator};
pub use hit::{Hit, Origin, Other};
pub use shape::{Figures, Shape, ShapeError};
