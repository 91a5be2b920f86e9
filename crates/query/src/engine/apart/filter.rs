//! Conditions that a worker may put on the rows it asks for: few and simple ones, so that who has the rows can look at
//! each in bounded time. What is not among them the worker looks at itself.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, binary_expr, ident, in_list, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions as physical;
use serde::{Deserialize, Serialize};

/// Levels of conditions in conditions.
const DEPTH_MAX: usize = 8;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Filter {
    Compare(String, Comparison, Value),
    In {
        column: String,
        values: Vec<Value>,
        is_negated: bool,
    },
    Null {
        column: String,
        is_negated: bool,
    },
    All(Vec<Self>),
    Any(Vec<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A value of a column's own type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Value {
    Text(String),
    Int(i64),
    Int32(i32),
    UInt(u64),
    /// Its bits: JSON has no NaN.
    Double(u64),
    Bool(bool),
    Time(i64),
    Id(Vec<u8>),
}

impl Filter {
    /// What of the expression can be said so; rows that it leaves out the expression leaves out too.
    pub(super) fn of(expression: &Expr) -> Option<Self> {
        Self::within(expression, DEPTH_MAX)
    }

    fn within(expression: &Expr, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        match expression {
            Expr::Column(column) => Some(Self::flag(&column.name, true)),
            Expr::Not(flag) => match flag.as_ref() {
                Expr::Column(column) => Some(Self::flag(&column.name, false)),
                _ => None,
            },
            Expr::IsNull(inner) => Self::null(inner, false),
            Expr::IsNotNull(inner) => Self::null(inner, true),
            Expr::InList(InList {
                expr,
                list,
                negated,
            }) => Some(Self::In {
                column: column_of(expr)?,
                values: list.iter().map(value_of).collect::<Option<_>>()?,
                is_negated: *negated,
            }),
            Expr::BinaryExpr(BinaryExpr {
                op: op @ (Operator::And | Operator::Or),
                ..
            }) => {
                let mut operands = Vec::new();
                flatten(expression, *op, &mut operands);
                let parts = operands.into_iter().map(|part| Self::within(part, depth));
                match op {
                    // Of all that has to hold, some may stay unsaid; of what may hold instead of it, nothing.
                    Operator::And => Some(Self::All(parts.flatten().collect())),
                    _ => Some(Self::Any(parts.collect::<Option<_>>()?)),
                }
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => Some(Self::Compare(
                column_of(left)?,
                Comparison::of(*op)?,
                value_of(right)?,
            )),
            _ => None,
        }
    }

    /// The same of a plan's expression over columns of this schema.
    pub(super) fn of_physical(expression: &Arc<dyn PhysicalExpr>, schema: &Schema) -> Option<Self> {
        Self::physical_within(expression, schema, DEPTH_MAX)
    }

    fn physical_within(
        expression: &Arc<dyn PhysicalExpr>,
        schema: &Schema,
        depth: usize,
    ) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let column_of = |expression: &Arc<dyn PhysicalExpr>| {
            let column = expression.downcast_ref::<physical::Column>()?;
            Some(schema.fields().get(column.index())?.name().clone())
        };
        if let Some(changing) = expression.downcast_ref::<physical::DynamicFilterPhysicalExpr>() {
            return Self::physical_within(&changing.current().ok()?, schema, depth);
        }
        if let Some(inner) = expression.downcast_ref::<physical::IsNullExpr>() {
            let (column, is_negated) = (column_of(inner.arg())?, false);
            return Some(Self::Null { column, is_negated });
        }
        if let Some(inner) = expression.downcast_ref::<physical::IsNotNullExpr>() {
            let (column, is_negated) = (column_of(inner.arg())?, true);
            return Some(Self::Null { column, is_negated });
        }
        let binary = expression.downcast_ref::<physical::BinaryExpr>()?;
        let part = |part| Self::physical_within(part, schema, depth);
        match binary.op() {
            Operator::And => {
                let parts = [part(binary.left()), part(binary.right())];
                Some(Self::All(parts.into_iter().flatten().collect()))
            }
            Operator::Or => Some(Self::Any(vec![part(binary.left())?, part(binary.right())?])),
            operator => {
                let value = binary.right().downcast_ref::<physical::Literal>()?;
                Some(Self::Compare(
                    column_of(binary.left())?,
                    Comparison::of(*operator)?,
                    Value::of(value.value())?,
                ))
            }
        }
    }

    fn flag(column: &str, is_set: bool) -> Self {
        Self::Compare(column.to_owned(), Comparison::Equal, Value::Bool(is_set))
    }

    fn null(inner: &Expr, is_negated: bool) -> Option<Self> {
        let column = column_of(inner)?;
        Some(Self::Null { column, is_negated })
    }

    /// The expression over columns of these types; `None` if it does not fit them or is too deep.
    pub(super) fn expression(&self, schema: &Schema) -> Option<Expr> {
        self.expression_within(schema, DEPTH_MAX)
    }

    fn expression_within(&self, schema: &Schema, depth: usize) -> Option<Expr> {
        let depth = depth.checked_sub(1)?;
        let typed = |column: &str, value: &Value| {
            let value = value.scalar();
            let field = schema.field_with_name(column).ok()?;
            (value.data_type() == *field.data_type()).then(|| lit(value))
        };
        match self {
            Self::Compare(column, comparison, value) => Some(binary_expr(
                ident(column),
                comparison.operator(),
                typed(column, value)?,
            )),
            Self::In {
                column,
                values,
                is_negated,
            } => {
                let values = values.iter().map(|value| typed(column, value));
                Some(in_list(
                    ident(column),
                    values.collect::<Option<_>>()?,
                    *is_negated,
                ))
            }
            Self::Null { column, is_negated } => {
                schema.field_with_name(column).ok()?;
                Some(match is_negated {
                    true => ident(column).is_not_null(),
                    false => ident(column).is_null(),
                })
            }
            Self::All(parts) => {
                let parts = parts
                    .iter()
                    .filter_map(|part| part.expression_within(schema, depth));
                balanced(parts.collect(), Operator::And)
            }
            Self::Any(parts) => {
                let parts = parts
                    .iter()
                    .map(|part| part.expression_within(schema, depth));
                balanced(parts.collect::<Option<_>>()?, Operator::Or)
            }
        }
    }
}

impl Comparison {
    fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Eq => Self::Equal,
            Operator::NotEq => Self::NotEqual,
            Operator::Lt => Self::Less,
            Operator::LtEq => Self::LessOrEqual,
            Operator::Gt => Self::Greater,
            Operator::GtEq => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn operator(self) -> Operator {
        match self {
            Self::Equal => Operator::Eq,
            Self::NotEqual => Operator::NotEq,
            Self::Less => Operator::Lt,
            Self::LessOrEqual => Operator::LtEq,
            Self::Greater => Operator::Gt,
            Self::GreaterOrEqual => Operator::GtEq,
        }
    }
}

impl Value {
    fn of(value: &ScalarValue) -> Option<Self> {
        match value {
            ScalarValue::Utf8View(text) | ScalarValue::Utf8(text) => text.clone().map(Self::Text),
            ScalarValue::Int64(number) => number.map(Self::Int),
            ScalarValue::Int32(number) => number.map(Self::Int32),
            ScalarValue::UInt64(number) => number.map(Self::UInt),
            ScalarValue::Float64(number) => number.map(|number| Self::Double(number.to_bits())),
            ScalarValue::Boolean(flag) => flag.map(Self::Bool),
            ScalarValue::TimestampNanosecond(time, None) => time.map(Self::Time),
            ScalarValue::FixedSizeBinary(_, bytes) => bytes.clone().map(Self::Id),
            _ => None,
        }
    }

    fn scalar(&self) -> ScalarValue {
        match self {
            Self::Text(text) => ScalarValue::Utf8View(Some(text.clone())),
            Self::Int(number) => ScalarValue::Int64(Some(*number)),
            Self::Int32(number) => ScalarValue::Int32(Some(*number)),
            Self::UInt(number) => ScalarValue::UInt64(Some(*number)),
            Self::Double(bits) => ScalarValue::Float64(Some(f64::from_bits(*bits))),
            Self::Bool(flag) => ScalarValue::Boolean(Some(*flag)),
            Self::Time(time) => ScalarValue::TimestampNanosecond(Some(*time), None),
            Self::Id(bytes) => {
                let size = i32::try_from(bytes.len()).unwrap_or_default();
                ScalarValue::FixedSizeBinary(size, Some(bytes.clone()))
            }
        }
    }
}

/// The operands of a chain of one operator.
fn flatten<'e>(expression: &'e Expr, chain: Operator, operands: &mut Vec<&'e Expr>) {
    let mut waiting = vec![expression];
    while let Some(next) = waiting.pop() {
        match next {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == chain => {
                waiting.extend([right.as_ref(), left.as_ref()]);
            }
            operand => operands.push(operand),
        }
    }
}

