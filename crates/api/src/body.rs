//! Request bodies, read within bounds of size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use crawlspace_model::ErrorKind;
use crawlspace_wire::body::Growing;
use futures::StreamExt as _;
use http_body::Body as _;

/// A body has to arrive within this.
pub(crate) const READ_TIME_MAX: Duration = Duration::from_secs(60);

/// So much of a refused body is read.
const DISCARDED_BYTES_MAX: usize = 64 << 20;

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

async fn read_all(
    body: Body,
    limit: usize,
    admit: &mut (dyn FnMut(usize) -> Result<(), Unread> + Send),
) -> Result<Bytes, Unread> {
    let announced = body.size_hint().lower();
    let mut chunks = body.into_data_stream();
    let mut kept = Growing::new(limit).announced(announced);
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
            kept = Growing::new(limit);
        } else if let Err(error) = kept.extend(&chunk) {
            refused = Some(Unread::new(ErrorKind::Unavailable, error.to_string()));
        }
    }
    if seen > limit {
        let detail = format!("the body is over {limit} bytes: send less per request");
        return Err(Unread::new(ErrorKind::TooLarge, detail));
    }
    match refused {
        Some(refused) => Err(refused),
        None => Ok(kept.whole()),
    }
}
