//! One call by each way in, and its answer in words that are the same for all. What a transport promises of every
//! answer is asserted here.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use http::{HeaderMap, Method};
use prost::Message as _;
use serde_json::Value;

use super::requests::{Request, Signal};
use crate::server::{PROTOBUF, Server};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Protobuf,
    Json,
    Grpc,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Protobuf, Self::Json, Self::Grpc];
    pub const HTTP: [Self; 2] = [Self::Protobuf, Self::Json];
}

/// What a sender has to make of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Taken,
    /// 400, INVALID_ARGUMENT: drop it.
    Undecodable,
    /// 413, RESOURCE_EXHAUSTED: send less at a time.
    TooLarge,
    /// 415, UNIMPLEMENTED: send it otherwise.
    Unsupported,
    /// 404, 405: there is nothing.
    NoRoute,
    /// 503, UNAVAILABLE: send it again, not before the time that is told.
    Later,
}

#[derive(Debug, PartialEq)]
pub struct Answer {
    pub class: Class,
    pub rejected: u64,
    pub message: String,
}

pub struct Call {
    pub signal: Signal,
    way: Way,
    method: Method,
    path: String,
    content_type: &'static str,
    encoding: &'static str,
    /// With gRPC's frame, where there is one.
    body: Vec<u8>,
    /// How many bytes a piece of the body has.
    piece: usize,
    address: Option<String>,
}

impl Call {
    pub fn new(way: Way, request: &Request) -> Self {
        let message = match way {
            Way::Json => request.to_json(),
            Way::Protobuf | Way::Grpc => request.to_protobuf(),
        };
        Self::raw(way, request.signal(), message)
    }

    /// Of any bytes for a message.
    pub fn raw(way: Way, signal: Signal, message: impl Into<Vec<u8>>) -> Self {
        let message = message.into();
        let (path, content_type, body) = match way {
            Way::Protobuf => (signal.path().to_owned(), PROTOBUF, message),
            Way::Json => (signal.path().to_owned(), "application/json", message),
            Way::Grpc => (signal.method(), "application/grpc", frame(0, &message)),
        };
        Self {
            signal,
            way,
            method: Method::POST,
            path,
            content_type,
            encoding: "",
            body,
            piece: usize::MAX,
            address: None,
        }
    }

    /// The message compressed, under that name of an encoding.
    pub fn compressed(
        way: Way,
        request: &Request,
        encoding: &'static str,
        compress: fn(&[u8]) -> Vec<u8>,
    ) -> Self {
        let plain = Self::new(way, request);
        let body = match way {
            Way::Grpc => frame(1, &compress(&plain.body[5..])),
            Way::Protobuf | Way::Json => compress(&plain.body),
        };
        plain.encoded(encoding).body(body)
    }

    pub fn encoded(self, encoding: &'static str) -> Self {
        Self { encoding, ..self }
    }

    pub fn body(self, body: Vec<u8>) -> Self {
        Self { body, ..self }
    }

    pub fn typed(self, content_type: &'static str) -> Self {
        Self {
            content_type,
            ..self
        }
    }

    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    pub fn path(self, path: &str) -> Self {
        let path = path.to_owned();
        Self { path, ..self }
    }

    pub fn in_pieces_of(self, piece: usize) -> Self {
        Self { piece, ..self }
    }

    /// To that `http://` address instead of the usual one.
    pub fn at(self, address: &str) -> Self {
        let address = Some(address.to_owned());
        Self { address, ..self }
    }
}

/// A message of a gRPC body.
pub fn frame(flag: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &length[..], message].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    crate::server::gzip(bytes)
}

/// Two members, one after the other.
pub fn gzip_twice(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    [gzip(first), gzip(second)].concat()
}

pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// One of the three signals' answers: they are the same on the wire.
#[derive(Clone, PartialEq, prost::Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

pub fn answer(server: &Server, call: &Call) -> Answer {
    let address = call.address.as_deref();
    match call.way {
        Way::Grpc => {
            let address = address.unwrap_or_else(|| server.otlp_grpc());
            let exchange = async {
                let connection = connect(address).await;
                exchange(connection, call).await
            };
            runtime().block_on(exchange)
        }
        Way::Protobuf | Way::Json => {
            let address = address.unwrap_or_else(|| server.otlp_http());
            over_http(server, address, call)
        }
    }
}

