//! Request bodies, read within bounds of size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use crawlspace_model::ErrorKind;
use futures::StreamExt as _;
use http_body::Body as _;

/// A body has to arrive within this.
pub(crate) const READ_TIME_MAX: Duration = Duration::from_secs(60);

/// So much of a refused body is read.
const DISCARDED_BYTES_MAX: usize = 64 << 20;

/// So much room is made for a body before it has come.
const ANNOUNCED_BYTES_MAX: usize = 1 << 20;

/// Why a body was not read to its end.
#[derive(Debug)]
pub(crate) struct Unread {
    pub kind: ErrorKind,
    pub detail: String,
}

impl Unread {
    fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

impl From<crawlspace_ingest::Error> for Unread {
    fn from(error: crawlspace_ingest::Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// The whole body, at most `limit` bytes. `admit` is asked for room before each chunk is kept, until it refuses.
///
/// What is refused is read on and thrown away, as much again as the limit: a client that still sends would see a broken
/// connection instead of the answer.
pub(crate) async fn read(
    body: Body,
    limit: usize,
    admit: &mut (dyn FnMut(usize) -> Result<(), Unread> + Send),
) -> Result<Bytes, Unread> {
    tokio::time::timeout(READ_TIME_MAX, read_all(body, limit, admit))
        .await
        .unwrap_or_else(|_| {
            let detail = format!(
                "the body did not arrive within {} s",
                READ_TIME_MAX.as_secs()
            );
            Err(Unread::new(ErrorKind::Unavailable, detail))
        })
}

/// Reads what a client still sends, within bounds, and throws it away.
pub(crate) async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let all = async {
        let mut seen = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            seen += chunk.len();
            if seen > DISCARDED_BYTES_MAX {
                break;
            }
        }
    };
    // Either way the answer goes out.
    _ = tokio::time::timeout(READ_TIME_MAX, all).await;
}

/// Room for so many bytes more: twice as much as there is, as vectors do, but no more than was announced.
fn make_room(kept: &mut Vec<u8>, more: usize, announced: usize) {
    let needed = kept.len() + more;
    if needed > kept.capacity() {
        let capacity = (kept.capacity() * 2).min(announced).max(needed);
        kept.reserve_exact(capacity - kept.len());
    }
}

async fn read_all(
    body: Body,
    limit: usize,
    admit: &mut (dyn FnMut(usize) -> Result<(), Unread> + Send),
) -> Result<Bytes, Unread> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
    let mut chunks = body.into_data_stream();
    // A body that outgrows its place is moved; of that much memory nothing is used before something is there.
    let mut kept = Vec::with_capacity(announced.min(limit).min(ANNOUNCED_BYTES_MAX));
    let (mut seen, mut refused) = (0, None);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            // Whoever sent it is gone or will send it again: nothing was wrong with what it says.
            Unread::new(
                ErrorKind::Unavailable,
                format!("the body broke off: {error}"),
            )
        })?;
        seen += chunk.len();
        if seen > limit.saturating_mul(2) {
            break;
        }
        if seen <= limit && refused.is_none() {
            refused = admit(chunk.len()).err();
        }
        if seen > limit || refused.is_some() {
            kept = Vec::new();
            continue;
        }
        make_room(&mut kept, chunk.len(), announced.min(limit));
        kept.extend_from_slice(&chunk);
    }
    if seen > limit {
        let detail = format!("the body is over {limit} bytes: send less per request");
        return Err(Unread::new(ErrorKind::TooLarge, detail));
    }
    match refused {
        Some(refused) => Err(refused),
        None => Ok(kept.into()),
    }
}
