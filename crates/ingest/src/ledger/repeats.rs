//! Requests that came lately, by the hash of what they say: a client that lost the answer sends the same again, and gets
//! the first one's answer. Bounded in time and number.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crawlspace_lake::{SEEN_LIFE, Seen};
use crawlspace_model::UnixNanos;
use tokio::sync::watch;

/// So many requests are remembered at most, 32 bytes each; with more than that in ten minutes, only the latest half of
/// them is sure to be.
pub(crate) const REPEATS_MAX: usize = 1 << 20;

/// BLAKE3, cut: sixteen bytes are enough that two different requests never share one by chance.
pub(crate) type Hash = [u8; 16];

/// What a request says, and to whom: how it was compressed and with which key it came makes no difference.
pub(crate) fn hash_of(project: u32, door: u8, body: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&project.to_le_bytes());
    hasher.update(&[door]);
    hasher.update(body);
    let hash = hasher.finalize();
    std::array::from_fn(|i| hash.as_bytes()[i])
}

#[derive(Debug, Default)]
pub(crate) struct Repeats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Two generations, so that forgetting is dropping one of them.
    young: HashMap<Hash, Seen>,
    old: HashMap<Hash, Seen>,
    /// When the first of `young` came.
    young_since: UnixNanos,
    /// Requests whose fate is still open. The sender is with their claim, and gone with it.
    open: HashMap<Hash, watch::Receiver<()>>,
}

/// What is known of a request.
#[derive(Debug)]
pub(crate) enum Found {
    /// It is the first.
    New(Claim),
    /// Its like is stored.
    Repeat(Seen),
    /// Its like is on the way.
    Twin(Twin),
}

/// The first request of its kind, as long as its fate is open.
#[derive(Debug)]
pub(crate) struct Claim {
    repeats: Arc<Repeats>,
    hash: Hash,
    _open: watch::Sender<()>,
}

/// Tells when the fate of a request's like is known.
#[derive(Debug)]
pub(crate) struct Twin(watch::Receiver<()>);

impl Twin {
    pub async fn decided(mut self) {
        // Nothing is ever sent: the claim's end is the news.
        _ = self.0.changed().await;
    }
}

impl Repeats {
    pub fn find(self: &Arc<Self>, hash: Hash, now: UnixNanos) -> Found {
        let mut state = self.state();
        if let Some(seen) = state.seen(hash, now) {
            return Found::Repeat(seen);
        }
        if let Some(open) = state.open.get(&hash) {
            return Found::Twin(Twin(open.clone()));
        }
        let (sender, receiver) = watch::channel(());
        state.open.insert(hash, receiver);
        Found::New(Claim {
            repeats: Arc::clone(self),
            hash,
            _open: sender,
        })
    }

    /// The stored request of that hash, if one came lately.
    pub fn seen(&self, hash: Hash, now: UnixNanos) -> Option<Seen> {
        self.state().seen(hash, now)
    }

    /// Remembers a stored request: from now on its like is a repeat.
    pub fn remember(&self, seen: Seen) {
        self.state().remember(seen);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn seen(&self, hash: Hash, now: UnixNanos) -> Option<Seen> {
        let seen = self.young.get(&hash).or_else(|| self.old.get(&hash))?;
        is_recent(seen.received_at, now).then_some(*seen)
    }

    fn remember(&mut self, seen: Seen) {
        let is_full = self.young.len() >= REPEATS_MAX / 2;
        if is_full || !is_recent(self.young_since, seen.received_at) {
            self.old = mem::take(&mut self.young);
            self.young_since = seen.received_at;
        }
        self.young.insert(seen.hash, seen);
    }
}

/// The clock may have been set back meanwhile.
fn is_recent(then: UnixNanos, now: UnixNanos) -> bool {
    u128::from(now.0.abs_diff(then.0)) <= SEEN_LIFE.as_nanos()
}

impl Claim {
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.repeats.state().open.remove(&self.hash);
    }
}
