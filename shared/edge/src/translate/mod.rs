//! From the rules' types to the wire types, and back. Prose for people is written here.

pub mod accounts;
pub mod jobs;
pub mod uploads;
