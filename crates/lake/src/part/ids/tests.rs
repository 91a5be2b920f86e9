//! Ids that we encode are what Parquet's own reader reads, and where its index of pages says that they are.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch};
use arrow::compute::{concat, interleave};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use proptest::prelude::*;

use crate::part::column::Limits;
use crate::part::file::FileEncoder;
use crate::part::others;

/// So small that little data meets all of them.
const LIMITS: Limits = Limits {
    dictionary_bytes: 200,
    page_rows: 20,
    page_bytes: 100,
    group_rows: 90,
};
const COLUMNS: [&str; 2] = ["ordered", "unordered"];

type Row = (Option<[u8; 16]>, Option<[u8; 8]>);

fn batch(rows: &[Row]) -> RecordBatch {
    fn column<const N: usize>(ids: impl Iterator<Item = Option<[u8; N]>>) -> ArrayRef {
        let ids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(ids, N as i32);
        Arc::new(ids.unwrap())
    }
    let columns = [
        column(rows.iter().map(|row| row.0)),
        column(rows.iter().map(|row| row.1)),
    ];
    let fields = COLUMNS.iter().zip(&columns);
    let fields = fields.map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.to_vec()).unwrap()
}

/// The file of all rows, of all batches in turns, and its columns.
fn written(batches: &[RecordBatch]) -> (Bytes, Vec<ArrayRef>) {
    let schema = batches[0].schema();
    let stored = ArrowSchemaConverter::new().convert(&schema).unwrap();
    let path = |name: &str| ColumnPath::new(vec![name.to_owned()]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_column_statistics_enabled(path("unordered"), EnabledStatistics::Chunk)
        .build();
    let mut encoder = FileEncoder::new(schema, &stored, properties, Vec::new(), LIMITS).unwrap();
    let most = batches.iter().map(RecordBatch::num_rows).max().unwrap();
    let turns = (0..most).flat_map(|row| (0..batches.len()).map(move |at| (at, row)));
    let turns = turns.filter(|(at, row)| *row < batches[*at].num_rows());
    let turns: Vec<(usize, usize)> = turns.collect();
    let mut file = Vec::new();
    for rows in turns.chunks(37) {
        let others = others(batches, rows).unwrap();
        encoder.write(batches, rows, &others).unwrap();
        file.extend_from_slice(&encoder.take());
    }
    encoder.finish().unwrap();
    file.extend_from_slice(&encoder.take());
    let columns = (0..COLUMNS.len()).map(|column| {
        let all: Vec<&dyn Array> = batches
            .iter()
            .map(|batch| batch.column(column).as_ref())
            .collect();
        interleave(&all, &turns).unwrap()
    });
    (file.into(), columns.collect())
}

fn ids(column: &ArrayRef, rows: std::ops::Range<usize>) -> Vec<Vec<u8>> {
    let column = column.as_any().downcast_ref::<FixedSizeBinaryArray>();
    let ids = column.unwrap().iter().skip(rows.start).take(rows.len());
    ids.flatten().map(<[u8]>::to_vec).collect()
}

fn check(batches: &[RecordBatch]) {
    let (file, expected) = written(batches);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = Arc::clone(reader.metadata());
    let rows: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    for (place, expected) in expected.iter().enumerate() {
        let read: Vec<&dyn Array> = rows
            .iter()
            .map(|rows| rows.column(place).as_ref())
            .collect();
        assert_eq!(&concat(&read).unwrap(), expected);
        let mut start = 0;
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let count = group.num_rows() as usize;
            let of_group = ids(expected, start..start + count);
            let statistics = group.column(place).statistics().unwrap();
            assert_eq!(
                statistics.null_count_opt(),
                Some((count - of_group.len()) as u64)
            );
            let least = of_group.iter().min().map(Vec::as_slice);
            let greatest = of_group.iter().max().map(Vec::as_slice);
            assert_eq!(statistics.min_bytes_opt(), least);
            assert_eq!(statistics.max_bytes_opt(), greatest);
            let index = &metadata.column_index().unwrap()[number][place];
            let pages = metadata.offset_index().unwrap()[number][place].page_locations();
            let ends = pages
                .iter()
                .skip(1)
                .map(|page| page.first_row_index as usize);
            let ends = ends.chain([count]);
            for (page, (location, end)) in pages.iter().zip(ends).enumerate() {
                let first = location.first_row_index as usize;
                let of_page = ids(expected, start + first..start + end);
                match index {
                    ColumnIndexMetaData::FIXED_LEN_BYTE_ARRAY(index) if place == 0 => {
                        assert_eq!(index.is_null_page(page), of_page.is_empty());
                        let least = of_page.iter().min().map(Vec::as_slice);
                        assert_eq!(index.min_value(page), least);
                        assert_eq!(
                            index.max_value(page),
                            of_page.iter().max().map(Vec::as_slice)
                        );
                    }
                    ColumnIndexMetaData::NONE if place == 1 => {}
                    other => panic!("column {place} has {other:?}"),
                }
            }
            start += count;
        }
    }
}

proptest! {
    #[test]
    fn ids_are_read_as_they_were_written(
        batches in prop::collection::vec(
            prop::collection::vec(
                (prop::option::weighted(0.7, any::<[u8; 16]>()), prop::option::weighted(0.9, any::<[u8; 8]>())),
                1..120,
            ),
            1..4,
        ),
    ) {
        let batches: Vec<RecordBatch> = batches.iter().map(|rows| batch(rows)).collect();
        check(&batches);
    }
}

#[test]
fn pages_without_any_id_are_known() {
    let some: Row = (Some([7; 16]), Some([9; 8]));
    check(&[batch(&vec![(None, None); 50]), batch(&[some; 30])]);
}
