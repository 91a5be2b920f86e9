//! `pay.example`, the vendor of payments: not ours and not instrumented. One of its two card
//! networks is slow.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;
use serde_json::{Value, json};

const SEED: u64 = 7;
/// The share of charges that the vendor refuses to work on.
const UNAVAILABLE_SHARE: f64 = 0.02;

/// The network behind a card.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CardNetwork {
    Swiftpay,
    Crossbank,
}

impl CardNetwork {
    /// A least time and an exponential tail: the 99th percentile lies 4.6 times the tail's mean
    /// above the least.
    fn sample_latency(self, random: &mut StdRng) -> Duration {
        let (least_ms, tail_mean_ms) = match self {
            Self::Swiftpay => (20.0, 13.0),
            Self::Crossbank => (300.0, 369.0),
        };
        let tail = -random.random_range(f64::EPSILON..1.0_f64).ln();
        Duration::from_secs_f64((least_ms + tail_mean_ms * tail) / 1_000.0)
    }
}

#[derive(Deserialize)]
struct Charge {
    order_id: String,
    card_network: CardNetwork,
}

pub fn router() -> Router {
    let random = Arc::new(Mutex::new(StdRng::seed_from_u64(SEED)));
    Router::new()
        .route("/v1/charges", post(charge))
        .with_state(random)
}

async fn charge(
    State(random): State<Arc<Mutex<StdRng>>>,
    Json(charge): Json<Charge>,
) -> Result<Json<Value>, StatusCode> {
    let (latency, is_unavailable) = {
        let mut random = random.lock().expect("no holder of the lock panics");
        (
            charge.card_network.sample_latency(&mut random),
            random.random_bool(UNAVAILABLE_SHARE),
        )
    };
    tokio::time::sleep(latency).await;
    if is_unavailable {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    Ok(Json(
        json!({ "charge_id": format!("ch-{}", charge.order_id) }),
    ))
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::{CardNetwork, SEED};

    #[test]
    fn one_network_is_slow_as_the_story_says() {
        for (network, expected_ms) in [(CardNetwork::Swiftpay, 80), (CardNetwork::Crossbank, 2_000)]
        {
            let mut random = StdRng::seed_from_u64(SEED);
            let mut latencies: Vec<_> = (0..10_000)
                .map(|_| network.sample_latency(&mut random).as_millis())
                .collect();
            latencies.sort_unstable();
            let p99_ms = latencies[9_900];
            assert!(
                p99_ms.abs_diff(expected_ms) * 10 < expected_ms,
                "{network:?}: {p99_ms} ms"
            );
        }
    }
}
