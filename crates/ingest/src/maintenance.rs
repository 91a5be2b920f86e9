//! The background work of the write path: a task that flushes, one that compacts, one that retires and sweeps, and one
//! that watches the disk. Whoever wants a flush or a
//! compaction orders it from them, so neither ever runs twice at a time, nor ends half-way because a client left.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crawlspace_lake::{Compacted, Flushed, Lake};
use crawlspace_wal::Position;
use futures::FutureExt as _;
use tokio::sync::{Mutex as Lock, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Error;
use crate::committer::Job;
use crate::health::{Health, message_of};
use crate::room::Room;

/// How often the lake is asked whether a flush is due.
const FLUSH_CHECK_EVERY: Duration = Duration::from_millis(100);
const COMPACT_EVERY: Duration = Duration::from_secs(5);
const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// A task that has died is seen as dead for so long at least.
const BEGIN_AGAIN_AFTER: Duration = Duration::from_secs(2);
const LOOK_AT_DISK_EVERY: Duration = Duration::from_secs(1);
/// Waiting time after a first failure; doubles up to the second.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(500);
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
/// An ordered compaction merges wherever there are so many small parts: it does not wait for the usual number.
const ORDERED_PARTS_MIN: usize = 2;
/// Flushes and compactions that people have ordered and that wait.
const ORDERS_MAX: usize = 16;

type Order<T> = oneshot::Sender<Result<T, Error>>;
/// Those that wait; one task at a time takes them.
type Orders<T> = Arc<Lock<mpsc::Receiver<Order<T>>>>;

pub(crate) struct Maintenance {
    flushes: mpsc::Sender<Order<Flushed>>,
    compactions: mpsc::Sender<Order<Compacted>>,
    stop: DropGuard,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Maintenance {
    pub fn start(room: &Room, jobs: &mpsc::Sender<Job>) -> Self {
        let Room { lake, health, .. } = room;
        let stop = CancellationToken::new();
        let (flushes, flush_orders) = mpsc::channel(ORDERS_MAX);
        let (compactions, compact_orders) = mpsc::channel(ORDERS_MAX);
        let flusher = Flusher {
            room: room.clone(),
            jobs: jobs.clone(),
        };
        let tasks = vec![
            supervise("flush", &stop, health, {
                let (stop, orders) = (stop.clone(), Arc::new(Lock::new(flush_orders)));
                move || flusher.clone().run(Arc::clone(&orders), stop.clone())
            }),
            supervise("compaction", &stop, health, {
                let (lake, health) = (Arc::clone(lake), Arc::clone(health));
                let (stop, orders) = (stop.clone(), Arc::new(Lock::new(compact_orders)));
                move || {
                    let orders = Arc::clone(&orders);
                    run_compactions(Arc::clone(&lake), Arc::clone(&health), orders, stop.clone())
                }
            }),
            supervise("sweep", &stop, health, {
                let (lake, health, stop) = (Arc::clone(lake), Arc::clone(health), stop.clone());
                move || run_sweeps(Arc::clone(&lake), Arc::clone(&health), stop.clone())
            }),
            supervise("watch of the disk", &stop, health, {
                let (room, stop) = (room.clone(), stop.clone());
                move || watch_disk(room.clone(), stop.clone())
            }),
        ];
        Self {
            flushes,
            compactions,
            stop: stop.drop_guard(),
            tasks: Mutex::new(tasks),
        }
    }

    pub async fn flush(&self) -> Result<Flushed, Error> {
        order(&self.flushes).await
    }

    pub async fn compact(&self) -> Result<Compacted, Error> {
        order(&self.compactions).await
    }

    /// Whether all tasks go on: nothing but [`stop`](Self::stop) should end them.
    pub fn is_running(&self) -> bool {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().all(|task| !task.is_finished())
    }

    /// Ends all tasks: a flush is finished, a compaction or a sweep is given up.
    pub async fn stop(&self) {
        self.stop.token().cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a maintenance task ended badly");
            }
        }
    }
}

