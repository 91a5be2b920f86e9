//! Where objects are: a local directory or a bucket with a cache before it, and the checksums that every read of a part
//! is held against.

mod cached;
mod local;
mod remote;
mod verified;

pub use cached::CachedStore;
pub use local::{LocalStore, object_time};
pub use remote::S3;
pub use verified::is_unreachable;
pub(crate) use verified::{ChecksummedWriter, VerifiedStore, is_damage};
