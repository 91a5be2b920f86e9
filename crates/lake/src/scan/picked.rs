//! The pages of a row group that some of its rows are in, for Parquet's reader. It is given no others, and all columns are
//! decompressed by one decompressor: to make one for each takes longer than a page does.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::page_index::offset_index::PageLocation;

use super::chunk::{StoredChunk, page_of};

type Result<T> = std::result::Result<T, ParquetError>;

/// Pages that are no farther from each other are read in one.
const GAP_BYTES: u64 = 16 << 10;

/// What has to be read for some rows.
pub(super) struct Picked {
    metadata: Arc<ParquetMetaData>,
    group: usize,
    /// Of each column that is wanted: its place, and its pages.
    columns: Vec<(usize, Pages)>,
}

/// The pages of a column.
#[derive(Debug, Clone)]
struct Pages {
    compression: Compression,
    dictionary: Option<Place>,
    /// How many rows each has, and where it is if it is needed.
    data: VecDeque<(usize, Option<Place>)>,
}

/// Where a page is in the file; its bytes, once they are read.
#[derive(Debug, Clone)]
struct Place {
    range: Range<u64>,
    bytes: Bytes,
}

impl Place {
    fn new(start: u64, end: u64) -> Self {
        Self {
            range: start..end,
            bytes: Bytes::new(),
        }
    }
}

impl Picked {
    /// `rows` are stretches in their order.
    pub fn new(
        metadata: &Arc<ParquetMetaData>,
        group: usize,
        mask: &ProjectionMask,
        rows: &[Range<usize>],
    ) -> Result<Self> {
        let chunks = metadata.row_group(group).columns().iter().enumerate();
        let wanted = chunks.filter(|(leaf, _)| mask.leaf_included(*leaf));
        let columns = wanted.map(|(leaf, chunk)| {
            let (start, length) = chunk.byte_range();
            let located = located(metadata, group, leaf)?;
            let first = located.first().map_or(start + length, begin);
            let data = located.iter().zip(rows_of_pages(metadata, group, leaf)?);
            let data = data.map(|(page, of_page)| {
                let next = rows.partition_point(|rows| rows.end <= of_page.start);
                let is_needed = rows.get(next).is_some_and(|rows| rows.start < of_page.end);
                let size = u64::from(page.compressed_page_size.unsigned_abs());
                let place = Place::new(begin(page), begin(page) + size);
                (of_page.len(), is_needed.then_some(place))
            });
            let data: VecDeque<_> = data.collect();
            let is_any = data.iter().any(|(_, place)| place.is_some());
            let pages = Pages {
                compression: chunk.compression(),
                dictionary: (is_any && first > start).then(|| Place::new(start, first)),
                data,
            };
            Ok((leaf, pages))
        });
        Ok(Self {
            metadata: Arc::clone(metadata),
            group,
            columns: columns.collect::<Result<_>>()?,
        })
    }

    fn places(&mut self) -> impl Iterator<Item = &mut Place> {
        let pages = self.columns.iter_mut().map(|(_, pages)| pages);
        pages.flat_map(|pages| {
            let data = pages
                .data
                .iter_mut()
                .filter_map(|(_, place)| place.as_mut());
            pages.dictionary.iter_mut().chain(data)
        })
    }

