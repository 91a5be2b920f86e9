//! The examination of a running store.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use crawlspace_lake::{Finding, Severity};
use serde::{Deserialize, Serialize};

use crate::Dependencies;
use crate::problem::{Problem, Refusals};

const MAKE_ROOM: &str = "make room on the disk of the data directory, or keep less: --retention-size and \
    --retention-age of `crawlspace serve`; it goes on by itself";

#[derive(Deserialize, utoipa::IntoParams)]
pub(crate) struct DoctorParameters {
    /// Whether to read every byte of every part.
    #[serde(default)]
    deep: bool,
}

/// What an examination found.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Examination, example = json!({"healthy": true, "findings": []}))]
struct DoctorAnswer {
    /// Whether none of the findings is a problem.
    healthy: bool,
    findings: Vec<FindingAnswer>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Finding)]
struct FindingAnswer {
    /// `problem` or `notice`.
    #[schema(value_type = String)]
    severity: Severity,
    /// What it is about: an object, or the catalogue.
    subject: String,
    problem: String,
    /// What to do.
    advice: String,
}

impl From<Finding> for FindingAnswer {
    fn from(finding: Finding) -> Self {
        let Finding {
            severity,
            subject,
            problem,
            advice,
        } = finding;
        Self {
            severity,
            subject,
            problem,
            advice,
        }
    }
}

/// Examine the catalogue and every part
///
/// Changes nothing. `crawlspace doctor` does the same while no server runs, looks at the log too, and can repair.
#[utoipa::path(
    get, path = "/api/v1/doctor", tag = "operate", params(DoctorParameters),
    responses((status = 200, description = "What was found.", body = DoctorAnswer), Refusals)
)]
pub(crate) async fn doctor(
    State(dependencies): State<Dependencies>,
    Query(parameters): Query<DoctorParameters>,
) -> Result<Response, Problem> {
    let mut findings = dependencies.lake.examine(parameters.deep).await?;
    let troubles = dependencies.ingest.healthy();
    findings.extend(troubles.err().map(|trouble| {
        let advice = match dependencies.ingest.statistics().disk.is_short {
            true => MAKE_ROOM,
            false => "look at the program's log, which says why; it goes on trying",
        };
        Finding::problem("taking telemetry", trouble, advice)
    }));
    let answer = DoctorAnswer {
        healthy: findings
            .iter()
            .all(|finding| finding.severity != Severity::Problem),
        findings: findings.into_iter().map(FindingAnswer::from).collect(),
    };
    Ok(Json(answer).into_response())
}
