//! Backups over HTTP: a line of JSON for each step, and one for the end.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use crawlspace_lake::backup::{BackedUp, Progress};
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Dependencies;
use crate::ask::json_of;
use crate::problem::{Problem, Refusals};

/// Steps that wait for a slow reader; further ones are left out.
const STEPS_AHEAD_MAX: usize = 16;

#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = BackupRequest, example = json!({"to": "/srv/backup"}))]
pub(crate) struct BackupRequest {
    /// A directory of the server's machine, by its absolute path, or `s3://BUCKET/PREFIX`.
    to: String,
}

/// How far the backup is; the last line has `done` or `error` instead.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = BackupProgress, example = json!({"parts": 1, "parts_total": 2, "bytes": 98304, "bytes_total": 131072}))]
struct ProgressLine {
    parts: usize,
    parts_total: usize,
    bytes: u64,
    bytes_total: u64,
}

#[derive(Serialize)]
struct DoneLine {
    done: Done,
}

#[derive(Serialize)]
struct Done {
    parts: usize,
    bytes: u64,
    copied_parts: usize,
    copied_bytes: u64,
}

/// Copy everything to a directory or a bucket
///
/// Rows in memory are flushed first. What the last backup there had is not copied again. Answers a line of JSON for each
/// part, then `{"done": {…}}`, or `{"error": {…}}` with a problem if it could not be finished.
#[utoipa::path(
    post, path = "/api/v1/backup", tag = "operate", request_body = BackupRequest,
    responses((status = 200, description = "Lines of JSON.", body = ProgressLine, content_type = "application/x-ndjson"), Refusals)
)]
pub(crate) async fn backup(
    State(dependencies): State<Dependencies>,
    body: Body,
) -> Result<Response, Problem> {
    let request: BackupRequest = json_of(body).await?;
    let (steps, mut progress) = mpsc::channel(STEPS_AHEAD_MAX);
    let mut task = JoinSet::new();
    task.spawn(async move {
        dependencies.ingest.flush().await?;
        let on_progress = move |step: Progress| _ = steps.try_send(step);
        let done = dependencies.backups.take(&request.to, &on_progress).await?;
        Ok::<_, Problem>(done)
    });
    let first = next(&mut progress, &mut task).await;
    if let Step::End(Err(problem)) = first {
        return Err(problem);
    }
    let rest = stream::unfold(
        (Some(first), progress, task),
        |(first, mut progress, mut task)| async {
            let step = match first {
                Some(step) => step,
                None if task.is_empty() => return None,
                None => next(&mut progress, &mut task).await,
            };
            Some((Ok::<_, Infallible>(line(&step)), (None, progress, task)))
        },
    );
    Ok((
        [(CONTENT_TYPE, "application/x-ndjson")],
        Body::from_stream(rest),
    )
        .into_response())
}

enum Step {
    On(Progress),
    End(Result<BackedUp, Problem>),
}

async fn next(
    progress: &mut mpsc::Receiver<Progress>,
    task: &mut JoinSet<Result<BackedUp, Problem>>,
) -> Step {
    if let Some(step) = progress.recv().await {
        return Step::On(step);
    }
    Step::End(match task.join_next().await {
        Some(Ok(result)) => result,
        _ => Err(Problem::new(
            crawlspace_model::ErrorKind::Internal,
            "the backup ended badly",
        )),
    })
}

fn line(step: &Step) -> Vec<u8> {
    let mut line = match step {
        Step::On(step) => json(&ProgressLine {
            parts: step.parts,
            parts_total: step.parts_total,
            bytes: step.bytes,
            bytes_total: step.bytes_total,
        }),
        Step::End(Ok(done)) => json(&DoneLine {
            done: Done {
                parts: done.parts,
                bytes: done.bytes,
                copied_parts: done.copied_parts,
                copied_bytes: done.copied_bytes,
            },
        }),
        Step::End(Err(problem)) => [b"{\"error\":", problem.to_json().as_slice(), b"}"].concat(),
    };
    line.push(b'\n');
    line
}

fn json(line: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(line).expect("numbers have a JSON form")
}
