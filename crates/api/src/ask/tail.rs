//! The live tail, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use crawlspace_query::{Glimpse, Tail};
use futures::stream::{self, Stream, StreamExt as _};
use serde::Deserialize;
use serde_json::json;

use crate::Dependencies;
use crate::access::Caller;
use crate::answer::objects;
use crate::parameters::Parameters;
use crate::problem::{Problem, Refusals};

/// How often a comment shows that the connection stands.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What to follow.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TailParameters {
    /// `spans`, `logs`, `metrics` or `changes`; `spans` without.
    from: Option<String>,
    /// An SQL condition with dotted names.
    #[serde(rename = "where")]
    #[param(rename = "where", example = "status_code = 'error'")]
    condition: Option<String>,
}

/// New events as they become visible
///
/// Server-sent events: a message is an event of the table, as a JSON object without the members that are null. `start`
/// comes first, `left_out` counts what was not given, `end` comes when the server closes or the key is revoked.
#[utoipa::path(
    get, path = "/api/v1/tail", tag = "ask", params(TailParameters),
    responses((status = 200, description = "Until either side closes.", body = String, content_type = "text/event-stream"), Refusals)
)]
pub(crate) async fn tail(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    Parameters(parameters): Parameters<TailParameters>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let TailParameters { from, condition } = parameters;
    let from = from.as_deref().unwrap_or("spans");
    let tail = dependencies.engine.tail(from, condition.as_deref())?;
    let start = named("start", json!({"position": tail.position()}));
    let keys = Arc::clone(&dependencies.gate.keys);
    let news = stream::unfold(Some(tail), move |tail| {
        let keys = Arc::clone(&keys);
        next(tail, move || keys.is_revoked(caller.0))
    });
    let news = news.flat_map(stream::iter);
    let events = stream::once(async { start }).chain(news).map(Ok);
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// What is new, and the tail unless it has ended.
async fn next(
    tail: Option<Tail>,
    is_revoked: impl Fn() -> bool,
) -> Option<(Vec<Event>, Option<Tail>)> {
    let mut tail = tail?;
    Some(match tail.next().await {
        Ok(_) if is_revoked() => (vec![named("end", json!({"reason": "key revoked"}))], None),
        Ok(Some(glimpse)) => (events(&glimpse), Some(tail)),
        Ok(None) => (vec![named("end", json!({"reason": "closing"}))], None),
        Err(error) => {
            tracing::warn!(%error, "a tail broke off");
            let problem = Problem::from(error).to_json();
            let problem = String::from_utf8_lossy(&problem);
            (vec![Event::default().event("error").data(problem)], None)
        }
    })
}

fn events(glimpse: &Glimpse) -> Vec<Event> {
    let rows = glimpse.events.iter().flat_map(objects);
    let row = |object: Vec<u8>| Event::default().data(String::from_utf8_lossy(&object));
    let mut events: Vec<Event> = rows.map(row).collect();
    let Glimpse {
        left_out, unread, ..
    } = glimpse;
    if left_out + unread > 0 {
        events.push(named(
            "left_out",
            json!({"events": left_out, "unread": unread}),
        ));
    }
    events
}

fn named(name: &str, data: serde_json::Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
