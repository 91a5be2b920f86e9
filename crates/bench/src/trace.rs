//! One trace of the corpus: a tree of calls through the shop, 6 to 18 spans, and their times.

use opentelemetry_proto::tonic::trace::v1::{
    Span, Status, span::Event, span::SpanKind, status::StatusCode,
};

use crate::draws::Draws;
use crate::shop::{self, Attributes, SERVICES, Side, Visitor};

/// No calls are made below this depth, only database calls and inner steps.
const CALL_DEPTH_MAX: u32 = 6;

#[derive(Clone, Copy, PartialEq)]
enum Hop {
    Http(Side, usize),
    Database,
    Step,
}

struct Node {
    service: usize,
    hop: Hop,
    depth: u32,
    parent: Option<usize>,
}

/// A trace's spans, each with the index of the service that recorded it, in the order they were drawn.
pub struct Trace {
    pub id: Vec<u8>,
    pub user: String,
    pub spans: Vec<(usize, Span)>,
}

/// The trace that starts at `start` (nanoseconds).
pub fn draw(draws: &mut Draws, start: u64) -> Trace {
    let id = [draws.bits().to_be_bytes(), draws.bits().to_be_bytes()].concat();
    let visitor = Visitor::draw(draws);
    let nodes = tree(draws);
    let mut ids: Vec<Vec<u8>> = Vec::with_capacity(nodes.len());
    let mut times: Vec<(u64, u64)> = Vec::with_capacity(nodes.len());
    let mut spans = Vec::with_capacity(nodes.len());
    for node in &nodes {
        ids.push(draws.bits().to_be_bytes().to_vec());
        times.push(match node.parent {
            None => {
                let length = (draws.log_normal(120.0, 0.7) * 1e6) as u64 + 1000;
                (start, start + length)
            }
            Some(parent) => within(draws, times[parent], node.hop),
        });
        let (begin, end) = times[times.len() - 1];
        let mut span = describe(draws, &visitor, node, (begin, end));
        span.trace_id = id.clone();
        span.span_id = ids[ids.len() - 1].clone();
        span.parent_span_id = node.parent.map(|at| ids[at].clone()).unwrap_or_default();
        spans.push((node.service, span));
    }
    let user = visitor.user;
    Trace { id, user, spans }
}

/// The calls: one root in the frontend, then children for randomly chosen nodes that can have any.
fn tree(draws: &mut Draws) -> Vec<Node> {
    let size = 6 + draws.below(13) as usize;
    let route = draws.below(5) as usize;
    let mut nodes = vec![Node {
        service: 0,
        hop: Hop::Http(Side::Server, route),
        depth: 0,
        parent: None,
    }];
    while nodes.len() < size {
        let at = draws.below(nodes.len() as u64) as usize;
        let Node {
            service,
            hop,
            depth,
            ..
        } = nodes[at];
        if !matches!(hop, Hop::Http(Side::Server, _) | Hop::Step) {
            continue;
        }
        let child = |hop| Node {
            service,
            hop,
            depth: depth + 1,
            parent: Some(at),
        };
        let choice = draws.below(10);
        if choice < 4 && depth < CALL_DEPTH_MAX {
            let callee = 1 + draws.below(5) as usize;
            let route = draws.below(5) as usize;
            nodes.push(child(Hop::Http(Side::Client, route)));
            if nodes.len() < size {
                let parent = Some(nodes.len() - 1);
                nodes.push(Node {
                    service: callee,
                    hop: Hop::Http(Side::Server, route),
                    depth: depth + 2,
                    parent,
                });
            }
        } else if choice < 8 {
            nodes.push(child(Hop::Database));
        } else {
            nodes.push(child(Hop::Step));
        }
    }
    nodes
}

/// A stretch of time inside the parent's.
fn within(draws: &mut Draws, (begin, end): (u64, u64), hop: Hop) -> (u64, u64) {
    let whole = end - begin;
    let wait = (draws.fraction() * 0.4 * whole as f64) as u64;
    let share = if hop == Hop::Database { 0.25 } else { 0.8 };
    let length = (draws.fraction() * share * (whole - wait) as f64) as u64 + 500;
    (begin + wait, begin + wait + length)
}

/// The span of a node, without its ids.
fn describe(draws: &mut Draws, visitor: &Visitor, node: &Node, (begin, end): (u64, u64)) -> Span {
    let failed = draws.below(100) < 3;
    let service = node.service;
    let ((name, attributes), kind) = match node.hop {
        Hop::Http(side, route) => {
            let kind = match side {
                Side::Server => SpanKind::Server,
                Side::Client => SpanKind::Client,
            };
            let described = shop::http(draws, visitor, (service, route), side, failed);
            (described, kind)
        }
        Hop::Database => {
            let described = shop::database(draws, visitor, service, failed);
            (described, SpanKind::Client)
        }
        Hop::Step => (shop::step(draws, visitor, service), SpanKind::Internal),
    };
    let event = if failed {
        Some(exception(draws, end))
    } else {
        (draws.below(12) == 0).then(|| cache_miss(draws, begin))
    };
    let (code, message) = if failed {
        (StatusCode::Error, "timeout")
    } else {
        (StatusCode::Unset, "")
    };
    Span {
        name,
        kind: kind.into(),
        start_time_unix_nano: begin,
        end_time_unix_nano: end,
        attributes,
        events: event.into_iter().collect(),
        flags: 1,
        status: Some(Status {
            code: code.into(),
            message: message.to_owned(),
        }),
        ..Span::default()
    }
}

fn exception(draws: &mut Draws, time: u64) -> Event {
    let upstream = SERVICES[draws.below(6) as usize].name;
    let waited = draws.below(3000);
    let (line, handler, handler_line) = (draws.below(900), draws.below(40), draws.below(900));
    let stack = format!(
        "java.util.concurrent.TimeoutException: deadline\
         \n\tat com.shop.net.Client.call(Client.java:{line})\
         \n\tat com.shop.handler.Handler{handler}.handle(Handler.java:{handler_line})\
         \n\tat com.shop.Main.run(Main.java:42)"
    );
    let message = format!("upstream {upstream} did not answer within {waited} ms");
    Event {
        time_unix_nano: time,
        name: "exception".to_owned(),
        attributes: Attributes::default()
            .text("exception.type", "java.util.concurrent.TimeoutException")
            .text("exception.message", message)
            .text("exception.stacktrace", stack)
            .into_list(),
        ..Event::default()
    }
}

fn cache_miss(draws: &mut Draws, time: u64) -> Event {
    let key = format!("k:{:08x}", draws.bits() as u32);
    Event {
        time_unix_nano: time,
        name: "cache.miss".to_owned(),
        attributes: Attributes::default().text("cache.key", key).into_list(),
        ..Event::default()
    }
}
