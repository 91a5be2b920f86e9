//! One calculation of the query API, such as `count` or `p99(duration_ns)`. Events that stand for several are counted,
//! summed and ranked as so many.

use crawlspace_lake::TableSnapshot;

use crate::error::Error;
use crate::request::known_field;

/// A calculation over the events of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Calculation {
    Count,
    Over(Function, String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Function {
    /// Events that have the field.
    Count,
    CountDistinct,
    Sum,
    Average,
    Minimum,
    Maximum,
    /// The fraction, from 0 to 1.
    Percentile(f64),
}

impl Calculation {
    /// Reads `count`, `avg(x)`, `p99(x)`, `p99.9(x)` and the like.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::Request(format!(
                "unknown calculation `{text}`: there are count, count(x), count_distinct(x), sum(x), avg(x), min(x), max(x) \
                 and percentiles like p99(x)"
            ))
        };
        let trimmed = text.trim();
        if trimmed.eq_ignore_ascii_case("count") || trimmed.eq_ignore_ascii_case("count(*)") {
            return Ok(Self::Count);
        }
        let (name, rest) = trimmed.split_once('(').ok_or_else(wrong)?;
        let field = rest.strip_suffix(')').ok_or_else(wrong)?.trim();
        let function = match name.trim().to_lowercase().as_str() {
            "count" => Function::Count,
            "count_distinct" => Function::CountDistinct,
            "sum" => Function::Sum,
            "avg" => Function::Average,
            "min" => Function::Minimum,
            "max" => Function::Maximum,
            name => Function::Percentile(percentile(name).ok_or_else(wrong)?),
        };
        Ok(Self::Over(function, field.to_owned()))
    }

    /// As an SQL expression over the table.
    pub(crate) fn to_sql(&self, table: &TableSnapshot) -> Result<String, Error> {
        let weighted = table.is_weighted();
        let Self::Over(function, field) = self else {
            return Ok(if weighted {
                "sum(sample_weight)"
            } else {
                "count(*)"
            }
            .to_owned());
        };
        let field = known_field(table, field)?;
        Ok(match function {
            Function::Count if weighted => {
                format!("sum(sample_weight) FILTER (WHERE {field} IS NOT NULL)")
            }
            Function::Count => format!("count({field})"),
            Function::CountDistinct => format!("count(DISTINCT {field})"),
            Function::Sum if weighted => format!("sum({field} * sample_weight)"),
            Function::Sum => format!("sum({field})"),
            Function::Average if weighted => {
                format!(
                    "sum({field} * sample_weight) / sum(sample_weight) FILTER (WHERE {field} IS NOT NULL)"
                )
            }
            Function::Average => format!("avg({field})"),
            Function::Minimum => format!("min({field})"),
            Function::Maximum => format!("max({field})"),
            Function::Percentile(fraction) if weighted => {
                format!("percentile({field}, {fraction}, sample_weight)")
            }
            Function::Percentile(fraction) => format!("percentile({field}, {fraction})"),
        })
    }
}

/// The fraction of `p50`, `p99` or `p99.9`.
fn percentile(name: &str) -> Option<f64> {
    let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
    // Divided as decimals are: 99.9 becomes 0.999, not 0.9990000000000001.
    let fraction: f64 = format!("{percent}e-2").parse().ok()?;
    (0.0..=1.0).contains(&fraction).then_some(fraction)
}

#[cfg(test)]
mod tests {
    use super::{Calculation, Function};

    #[test]
    fn calculations_are_read_as_people_write_them() {
        let over = |function, field: &str| Some(Calculation::Over(function, field.to_owned()));
        for (text, expected) in [
            ("count", Some(Calculation::Count)),
            ("COUNT(*)", Some(Calculation::Count)),
            (
                "p99(duration_ns)",
                over(Function::Percentile(0.99), "duration_ns"),
            ),
            (
                "p99.9( duration_ns )",
                over(Function::Percentile(0.999), "duration_ns"),
            ),
            (
                "count_distinct(user.id)",
                over(Function::CountDistinct, "user.id"),
            ),
            ("p101(x)", None),
            ("median(x)", None),
            ("sum", None),
        ] {
            assert_eq!(Calculation::parse(text).ok(), expected, "{text}");
        }
    }
}
