//! Groups as a worker asks the server for them: of columns as they are, under conditions that say all that was meant.

use std::sync::Arc;

use arrow::datatypes::DataType;
use crawlspace_lake::PartScan;
use crawlspace_lake::catalogue::Column;
use crawlspace_model::Table;
use datafusion::common::{Result, internal_datafusion_err};
use datafusion::logical_expr::{Cast, Expr, cast, ident};
use datafusion::physical_plan::ExecutionPlan;
use serde::{Deserialize, Serialize};

use super::asked::AskedPlan;
use super::filter::Filter;
use super::parent::Parent;
use super::wire::Scanning;
use crate::engine::grouping::{Calculation, Function, Grouping, Term};

/// Columns are told by their places among those of the scan.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AskedGrouping {
    keys: Vec<usize>,
    calculations: Vec<AskedCalculation>,
}

/// Not groups but rows: the newest ones by the key, so many, with these columns.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AskedNewest {
    pub columns: Vec<String>,
    pub count: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct AskedCalculation {
    function: Function,
    of: Option<Of>,
    conditions: Vec<Filter>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Of {
    Column(usize),
    /// Its numbers as doubles.
    Doubles(usize),
}

/// Whether a server can find it.
pub(crate) fn can_be_asked(grouping: &Grouping) -> bool {
    asked(grouping).is_some()
}

/// The plan that has a server find it.
pub(crate) async fn plan_of_server(
    parent: &Arc<Parent>,
    grouping: &Grouping,
) -> Result<Arc<dyn ExecutionPlan>> {
    let asked = asked(grouping);
    let asked = asked.ok_or_else(|| internal_datafusion_err!("this can't be asked"))?;
    let (scan, partitions) = parent.open(asked).await?;
    let schema = grouping.schema()?;
    Ok(Arc::new(AskedPlan::new(parent, scan, partitions, schema)))
}

/// The plan that has a server find the newest rows: so many, of those that fulfil the conditions.
pub(crate) async fn newest_of_server(
    parent: &Arc<Parent>,
    columns: Vec<Arc<Column>>,
    wanted: &Grouping,
    count: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let asked = asked(wanted);
    let asked = asked.ok_or_else(|| internal_datafusion_err!("this can't be asked"))?;
    let schema = PartScan::schema(wanted.table, &columns);
    let columns = columns.iter().map(|column| column.name.clone()).collect();
    let asked = Scanning {
        newest: Some(AskedNewest { columns, count }),
        ..asked
    };
    let (scan, partitions) = parent.open(asked).await?;
    Ok(Arc::new(AskedPlan::new(parent, scan, partitions, schema)))
}

/// What is said of it; nothing where that would not be all.
fn asked(grouping: &Grouping) -> Option<Scanning> {
    let schema = PartScan::schema(grouping.table, &grouping.columns);
    let filters = |terms: &[Term]| {
        let filters = terms.iter().map(|term| {
            let filter = Filter::of(&term.expression)?;
            // A flag is said by its value.
            let is_flag = match &term.expression {
                Expr::Not(flag) => matches!(flag.as_ref(), Expr::Column(_)),
                flag => matches!(flag, Expr::Column(_)),
            };
            let is_all = is_flag || filter.expression(&schema)? == term.expression;
            is_all.then_some(filter)
        });
        filters.collect::<Option<Vec<Filter>>>()
    };
    let keys = grouping.keys.iter();
    let keys = keys.map(|key| key.is_column().then_some(key.column));
    let calculations = grouping.calculations.iter().map(|calculation| {
        Some(AskedCalculation {
            function: calculation.function,
            of: match &calculation.of {
                None => None,
                Some(term) => Some(of(term)?),
            },
            conditions: filters(&calculation.conditions)?,
        })
    });
    Some(Scanning {
        table: grouping.table,
        columns: grouping
            .columns
            .iter()
            .map(|column| column.name.clone())
            .collect(),
        filters: filters(&grouping.conditions)?,
        limit: None,
        grouping: Some(AskedGrouping {
            keys: keys.collect::<Option<_>>()?,
            calculations: calculations.collect::<Option<_>>()?,
        }),
        newest: None,
    })
}

fn of(term: &Term) -> Option<Of> {
    match &term.expression {
        Expr::Column(_) => Some(Of::Column(term.column)),
        Expr::Cast(Cast { expr, field }) if *field.data_type() == DataType::Float64 => {
            matches!(expr.as_ref(), Expr::Column(_)).then_some(Of::Doubles(term.column))
        }
        _ => None,
    }
}

impl AskedGrouping {
    /// What a worker means by it; nothing if it means nothing.
    pub(super) fn understood(
        &self,
        table: Table,
        columns: &[Arc<Column>],
        filters: &[Filter],
    ) -> Option<Grouping> {
        let schema = PartScan::schema(table, columns);
        let conditions = |filters: &[Filter]| {
            let terms = filters.iter().map(|filter| {
                let expression = filter.expression(&schema)?;
                let mut named = expression.column_refs().into_iter();
                let column = schema.index_of(&named.next()?.name).ok()?;
                named.next().is_none().then_some(())?;
                Some(Term { column, expression })
            });
            terms.collect::<Option<Vec<Term>>>()
        };
        let plain = |place: usize| {
            let expression = ident(&columns.get(place)?.stored_name);
            Some(Term {
                column: place,
                expression,
            })
        };
        let of = |of: &Of| match of {
            Of::Column(place) => plain(*place),
            Of::Doubles(place) => plain(*place).map(|term| Term {
                expression: cast(term.expression, DataType::Float64),
                ..term
            }),
        };
        let calculations = self.calculations.iter().map(|asked| {
            Some(Calculation {
                function: asked.function,
                of: match &asked.of {
                    None => None,
                    Some(asked) => Some(of(asked)?),
                },
                conditions: conditions(&asked.conditions)?,
            })
        });
        let grouping = Grouping {
            table,
            columns: columns.to_vec(),
            conditions: conditions(filters)?,
            keys: self
                .keys
                .iter()
                .map(|place| plain(*place))
                .collect::<Option<_>>()?,
            calculations: calculations.collect::<Option<_>>()?,
        };
        // Whoever asks may be anything.
        let is_possible = grouping.is_small() && grouping.is_possible().ok()?;
        is_possible.then_some(grouping)
    }
}
