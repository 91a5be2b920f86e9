//! What talks to what, from spans alone: services, browsers, stores, queues and vendors, with rate, errors and latency of
//! every edge, each with the question that gives its numbers again.

mod calls;
mod catalogue;
mod difference;
mod fields;
mod naming;
mod node;
mod sql;

use std::collections::BTreeMap;

use crawlspace_model::UnixNanos;
use crawlspace_query::{Range, Snapshot};

pub use calls::EdgeKind;
pub(crate) use catalogue::Catalogue;
pub use catalogue::Vendor;
pub use difference::{Change, Changed, Difference};
pub use node::NodeKind;

use crate::spans::Spans;
use crate::spans::period::Period;
use crate::{Completeness, Error, Evidence, Insight};
use calls::{Calls, End, Tally, View};
use fields::Fields;
use naming::Naming;
use node::{Identities, Identity};
use sql::Questions;

/// What is drawn where no time is given.
const LAST_DEFAULT: &str = "1h";
/// Nodes, and edges, that an answer has: those with the most calls. More can't be looked at, and each edge has a query.
const NODES_MAX: usize = 1_000;
const EDGES_MAX: usize = 3_000;

/// What to draw.
#[derive(Debug, Clone, Default)]
pub struct MapRequest {
    /// The last hour without any.
    pub range: Range,
    /// As `where` of the query API, on the spans themselves: calls from or to spans that fulfil it.
    pub condition: Option<String>,
    /// What to compare it with: another time, other spans, or both.
    pub base: Option<(Range, Option<String>)>,
}

/// What talks to what.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Map {
    /// Nanoseconds since 1970; null for all times before.
    pub start: Option<String>,
    /// Not included.
    pub end: String,
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// Those that are asked the most first.
    pub nodes: Vec<Node>,
    /// Those with the most calls first.
    pub edges: Vec<Edge>,
    /// Events that call something and do not say what, so that no edge shows them.
    pub unnamed_calls: f64,
    pub unnamed_calls_query: Evidence,
    /// Of the same time, whatever the condition.
    pub completeness: Completeness,
    /// What is not shown, as it has the fewest calls.
    pub left_out: LeftOut,
    /// What differs from the map that it is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<Difference>,
}

/// What is not shown.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct LeftOut {
    pub nodes: usize,
    pub edges: usize,
    /// Of these edges.
    pub calls: f64,
}

/// The numbers of calls. Weights count: a sampled span stands for as many events.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Figures {
    pub calls: f64,
    /// Calls per second of the time asked for; null if that has no start.
    pub rate: Option<f64>,
    pub errors: f64,
    /// Exact, by nearest rank; null without a duration.
    pub p50_ns: Option<i64>,
    pub p95_ns: Option<i64>,
    pub p99_ns: Option<i64>,
}

/// Something that calls or is called.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Node {
    #[schema(example = "service:checkout")]
    pub id: String,
    pub kind: NodeKind,
    pub name: String,
    /// Of a known vendor, what it is for.
    pub category: Option<String>,
    /// Spans of its own, by their weights.
    pub spans: f64,
    /// What it was asked: of services, spans whose parent is not of the same service; of others, calls without a span of
    /// the called side; of queues, messages sent.
    #[serde(flatten)]
    pub figures: Figures,
    pub query: Evidence,
}

/// Calls from one node to another, as the caller sees them.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Edge {
    /// A node's id.
    pub from: String,
    pub to: String,
    pub kind: EdgeKind,
    #[serde(flatten)]
    pub figures: Figures,
    /// Calls of which no span of the called side is there.
    pub unanswered: f64,
    /// What the called side says, where it does.
    pub server_errors: f64,
    pub server_p50_ns: Option<i64>,
    pub server_p95_ns: Option<i64>,
    pub server_p99_ns: Option<i64>,
    pub query: Evidence,
}

impl Insight {
    /// Draws the map.
    ///
    /// # Errors
    /// The time or a condition is wrong, there are too many spans, or data can't be read.
    pub async fn map(&self, request: &MapRequest, now: UnixNanos) -> Result<Map, Error> {
        let first = self.maps(request, now).await;
        match &first {
            // Whoever found that out has looked for damaged parts already.
            Err(Error::Query(error)) if error.is_unreadable() => self.maps(request, now).await,
            _ => first,
        }
    }

    async fn maps(&self, request: &MapRequest, now: UnixNanos) -> Result<Map, Error> {
        // One after the other: each holds all its spans in memory.
        let _turn = self.whole_spans.lock().await;
        let snapshot = self.engine.snapshot();
        let draw = async |range: &Range, condition: &Option<String>| {
            let period = Period::new(&MapRequest::whole(range), now)?;
            self.draw(&snapshot, &period, condition.as_deref()).await
        };
        let mut map = draw(&request.range, &request.condition).await?;
        if let Some((range, condition)) = &request.base {
            let base = draw(range, condition).await?;
            let is_other_selection = request.condition != *condition;
            map.difference = Some(Difference::of(&map, base, is_other_selection));
        }
        map.cut();
        Ok(map)
    }

