//! Saved questions over HTTP: list them, save one, give one, change one, delete one.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use crawlspace_control::{Author, QuestionContent, SavedQuestion};
use serde::{Deserialize, Serialize};

use super::{StampAnswer, number_of};
use crate::Dependencies;
use crate::access::Caller;
use crate::ask::json_of;
use crate::problem::{Members, Problem, Refusals};

const WHAT: &str = "saved question";

/// An address of the window under a name.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SavedContent, example = json!({"name": "Slow checkouts", "address": "explore?last=3h&view=heatmap"}))]
pub(crate) struct Content {
    /// One line of at most 100 characters.
    name: String,
    /// What it is good for; at most 1,000 characters.
    #[serde(default)]
    description: String,
    /// Of a page of the window, with what stands behind it, encoded and without a leading slash; empty for the first page.
    /// At most 8 KiB.
    address: String,
}

/// A saved question. In the window, `/s/ID` opens it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SavedQuestion)]
pub(crate) struct Answer {
    /// Never given to another.
    id: u32,
    name: String,
    description: String,
    address: String,
    #[serde(flatten)]
    stamp: StampAnswer,
}

impl Answer {
    fn new(question: SavedQuestion, author: &Author) -> Self {
        let SavedQuestion {
            number,
            content,
            stamp,
        } = question;
        Self {
            id: number,
            name: content.name,
            description: content.description,
            address: content.address,
            stamp: StampAnswer::new(stamp, author),
        }
    }
}

async fn content_of(body: Body) -> Result<QuestionContent, Problem> {
    let wanted: Content = json_of(body).await?;
    let content = QuestionContent::new(&wanted.name, &wanted.description, &wanted.address);
    Ok(content?)
}

/// List saved questions
#[utoipa::path(
    get, path = "/api/v1/saved", tag = "keep",
    responses((status = 200, description = "All of them, by name.", body = Vec<Answer>), Refusals)
)]
pub(crate) async fn list(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Answer>>, Problem> {
    let author = dependencies.author(caller);
    let all = dependencies.saved.list().await?.into_iter();
    let all = all.map(|question| Answer::new(question, &author));
    Ok(Json(all.collect()))
}

/// Save a question
#[utoipa::path(
    post, path = "/api/v1/saved", tag = "keep", request_body = Content,
    responses((status = 200, description = "What was saved, with its number.", body = Answer), Refusals)
)]
pub(crate) async fn add(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Json<Answer>, Problem> {
    let author = dependencies.author(caller);
    let question = dependencies.saved.add(content_of(body).await?, &author);
    Ok(Json(Answer::new(question.await?, &author)))
}

/// One saved question
#[utoipa::path(
    get, path = "/api/v1/saved/{id}", tag = "keep",
    params(("id" = u32, Path, description = "Its number.", example = 3)),
    responses(
        (status = 200, description = "It.", body = Answer),
        (status = 404, description = "It was deleted, or never made.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn one(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Answer>, Problem> {
    let question = dependencies.saved.find(number_of(&id, WHAT)?).await?;
    Ok(Json(Answer::new(question, &dependencies.author(caller))))
}

/// Change a saved question
///
/// All of it is replaced; its number, and so its short link, stays.
#[utoipa::path(
    put, path = "/api/v1/saved/{id}", tag = "keep", request_body = Content,
    params(("id" = u32, Path, description = "Its number.", example = 3)),
    responses(
        (status = 200, description = "What it is now.", body = Answer),
        (status = 404, description = "It was deleted, or never made.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn replace(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: Body,
) -> Result<Json<Answer>, Problem> {
    let number = number_of(&id, WHAT)?;
    let author = dependencies.author(caller);
    let content = content_of(body).await?;
    let question = dependencies.saved.replace(number, content, &author).await?;
    Ok(Json(Answer::new(question, &author)))
}

/// Delete a saved question
///
/// Its short link leads nowhere from now on.
#[utoipa::path(
    delete, path = "/api/v1/saved/{id}", tag = "keep",
    params(("id" = u32, Path, description = "Its number.", example = 3)),
    responses(
        (status = 200, description = "What was deleted.", body = Answer),
        (status = 404, description = "It was deleted before, or never made.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn delete(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Answer>, Problem> {
    let author = dependencies.author(caller);
    let number = number_of(&id, WHAT)?;
    let question = dependencies.saved.delete(number, &author).await?;
    Ok(Json(Answer::new(question, &author)))
}
