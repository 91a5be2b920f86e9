//! The map the plain way: every span against every other, from the attributes as they were sent.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crawlspace_query::REACH_NANOS;

use crate::map::EdgeKind;
use crate::tests::spans::TestSpan;

type Key = (String, String, EdgeKind);

/// The numbers of calls.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Measured {
    pub calls: f64,
    pub errors: f64,
    pub p50: Option<i64>,
    pub p95: Option<i64>,
    pub p99: Option<i64>,
}

/// Weight, failure, duration.
type Call = (f64, bool, Option<i64>);

pub(super) struct BruteForce<'a> {
    own: Vec<&'a TestSpan>,
    window: Vec<&'a TestSpan>,
    /// Spans of this service count, or all.
    service: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq)]
enum Class {
    Nothing,
    Store,
    Queue,
    Remote,
}

impl<'a> BruteForce<'a> {
    pub(super) fn new(
        spans: &'a [TestSpan],
        range: Range<i64>,
        service: Option<&'static str>,
    ) -> Self {
        let wide = range.start - REACH_NANOS..range.end + REACH_NANOS;
        Self {
            own: spans
                .iter()
                .filter(|span| range.contains(&span.time))
                .collect(),
            window: spans
                .iter()
                .filter(|span| wide.contains(&span.time))
                .collect(),
            service,
        }
    }

