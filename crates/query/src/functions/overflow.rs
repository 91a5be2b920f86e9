//! `overflow_text(overflow, 'key')`: what a query reads of an attribute that has no column of its own in these rows.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;
use crawlspace_lake::map_entries;
use crawlspace_model::attribute::text_of_json;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

#[derive(Debug, PartialEq, Eq, Hash)]
struct OverflowText {
    signature: Signature,
}

/// The function.
pub(crate) fn overflow_text() -> Arc<ScalarUDF> {
    static OVERFLOW_TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        Arc::new(ScalarUDF::new_from_impl(OverflowText {
            signature: Signature::any(2, Volatility::Immutable),
        }))
    });
    Arc::clone(&OVERFLOW_TEXT)
}

impl ScalarUDFImpl for OverflowText {
    fn name(&self) -> &'static str {
        "overflow_text"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = args.args[0].to_array(args.number_rows)?;
        let key = match &args.args[1] {
            ColumnarValue::Scalar(key) => key.try_as_str().flatten().map(str::to_owned),
            ColumnarValue::Array(_) => None,
        };
        let (Some(map), Some(key)) = (values.as_map_opt(), key) else {
            return exec_err!("overflow_text() takes the overflow column and a key");
        };
        let mut texts = StringViewBuilder::with_capacity(map.len());
        for row in 0..map.len() {
            let entry = map
                .is_valid(row)
                .then(|| map_entries(map, row).find(|(name, _)| *name == key))
                .flatten();
            texts.append_option(entry.map(|(_, json)| text_of_json(json)));
        }
        let texts: ArrayRef = Arc::new(texts.finish());
        Ok(match args.args[0] {
            ColumnarValue::Array(_) => ColumnarValue::Array(texts),
            ColumnarValue::Scalar(_) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&texts, 0)?)
            }
        })
    }
}
