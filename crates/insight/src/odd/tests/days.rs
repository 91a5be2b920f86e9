//! Days of a system with a daily rhythm, hour by hour: flows that vary by themselves, and changes that are planted.

use arrow::array::RecordBatch;
use crawlspace_model::Table;
use crawlspace_wire::batch::{Cell, TableBuilder};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::windows::HOUR;

/// 2026-10-01T00:00:00Z.
pub(super) const START: i64 = 1_790_812_800_000_000_000;

pub(super) struct Flow {
    pub service: &'static str,
    pub name: &'static str,
    /// Requests an hour, averaged over a day.
    pub rate: f64,
    pub error_share: f64,
    pub p50_ms: f64,
    /// How much the middle of the day is above the night: 0 for none.
    pub rhythm: f64,
    pub since: usize,
}

const fn flow(
    service: &'static str,
    name: &'static str,
    rate: f64,
    error_share: f64,
    p50_ms: f64,
) -> Flow {
    Flow {
        service,
        name,
        rate,
        error_share,
        p50_ms,
        rhythm: 0.8,
        since: 0,
    }
}

pub(super) const FLOWS: [Flow; 10] = [
    flow("storefront", "GET /", 260.0, 0.002, 30.0),
    flow("storefront", "GET /cart", 120.0, 0.005, 45.0),
    flow("storefront", "POST /order", 40.0, 0.02, 300.0),
    flow("checkout", "POST /checkout", 40.0, 0.02, 250.0),
    flow("checkout", "POST /refund", 3.0, 0.05, 400.0),
    flow("inventory", "GET /stock", 150.0, 0.004, 12.0),
    Flow {
        rhythm: 0.0,
        ..flow("inventory", "sync", 12.0, 0.01, 2_000.0)
    },
    flow("mail", "send", 60.0, 0.03, 120.0),
    flow("search", "GET /search", 140.0, 0.003, 90.0),
    Flow {
        since: 20 * 24 + 9,
        ..flow("search", "GET /suggest", 200.0, 0.003, 8.0)
    },
];

/// What happens to a flow for some hours.
pub(super) struct Planted {
    pub flow: usize,
    /// Hours since the start; the last one is not included.
    pub hours: std::ops::Range<usize>,
    pub what: What,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    Rate(f64),
    Errors(f64),
    Slower(f64),
    /// This share of requests takes ten times as long.
    Tail(f64),
    Appears,
}

const fn planted(flow: usize, day: usize, hour: usize, length: usize, what: What) -> Planted {
    let from = day * 24 + hour;
    Planted {
        flow,
        hours: from..from + length,
        what,
    }
}

pub(super) const PLANTED: [Planted; 10] = [
    planted(0, 8, 14, 3, What::Rate(0.3)),
    planted(1, 10, 11, 2, What::Errors(0.08)),
    planted(2, 11, 15, 3, What::Slower(2.0)),
    planted(3, 13, 12, 4, What::Errors(0.25)),
    planted(5, 15, 10, 4, What::Rate(0.0)),
    planted(7, 17, 13, 3, What::Rate(4.0)),
    planted(8, 18, 2, 6, What::Slower(1.7)),
    planted(9, 20, 9, 1, What::Appears),
    planted(0, 23, 12, 4, What::Tail(0.05)),
    planted(6, 26, 3, 3, What::Slower(3.0)),
];

/// The spans of one hour.
pub(super) fn hour(number: usize, seed: u64) -> RecordBatch {
    let mut random = StdRng::seed_from_u64(seed ^ (number as u64) << 20);
    let mut builder = TableBuilder::new(Table::Spans);
    let start = START + number as i64 * HOUR;
    for (index, flow) in FLOWS
        .iter()
        .enumerate()
        .filter(|(_, flow)| flow.since <= number)
    {
        let happens = PLANTED
            .iter()
            .filter(|planted| planted.flow == index && planted.hours.contains(&number));
        let happens: Vec<What> = happens.map(|planted| planted.what).collect();
        let day = ((number % 24) as f64 - 14.0) / 24.0 * std::f64::consts::TAU;
        // Hours vary by more than chance: 8% in rate, 4% in times, a quarter in errors.
        let mut rate =
            flow.rate * (1.0 + flow.rhythm * day.cos()) * (0.08 * normal(&mut random)).exp();
        let mut p50 =
            flow.p50_ms * 1e6 * (1.0 + 0.2 * day.cos()) * (0.04 * normal(&mut random)).exp();
        let mut error_share = flow.error_share * (0.25 * normal(&mut random)).exp();
        let mut tail = 0.0;
        for what in happens {
            match what {
                What::Rate(times) => rate *= times,
                What::Errors(share) => error_share = share,
                What::Slower(times) => p50 *= times,
                What::Tail(share) => tail = share,
                What::Appears => {}
            }
        }
        for _ in 0..poisson(rate, &mut random) {
            let slow = if random.random::<f64>() < tail {
                10.0
            } else {
                1.0
            };
            let duration = p50 * slow * (0.5 * normal(&mut random)).exp();
            let failed = random.random::<f64>() < error_share;
            let time = start + random.random_range(0..HOUR);
            builder.set("time", Cell::Time(time));
            builder.set("received_at", Cell::Time(time + duration as i64));
            builder.set("duration_ns", Cell::Int(duration as i64));
            builder.set("trace_id", Cell::Bytes(&random.random::<[u8; 16]>()));
            builder.set("span_id", Cell::Bytes(&random.random::<[u8; 8]>()));
            builder.set("name", Cell::Text(flow.name));
            builder.set("kind", Cell::Text("server"));
            builder.set(
                "status_code",
                Cell::Text(if failed { "error" } else { "unset" }),
            );
            builder.set("service.name", Cell::Text(flow.service));
            builder.set("sample_weight", Cell::Double(1.0));
            builder.end_row();
        }
    }
    builder.finish()
}

/// Exact for small means, about so for large ones.
fn poisson(mean: f64, random: &mut StdRng) -> usize {
    if mean > 50.0 {
        return (mean + mean.sqrt() * normal(random)).round().max(0.0) as usize;
    }
    let (mut count, mut product) = (0, random.random::<f64>());
    while product > (-mean).exp() {
        count += 1;
        product *= random.random::<f64>();
    }
    count
}

fn normal(random: &mut StdRng) -> f64 {
    let (one, two): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos()
}
