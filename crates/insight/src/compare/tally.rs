//! The first reading: every event of both sides, every field, counted by value.

use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array as _, ArrayRef};
use arrow::datatypes::DataType;
use crawlspace_model::Table;
use crawlspace_model::names::older_names;
use crawlspace_model::table::OVERFLOW;
use crawlspace_query::{Chunk, GroupField, Stored, Values as ChunkValues};

use super::coder::{Coder, Column};
use super::events::{Events, TRACE, WEIGHT};
use super::field::{Field, Values};
use super::question::Question;
use super::reading::{Rows, on_all_cores};
use super::statistics::Count;
use super::traces::Traces;
use super::value::{Kind, Value};
use crate::Error;

/// Further fields are left out, and counted.
const FIELDS_MAX: usize = 2_000;
/// They say how an event came in, not what it is.
const ABOUT_THE_WAY_IN: [&str; 4] = [WEIGHT, "attribute_sources", "otlp", OVERFLOW];

/// Fixed columns that are read as bytes.
const IDS: [&str; 3] = [TRACE, "span_id", "parent_span_id"];

/// What is known of all fields.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub fields: Vec<Field>,
    /// Fields that are not compared, and why.
    pub folded: Vec<(String, &'static str)>,
    pub fields_left_out: u64,
    pub totals: Count,
    pub traces: Traces,
    pub is_weighted: bool,
    /// Where a key of the overflow is counted; nowhere if it is read, or left out, as a column.
    in_overflow: HashMap<String, Option<usize>>,
    coder: Coder,
}

impl Tally {
    pub fn new(question: &Question<'_>) -> Self {
        let mut tally = Self::default();
        for column in question.table.fixed_columns() {
            tally.in_overflow.insert(column.name.to_owned(), None);
            let is_time = matches!(column.data_type, DataType::Timestamp(_, _));
            if is_time {
                tally.fold(column.name, "says when, not what");
            } else if is_id_of_event(question.table, column.name) {
                tally.fold(column.name, "names one trace or event");
            } else if question.asks_by(column.name) {
                tally.fold(column.name, "the question names it");
            } else if !ABOUT_THE_WAY_IN.contains(&column.name) {
                tally.fields.push(Field::new(column.name, None, false));
            }
        }
        let table = question.snapshot.table(question.table);
        for name in table.attribute_names() {
            if question.asks_by(&name) {
                tally.fold(&name, "the question names it");
                tally.in_overflow.insert(name, None);
                continue;
            }
            let Some(attribute) = table.attribute(&name) else {
                continue;
            };
            if attribute.column.is_some() {
                tally.in_overflow.insert(name.clone(), None);
            }
            if tally.fields.len() >= FIELDS_MAX {
                tally.fields_left_out += 1;
                tally.in_overflow.insert(name, None);
            } else if attribute.column.is_some() {
                tally.fields.push(Field::new(&name, None, false));
            } else {
                tally.add_overflow_field(&name, Kind::of(attribute.kinds.reads_as()));
            }
        }
        tally
    }

    fn fold(&mut self, name: &str, why: &'static str) {
        self.folded.push((name.to_owned(), why));
    }

    fn add_overflow_field(&mut self, name: &str, kind: Kind) {
        let index = self.fields.len();
        self.in_overflow.insert(name.to_owned(), Some(index));
        self.fields.push(Field::new(name, Some(kind), true));
    }

