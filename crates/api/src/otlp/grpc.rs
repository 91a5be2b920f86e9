//! OTLP/gRPC: unary calls over HTTP/2. Framing and statuses follow "gRPC over HTTP2" (`PROTOCOL-HTTP2.md` of gRPC). The
//! message stays the client's bytes, compressed as they came: the log keeps them, and `wire` decodes them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{BufMut as _, Bytes, BytesMut};
use crawlspace_ingest::{ContentType, Door, Encoding, Ingest, Origin};
use crawlspace_model::Signal;
use crawlspace_model::account::Reason;
use http_body::Frame;
use prost::Message as _;

use super::refusal::{ENCODINGS, is_grpc, media_type};
use super::{BODY_BYTES_MAX, Message, Refusal, answer, encoding_of, read, text_of};
use crate::Dependencies;
use crate::access::Caller;
use crate::problem;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");

/// Before each message: whether it is compressed, and its length in four bytes.
const PREFIX_BYTES: usize = 5;
/// Peers refuse longer heads: what a message has beyond is left out.
const STATUS_MESSAGE_BYTES_MAX: usize = 2_000;

/// The services of the three signals.
pub(crate) fn routes() -> Router<Dependencies> {
    let path =
        |signal, service| format!("/opentelemetry.proto.collector.{signal}.v1.{service}/Export");
    Router::new()
        .route(&path("trace", "TraceService"), post(traces))
        .route(&path("logs", "LogsService"), post(logs))
        .route(&path("metrics", "MetricsService"), post(metrics))
}

async fn traces(
    State(to): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(&to.ingest, Signal::Traces, caller, &headers, body).await
}

async fn logs(
    State(to): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(&to.ingest, Signal::Logs, caller, &headers, body).await
}

async fn metrics(
    State(to): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(&to.ingest, Signal::Metrics, caller, &headers, body).await
}

async fn export(
    ingest: &Ingest,
    signal: Signal,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    if !is_grpc(&media_type(headers)) {
        // What the protocol asks for; a client of another kind finds words in the body.
        let text = "this is a gRPC service: send application/grpc, or POST to /v1/traces, /v1/logs or /v1/metrics\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response();
    }
    let origin = Origin {
        door: Door::OtlpGrpc,
        signal,
        key: caller.0,
        user_agent: text_of(headers, &USER_AGENT).to_owned(),
    };
    let message = message(ingest, headers, body).await;
    match super::accept(ingest, origin, message).await {
        Ok(accepted) => taken(&answer::to_protobuf(&accepted)),
        Err(refusal) => refused(&refusal),
    }
}

async fn message(ingest: &Ingest, headers: &HeaderMap, body: Body) -> Result<Message, Refusal> {
    let encoding = encoding_of(headers, &ENCODING)?;
    let (body, reservation) = read(ingest, body, PREFIX_BYTES + BODY_BYTES_MAX).await?;
    let (is_compressed, bytes) = unframe(&body)?;
    if is_compressed && encoding == Encoding::Identity {
        let detail =
            format!("the message is flagged as compressed, but `{ENCODING}` names no encoding");
        return Err(Refusal::new(Reason::Undecodable, detail));
    }
    Ok(Message {
        content_type: ContentType::Protobuf,
        encoding: if is_compressed {
            encoding
        } else {
            Encoding::Identity
        },
        bytes,
        reservation,
    })
}

/// The one message of a unary call, and whether it is compressed.
fn unframe(body: &Bytes) -> Result<(bool, Bytes), Refusal> {
    let wrong = |detail: String| Err(Refusal::new(Reason::Undecodable, detail));
    let Some((prefix, rest)) = body.split_first_chunk::<PREFIX_BYTES>() else {
        return wrong(format!("the call has no message, but {} bytes", body.len()));
    };
    let [flag, length @ ..] = *prefix;
    if flag > 1 {
        return wrong(format!("a message begins with 0 or 1, not {flag}"));
    }
    let length = u32::from_be_bytes(length) as usize;
    if length != rest.len() {
        let found = rest.len();
        return wrong(format!(
            "the call's one message announces {length} bytes, and {found} follow"
        ));
    }
    Ok((flag == 1, body.slice(PREFIX_BYTES..)))
}

fn taken(message: &[u8]) -> Response {
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("an answer is a few sentences long"));
    framed.put_slice(message);
    let trailers = HeaderMap::from_iter([(STATUS, HeaderValue::from_static("0"))]);
    let frames = VecDeque::from([Frame::data(framed.freeze()), Frame::trailers(trailers)]);
    let headers = [(CONTENT_TYPE, GRPC), (ACCEPT_ENCODING, ENCODINGS)];
    (headers, Body::new(Frames(frames))).into_response()
}

/// A refusal as gRPC tells it: HTTP's status is 200, gRPC's is in the head ("trailers only").
pub(super) fn refused(refusal: &Refusal) -> Response {
    let status = refusal.to_rpc_status();
    let message = percent_encoded(&status.message);
    let mut headers = HeaderMap::from_iter([
        (CONTENT_TYPE, GRPC),
        (ACCEPT_ENCODING, ENCODINGS),
        (STATUS, status.code.into()),
        (
            MESSAGE,
            message.try_into().expect("percent-encoded text is ASCII"),
        ),
    ]);
    if !status.details.is_empty() {
        let details = STANDARD_NO_PAD.encode(status.encode_to_vec());
        headers.insert(DETAILS, details.try_into().expect("base64 is ASCII"));
    }
    (headers, Body::empty()).into_response()
}

/// Where no route is: gRPC's "unimplemented" for gRPC's callers, a problem for others.
pub(crate) async fn unknown_route(uri: Uri, headers: HeaderMap) -> Response {
    if !is_grpc(&media_type(&headers)) {
        return problem::unknown_route(uri).await.into_response();
    }
    let detail = format!("there is no method `{}`", uri.path());
    refused(&Refusal::new(Reason::Unsupported, detail))
}

/// As `grpc-message` wants it: printable ASCII but for the percent sign, all other bytes as `%XX`.
fn percent_encoded(text: &str) -> String {
    let text = &text[..text.floor_char_boundary(STATUS_MESSAGE_BYTES_MAX)];
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(char::from(byte)),
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
        encoded
    })
}

/// A body of which the frames are there already.
struct Frames(VecDeque<Frame<Bytes>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{percent_encoded, unframe};

    #[test]
    fn a_unary_call_has_one_whole_message() {
        for (body, expected) in [
            (&b"\0\0\0\0\x02ab"[..], Some((false, &b"ab"[..]))),
            (b"\x01\0\0\0\0", Some((true, b""))),
            (b"", None),
            (b"\0\0\0\0", None),
            (b"\0\0\0\0\x03ab", None),
            (b"\0\0\0\0\x01ab", None),
            (b"\x02\0\0\0\x02ab", None),
            (b"\0\xff\xff\xff\xffab", None),
        ] {
            let found = unframe(&Bytes::copy_from_slice(body)).ok();
            let expected = expected.map(|(flag, bytes)| (flag, Bytes::from_static(bytes)));
            assert_eq!(found, expected, "{body:?}");
        }
    }

    #[test]
    fn messages_are_ascii_in_heads() {
        for (text, expected) in [
            ("plain `words`", "plain `words`"),
            ("50 %\nö", "50 %25%0A%C3%B6"),
        ] {
            assert_eq!(percent_encoded(text), expected);
        }
        assert!(percent_encoded(&"ä".repeat(5_000)).len() <= 6_000);
    }
}
