//! The lake at one moment: parts and memory at one position of the log. What readers hold; it never changes.

mod outline;

use std::collections::BTreeSet;
use std::sync::Arc;

use crawlspace_model::Table;
use crawlspace_model::attribute::Kinds;

use crate::catalogue::{Column, ColumnType, Part};
use crate::columns::Columns;
use crate::conform::{attribute_fields, kind_of_type};
use crate::memory::MemoryBatch;

pub use outline::TableOutline;

/// Every row that was visible at one moment, exactly once.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub(crate) tables: [TableSnapshot; 4],
    /// Rows of log records below this position are here.
    pub position: u64,
    /// Parts that were found damaged and set aside: their rows are missing here.
    pub damaged_parts: usize,
}

impl Snapshot {
    /// Tables that are in no lake, each once, and no others.
    #[must_use]
    pub fn of(tables: impl IntoIterator<Item = TableSnapshot>) -> Self {
        let mut all = Table::ALL.map(TableSnapshot::empty);
        for table in tables {
            let place = table.table as usize;
            all[place] = table;
        }
        Self {
            tables: all,
            position: 0,
            damaged_parts: 0,
        }
    }

    #[must_use]
    pub fn table(&self, table: Table) -> &TableSnapshot {
        &self.tables[table as usize]
    }
}

/// One table of a snapshot.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    pub table: Table,
    pub columns: Arc<Columns>,
    pub parts: Arc<Vec<Arc<Part>>>,
    pub memory: Vec<Arc<MemoryBatch>>,
}

/// Where the values of an attribute are.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its column, when some row has a value of the column's type.
    pub column: Option<Arc<Column>>,
    /// The kinds of its values outside that column.
    pub overflow: Kinds,
    /// All kinds.
    pub kinds: Kinds,
}

impl TableSnapshot {
    fn empty(table: Table) -> Self {
        Self {
            table,
            columns: Arc::default(),
            parts: Arc::default(),
            memory: Vec::new(),
        }
    }

    /// The values of an attribute by its column name; `None` if no row has one.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Attribute> {
        let column = self
            .columns
            .find(name)
            .cloned()
            .or_else(|| self.memory_column(name));
        let mut overflow = self.overflow_kinds(name);
        let mut kinds = column.as_ref().map_or_else(Kinds::default, |column| {
            Kinds::of(column.column_type.kind())
        });
        for batch in &self.memory {
            let Some((_, field)) = batch.rows.schema_ref().column_with_name(name) else {
                continue;
            };
            let kind = Kinds::of(kind_of_type(field.data_type()));
            if column
                .as_ref()
                .is_some_and(|column| column.column_type.kind() != kind_of_type(field.data_type()))
            {
                overflow = overflow.union(kind);
            }
            kinds = kinds.union(kind);
        }
        let kinds = kinds.union(overflow);
        (!kinds.is_empty()).then_some(Attribute {
            column,
            overflow,
            kinds,
        })
    }

    /// Kinds of the key's values in the overflow columns of parts and memory. A part with too many keys to list may
    /// hold any key that has no column.
    fn overflow_kinds(&self, name: &str) -> Kinds {
        let parts = self
            .parts
            .iter()
            .filter_map(|part| part.meta.overflow.get(name));
        let memory = self
            .memory
            .iter()
            .filter_map(|batch| batch.overflow.get(name));
        parts
            .chain(memory)
            .fold(Kinds::default(), |all, kinds| all.union(*kinds))
    }

    /// A column for a key that only memory knows, of the type it came with first.
    fn memory_column(&self, name: &str) -> Option<Arc<Column>> {
        let mut fields = self
            .memory
            .iter()
            .filter_map(|batch| batch.rows.schema_ref().column_with_name(name));
        let column_type = ColumnType::of_kind(kind_of_type(fields.next()?.1.data_type()));
        let mut stored_name = name.to_owned();
        while self
            .columns
            .iter()
            .any(|column| column.stored_name == stored_name)
        {
            stored_name.push('~');
        }
        Some(Arc::new(Column {
            id: 0,
            name: name.to_owned(),
            stored_name,
            column_type,
            nullable: true,
        }))
    }

    /// The names of all attributes that have a column in parts or in memory, and of those known to be in overflow.
    #[must_use]
    pub fn attribute_names(&self) -> BTreeSet<String> {
        let fixed = self.table.fixed_columns().len();
        let mut names: BTreeSet<String> = self
            .columns
            .iter()
            .skip(fixed)
            .map(|column| column.name.clone())
            .collect();
        for batch in &self.memory {
            names.extend(attribute_fields(&batch.rows).map(|(_, field)| field.name().clone()));
            names.extend(batch.overflow.keys().cloned());
        }
        names.extend(
            self.parts
                .iter()
                .flat_map(|part| part.meta.overflow.keys().cloned()),
        );
        names
    }

    /// Whether some row's `sample_weight` is not 1.
    #[must_use]
    pub fn is_weighted(&self) -> bool {
        self.parts.iter().any(|part| part.meta.weighted)
            || self.memory.iter().any(|batch| batch.weighted)
    }

    #[must_use]
    pub fn memory_rows(&self) -> u64 {
        let rows = |batch: &Arc<MemoryBatch>| batch.rows.num_rows() as u64;
        self.memory.iter().map(rows).sum()
    }

    #[must_use]
    pub fn rows(&self) -> u64 {
        self.memory_rows() + self.parts.iter().map(|part| part.meta.rows).sum::<u64>()
    }
}
