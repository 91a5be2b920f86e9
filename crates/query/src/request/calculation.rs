//! One calculation of the query API, such as `count` or `p99(duration_ns)`. Events that stand for several are counted,
//! summed and ranked as so many: the one place that knows how.

use std::collections::BTreeSet;

use crawlspace_model::Table;

use super::condition::quoted;
use super::relation::{Related, Relation, Scope, any_calculated};
use crate::attribute;
use crate::error::Error;

/// A calculation over the events of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Calculation {
    Count,
    /// Events per second.
    Rate,
    Over(Function, String),
    /// Of the histograms of `metrics`, merged: the fraction, from 0 to 1.
    OfHistograms(f64),
    /// Events by time and by the field's value.
    Heatmap(String),
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
    /// The standard deviation of a sample.
    Deviation,
    First,
    Last,
    /// The sum per second; of `metrics`, the increase of counters per second.
    Rate,
    /// How much the counters of `metrics` went up.
    Increase,
    /// The fraction, from 0 to 1.
    Percentile(f64),
}

/// What calculations need of the rows that they are over.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    /// Fields of the rows themselves.
    pub own: BTreeSet<String>,
    pub related: Related,
    /// Fields of metrics whose increase is asked for.
    pub counters: BTreeSet<String>,
    pub histograms: bool,
}

impl Calculation {
    /// Reads `count`, `avg(x)`, `p99(x)`, `p99.9(x)` and the like.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::Request(format!(
                "unknown calculation `{text}`: there are count, count(x), count_distinct(x), rate, rate(x), increase(x), \
                 sum(x), avg(x), min(x), max(x), stddev(x), first(x), last(x), heatmap(x) and percentiles like p99(x)"
            ))
        };
        let trimmed = text.trim();
        match trimmed.to_lowercase().as_str() {
            "count" | "count(*)" => return Ok(Self::Count),
            "rate" | "rate(*)" => return Ok(Self::Rate),
            _ => {}
        }
        let (name, rest) = trimmed.split_once('(').ok_or_else(wrong)?;
        let field = rest.strip_suffix(')').ok_or_else(wrong)?.trim();
        let function = match name.trim().to_lowercase().as_str() {
            "heatmap" => return Ok(Self::Heatmap(field.to_owned())),
            "count" => Function::Count,
            "count_distinct" => Function::CountDistinct,
            "sum" => Function::Sum,
            "avg" => Function::Average,
            "min" => Function::Minimum,
            "max" => Function::Maximum,
            "stddev" => Function::Deviation,
            "first" => Function::First,
            "last" => Function::Last,
            "rate" => Function::Rate,
            "increase" => Function::Increase,
            name => Function::Percentile(percentile(name).ok_or_else(wrong)?),
        };
        Ok(Self::Over(function, field.to_owned()))
    }

    /// The calculation as the table means it, and what it needs of its rows.
    pub(crate) fn settle(self, scope: Scope<'_>, needs: &mut Needs) -> Result<Self, Error> {
        let is_metrics = scope.table.table == Table::Metrics;
        let (function, field) = match self {
            Self::Over(function, field) => (function, field),
            Self::Heatmap(field) => {
                needs.field(scope, &field)?;
                return Ok(Self::Heatmap(field));
            }
            other => return Ok(other),
        };
        if let Function::Percentile(fraction) = function
            && is_metrics
            && field == "histogram"
            && !attribute::is_known(scope.table, &field)
        {
            needs.histograms = true;
            return Ok(Self::OfHistograms(fraction));
        }
        match (function, scope.relation(&field)) {
            (Function::Increase, _) if !is_metrics => {
                return Err(Error::Request(format!(
                    "`increase({field})` is of counters, and these are in `metrics`: use sum({field})"
                )));
            }
            (Function::Increase | Function::Rate, _) if is_metrics => {
                scope.field(&field)?;
                needs.counters.insert(field.clone());
            }
            (_, Some((Relation::Any, of))) => {
                let function = over_any(function).ok_or_else(|| {
                    Error::Request(format!(
                        "`{field}` has a value for each span of the trace: take min, max or count of it, or group by it"
                    ))
                })?;
                needs.related.calculate(function, of);
            }
            _ => needs.field(scope, &field)?,
        }
        Ok(Self::Over(function, field))
    }

    /// As an SQL expression over the rows. `seconds` is the SQL of the time that they are from.
    pub(crate) fn to_sql(&self, scope: Scope<'_>, seconds: &str) -> Result<String, Error> {
        let (weighted, count) = (scope.table.is_weighted(), count(scope));
        let (function, name) = match self {
            Self::Count | Self::Heatmap(_) => return Ok(count.to_owned()),
            Self::Rate => return Ok(format!("{count} / ({seconds})")),
            Self::OfHistograms(fraction) => {
                return Ok(format!("histogram_percentile(\"$histogram\", {fraction})"));
            }
            Self::Over(function, name) => (function, name),
        };
        let any = match scope.relation(name) {
            Some((Relation::Any, of)) => over_any(*function).map(|any| any_calculated(any, of)),
            _ => None,
        };
        let field = match &any {
            Some(calculated) => quoted(calculated),
            None => scope.field(name)?,
        };
        let increase = || format!("sum({})", quoted(&counter(name)));
        Ok(match function {
            Function::Count if any.is_some() => count_where(scope, &format!("{field} > 0")),
            Function::Count if weighted => count_where(scope, &format!("{field} IS NOT NULL")),
            Function::Count => format!("count({field})"),
            Function::CountDistinct => format!("count(DISTINCT {field})"),
            Function::Increase => increase(),
            Function::Rate if scope.table.table == Table::Metrics => {
                format!("{} / ({seconds})", increase())
            }
            Function::Rate if weighted => format!("sum({field} * sample_weight) / ({seconds})"),
            Function::Rate => format!("sum({field}) / ({seconds})"),
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
            Function::Deviation if weighted => weighted_deviation(&field),
            Function::Deviation => format!("stddev({field})"),
            Function::First => {
                format!("first_value({field} ORDER BY \"time\") FILTER (WHERE {field} IS NOT NULL)")
            }
            Function::Last => {
                format!("last_value({field} ORDER BY \"time\") FILTER (WHERE {field} IS NOT NULL)")
            }
            Function::Percentile(fraction) if weighted => {
                format!("percentile({field}, {fraction}, sample_weight)")
            }
            Function::Percentile(fraction) => format!("percentile({field}, {fraction})"),
        })
    }
}

