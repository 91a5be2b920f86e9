//! Attribute lists and values out of protobuf, borrowed from the request. A field that comes more than once is merged
//! as protobuf asks: lists go on, messages are one, of all else the last counts.

use std::collections::HashSet;
use std::ops::Range;

use crawlspace_model::attribute::{VALUE_DEPTH_MAX, Value};

use super::ATTRIBUTES_MAX;
use super::protobuf::{self, DEPTH_MAX, Malformed, Reader};
use crate::batch::{KeyId, KnownText, TableBuilder};

pub(super) type Attributes<'a> = Vec<(&'a str, Value<'a>)>;

// A list or map in another takes two messages, so that protobuf's own limit comes first.
const _: () = assert!(DEPTH_MAX as usize / 2 <= VALUE_DEPTH_MAX);

/// Merges an `AnyValue` into `value`.
pub(super) fn merge<'a>(value: &mut Value<'a>, mut message: Reader<'a>) -> Result<(), Malformed> {
    while let Some(tag) = message.tag()? {
        match tag.field {
            1 => *value = Value::String(message.text(tag)?),
            2 => *value = Value::Bool(message.flag(tag)?),
            3 => *value = Value::Int(message.number(tag)?.cast_signed()),
            4 => *value = Value::Double(message.double(tag)?),
            5 => {
                let mut list = match std::mem::replace(value, Value::Null) {
                    Value::List(list) => list,
                    _ => Vec::new(),
                };
                merge_list(&mut list, message.message(tag)?)?;
                *value = Value::List(list);
            }
            6 => {
                let mut map = match std::mem::replace(value, Value::Null) {
                    Value::Map(map) => map,
                    _ => Vec::new(),
                };
                merge_map(&mut map, message.message(tag)?)?;
                *value = Value::Map(map);
            }
            7 => *value = Value::Bytes(message.bytes(tag)?),
            // An index into the string table of a profiles request; no other signal has such a table.
            8 => {
                message.int32(tag)?;
                *value = Value::Null;
            }
            _ => message.skip(tag)?,
        }
    }
    Ok(())
}

fn merge_list<'a>(list: &mut Vec<Value<'a>>, mut message: Reader<'a>) -> Result<(), Malformed> {
    while let Some(tag) = message.tag()? {
        if tag.field == 1 {
            let mut item = Value::Null;
            merge(&mut item, message.message(tag)?)?;
            list.push(item);
        } else {
            message.skip(tag)?;
        }
    }
    Ok(())
}

fn merge_map<'a>(map: &mut Attributes<'a>, mut message: Reader<'a>) -> Result<(), Malformed> {
    while let Some(tag) = message.tag()? {
        if tag.field == 1 {
            map.push(key_value(message.message(tag)?)?);
        } else {
            message.skip(tag)?;
        }
    }
    Ok(())
}

fn key_value<'a>(message: Reader<'a>) -> Result<(&'a str, Value<'a>), Malformed> {
    let (key, value) = raw_key_value(message)?;
    Ok((protobuf::text(key)?, value))
}

/// A `KeyValue` whose key, if it comes more than once, is checked to be UTF-8 but for the last time.
#[inline]
fn raw_key_value<'a>(mut message: Reader<'a>) -> Result<(&'a [u8], Value<'a>), Malformed> {
    let (mut key, mut value) = (None, Value::Null);
    while let Some(tag) = message.tag()? {
        match tag.field {
            1 => {
                if let Some(before) = key.replace(message.bytes(tag)?) {
                    protobuf::text(before)?;
                }
            }
            2 => merge(&mut value, message.message(tag)?)?,
            3 => _ = message.int32(tag)?,
            _ => message.skip(tag)?,
        }
    }
    Ok((key.unwrap_or_default(), value))
}

/// One list, as it is read: keys repeated as they came.
#[derive(Debug, Default)]
pub(super) struct List<'a> {
    pub(super) entries: Attributes<'a>,
    /// The key of the first entry beyond [`ATTRIBUTES_MAX`], which are left out.
    pub(super) extra: Option<&'a str>,
}

impl<'a> List<'a> {
    /// Adds a `KeyValue`.
    pub(super) fn add(&mut self, message: Reader<'a>) -> Result<(), Malformed> {
        let entry = key_value(message)?;
        if self.entries.len() < ATTRIBUTES_MAX {
            self.entries.push(entry);
        } else {
            self.extra.get_or_insert(entry.0);
        }
        Ok(())
    }

    /// Keeps of each key its last value, at the place of that.
    pub(super) fn make_unique(&mut self) {
        let mut seen = HashSet::new();
        self.entries.reverse();
        self.entries.retain(|(key, _)| seen.insert(*key));
        self.entries.reverse();
    }
}

/// The key of a record's attribute: mostly one that the table's builder knows.
#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Known(KeyId),
    New(&'a str),
}

/// Its value: mostly a text that the key's column has.
#[derive(Debug)]
enum Item<'a> {
    Text(KnownText),
    Value(Value<'a>),
}

/// The attribute lists of records, one after the other, for rows of one table.
#[derive(Debug, Default)]
pub(super) struct Lists<'a>(Vec<(Key<'a>, Item<'a>)>);

/// One of them, as long as it is read and until it is put into a row.
#[derive(Debug, Default, Clone)]
pub(super) struct RowList<'a> {
    entries: Range<usize>,
    last: Option<KeyId>,
    pub(super) extra: Option<&'a str>,
}

impl<'a> Lists<'a> {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn start(&self) -> RowList<'a> {
        RowList {
            entries: self.0.len()..self.0.len(),
            ..RowList::default()
        }
    }

    /// Adds a `KeyValue` to the list that was started last.
    #[inline]
    pub(super) fn add(
        &mut self,
        list: &mut RowList<'a>,
        message: Reader<'a>,
        row: &mut TableBuilder,
    ) -> Result<(), Malformed> {
        if list.entries.len() < ATTRIBUTES_MAX
            && let Some((key, text)) = message.plain_entry()
            && let Some(id) = row.find_key(list.last, key)
            && let Some(text) = row.find_text(id, text)
        {
            // What is equal to what is known need not be checked to be UTF-8.
            list.last = Some(id);
            self.push(list, Key::Known(id), Item::Text(text));
            return Ok(());
        }
        self.add_any(list, message, row)
    }

    fn add_any(
        &mut self,
        list: &mut RowList<'a>,
        message: Reader<'a>,
        row: &mut TableBuilder,
    ) -> Result<(), Malformed> {
        let (key, value) = raw_key_value(message)?;
        let known = row.find_key(list.last, key);
        if list.entries.len() == ATTRIBUTES_MAX {
            list.extra.get_or_insert(protobuf::text(key)?);
            return Ok(());
        }
        list.last = known;
        let key = match known {
            Some(id) => Key::Known(id),
            None => Key::New(protobuf::text(key)?),
        };
        self.push(list, key, Item::Value(value));
        Ok(())
    }

    fn push(&mut self, list: &mut RowList<'a>, key: Key<'a>, item: Item<'a>) {
        self.0.push((key, item));
        list.entries.end += 1;
    }

    /// Puts the list into the open row. A row keeps the first value of a key that it is given, so the last one goes
    /// first.
    #[inline]
    pub(super) fn put(&self, list: &RowList<'a>, row: &mut TableBuilder) {
        for (key, item) in self.0[list.entries.clone()].iter().rev() {
            let id = match key {
                Key::Known(id) => *id,
                Key::New(key) => row.key(key),
            };
            match item {
                Item::Text(text) => row.put_known(id, *text),
                Item::Value(value) => row.put_attribute(id, value),
            };
        }
    }
}
