//! Workers as processes: started from a program, kept warm, one question each, and ended with whatever they do when a
//! question goes too far.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::wire::{ANSWER_BYTES_MAX, Frame, Report, receive};
use crate::error::Error;

/// Those that wait for questions; others end when theirs is answered.
const IDLE_MAX: usize = 2;
/// Machines are slow at times.
const START_TIME_MAX: Duration = Duration::from_secs(20);
/// How long one that has ended takes to say how.
const END_TIME_MAX: Duration = Duration::from_secs(2);
/// Frames that are read ahead.
const FRAMES_AHEAD: usize = 2;
/// Frames that wait to be written: each may be a piece of rows.
const FRAMES_BEHIND: usize = 4;
/// Linux counts memory in these on most machines, and in larger ones on some: a limit is then met earlier.
const PAGE_BYTES: u64 = 4_096;

/// How workers are started, and what they may take. Plain data.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Speaks with whoever started it over its standard input, as [`work`](super::work) does.
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// All of its environment.
    pub environment: Vec<(String, String)>,
    /// Of all of them together.
    pub memory_bytes_max: u64,
}

/// Why a worker was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Time,
    Memory,
    /// Whoever asked went away.
    Left,
    /// By itself.
    Died,
}

impl End {
    const ALL: [Self; 4] = [Self::Time, Self::Memory, Self::Left, Self::Died];

    fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Memory => "memory",
            Self::Left => "left",
            Self::Died => "died",
        }
    }
}

/// The workers of an engine.
#[derive(Debug)]
pub(crate) struct Workers {
    pub config: WorkerConfig,
    /// The runtime that finds their rows, if it is not that of other questions.
    pub scanning: Option<Handle>,
    idle: Mutex<Vec<Worker>>,
    /// What those at work take.
    taken: Mutex<HashMap<u32, u64>>,
    started: AtomicU64,
    ended: [AtomicU64; 4],
}

/// What became of workers since the start.
#[derive(Debug, Clone)]
pub struct WorkerStatistics {
    pub started: u64,
    /// Those that were ended while they worked, by why.
    pub ended: Vec<(&'static str, u64)>,
    /// What those at work take of memory now, and may take.
    pub memory_bytes: u64,
    pub memory_bytes_max: u64,
}

/// A process that answers questions. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Worker {
    body: Body,
    pub frames: mpsc::Receiver<io::Result<Frame<Report>>>,
    pub outgoing: mpsc::Sender<Vec<u8>>,
    /// Those that read and write what is said.
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
enum Body {
    Process(Child),
    /// For tests of this crate, which has no program.
    #[cfg(test)]
    Thread,
}

/// A worker for one question: it is killed if it is not given back.
pub(super) struct Lease {
    worker: Option<Worker>,
    workers: Arc<Workers>,
    /// What it would be ended for.
    pub end: End,
}

impl Workers {
    pub(crate) fn new(config: WorkerConfig, scanning: Option<Handle>) -> Self {
        Self {
            config,
            scanning,
            idle: Mutex::default(),
            taken: Mutex::default(),
            started: AtomicU64::new(0),
            ended: Default::default(),
        }
    }

    pub(crate) fn statistics(&self) -> WorkerStatistics {
        let ended =
            End::ALL.map(|end| (end.name(), self.ended[end as usize].load(Ordering::Relaxed)));
        WorkerStatistics {
            started: self.started.load(Ordering::Relaxed),
            ended: ended.into(),
            memory_bytes: self.taken().values().sum(),
            memory_bytes_max: self.config.memory_bytes_max,
        }
    }

    /// A warm worker, or a new one.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Lease, Error> {
        let worker = match self.warm() {
            Some(worker) => worker,
            None => {
                let source = |source| Error::WorkerStart { source };
                let late = || io::Error::from(io::ErrorKind::TimedOut);
                let started = timeout(START_TIME_MAX, self.start()).await;
                started.map_err(|_| source(late()))?.map_err(source)?
            }
        };
        Ok(Lease {
            worker: Some(worker),
            workers: Arc::clone(self),
            end: End::Left,
        })
    }

    fn warm(&self) -> Option<Worker> {
        loop {
            let mut worker = self.idle().pop()?;
            if worker.is_alive() {
                return Some(worker);
            }
        }
    }

    async fn start(&self) -> io::Result<Worker> {
        let (ours, theirs) = UnixStream::pair()?;
        let body = self.body(theirs).await?;
        self.started.fetch_add(1, Ordering::Relaxed);
        ours.set_nonblocking(true)?;
        let (reading, writing) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let (received, frames) = mpsc::channel(FRAMES_AHEAD);
        let (outgoing, sent) = mpsc::channel(FRAMES_BEHIND);
        let mut tasks = JoinSet::new();
        tasks.spawn(read(reading, received));
        tasks.spawn(write(writing, sent));
        let mut worker = Worker {
            body,
            frames,
            outgoing,
            _tasks: tasks,
        };
        match worker.frames.recv().await {
            Some(Ok(Frame::Words(Report::Ready))) => Ok(worker),
            Some(Err(error)) => Err(error),
            _ => Err(io::Error::other(format!(
                "it {}",
                worker.how_it_ended().await
            ))),
        }
    }

