//! A shop with users: storefront calls checkout, which calls a vendor and a store; and inventory beside it.

use arrow::array::RecordBatch;
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_wire::batch::{Cell, TableBuilder};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

/// 2026-11-20T00:00:00Z.
pub(super) const START: i64 = 1_795_132_800_000_000_000;
pub(super) const MINUTE: i64 = 60_000_000_000;
const MILLI: f64 = 1e6;

/// Which spans have the user's id.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Carried {
    ByAll,
    ByRoot,
    ByCheckout,
}

pub(super) struct Shop {
    pub users: u32,
    pub requests_each: u32,
    pub carried: Carried,
    /// Whose vendor takes how many times as long.
    pub slow: Option<(u32, f64)>,
    /// Whose payments the vendor refuses, and how often.
    pub refused: Option<(u32, f64)>,
    /// How much users differ by themselves, as a standard deviation of logarithms.
    pub temper: f64,
    pub seed: u64,
}

impl Default for Shop {
    fn default() -> Self {
        Self {
            users: 60,
            requests_each: 20,
            carried: Carried::ByAll,
            slow: None,
            refused: None,
            temper: 0.15,
            seed: 1,
        }
    }
}

pub(super) fn user(number: u32) -> String {
    format!("u-{number:04}")
}

struct Call {
    service: &'static str,
    name: &'static str,
    kind: &'static str,
    peer: Option<(&'static str, &'static str)>,
    parent: Option<usize>,
    /// Since the request began, in nanoseconds.
    from: f64,
    to: f64,
    failed: bool,
}

impl Shop {
    pub fn spans(&self) -> RecordBatch {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut builder = TableBuilder::new(Table::Spans);
        for number in 0..self.users {
            let temper = (self.temper * normal(&mut random)).exp();
            // Some come often, some seldom.
            let requests = (f64::from(self.requests_each) * (0.5 + random.random::<f64>())) as u32;
            for _ in 0..requests.max(1) {
                let time =
                    START + random.random_range(0..60) * MINUTE + random.random_range(0..MINUTE);
                let calls = self.calls(number, temper, &mut random);
                self.put(&mut builder, &calls, number, (time, random.random()));
            }
        }
        builder.finish()
    }

    fn calls(&self, number: u32, temper: f64, random: &mut StdRng) -> Vec<Call> {
        let mut lasts =
            |median: f64, sigma: f64| median * MILLI * temper * (sigma * normal(random)).exp();
        let [front, check, stock, sql, pay] = [
            (10.0, 0.5),
            (15.0, 0.5),
            (20.0, 0.6),
            (8.0, 0.7),
            (60.0, 0.6),
        ]
        .map(|(m, s)| lasts(m, s));
        let slow = self
            .slow
            .filter(|(who, _)| *who == number)
            .map_or(1.0, |(_, times)| times);
        let refused = self
            .refused
            .filter(|(who, _)| *who == number)
            .map_or(0.01, |(_, share)| share);
        let (pay, refused) = (pay * slow, random.random::<f64>() < refused);
        let is_order = random.random::<f64>() < 0.6;
        let call = |service, name, kind, parent, from, to| Call {
            service,
            name,
            kind,
            peer: None,
            parent,
            from,
            to,
            failed: false,
        };
        if !is_order {
            return vec![
                call(
                    "storefront",
                    "GET /cart",
                    "server",
                    None,
                    0.0,
                    front + stock,
                ),
                call(
                    "storefront",
                    "GET stock",
                    "client",
                    Some(0),
                    front * 0.5,
                    front * 0.5 + stock,
                ),
                call(
                    "inventory",
                    "GET /stock",
                    "server",
                    Some(1),
                    front * 0.5,
                    front * 0.5 + stock,
                ),
            ];
        }
        let inner = check + sql + pay;
        let begin = front * 0.5;
        let mut calls = vec![
            call(
                "storefront",
                "POST /order",
                "server",
                None,
                0.0,
                front + inner,
            ),
            call(
                "storefront",
                "POST checkout",
                "client",
                Some(0),
                begin,
                begin + inner,
            ),
            call(
                "checkout",
                "POST /checkout",
                "server",
                Some(1),
                begin,
                begin + inner,
            ),
            call(
                "checkout",
                "INSERT orders",
                "client",
                Some(2),
                begin + check * 0.5,
                begin + check * 0.5 + sql,
            ),
            call(
                "checkout",
                "POST /charge",
                "client",
                Some(2),
                begin + check * 0.5 + sql,
                begin + check * 0.5 + sql + pay,
            ),
        ];
        calls[3].peer = Some(("db.system.name", "postgresql"));
        calls[4].peer = Some(("server.address", "pay.example"));
        for index in [0, 1, 2, 4] {
            calls[index].failed = refused;
        }
        calls
    }

    fn put(
        &self,
        builder: &mut TableBuilder,
        calls: &[Call],
        number: u32,
        (time, trace): (i64, u128),
    ) {
        let user = user(number);
        for (index, call) in calls.iter().enumerate() {
            let id = |index: usize| (trace as u64).wrapping_add(index as u64).to_be_bytes();
            builder.set("time", Cell::Time(time + call.from as i64));
            builder.set("received_at", Cell::Time(time + MINUTE));
            builder.set("duration_ns", Cell::Int((call.to - call.from) as i64));
            builder.set("trace_id", Cell::Bytes(&trace.to_be_bytes()));
            builder.set("span_id", Cell::Bytes(&id(index)));
            if let Some(parent) = call.parent {
                builder.set("parent_span_id", Cell::Bytes(&id(parent)));
            }
            builder.set("name", Cell::Text(call.name));
            builder.set("kind", Cell::Text(call.kind));
            builder.set(
                "status_code",
                Cell::Text(if call.failed { "error" } else { "unset" }),
            );
            if call.failed && call.peer.is_some() {
                builder.set("status_message", Cell::Text("card refused"));
            }
            builder.set("service.name", Cell::Text(call.service));
            builder.set("sample_weight", Cell::Double(1.0));
            if let Some((field, peer)) = call.peer {
                builder.attribute(field, &Value::String(peer));
            }
            let carries = match self.carried {
                Carried::ByAll => true,
                Carried::ByRoot => call.parent.is_none(),
                Carried::ByCheckout => call.name == "POST /checkout",
            };
            if carries {
                builder.attribute("user.id", &Value::String(&user));
            }
            builder.attribute("tenant.number", &Value::Int(i64::from(number % 5)));
            builder.end_row();
        }
    }
}

/// Box and Muller's.
fn normal(random: &mut StdRng) -> f64 {
    let (one, two): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos()
}
