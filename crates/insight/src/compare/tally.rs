//! The first reading: every event of both sides, every field, counted by value.

use std::collections::HashMap;

use arrow::array::{Array as _, ArrayRef, RecordBatch};
use arrow::datatypes::DataType;
use crawlspace_model::Table;
use crawlspace_model::names::older_names;
use crawlspace_model::table::OVERFLOW;
use crawlspace_query::Stored;

use super::coder::{Coder, Column};
use super::events::{Events, TRACE, WEIGHT};
use super::field::{Field, Values};
use super::question::Question;
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
    is_settled: bool,
    coder: Coder,
    counts: Vec<Count>,
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

    /// The columns to read by their names, without ids: their bytes are enough.
    pub fn columns(&self, is_wanted: impl Fn(usize, &Field) -> bool) -> Vec<String> {
        let fields = self.fields.iter().enumerate();
        let wanted = fields.filter(|(index, field)| is_wanted(*index, field));
        let columns = wanted.filter(|(_, field)| !field.is_in_overflow && !is_id(&field.name));
        let names = columns.map(|(_, field)| field.name.clone());
        names.chain([WEIGHT.to_owned()]).collect()
    }

    /// The columns to read as they are stored.
    pub fn stored(&self, table: Table) -> Stored {
        let ids = IDS.iter().filter(|id| table.fixed_column(id).is_some());
        let ids = ids.map(|id| (*id).to_owned());
        let overflow = self.fields.iter().any(|field| field.is_in_overflow);
        let overflow = overflow.then(|| OVERFLOW.to_owned());
        Stored::Named(ids.chain(overflow).collect())
    }

    pub fn add(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        self.settle(rows)?;
        for events in Events::of(rows) {
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
        Ok(())
    }

    /// What kind of values each field has is known once there is an event.
    fn settle(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_settled, true) {
            return Ok(());
        }
        for field in &mut self.fields {
            if let (Some(column), false) = (rows.column_by_name(&field.name), field.is_in_overflow)
            {
                let kind = Column::new(&column.slice(0, 0))?.kind();
                *field = Field::new(&field.name, kind, false);
            }
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
        let steps = field.steps(&column_of_kind);
        let values = steps.as_ref().unwrap_or(&column_of_kind);
        self.coder.encode(values);
        events.counts(&self.coder, &mut self.counts);
        for (row, count) in self.coder.rows.iter().zip(&self.counts[1..]) {
            if steps.is_some() {
                field.add_step(values.value(*row), count);
            } else {
                field.add(values.value(*row), count);
            }
        }
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
    pub fn look_into(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        for events in Events::of(rows) {
            for field in &mut self.fields {
                let column = events.rows.column_by_name(&field.name);
                let column = column.filter(|_| !field.is_in_overflow);
                let (Some(column), Values::Buckets(buckets)) = (column, &mut field.values) else {
                    continue;
                };
                if let Column::Text(texts) = Column::new(column)? {
                    for (row, text) in texts.iter().enumerate() {
                        if let Some(text) = text {
                            buckets.look_into(text, &events.one(row));
                        }
                    }
                }
            }
            let (fields, in_overflow) = (&mut self.fields, &self.in_overflow);
            events.each_overflow(|row, key, text| {
                if let Some(Some(index)) = in_overflow.get(key)
                    && let Some(buckets) = fields[*index].buckets()
                {
                    buckets.look_into(text, &events.one(row));
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