    async fn draw(
        &self,
        snapshot: &Snapshot,
        period: &Period,
        condition: Option<&str>,
    ) -> Result<Map, Error> {
        let fields = Fields::new(&self.engine, snapshot, condition)?;
        let mut naming = Naming::new(&fields);
        let mut spans =
            Spans::read(&self.engine, snapshot, period, &mut naming, self.spans_max).await?;
        let calls = Calls::of(&mut spans, &naming);
        let questions = Questions {
            fields: &fields,
            period,
            catalogue: &self.catalogue,
        };
        let unnamed_calls = calls.unnamed;
        let mut drawing = Drawing::default();
        drawing.add(calls, &Identities::new(&naming, &self.catalogue));
        let (nodes, edges) = drawing.finish(&questions);
        Ok(Map {
            start: period.start.map(|start| start.0.to_string()),
            end: period.end.0.to_string(),
            condition: condition.map(str::to_owned),
            nodes,
            edges,
            unnamed_calls,
            unnamed_calls_query: questions.unnamed(),
            completeness: self.completeness_of(&spans, snapshot, period),
            left_out: LeftOut::default(),
            difference: None,
        })
    }
}

impl MapRequest {
    /// A range, or what is meant without any.
    #[must_use]
    pub fn whole(range: &Range) -> Range {
        match range {
            Range {
                last: None,
                start: None,
                end: None,
            } => Range {
                last: Some(LAST_DEFAULT.to_owned()),
                ..Range::default()
            },
            given => given.clone(),
        }
    }
}

impl Map {
    /// Leaves out what is beyond the limits, and says so.
    fn cut(&mut self) {
        let edges = self.edges.split_off(self.edges.len().min(EDGES_MAX));
        let nodes = self.nodes.split_off(self.nodes.len().min(NODES_MAX));
        self.left_out = LeftOut {
            nodes: nodes.len(),
            edges: edges.len(),
            calls: edges.iter().map(|edge| edge.figures.calls).sum(),
        };
    }
}

/// Nodes and edges, with what ends are the same thing put together.
#[derive(Default)]
struct Drawing {
    nodes: BTreeMap<Identity, Asking>,
    edges: BTreeMap<(Identity, Identity, EdgeKind), Tally>,
}

#[derive(Default)]
struct Asking {
    spans: f64,
    view: View,
}

impl Drawing {
    fn add(&mut self, calls: Calls, identities: &Identities<'_>) {
        for (owner, asked) in calls.owners {
            let node = self.node(identities.of(End::Owner(owner)));
            node.spans += asked.spans;
            node.view.add_all(asked.view);
        }
        for ((from, to, kind), tally) in calls.edges {
            let (from, to) = (identities.of(from), identities.of(to));
            self.node(from.clone());
            let node = self.node(to.clone());
            // What services were asked, their own spans say.
            if !matches!(to, Identity::Owner { .. }) {
                node.view.add_all(tally.caller.clone());
            }
            let edge = self.edges.entry((from, to, kind)).or_default();
            edge.caller.add_all(tally.caller);
            edge.server.add_all(tally.server);
            edge.unanswered += tally.unanswered;
        }
    }

    fn node(&mut self, identity: Identity) -> &mut Asking {
        self.nodes.entry(identity).or_default()
    }

    fn finish(self, questions: &Questions<'_>) -> (Vec<Node>, Vec<Edge>) {
        let seconds = questions.period.seconds();
        let nodes = self.nodes.into_iter().map(|(identity, asking)| Node {
            id: identity.id(),
            kind: identity.kind(),
            name: identity.name(),
            category: identity.category().map(str::to_owned),
            spans: asking.spans,
            figures: Figures::of(asking.view, seconds),
            query: questions.node(&identity),
        });
        let mut nodes: Vec<Node> = nodes.collect();
        let edges = self.edges.into_iter().map(|((from, to, kind), tally)| {
            let server = Figures::of(tally.server, seconds);
            Edge {
                from: from.id(),
                to: to.id(),
                kind,
                figures: Figures::of(tally.caller, seconds),
                unanswered: tally.unanswered,
                server_errors: server.errors,
                server_p50_ns: server.p50_ns,
                server_p95_ns: server.p95_ns,
                server_p99_ns: server.p99_ns,
                query: questions.edge(&from, &to, kind, tally.unanswered > 0.0),
            }
        });
        let mut edges: Vec<Edge> = edges.collect();
        // Stable: ties stay in the order of identities, so that answers repeat.
        nodes.sort_by(|a, b| b.figures.calls.total_cmp(&a.figures.calls));
        edges.sort_by(|a, b| b.figures.calls.total_cmp(&a.figures.calls));
        (nodes, edges)
    }
}

impl Figures {
    fn of(mut view: View, seconds: Option<f64>) -> Self {
        view.durations
            .sort_unstable_by_key(|(duration, _)| *duration);
        let total: f64 = view.durations.iter().map(|(_, weight)| weight).sum();
        let percentile = |fraction: f64| {
            let mut running = 0.0;
            let reached = view.durations.iter().find(|(_, weight)| {
                running += weight;
                running >= fraction * total
            });
            reached
                .or(view.durations.last())
                .map(|(duration, _)| *duration)
        };
        Self {
            calls: view.calls,
            rate: seconds.map(|seconds| view.calls / seconds),
            errors: view.errors,
            p50_ns: percentile(0.5),
            p95_ns: percentile(0.95),
            p99_ns: percentile(0.99),
        }
    }
}

#[cfg(test)]
mod tests;
