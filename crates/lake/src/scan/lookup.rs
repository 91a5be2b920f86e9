//! Rows found by an id: of each part the pages where it may be, then those where it is.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::group::PartGroups;
use super::picked::rows_of_pages;
use crate::catalogue::Part;
use crate::error::Error;
use crate::lake::Lake;

impl Lake {
    /// The rows of a part that have one of some ids in a column of ids, as columns of a scan's schema.
    ///
    /// # Errors
    /// The part can't be read, or the schema has no such column.
    pub async fn rows_with(
        self: &Arc<Self>,
        part: &Arc<Part>,
        schema: &SchemaRef,
        column: &str,
        ids: &[[u8; 16]],
    ) -> Result<Vec<RecordBatch>, Error> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        let of_ids = Arc::new(Schema::new(vec![schema.field_with_name(column)?.clone()]));
        let keys = self.part_groups(part, &of_ids).await?;
        let mut whole = None;
        let mut found = Vec::new();
        for group in 0..keys.count() {
            let maybe = keys.rows_near(group, column, &ids)?;
            if maybe.is_empty() {
                continue;
            }
            let rows = keys.rows(group, &maybe).await?;
            let values = rows.column(0).as_fixed_size_binary();
            let is_one = |row: usize| {
                let id = <&[u8; 16]>::try_from(values.value(row));
                values.is_valid(row) && id.is_ok_and(|id| ids.binary_search(id).is_ok())
            };
            let places = maybe.iter().cloned().flatten().enumerate();
            let places = places.filter(|(row, _)| is_one(*row));
            let exact = joined(places.map(|(_, place)| place..place + 1));
            if exact.is_empty() {
                continue;
            }
            let whole = match &mut whole {
                Some(whole) => whole,
                None => whole.insert(self.part_groups(part, schema).await?),
            };
            found.push(whole.rows(group, &exact).await?);
        }
        Ok(found)
    }
}

impl PartGroups {
    /// The rows of pages in whose bounds one of the ids is; they are sorted.
    fn rows_near(
        &self,
        group: usize,
        column: &str,
        ids: &[[u8; 16]],
    ) -> Result<Vec<Range<usize>>, Error> {
        let Some(leaf) = self.leaf(group, column) else {
            return Ok(Vec::new());
        };
        let bounds = self.metadata.column_index();
        let bounds = bounds.and_then(|index| index.get(group)?.get(leaf));
        let Some(ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(bounds)) = bounds else {
            // Nothing is known of them.
            return Ok(vec![0..self.rows_of(group)]);
        };
        let is_near = |page: usize| {
            let bounds = bounds.min_value(page).zip(bounds.max_value(page));
            bounds.is_some_and(|(least, greatest)| {
                let first = ids.partition_point(|id| id.as_slice() < least);
                ids.get(first).is_some_and(|id| id.as_slice() <= greatest)
            })
        };
        let pages = rows_of_pages(&self.metadata, group, leaf);
        let pages = pages.map_err(|source| self.error(source))?;
        let near = pages.into_iter().enumerate();
        let near = near
            .filter(|(page, _)| is_near(*page))
            .map(|(_, rows)| rows);
        Ok(joined(near))
    }
}

/// Stretches in their order, those that touch as one.
fn joined(stretches: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    for next in stretches {
        match all.last_mut() {
            Some(last) if last.end == next.start => last.end = next.end,
            _ => all.push(next),
        }
    }
    all
}