    fn find(&self, trace: u8, id: u64) -> Option<&'a TestSpan> {
        let same = self
            .window
            .iter()
            .filter(|span| (span.trace, span.id) == (trace, id));
        same.min_by_key(|span| (span.time, span.time + span.received_after))
            .copied()
    }

    fn parent(&self, span: &TestSpan) -> Option<&'a TestSpan> {
        self.find(span.trace, span.parent?)
    }

    fn counts(&self, span: &TestSpan) -> bool {
        self.service.is_none() || span.service == self.service
    }

    fn origin(&self, span: &TestSpan) -> Option<&'a TestSpan> {
        let parent = self
            .parent(span)
            .filter(|parent| owner(parent) != owner(span));
        parent.or_else(|| span.link.and_then(|(trace, id)| self.find(trace, id)))
    }

    /// Who is called by that name.
    fn remote(&self, name: &str) -> String {
        let traces: BTreeSet<u8> = self.own.iter().map(|span| span.trace).collect();
        let linked = self
            .own
            .iter()
            .filter(|span| is_incoming(span))
            .filter(|span| class(span) != Class::Queue || !self.counts(span));
        let linked: BTreeSet<u8> = linked.filter_map(|span| Some(span.link?.0)).collect();
        let known = self
            .window
            .iter()
            .filter(|span| traces.contains(&span.trace) || linked.contains(&span.trace));
        let mut known_of_trace = known.clone().filter(|span| !is_browser(span));
        if known_of_trace.any(|span| span.service == Some(name)) {
            return format!("service:{name}");
        }
        let mut known = known.filter(|span| is_outgoing(span) || is_incoming(span));
        let is_named = known.any(|span| peer(span).is_some_and(|peer| peer.to_lowercase() == name));
        match name {
            "api.stripe.com" | "files.stripe.com" => "vendor:Stripe".to_owned(),
            _ if is_named || name == "mail.example" || name == "shop.example" => {
                format!("vendor:{name}")
            }
            _ => format!("host:{name}"),
        }
    }

    fn target(&self, span: &TestSpan) -> Option<String> {
        let text = |key| value(span, &[key]).unwrap_or_default();
        match class(span) {
            Class::Nothing => None,
            Class::Store => {
                let system = value(span, &["db.system.name", "db.system"]).unwrap_or_default();
                let address = value(span, &["server.address", "net.peer.name"]).unwrap_or_default();
                Some(format!("store:{system}/{address}/{}", text("db.namespace")))
            }
            Class::Queue => Some(format!(
                "queue:{}/{}",
                text("messaging.system"),
                text("messaging.destination.name")
            )),
            Class::Remote => remote_name(span).map(|name| self.remote(&name)),
        }
    }

    /// What calls out and is not answered: whom it calls, if it says so.
    fn outgoing(&self, span: &TestSpan) -> Option<Option<(String, EdgeKind)>> {
        if !is_outgoing(span) || !self.counts(span) {
            return None;
        }
        let is_inner = self.parent(span).is_some_and(|parent| {
            owner(parent) == owner(span)
                && is_outgoing(parent)
                && matches!(class(parent), Class::Store | Class::Queue)
        });
        let children = || {
            self.window
                .iter()
                .filter(|child| child.trace == span.trace && child.parent == Some(span.id))
        };
        let is_answered = children().any(|child| owner(child) != owner(span));
        let hands_on = children().any(|child| is_outgoing(child));
        let (is_there, kind) = match class(span) {
            Class::Queue => (true, EdgeKind::Send),
            Class::Store => (!is_answered, EdgeKind::Query),
            _ => (!is_answered && !hands_on, EdgeKind::Call),
        };
        (is_there && !is_inner).then(|| Some((self.target(span)?, kind)))
    }

    pub(super) fn unnamed(&self) -> f64 {
        let unnamed = self
            .own
            .iter()
            .filter(|span| self.outgoing(span) == Some(None));
        unnamed.map(|span| span.weight).sum()
    }

    /// What the caller and the called side say of each edge, and how many have no called side.
    pub(super) fn edges(&self) -> BTreeMap<Key, (Measured, Measured, f64)> {
        let mut calls: BTreeMap<Key, (Vec<Call>, Vec<Call>)> = BTreeMap::new();
        let mut add = |key: Key, caller: Call, server: Option<Call>| {
            let (callers, servers) = calls.entry(key).or_default();
            callers.push(caller);
            servers.extend(server);
        };
        for span in &self.own {
            let call = |seen: &TestSpan| (span.weight, seen.is_error, seen.duration);
            let parent = self.parent(span);
            if is_incoming(span) {
                if let Some((from, kind)) = self.message(span) {
                    add((from, owner(span), kind), call(span), Some(call(span)));
                }
            } else if let Some(parent) = parent.filter(|parent| owner(parent) != owner(span))
                && (self.counts(span) || self.counts(parent))
            {
                let seen = if is_outgoing(parent) { parent } else { *span };
                let key = (owner(parent), owner(span), EdgeKind::Call);
                add(key, call(seen), Some(call(span)));
            }
            if let Some(Some((to, kind))) = self.outgoing(span) {
                add((owner(span), to, kind), call(span), None);
            }
        }
        let measured = calls.into_iter().map(|(key, (callers, servers))| {
            let (caller, server) = (measure(&callers), measure(&servers));
            let unanswered = caller.calls - server.calls;
            (key, (caller, server, unanswered))
        });
        measured.collect()
    }

    fn message(&self, span: &TestSpan) -> Option<(String, EdgeKind)> {
        let is_inner = self
            .parent(span)
            .is_some_and(|parent| owner(parent) == owner(span) && is_incoming(parent));
        let origin = self.origin(span);
        let counts = self.counts(span) || origin.is_some_and(|origin| self.counts(origin));
        if is_inner || !counts {
            return None;
        }
        let of_origin =
            origin.filter(|origin| is_outgoing(origin) && class(origin) == Class::Queue);
        let own = Some(span).filter(|span| class(span) == Class::Queue);
        match own.or(of_origin) {
            Some(named) => Some((self.target(named)?, EdgeKind::Receive)),
            None => origin
                .filter(|origin| owner(origin) != owner(span))
                .map(|origin| (owner(origin), EdgeKind::Message)),
        }
    }

    /// Weighted spans, and what was asked.
    pub(super) fn nodes(&self) -> BTreeMap<String, (f64, Measured)> {
        let mut nodes: BTreeMap<String, (f64, Vec<Call>)> = BTreeMap::new();
        for span in self.own.iter().filter(|span| self.counts(span)) {
            let (spans, asked) = nodes.entry(owner(span)).or_default();
            *spans += span.weight;
            if self
                .parent(span)
                .is_none_or(|parent| owner(parent) != owner(span))
            {
                asked.push((span.weight, span.is_error, span.duration));
            }
        }
        for (from, to, _) in self.edges().into_keys() {
            nodes.entry(from).or_default();
            nodes.entry(to).or_default();
        }
        for span in &self.own {
            if let Some(Some((to, _))) = self.outgoing(span)
                && !to.starts_with("service:")
            {
                let (_, asked) = nodes.entry(to).or_default();
                asked.push((span.weight, span.is_error, span.duration));
            }
        }
        nodes
            .into_iter()
            .map(|(id, (spans, asked))| (id, (spans, measure(&asked))))
            .collect()
    }
}

