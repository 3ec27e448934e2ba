//! The arrows between modules, and other promises that a compiler does not keep.
