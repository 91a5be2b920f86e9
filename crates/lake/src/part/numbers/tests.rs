//! Numbers that are encoded by codes, or packed, are what Parquet's own reader reads.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::compute::{concat, interleave, max, min};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::WriterProperties;
use parquet::file::statistics::Statistics;
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
const COLUMNS: [&str; 3] = ["coded", "packed", "double"];

type Row = (Option<i64>, Option<i64>, Option<f64>);

fn batch(rows: &[Row]) -> RecordBatch {
    let coded = Int64Array::from_iter(rows.iter().map(|row| row.0));
    let packed = Int64Array::from_iter(rows.iter().map(|row| row.1));
    let double = Float64Array::from_iter(rows.iter().map(|row| row.2));
    let columns: [ArrayRef; 3] = [Arc::new(coded), Arc::new(packed), Arc::new(double)];
    let fields = COLUMNS.iter().zip(&columns);
    let fields = fields.map(|(name, column)| Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    RecordBatch::try_new(schema, columns.to_vec()).unwrap()
}

/// The file of all rows, of all batches in turns, and its columns.
fn written(batches: &[RecordBatch], limits: Limits) -> (Bytes, Vec<ArrayRef>) {
    let schema = batches[0].schema();
    let stored = ArrowSchemaConverter::new().convert(&schema).unwrap();
    let packed = ColumnPath::new(vec!["packed".to_owned()]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_column_dictionary_enabled(packed.clone(), false)
        .set_column_compression(packed, Compression::UNCOMPRESSED)
        .build();
    let mut encoder = FileEncoder::new(schema, &stored, properties, Vec::new(), limits).unwrap();
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

/// Bits, so that one NaN equals another and zeros of either sign differ.
fn bits(column: &ArrayRef) -> Vec<Option<u64>> {
    match column.data_type() {
        DataType::Float64 => {
            let doubles = column.as_primitive::<Float64Type>().iter();
            doubles.map(|double| double.map(f64::to_bits)).collect()
        }
        _ => {
            let numbers = column.as_primitive::<Int64Type>().iter();
            numbers
                .map(|number| number.map(i64::cast_unsigned))
                .collect()
        }
    }
}

fn check(batches: &[RecordBatch], limits: Limits) {
    let (file, expected) = written(batches, limits);
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = Arc::clone(reader.metadata());
    let rows: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    for (place, expected) in expected.iter().enumerate() {
        let read: Vec<&dyn Array> = rows
            .iter()
            .map(|rows| rows.column(place).as_ref())
            .collect();
        assert_eq!(bits(&concat(&read).unwrap()), bits(expected));
        let mut start = 0;
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let count = group.num_rows() as usize;
            let values = expected.slice(start, count);
            start += count;
            let statistics = group.column(place).statistics().unwrap();
            assert_eq!(
                statistics.null_count_opt(),
                Some(values.null_count() as u64)
            );
            if let Statistics::Double(said) = statistics {
                let values = values.as_primitive::<Float64Type>();
                let has_nan = values.iter().flatten().any(f64::is_nan);
                let bounds = min(values).zip(max(values)).filter(|_| !has_nan);
                assert_eq!(
                    said.min_opt().zip(said.max_opt()),
                    bounds.as_ref().map(|(a, b)| (a, b))
                );
                continue;
            }
            let Statistics::Int64(said) = statistics else {
                panic!("other statistics");
            };
            let values = values.as_primitive::<Int64Type>();
            assert_eq!(
                (said.min_opt().copied(), said.max_opt().copied()),
                (min(values), max(values))
            );
            let bounds = &metadata.column_index().unwrap()[number][place];
            let ColumnIndexMetaData::INT64(bounds) = bounds else {
                panic!("no bounds of pages");
            };
            let pages = metadata.offset_index().unwrap()[number][place].page_locations();
            let firsts: Vec<usize> = pages
                .iter()
                .map(|page| page.first_row_index as usize)
                .collect();
            let ends = firsts.iter().copied().skip(1).chain([count]);
            for (page, (first, end)) in firsts.iter().zip(ends).enumerate() {
                assert!(end - first <= limits.page_rows);
                let values = values.slice(*first, end - first);
                assert_eq!(bounds.null_count(page), Some(values.null_count() as i64));
                assert_eq!(bounds.min_value(page).copied(), min(&values));
                assert_eq!(bounds.max_value(page).copied(), max(&values));
            }
        }
        assert_eq!(start, expected.len());
    }
}

fn double() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-3..3_i8).prop_map(f64::from),
        1 => prop_oneof![Just(-0.0), Just(f64::INFINITY), Just(f64::NEG_INFINITY)],
        1 => prop_oneof![Just(0.5), Just(f64::NAN)],
        1 => -1e9..1e9,
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let number = || prop_oneof![3 => -9..9_i64, 1 => any::<i64>()];
    let row = (
        proptest::option::weighted(0.8, number()),
        proptest::option::weighted(0.8, number()),
        proptest::option::weighted(0.8, double()),
    );
    let run = (row, prop_oneof![4 => Just(1_usize), 1 => 2_usize..60]);
    proptest::collection::vec(run, 1..60).prop_map(|runs| {
        let runs = runs.into_iter();
        runs.flat_map(|(row, count)| std::iter::repeat_n(row, count))
            .collect()
    })
}

proptest! {
    #[test]
    fn numbers_are_read_as_they_were_written(batches in proptest::collection::vec(rows(), 1..6)) {
        let batches: Vec<RecordBatch> = batches.iter().map(|rows| batch(rows)).collect();
        check(&batches, LIMITS);
        check(&batches, Limits { dictionary_bytes: 0, ..LIMITS });
        check(&batches, Limits { dictionary_bytes: 1 << 20, page_rows: 8_192, page_bytes: 1 << 20, group_rows: 9_999 });
    }
}
