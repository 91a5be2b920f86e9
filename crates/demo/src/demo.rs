//! One run of the demo: starts Crawlspace, the shop and its customers, asks the questions, and ends
//! all in the right order.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;
use tokio::time::Instant;

use crate::processes::{Process, any_ended, stop_all};
use crate::questions::Asker;
use crate::shop::{RELEASE, RELEASE_WITH_FAULT, Service};
use crate::{DemoArguments, say, stop, traffic};

const HTTP_PORT: u16 = 4320;
const OTLP_HTTP_PORT: u16 = 4318;
const OTLP_GRPC_PORT: u16 = 4317;

/// What Crawlspace says when it is ready.
#[derive(Deserialize)]
struct Ready {
    http: SocketAddr,
    otlp_http: SocketAddr,
    data_dir: PathBuf,
}

/// Runs until the duration is over, Ctrl-C or SIGTERM. Fails when anything did, questions included.
pub fn run(arguments: &DemoArguments) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let mut processes = Vec::new();
            let outcome = tokio::select! {
                outcome = play(arguments, &mut processes) => outcome,
                outcome = stop::of_parent() => outcome,
            };
            say("\nClosing the shop ...");
            // The last started goes first: callers before those they call, Crawlspace after
            // everyone's last spans.
            outcome.and(stop_all(processes).await)
        })
}

async fn play(arguments: &DemoArguments, processes: &mut Vec<Process>) -> anyhow::Result<()> {
    let crawlspace = crawlspace_path(arguments)?;
    let ready = start_crawlspace(&crawlspace, arguments, processes).await?;
    let asker = Asker::new(crawlspace, format!("http://{}", ready.http))?;
    let count_before = asker.count_spans().await?;
    let storefront = start_shop(&ready, processes).await?;
    let opened = Instant::now();
    let tour = async {
        let failed = show(&asker, &ready, count_before).await?;
        match arguments.duration {
            Some(duration) => tokio::time::sleep_until(opened + duration).await,
            None => std::future::pending().await,
        }
        ensure!(failed == 0, "{failed} of the questions failed");
        Ok(())
    };
    tokio::select! {
        outcome = tour => outcome,
        outcome = traffic::run(storefront) => outcome,
        outcome = any_ended(processes) => outcome,
    }
}

fn crawlspace_path(arguments: &DemoArguments) -> anyhow::Result<PathBuf> {
    let path = match &arguments.crawlspace {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("crawlspace"),
    };
    ensure!(
        path.is_file(),
        "there is no program `{}`: give `--crawlspace`",
        path.display()
    );
    Ok(path)
}

async fn start_crawlspace(
    crawlspace: &Path,
    arguments: &DemoArguments,
    processes: &mut Vec<Process>,
) -> anyhow::Result<Ready> {
    let http = match arguments.http {
        Some(address) if !is_free(address) => bail!(
            "the address {address} is taken, perhaps by another demo: \
             end that one, or give another `--http`"
        ),
        Some(address) => address,
        None => default_or_any_port(HTTP_PORT, "the UI and the API"),
    };
    let otlp_http = default_or_any_port(OTLP_HTTP_PORT, "OTLP/HTTP");
    let otlp_grpc = default_or_any_port(OTLP_GRPC_PORT, "OTLP/gRPC");
    let [http, otlp_http, otlp_grpc] =
        [http, otlp_http, otlp_grpc].map(|address| address.to_string());
    let mut command: Vec<OsString> = vec!["guard".into(), "--".into(), crawlspace.into()];
    command.extend(["serve", "--data-dir"].map(OsString::from));
    command.push(arguments.data_dir.clone().into());
    let doors = [
        "--http",
        &http,
        "--otlp-http",
        &otlp_http,
        "--otlp-grpc",
        &otlp_grpc,
    ];
    command.extend(doors.map(OsString::from));
    command.push("--json".into());
    let line = first_line_of_new("crawlspace", command, processes)
        .await
        .with_context(|| {
            format!(
                "cannot start on `{}` (is another demo using it?)",
                arguments.data_dir.display()
            )
        })?;
    serde_json::from_str(&line).with_context(|| format!("the ready line of crawlspace: {line}"))
}

fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

fn default_or_any_port(port: u16, purpose: &str) -> SocketAddr {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if is_free(address) {
        return address;
    }
    say(format_args!(
        "{address} is taken: using another port for {purpose}."
    ));
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Listed before it is ready, so that it is stopped even when that never happens.
async fn first_line_of_new(
    name: &str,
    command: Vec<OsString>,
    processes: &mut Vec<Process>,
) -> anyhow::Result<String> {
    processes.push(Process::start(name, command)?);
    let process = processes.last_mut().expect("one was pushed just now");
    process.first_line().await
}

/// Starts all services, those that are called before those that call them; answers the storefront's
/// address.
async fn start_shop(ready: &Ready, processes: &mut Vec<Process>) -> anyhow::Result<SocketAddr> {
    let mut shop = Shop {
        otlp_http: format!("http://{}", ready.otlp_http),
        processes,
    };
    let flags = shop.start(Service::Flags, 1, RELEASE, &[]).await?;
    let pay = shop.start(Service::Pay, 1, RELEASE, &[]).await?;
    let good = shop.start(Service::Inventory, 1, RELEASE, &[]).await?;
    let bad = shop
        .start(Service::Inventory, 2, RELEASE_WITH_FAULT, &[])
        .await?;
    let subscriptions = shop.start(Service::Subscriptions, 1, RELEASE, &[]).await?;
    let mut peers = vec![
        (Service::Flags, flags),
        (Service::Pay, pay),
        (Service::Inventory, good),
        (Service::Inventory, bad),
        (Service::Subscriptions, subscriptions),
    ];
    let checkout = shop.start(Service::Checkout, 1, RELEASE, &peers).await?;
    peers.push((Service::Checkout, checkout));
    shop.start(Service::Storefront, 1, RELEASE, &peers).await
}

struct Shop<'a> {
    otlp_http: String,
    processes: &'a mut Vec<Process>,
}

impl Shop<'_> {
    async fn start(
        &mut self,
        service: Service,
        instance: u32,
        release: &str,
        peers: &[(Service, SocketAddr)],
    ) -> anyhow::Result<SocketAddr> {
        let instance = instance.to_string();
        let mut command: Vec<OsString> = [
            "service",
            service.name(),
            "--instance",
            &instance,
            "--release",
            release,
        ]
        .map(OsString::from)
        .into();
        if !service.is_vendor() {
            command.extend(["--otlp-http", &self.otlp_http].map(OsString::from));
        }
        for (peer, address) in peers {
            command.extend(["--peer".into(), format!("{}={address}", peer.name()).into()]);
        }
        let line = first_line_of_new(service.name(), command, self.processes).await?;
        line.trim()
            .parse()
            .with_context(|| format!("the address of {}", service.name()))
    }
}

/// Tells the person where things are, and asks the questions; answers how many failed.
async fn show(asker: &Asker, ready: &Ready, count_before: u64) -> anyhow::Result<usize> {
    say(format_args!(
        "Crawlspace:  {} (open it in a browser; the API is there too)",
        asker.server
    ));
    say(format_args!("OTLP/HTTP:   http://{}", ready.otlp_http));
    say(format_args!("Data:        {}", ready.data_dir.display()));
    say("\nThe accidental shop is open; its first customers are coming ...");
    let count = asker.wait_for_spans(count_before).await?;
    say(format_args!(
        "{count} spans so far. Five questions, the command for each, and its answer:"
    ));
    let failed = asker.ask_all().await?;
    say("\nTo send your own data, start a program with the OpenTelemetry SDK after:\n");
    say(format_args!(
        "  $ export OTEL_EXPORTER_OTLP_ENDPOINT=http://{} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf\n",
        ready.otlp_http
    ));
    say("Ctrl-C ends it.");
    Ok(failed)
}
