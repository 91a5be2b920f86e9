//! `tail`: new events as they come, a line each, until Ctrl-C.

use serde_json::{Map, Value};

use crate::client::Client;
use crate::config::TailArguments;
use crate::failure::Failure;
use crate::print::{self, Page, Reader, number, printable};

/// Members that a line shows by place, or that only matter in the whole event.
const SHOWN_APART: [&str; 12] = [
    "time",
    "received_at",
    "observed_time",
    "trace_id",
    "span_id",
    "parent_span_id",
    "service.name",
    "name",
    "body",
    "duration_ns",
    "severity_text",
    "status_code",
];
/// Attributes that a line shows where nobody has chosen some.
const ATTRIBUTES_SHOWN: usize = 6;
/// The most bytes of one message of the server.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

pub async fn tail(arguments: TailArguments, page: &Page) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let condition = arguments.condition.as_deref();
    let parameters = [
        ("from", Some(arguments.from.as_str())),
        ("where", condition),
    ];
    let request = client.get_with("/api/v1/tail", &parameters);
    let mut response = client.answer(request, condition).await?;
    let mut stream = Messages::default();
    let mut left = arguments.count;
    loop {
        let chunk = response.chunk().await;
        let Some(chunk) = chunk.map_err(|error| client.unreachable(&error))? else {
            return Err(Failure::Unreachable(
                "the server closed the tail: start it again when the server is back".to_owned(),
            ));
        };
        for message in stream.take(&chunk)? {
            match message.event.as_str() {
                "" | "message" => {
                    if print::write(line(&message.data, &arguments, page).as_bytes())?
                        == Reader::Gone
                    {
                        return Ok(());
                    }
                    left = left.map(|left| left - 1);
                    if left == Some(0) {
                        return Ok(());
                    }
                }
                "left_out" if !arguments.server.json => print::note(&left_out(&message.data)),
                "error" => {
                    return Err(Failure::Wrong(crate::client::refusal(
                        message.data.as_bytes(),
                        None,
                    )));
                }
                _ => {}
            }
        }
    }
}

fn line(json: &str, arguments: &TailArguments, page: &Page) -> String {
    let event: Map<String, Value> = match serde_json::from_str(json) {
        Ok(event) if !arguments.server.json => event,
        _ => return format!("{json}\n"),
    };
    let text = |name: &str| match event.get(name) {
        Some(Value::String(text)) => printable(text),
        Some(value) => printable(&value.to_string()),
        None => String::new(),
    };
    let mut parts = vec![page.dimmed(&page.time(&text("time")))];
    if !arguments.fields.is_empty() {
        let fields = arguments.fields.iter();
        parts.extend(fields.map(|field| format!("{field}={}", shown(field, event.get(field)))));
        return format!("{}\n", parts.join("  "));
    }
    let what = match event.contains_key("body") {
        true => text("body"),
        false => text("name"),
    };
    parts.extend([text("service.name"), text("severity_text"), what]);
    if let Some(nanos) = event.get("duration_ns") {
        parts.push(shown("duration_ns", Some(nanos)));
    }
    if text("status_code") == "error" {
        parts.push(page.red("error"));
    }
    let attributes = event.iter().filter(|(name, _)| {
        !SHOWN_APART.contains(&name.as_str())
            && !name.starts_with("scope.")
            && !name.starts_with("telemetry.")
    });
    let attributes = attributes.take(ATTRIBUTES_SHOWN);
    parts.extend(attributes.map(|(name, value)| {
        page.dimmed(&format!("{}={}", printable(name), shown(name, Some(value))))
    }));
    parts.retain(|part| !part.is_empty());
    format!("{}\n", parts.join("  "))
}

fn shown(field: &str, value: Option<&Value>) -> String {
    match value {
        None => "-".to_owned(),
        Some(Value::String(text)) => printable(text),
        Some(value) => match value.as_f64().filter(|_| number::is_duration(field)) {
            Some(nanos) => number::duration(nanos),
            None => printable(&value.to_string()),
        },
    }
}

/// What the server says that it did not give.
fn left_out(json: &str) -> String {
    let counts: Value = serde_json::from_str(json).unwrap_or_default();
    let count = |name: &str| counts[name].as_u64().unwrap_or_default();
    let mut text = format!(
        "… {} left out: more come than are shown",
        number::counted(count("events"), "event")
    );
    if count("unread") > 0 {
        text.push_str(&format!(
            ", {} not even looked at",
            number::grouped(&count("unread").to_string())
        ));
    }
    text.push_str(" (narrow it with --where)");
    text
}

/// Server-sent events (HTML standard, 9.2.6), from the pieces in which they come.
#[derive(Default)]
struct Messages {
    buffer: Vec<u8>,
    open: Message,
}

#[derive(Default, Debug, PartialEq, Eq)]
struct Message {
    event: String,
    data: String,
}

impl Messages {
    /// The messages that end in this piece.
    fn take(&mut self, piece: &[u8]) -> Result<Vec<Message>, Failure> {
        self.buffer.extend_from_slice(piece);
        let mut messages = Vec::new();
        let mut start = 0;
        while let Some(length) = self.buffer[start..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.buffer[start..start + length]);
            let line = line.trim_end_matches('\r');
            start += length + 1;
            let (name, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "event" => self.open.event = value.to_owned(),
                "data" => {
                    if !self.open.data.is_empty() {
                        self.open.data.push('\n');
                    }
                    self.open.data.push_str(value);
                }
                "" if line.is_empty() => {
                    let message = std::mem::take(&mut self.open);
                    if !message.data.is_empty() {
                        messages.push(message);
                    }
                }
                _ => {}
            }
        }
        self.buffer.drain(..start);
        if self.buffer.len() + self.open.data.len() > MESSAGE_BYTES_MAX {
            let error = anyhow::anyhow!("a message of the server is over 16 MiB");
            return Err(Failure::Trouble(error));
        }
        Ok(messages)
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Messages, left_out};

    #[test]
    fn messages_are_the_same_in_whatever_pieces_they_come() {
        let text =
            ": hello\n\nevent: start\ndata: {}\n\ndata: {\"a\":1}\r\n\r\ndata:x\ndata: y\n\n";
        let expected = [("start", "{}"), ("", "{\"a\":1}"), ("", "x\ny")];
        let expected = expected.map(|(event, data)| Message {
            event: event.to_owned(),
            data: data.to_owned(),
        });
        for size in 1..=text.len() {
            let mut stream = Messages::default();
            let pieces = text.as_bytes().chunks(size);
            let messages: Vec<Message> = pieces
                .flat_map(|piece| stream.take(piece).unwrap())
                .collect();
            assert_eq!(messages, expected, "{size}");
        }
    }

    #[test]
    fn what_is_left_out_is_told() {
        assert_eq!(
            left_out(r#"{"events":1200,"unread":0}"#),
            "… 1,200 events left out: more come than are shown (narrow it with --where)"
        );
    }
}