impl Needs {
    /// Notes a field of the rows, or of a related span.
    pub(crate) fn field(&mut self, scope: Scope<'_>, name: &str) -> Result<(), Error> {
        scope.field(name)?;
        match scope.relation(name) {
            Some((relation, field)) => self.related.name(relation, field),
            None => _ = self.own.insert(name.to_owned()),
        }
        Ok(())
    }

    /// Whether each series of metrics has to be looked at point by point.
    pub(crate) fn has_series(&self) -> bool {
        self.histograms || !self.counters.is_empty()
    }
}

/// How many events rows stand for.
pub(crate) fn count(scope: Scope<'_>) -> &'static str {
    if scope.table.is_weighted() {
        "coalesce(sum(sample_weight), 0)"
    } else {
        "count(*)"
    }
}

/// How many events those rows stand for that fulfil a condition.
fn count_where(scope: Scope<'_>, condition: &str) -> String {
    if scope.table.is_weighted() {
        format!("coalesce(sum(sample_weight) FILTER (WHERE {condition}), 0)")
    } else {
        format!("count(*) FILTER (WHERE {condition})")
    }
}

/// The column with the increase of a counter.
pub(crate) fn counter(field: &str) -> String {
    format!("$increase({field})")
}

/// A weight counts as so many values: √((Σwx² − (Σwx)²/Σw) / (Σw − 1)). Without casts, which the engine's names of
/// columns do not show: two sums that differ by one alone would have the same.
fn weighted_deviation(field: &str) -> String {
    let weight = format!("sum(sample_weight) FILTER (WHERE {field} IS NOT NULL)");
    let (sum, squares) = (
        format!("sum({field} * sample_weight)"),
        format!("sum({field} * sample_weight * {field})"),
    );
    format!("sqrt(greatest({squares} - {sum} * {sum} / {weight}, 0.0) / nullif({weight} - 1, 0.0))")
}

/// The functions that say something of all spans of a trace.
fn over_any(function: Function) -> Option<&'static str> {
    Some(match function {
        Function::Minimum => "min",
        Function::Maximum => "max",
        Function::Count => "count",
        _ => return None,
    })
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
            ("rate", Some(Calculation::Rate)),
            ("heatmap( x )", Some(Calculation::Heatmap("x".to_owned()))),
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
            ("rate(value)", over(Function::Rate, "value")),
            ("p101(x)", None),
            ("median(x)", None),
            ("sum", None),
        ] {
            assert_eq!(Calculation::parse(text).ok(), expected, "{text}");
        }
    }
}
