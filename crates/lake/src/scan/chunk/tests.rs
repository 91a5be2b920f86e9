//! Columns read as codes are what Parquet's own reader gives.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch,
};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use super::{ABSENT, Chunk, StoredChunk, Values};

/// The file of one column, and its groups of rows.
fn written(column: &ArrayRef, properties: WriterProperties) -> Vec<StoredChunk> {
    let rows = RecordBatch::try_from_iter_with_nullable([("x", Arc::clone(column), true)]).unwrap();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    let file = Bytes::from(file);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file);
    let metadata = Arc::new(metadata.unwrap());
    let groups = (0..metadata.num_row_groups()).map(|group| {
        let (start, length) = metadata.row_group(group).column(0).byte_range();
        let (start, length) = (start as usize, length as usize);
        StoredChunk {
            rows: metadata.row_group(group).num_rows() as usize,
            metadata: Arc::clone(&metadata),
            group,
            column: 0,
            bytes: file.slice(start..start + length),
        }
    });
    groups.collect()
}

/// For each row its code.
fn codes_of_all(chunk: &Chunk) -> Vec<u32> {
    let rows: u32 = chunk.counts.iter().sum();
    let mut codes = vec![None; rows as usize];
    chunk.each_absent(|row| assert_eq!(codes[row].replace(ABSENT), None));
    chunk.each_value(|row, place| assert_eq!(codes[row].replace(place as u32 + 1), None));
    codes.into_iter().map(Option::unwrap).collect()
}

fn array_of(chunks: &[Chunk], like: &ArrayRef) -> ArrayRef {
    fn each<T>(chunk: &Chunk, value: impl Fn(usize) -> T) -> Vec<Option<T>> {
        let codes = codes_of_all(chunk).into_iter();
        codes
            .map(|code| (code != ABSENT).then(|| value(code as usize - 1)))
            .collect()
    }
    let arrays = chunks.iter().map(|chunk| -> ArrayRef {
        match &chunk.values {
            Values::Texts(texts) => Arc::new(LargeStringArray::from(each(chunk, |place| {
                str::from_utf8(texts.value(place)).unwrap().to_owned()
            }))),
            Values::Ints(all) => Arc::new(Int64Array::from(each(chunk, |place| all[place]))),
            Values::Doubles(all) => Arc::new(Float64Array::from(each(chunk, |place| all[place]))),
            Values::Flags(all) => Arc::new(BooleanArray::from(each(chunk, |place| all[place]))),
        }
    });
    let arrays: Vec<ArrayRef> = arrays.collect();
    let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    assert_eq!(arrays[0].data_type(), like.data_type());
    arrow::compute::concat(&arrays).unwrap()
}

fn properties() -> impl Strategy<Value = WriterProperties> {
    let sizes = (
        1_usize..300,
        1_usize..200,
        prop_oneof![Just(50_usize), Just(1 << 20)],
    );
    (sizes, 0..4_u8).prop_map(|((group, page, dictionary), form)| {
        let builder = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(group))
            .set_data_page_row_count_limit(page)
            .set_write_batch_size(16)
            .set_dictionary_page_size_limit(dictionary)
            .set_dictionary_enabled(form > 1);
        match form {
            0 => builder.set_encoding(Encoding::PLAIN).build(),
            _ => builder.build(),
        }
    })
}

/// Runs of values among which some are absent.
fn values<T: Clone + std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<Option<T>>> {
    let run = (proptest::option::weighted(0.7, value), 1_usize..40);
    prop::collection::vec(run, 1..40).prop_map(|runs| {
        let runs = runs.into_iter();
        runs.flat_map(|(value, count)| vec![value; count]).collect()
    })
}

fn columns() -> impl Strategy<Value = ArrayRef> {
    prop_oneof![
        values("[a-c]{0,3}|.{0,20}")
            .prop_map(|all| Arc::new(LargeStringArray::from(all)) as ArrayRef),
        values(any::<i64>()).prop_map(|all| Arc::new(Int64Array::from(all)) as ArrayRef),
        values(-3_i64..3).prop_map(|all| Arc::new(Int64Array::from(all)) as ArrayRef),
        values(0.0..9.0).prop_map(|all| Arc::new(Float64Array::from(all)) as ArrayRef),
        values(any::<bool>()).prop_map(|all| Arc::new(BooleanArray::from(all)) as ArrayRef),
    ]
}

