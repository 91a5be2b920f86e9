//! What is encoded by codes is what Parquet's own reader reads.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int64Array, RecordBatch, UInt64Array,
};
use arrow::compute::{cast, concat, interleave, take};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::basic::{Compression, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::properties::{BloomFilterPosition, WriterProperties};
use parquet::file::statistics::Statistics;
use proptest::prelude::*;

use crate::part::column::Limits;
use crate::part::file::FileEncoder;
use crate::part::others;

/// So small that little data meets all of them.
const LIMITS: Limits = Limits {
    dictionary_bytes: 200,
    page_rows: 20,
    page_bytes: 150,
    group_rows: 90,
};

type Texts = Vec<Option<String>>;

fn batch(texts: &Texts, is_nullable: bool) -> RecordBatch {
    let codes: DictionaryArray<Int32Type> = texts.iter().map(|text| text.as_deref()).collect();
    let numbers = Int64Array::from_iter_values(0..texts.len() as i64);
    let schema = Schema::new(vec![
        Field::new("text", codes.data_type().clone(), is_nullable),
        Field::new("number", DataType::Int64, false),
    ]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(codes), Arc::new(numbers)]).unwrap()
}

/// The file of all rows, first of all batches in turns, then of each batch by itself; and the texts in that order.
fn written(batches: &[RecordBatch], limits: Limits) -> (Bytes, ArrayRef) {
    let schema = batches[0].schema();
    let stored = ArrowSchemaConverter::new().convert(&schema).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_bloom_filter_position(BloomFilterPosition::End)
        .build();
    let searched = vec!["text".to_owned()];
    let mut encoder = FileEncoder::new(schema, &stored, properties, searched, limits).unwrap();
    let (mut file, mut texts) = (Vec::new(), Vec::new());
    let mut write = |batches: &[RecordBatch], rows: &[(usize, usize)]| {
        encoder
            .write(batches, rows, &others(batches, rows).unwrap())
            .unwrap();
        file.extend_from_slice(&encoder.take());
        let all: Vec<&dyn Array> = batches
            .iter()
            .map(|batch| batch.column(0).as_ref())
            .collect();
        texts.push(cast(&interleave(&all, rows).unwrap(), &DataType::Utf8).unwrap());
    };
    let most = batches.iter().map(RecordBatch::num_rows).max().unwrap();
    let turns = (0..most).flat_map(|row| (0..batches.len()).map(move |at| (at, row)));
    let turns = turns.filter(|(at, row)| *row < batches[*at].num_rows());
    let turns: Vec<(usize, usize)> = turns.collect();
    turns.chunks(37).for_each(|rows| write(batches, rows));
    for batch in batches {
        let rows: Vec<(usize, usize)> = (0..batch.num_rows()).map(|row| (0, row)).collect();
        write(std::slice::from_ref(batch), &rows);
    }
    encoder.finish().unwrap();
    file.extend_from_slice(&encoder.take());
    let texts: Vec<&dyn Array> = texts.iter().map(AsRef::as_ref).collect();
    (file.into(), concat(&texts).unwrap())
}

/// Every third row, which is looked for by the index of pages.
fn some_of(file: &Bytes, count: usize) -> Vec<RecordBatch> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options);
    let chosen = (0..count).step_by(3).map(|row| row..row + 1);
    let chosen = RowSelection::from_consecutive_ranges(chosen, count);
    let reader = reader.unwrap().with_row_selection(chosen).build();
    reader.unwrap().map(Result::unwrap).collect()
}

fn read(file: &Bytes) -> (Arc<ParquetMetaData>, Vec<RecordBatch>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file.clone(), options);
    let reader = reader.unwrap();
    let metadata = Arc::clone(reader.metadata());
    (
        metadata,
        reader.build().unwrap().map(Result::unwrap).collect(),
    )
}

