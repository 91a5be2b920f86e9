//! `serve`: builds the store from the configuration, runs it until a signal, and closes it without losing anything.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use crawlspace_api::{Connections, Gate, Window, WindowFile};
use crawlspace_control::{Database, Keys, Notes, SavedQuestions};
use crawlspace_disk::{FileSystem, RealFs, fault};
use crawlspace_ingest::{Headroom, Ingest};
use crawlspace_insight::Insight;
use crawlspace_model::{Clock, SystemClock};
use crawlspace_query::{Engine, WorkerConfig};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::backup::backups;
use crate::config::{ServeArguments, Switch, vendors};
use crate::data_dir::DataDir;
use crate::first_keys::FirstKeys;
use crate::memory::Budget;
use crate::store::open_lake;
use crate::workers::Workers;

/// Requests that are being answered may take so long to end.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);
/// Answers to what was asked during the start may take so long to end.
const STARTING_END_TIME_MAX: Duration = Duration::from_secs(1);
/// The last flush may take so long; what it does not manage comes back from the log at the next start.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(4);

pub async fn serve(arguments: ServeArguments) -> anyhow::Result<()> {
    if let Some(fault) = &arguments.fault {
        fault::arm(fault.parse()?);
        tracing::warn!(fault, "something is going to go wrong on purpose");
    }
    let stop = Signals::listen()?;
    let server = Server::build(&arguments).await?;
    server.run(stop).await
}

struct Server {
    http: Arc<TcpListener>,
    otlp_http: Arc<TcpListener>,
    otlp_grpc: Arc<TcpListener>,
    dependencies: crawlspace_api::Dependencies,
    ready: String,
    /// Held until the end.
    data_dir: DataDir,
    /// Those of questions, and of SQL.
    workers: [Workers; 2],
}

impl Server {
    async fn build(arguments: &ServeArguments) -> anyhow::Result<Self> {
        let fs: Arc<dyn FileSystem> = Arc::new(RealFs);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let vendors = vendors(arguments.vendors.as_ref())?;
        let http = Arc::new(bind(arguments.http, "--http").await?);
        let otlp_http = Arc::new(bind(arguments.otlp_http, "--otlp-http").await?);
        let otlp_grpc = Arc::new(bind(arguments.otlp_grpc, "--otlp-grpc").await?);
        let data_dir = DataDir::open(fs.as_ref(), &arguments.data_dir)?;
        let connections = Arc::<Connections>::default();
        let starting = Starting::serve([&http, &otlp_http, &otlp_grpc], &connections);
        let headroom = Headroom::new(Arc::clone(&fs), data_dir.root());
        let store = &arguments.store;
        let lake = open_lake(store.lake_config(), &store.place, &data_dir, &fs, &clock).await?;
        let config = ingest_config(arguments, &data_dir);
        let dependencies = crawlspace_ingest::Dependencies {
            fs,
            lake: Arc::clone(&lake),
            clock: Arc::clone(&clock),
            headroom,
        };
        let ingest = Ingest::open(config, dependencies).await?;
        let no_threads = "no threads can be started for questions";
        let of_questions = Workers::start().context(no_threads)?;
        let of_sql = Workers::start_for_sql().context(no_threads)?;
        let engine = Engine::new(Arc::clone(&lake), crawlspace_query::Config::default());
        let engine = engine
            .with_workers(of_questions.handle().clone())
            .with_sql_workers(sql_workers(), Some(of_sql.handle().clone()));
        let engine = Arc::new(engine);
        let doors = Doors {
            http: http.local_addr()?,
            otlp_http: otlp_http.local_addr()?,
            otlp_grpc: otlp_grpc.local_addr()?,
        };
        let control = Database::open(&data_dir.control()).await?;
        let keys = Keys::open(control.clone(), Arc::clone(&clock)).await?;
        let gate = Gate {
            keys: Arc::new(keys),
            // A name that others call it by means that others reach it.
            key_required: arguments.auth
                || doors.are_open_to_others()
                || !arguments.hosts.is_empty(),
            hosts: arguments.hosts.clone(),
        };
        let first_keys = match gate.key_required {
            true => FirstKeys::make(&gate.keys).await?,
            false => FirstKeys::default(),
        };
        let ready = ready_text(arguments.json, doors, &data_dir, &gate, &first_keys);
        let dependencies = crawlspace_api::Dependencies {
            insight: Arc::new(insight(&engine, &ingest).with_vendors(vendors)),
            ingest,
            engine,
            backups: Arc::new(backups(&arguments.store.place, &data_dir, &lake)),
            lake,
            saved: Arc::new(SavedQuestions::new(control.clone(), Arc::clone(&clock))),
            notes: Arc::new(Notes::new(control, Arc::clone(&clock))),
            clock,
            gate: Arc::new(gate),
            window: Arc::new(window()),
            connections,
        };
        starting.end().await;
        Ok(Self {
            http,
            otlp_http,
            otlp_grpc,
            dependencies,
            ready,
            data_dir,
            workers: [of_questions, of_sql],
        })
    }

