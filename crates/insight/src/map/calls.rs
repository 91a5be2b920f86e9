//! Which spans are calls, and from whom to whom: each is counted once.
//!
//! - A span whose parent belongs to another node is a call from that node. How long it took and whether it failed, the
//!   caller's span says if it is one of a call; what the called side says stands beside.
//! - A span that calls something, with no child elsewhere, is a call to what its attributes name: a store, a queue or
//!   somebody remote. Of calls within calls, the one of the store or queue counts, and else the innermost.
//! - A span that takes a message is a call from the queue that it names, or else that the span names from which the
//!   message came: its parent, or the span of its first link. Without any queue it is a call from that span's node.

use super::naming::{
    COUNTS, ERROR, FOREIGN_CHILD, INCOMING, Naming, OUTGOING, OUTGOING_CHILD, Target,
};
use crate::spans::hash::HashMap;
use crate::spans::{Span, Spans};

/// How something is called.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// And the answer waited for.
    Call,
    /// Of a store.
    Query,
    /// A message to a queue.
    Send,
    /// A message from a queue.
    Receive,
    /// A message whose queue is not named.
    Message,
}

/// One end of a call, as the spans have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum End {
    Owner(u32),
    Target(u32),
}

/// What was measured of calls: durations with their weights, those without an end left out.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub calls: f64,
    pub errors: f64,
    pub durations: Vec<(i64, f64)>,
}

impl View {
    fn add(&mut self, weight: f64, is_error: bool, duration: i64) {
        self.calls += weight;
        if is_error {
            self.errors += weight;
        }
        if duration != i64::MIN {
            self.durations.push((duration, weight));
        }
    }

    pub(super) fn add_all(&mut self, other: Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.durations.extend(other.durations);
    }
}

/// Calls from one end to another.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub caller: View,
    pub server: View,
    /// Events without a span of the called side.
    pub unanswered: f64,
}

/// What a node was asked, and how many spans it made.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub spans: f64,
    pub view: View,
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    pub edges: HashMap<(End, End, EdgeKind), Tally>,
    pub owners: HashMap<u32, Asked>,
    /// Events that call something, and name nothing.
    pub unnamed: f64,
}

impl Calls {
    pub(super) fn of(spans: &mut Spans, naming: &Naming<'_>) -> Self {
        mark_parents(spans);
        let mut calls = Self::default();
        for (place, span) in spans.all.iter().enumerate().filter(|(_, span)| span.is_own) {
            let parent = spans.parent(place).map(|place| &spans.all[place]);
            let walk = Walk {
                spans,
                naming,
                place,
                span,
                parent,
            };
            calls.note_owner(&walk);
            if walk.has(INCOMING) {
                calls.take_message(&walk);
            } else if let Some(parent) = walk.other_parent() {
                calls.cross(&walk, parent);
            }
            if walk.has(OUTGOING) {
                calls.call_out(&walk);
            }
        }
        calls
    }

    fn note_owner(&mut self, walk: &Walk<'_>) {
        let Walk { span, parent, .. } = walk;
        if !walk.has(COUNTS) {
            return;
        }
        let asked = self.owners.entry(span.more.node).or_default();
        asked.spans += span.weight;
        if parent.is_none_or(|parent| parent.more.node != span.more.node) {
            asked.view.add(span.weight, walk.has(ERROR), span.duration);
        }
    }

    fn cross(&mut self, walk: &Walk<'_>, parent: &Span) {
        let Walk { span, .. } = walk;
        if !walk.has(COUNTS) && !has(parent, COUNTS) {
            return;
        }
        let seen = if has(parent, OUTGOING) { parent } else { span };
        let ends = (End::Owner(parent.more.node), End::Owner(span.more.node));
        let tally = self.tally(ends, EdgeKind::Call);
        tally
            .caller
            .add(span.weight, has(seen, ERROR), seen.duration);
        tally
            .server
            .add(span.weight, walk.has(ERROR), span.duration);
    }

