//! One value among very many: merged parts say by Bloom filters which row groups lack it, and no answer is another for it.

use std::fs::{self, File};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_wire::batch::TableBuilder;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::{begin_span, open, runtime};
use crate::{Config, Engine};

/// In each of two parts, before they are merged.
const ROWS: i64 = 10_000;

/// Ids that have nothing in common.
fn order(number: i64) -> String {
    format!(
        "{:016x}",
        number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C1)
    )
}

fn rows(first: i64) -> arrow::array::RecordBatch {
    let mut builder = TableBuilder::new(Table::Spans);
    for number in first..first + ROWS {
        begin_span(&mut builder, number);
        builder.attribute("order.id", &Value::String(&order(number)));
        let receipt = format!("{:0>100}", order(number));
        builder.attribute("order.receipt", &Value::String(&receipt));
        builder.attribute(
            "team.name",
            &Value::String(["red", "blue"][number as usize % 2]),
        );
        builder.end_row();
    }
    builder.finish()
}

/// Whether the column of that name has a Bloom filter.
fn is_searched(part: &ParquetMetaData, name: &str) -> bool {
    let columns = part.row_group(0).columns().iter();
    let mut named = columns.filter(|column| column.column_path().string().contains(name));
    let column = named.next().expect(name);
    column.bloom_filter_offset().is_some()
}

#[test]
fn a_value_is_found_where_it_is_and_nowhere_else() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        for (part, first) in [(1, 0), (2, ROWS)] {
            lake.publish(part, vec![(Table::Spans, rows(first))]);
            lake.flush().await.unwrap();
        }
        assert_eq!(lake.compact(Some(2)).await.unwrap().into, 1);
        let files = fs::read_dir(directory.path().join("lake/data/main/spans")).unwrap();
        let parts = files.map(|file| {
            let file = File::open(file.unwrap().path()).unwrap();
            ParquetMetaDataReader::new()
                .parse_and_finish(&file)
                .unwrap()
        });
        for part in parts {
            let is_merged = part.file_metadata().num_rows() == 2 * ROWS;
            assert_eq!(is_searched(&part, "order.id"), is_merged);
            // It has no dictionary.
            assert_eq!(is_searched(&part, "order.receipt"), is_merged);
            assert!(
                !is_searched(&part, "team.name"),
                "few values are everywhere"
            );
        }
        let engine = Engine::new(lake, Config::default());
        let of = |numbers: &[i64]| {
            let ids: Vec<String> = numbers.iter().map(|n| format!("'{}'", order(*n))).collect();
            format!("IN ({})", ids.join(", "))
        };
        for (condition, expected) in [
            (of(&[0]), 1),
            (of(&[2 * ROWS - 1]), 1),
            (of(&[2 * ROWS]), 0),
            (of(&[7, ROWS + 2_345, -5]), 2),
            ("IS NOT NULL".to_owned(), 2 * ROWS),
        ] {
            let sql = format!("SELECT count(*) FROM spans WHERE order.id {condition}");
            let answer = engine.sql(&sql).await.unwrap();
            let count = answer.batches[0]
                .column(0)
                .as_primitive::<Int64Type>()
                .value(0);
            assert_eq!(count, expected, "{sql}");
        }
    });
}