fn texts_of(rows: &[RecordBatch]) -> ArrayRef {
    let texts = rows
        .iter()
        .map(|rows| cast(rows.column(0), &DataType::Utf8).unwrap());
    let texts: Vec<ArrayRef> = texts.collect();
    let texts: Vec<&dyn Array> = texts.iter().map(AsRef::as_ref).collect();
    concat(&texts).unwrap()
}

/// Everything that a file says of its rows is so.
fn check(batches: &[RecordBatch], limits: Limits) {
    let (file, expected) = written(batches, limits);
    let (metadata, rows) = read(&file);
    assert_eq!(&texts_of(&rows), &expected);
    let places = UInt64Array::from_iter_values((0..expected.len() as u64).step_by(3));
    let some = take(&expected, &places, None).unwrap();
    assert_eq!(
        texts_of(&some_of(&file, expected.len())).as_ref(),
        some.as_ref()
    );
    let mut start = 0;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let count = group.num_rows() as usize;
        let texts = expected.slice(start, count);
        start += count;
        let texts = texts.as_string::<i32>();
        let chunk = group.column(0);
        let Some(Statistics::ByteArray(said)) = chunk.statistics() else {
            panic!("no statistics");
        };
        assert_eq!(said.null_count_opt(), Some(texts.null_count() as u64));
        let bounds = texts
            .iter()
            .flatten()
            .min()
            .zip(texts.iter().flatten().max());
        let bounds = bounds.filter(|(least, most)| least.len() <= 64 && most.len() <= 64);
        let said = said.min_bytes_opt().zip(said.max_bytes_opt());
        assert_eq!(
            said,
            bounds.map(|(least, most)| (least.as_bytes(), most.as_bytes()))
        );
        let (from, length) = chunk
            .bloom_filter_offset()
            .zip(chunk.bloom_filter_length())
            .unwrap();
        let filter = file.slice(from as usize..from as usize + length as usize);
        let filter = Sbbf::from_bytes(&filter).unwrap();
        for text in texts.iter().flatten() {
            assert!(filter.check(text));
        }
        let pages = metadata.offset_index().unwrap()[number][0].page_locations();
        let firsts: Vec<i64> = pages.iter().map(|page| page.first_row_index).collect();
        assert!(
            firsts.is_sorted() && firsts[0] == 0 && firsts[firsts.len() - 1] < group.num_rows()
        );
        assert!(pages.len() >= count.div_ceil(limits.page_rows));
    }
    assert_eq!(start, expected.len());
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        4 => "[ab]{0,2}".prop_map(Some),
        2 => "[a-zä]{3,9}".prop_map(Some),
        1 => "[xy]{60,70}".prop_map(Some),
    ]
}

/// Texts with stretches of equal ones.
fn texts(is_nullable: bool) -> impl Strategy<Value = Texts> {
    let stretch = (text(), prop_oneof![4 => Just(1usize), 1 => 2usize..60]);
    proptest::collection::vec(stretch, 1..60).prop_map(move |stretches| {
        let stretches = stretches.into_iter();
        stretches
            .flat_map(|(text, count)| std::iter::repeat_n(text, count))
            .map(|text| {
                if is_nullable {
                    text
                } else {
                    text.or(Some(String::new()))
                }
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn texts_are_read_as_they_were_written(
        batches in proptest::collection::vec(texts(true), 1..6),
        full in proptest::collection::vec(texts(false), 1..6),
    ) {
        for (batches, is_nullable) in [(batches, true), (full, false)] {
            let batches: Vec<RecordBatch> =
                batches.iter().map(|texts| batch(texts, is_nullable)).collect();
            check(&batches, LIMITS);
            check(&batches, Limits { dictionary_bytes: 0, ..LIMITS });
            check(&batches, Limits { dictionary_bytes: 1 << 20, page_rows: 8_192, page_bytes: 1 << 20, group_rows: 9_999 });
        }
    }
}

#[test]
fn a_column_without_a_value_is_written() {
    check(&[batch(&vec![None; 200], true)], LIMITS);
}