    async fn body(&self, connection: UnixStream) -> io::Result<Body> {
        #[cfg(test)]
        if self.config.program.as_os_str().is_empty() {
            let runtime = tokio::runtime::Runtime::new()?;
            std::thread::spawn(move || super::work(connection, runtime.handle(), 256 << 20));
            return Ok(Body::Thread);
        }
        let mut command = Command::new(&self.config.program);
        command
            .args(&self.config.arguments)
            // Secrets of the server's are there.
            .env_clear()
            .envs(
                self.config
                    .environment
                    .iter()
                    .map(|(name, value)| (name, value)),
            )
            .current_dir("/")
            // Signals of a terminal are for the server alone.
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(connection)))
            .stdout(Stdio::null())
            .kill_on_drop(true);
        started_idle(command).await.map(Body::Process)
    }

    fn give_back(&self, worker: Worker) {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(worker);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.idle.lock().expect("no holder of the workers panics")
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<u32, u64>> {
        self.taken.lock().expect("no holder of the counts panics")
    }
}

impl Worker {
    fn is_alive(&mut self) -> bool {
        match &mut self.body {
            Body::Process(child) => matches!(child.try_wait(), Ok(None)),
            #[cfg(test)]
            Body::Thread => true,
        }
    }

    fn id(&self) -> Option<u32> {
        match &self.body {
            Body::Process(child) => child.id(),
            #[cfg(test)]
            Body::Thread => None,
        }
    }

    /// In words, after its connection has ended.
    async fn how_it_ended(&mut self) -> String {
        match &mut self.body {
            Body::Process(child) => match timeout(END_TIME_MAX, child.wait()).await {
                Ok(Ok(status)) => format!("ended with {status}"),
                _ => "closed its connection".to_owned(),
            },
            #[cfg(test)]
            Body::Thread => "ended".to_owned(),
        }
    }
}

impl Lease {
    pub(super) fn worker(&mut self) -> &mut Worker {
        self.worker
            .as_mut()
            .expect("it is there until it is given back")
    }

    /// Looks at its memory. False if all together take too much, and this one the most of it.
    pub(super) fn is_within_memory(&mut self) -> bool {
        let Some(id) = self.worker.as_ref().and_then(Worker::id) else {
            return true;
        };
        let Some(bytes) = own_bytes(id) else {
            return true;
        };
        let mut taken = self.workers.taken();
        taken.insert(id, bytes);
        let all: u64 = taken.values().sum();
        all <= self.workers.config.memory_bytes_max || taken.values().any(|other| *other > bytes)
    }

    pub(super) fn memory_bytes_max(&self) -> u64 {
        self.workers.config.memory_bytes_max
    }

    /// Keeps the worker for other questions, unless it has grown.
    pub(super) fn give_back(&mut self) {
        let Some(worker) = self.worker.take() else {
            return;
        };
        let bytes = worker.id().map(|id| {
            self.workers.taken().remove(&id);
            own_bytes(id).unwrap_or_default()
        });
        if bytes.unwrap_or_default() <= self.workers.config.memory_bytes_max / 4 {
            self.workers.give_back(worker);
        }
    }

    /// What went wrong with a worker whose connection has ended.
    pub(super) async fn death(&mut self) -> Error {
        self.end = End::Died;
        let how = self.worker().how_it_ended().await;
        tracing::warn!(how, "a question ended the process that ran it");
        Error::WorkerDied { how }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            if let Some(id) = worker.id() {
                self.workers.taken().remove(&id);
            }
            self.workers.ended[self.end as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Memory that a process has of its own, in RAM: proc_pid_statm(5), resident without shared.
fn own_bytes(id: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/statm")).ok()?;
    let mut pages = text.split_whitespace().skip(1).map(str::parse::<u64>);
    let (resident, shared) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some(resident.saturating_sub(shared) * PAGE_BYTES)
}

/// From now on this thread runs when nothing else wants to: whoever wakes up takes the core from it at once. It can't be taken
/// back. Threads and processes that it starts are the same.
pub fn run_when_idle() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    if let Err(error) = set {
        tracing::debug!(?error, "SQL has the weight of everything else");
    }
}

/// Starts a program that [runs when nothing else wants to](run_when_idle), from its first instruction.
async fn started_idle(mut command: Command) -> io::Result<Child> {
    let runtime = Handle::current();
    let (sender, started) = oneshot::channel();
    std::thread::Builder::new()
        .name("sql-start".to_owned())
        .spawn(move || {
            run_when_idle();
            let _runtime = runtime.enter();
            // If nobody waits any more, the process ends with its `Child`.
            _ = sender.send(command.spawn());
        })?;
    started.await.map_err(io::Error::other)?
}

async fn read(mut from: OwnedReadHalf, received: mpsc::Sender<io::Result<Frame<Report>>>) {
    loop {
        let frame = receive(&mut from, ANSWER_BYTES_MAX).await;
        let (Some(frame), is_last) = (match frame {
            Ok(None) => (None, true),
            Ok(Some(frame)) => (Some(Ok(frame)), false),
            Err(error) => (Some(Err(error)), true),
        }) else {
            return;
        };
        if received.send(frame).await.is_err() || is_last {
            return;
        }
    }
}

async fn write(mut to: OwnedWriteHalf, mut sent: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = sent.recv().await {
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}