proptest! {
    #[test]
    fn a_chunk_is_the_column_that_was_written(column in columns(), properties in properties()) {
        let chunks = written(&column, properties);
        let chunks: Vec<Chunk> = chunks.iter().map(|chunk| chunk.decode(Vec::new()).unwrap()).collect();
        prop_assert_eq!(&array_of(&chunks, &column), &column);
    }

    #[test]
    fn texts_behind_their_lengths_are_read(
        texts in values("[a-c]{0,3}|.{0,20}"), properties in properties(),
        place in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let column: ArrayRef = Arc::new(LargeStringArray::from(texts));
        let properties = properties.into_builder().set_dictionary_enabled(false);
        let properties = properties.set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY);
        let chunks = written(&column, properties.clone().build());
        let chunks: Vec<Chunk> = chunks.iter().map(|chunk| chunk.decode(Vec::new()).unwrap()).collect();
        prop_assert_eq!(&array_of(&chunks, &column), &column);
        // Damaged, they are an error or other texts.
        let properties = properties.set_compression(Compression::UNCOMPRESSED);
        for mut chunk in written(&column, properties.build()) {
            let mut bytes = chunk.bytes.to_vec();
            let place = place.index(bytes.len());
            bytes[place] = to;
            chunk.bytes = bytes.into();
            if let Ok(Chunk { values: Values::Texts(texts), counts, .. }) = chunk.decode(Vec::new()) {
                prop_assert_eq!(counts.iter().sum::<u32>() as usize, chunk.rows());
                (0..counts.len() - 1).for_each(|text| _ = texts.value(text));
            }
        }
    }

    #[test]
    fn codes_of_some_rows_and_their_counts_are_those_of_all(
        column in columns(), properties in properties(), chosen in prop::collection::vec(any::<bool>(), 1..50),
    ) {
        for chunk in written(&column, properties) {
            let chunk = chunk.decode(Vec::new()).unwrap();
            let codes = codes_of_all(&chunk);
            let mut counts = vec![0; chunk.counts.len()];
            codes.iter().for_each(|code| counts[*code as usize] += 1);
            prop_assert_eq!(&chunk.counts, &counts);
            let rows = (0_u32..).zip(chosen.iter().cycle()).take(codes.len());
            let rows: Vec<u32> = rows.filter_map(|(row, is_chosen)| is_chosen.then_some(row)).collect();
            let expected: Vec<u32> = rows.iter().map(|row| codes[*row as usize]).collect();
            prop_assert_eq!(chunk.codes_of(&rows).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_damaged_chunk_is_an_error_or_other_values(
        column in columns(), properties in properties(), place in any::<prop::sample::Index>(), to in any::<u8>(),
    ) {
        let mut properties = properties.into_builder();
        properties = properties.set_compression(Compression::UNCOMPRESSED);
        for mut chunk in written(&column, properties.build()) {
            let mut bytes = chunk.bytes.to_vec();
            let place = place.index(bytes.len());
            bytes[place] = to;
            chunk.bytes = bytes.into();
            let uncounted = chunk.decode_codes().ok().map(|chunk| chunk.into_rows().1);
            let decoded = chunk.decode(Vec::new()).ok();
            if let Some(decoded) = &decoded {
                prop_assert_eq!(decoded.counts.iter().sum::<u32>() as usize, chunk.rows());
            }
            prop_assert_eq!(decoded.map(|chunk| chunk.into_rows().1), uncounted);
        }
    }
}

#[test]
fn numbers_packed_by_differences_are_read() {
    let wide = |n: i64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64) >> (n % 64);
    let numbers: ArrayRef =
        Arc::new(Int64Array::from_iter((0..5_000_i64).map(|n| {
            (n % 7 != 0).then(|| if n < 2_500 { n * n } else { wide(n) })
        })));
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_max_row_group_row_count(Some(1_500))
        .build();
    let chunks = written(&numbers, properties);
    let chunks: Vec<Chunk> = chunks
        .iter()
        .map(|chunk| chunk.decode(Vec::new()).unwrap())
        .collect();
    assert_eq!(&array_of(&chunks, &numbers), &numbers);
}