/// gRPC calls on one connection, all at the same time.
pub fn call_at_once(server: &Server, calls: Vec<Call>) -> Vec<Answer> {
    runtime().block_on(async {
        let connection = connect(server.otlp_grpc()).await;
        let calls = calls.into_iter().map(|call| {
            let connection = connection.clone();
            tokio::spawn(async move { exchange(connection, &call).await })
        });
        let mut answers = Vec::new();
        for call in calls.collect::<Vec<_>>() {
            answers.push(call.await.unwrap());
        }
        answers
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn over_http(server: &Server, address: &str, call: &Call) -> Answer {
    let url = format!("{address}{}", call.path);
    let mut request = server.client().request(call.method.clone(), url);
    for (name, value) in [
        ("content-type", call.content_type),
        ("content-encoding", call.encoding),
    ] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let response = request.body(call.body.clone()).send().unwrap();
    let class = match response.status().as_u16() {
        200 => Class::Taken,
        400 => Class::Undecodable,
        404 | 405 => Class::NoRoute,
        413 => Class::TooLarge,
        415 => Class::Unsupported,
        503 => Class::Later,
        other => panic!("{}: status {other}", call.path),
    };
    let headers = response.headers().clone();
    assert_eq!(
        headers.contains_key("retry-after"),
        class == Class::Later,
        "else the same would fail again"
    );
    assert_eq!(
        headers.contains_key("accept-encoding"),
        class == Class::Unsupported
    );
    let body = response.bytes().unwrap();
    if class == Class::NoRoute {
        assert_eq!(headers["content-type"], "application/problem+json");
        let message = String::from_utf8_lossy(&body).into_owned();
        return refused(class, message);
    }
    let is_json = call
        .content_type
        .to_ascii_lowercase()
        .starts_with("application/json");
    let spoken = if is_json {
        "application/json"
    } else {
        PROTOBUF
    };
    assert_eq!(
        headers["content-type"], spoken,
        "the language of the request"
    );
    match (class, is_json) {
        (Class::Taken, true) => taken_in_json(call.signal, &body),
        (Class::Taken, false) => taken(&body),
        (_, true) => {
            let status: Value = serde_json::from_slice(&body).unwrap();
            refused(class, status["message"].as_str().unwrap().to_owned())
        }
        (_, false) => refused(class, RpcStatus::decode(body).unwrap().message),
    }
}

fn refused(class: Class, message: String) -> Answer {
    assert!(!message.is_empty(), "no reason is given");
    Answer {
        class,
        rejected: 0,
        message,
    }
}

fn taken(body: &[u8]) -> Answer {
    let partial = ExportResponse::decode(body).unwrap().partial_success;
    let partial = partial.inspect(|partial| assert!(!partial.error_message.is_empty()));
    let partial = partial.unwrap_or_default();
    Answer {
        class: Class::Taken,
        rejected: u64::try_from(partial.rejected).unwrap(),
        message: partial.error_message,
    }
}

fn taken_in_json(signal: Signal, body: &[u8]) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap();
    let partial = &body["partialSuccess"];
    assert!(
        partial.is_null() == (body == serde_json::json!({})),
        "{body}"
    );
    let rejected = partial[signal.rejected_name()].as_str();
    let message = partial["errorMessage"].as_str().unwrap_or_default();
    assert!(partial.is_null() || !message.is_empty());
    Answer {
        class: Class::Taken,
        rejected: rejected.map_or(0, |number| number.parse().unwrap()),
        message: message.to_owned(),
    }
}

async fn connect(address: &str) -> h2::client::SendRequest<Bytes> {
    let address = address.strip_prefix("http://").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn exchange(sender: h2::client::SendRequest<Bytes>, call: &Call) -> Answer {
    let mut request = http::Request::builder()
        .method(call.method.clone())
        .uri(format!("http://localhost{}", call.path))
        .header("te", "trailers");
    for (name, value) in [
        ("content-type", call.content_type),
        ("grpc-encoding", call.encoding),
    ] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let mut sender = sender.ready().await.unwrap();
    let request = request.body(()).unwrap();
    let (response, mut stream) = sender.send_request(request, false).unwrap();
    let piece = call.piece.min(call.body.len().max(1));
    for bytes in call.body.chunks(piece) {
        stream
            .send_data(Bytes::copy_from_slice(bytes), false)
            .unwrap();
    }
    stream.send_data(Bytes::new(), true).unwrap();
    let (head, mut body) = response.await.unwrap().into_parts();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = chunk.unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        bytes.extend_from_slice(&chunk);
    }
    if head.status == 415 {
        return refused(Class::Unsupported, String::from_utf8(bytes).unwrap());
    }
    if head.status == 405 {
        return refused(Class::NoRoute, String::from_utf8(bytes).unwrap());
    }
    assert_eq!(head.status, 200, "gRPC's own status tells what is wrong");
    assert_eq!(head.headers["content-type"], "application/grpc");
    let trailers = body.trailers().await.unwrap();
    let status = trailers.as_ref().unwrap_or(&head.headers);
    of_grpc(status, &bytes)
}

fn of_grpc(status: &HeaderMap, body: &[u8]) -> Answer {
    let text = |name: &str| status.get(name).map(|value| value.to_str().unwrap());
    let class = match text("grpc-status").unwrap() {
        "0" => Class::Taken,
        "3" => Class::Undecodable,
        "8" => Class::TooLarge,
        "12" => Class::Unsupported,
        "14" => Class::Later,
        other => panic!("status {other}: {:?}", text("grpc-message")),
    };
    assert_eq!(
        text("grpc-status-details-bin").is_some(),
        class == Class::Later,
        "else the same would fail again"
    );
    if class != Class::Taken {
        assert!(body.is_empty());
        return refused(class, text("grpc-message").unwrap_or_default().to_owned());
    }
    let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
    assert_eq!((body[0], length), (0, body.len() - 5));
    taken(&body[5..])
}
