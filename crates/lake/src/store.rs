//! Where objects are: a local directory, and the checksums that every read of a part is held against.

mod local;
mod verified;

pub use local::{LocalStore, object_time};
pub(crate) use verified::{ChecksummedWriter, VerifiedStore, is_damage};
