//! Rows found by an id: of each part the pages where it may be, then those where it is.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::group::PartGroups;
use super::id_pages::{IdColumn, IdPages};
use super::picked::rows_of_pages;
use crate::catalogue::Part;
use crate::error::Error;
use crate::lake::Lake;
use crate::part;

/// Somebody waits for few rows of all columns, most of which is decoding dictionaries.
const TASKS: usize = 2;

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
        let name = IdColumn {
            part: part::location(&part.meta),
            stored_name: column.to_owned(),
        };
        let known = self.id_pages.of(&name);
        // Becomes known if all are read.
        let mut seen = match known {
            Some(_) => None,
            None => self.id_pages.begin(),
        };
        let mut whole = None;
        let mut found = Vec::new();
        for group in 0..keys.count() {
            let pages = keys.pages(group, column)?;
            let near = match &known {
                Some(known) => known.near(group, &ids),
                None => keys.pages_near(group, column, &ids, pages.len()),
            };
            let exact = keys
                .places_of(group, (&pages, &near), &ids, &mut seen)
                .await?;
            if exact.is_empty() {
                continue;
            }
            let whole = match &mut whole {
                Some(whole) => whole,
                None => whole.insert(self.part_groups(part, schema).await?),
            };
            found.push(whole.rows_by(group, &exact, TASKS).await?);
        }
        if let Some(seen) = seen {
            self.id_pages.put(name, seen);
        }
        Ok(found)
    }
}

impl PartGroups {
    /// The places of rows that have one of the ids, which are sorted, as the only column; only some pages are looked at. If
    /// these are all, what is in them is noted.
    async fn places_of(
        &self,
        group: usize,
        (pages, near): (&[Range<usize>], &[usize]),
        ids: &[[u8; 16]],
        seen: &mut Option<IdPages>,
    ) -> Result<Vec<Range<usize>>, Error> {
        if near.len() < pages.len() {
            *seen = None;
        }
        let maybe = joined(near.iter().map(|page| pages[*page].clone()));
        if maybe.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.rows(group, &maybe).await?;
        let values = rows.column(0).as_fixed_size_binary();
        let id = |row: usize| {
            let id = values.is_valid(row).then(|| values.value(row));
            id.and_then(|id| <[u8; 16]>::try_from(id).ok())
        };
        *seen = seen.take().and_then(|mut seen| {
            let mut pages = pages.iter().enumerate();
            pages
                .all(|(page, rows)| seen.add((group, page), rows.clone().filter_map(id)))
                .then_some(seen)
        });
        let places = maybe.iter().cloned().flatten().enumerate();
        let is_one = |row: usize| id(row).is_some_and(|id| ids.binary_search(&id).is_ok());
        let places = places.filter(|(row, _)| is_one(*row));
        Ok(joined(places.map(|(_, place)| place..place + 1)))
    }

    /// The rows of each page of a column; none if the part has no such column.
    fn pages(&self, group: usize, column: &str) -> Result<Vec<Range<usize>>, Error> {
        let Some(leaf) = self.leaf(column) else {
            return Ok(Vec::new());
        };
        let pages = rows_of_pages(&self.metadata, group, leaf);
        pages.map_err(|source| self.error(source))
    }

    /// Those of so many pages in whose bounds one of the ids is, which are sorted; and those without any, which cost nothing.
    fn pages_near(&self, group: usize, column: &str, ids: &[[u8; 16]], pages: usize) -> Vec<usize> {
        let bounds = self.metadata.column_index();
        let bounds = bounds.and_then(|index| index.get(group)?.get(self.leaf(column)?));
        let Some(ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(bounds)) = bounds else {
            // Nothing is known of them.
            return (0..pages).collect();
        };
        let is_near = |page: &usize| {
            let bounds = bounds.min_value(*page).zip(bounds.max_value(*page));
            bounds.is_none_or(|(least, greatest)| {
                let first = ids.partition_point(|id| id.as_slice() < least);
                ids.get(first).is_some_and(|id| id.as_slice() <= greatest)
            })
        };
        (0..pages).filter(is_near).collect()
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
