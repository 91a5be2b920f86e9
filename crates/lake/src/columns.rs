//! The columns of a table: fixed ones and the attributes that have one, found by the name queries use.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use crawlspace_model::Table;
use crawlspace_model::attribute::Kind;
use crawlspace_model::table::{ATTRIBUTE_COLUMNS_MAX, text_type};

use crate::catalogue::{Column, ColumnType};
use crate::conform::Target;

const FIELD_ID: &str = "PARQUET:field_id";

/// The live columns of one table.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    list: Vec<Arc<Column>>,
    by_name: HashMap<String, usize>,
    next_id: i64,
}

impl Columns {
    #[must_use]
    pub fn new(list: Vec<Arc<Column>>, next_id: i64) -> Self {
        let by_name = list
            .iter()
            .enumerate()
            .map(|(index, column)| (column.name.clone(), index))
            .collect();
        Self {
            list,
            by_name,
            next_id,
        }
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Column>> {
        self.by_name.get(name).map(|index| &self.list[*index])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Column>> {
        self.list.iter()
    }

    /// Those columns and new ones for the attributes that have none: the most frequent first, as many as the table may
    /// have. `counts` says how many values of each type a key has.
    #[must_use]
    pub fn extended(
        &self,
        table: Table,
        counts: &BTreeMap<String, BTreeMap<Kind, u64>>,
    ) -> (Self, Vec<Column>) {
        let attributes = self.list.len() - table.fixed_columns().len();
        let mut wanted: Vec<(&String, ColumnType, u64)> = counts
            .iter()
            .filter(|(name, _)| !self.by_name.contains_key(*name))
            .filter_map(|(name, kinds)| {
                let (kind, count) = kinds
                    .iter()
                    .max_by_key(|(kind, count)| (**count, std::cmp::Reverse(**kind)))?;
                Some((name, ColumnType::of_kind(*kind), *count))
            })
            .collect();
        wanted.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(b.0)));
        wanted.truncate(ATTRIBUTE_COLUMNS_MAX.saturating_sub(attributes));
        let mut taken: BTreeSet<String> = self
            .list
            .iter()
            .map(|c| c.stored_name.to_ascii_lowercase())
            .collect();
        let mut next_id = self.next_id;
        let mut added = Vec::new();
        for (name, column_type, _) in wanted {
            let stored_name = free_name(name, &taken);
            taken.insert(stored_name.to_ascii_lowercase());
            added.push(Column {
                id: next_id,
                name: name.clone(),
                stored_name,
                column_type,
                nullable: true,
            });
            next_id += column_type.ids();
        }
        let list = self
            .list
            .iter()
            .cloned()
            .chain(added.iter().cloned().map(Arc::new))
            .collect();
        (Self::new(list, next_id), added)
    }

    /// Those columns but the ones with these ids.
    #[must_use]
    pub fn without(&self, ids: &BTreeSet<i64>) -> Self {
        let kept = self.list.iter().filter(|column| !ids.contains(&column.id));
        Self::new(kept.cloned().collect(), self.next_id)
    }
}

/// The name itself, or with the least number that makes it unique: engines that fold case can't keep `userId` and
/// `userid` apart.
fn free_name(name: &str, taken: &BTreeSet<String>) -> String {
    let is_free = |name: &str| !taken.contains(&name.to_ascii_lowercase());
    let numbered = (2..).map(|number| format!("{name}~{number}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| is_free(name))
        .expect("numbers do not end")
}

/// How batches in memory hold a column.
#[must_use]
pub fn memory_type(table: Table, column: &Column) -> DataType {
    if let Some(fixed) = table
        .fixed_columns()
        .iter()
        .find(|fixed| fixed.name == column.name)
    {
        return fixed.data_type.clone();
    }
    match column.column_type {
        ColumnType::Int => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Bool => DataType::Boolean,
        _ => text_type(),
    }
}

/// How scans give a column: text as views, the rest as it is in memory.
#[must_use]
pub fn scan_type(table: Table, column: &Column) -> DataType {
    match column.column_type {
        ColumnType::Text => DataType::Utf8View,
        _ => memory_type(table, column),
    }
}

/// The column as flush wants it from memory.
#[must_use]
pub fn memory_target(table: Table, column: &Column) -> Target {
    let field = Field::new(&column.stored_name, memory_type(table, column), true);
    Target {
        name: column.name.clone(),
        field: Arc::new(field),
    }
}

/// The field of a column in scans and as compaction reads it.
#[must_use]
pub fn scan_field(table: Table, column: &Column) -> Field {
    Field::new(&column.stored_name, scan_type(table, column), true)
}

/// The same field with Parquet field ids on it and on every leaf below.
#[must_use]
pub fn with_field_ids(field: &Field, id: i64) -> Field {
    let numbered = |field: &Arc<Field>, id: i64| Arc::new(with_field_ids(field, id));
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(numbered(item, id + 1)),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(pair) => {
                let pair: Fields = pair
                    .iter()
                    .zip(1..)
                    .map(|(field, offset)| numbered(field, id + offset))
                    .collect();
                let entries = Field::new(
                    entries.name(),
                    DataType::Struct(pair),
                    entries.is_nullable(),
                );
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => field.data_type().clone(),
        },
        other => other.clone(),
    };
    Field::new(field.name(), data_type, field.is_nullable())
        .with_metadata(HashMap::from([(FIELD_ID.to_owned(), id.to_string())]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crawlspace_model::Table;
    use crawlspace_model::attribute::Kind;

    use super::{ColumnType, Columns};

    #[test]
    fn the_most_frequent_keys_get_columns_and_case_variants_stay_apart() {
        let counts = |entries: &[(&str, Kind, u64)]| {
            let mut counts: BTreeMap<String, BTreeMap<Kind, u64>> = BTreeMap::new();
            for (name, kind, count) in entries {
                counts
                    .entry((*name).to_owned())
                    .or_default()
                    .insert(*kind, *count);
            }
            counts
        };
        let fixed = Table::Changes.fixed_columns().len();
        let list = (0..fixed).map(|i| {
            let name = Table::Changes.fixed_columns()[i].name.to_owned();
            let id = i64::try_from(i).expect("few columns") + 1;
            let stored_name = name.clone();
            std::sync::Arc::new(super::Column {
                id,
                name,
                stored_name,
                column_type: ColumnType::Text,
                nullable: true,
            })
        });
        let (columns, added) = Columns::new(list.collect(), 100).extended(
            Table::Changes,
            &counts(&[
                ("userId", Kind::Int, 5),
                ("userid", Kind::String, 9),
                ("userid", Kind::Int, 2),
                ("b", Kind::Bool, 1),
            ]),
        );
        let summary: Vec<_> = added
            .iter()
            .map(|c| (c.id, c.name.as_str(), c.stored_name.as_str(), c.column_type))
            .collect();
        assert_eq!(
            summary,
            [
                (100, "userid", "userid", ColumnType::Text),
                (101, "userId", "userId~2", ColumnType::Int),
                (102, "b", "b", ColumnType::Bool)
            ]
        );
        assert_eq!(columns.find("userId").map(|c| c.id), Some(101));
    }
}
