//! Evaluation of feature flags at the vendor, with a default when the vendor is away. Each
//! evaluation is an event on the span that asked, so that falling back to a default is never
//! silent.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue, baggage::BaggageExt};
use serde_json::{Value, json};

use super::calls::Call;
use super::vendor::Vendor;

/// A flag is asked for on the way to every page: it must not make one slow.
const FLAG_TIME_MAX: Duration = Duration::from_millis(150);

const PROVIDER: &str = "flags.example";

pub struct Flags {
    vendor: Vendor,
}

impl Flags {
    pub fn new(peers: &[(String, SocketAddr)]) -> anyhow::Result<Self> {
        Ok(Self {
            vendor: Vendor::new(PROVIDER, peers, FLAG_TIME_MAX)?,
        })
    }

    /// Whether the flag `key` is on for the current user. `default` holds when the vendor cannot
    /// say.
    pub async fn is_on(&self, key: &'static str, default: bool) -> bool {
        let context = Context::current();
        let user = context
            .baggage()
            .get("user.id")
            .map_or_else(String::new, ToString::to_string);
        let call = Call::post("/v1/evaluate", json!({ "key": key, "user": user }));
        let answer = self.vendor.call(call, "default_variant").await;
        let decided = answer
            .as_ref()
            .and_then(|answer| answer.get("on"))
            .and_then(Value::as_bool);
        let is_on = decided.unwrap_or(default);
        let mut event = vec![
            KeyValue::new("feature_flag.key", key),
            KeyValue::new("feature_flag.provider.name", PROVIDER),
            KeyValue::new("feature_flag.context.id", user),
            KeyValue::new(
                "feature_flag.result.variant",
                if is_on { "on" } else { "off" },
            ),
        ];
        if decided.is_some() {
            event.push(KeyValue::new("feature_flag.result.reason", "split"));
        } else {
            event.push(KeyValue::new("feature_flag.result.reason", "error"));
            event.push(KeyValue::new("error.type", "provider_not_ready"));
            let message = "flags.example gave no answer: the default was used";
            event.push(KeyValue::new("feature_flag.error.message", message));
        }
        context.span().add_event("feature_flag.evaluation", event);
        is_on
    }
}
