//! Sends batches, a few at a time, again where the server asks for that, and reads what it says about them.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;

use super::Batch;
use super::protobuf::{Field, Fields};
use crate::client::{Client, refusal};
use crate::failure::Failure;

/// Requests under way: enough that the server's disk is the limit.
const REQUESTS_MAX: usize = 4;
/// Times that a request is sent before the import gives up.
const ATTEMPTS_MAX: u32 = 30;
/// Waiting times: from the first to the last attempt twice as long, within these.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub place: String,
    pub refused: u64,
    pub message: String,
}

pub struct Sender {
    client: Client,
    running: JoinSet<Result<Outcome, Failure>>,
}

impl Sender {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            running: JoinSet::new(),
        }
    }

    /// Begins to send; gives what has become of earlier batches.
    pub async fn send(&mut self, batch: Batch) -> Result<Vec<Outcome>, Failure> {
        let mut outcomes = Vec::new();
        while self.running.len() >= REQUESTS_MAX {
            outcomes.extend(self.next().await?);
        }
        self.running.spawn(deliver(self.client.clone(), batch));
        Ok(outcomes)
    }

    pub async fn finish(mut self) -> Result<Vec<Outcome>, Failure> {
        let mut outcomes = Vec::new();
        while let Some(outcome) = self.next().await? {
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn next(&mut self) -> Result<Option<Outcome>, Failure> {
        let ended = self.running.join_next().await.transpose();
        ended.map_err(anyhow::Error::from)?.transpose()
    }
}

async fn deliver(client: Client, batch: Batch) -> Result<Outcome, Failure> {
    let mut pause = PAUSE_MIN;
    for attempt in 1.. {
        let media_type = match batch.is_json {
            true => "application/json",
            false => "application/x-protobuf",
        };
        let request = client.post(batch.signal.path());
        let request = request
            .header(CONTENT_TYPE, media_type)
            .body(batch.body.clone());
        let answer = client.send(request).await;
        let is_last = attempt >= ATTEMPTS_MAX;
        match answer {
            Ok(response) if is_for_later(response.status()) && !is_last => {
                let asked = retry_after(&response).unwrap_or(pause);
                tokio::time::sleep(asked.min(PAUSE_MAX)).await;
            }
            // A server that has never answered is not there; one that has may be starting anew.
            Err(failure @ Failure::Unreachable(_)) if attempt == 1 || is_last => {
                return Err(failure);
            }
            Err(Failure::Unreachable(_)) => tokio::time::sleep(pause).await,
            Err(failure) => return Err(failure),
            Ok(response) => return outcome(&client, batch, response).await,
        }
        pause = (pause * 2).min(PAUSE_MAX);
    }
    unreachable!("the last attempt returns")
}

/// The statuses after which OTLP/HTTP has clients send again.
fn is_for_later(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

async fn outcome(client: &Client, batch: Batch, response: Response) -> Result<Outcome, Failure> {
    let status = response.status();
    let body = client.body(response).await?;
    let place = batch.place;
    if status.is_success() {
        let (refused, message) = partial_success(&body, batch.is_json);
        return Ok(Outcome {
            place,
            refused,
            message,
        });
    }
    let message = message_of(&body, batch.is_json);
    match status {
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE => Ok(Outcome {
            place,
            refused: batch.records,
            message,
        }),
        StatusCode::NOT_FOUND | StatusCode::UNSUPPORTED_MEDIA_TYPE => Err(Failure::Wrong(format!(
            "{place}: this server does not take such data: {message}"
        ))),
        _ => Err(client.failure(status, message)),
    }
}

/// How many records were refused, and why: the `partial_success` of all three signals has them in the same fields.
fn partial_success(body: &[u8], is_json: bool) -> (u64, String) {
    if is_json {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let partial = &answer["partialSuccess"];
        let rejected = ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"];
        let rejected = rejected.iter().find_map(|name| match &partial[name] {
            Value::String(digits) => digits.parse().ok(),
            number => number.as_u64(),
        });
        let message = partial["errorMessage"].as_str().unwrap_or_default();
        return (rejected.unwrap_or_default(), message.to_owned());
    }
    let mut found = (0, String::new());
    for (number, field) in Fields(body).flatten() {
        let (1, Field::Bytes(partial)) = (number, field) else {
            continue;
        };
        for (number, field) in Fields(partial).flatten() {
            match (number, field) {
                (1, Field::Varint(rejected)) => found.0 = rejected,
                (2, Field::Bytes(text)) => found.1 = String::from_utf8_lossy(text).into_owned(),
                _ => {}
            }
        }
    }
    found
}

/// The message of a `google.rpc.Status`, or of a problem.
fn message_of(body: &[u8], is_json: bool) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    if let Some(message) = json.as_ref().and_then(|json| json["message"].as_str()) {
        return message.to_owned();
    }
    let text = Fields(body).flatten().find_map(|field| match field {
        (2, Field::Bytes(text)) if !is_json => std::str::from_utf8(text).ok(),
        _ => None,
    });
    text.map_or_else(|| refusal(body, None), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{message_of, partial_success};

    #[test]
    fn answers_are_read_in_both_forms() {
        let json = br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no id"}}"#;
        assert_eq!(partial_success(json, true), (2, "no id".to_owned()));
        assert_eq!(partial_success(b"{}", true), (0, String::new()));
        let protobuf = b"\x0a\x09\x08\x02\x12\x05no id";
        assert_eq!(partial_success(protobuf, false), (2, "no id".to_owned()));
        assert_eq!(partial_success(b"", false), (0, String::new()));
        assert_eq!(message_of(b"\x08\x03\x12\x03bad", false), "bad");
        assert_eq!(message_of(br#"{"code":3,"message":"bad"}"#, true), "bad");
        assert_eq!(
            message_of(br#"{"title":"x","detail":"gone"}"#, false),
            "gone"
        );
    }
}
