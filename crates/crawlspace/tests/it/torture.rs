//! The rigs: each breaks the program in one way, over and over, and holds a promise against it. Here they run in their
//! short forms; `cargo xtask torture` runs them longer, or again from a seed.

mod bombs;
mod disk;
mod full;
mod fuzz;
mod instruments;
mod kill;
mod line;
mod once;
mod overload;
mod planted;
mod power;
mod retry;
mod sql;
mod store;
mod wal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crawlspace_disk::fault;

use crate::otlp::now;
use crate::server::setting;

/// What goes on by itself has come to rest within this; it only ends a test that would never end.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// How much a rig does: the first in the test suite, the second in a long run.
pub fn amount(short: u64, long: u64) -> u64 {
    match setting("CRAWLSPACE_TORTURE").as_deref() {
        Some("long") => long,
        _ => short,
    }
}

/// Where a rig's choices come from. Said, so that a run can be repeated.
pub fn seed() -> u64 {
    let seed = setting("CRAWLSPACE_SEED").map_or_else(now, |seed| seed.parse().unwrap());
    eprintln!("CRAWLSPACE_SEED={seed}");
    seed
}

/// Breaks in this process what the environment asks for, as servers that are started from here do by themselves.
fn arm() {
    if let Some(text) = setting("CRAWLSPACE_FAULT") {
        fault::arm(text.parse().unwrap());
    }
}

/// However a rig ends, its other threads have to: this tells them.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