/// Runs a task until it ends by `stop`. One that dies of a defect is told of, and begun again.
fn supervise<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    stop: &CancellationToken,
    health: &Arc<Health>,
    mut begin: impl FnMut() -> F + Send + 'static,
) -> JoinHandle<()> {
    let (stop, health) = (stop.clone(), Arc::clone(health));
    tokio::spawn(async move {
        loop {
            let Err(panic) = AssertUnwindSafe(begin()).catch_unwind().await else {
                return;
            };
            let message = message_of(panic.as_ref());
            tracing::error!(message, "the {name} has a defect and is begun again");
            health.task_died(&format!(
                "the {name} has died and is begun again: {message}"
            ));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(BEGIN_AGAIN_AFTER) => {}
            }
            health.task_lives();
        }
    })
}

async fn order<T>(orders: &mpsc::Sender<Order<T>>) -> Result<T, Error> {
    let (done, answer) = oneshot::channel();
    orders.send(done).await.map_err(|_| Error::Closing)?;
    answer.await.map_err(|_| Error::Closing)?
}

#[derive(Clone)]
struct Flusher {
    room: Room,
    jobs: mpsc::Sender<Job>,
}

impl Flusher {
    async fn run(self, orders: Orders<Flushed>, stop: CancellationToken) {
        let mut orders = orders.lock().await;
        let mut check = interval(FLUSH_CHECK_EVERY);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut retry = Retry::new();
        let mut recoveries = self.room.headroom.recoveries();
        loop {
            let ordered = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some(order) = orders.recv() => Some(order),
                _ = check.tick() => None,
            };
            let seen = std::mem::replace(&mut recoveries, self.room.headroom.recoveries());
            if seen != recoveries {
                retry.succeeded();
            }
            let is_due = || self.room.lake.flush_due() || self.room.is_half_taken();
            if ordered.is_none() && !(retry.is_due() && is_due()) {
                continue;
            }
            let result = self.flush().await;
            match &result {
                Ok(_) => retry.succeeded(),
                Err(error) => retry.failed(
                    "rows stay in memory and in the log: the flush failed",
                    error,
                ),
            }
            if let Some(ordered) = ordered {
                _ = ordered.send(result);
            }
        }
    }

    async fn flush(&self) -> Result<Flushed, Error> {
        let Room { lake, health, .. } = &self.room;
        let flushed = health.flushes.run(lake.flush()).await;
        self.room.flushed.notify_waiters();
        let flushed = flushed?;
        // A closed committer is no failure: `shutdown` truncates by itself.
        _ = self
            .jobs
            .send(Job::Truncate(Position(flushed.wal_position)))
            .await;
        if flushed.rows > 0 {
            tracing::debug!(rows = flushed.rows, parts = flushed.parts, "flushed");
        }
        Ok(flushed)
    }
}

