//! Traces as trees: where each span ran, at which hop, and for how long nothing below it did.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType};

use crate::Error;

/// A text that many spans have, as its number in [`Texts`].
pub(crate) type Text = u32;

/// The texts of spans, each once.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    numbers: HashMap<String, Text>,
    texts: Vec<String>,
}

impl Texts {
    pub fn number(&mut self, text: &str) -> Text {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = Text::try_from(self.texts.len()).expect("fewer texts than rows that are read");
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub fn text(&self, number: Text) -> &str {
        &self.texts[number as usize]
    }
}

/// What a span is, as far as answers need it.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub trace: [u8; 16],
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    pub time: i64,
    pub received: i64,
    pub duration: i64,
    pub weight: f64,
    pub service: Option<Text>,
    pub name: Text,
    pub kind: Text,
    pub failed: bool,
    pub message: Option<Text>,
    /// Whom a client calls, as the client names it.
    peer: Option<Text>,
    /// Whether that keeps data.
    is_store: bool,
    /// The value of the field that is asked about.
    pub value: Option<Text>,
}

impl Span {
    pub fn has_parent(&self) -> bool {
        self.parent.is_some()
    }
}

/// The columns that [`Span`]s are read from.
pub(crate) const STORED: [&str; 12] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "time",
    "received_at",
    "duration_ns",
    "sample_weight",
    "name",
    "kind",
    "status_code",
    "status_message",
    "service.name",
];

/// Fields that say whom a client calls, the most telling first.
pub(crate) const PEERS: [&str; 3] = ["service.peer.name", "server.address", "db.system.name"];

/// Reads the spans of a batch; `field` is the one asked about.
pub(crate) fn spans_of(
    batch: &RecordBatch,
    field: &str,
    texts: &mut Texts,
    into: &mut Vec<Span>,
) -> Result<(), Error> {
    let column = |name: &str| batch.column_by_name(name);
    let text = |name: &str| {
        column(name)
            .map(|values| cast(values, &DataType::Utf8))
            .transpose()
    };
    let (Some(traces), Some(ids), Some(parents)) = (
        column("trace_id"),
        column("span_id"),
        column("parent_span_id"),
    ) else {
        return Ok(());
    };
    let (Some(times), Some(received), Some(durations), Some(weights)) = (
        column("time"),
        column("received_at"),
        column("duration_ns"),
        column("sample_weight"),
    ) else {
        return Ok(());
    };
    let (traces, ids) = (traces.as_fixed_size_binary(), ids.as_fixed_size_binary());
    let parents = parents.as_fixed_size_binary();
    let times = times.as_primitive::<TimestampNanosecondType>();
    let received = received.as_primitive::<TimestampNanosecondType>();
    let durations = durations.as_primitive::<Int64Type>();
    let weights = weights.as_primitive::<Float64Type>();
    let [names, kinds, codes, messages, services, values] = [
        text("name")?,
        text("kind")?,
        text("status_code")?,
        text("status_message")?,
        text("service.name")?,
        text(field)?,
    ];
    let peers = [text(PEERS[0])?, text(PEERS[1])?, text(PEERS[2])?];
    for row in 0..batch.num_rows() {
        let peer = peers.iter().find_map(|peer| cell(peer.as_ref(), row));
        into.push(Span {
            trace: traces.value(row).try_into().unwrap_or_default(),
            id: ids.value(row).try_into().unwrap_or_default(),
            parent: parents
                .is_valid(row)
                .then(|| parents.value(row).try_into().unwrap_or_default()),
            time: times.value(row),
            received: received.value(row),
            weight: weights.value(row),
            duration: if durations.is_valid(row) {
                durations.value(row).max(0)
            } else {
                0
            },
            service: cell(services.as_ref(), row).map(|text| texts.number(text)),
            name: texts.number(cell(names.as_ref(), row).unwrap_or_default()),
            kind: texts.number(cell(kinds.as_ref(), row).unwrap_or_default()),
            failed: cell(codes.as_ref(), row) == Some("error"),
            message: cell(messages.as_ref(), row).map(|text| texts.number(text)),
            peer: peer.map(|text| texts.number(text)),
            is_store: cell(peers[2].as_ref(), row).is_some(),
            value: cell(values.as_ref(), row).map(|text| texts.number(text)),
        });
    }
    Ok(())
}

fn cell(column: Option<&ArrayRef>, row: usize) -> Option<&str> {
    let column = column?.as_string::<i32>();
    (column.is_valid(row) && !column.value(row).is_empty()).then(|| column.value(row))
}

/// Who did the work of a span.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// One that sends spans.
    Service,
    /// Somebody else's, known from the spans of those who call it.
    Vendor,
    /// A database or a cache, known in the same way.
    Store,
}

/// Where time goes: an operation, and whom it waits for if that sends no spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub kind: PlaceKind,
    pub service: Option<Text>,
    pub name: Text,
    pub peer: Option<Text>,
}

