//! One entity among all.

use axum::Json;
use axum::extract::State;
use crawlspace_insight::entity::{Entity, EntityRequest};
use crawlspace_query::Range;
use serde::Deserialize;

use crate::Dependencies;
use crate::parameters::Parameters;
use crate::problem::{Problem, Refusals};

/// Which entity, and when. Times are RFC 3339 or a number since 1970.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EntityParameters {
    /// A field of spans that names it: `user.id`, `session.id`, `tenant.id`, `http.route`, `service.version` …
    #[param(example = "user.id")]
    field: String,
    #[param(example = "4711")]
    value: String,
    /// So long until now, like `1h`.
    #[param(example = "1h")]
    last: Option<String>,
    start: Option<String>,
    /// Not included.
    end: Option<String>,
    /// Traces to give, the newest: at most 50; 10 without.
    limit: Option<usize>,
}

/// Who is this?
///
/// What happened to an entity, hop by hop, and its figures beside those of all others: whether it is different, and
/// what explains that, or that it is typical.
#[utoipa::path(
    get, path = "/api/v1/entity", tag = "ask", params(EntityParameters),
    responses((status = 200, description = "The entity among all.", body = Entity), Refusals)
)]
pub(crate) async fn entity(
    State(dependencies): State<Dependencies>,
    Parameters(parameters): Parameters<EntityParameters>,
) -> Result<Json<Entity>, Problem> {
    let EntityParameters {
        field,
        value,
        last,
        start,
        end,
        limit,
    } = parameters;
    let request = EntityRequest {
        field,
        value,
        range: Range { last, start, end },
        limit,
    };
    let now = dependencies.clock.now();
    Ok(Json(dependencies.insight.entity(&request, now).await?))
}
