//! The vault from outside: what it promises, against a key service in memory and against messages
//! of the Python package `aws-encryption-sdk`.

mod caching;
mod keeping;
mod python;
mod refusing;
mod world;