/// Few levels, however many there are.
fn balanced(mut parts: Vec<Expr>, operator: Operator) -> Option<Expr> {
    if parts.len() <= 1 {
        return parts.pop();
    }
    let rest = parts.split_off(parts.len() / 2);
    Some(binary_expr(
        balanced(parts, operator)?,
        operator,
        balanced(rest, operator)?,
    ))
}

fn column_of(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Column(column) => Some(column.name.clone()),
        _ => None,
    }
}

fn value_of(expression: &Expr) -> Option<Value> {
    match expression {
        Expr::Literal(value, _) => Value::of(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{DataType, Field, Schema};
    use datafusion::logical_expr::{Expr, ident, lit};
    use datafusion::prelude::lower;

    use super::Filter;

    fn text(value: &str) -> Expr {
        lit(datafusion::common::ScalarValue::Utf8View(Some(
            value.to_owned(),
        )))
    }

    #[test]
    fn what_can_be_said_comes_back_and_what_cannot_is_left_to_the_asker() {
        let schema = Schema::new(vec![
            Field::new("a", DataType::Int64, true),
            Field::new("b", DataType::Utf8View, true),
        ]);
        let simple = ident("a").gt(lit(7_i64));
        let unsaid = lower(ident("b")).eq(text("x"));
        for (asked, expected) in [
            (simple.clone(), Some(simple.clone())),
            (
                ident("b").in_list(vec![text("x"), text("y")], true),
                Some(ident("b").in_list(vec![text("x"), text("y")], true)),
            ),
            (ident("b").is_null(), Some(ident("b").is_null())),
            (simple.clone().and(unsaid.clone()), Some(simple.clone())),
            (simple.clone().or(unsaid.clone()), None),
            (
                simple.clone().or(ident("b").is_not_null()),
                Some(simple.clone().or(ident("b").is_not_null())),
            ),
            (unsaid, None),
            // Another type than the column has, and no such column.
            (ident("a").eq(text("x")), None),
            (ident("c").eq(text("x")), None),
        ] {
            let filter = Filter::of(&asked).map(|filter| serde_json::to_string(&filter).unwrap());
            let filter: Option<Filter> = filter.map(|text| serde_json::from_str(&text).unwrap());
            let given = filter.and_then(|filter| filter.expression(&schema));
            assert_eq!(given, expected, "{asked}");
        }
    }

    #[test]
    fn long_chains_become_flat_and_deep_ones_are_left() {
        let chain = (0..390).map(|number| ident("a").eq(lit(i64::from(number))));
        let chain = chain.reduce(Expr::or).unwrap();
        let Some(Filter::Any(parts)) = Filter::of(&chain) else {
            panic!("a chain");
        };
        assert_eq!(parts.len(), 390);
        let mut deep = ident("a").eq(lit(0_i64));
        for number in 0..20 {
            let other = ident("a").gt(lit(i64::from(number)));
            deep = if number % 2 == 0 {
                other.or(deep)
            } else {
                other.and(deep)
            };
        }
        let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
        let given = Filter::of(&deep).and_then(|filter| filter.expression(&schema));
        assert!(given.is_some_and(|given| given.to_string().len() < deep.to_string().len()));
    }
}
