//! The use cases over the fakes.

mod connect;
mod secrets;
mod submit;
mod worker;
