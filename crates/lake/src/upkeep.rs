//! What happens to parts after they were written: they are merged, retired once they are old, swept away once nobody
//! can need them, and set aside if they are damaged.

mod compact;
mod damage;
mod merge;
mod retention;
mod sweep;

pub use compact::Compacted;
pub use retention::{Retention, Retired};
