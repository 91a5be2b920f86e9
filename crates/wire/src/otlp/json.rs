//! OTLP/JSON to protobuf, by the table of messages, and back. What is wrong costs the record that
//! it is in, or where it is in a resource, a scope or a metric, the records in that: never others.
//! Where encoders differ from each other, both ways are read.
//!
//! Source: the OTLP specification, "JSON Protobuf Encoding", and ProtoJSON.

mod reader;
mod scalar;
mod write;

use std::borrow::Cow;

use super::message::{Field, Kind, Message, Role};
use super::notes::{Notes, Refusal, quoted};
use crate::Error;
pub(super) use reader::{Reader, Token};
pub(super) use scalar::unhex;
use scalar::{put_length, put_scalar, put_varint, shown};
pub(super) use write::to_json;

/// prost refuses messages that are nested deeper.
const DEPTH_MAX: usize = 100;

/// The bytes that hold a length, whatever it is: its size is known when its place is past.
const LENGTH_BYTES: usize = 5;

const BAD_VALUE: &str =
    "records refused because their JSON has what OTLP does not have in that place";
const TOO_DEEP: &str = "records refused because their JSON is nested deeper than 100 messages";
const SNAKE_CASE: &str = "keys in snake_case ignored, as OTLP/JSON has them in lowerCamelCase";
const NO_HEX: &str = "log records stored without an id that is no hex";
const NO_UNICODE: &str = "texts in which U+FFFD replaces what is no Unicode";

/// A request that came as JSON.
pub(super) struct FromJson {
    pub(super) protobuf: Vec<u8>,
    /// The records that are not in it.
    pub(super) rejected: u64,
    pub(super) notes: Notes,
}

/// # Errors
/// `BadInput` when the body is no JSON, or not an object with lists of resources.
pub(super) fn to_protobuf(message: &'static Message, body: &[u8]) -> Result<FromJson, Error> {
    let text = String::from_utf8_lossy(body);
    let mut transcoder = Transcoder {
        reader: Reader::new(&text),
        out: Vec::with_capacity(text.len() / 2),
        depth: 0,
        flaw: None,
        records: 0,
        rejected: 0,
        notes: Notes::default(),
    };
    if transcoder.reader.value()? != Token::Map {
        return Err(transcoder.reader.fault("an object belongs"));
    }
    transcoder.members(message)?;
    transcoder.reader.end()?;
    if let Some(flaw) = transcoder.flaw {
        return Err(Error::Request { flaw: flaw.example });
    }
    let mut notes = transcoder.notes;
    let replaced = transcoder.reader.replaced + u64::from(matches!(text, Cow::Owned(_)));
    if replaced > 0 {
        notes.add(NO_UNICODE, replaced, || {
            "half of a surrogate pair, or bytes that are no UTF-8".to_owned()
        });
    }
    Ok(FromJson {
        protobuf: transcoder.out,
        rejected: transcoder.rejected,
        notes,
    })
}

struct Transcoder<'a> {
    reader: Reader<'a>,
    out: Vec<u8>,
    depth: usize,
    /// What is wrong with the message that is being read, first of all. Reading goes on to its end.
    flaw: Option<Refusal>,
    /// The records that are in `out`.
    records: u64,
    rejected: u64,
    notes: Notes,
}

impl Transcoder<'_> {
    /// The members of an open object.
    fn members(&mut self, message: &'static Message) -> Result<(), Error> {
        let mut is_first = true;
        while let Some(key) = self.reader.key(std::mem::take(&mut is_first))? {
            let token = self.reader.value()?;
            match message.fields.iter().find(|field| field.name == key) {
                // Null is as good as absent.
                _ if token == Token::Null => {}
                Some(field) if field.repeated => self.list(field, &token)?,
                Some(field) => self.one(field, &token)?,
                None => {
                    if is_snake_case(&key, message) {
                        self.notes.add(SNAKE_CASE, 1, || quoted(&key));
                    }
                    self.reader.skip(&token)?;
                }
            }
        }
        Ok(())
    }

    fn list(&mut self, field: &'static Field, token: &Token<'_>) -> Result<(), Error> {
        if *token != Token::List {
            self.blame(field, "a list", token);
            return self.reader.skip(token);
        }
        let mut is_first = true;
        while self.reader.has_item(std::mem::take(&mut is_first))? {
            let token = self.reader.value()?;
            self.one(field, &token)?;
        }
        Ok(())
    }

    fn one(&mut self, field: &'static Field, token: &Token<'_>) -> Result<(), Error> {
        let start = self.out.len();
        match field.kind {
            Kind::Message(message) => match message.role {
                Role::Part => self.message(field, message, token)?,
                Role::Group | Role::Record => {
                    let (outer, records) = (self.flaw.take(), self.records);
                    self.message(field, message, token)?;
                    self.records += u64::from(message.role == Role::Record);
                    if let Some(flaw) = std::mem::replace(&mut self.flaw, outer) {
                        self.out.truncate(start);
                        let lost = self.records - records;
                        self.records = records;
                        self.rejected += lost;
                        self.notes.add(flaw.cause, lost.max(1), || flaw.example);
                    }
                }
            },
            kind => match put_scalar(field.number, kind, token, &mut self.out) {
                Ok(()) => {}
                Err(_) if matches!(kind, Kind::IdOrNone) => {
                    self.notes.add(NO_HEX, 1, || {
                        format!("`{}` is {}", field.name, shown(token))
                    });
                    self.reader.skip(token)?;
                }
                Err(expected) => {
                    self.blame(field, expected, token);
                    self.reader.skip(token)?;
                }
            },
        }
        Ok(())
    }

    /// A message in its field. Null in a list is an empty one.
    fn message(
        &mut self,
        field: &'static Field,
        message: &'static Message,
        token: &Token<'_>,
    ) -> Result<(), Error> {
        if self.depth == DEPTH_MAX {
            self.flaw.get_or_insert_with(|| Refusal {
                cause: TOO_DEEP,
                example: format!("in `{}`", field.name),
            });
            return self.reader.skip(token);
        }
        put_varint(u64::from(field.number) << 3 | 2, &mut self.out);
        let length_at = self.out.len();
        self.out.extend([0; LENGTH_BYTES]);
        match token {
            Token::Null => {}
            Token::Map => {
                self.depth += 1;
                self.members(message)?;
                self.depth -= 1;
            }
            _ => {
                self.blame(field, "an object", token);
                self.reader.skip(token)?;
            }
        }
        put_length(&mut self.out, length_at);
        Ok(())
    }

    fn blame(&mut self, field: &Field, expected: &str, token: &Token<'_>) {
        self.flaw.get_or_insert_with(|| Refusal {
            cause: BAD_VALUE,
            example: format!("`{}` is {}, not {expected}", field.name, shown(token)),
        });
    }
}

/// Whether `key` would be a field of the message in lowerCamelCase.
fn is_snake_case(key: &str, message: &Message) -> bool {
    if !key.contains('_') {
        return false;
    }
    let joined: String = key.split('_').collect();
    message
        .fields
        .iter()
        .any(|field| field.name.eq_ignore_ascii_case(&joined))
}

#[cfg(test)]
mod tests;
