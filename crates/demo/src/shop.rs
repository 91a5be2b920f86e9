//! The accidental shop: each service is a process of its own that speaks HTTP on a free loopback
//! port. This file starts the service that the command line names, says where it listens, and ends
//! it.

mod calls;
mod checkout;
mod flags;
mod flags_vendor;
mod inventory;
mod pay_vendor;
mod store;
mod storefront;
mod subscriptions;
mod telemetry;
mod vendor;

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use axum::Router;
use tokio::net::TcpListener;

pub use self::inventory::RELEASE_WITH_FAULT;
use crate::stop::{self, Stop};

/// The release of everything that is not at fault.
pub const RELEASE: &str = "1.4.0";

/// A process of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Service {
    Storefront,
    Checkout,
    Inventory,
    Subscriptions,
    #[value(name = "pay.example")]
    Pay,
    #[value(name = "flags.example")]
    Flags,
}

impl Service {
    /// As the command line, the network and `service.name` call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Storefront => "storefront",
            Self::Checkout => "checkout",
            Self::Inventory => "inventory",
            Self::Subscriptions => "subscriptions",
            Self::Pay => "pay.example",
            Self::Flags => "flags.example",
        }
    }

    /// Whether this is somebody else's service, which we cannot instrument.
    pub fn is_vendor(self) -> bool {
        matches!(self, Self::Pay | Self::Flags)
    }
}

#[derive(clap::Args)]
pub struct ServiceArguments {
    service: Service,
    #[arg(long, default_value = RELEASE)]
    release: String,
    /// Tells the instances of a service apart.
    #[arg(long, default_value_t = 1)]
    instance: u32,
    /// Where to send telemetry, without a path. A service without it is not instrumented.
    #[arg(long)]
    otlp_http: Option<String>,
    /// `name=address` of a service that this one calls; the same name again is a further instance.
    #[arg(long = "peer", value_parser = parse_peer)]
    peers: Vec<(String, SocketAddr)>,
}

fn parse_peer(text: &str) -> anyhow::Result<(String, SocketAddr)> {
    let (name, address) = text
        .split_once('=')
        .context("write a peer as name=address")?;
    Ok((name.to_owned(), address.parse()?))
}

/// Plays one service until told to stop. Writes its address as the first line of output.
pub fn run(arguments: &ServiceArguments) -> anyhow::Result<()> {
    let provider = match &arguments.otlp_http {
        Some(otlp_http) => Some(telemetry::start(arguments, otlp_http)?),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(arguments))?;
    // After the last request, outside the runtime: this sends what is left and blocks.
    if let Some(provider) = provider {
        provider.shutdown().context("send the last spans")?;
    }
    Ok(())
}

async fn serve(arguments: &ServiceArguments) -> anyhow::Result<()> {
    let stop = stop::of_child()?;
    let router = match arguments.service {
        Service::Storefront => storefront::router(&arguments.peers)?,
        Service::Checkout => checkout::router(&arguments.peers)?,
        Service::Inventory => inventory::router(&arguments.release, arguments.instance),
        Service::Subscriptions => subscriptions::router(),
        Service::Pay => pay_vendor::router(),
        Service::Flags => flags_vendor::router(),
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    crate::say(address);
    if arguments.service == Service::Flags {
        return flags_vendor::serve_with_outages(listener, router, stop).await;
    }
    serve_until(listener, router, stop).await
}

async fn serve_until(listener: TcpListener, router: Router, stop: Stop) -> anyhow::Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(stop::requested(stop))
        .await?;
    Ok(())
}