    fn take_message(&mut self, walk: &Walk<'_>) {
        let Walk { span, parent, .. } = walk;
        if parent.is_some_and(|parent| parent.more.node == span.more.node && has(parent, INCOMING))
        {
            return;
        }
        let origin = walk.origin();
        if !walk.has(COUNTS) && !origin.is_some_and(|origin| has(origin, COUNTS)) {
            return;
        }
        let of_origin = origin.filter(|origin| has(origin, OUTGOING));
        let queue = [Some(*span), of_origin]
            .into_iter()
            .flatten()
            .find(|span| walk.has_queue(span));
        let to = End::Owner(span.more.node);
        let (from, kind) = match (queue, origin) {
            (Some(queue), _) => (End::Target(queue.more.target), EdgeKind::Receive),
            (None, Some(origin)) if origin.more.node != span.more.node => {
                (End::Owner(origin.more.node), EdgeKind::Message)
            }
            _ => return,
        };
        let tally = self.tally((from, to), kind);
        tally
            .caller
            .add(span.weight, walk.has(ERROR), span.duration);
        tally
            .server
            .add(span.weight, walk.has(ERROR), span.duration);
    }

    fn call_out(&mut self, walk: &Walk<'_>) {
        let Walk { span, naming, .. } = walk;
        if !walk.has(COUNTS) || walk.is_inner() {
            return;
        }
        let target = span.more.target;
        let kind = match naming.targets[target as usize] {
            Target::Queue { .. } => EdgeKind::Send,
            _ if walk.has(FOREIGN_CHILD) => return,
            Target::Store { .. } => EdgeKind::Query,
            _ if walk.has(OUTGOING_CHILD) => return,
            Target::Remote { .. } => EdgeKind::Call,
            Target::None => {
                self.unnamed += span.weight;
                return;
            }
        };
        let tally = self.tally((End::Owner(span.more.node), End::Target(target)), kind);
        tally
            .caller
            .add(span.weight, walk.has(ERROR), span.duration);
        tally.unanswered += span.weight;
    }

    fn tally(&mut self, (from, to): (End, End), kind: EdgeKind) -> &mut Tally {
        self.edges.entry((from, to, kind)).or_default()
    }
}

/// A span that is looked at.
struct Walk<'a> {
    spans: &'a Spans,
    naming: &'a Naming<'a>,
    place: usize,
    span: &'a Span,
    parent: Option<&'a Span>,
}

impl<'a> Walk<'a> {
    fn has(&self, flag: u8) -> bool {
        has(self.span, flag)
    }

    /// The parent, if it belongs to another node.
    fn other_parent(&self) -> Option<&'a Span> {
        self.parent
            .filter(|parent| parent.more.node != self.span.more.node)
    }

    /// Where a message came from.
    fn origin(&self) -> Option<&'a Span> {
        let linked = || self.spans.linked(self.place);
        self.other_parent()
            .or_else(|| linked().map(|place| &self.spans.all[place]))
    }

    /// Whether it is part of a call of a store or queue.
    fn is_inner(&self) -> bool {
        self.parent.is_some_and(|parent| {
            parent.more.node == self.span.more.node
                && has(parent, OUTGOING)
                && matches!(
                    self.naming.targets[parent.more.target as usize],
                    Target::Store { .. } | Target::Queue { .. }
                )
        })
    }

    fn has_queue(&self, span: &Span) -> bool {
        matches!(
            self.naming.targets[span.more.target as usize],
            Target::Queue { .. }
        )
    }
}

fn has(span: &Span, flag: u8) -> bool {
    span.more.flags & flag != 0
}

/// Marks the spans whose children are elsewhere, or call something themselves.
fn mark_parents(spans: &mut Spans) {
    let mut marks = Vec::new();
    for span in &spans.all {
        if span.parent_id == 0 {
            continue;
        }
        let outgoing = if has(span, OUTGOING) {
            OUTGOING_CHILD
        } else {
            0
        };
        for place in spans.same(span.trace, span.parent_id) {
            let parent = &spans.all[place];
            let flags = match parent.more.node == span.more.node {
                true => outgoing,
                false => outgoing | FOREIGN_CHILD,
            };
            if flags != 0 && has(parent, OUTGOING) {
                marks.push((place, flags));
            }
        }
    }
    for (place, flags) in marks {
        spans.all[place].more.flags |= flags;
    }
}