fn value<'a>(span: &'a TestSpan, keys: &[&str]) -> Option<&'a str> {
    // An empty text is there, so that an older name is not looked at; but it names nothing.
    keys.iter()
        .find_map(|key| span.attribute(key))
        .filter(|text| !text.is_empty())
}

fn peer(span: &TestSpan) -> Option<&str> {
    value(span, &["service.peer.name", "peer.service"])
}

fn remote_name(span: &TestSpan) -> Option<String> {
    let address = || value(span, &["server.address", "net.peer.name"]);
    let host = || {
        let url = value(span, &["url.full", "http.url"])?;
        url.contains("mail.example")
            .then_some("mail.example")
            .or(url.contains("Mail.Example").then_some("mail.example"))
    };
    peer(span)
        .or_else(address)
        .or_else(host)
        .map(str::to_lowercase)
}

fn is_browser(span: &TestSpan) -> bool {
    span.attribute("telemetry.sdk.language") == Some("webjs")
        || span.attribute("browser.platform").is_some()
}

fn owner(span: &TestSpan) -> String {
    let kind = if is_browser(span) {
        "browser"
    } else {
        "service"
    };
    format!("{kind}:{}", span.service.unwrap_or_default())
}

fn is_outgoing(span: &TestSpan) -> bool {
    matches!(span.kind, "client" | "producer")
        && !matches!(
            span.attribute("messaging.operation.type"),
            Some("receive" | "settle")
        )
}

fn is_incoming(span: &TestSpan) -> bool {
    let receives = span.attribute("messaging.operation.type") == Some("receive");
    span.kind == "consumer" || (span.kind == "client" && receives)
}

fn class(span: &TestSpan) -> Class {
    if value(span, &["db.system.name", "db.system"]).is_some() {
        Class::Store
    } else if value(span, &["messaging.system"]).is_some()
        || value(span, &["messaging.destination.name"]).is_some()
    {
        Class::Queue
    } else if remote_name(span).is_some() {
        Class::Remote
    } else {
        Class::Nothing
    }
}

fn measure(calls: &[Call]) -> Measured {
    let sum = |is: &dyn Fn(&Call) -> bool| {
        calls
            .iter()
            .filter(|call| is(call))
            .map(|call| call.0)
            .sum::<f64>()
    };
    let mut durations: Vec<(i64, f64)> = calls
        .iter()
        .filter_map(|call| Some((call.2?, call.0)))
        .collect();
    durations.sort_by_key(|(duration, _)| *duration);
    // A weight counts as so many calls.
    let each = durations
        .iter()
        .flat_map(|(duration, weight)| vec![*duration; *weight as usize]);
    let each: Vec<i64> = each.collect();
    let percentile = |fraction: f64| {
        let rank = (1..=each.len()).find(|rank| *rank as f64 >= fraction * each.len() as f64);
        rank.map(|rank| each[rank - 1])
    };
    Measured {
        calls: sum(&|_| true),
        errors: sum(&|call| call.1),
        p50: percentile(0.5),
        p95: percentile(0.95),
        p99: percentile(0.99),
    }
}