    async fn run(self, mut signals: Signals) -> anyhow::Result<()> {
        let Self {
            http,
            otlp_http,
            otlp_grpc,
            dependencies,
            ready,
            data_dir,
            workers,
        } = self;
        let address = http.local_addr()?;
        let stop = CancellationToken::new();
        let mut servers = JoinSet::new();
        for (listener, router) in [
            (http, crawlspace_api::router(dependencies.clone())),
            (otlp_http, crawlspace_api::otlp_router(dependencies.clone())),
            (otlp_grpc, crawlspace_api::otlp_router(dependencies.clone())),
        ] {
            servers.spawn(crawlspace_api::serve(
                listener,
                router,
                Arc::clone(&dependencies.connections),
                stop.clone().cancelled_owned(),
            ));
        }
        let drained = CancellationToken::new();
        let keys = Arc::clone(&dependencies.gate.keys);
        let until = drained.clone().cancelled_owned();
        let keys = tokio::spawn(async move { keys.run(until).await });
        data_dir.announce(address)?;
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{ready}")
            .and_then(|()| stdout.flush())
            .context("stdout is closed")?;
        drop(stdout);

        let failed = tokio::select! {
            name = signals.next() => {
                tracing::info!(signal = name, "closing");
                None
            }
            Some(ended) = servers.join_next() => Some(ended),
        };
        stop.cancel();
        dependencies.engine.close();
        let close = close(&dependencies, servers, (drained, keys));
        tokio::select! {
            () = close => {}
            name = signals.next() => tracing::warn!(signal = name, "closing at once: the log keeps what is not flushed"),
        }
        drop((data_dir, workers));
        match failed {
            None => Ok(()),
            Some(ended) => ended
                .context("a listener ended")
                .and_then(|result| result.context("a listener failed")),
        }
    }
}

fn ingest_config(arguments: &ServeArguments, data_dir: &DataDir) -> crawlspace_ingest::Config {
    let (budget, memory_size) = (Budget::of_here(), arguments.store.memory_size);
    crawlspace_ingest::Config {
        deduplicate: arguments.dedup == Switch::On,
        key_bytes_per_second: arguments.key_rate,
        in_flight_bytes_max: usize::try_from(budget.in_flight_bytes).unwrap_or(usize::MAX),
        ..crawlspace_ingest::Config::new(data_dir.wal())
            .waiting_bytes_max(memory_size.unwrap_or(budget.waiting_bytes))
    }
}

/// This program once more, whatever has become of its file.
fn sql_workers() -> WorkerConfig {
    let budget = Budget::of_here();
    WorkerConfig {
        program: PathBuf::from("/proc/self/exe"),
        arguments: ["sql-worker", "--memory", &budget.plan_bytes.to_string()]
            .map(str::to_owned)
            .into(),
        environment: vec![crate::allocator_without_threads()],
        memory_bytes_max: budget.sql_bytes,
    }
}

/// What answers while the log is replayed, which may take a while.
struct Starting {
    stop: DropGuard,
    servers: JoinSet<std::io::Result<()>>,
}

impl Starting {
    fn serve(listeners: [&Arc<TcpListener>; 3], connections: &Arc<Connections>) -> Self {
        let stop = CancellationToken::new();
        let mut servers = JoinSet::new();
        for listener in listeners {
            servers.spawn(crawlspace_api::serve(
                Arc::clone(listener),
                crawlspace_api::starting_router(),
                Arc::clone(connections),
                stop.clone().cancelled_owned(),
            ));
        }
        let stop = stop.drop_guard();
        Self { stop, servers }
    }

