//! The names and types of a table without its rows, parts and batches: what a question is understood by, in a form that
//! can be handed to who must not see more.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use crawlspace_model::attribute::{Kind, Kinds};
use crawlspace_model::table::text_type;
use crawlspace_model::{Table, UnixNanos};
use serde::{Deserialize, Serialize};

use super::TableSnapshot;
use crate::catalogue::{Column, Part, PartMeta};
use crate::columns::Columns;
use crate::conform::{attribute_fields, kind_of_type};
use crate::memory::MemoryBatch;

/// See the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableOutline {
    pub table: Table,
    columns: Vec<Column>,
    has_memory: bool,
    /// The kinds that attributes have in memory, in the order in which they came.
    memory: Vec<(String, Vec<Kind>)>,
    overflow: BTreeMap<String, Kinds>,
    overflow_complete: bool,
}

impl TableSnapshot {
    #[must_use]
    pub fn outline(&self) -> TableOutline {
        let mut places = BTreeMap::new();
        let mut memory: Vec<(String, Vec<Kind>)> = Vec::new();
        let mut overflow: BTreeMap<String, Kinds> = BTreeMap::new();
        for batch in &self.memory {
            for (_, field) in attribute_fields(&batch.rows) {
                let place = *places.entry(field.name().clone()).or_insert_with(|| {
                    memory.push((field.name().clone(), Vec::new()));
                    memory.len() - 1
                });
                let (kind, kinds) = (kind_of_type(field.data_type()), &mut memory[place].1);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        let in_memory = self.memory.iter().map(|batch| &batch.overflow);
        let in_parts = self.parts.iter().map(|part| &part.meta.overflow);
        for (name, kinds) in in_memory.chain(in_parts).flatten() {
            match overflow.get_mut(name) {
                Some(known) => *known = known.union(*kinds),
                None => _ = overflow.insert(name.clone(), *kinds),
            }
        }
        TableOutline {
            table: self.table,
            columns: self
                .columns
                .iter()
                .map(|column| column.as_ref().clone())
                .collect(),
            has_memory: !self.memory.is_empty(),
            memory,
            overflow,
            overflow_complete: self.parts.iter().all(|part| part.meta.overflow_complete),
        }
    }
}

impl TableOutline {
    /// A table without rows whose names mean the same.
    #[must_use]
    pub fn into_table(self) -> TableSnapshot {
        let batches = self.memory.iter().map(|(_, kinds)| kinds.len()).max();
        let batches = batches
            .unwrap_or_default()
            .max(usize::from(self.has_memory));
        let memory = (0..batches).map(|index| Arc::new(self.batch(index)));
        TableSnapshot {
            table: self.table,
            memory: memory.collect(),
            parts: Arc::new(self.part().map(Arc::new).into_iter().collect()),
            columns: Arc::new(Columns::new(
                self.columns.into_iter().map(Arc::new).collect(),
                0,
            )),
        }
    }

    /// The fixed columns, and each attribute with the kind that came as its so manieth.
    fn batch(&self, index: usize) -> MemoryBatch {
        let fixed = self.table.fixed_schema();
        let attributes = self.memory.iter().filter_map(|(name, kinds)| {
            let kind = kinds.get(index)?;
            Some(Arc::new(Field::new(name, type_of_kind(*kind), true)))
        });
        let fields: Vec<_> = fixed.fields().iter().cloned().chain(attributes).collect();
        MemoryBatch {
            rows: RecordBatch::new_empty(Arc::new(Schema::new(fields))),
            overflow: BTreeMap::new(),
            time_min: UnixNanos::default(),
            time_max: UnixNanos::default(),
            weighted: false,
        }
    }

    /// A part of no rows, for what is in overflow.
    fn part(&self) -> Option<Part> {
        (!self.overflow.is_empty() || !self.overflow_complete).then(|| Part {
            id: 0,
            meta: PartMeta {
                table: self.table,
                file_name: String::new(),
                rows: 0,
                size_bytes: 0,
                footer_bytes: 0,
                time_min: UnixNanos::default(),
                time_max: UnixNanos::default(),
                received_min: UnixNanos::default(),
                received_max: UnixNanos::default(),
                columns: Vec::new(),
                overflow: self.overflow.clone(),
                overflow_complete: self.overflow_complete,
                weighted: false,
                checksums: Arc::default(),
                stats: Vec::new(),
            },
        })
    }
}

/// How batches in memory hold attributes of a kind.
fn type_of_kind(kind: Kind) -> DataType {
    match kind {
        Kind::Int => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::String | Kind::Other => text_type(),
    }
}
