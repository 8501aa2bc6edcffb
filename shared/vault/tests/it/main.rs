//! The vault from outside: what it promises, against a key service in memory and against messages
//! of the Python package `aws-encryption-sdk`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "the tests' helpers are tests, too")]

mod caching;
mod keeping;
mod python;
mod refusing;
mod world;
