//! What every crate of Crawlspace agrees on: ids, time, tables and their columns, attribute values, names.
//! No I/O, no async, no knowledge of protocols or storage.

pub mod account;
pub mod attribute;
pub mod id;
pub mod kind;
pub mod names;
pub mod signal;
pub mod table;
pub mod time;

pub use kind::ErrorKind;
pub use signal::Signal;
pub use table::Table;
pub use time::{Clock, SystemClock, UnixNanos};
