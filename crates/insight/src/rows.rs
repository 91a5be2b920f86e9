//! SQL's answers, row by row, in the few types that sentences are made of.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type,
};
use arrow::util::display::array_value_to_string;
use crawlspace_query::{Asking, Footer, Piece};

use crate::{Error, Insight};

/// The most rows that a question of ours asks for.
const ROWS_MAX: usize = 1_000_000;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Rows {
    batches: Vec<RecordBatch>,
    pub footer: Footer,
}

/// One row of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl Insight {
    /// Answers SQL of ours.
    pub(crate) async fn rows(&self, sql: &str, asking: &Asking) -> Result<Rows, Error> {
        let asking = Asking {
            rows_max: Some(ROWS_MAX),
            ..asking.clone()
        };
        let mut running = self.engine.stream_sql(sql, &asking).await?;
        let mut batches = Vec::new();
        loop {
            match running.next().await? {
                Piece::Rows(rows) => batches.push(rows),
                Piece::End(footer) => {
                    return Ok(Rows {
                        batches,
                        footer: *footer,
                    });
                }
            }
        }
    }
}

impl Rows {
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.batches
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(move |row| Row { batch, row }))
    }

    /// The only row of an answer that has one.
    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
}

impl Row<'_> {
    fn there(&self, name: &str) -> Option<&ArrayRef> {
        self.batch
            .column_by_name(name)
            .filter(|column| column.is_valid(self.row))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and nanoseconds for people"
    )]
    pub fn number(&self, name: &str) -> Option<f64> {
        let (column, row) = (self.there(name)?, self.row);
        Some(match column.data_type() {
            DataType::Float64 => column.as_primitive::<Float64Type>().value(row),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row) as f64,
            DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row) as f64,
            DataType::Int32 => f64::from(column.as_primitive::<Int32Type>().value(row)),
            _ => return None,
        })
    }

    pub fn text(&self, name: &str) -> Option<String> {
        array_value_to_string(self.there(name)?, self.row).ok()
    }

    /// Nanoseconds since 1970.
    pub fn time(&self, name: &str) -> Option<i64> {
        let column = self
            .there(name)?
            .as_primitive_opt::<TimestampNanosecondType>()?;
        Some(column.value(self.row))
    }
}