    /// What to read for some fields, and `more`: by their names, and as it is stored. Of ids their bytes are enough.
    pub fn columns(
        &self,
        is_wanted: impl Fn(usize, &Field) -> bool,
        more: &[&'static str],
    ) -> (Vec<&str>, Stored) {
        let mut named = Vec::new();
        let mut stored: BTreeSet<&str> = more.iter().copied().collect();
        for (index, field) in self.fields.iter().enumerate() {
            if !is_wanted(index, field) {
                continue;
            }
            if field.is_in_overflow {
                stored.insert(OVERFLOW);
            } else if is_id(&field.name) {
                stored.insert(&field.name);
            } else {
                named.push(field.name.as_str());
            }
        }
        let stored = stored.into_iter().map(str::to_owned);
        (named, Stored::Named(stored.collect()))
    }

    pub fn add(&mut self, piece: &Rows<'_>) -> Result<(), Error> {
        self.settle(piece)?;
        for events in Events::of(piece.rows()) {
            if !events.has_sides() {
                continue;
            }
            self.totals.add(&events.total());
            self.is_weighted |= events.is_weighted();
            self.traces.add(&events)?;
            for index in 0..self.fields.len() {
                let column = events.rows.column_by_name(&self.fields[index].name);
                if let Some(column) = column.filter(|_| !self.fields[index].is_in_overflow) {
                    self.add_column(index, &events, column)?;
                }
            }
            self.add_overflow(&events);
        }
        self.each_chunk(piece, Field::add_chunk)
    }

    /// Gives the columns of a row group, each with its field, on all cores.
    fn each_chunk(
        &mut self,
        piece: &Rows<'_>,
        each: impl Fn(&mut Field, &Events, &Chunk) + Sync,
    ) -> Result<(), Error> {
        let Rows::Group(group) = piece else {
            return Ok(());
        };
        let events = Events::new(group.rows.clone());
        if !events.has_sides() {
            return Ok(());
        }
        let by_name: HashMap<&str, &GroupField> = group
            .fields
            .iter()
            .map(|(name, chunk)| (name.as_str(), chunk))
            .collect();
        let pairs = self.fields.iter_mut().filter_map(|field| {
            let chunk = by_name.get(field.name.as_str())?;
            (!field.is_in_overflow).then_some((field, *chunk))
        });
        on_all_cores(pairs, |(field, chunk), buffer| {
            let chunk = chunk.decode(std::mem::take(buffer))?;
            each(field, &events, &chunk);
            *buffer = chunk.into_room();
            Ok(())
        })
    }

    /// What kind of values each field has is known once there is an event.
    fn settle(&mut self, piece: &Rows<'_>) -> Result<(), Error> {
        let unsettled = self.fields.iter_mut();
        for field in unsettled.filter(|field| !field.is_settled && !field.is_in_overflow) {
            let kind = match piece.rows().column_by_name(&field.name) {
                Some(column) => Column::new(&column.slice(0, 0))?.kind(),
                None => match piece.field(&field.name) {
                    Some(chunk) => Some(Kind::of(chunk.kind())),
                    None => continue,
                },
            };
            *field = Field::new(&field.name, kind, false);
            field.is_settled = true;
        }
        Ok(())
    }

    fn add_column(
        &mut self,
        index: usize,
        events: &Events,
        column: &ArrayRef,
    ) -> Result<(), Error> {
        let field = &mut self.fields[index];
        if column.null_count() == column.len() {
            return Ok(());
        }
        let column_of_kind = Column::new(column)?;
        if let Values::Buckets(buckets) = &mut field.values {
            field.present.add(&events.present(column));
            buckets.add_column(&column_of_kind, &events.sides);
            return Ok(());
        }
        self.coder.encode(&column_of_kind);
        let Coder {
            rows,
            codes,
            counts,
            ..
        } = &self.coder;
        events.each_count(
            counts,
            |rows| rows.iter().map(|row| codes[*row as usize]),
            |place, count| field.add(column_of_kind.value(rows[place]), count),
        );
        Ok(())
    }

    fn add_overflow(&mut self, events: &Events) {
        events.each_overflow(|row, key, text| {
            if !self.in_overflow.contains_key(key) && self.fields.len() < FIELDS_MAX {
                // Parts with very many keys do not list them all.
                self.add_overflow_field(key, Kind::Text);
            }
            if let Some(index) = self.in_overflow.get(key).copied().flatten() {
                let field = &mut self.fields[index];
                let value = Value::parse(field.kind.unwrap_or(Kind::Text), text);
                if let Some(value) = value {
                    field.add(value.raw(), &events.one(row));
                }
            }
        });
    }

    /// Whether some fields have to be looked into once more.
    pub fn choose_buckets(&mut self) -> bool {
        let selected = self.totals.rows[0] as f64 / self.totals.all_rows().max(1) as f64;
        let mut has_chosen = false;
        for buckets in self.fields.iter_mut().filter_map(Field::buckets) {
            buckets.choose(selected);
            has_chosen |= buckets.has_chosen();
        }
        has_chosen
    }

    /// The second reading, of some fields: the values in chosen buckets.
    pub fn look_into(&mut self, piece: &Rows<'_>) -> Result<(), Error> {
        self.each_chunk(piece, |field, events, chunk| {
            if let (Values::Buckets(buckets), ChunkValues::Texts(texts)) =
                (&mut field.values, &chunk.values)
            {
                let codes = |rows| chunk.codes_of(rows);
                events.each_count(&chunk.counts, codes, |place, count| {
                    buckets.look_into(texts.value(place), count);
                });
            }
        })?;
        for events in Events::of(piece.rows()) {
            for field in &mut self.fields {
                let column = events.rows.column_by_name(&field.name);
                let column = column.filter(|_| !field.is_in_overflow);
                let (Some(column), Values::Buckets(buckets)) = (column, &mut field.values) else {
                    continue;
                };
                if let Column::Text(texts) = Column::new(column)? {
                    for (row, text) in texts.iter().enumerate() {
                        if let Some(text) = text {
                            buckets.look_into(text.as_bytes(), &events.one(row));
                        }
                    }
                }
            }
            let (fields, in_overflow) = (&mut self.fields, &self.in_overflow);
            events.each_overflow(|row, key, text| {
                if let Some(Some(index)) = in_overflow.get(key)
                    && let Some(buckets) = fields[*index].buckets()
                {
                    buckets.look_into(text.as_bytes(), &events.one(row));
                }
            });
        }
        Ok(())
    }
}

impl Question<'_> {
    /// Whether the question's conditions name the field, be it by an older or a newer name.
    fn asks_by(&self, name: &str) -> bool {
        self.named.iter().any(|named| {
            named == name
                || older_names(name).contains(&named.as_str())
                || older_names(named).contains(&name)
        })
    }
}

fn is_id(name: &str) -> bool {
    IDS.contains(&name)
}

/// Of spans, `parent_span_id` says whether there is a parent; of logs, the ids say whether there is a trace.
fn is_id_of_event(table: Table, name: &str) -> bool {
    table == Table::Spans && [TRACE, "span_id"].contains(&name)
}
