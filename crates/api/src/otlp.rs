//! OTLP (specification 1.11): the same three signals over HTTP, as protobuf or JSON, and over gRPC. Both ways lead
//! through [`accept`]; answers and refusals are OTLP's own, in the language of the request.

mod answer;
pub(crate) mod grpc;
pub(crate) mod http;
mod refusal;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::response::Response;
use bytes::Bytes;
use crawlspace_ingest::{
    Accepted, ContentType, Door, Encoding, Ingest, Origin, Request as IngestRequest, Reservation,
};
use crawlspace_model::Signal;
use crawlspace_model::account::Reason;

use crate::body;
#[cfg(test)]
pub(crate) use refusal::RpcStatus;
pub(crate) use refusal::{CHALLENGE, Language, Refusal, panicked};

/// The most bytes of a request's message, as it came and decompressed: what OTLP recommends.
pub(crate) const BODY_BYTES_MAX: usize = 64 << 20;

/// A request's message, as it goes to the log.
struct Message {
    content_type: ContentType,
    encoding: Encoding,
    bytes: Bytes,
    reservation: Reservation,
}

/// Hands a message over, or writes down why there is none.
async fn accept(
    ingest: &Ingest,
    origin: Origin,
    message: Result<Message, Refusal>,
) -> Result<Accepted, Refusal> {
    let message =
        message.inspect_err(|refusal| ingest.refuse(&origin, refusal.reason, &refusal.message))?;
    let request = IngestRequest {
        origin,
        content_type: message.content_type,
        body: message.bytes,
        encoding: message.encoding,
        reservation: message.reservation,
    };
    Ok(ingest.accept(request).await?)
}

/// Refuses a request that was not let in, in the caller's language; the ledger has it.
pub(crate) fn deny(ingest: &Ingest, key: u32, request: &Request, refusal: Refusal) -> Response {
    let language = Language::of(request.headers());
    let path = request.uri().path();
    let signals = [
        ("trace", Signal::Traces),
        ("log", Signal::Logs),
        ("metric", Signal::Metrics),
    ];
    let signal = signals.into_iter().find(|(word, _)| path.contains(word));
    if let (&Method::POST, Some((_, signal))) = (request.method(), signal) {
        let door = match language {
            Language::Grpc => Door::OtlpGrpc,
            Language::Protobuf | Language::Json => Door::OtlpHttp,
        };
        let user_agent = text_of(request.headers(), &USER_AGENT).to_owned();
        let origin = Origin {
            door,
            signal,
            key,
            user_agent,
        };
        ingest.refuse(&origin, refusal.reason, &refusal.message);
    }
    refusal.into_response(language)
}

/// The whole body, with room reserved for each chunk before it is kept.
async fn read(
    ingest: &Ingest,
    body: Body,
    bytes_max: usize,
) -> Result<(Bytes, Reservation), Refusal> {
    let mut reservation = match ingest.reserve(0) {
        Ok(reservation) => reservation,
        Err(error) => {
            body::discard(body).await;
            return Err(error.into());
        }
    };
    let mut admit = |bytes| {
        Ok(reservation
            .grow(bytes)
            .inspect_err(|_| reservation.give_back())?)
    };
    let bytes = body::read(body, bytes_max, &mut admit).await?;
    Ok((bytes, reservation))
}

/// The encoding that a header names; none for no header.
fn encoding_of(headers: &HeaderMap, name: &HeaderName) -> Result<Encoding, Refusal> {
    let value = text_of(headers, name).to_ascii_lowercase();
    match value.as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        "zstd" => Ok(Encoding::Zstd),
        "deflate" => Ok(Encoding::Deflate),
        _ => Err(Refusal::new(
            Reason::Unsupported,
            format!("{name} `{value}` is not taken: send gzip, zstd, deflate or identity"),
        )),
    }
}

/// A header's text without space around it; empty for none.
fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}
