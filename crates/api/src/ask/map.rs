//! What talks to what.

use axum::Json;
use axum::extract::State;
use crawlspace_insight::{Map, MapRequest};
use crawlspace_model::{ErrorKind, UnixNanos};
use crawlspace_query::{Range, parse_duration};
use serde::Deserialize;

use crate::Dependencies;
use crate::parameters::Parameters;
use crate::problem::{Problem, Refusals};

/// Which calls, and what they are compared with. Times are RFC 3339 or a number since 1970.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MapParameters {
    /// So long until now; `1h` without any time.
    #[param(example = "1h")]
    last: Option<String>,
    start: Option<String>,
    /// Not included.
    end: Option<String>,
    /// An SQL condition on spans: calls from or to those that fulfil it.
    r#where: Option<String>,
    /// Compare with the same length of time, so much earlier.
    #[param(example = "1d")]
    compare_before: Option<String>,
    /// Compare with this time.
    compare_start: Option<String>,
    /// Not included.
    compare_end: Option<String>,
    /// Compare with the calls from or to spans that fulfil this condition; at the same time, if no other is given.
    compare_where: Option<String>,
}

impl MapParameters {
    fn request(self, now: UnixNanos) -> Result<MapRequest, Problem> {
        let range = Range {
            last: self.last,
            start: self.start,
            end: self.end,
        };
        let other = Range {
            last: None,
            start: self.compare_start,
            end: self.compare_end,
        };
        let has_other = other.start.is_some() || other.end.is_some();
        let base = match (self.compare_before, has_other, &self.compare_where) {
            (Some(_), true, _) => {
                return Err(Problem::new(
                    ErrorKind::BadInput,
                    "give either `compare_before` or `compare_start` and `compare_end`".to_owned(),
                ));
            }
            (Some(before), false, _) => Some(earlier(&range, &before, now)?),
            (None, true, _) => Some(other),
            (None, false, Some(_)) => Some(range.clone()),
            (None, false, None) => None,
        };
        // Without a condition of its own, the other map has the same one.
        let condition = self.compare_where.or_else(|| self.r#where.clone());
        Ok(MapRequest {
            range,
            condition: self.r#where,
            base: base.map(|range| (range, condition)),
        })
    }
}

/// The same length of time, so much before.
fn earlier(range: &Range, before: &str, now: UnixNanos) -> Result<Range, Problem> {
    let nanos = i64::try_from(parse_duration(before)?.as_nanos()).unwrap_or(i64::MAX);
    let (start, end) = MapRequest::whole(range).bounds(now)?;
    let moved = |time: UnixNanos| UnixNanos(time.0.saturating_sub(nanos));
    Ok(Range::between(
        start.map(moved),
        Some(moved(end.unwrap_or(now))),
    ))
}

/// What talks to what
///
/// Services, browsers, stores, queues and vendors, and the calls between them with rate, errors and latency, from spans
/// alone. Every number has the SQL that gives it again.
#[utoipa::path(
    get, path = "/api/v1/map", tag = "ask", params(MapParameters),
    responses((status = 200, description = "Nodes, edges, how complete they are, and what differs.", body = Map), Refusals)
)]
pub(crate) async fn map(
    State(dependencies): State<Dependencies>,
    Parameters(parameters): Parameters<MapParameters>,
) -> Result<Json<Map>, Problem> {
    let now = dependencies.clock.now();
    let request = parameters.request(now)?;
    Ok(Json(dependencies.insight.map(&request, now).await?))
}