/// A span in its trace.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub parent: Option<usize>,
    children: Vec<usize>,
    pub place: Place,
    /// How many services, vendors and stores from the first one, which is the first.
    pub hop: u32,
    pub self_time: i64,
    /// Whether another service's span is below: then that tells what happened.
    pub is_answered: bool,
}

/// The spans of one trace, by start.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub nodes: Vec<Node>,
}

/// The kinds of spans that wait for somebody else, by number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    client: Text,
    producer: Text,
}

impl Kinds {
    pub fn new(texts: &mut Texts) -> Self {
        Self {
            client: texts.number("client"),
            producer: texts.number("producer"),
        }
    }

    fn is_outgoing(self, kind: Text) -> bool {
        kind == self.client || kind == self.producer
    }
}

/// The trees of spans in any order.
pub(crate) fn trees_of(mut spans: Vec<Span>, kinds: Kinds) -> Vec<Tree> {
    spans.sort_by_key(|span| (span.trace, span.time, span.id));
    let mut trees = Vec::new();
    for trace in spans.chunk_by(|a, b| a.trace == b.trace) {
        trees.push(Tree::new(trace, kinds));
    }
    trees
}

impl Tree {
    fn new(spans: &[Span], kinds: Kinds) -> Self {
        let mut by_id: HashMap<[u8; 8], usize> = HashMap::with_capacity(spans.len());
        let mut nodes: Vec<Node> = Vec::with_capacity(spans.len());
        for span in spans {
            // A span that was stored twice counts once.
            if by_id.contains_key(&span.id) {
                continue;
            }
            by_id.insert(span.id, nodes.len());
            let place = Place {
                kind: PlaceKind::Service,
                service: span.service,
                name: span.name,
                peer: None,
            };
            nodes.push(Node {
                span: span.clone(),
                parent: None,
                children: Vec::new(),
                place,
                hop: 0,
                self_time: 0,
                is_answered: false,
            });
        }
        for index in 0..nodes.len() {
            let parent = nodes[index]
                .span
                .parent
                .and_then(|parent| by_id.get(&parent).copied());
            if let Some(parent) = parent.filter(|parent| *parent != index) {
                nodes[index].parent = Some(parent);
                nodes[parent].children.push(index);
                nodes[parent].is_answered |=
                    nodes[parent].span.service != nodes[index].span.service;
            }
        }
        let mut tree = Self { nodes };
        tree.number_hops(kinds);
        tree
    }

    /// From the spans without a parent downwards: those on a cycle are not met, and stay at hop 0.
    fn number_hops(&mut self, kinds: Kinds) {
        let all = 0..self.nodes.len();
        let mut next: Vec<usize> = all
            .filter(|index| self.nodes[*index].parent.is_none())
            .collect();
        while let Some(index) = next.pop() {
            let above = self.nodes[index].parent.map(|parent| &self.nodes[parent]);
            let hop = above.map_or(1, |above| {
                let is_same = above.span.service == self.nodes[index].span.service;
                above.hop + u32::from(!is_same)
            });
            let self_time = self.self_time(index);
            let node = &mut self.nodes[index];
            (node.hop, node.self_time) = (hop, self_time);
            let is_call = kinds.is_outgoing(node.span.kind) && !node.is_answered;
            if let Some(peer) = node.span.peer.filter(|_| is_call) {
                node.hop += 1;
                node.place.peer = Some(peer);
                node.place.kind = match node.span.is_store {
                    true => PlaceKind::Store,
                    false => PlaceKind::Vendor,
                };
            }
            next.extend(&self.nodes[index].children);
        }
    }

    /// The time in which no child ran.
    fn self_time(&self, index: usize) -> i64 {
        let Span { time, duration, .. } = self.nodes[index].span;
        let end = time.saturating_add(duration);
        let (mut reached, mut covered) = (time, 0);
        // Children are by start, as nodes are.
        for child in &self.nodes[index].children {
            let child = &self.nodes[*child].span;
            let child_end = child.time.saturating_add(child.duration).min(end);
            covered += (child_end - child.time.max(reached)).max(0);
            reached = reached.max(child_end);
        }
        duration - covered
    }

    /// The first span that has no parent at all, wherever it is.
    pub fn root(&self) -> Option<usize> {
        self.nodes
            .iter()
            .position(|node| node.span.parent.is_none())
    }

    /// A span and all below it.
    pub fn below(&self, top: usize) -> Vec<usize> {
        let mut found = vec![top];
        let mut at = 0;
        while let Some(index) = found.get(at).copied() {
            // A cycle ends where it began.
            found.extend(
                self.nodes[index]
                    .children
                    .iter()
                    .filter(|child| **child != top),
            );
            at += 1;
        }
        found
    }

    /// The failed spans below which none failed: where errors come from.
    pub fn sources_of_errors(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| {
            let below = node
                .children
                .iter()
                .any(|child| self.nodes[*child].span.failed);
            node.span.failed && !below
        })
    }
}
