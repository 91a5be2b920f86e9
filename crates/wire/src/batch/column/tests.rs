//! Columns that grow by rows, gaps and runs hold what arrow's own builders make of the same values.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int64Array,
    StringArray,
};
use arrow::datatypes::{DataType, Int32Type};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Cell, Column};

/// Less than there will be, so that columns grow.
const ROOM: usize = 20;

/// The number of a value, the rows without one before it, and the rows after it that have the same.
type Step = (u16, usize, usize);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = prop_oneof![0..4u16, any::<u16>()];
    let gap = prop_oneof![4 => Just(0), 1 => 0..100usize];
    let run = prop_oneof![4 => Just(0), 1 => 0..100usize];
    vec((number, gap, run), 0..200)
}

fn grown(data_type: &DataType, steps: &[Step], put: impl Fn(&mut Column, usize, u16)) -> ArrayRef {
    let mut column = Column::new(data_type);
    let mut row = 0;
    for (number, gap, run) in steps {
        row += gap;
        put(&mut column, row, *number);
        column.repeat(row, row + 1..row + 1 + run);
        row += 1 + run;
        assert_eq!(column.end(), row);
    }
    column.finish(row + 3)
}

fn expected(steps: &[Step]) -> Vec<Option<u16>> {
    let mut rows = Vec::new();
    for (number, gap, run) in steps {
        rows.extend(std::iter::repeat_n(None, *gap));
        rows.extend(std::iter::repeat_n(Some(*number), 1 + run));
    }
    rows.extend([None; 3]);
    rows
}

fn check(column: &ArrayRef, of_arrow: ArrayRef) {
    assert_eq!(column.as_ref(), of_arrow.as_ref());
    assert_eq!(column.null_count(), of_arrow.null_count());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn texts_are_as_they_were_put(steps in steps()) {
        let text = |number: u16| format!("{number}").repeat(usize::from(number) % 5);
        let column = grown(&crate::batch::text_type(), &steps, |column, row, number| {
            assert!(column.put(row, Cell::Text(&text(number)), ROOM));
        });
        let texts: Vec<Option<String>> =
            expected(&steps).into_iter().map(|number| number.map(text)).collect();
        let of_arrow: DictionaryArray<Int32Type> =
            texts.iter().map(Option::as_deref).collect();
        // With the same codes: each text once, in the order in which they came.
        let dictionary = column.as_any().downcast_ref::<DictionaryArray<Int32Type>>().unwrap();
        assert_eq!(dictionary.keys(), of_arrow.keys());
        assert_eq!(dictionary.values().as_ref(), of_arrow.values().as_ref());
        check(&column, Arc::new(of_arrow));
    }

    #[test]
    fn numbers_are_as_they_were_put(steps in steps()) {
        let column = grown(&DataType::Int64, &steps, |column, row, number| {
            assert!(!column.put(row, Cell::Bool(true), ROOM));
            assert!(column.put(row, Cell::Int(number.into()), ROOM));
        });
        let numbers = expected(&steps).into_iter().map(|number| number.map(i64::from));
        check(&column, Arc::new(Int64Array::from_iter(numbers)));
        let column = grown(&DataType::Float64, &steps, |column, row, number| {
            assert!(column.put(row, Cell::Double(number.into()), ROOM));
        });
        let numbers = expected(&steps).into_iter().map(|number| number.map(f64::from));
        check(&column, Arc::new(Float64Array::from_iter(numbers)));
        let column = grown(&DataType::Boolean, &steps, |column, row, number| {
            assert!(column.put(row, Cell::Bool(number % 2 == 1), ROOM));
        });
        let flags = expected(&steps).into_iter().map(|number| number.map(|number| number % 2 == 1));
        check(&column, Arc::new(flags.collect::<BooleanArray>()));
    }

    #[test]
    fn ids_and_long_texts_are_as_they_were_put(steps in steps()) {
        // Neither repeats.
        let steps: Vec<Step> = steps.into_iter().map(|(number, gap, _)| (number, gap, 0)).collect();
        let mut ids = Column::new(&DataType::FixedSizeBinary(2));
        let mut texts = Column::new(&DataType::Utf8);
        let rows = expected(&steps);
        for (row, number) in rows.iter().enumerate() {
            if let Some(number) = number {
                assert!(ids.put(row, Cell::Bytes(&number.to_be_bytes()), ROOM));
                assert!(texts.put(row, Cell::Json(&number.to_string()), ROOM));
            }
        }
        let bytes = rows.iter().map(|number| number.map(u16::to_be_bytes));
        let of_arrow = FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 2).unwrap();
        check(&ids.finish(rows.len()), Arc::new(of_arrow));
        let of_arrow: StringArray = rows.iter().map(|number| number.map(|n| n.to_string())).collect();
        check(&texts.finish(rows.len()), Arc::new(of_arrow));
    }
}
