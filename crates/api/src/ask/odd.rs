//! What is odd now.

use axum::Json;
use axum::extract::State;
use crawlspace_insight::odd::{Odd, OddRequest};
use serde::Deserialize;

use crate::Dependencies;
use crate::parameters::Parameters;
use crate::problem::{Problem, Refusals};

/// When, and how much.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OddParameters {
    /// The end of the hour that is asked about: RFC 3339 or a number since 1970. Now without.
    #[param(example = "2026-11-22T10:00:00Z")]
    at: Option<String>,
    /// Findings to give, the worst: at most 1,000; 20 without.
    limit: Option<usize>,
}

/// What is odd now?
///
/// Flows and services whose rate, errors or latency in the last hour differ from the same hour of the days before, or
/// from the hour before where they are younger; each with the body that asks `/api/v1/compare` about it.
#[utoipa::path(
    get, path = "/api/v1/odd", tag = "ask", params(OddParameters),
    responses((status = 200, description = "What is odd, the worst first; or that nothing is.", body = Odd), Refusals)
)]
pub(crate) async fn odd(
    State(dependencies): State<Dependencies>,
    Parameters(parameters): Parameters<OddParameters>,
) -> Result<Json<Odd>, Problem> {
    let OddParameters { at, limit } = parameters;
    let request = OddRequest { at, limit };
    Ok(Json(
        dependencies
            .insight
            .odd(&request, dependencies.clock.now())
            .await?,
    ))
}
