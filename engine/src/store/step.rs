//! Named steps of everything that writes to a store.
//!
//! Tests observe them to kill the process at each one; the product installs no observer, and a step then costs one
//! atomic load.

use std::sync::OnceLock;

/// Every step, in the order in which one load, one optimize and one vacuum pass them.
pub const STEPS: &[&str] = &[
    "load:read",
    "load:spill",
    "load:write",
    "file:created",
    "file:written",
    "file:synced",
    "commit:before",
    "commit:staged",
    "commit:after",
    "optimize:before",
    "optimize:written",
    "vacuum:before",
    "vacuum:manifest",
    "vacuum:file",
    "vacuum:after",
];

static OBSERVER: OnceLock<fn(&'static str)> = OnceLock::new();

/// Installs the observer of this process; the first one stays. For tests of crashes.
pub fn observe(observer: fn(&'static str)) {
    OBSERVER.get_or_init(|| observer);
}

pub(crate) fn step(name: &'static str) {
    debug_assert!(STEPS.contains(&name), "unlisted step {name}");
    if let Some(observer) = OBSERVER.get() {
        observer(name);
    }
}