    /// Answers what was asked so far; the listeners are free then.
    async fn end(self) {
        let Self { stop, mut servers } = self;
        drop(stop);
        let ended = async { while servers.join_next().await.is_some() {} };
        if timeout(STARTING_END_TIME_MAX, ended).await.is_err() {
            tracing::debug!("connections from before the start are dropped");
        }
    }
}

async fn close(
    dependencies: &crawlspace_api::Dependencies,
    mut servers: JoinSet<std::io::Result<()>>,
    (drained, keys): (CancellationToken, JoinHandle<()>),
) {
    let drain = async { while servers.join_next().await.is_some() {} };
    if timeout(DRAIN_TIME_MAX, drain).await.is_err() {
        tracing::warn!("some requests are still unanswered and are dropped");
        servers.abort_all();
    }
    drained.cancel();
    let shutdown = async {
        keys.await?;
        dependencies.ingest.shutdown().await?;
        dependencies.lake.close().await;
        Ok::<_, crawlspace_ingest::Error>(())
    };
    match timeout(CLOSE_TIME_MAX, shutdown).await {
        Ok(Ok(())) => tracing::info!("closed"),
        Ok(Err(error)) => {
            tracing::error!(%error, "closed; rows that are not flushed come back from the log")
        }
        Err(_) => {
            tracing::warn!("closed before all rows were flushed: they come back from the log")
        }
    }
}

fn insight(engine: &Arc<Engine>, ingest: &Arc<Ingest>) -> Insight {
    let ingest = Arc::clone(ingest);
    Insight::new(Arc::clone(engine)).with_ledger(Arc::new(move || ingest.ledger().account))
}

async fn bind(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    if !address.ip().is_loopback() {
        tracing::warn!(
            "{flag} {address} is not encrypted: where others can listen, put a proxy with TLS in front"
        );
    }
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => anyhow::anyhow!(
                "address {address} is taken: stop the program that listens there, \
             or choose another with {flag} (port 0 takes a free one)"
            ),
            _ => {
                anyhow::Error::new(error).context(format!("{flag} {address} can't be listened on"))
            }
        })
}

/// Where the program listens.
struct Doors {
    http: SocketAddr,
    otlp_http: SocketAddr,
    otlp_grpc: SocketAddr,
}

impl Doors {
    fn are_open_to_others(&self) -> bool {
        let addresses = [self.http, self.otlp_http, self.otlp_grpc];
        addresses.iter().any(|address| !address.ip().is_loopback())
    }
}

fn ready_text(
    json: bool,
    doors: Doors,
    data_dir: &DataDir,
    gate: &Gate,
    first_keys: &FirstKeys,
) -> String {
    let Doors {
        http,
        otlp_http,
        otlp_grpc,
    } = doors;
    let data_dir = data_dir.root().display().to_string();
    if json {
        let mut line = json!({"http": http, "otlp_http": otlp_http, "otlp_grpc": otlp_grpc, "data_dir": data_dir});
        first_keys.tell(&mut line);
        return line.to_string();
    }
    format!(
        "crawlspace {version} is ready\n\n  \
         API          http://{http}\n  \
         OTLP/HTTP    http://{otlp_http}\n  \
         OTLP/gRPC    http://{otlp_grpc}\n  \
         data         {data_dir}\n  \
         keys         {keys}{first_keys}\n\n\
         Point an instrumented application here:\n  \
         export OTEL_EXPORTER_OTLP_ENDPOINT=http://{otlp_http} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n\n\
         Then ask:\n  \
         crawlspace query --server http://{http} --calculate count --group-by service.name --last 1h",
        version = env!("CARGO_PKG_VERSION"),
        keys = match gate.key_required {
            true => "asked for",
            false => "not asked for, as only this machine gets in",
        },
        first_keys = first_keys.text(),
    )
}

/// The signals that end the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

fn window() -> Window {
    let files = crawlspace_ui::FILES.iter();
    Window::new(files.map(|file| {
        let held = WindowFile {
            content: file.content,
            gzip: file.gzip,
        };
        (file.path, held)
    }))
}