async fn run_compactions(
    lake: Arc<Lake>,
    health: Arc<Health>,
    orders: Orders<Compacted>,
    stop: CancellationToken,
) {
    let mut orders = orders.lock().await;
    let mut compact = interval(COMPACT_EVERY);
    compact.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut retry = Retry::new();
    let work = async {
        loop {
            tokio::select! {
                Some(order) = orders.recv() => {
                    let compaction = lake.compact(Some(ORDERED_PARTS_MIN));
                    _ = order.send(health.compactions.run(compaction).await);
                }
                _ = compact.tick() => try_compact(&lake, &health, &mut retry).await,
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// By itself, so that an object that can't be deleted keeps nobody else.
async fn run_sweeps(lake: Arc<Lake>, health: Arc<Health>, stop: CancellationToken) {
    let mut timer = interval(SWEEP_EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut retire_retry, mut sweep_retry) = (Retry::new(), Retry::new());
    let work = async {
        loop {
            timer.tick().await;
            try_retire(&lake, &mut retire_retry).await;
            try_sweep(&lake, &health, &mut sweep_retry).await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

/// Sees when the disk has no room, and when it has again. After a failed append nobody may send any more, so that only
/// this finds out that the disk can be written again.
async fn watch_disk(room: Room, stop: CancellationToken) {
    let mut timer = interval(LOOK_AT_DISK_EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = timer.tick() => {}
        }
        let Room {
            headroom, health, ..
        } = room.clone();
        let look = tokio::task::spawn_blocking(move || {
            headroom.look();
            if health.is_log_failing() && headroom.takes_files() {
                health.log_works();
            }
        });
        if let Err(error) = look.await {
            tracing::error!(%error, "looking at the disk has a defect");
        }
    }
}

async fn try_compact(lake: &Arc<Lake>, health: &Health, retry: &mut Retry) {
    if !retry.is_due() {
        return;
    }
    match health.compactions.run(lake.compact(None)).await {
        Ok(compacted) => {
            retry.succeeded();
            if compacted.merged > 0 {
                tracing::debug!(
                    merged = compacted.merged,
                    into = compacted.into,
                    "compacted"
                );
            }
        }
        Err(error) => retry.failed("parts stay as they are: compaction failed", &error),
    }
}

async fn try_retire(lake: &Lake, retry: &mut Retry) {
    if !retry.is_due() {
        return;
    }
    match lake.retire().await {
        Ok(retired) => {
            retry.succeeded();
            if retired.parts > 0 {
                tracing::info!(
                    parts = retired.parts,
                    rows = retired.rows,
                    bytes = retired.bytes,
                    "retired what is past retention"
                );
            }
        }
        Err(error) => retry.failed("old parts stay for now: retention failed", &error),
    }
}

async fn try_sweep(lake: &Lake, health: &Health, retry: &mut Retry) {
    if !retry.is_due() {
        return;
    }
    match health.sweeps.run(lake.sweep()).await {
        Ok(()) => retry.succeeded(),
        Err(error) => retry.failed("old objects stay for now: the sweep failed", &error),
    }
}

/// When to try again after failures.
struct Retry {
    after: Duration,
    not_before: Option<Instant>,
}

impl Retry {
    fn new() -> Self {
        Self {
            after: RETRY_AFTER_MIN,
            not_before: None,
        }
    }

    fn is_due(&self) -> bool {
        self.not_before.is_none_or(|time| Instant::now() >= time)
    }

    fn succeeded(&mut self) {
        *self = Self::new();
    }

    fn failed(&mut self, what: &str, error: &dyn std::fmt::Display) {
        tracing::error!(%error, again_in = ?self.after, "{what}");
        self.not_before = Some(Instant::now() + self.after);
        self.after = (self.after * 2).min(RETRY_AFTER_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio_util::sync::CancellationToken;

    use super::supervise;
    use crate::health::Health;

    #[tokio::test]
    async fn a_task_that_dies_is_told_of_and_begun_again() {
        let (stop, health) = (CancellationToken::new(), Arc::new(Health::default()));
        let begun = Arc::new(AtomicU64::new(0));
        let task = supervise("rig", &stop, &health, {
            let (begun, stop) = (Arc::clone(&begun), stop.clone());
            move || {
                let (begun, stop) = (begun.fetch_add(1, Ordering::Relaxed), stop.clone());
                async move {
                    assert!(begun > 0, "a slip");
                    stop.cancelled().await;
                }
            }
        });
        while health.check().is_ok() {
            tokio::task::yield_now().await;
        }
        let trouble = health.check().unwrap_err();
        assert!(
            trouble.contains("the rig has died") && trouble.contains("a slip"),
            "{trouble}"
        );
        while health.check().is_err() {
            tokio::time::sleep(super::BEGIN_AGAIN_AFTER).await;
        }
        stop.cancel();
        task.await.unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 2);
    }
}
