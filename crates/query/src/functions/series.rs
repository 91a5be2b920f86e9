//! `series_key(…)`: one number for the series that a metric's point belongs to. It depends on names and values alone, not
//! on where a value is stored, so points in memory, in columns and in overflow meet.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryBuilder};
use arrow::datatypes::DataType;
use crawlspace_lake::{json_at, map_entries};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

const KEY_BYTES: i32 = 16;

#[derive(Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    /// Of the arguments.
    names: Vec<String>,
    signature: Signature,
}

/// The function over columns of these names; a map holds further names and values.
pub(crate) fn series_key(names: Vec<String>) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(SeriesKey {
        names,
        signature: Signature::variadic_any(Volatility::Immutable),
    }))
}

impl ScalarUDFImpl for SeriesKey {
    fn name(&self) -> &'static str {
        "series_key"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::FixedSizeBinary(KEY_BYTES))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // A sum does not depend on the order in which attributes come.
        let mut keys = vec![0_u128; args.number_rows];
        for (name, values) in self.names.iter().zip(&args.args) {
            let values: ArrayRef = values.to_array(args.number_rows)?;
            for (row, key) in keys.iter_mut().enumerate() {
                if let Some(map) = values.as_map_opt() {
                    if map.is_valid(row) {
                        let entries = map_entries(map, row).map(|(name, json)| hash(name, json));
                        *key = entries.fold(*key, u128::wrapping_add);
                    }
                } else if let Some(json) = json_at(&values, row) {
                    *key = key.wrapping_add(hash(name, &json));
                }
            }
        }
        let mut out = FixedSizeBinaryBuilder::with_capacity(keys.len(), KEY_BYTES);
        for key in keys {
            out.append_value(key.to_be_bytes())?;
        }
        Ok(ColumnarValue::Array(Arc::new(out.finish())))
    }
}

fn hash(name: &str, json: &str) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&name.len().to_le_bytes());
    hasher.update(name.as_bytes());
    hasher.update(json.as_bytes());
    let mut start = [0; KEY_BYTES as usize];
    hasher.finalize_xof().fill(&mut start);
    u128::from_be_bytes(start)
}
