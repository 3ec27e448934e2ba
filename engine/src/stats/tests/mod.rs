//! Aggregates and services on small logs.
