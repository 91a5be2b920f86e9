//! Notes over HTTP: list those of a time, pin one, give one, change one, delete one.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use crawlspace_control::{About, Author, Note, NoteContent, NotesWanted};
use crawlspace_model::{ErrorKind, UnixNanos};
use crawlspace_query::{Range, parse_time};
use serde::{Deserialize, Serialize};

use super::{StampAnswer, nanos, number_of};
use crate::Dependencies;
use crate::access::Caller;
use crate::ask::json_of;
use crate::parameters::Parameters;
use crate::problem::{Members, Problem, Refusals};

const WHAT: &str = "note";
/// Notes in one answer.
const LISTED_MAX: u32 = 1_000;

/// A field and its value: the note concerns events that have it.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoteAbout)]
pub(crate) struct AboutMember {
    field: String,
    value: String,
}

/// A text pinned to a time. Times are RFC 3339 or a number since 1970.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NoteContent, example = json!({"text": "cart 1.4.2 is out", "about": [{"field": "service.name", "value": "cart"}]}))]
pub(crate) struct Content {
    /// Absent: now.
    time: Option<String>,
    /// Of a stretch of time; absent for one moment.
    end: Option<String>,
    /// At most 2,000 characters.
    text: String,
    /// What it is about, all of it: at most ten fields. Empty if it concerns everything.
    #[serde(default)]
    about: Vec<AboutMember>,
}

/// A note.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Note)]
pub(crate) struct Answer {
    /// Never given to another.
    id: u32,
    /// Nanoseconds since 1970, like the other times.
    time: String,
    /// Null for one moment.
    end: Option<String>,
    text: String,
    about: Vec<AboutMember>,
    #[serde(flatten)]
    stamp: StampAnswer,
}

/// Notes, the newest first.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Notes)]
pub(crate) struct ListAnswer {
    notes: Vec<Answer>,
    /// There are older ones.
    cut: bool,
}

/// Which notes; without a time, all. Times are RFC 3339 or a number since 1970.
#[derive(Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NotesParameters {
    /// So long until now. Notes of the future are among them.
    #[param(example = "7d")]
    last: Option<String>,
    start: Option<String>,
    /// Not included.
    end: Option<String>,
    /// So many at most, the newest; up to 1,000, and so many without.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
}

impl NotesParameters {
    fn wanted(self, now: UnixNanos) -> Result<NotesWanted, Problem> {
        let range = Range {
            last: self.last,
            start: self.start,
            end: self.end,
        };
        let (start, end) = range.bounds(now)?;
        let limit = match self.limit.as_deref().map(str::parse) {
            None => LISTED_MAX,
            Some(Ok(limit)) if (1..=LISTED_MAX).contains(&limit) => limit,
            Some(_) => {
                let detail = format!("`limit` is a number from 1 to {LISTED_MAX}");
                return Err(Problem::new(ErrorKind::BadInput, detail));
            }
        };
        Ok(NotesWanted { start, end, limit })
    }
}

impl Answer {
    fn new(note: Note, author: &Author) -> Self {
        let Note {
            number,
            content,
            stamp,
        } = note;
        let about = content.about.into_iter();
        Self {
            id: number,
            time: nanos(content.start),
            end: (content.end != content.start).then(|| nanos(content.end)),
            text: content.text,
            about: about
                .map(|About { field, value }| AboutMember { field, value })
                .collect(),
            stamp: StampAnswer::new(stamp, author),
        }
    }
}

async fn content_of(dependencies: &Dependencies, body: Body) -> Result<NoteContent, Problem> {
    let wanted: Content = json_of(body).await?;
    let time = |text: &Option<String>| text.as_deref().map(parse_time).transpose();
    let start = time(&wanted.time)?.unwrap_or_else(|| dependencies.clock.now());
    let end = time(&wanted.end)?;
    let about = wanted.about.into_iter();
    let about = about.map(|AboutMember { field, value }| About { field, value });
    let content = NoteContent::new(start, end, &wanted.text, about.collect());
    Ok(content?)
}

/// List notes
#[utoipa::path(
    get, path = "/api/v1/notes", tag = "keep", params(NotesParameters),
    responses((status = 200, description = "Those that have a part in the time, the newest first.", body = ListAnswer), Refusals)
)]
pub(crate) async fn list(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    Parameters(parameters): Parameters<NotesParameters>,
) -> Result<Json<ListAnswer>, Problem> {
    let author = dependencies.author(caller);
    let wanted = parameters.wanted(dependencies.clock.now())?;
    let listed = dependencies.notes.list(wanted).await?;
    let notes = listed.notes.into_iter();
    Ok(Json(ListAnswer {
        notes: notes.map(|note| Answer::new(note, &author)).collect(),
        cut: listed.cut,
    }))
}

/// Pin a note to a time
#[utoipa::path(
    post, path = "/api/v1/notes", tag = "keep", request_body = Content,
    responses((status = 200, description = "The note, with its number.", body = Answer), Refusals)
)]
pub(crate) async fn add(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    body: Body,
) -> Result<Json<Answer>, Problem> {
    let author = dependencies.author(caller);
    let content = content_of(&dependencies, body).await?;
    let note = dependencies.notes.add(content, &author).await?;
    Ok(Json(Answer::new(note, &author)))
}

/// One note
#[utoipa::path(
    get, path = "/api/v1/notes/{id}", tag = "keep",
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
    let note = dependencies.notes.find(number_of(&id, WHAT)?).await?;
    Ok(Json(Answer::new(note, &dependencies.author(caller))))
}

/// Change a note
///
/// All of it is replaced; without `time` it moves to now.
#[utoipa::path(
    put, path = "/api/v1/notes/{id}", tag = "keep", request_body = Content,
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
    let content = content_of(&dependencies, body).await?;
    let note = dependencies.notes.replace(number, content, &author).await?;
    Ok(Json(Answer::new(note, &author)))
}

/// Delete a note
#[utoipa::path(
    delete, path = "/api/v1/notes/{id}", tag = "keep",
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
    let note = dependencies.notes.delete(number, &author).await?;
    Ok(Json(Answer::new(note, &author)))
}
