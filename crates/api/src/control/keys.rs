//! Keys over HTTP: make one, list them, revoke one.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use crawlspace_control::{Created, Key, KeyRequest, Scope, WebOrigin};
use serde::{Deserialize, Serialize};

use super::{nanos, number_of};
use crate::Dependencies;
use crate::access::Caller;
use crate::ask::json_of;
use crate::problem::{Members, Problem, Refusals};

/// A key to be made.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyRequest, example = json!({"scope": "browser", "name": "shop", "origins": ["https://shop.example"]}))]
pub(crate) struct NewKey {
    /// `ingest`, `browser`, `read` or `admin`.
    scope: String,
    /// For people.
    #[serde(default)]
    name: String,
    /// The pages that may use it: of browser keys, which need one at least.
    #[serde(default)]
    origins: Vec<String>,
}

/// A key without its secret.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Key)]
pub struct KeyAnswer {
    /// Never given to another key.
    number: u32,
    name: String,
    #[schema(value_type = String)]
    scope: Scope,
    #[schema(value_type = Vec<String>)]
    origins: Vec<WebOrigin>,
    /// Nanoseconds since 1970, like the other times.
    created_at: String,
    /// To a minute; null if never.
    used_at: Option<String>,
    revoked_at: Option<String>,
}

impl From<Key> for KeyAnswer {
    fn from(key: Key) -> Self {
        Self {
            number: key.number,
            name: key.name,
            scope: key.scope,
            origins: key.origins,
            created_at: nanos(key.created_at),
            used_at: key.used_at.map(nanos),
            revoked_at: key.revoked_at.map(nanos),
        }
    }
}

/// A new key.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CreatedKey)]
pub struct CreatedAnswer {
    #[serde(flatten)]
    key: KeyAnswer,
    /// What to send as the key. It is kept nowhere: nobody can show it again.
    secret: String,
}

impl From<Created> for CreatedAnswer {
    fn from(Created { key, secret }: Created) -> Self {
        Self {
            key: key.into(),
            secret: secret.expose().to_owned(),
        }
    }
}

/// Make a key
#[utoipa::path(
    post, path = "/api/v1/keys", tag = "keys", request_body = NewKey,
    responses((status = 200, description = "The key and, this once, its secret.", body = CreatedAnswer), Refusals)
)]
pub(crate) async fn create(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Response, Problem> {
    let wanted: NewKey = json_of(body).await?;
    let request = KeyRequest::new(&wanted.name, Scope::parse(&wanted.scope)?, &wanted.origins)?;
    let created = dependencies
        .gate
        .keys
        .create(request, caller.actor())
        .await?;
    let answer = CreatedAnswer::from(created);
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// List all keys
///
/// Revoked ones too, by number.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", responses((status = 200, description = "All that were ever made.", body = Vec<KeyAnswer>)))]
pub(crate) async fn list(State(dependencies): State<Dependencies>) -> Json<Vec<KeyAnswer>> {
    Json(
        dependencies
            .gate
            .keys
            .list()
            .into_iter()
            .map(KeyAnswer::from)
            .collect(),
    )
}

/// Revoke a key
///
/// It is refused from now on, for good. A revoked key stays as it is.
#[utoipa::path(
    delete, path = "/api/v1/keys/{number}", tag = "keys",
    params(("number" = u32, Path, description = "The key's number.", example = 3)),
    responses(
        (status = 200, description = "The revoked key.", body = KeyAnswer),
        (status = 404, description = "There never was such a key.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn revoke(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Result<Json<KeyAnswer>, Problem> {
    let number = number_of(&number, "key")?;
    let key = dependencies
        .gate
        .keys
        .revoke(number, caller.actor())
        .await?;
    Ok(Json(key.into()))
}
