//! Serving a router on a listener until told to stop, within limits of connections and of time: who opens many, sends
//! nothing, or sends slowly takes no place from others for long.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Connections at one time, of all doors together; further ones are closed at once.
pub(crate) const CONNECTIONS_MAX: usize = 4_096;
/// The first request has to be there so soon after the connection.
pub(crate) const FIRST_REQUEST_TIME_MAX: Duration = Duration::from_secs(15);
/// Over HTTP/1, each further one's head so soon after the answer before it.
pub(crate) const HEAD_TIME_MAX: Duration = Duration::from_secs(75);
/// A request's head. hyper wants no less than 8 KiB.
pub(crate) const HEAD_BYTES_MAX: usize = 64 << 10;
/// Requests at one time on a connection of HTTP/2.
pub(crate) const STREAMS_MAX: u32 = 128;
/// Streams that a client has given up before they were begun; with more it is cut off (CVE-2023-44487).
pub(crate) const RESETS_MAX: usize = 20;
/// An HTTP/2 client that is silent for so long is asked whether it is there …
pub(crate) const PING_AFTER: Duration = Duration::from_secs(60);
/// … and has so long to say so.
pub(crate) const PING_TIME_MAX: Duration = Duration::from_secs(20);
/// Between two tries to take a connection where the system has no file descriptors left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(200);

/// The connections of all doors.
#[derive(Debug)]
pub struct Connections {
    places: Arc<Semaphore>,
    refused: AtomicU64,
    silent: AtomicU64,
    broken: [AtomicU64; 4],
    answers: Mutex<BTreeMap<(Door, u16), u64>>,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            refused: AtomicU64::default(),
            silent: AtomicU64::default(),
            broken: Default::default(),
            answers: Mutex::default(),
        }
    }
}

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Door {
    Api,
    /// Telemetry, health and the window.
    Other,
}

impl Door {
    fn of(path: &str) -> Self {
        match path.starts_with("/api/") {
            true => Self::Api,
            false => Self::Other,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Other => "other",
        }
    }
}

/// Why a connection was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// The next request's head did not come.
    Time,
    /// A head was too long.
    Head,
    /// Too many streams were given up, or frames came that serve nothing.
    Flood,
    /// By the client, or it sent what is no HTTP.
    Other,
}

impl Broken {
    const ALL: [Self; 4] = [Self::Time, Self::Head, Self::Flood, Self::Other];

    fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Head => "head",
            Self::Flood => "flood",
            Self::Other => "other",
        }
    }

    fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_timeout() {
                return Self::Time;
            }
            if error.is_parse_too_large() {
                return Self::Head;
            }
        } else if let Some(error) = error.downcast_ref::<h2::Error>()
            && error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM)
        {
            return Self::Flood;
        }
        error.source().map_or(Self::Other, Self::of)
    }
}

impl Connections {
    /// How many there are now.
    pub(crate) fn open(&self) -> usize {
        CONNECTIONS_MAX - self.places.available_permits()
    }

    /// How many were closed at once, as there were too many.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many were cut off since no request came.
    pub(crate) fn silent(&self) -> u64 {
        self.silent.load(Ordering::Relaxed)
    }

    /// How many were ended before their time, by why.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let count = |why: Broken| self.broken[why as usize].load(Ordering::Relaxed);
        Broken::ALL
            .into_iter()
            .map(move |why| (why.name(), count(why)))
    }

    /// How many requests were answered with each status.
    pub(crate) fn answers(&self) -> BTreeMap<(Door, u16), u64> {
        self.answers_so_far().clone()
    }

    fn answers_so_far(&self) -> MutexGuard<'_, BTreeMap<(Door, u16), u64>> {
        self.answers.lock().expect("no holder of the counts panics")
    }

    fn admit(&self) -> Option<OwnedSemaphorePermit> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok();
        if place.is_none() && self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                connections_max = CONNECTIONS_MAX,
                "there are too many connections: further ones are closed"
            );
        }
        place
    }
}

/// Answers requests until `stop`, then takes no more and returns once those being answered are done. Who has the listener
/// too may serve something else on it then.
///
/// # Errors
/// None that it does not recover from, as things are.
pub async fn serve(
    listener: Arc<TcpListener>,
    router: Router,
    connections: Arc<Connections>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = CancellationToken::new();
    let mut serving = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = serving.join_next() => continue,
            () = &mut stop => break,
        };
        let Some((stream, peer)) = taken(accepted).await else {
            continue;
        };
        let Some(place) = connections.admit() else {
            continue;
        };
        let connection = Connection {
            router: router.clone(),
            connections: Arc::clone(&connections),
            stopping: stopping.clone(),
            _place: place,
        };
        serving.spawn(connection.run(stream, peer));
    }
    stopping.cancel();
    while serving.join_next().await.is_some() {}
    Ok(())
}

async fn taken(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    match accepted {
        Ok((stream, peer)) => {
            // Answers are small: waiting for more to send would only delay them.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "a connection keeps its delay");
            }
            Some((stream, peer))
        }
        Err(error)
            if matches!(
                error.kind(),
                ConnectionAborted | ConnectionRefused | ConnectionReset
            ) =>
        {
            None
        }
        Err(error) => {
            tracing::error!(%error, "no connection can be taken");
            tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            None
        }
    }
}

struct Connection {
    router: Router,
    connections: Arc<Connections>,
    stopping: CancellationToken,
    /// Held until the connection is closed.
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: TcpStream, peer: SocketAddr) {
        let has_asked = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let (router, has_asked) = (self.router.clone(), Arc::clone(&has_asked));
            let connections = Arc::clone(&self.connections);
            move |request: Request<Incoming>| {
                has_asked.store(true, Ordering::Relaxed);
                let door = Door::of(request.uri().path());
                let answer = router.clone().oneshot(request.map(Body::new));
                let connections = Arc::clone(&connections);
                async move {
                    let answer = answer.await.unwrap_or_else(|never| match never {});
                    let counted = (door, answer.status().as_u16());
                    *connections.answers_so_far().entry(counted).or_default() += 1;
                    Ok::<_, Infallible>(answer)
                }
            }
        });
        let builder = builder();
        let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut first = pin!(tokio::time::sleep(FIRST_REQUEST_TIME_MAX));
        let mut is_first_due = true;
        let mut is_stopping = false;
        let ended = loop {
            tokio::select! {
                ended = &mut serving => break ended,
                () = &mut first, if is_first_due => {
                    is_first_due = false;
                    if !has_asked.load(Ordering::Relaxed) {
                        self.connections.silent.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                }
                () = self.stopping.cancelled(), if !is_stopping => {
                    is_stopping = true;
                    serving.as_mut().graceful_shutdown();
                }
            }
        };
        if let Err(error) = ended {
            let why = Broken::of(error.as_ref());
            self.connections.broken[why as usize].fetch_add(1, Ordering::Relaxed);
            tracing::debug!(%peer, %error, "a connection broke off");
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIME_MAX);
    builder
}
