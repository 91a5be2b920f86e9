//! Rows of many batches, taken in any order. Texts of all batches are put under one dictionary first, so that a row costs
//! a code and not a look at its text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, RecordBatch, new_null_array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::{concat, interleave};
use arrow::datatypes::{DataType, Int32Type, SchemaRef};

use crate::error::Error;

/// The columns of batches of one schema.
pub(super) struct Gather {
    schema: SchemaRef,
    columns: Vec<Column>,
}

enum Column {
    Texts(Texts),
    /// No row has a value.
    Nothing(DataType),
    Other(Vec<ArrayRef>),
}

struct Texts {
    codes: Vec<Int32Array>,
    /// Where the texts of each batch start in `all`. A text that several batches have is there as often.
    starts: Vec<i32>,
    all: ArrayRef,
}

impl Gather {
    /// # Errors
    /// Only for batches of different schemas.
    pub(super) fn new(schema: SchemaRef, batches: &[RecordBatch]) -> Result<Self, Error> {
        let columns = (0..schema.fields().len()).map(|index| {
            let arrays = batches.iter().map(|batch| Arc::clone(batch.column(index)));
            Column::new(schema.field(index).data_type(), arrays.collect())
        });
        let columns = columns.collect::<Result<_, Error>>()?;
        Ok(Self { schema, columns })
    }

    /// These rows, given as (batch, row).
    ///
    /// # Errors
    /// Only for rows that no batch has.
    pub(super) fn take(&self, rows: &[(usize, usize)]) -> Result<RecordBatch, Error> {
        let columns = self.columns.iter().map(|column| match column {
            Column::Texts(texts) => texts.take(rows),
            Column::Nothing(data_type) => Ok(new_null_array(data_type, rows.len())),
            Column::Other(arrays) => {
                let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                Ok(interleave(&arrays, rows)?)
            }
        });
        let columns = columns.collect::<Result<_, Error>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

impl Column {
    fn new(data_type: &DataType, arrays: Vec<ArrayRef>) -> Result<Self, Error> {
        if arrays.iter().all(|array| array.null_count() == array.len()) {
            return Ok(Self::Nothing(data_type.clone()));
        }
        match data_type {
            DataType::Dictionary(_, text) if **text == DataType::Utf8 => {
                Ok(Texts::new(&arrays)?.map_or(Self::Other(arrays), Self::Texts))
            }
            _ => Ok(Self::Other(arrays)),
        }
    }
}

impl Texts {
    /// None if they are too long to be in one array.
    fn new(arrays: &[ArrayRef]) -> Result<Option<Self>, Error> {
        let of_batches = arrays.iter().map(AsArray::as_dictionary::<Int32Type>);
        let bytes = |texts: &ArrayRef| texts.as_string::<i32>().values().len();
        let bytes: usize = of_batches.clone().map(|texts| bytes(texts.values())).sum();
        if i32::try_from(bytes).is_err() {
            return Ok(None);
        }
        let (mut starts, mut end) = (Vec::with_capacity(arrays.len()), 0i32);
        for texts in of_batches.clone() {
            starts.push(end);
            let count = i32::try_from(texts.values().len()).ok();
            let Some(next) = count.and_then(|count| end.checked_add(count)) else {
                return Ok(None);
            };
            end = next;
        }
        let texts: Vec<&dyn Array> = of_batches.clone().map(|of| of.values().as_ref()).collect();
        Ok(Some(Self {
            starts,
            all: concat(&texts)?,
            codes: of_batches.map(|texts| texts.keys().clone()).collect(),
        }))
    }

    fn take(&self, rows: &[(usize, usize)]) -> Result<ArrayRef, Error> {
        let has_nulls = self.codes.iter().any(|codes| codes.null_count() > 0);
        let valid = has_nulls.then(|| {
            NullBuffer::new(BooleanBuffer::collect_bool(rows.len(), |at| {
                let (batch, row) = rows[at];
                self.codes[batch].is_valid(row)
            }))
        });
        // What stands where there is no value is a code that no batch may have.
        let code = |(batch, row): &(usize, usize)| {
            let codes = &self.codes[*batch];
            match has_nulls && codes.is_null(*row) {
                true => 0,
                false => self.starts[*batch] + codes.value(*row),
            }
        };
        let codes = Int32Array::new(rows.iter().map(code).collect(), valid);
        let texts = DictionaryArray::try_new(codes, Arc::clone(&self.all))?;
        Ok(Arc::new(texts))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array, ArrayRef, DictionaryArray, Int64Array, RecordBatch};
    use arrow::compute::interleave;
    use arrow::datatypes::Int32Type;

    use super::Gather;

    fn batch(texts: &[Option<&str>], numbers: &[Option<i64>]) -> RecordBatch {
        let texts: DictionaryArray<Int32Type> = texts.iter().copied().collect();
        let columns: [(&str, ArrayRef); 3] = [
            ("text", Arc::new(texts)),
            ("number", Arc::new(Int64Array::from(numbers.to_vec()))),
            ("nothing", Arc::new(Int64Array::new_null(numbers.len()))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
            .unwrap()
    }

    #[test]
    fn rows_are_taken_as_arrow_takes_them() {
        let batches = [
            batch(&[Some("a"), None, Some("b")], &[Some(1), None, Some(3)]),
            batch(&[None, None], &[None, Some(4)]),
            batch(&[Some("b"), Some(""), Some("b")], &[None, None, Some(5)]),
        ];
        let gather = Gather::new(batches[0].schema(), &batches).unwrap();
        let rows = [
            (2, 2),
            (0, 0),
            (1, 1),
            (0, 1),
            (2, 1),
            (0, 2),
            (0, 0),
            (1, 0),
        ];
        for rows in [&rows[..], &rows[..1], &rows[2..3], &[]] {
            let taken = gather.take(rows).unwrap();
            assert_eq!(taken.num_rows(), rows.len());
            for (index, column) in taken.columns().iter().enumerate() {
                let of_batches: Vec<&dyn Array> = batches
                    .iter()
                    .map(|batch| batch.column(index).as_ref())
                    .collect();
                assert_eq!(column, &interleave(&of_batches, rows).unwrap());
            }
        }
    }
}
