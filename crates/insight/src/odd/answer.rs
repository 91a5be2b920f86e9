//! What is answered about the hour until now.

use crate::{Completeness, Evidence};

/// What is odd, the worst first.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct Odd {
    pub verdict: OddVerdict,
    pub statement: String,
    /// The hour that is asked about, in nanoseconds since 1970; the end is not included.
    pub start: String,
    pub end: String,
    /// Flows and services that were looked at.
    pub flows: usize,
    pub services: usize,
    /// Flows that were not, since there are too many: those with the fewest requests.
    pub flows_left_out: usize,
    /// Earlier days whose same hour is known.
    pub days: usize,
    /// Questions that were asked of the figures; the threshold is corrected for so many.
    pub tests: usize,
    /// Findings in all, given or not.
    pub found: usize,
    pub findings: Vec<OddFinding>,
    pub completeness: Option<Completeness>,
}

/// Whether something differs from what is usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OddVerdict {
    Odd,
    Typical,
    /// Too much is missing. What was found all the same is given.
    CannotTell,
}

/// What differs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OddMeasure {
    Errors,
    /// What half of the requests take at most.
    Latency,
    /// What 99% of them take at most.
    Tail,
    Rate,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OddChange)]
pub enum Change {
    More,
    Less,
    /// There was none before.
    New,
    /// There is none any more.
    Gone,
}

/// What the hour is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OddReference)]
pub enum Reference {
    /// The same hour of earlier days.
    SameHour,
    HourBefore,
}

/// One flow or service that differs in one way.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
pub struct OddFinding {
    #[serde(rename = "service.name")]
    pub service_name: Option<String>,
    /// The name of the flow's first span; absent for a service as a whole.
    pub flow: Option<String>,
    pub measure: OddMeasure,
    pub change: Change,
    pub statement: String,
    pub reference: Reference,
    /// Earlier hours that it was compared with.
    pub hours: usize,
    /// How improbable the difference would be by chance alone. It is odd if that, times `tests`, is at most 0.002.
    pub p_value: f64,
    pub now: OddFigures,
    /// Of the earlier hours, the middle one of each figure.
    pub usual: OddFigures,
    /// The body that asks `POST /api/v1/compare` what is different about it; null where one side has nothing to compare.
    #[schema(value_type = Option<Object>)]
    pub compare: Option<serde_json::Value>,
}

/// Figures of one hour, each request by its weight.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OddFigures {
    pub requests: f64,
    pub errors: f64,
    /// Null where there is no request.
    pub error_share: Option<f64>,
    pub p50_ns: Option<f64>,
    pub p99_ns: Option<f64>,
    pub evidence: Evidence,
}