    /// What of the file is needed.
    pub fn ranges(&mut self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = self.places().map(|place| place.range.clone()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        ranges.dedup_by(|next, range| {
            let is_near = next.start <= range.end + GAP_BYTES;
            if is_near {
                range.end = range.end.max(next.end);
            }
            is_near
        });
        ranges
    }

    /// The pages of a column as a chunk of their own, once they were read, and where rows are in it.
    pub fn chunk(&self, leaf: usize, rows: &[Range<usize>]) -> Result<(StoredChunk, Vec<u32>)> {
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        let (mut start, mut before) = (0, 0);
        let mut rows = rows.iter().cloned().flatten().peekable();
        let Pages {
            dictionary, data, ..
        } = self.pages(leaf)?;
        bytes.extend(dictionary.iter().map(|place| place.bytes.as_ref()));
        for (count, place) in data {
            let end = start + count;
            if let Some(place) = place {
                bytes.push(&place.bytes);
                while let Some(row) = rows.next_if(|row| *row < end) {
                    places.push(u32::try_from(before + row - start).map_err(|_| short())?);
                }
                before += count;
            }
            start = end;
        }
        let chunk = StoredChunk {
            metadata: Arc::clone(&self.metadata),
            group: self.group,
            column: leaf,
            bytes: bytes.concat().into(),
            rows: before,
        };
        Ok((chunk, places))
    }

    fn pages(&self, leaf: usize) -> Result<&Pages> {
        // They come in their order.
        let place = self
            .columns
            .binary_search_by_key(&leaf, |(column, _)| *column);
        let unread = |_| ParquetError::General("it was not read".to_owned());
        Ok(&self.columns[place.map_err(unread)?].1)
    }

    /// Takes what was read of these ranges.
    pub fn fill(&mut self, ranges: &[Range<u64>], read: &[Bytes]) -> Result<()> {
        for place in self.places() {
            let around = ranges.partition_point(|range| range.end < place.range.end);
            let (range, bytes) = ranges.get(around).zip(read.get(around)).ok_or_else(short)?;
            let from = place
                .range
                .start
                .checked_sub(range.start)
                .ok_or_else(short)?;
            let (from, to) = (from, place.range.end - range.start);
            if to > bytes.len() as u64 {
                return Err(short());
            }
            // Both are within what is in memory.
            place.bytes = bytes.slice(from as usize..to as usize);
        }
        Ok(())
    }
}

/// Where the pages of a column are that a stretch of rows is in.
pub(super) struct PagesOf {
    /// Empty where there is none.
    pub dictionary: Range<u64>,
    pub data: Range<u64>,
    /// The rows of these pages.
    pub rows: Range<usize>,
}

impl PagesOf {
    pub fn new(
        metadata: &ParquetMetaData,
        group: usize,
        leaf: usize,
        rows: &Range<usize>,
    ) -> Result<Self> {
        let (start, _) = metadata.row_group(group).column(leaf).byte_range();
        let pages = located(metadata, group, leaf)?;
        let of_pages = rows_of_pages(metadata, group, leaf)?;
        let first = of_pages.partition_point(|page| page.end <= rows.start);
        let end = of_pages.partition_point(|page| page.start < rows.end);
        let (Some(all), Some(needed)) = (pages.first(), pages.get(first..end)) else {
            return Err(short());
        };
        let (Some(from), Some(last)) = (needed.first(), needed.last()) else {
            return Err(short());
        };
        let size = u64::from(last.compressed_page_size.unsigned_abs());
        Ok(Self {
            dictionary: start..begin(all),
            data: begin(from)..begin(last) + size,
            rows: of_pages[first].start..of_pages[end - 1].end,
        })
    }
}

fn located(metadata: &ParquetMetaData, group: usize, leaf: usize) -> Result<&[PageLocation]> {
    let pages = metadata.offset_index();
    let pages =
        pages.and_then(|index| Some(index.get(group)?.get(leaf)?.page_locations().as_slice()));
    let unknown = || ParquetError::General("it does not say where its pages are".to_owned());
    pages.ok_or_else(unknown)
}

/// The rows of each page of a column.
pub(super) fn rows_of_pages(
    metadata: &ParquetMetaData,
    group: usize,
    leaf: usize,
) -> Result<Vec<Range<usize>>> {
    let pages = located(metadata, group, leaf)?;
    let starts = pages.iter().map(|page| index(page.first_row_index));
    let all = index(metadata.row_group(group).num_rows());
    let ends = starts.clone().skip(1).chain([all]);
    Ok(starts.zip(ends).map(|(start, end)| start..end).collect())
}

fn begin(page: &PageLocation) -> u64 {
    page.offset.unsigned_abs()
}

fn index(row: i64) -> usize {
    usize::try_from(row).unwrap_or_default()
}

fn short() -> ParquetError {
    ParquetError::EOF("less was read than was asked for".to_owned())
}

impl RowGroups for Picked {
    fn num_rows(&self) -> usize {
        index(self.metadata.row_group(self.group).num_rows())
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Once(Some(self.pages(leaf)?.clone()))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The pages of the one row group.
struct Once(Option<Pages>);

impl Iterator for Once {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.take()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for Once {}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let place = match self.dictionary.take() {
            Some(place) => place,
            None => match self.data.pop_front() {
                Some((_, place)) => place.ok_or_else(short)?,
                None => return Ok(None),
            },
        };
        page_of(&place.bytes, self.compression).map(Some)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        let next = match &self.dictionary {
            Some(_) => Some((None, true)),
            None => self.data.front().map(|(rows, _)| (Some(*rows), false)),
        };
        Ok(next.map(|(num_rows, is_dict)| PageMetadata {
            num_rows,
            num_levels: None,
            is_dict,
        }))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if self.dictionary.take().is_none() {
            self.data.pop_front();
        }
        Ok(())
    }
}
