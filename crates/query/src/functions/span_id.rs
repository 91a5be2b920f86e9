//! `hex_id(bytes)`: trace and span ids as the lower-case hex that people read and compare; and the way back, so that a
//! comparison with an id can use the stored bytes.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray, StringViewBuilder};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, lit,
};

#[derive(Debug, PartialEq, Eq, Hash)]
struct HexId {
    signature: Signature,
}

/// The function.
pub(crate) fn hex_id() -> Arc<ScalarUDF> {
    static HEX_ID: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
        Arc::new(ScalarUDF::new_from_impl(HexId {
            signature: Signature::any(1, Volatility::Immutable),
        }))
    });
    Arc::clone(&HEX_ID)
}

impl ScalarUDFImpl for HexId {
    fn name(&self) -> &'static str {
        "hex_id"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let values = args.args[0].to_array(args.number_rows)?;
        let Some(ids) = values.as_fixed_size_binary_opt() else {
            return exec_err!("hex_id() takes an id, not {}", values.data_type());
        };
        let mut text = StringViewBuilder::with_capacity(ids.len());
        let mut hex = String::with_capacity(32);
        for id in ids {
            let Some(id) = id else {
                text.append_null();
                continue;
            };
            hex.clear();
            for byte in id {
                hex.extend(
                    [byte >> 4, byte & 15]
                        .map(|half| char::from_digit(u32::from(half), 16).unwrap_or('0')),
                );
            }
            text.append_value(&hex);
        }
        Ok(ColumnarValue::Array(Arc::new(text.finish())))
    }
}

/// `hex_id(column) = 'text'` (or `IN`, `<>`, `<`, `>=` and the like) as a comparison of bytes, which hex orders alike;
/// other expressions as they are. A text that no id reads as equals none.
pub(crate) fn rewrite_id_comparison(expression: Expr) -> Expr {
    match expression {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op:
                op @ (Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq),
            right,
        }) => match (id_column(&left), bytes_of(&right)) {
            (Some(column), Some(bytes)) => Expr::BinaryExpr(BinaryExpr {
                left: Box::new(column.clone()),
                op,
                right: Box::new(bytes),
            }),
            _ => Expr::BinaryExpr(BinaryExpr { left, op, right }),
        },
        Expr::InList(InList {
            expr,
            list,
            negated,
        }) => {
            let bytes: Option<Vec<Expr>> = list.iter().map(bytes_of).collect();
            match (id_column(&expr), bytes) {
                (Some(column), Some(list)) => Expr::InList(InList {
                    expr: Box::new(column.clone()),
                    list,
                    negated,
                }),
                _ => Expr::InList(InList {
                    expr,
                    list,
                    negated,
                }),
            }
        }
        other => other,
    }
}

fn id_column(expression: &Expr) -> Option<&Expr> {
    match expression {
        Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == "hex_id" => {
            args.first()
        }
        _ => None,
    }
}

/// The bytes of a literal that is the lower-case hex of an id; comparing with other literals is left to the text.
fn bytes_of(expression: &Expr) -> Option<Expr> {
    let Expr::Literal(value, _) = expression else {
        return None;
    };
    let text = value.try_as_str()??;
    let is_lower_hex = text
        .bytes()
        .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
    if !is_lower_hex || !matches!(text.len(), 16 | 32) {
        return None;
    }
    let digit = |index: usize| u8::from_str_radix(text.get(index..index + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(digit).collect();
    let size = i32::try_from(text.len() / 2).ok()?;
    Some(lit(ScalarValue::FixedSizeBinary(size, Some(bytes?))))
}
