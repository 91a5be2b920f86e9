//! The wrap around each call to a vendor: one span, a time-out, the outcome, and the fallback that
//! was used, if any.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{FutureExt, TraceContextExt};
use serde_json::Value;

use super::calls::{Call, Peer};

/// What `app.vendor.fallback` says when the vendor's own answer was used.
const FALLBACK_NONE: &str = "none";

/// Somebody else's service, that may be slow, fail or be away.
pub struct Vendor {
    peer: Peer,
    timeout: Duration,
}

impl Vendor {
    pub fn new(
        name: &str,
        peers: &[(String, SocketAddr)],
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            peer: Peer::new(name, peers)?,
            timeout,
        })
    }

    /// Calls the vendor. `None` means that the caller must now use its fallback, which is already
    /// recorded by that name.
    pub async fn call(&self, call: Call<'_>, fallback: &'static str) -> Option<Value> {
        let call = call.with_timeout(self.timeout);
        let context = self.peer.start_span(&call);
        let answer = self
            .peer
            .send(call, &context)
            .with_context(context.clone())
            .await;
        let (outcome, fallback) = match &answer {
            Ok(_) => ("ok", FALLBACK_NONE),
            Err(failure) if failure.kind == "Timeout" => ("timeout", fallback),
            Err(failure) if failure.kind == "ConnectionRefused" => ("unreachable", fallback),
            Err(_) => ("error", fallback),
        };
        context.span().set_attributes([
            KeyValue::new("app.vendor.outcome", outcome),
            KeyValue::new("app.vendor.fallback", fallback),
        ]);
        context.span().end();
        answer.ok()
    }
}

#[cfg(test)]
mod tests;
