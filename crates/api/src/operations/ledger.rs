//! The ledger as JSON: what became of everything that came, and the last refusals.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use crawlspace_ingest::Refused;
use crawlspace_model::account::{Count, Reason, Total};
use crawlspace_model::{Signal, UnixNanos};
use serde::{Deserialize, Serialize};

use crate::Dependencies;
use crate::parameters::Parameters;
use crate::problem::{Problem, Refusals};

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerParameters {
    /// `day` to have a line for each day.
    #[param(inline)]
    by: Option<By>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum By {
    Day,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Ledger)]
pub(crate) struct LedgerAnswer {
    /// Nothing was counted before: nanoseconds since 1970.
    since: String,
    total: TotalAnswer,
    lines: Vec<LineAnswer>,
    /// The last refusals since the start, newest first; the same one again is counted, not listed again.
    refusals: Vec<RefusedAnswer>,
}

/// What came with one key, of one signal.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = LedgerLine)]
struct LineAnswer {
    /// In UTC; absent where all days are counted together.
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    /// The key's number; 0 for none.
    key: u32,
    signal: &'static str,
    #[serde(flatten)]
    total: TotalAnswer,
}

/// Received = stored + deduplicated + sampled out + refused.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = LedgerTotal)]
struct TotalAnswer {
    received: CountAnswer,
    stored: CountAnswer,
    /// Repeated what was stored already.
    deduplicated: CountAnswer,
    sampled_out: CountAnswer,
    /// For good, by reason.
    refused: BTreeMap<&'static str, CountAnswer>,
    /// Told to come again, so not lost and not in `received`, by reason.
    deferred: BTreeMap<&'static str, CountAnswer>,
}

/// Records are spans, log records or data points, where a request could be read.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = LedgerCount)]
struct CountAnswer {
    requests: u64,
    records: u64,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Refused)]
struct RefusedAnswer {
    /// The last time: nanoseconds since 1970.
    time: String,
    first_time: String,
    times: u64,
    key: u32,
    signal: &'static str,
    door: &'static str,
    reason: &'static str,
    /// What the client was told.
    message: String,
    user_agent: String,
}

/// What became of everything that came
///
/// Received = stored + deduplicated + sampled out + refused, for each key and signal, over restarts and crashes.
#[utoipa::path(
    get, path = "/api/v1/ledger", tag = "operate", params(LedgerParameters),
    responses((status = 200, description = "Counts, and the last refusals.", body = LedgerAnswer), Refusals)
)]
pub(crate) async fn ledger(
    State(dependencies): State<Dependencies>,
    Parameters(parameters): Parameters<LedgerParameters>,
) -> Result<Json<LedgerAnswer>, Problem> {
    let statement = dependencies.ingest.ledger();
    let total = statement.account.totals(|_| ()).remove(&());
    let lines = statement.account.totals(|line| {
        let day = parameters.by.as_ref().map(|By::Day| line.day);
        (day, line.key, line.signal)
    });
    Ok(Json(LedgerAnswer {
        since: nanos(statement.since),
        total: total.unwrap_or_default().into(),
        lines: lines.into_iter().map(LineAnswer::from).collect(),
        refusals: statement
            .refusals
            .into_iter()
            .map(RefusedAnswer::from)
            .collect(),
    }))
}

impl From<((Option<i32>, u32, Signal), Total)> for LineAnswer {
    fn from(((day, key, signal), total): ((Option<i32>, u32, Signal), Total)) -> Self {
        Self {
            day: day.map(date),
            key,
            signal: signal.name(),
            total: total.into(),
        }
    }
}

impl From<Total> for TotalAnswer {
    fn from(total: Total) -> Self {
        let by_reason = |counts: BTreeMap<Reason, Count>| {
            let counts = counts.into_iter();
            counts
                .map(|(reason, count)| (reason.name(), count.into()))
                .collect()
        };
        Self {
            received: total.received.into(),
            stored: total.stored.into(),
            deduplicated: total.deduplicated.into(),
            sampled_out: total.sampled_out.into(),
            refused: by_reason(total.refused),
            deferred: by_reason(total.deferred),
        }
    }
}

impl From<Count> for CountAnswer {
    fn from(Count { requests, records }: Count) -> Self {
        Self { requests, records }
    }
}

impl From<Refused> for RefusedAnswer {
    fn from(refused: Refused) -> Self {
        let Refused {
            origin,
            reason,
            message,
            times,
            first_at,
            last_at,
        } = refused;
        Self {
            time: nanos(last_at),
            first_time: nanos(first_at),
            times,
            key: origin.key,
            signal: origin.signal.name(),
            door: origin.door.name(),
            reason: reason.name(),
            message,
            user_agent: origin.user_agent,
        }
    }
}

fn nanos(time: UnixNanos) -> String {
    time.0.to_string()
}

/// A day since 1970 as `YYYY-MM-DD`.
fn date(day: i32) -> String {
    arrow::temporal_conversions::date32_to_datetime(day).map_or_else(
        || day.to_string(),
        |time| time.format("%Y-%m-%d").to_string(),
    )
}
