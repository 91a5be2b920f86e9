//! What is answered about an entity.

use crate::trees::PlaceKind;
use crate::{Evidence, Sampled, Share, Verdict};

/// One entity among all.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Entity {
    pub field: String,
    pub value: String,
    pub verdict: EntityVerdict,
    /// The verdict in words, with the figures it rests on.
    pub statement: String,
    /// What is counted as a request of this entity, in words.
    pub request: String,
    pub figures: Figures,
    /// Absent where there is no other.
    pub everyone: Option<Everyone>,
    /// What is different, the weightiest first. Empty where nothing is.
    pub findings: Vec<Finding>,
    /// Traces of the entity that were read hop by hop: the newest.
    pub traces_compared: usize,
    /// Traces of others that these were compared with.
    pub other_traces_compared: usize,
    /// Whether these are all of the range; else they are those with ids next to the entity's.
    pub other_traces_are_all: bool,
    /// The newest first.
    pub traces: Vec<EntityTrace>,
    /// Log records and events of spans: of these traces, and those that name the entity themselves. The newest first.
    pub events: Vec<EntityEvent>,
    pub completeness: EntityCompleteness,
    pub elapsed_ms: f64,
}

/// How whole the traces are that were compared, the entity's own among them.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct EntityCompleteness {
    pub verdict: Verdict,
    /// Why it cannot be told, a sentence each.
    pub doubts: Vec<String>,
    pub sampled: Sampled,
    /// Spans whose parent is not there, of those that name one.
    pub orphans: Share,
    /// Traces without a span that has no parent, of all.
    pub missing_roots: Share,
    /// Spans received more than five minutes after their end.
    pub late: Share,
    /// Spans that begin more than a millisecond before their parent, of those whose parent is there.
    pub skewed: Share,
    /// Parts set aside as damaged: their rows are missing everywhere.
    pub damaged_parts: u64,
}

/// Whether an entity fares as others do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EntityVerdict {
    Different,
    Typical,
    /// There is too little to compare, or too much is missing.
    CannotTell,
}

/// Figures over all requests of the entity in the range, each by its weight.
#[derive(Debug, Clone, Default, serde::Serialize, utoipa::ToSchema)]
#[schema(as = EntityFigures)]
pub struct Figures {
    pub requests: f64,
    pub errors: f64,
    /// Null where there is no request.
    pub p50_ns: Option<f64>,
    pub p99_ns: Option<f64>,
    pub evidence: Evidence,
}

/// The same figures over the other values of the field.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = EntityEveryone)]
pub struct Everyone {
    /// Other values that were looked at.
    pub entities: f64,
    /// Whether these are all, or some that were met in the other traces.
    pub are_all: bool,
    /// Of half of them, the figure is at most this.
    pub requests: Option<f64>,
    pub error_share: Option<f64>,
    pub p50_ns: Option<f64>,
    pub p99_ns: Option<f64>,
    /// The share of them that has fewer requests than this entity, from 0 to 1; and so on.
    pub fewer_requests: f64,
    pub fewer_errors: f64,
    pub faster_p50: f64,
    pub faster_p99: f64,
    pub evidence: Evidence,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EntityMeasure)]
pub enum Measure {
    Latency,
    Errors,
    /// One place, though requests as a whole take no longer.
    Hop,
}

/// One way in which the entity is different.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = EntityFinding)]
pub struct Finding {
    pub measure: Measure,
    pub statement: String,
    /// How improbable the difference would be if the entity were like all others, corrected for what was looked at.
    pub p_value: f64,
    /// Where it comes from. Absent where no one place explains it.
    pub source: Option<Source>,
}

/// A place in the entity's traces, beside the same place in the others.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = EntitySource)]
pub struct Source {
    pub kind: PlaceKind,
    /// The service, vendor or store.
    pub name: String,
    /// The service whose spans tell of it.
    pub service: Option<String>,
    pub operation: String,
    /// How many services, vendors and stores from the entry, which is the first.
    pub hop: u32,
    /// Spans of the place in the entity's traces, and what half of them take at most.
    pub calls: f64,
    pub errors: f64,
    pub p50_ns: Option<f64>,
    pub evidence: Evidence,
    /// The same in the other traces.
    pub others_calls: f64,
    pub others_errors: f64,
    pub others_p50_ns: Option<f64>,
    pub others_evidence: Evidence,
}

/// One trace of the entity.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct EntityTrace {
    pub trace_id: String,
    /// Nanoseconds since 1970.
    pub time: String,
    /// Of the root, or of the first span where the root is missing.
    pub duration_ns: i64,
    pub failed: bool,
    pub statement: String,
    /// By start; services that were entered, vendors and stores that were called, and whatever failed.
    pub hops: Vec<EntityHop>,
    pub hops_left_out: usize,
    /// Gives the spans behind the hops.
    pub evidence: Evidence,
}

/// One step on the way of a trace.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct EntityHop {
    /// How many services, vendors and stores from the entry, which is the first.
    pub hop: u32,
    pub kind: PlaceKind,
    /// The service, vendor or store.
    pub name: String,
    pub operation: String,
    pub failed: bool,
    pub message: Option<String>,
    pub duration_ns: i64,
    /// The time in which nothing below it ran.
    pub self_time_ns: i64,
}

/// A row of `logs`.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct EntityEvent {
    /// Nanoseconds since 1970.
    pub time: String,
    pub trace_id: Option<String>,
    #[serde(rename = "service.name")]
    pub service_name: Option<String>,
    pub severity_text: Option<String>,
    #[serde(rename = "event.name")]
    pub event_name: Option<String>,
    /// The body, or what an exception says.
    pub text: String,
}
