//! What happened to the entity: its traces hop by hop, and the log records beside them.

use crawlspace_query::Asking;

use super::answer::{EntityEvent, EntityHop, EntityTrace};
use super::sample::id_of;
use super::subject::Subject;
use crate::trees::{Node, Place, PlaceKind, Texts, Tree};
use crate::{Error, Evidence, Insight, sql, words};

/// Hops of one trace that are shown.
const HOPS_MAX: usize = 40;
/// Log records that are shown, the newest.
const EVENTS_MAX: usize = 50;
/// Texts of log records are cut to so many characters.
const TEXT_CHARS_MAX: usize = 300;

/// The name of a place: who did the work.
pub(super) fn name_of(place: Place, texts: &Texts) -> String {
    let named = place.peer.or(place.service);
    named.map_or_else(
        || "unnamed service".to_owned(),
        |name| texts.text(name).to_owned(),
    )
}

/// A place in words.
pub(super) fn said(kind: PlaceKind, name: &str) -> String {
    let kind = match kind {
        PlaceKind::Service => "service",
        PlaceKind::Vendor => "vendor",
        PlaceKind::Store => "store",
    };
    format!("{kind} `{name}`")
}

pub(super) fn traces(traces: &[Tree], texts: &Texts) -> Vec<EntityTrace> {
    traces
        .iter()
        .filter_map(|tree| trace(tree, texts))
        .collect()
}

fn trace(tree: &Tree, texts: &Texts) -> Option<EntityTrace> {
    let top = tree.nodes.get(tree.root().unwrap_or_default())?;
    let all: Vec<&Node> = tree
        .nodes
        .iter()
        .filter(|node| is_told(tree, node))
        .collect();
    let failed = tree.nodes.iter().any(|node| node.span.failed);
    let id = id_of(tree);
    Some(EntityTrace {
        time: top.span.time.to_string(),
        duration_ns: top.span.duration,
        failed: top.span.failed,
        statement: statement(tree, top, failed, texts),
        hops: all
            .iter()
            .take(HOPS_MAX)
            .map(|node| hop(node, texts))
            .collect(),
        hops_left_out: all.len().saturating_sub(HOPS_MAX),
        evidence: Evidence(format!(
            "SELECT time, service.name, name, kind, duration_ns, status_code, span_id, parent_span_id FROM spans \
             WHERE trace_id = '{id}' ORDER BY time, span_id"
        )),
        trace_id: id,
    })
}

/// Whether a span says something new: a service is entered, somebody else is called, or it failed.
fn is_told(tree: &Tree, node: &Node) -> bool {
    let enters = match node.parent {
        Some(parent) => tree.nodes[parent].span.service != node.span.service,
        None => true,
    };
    enters || node.place.peer.is_some() || node.span.failed
}

fn hop(node: &Node, texts: &Texts) -> EntityHop {
    EntityHop {
        hop: node.hop,
        kind: node.place.kind,
        name: name_of(node.place, texts),
        operation: texts.text(node.span.name).to_owned(),
        failed: node.span.failed,
        message: node
            .span
            .message
            .map(|message| texts.text(message).to_owned()),
        duration_ns: node.span.duration,
        self_time_ns: node.self_time,
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds for people")]
fn statement(tree: &Tree, top: &Node, failed: bool, texts: &Texts) -> String {
    let service = name_of(top.place, texts);
    let took = words::duration(top.span.duration as f64);
    let operation = texts.text(top.span.name);
    let mut text = match (top.span.failed, failed) {
        (true, _) => format!("`{operation}` at {service} failed after {took}"),
        (false, true) => {
            format!("`{operation}` at {service} took {took}; something below it failed")
        }
        (false, false) => format!("`{operation}` at {service} took {took}"),
    };
    if let Some(source) = tree
        .sources_of_errors()
        .find(|node| !std::ptr::eq(*node, top))
    {
        let place = said(source.place.kind, &name_of(source.place, texts));
        text += &format!(": {place} failed");
        if let Some(message) = source.span.message {
            text += &format!(" ({})", texts.text(message));
        }
    }
    let longest = tree.nodes.iter().max_by_key(|node| node.self_time);
    if let Some(node) =
        longest.filter(|node| node.self_time * 2 > top.span.duration && !std::ptr::eq(*node, top))
    {
        let place = said(node.place.kind, &name_of(node.place, texts));
        let own = words::duration(node.self_time as f64);
        text += &format!("; {own} of it in {place}, {} hop", words::ordinal(node.hop));
    }
    text
}

impl Insight {
    /// Log records of the traces, and those that name the entity themselves.
    pub(super) async fn events(
        &self,
        subject: &Subject,
        traces: &[Tree],
        asking: &Asking,
    ) -> Result<Vec<EntityEvent>, Error> {
        let snapshot = self.engine.snapshot();
        let is_known = |name: &str| {
            self.engine
                .has_field(&snapshot, "logs", name)
                .unwrap_or(false)
        };
        let ids: Vec<String> = traces.iter().map(id_of).collect();
        let mut conditions = Vec::new();
        if !ids.is_empty() {
            conditions.push(format!(
                "trace_id IN ({})",
                sql::list(ids.iter().map(String::as_str))
            ));
        }
        if is_known(&subject.field) && subject.field != "service.name" {
            conditions.push(format!(
                "{} = {}",
                sql::name(&subject.field),
                sql::text(&subject.value)
            ));
        }
        if conditions.is_empty() {
            return Ok(Vec::new());
        }
        let mut columns = vec![
            "time",
            "trace_id",
            "service.name",
            "severity_text",
            "event.name",
            "body",
        ];
        columns.extend(
            ["exception.type", "exception.message"]
                .into_iter()
                .filter(|name| is_known(name)),
        );
        let question = format!(
            "SELECT {} FROM logs WHERE ({}) AND {} ORDER BY time DESC LIMIT {EVENTS_MAX}",
            columns
                .iter()
                .map(|name| sql::name(name))
                .collect::<Vec<_>>()
                .join(", "),
            conditions.join(" OR "),
            subject.during
        );
        let rows = self.rows(&question, asking).await?;
        let event = |row: crate::rows::Row<'_>| {
            let parts = ["body", "exception.type", "exception.message"].map(|name| row.text(name));
            let text: Vec<String> = parts.into_iter().flatten().collect();
            EntityEvent {
                time: row.time("time").unwrap_or_default().to_string(),
                trace_id: row.text("trace_id"),
                service_name: row.text("service.name"),
                severity_text: row.text("severity_text"),
                event_name: row.text("event.name"),
                text: text.join(": ").chars().take(TEXT_CHARS_MAX).collect(),
            }
        };
        Ok(rows.iter().map(event).collect())
    }
}
