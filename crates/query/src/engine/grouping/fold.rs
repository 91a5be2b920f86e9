//! Blocks of rows become groups: which rows count, the group of each, and what is calculated of it.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, SchemaRef};
use crawlspace_lake::catalogue::Column;
use crawlspace_model::Table;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_plan::PhysicalExpr;

use super::block::Block;
use super::groups::Groups;
use super::measure::{Measure, Rows, count};
use super::shape::Shape;
use super::{Calculation, Function, Grouping, Term};

/// A grouping whose expressions can be evaluated.
#[derive(Debug)]
pub(super) struct Prepared {
    pub table: Table,
    pub columns: Vec<Arc<Column>>,
    pub conditions: Vec<PlainTerm>,
    pub keys: Vec<PlainTerm>,
    /// What calculations are about, each once.
    pub measured: Vec<Measured>,
    /// For each calculation, what it is about; all rows of its group without.
    calculations: Vec<(Function, Option<usize>)>,
    schema: SchemaRef,
}

/// An expression over the values of one column.
#[derive(Debug)]
pub(super) struct PlainTerm {
    pub column: usize,
    pub is_column: bool,
    pub expression: Arc<dyn PhysicalExpr>,
    /// The column, as a schema.
    pub schema: SchemaRef,
    /// If it is a condition: the texts of which the column has one where it holds, if it says so.
    pub texts: Vec<String>,
    /// If it is a condition: what it says of a number.
    pub within: Option<Within>,
    pub shape: Option<Shape>,
}

/// Some values of a group's rows, and what is to be known of them.
#[derive(Debug)]
pub(super) struct Measured {
    of: Option<PlainTerm>,
    pub conditions: Vec<PlainTerm>,
    functions: Vec<Function>,
    is_integer: bool,
}

/// What a condition says of a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Within {
    /// That it is there.
    All,
    Compared(Operator, i64),
}

/// Which rows of a group a condition holds for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    ByNone,
    BySome,
    ByAll,
}

impl Within {
    fn of(expression: &Expr) -> Option<Self> {
        let (operator, left, right) = match expression {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => (op, left, right),
            Expr::IsNotNull(of) => {
                return matches!(of.as_ref(), Expr::Column(_)).then_some(Self::All);
            }
            _ => return None,
        };
        let (Expr::Column(_), Expr::Literal(value, _)) = (left.as_ref(), right.as_ref()) else {
            return None;
        };
        let number = match value {
            ScalarValue::Int64(number) | ScalarValue::TimestampNanosecond(number, None) => {
                (*number)?
            }
            _ => return None,
        };
        Some(Self::Compared(*operator, number))
    }

    /// By rows whose numbers have these bounds.
    pub fn held_by(self, (least, greatest): (i64, i64)) -> Held {
        let of = |by_all, by_some| match (by_all, by_some) {
            (true, _) => Held::ByAll,
            (false, true) => Held::BySome,
            (false, false) => Held::ByNone,
        };
        let Self::Compared(operator, number) = self else {
            return Held::ByAll;
        };
        match operator {
            Operator::Lt => of(greatest < number, least < number),
            Operator::LtEq => of(greatest <= number, least <= number),
            Operator::Gt => of(least > number, greatest > number),
            Operator::GtEq => of(least >= number, greatest >= number),
            Operator::Eq => of(
                least == number && greatest == number,
                (least..=greatest).contains(&number),
            ),
            _ => Held::BySome,
        }
    }
}

/// The texts one of which a column has where the condition holds.
fn texts_of(expression: &Expr) -> Vec<String> {
    let text = |value: &Expr| match value {
        Expr::Literal(ScalarValue::Utf8View(Some(text)) | ScalarValue::Utf8(Some(text)), _) => {
            Some(text.clone())
        }
        _ => None,
    };
    let texts: Option<Vec<String>> = match expression {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => match left.as_ref() {
            Expr::Column(_) => text(right).map(|text| vec![text]),
            _ => None,
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) => match expr.as_ref() {
            Expr::Column(_) => list.iter().map(text).collect(),
            _ => None,
        },
        _ => None,
    };
    texts.unwrap_or_default()
}

impl Prepared {
    pub fn new(grouping: &Grouping, state: &dyn Session) -> Result<Self> {
        let scanned = grouping.scanned();
        let plain = |term: &Term| {
            let schema = Arc::new(scanned.project(&[term.column])?);
            let of_plan = DFSchema::try_from(Arc::clone(&schema))?;
            Ok(PlainTerm {
                column: term.column,
                is_column: term.is_column(),
                expression: state.create_physical_expr(term.expression.clone(), &of_plan)?,
                schema,
                texts: texts_of(&term.expression),
                within: Within::of(&term.expression),
                shape: Shape::of(&term.expression),
            })
        };
        let (mut about, mut measured) = (Vec::new(), Vec::new());
        let mut calculations = Vec::new();
        for Calculation {
            function,
            of,
            conditions,
        } in &grouping.calculations
        {
            if of.is_none() && conditions.is_empty() {
                calculations.push((*function, None));
                continue;
            }
            let known = about.iter().position(|about| *about == (of, conditions));
            let place = match known {
                Some(place) => place,
                None => {
                    about.push((of, conditions));
                    measured.push(Measured {
                        of: of.as_ref().map(plain).transpose()?,
                        conditions: conditions.iter().map(plain).collect::<Result<_>>()?,
                        functions: Vec::new(),
                        is_integer: match of {
                            Some(term) => grouping.type_of(term)? != DataType::Float64,
                            None => false,
                        },
                    });
                    about.len() - 1
                }
            };
            measured[place].functions.push(*function);
            calculations.push((*function, Some(place)));
        }
        Ok(Self {
            table: grouping.table,
            columns: grouping.columns.clone(),
            conditions: grouping
                .conditions
                .iter()
                .map(plain)
                .collect::<Result<_>>()?,
            keys: grouping.keys.iter().map(plain).collect::<Result<_>>()?,
            measured,
            calculations,
            schema: grouping.schema()?,
        })
    }
}

impl Prepared {
    /// Which columns have to be read where conditions are fulfilled and bounds are known.
    pub fn needed(&self, fulfilled: &[bool], bounds: &[Option<(i64, i64)>]) -> Vec<bool> {
        let conditions = self.conditions.iter().zip(fulfilled);
        let conditions = conditions.filter(|(_, is_fulfilled)| !**is_fulfilled);
        let measured = self.measured.iter().zip(bounds);
        let measured = measured.filter(|(_, bounds)| bounds.is_none());
        let measured =
            measured.flat_map(|(measured, _)| measured.of.iter().chain(&measured.conditions));
        let terms = conditions.map(|(condition, _)| condition);
        let mut needed = vec![false; self.columns.len()];
        for term in terms.chain(&self.keys).chain(measured) {
            needed[term.column] = true;
        }
        needed
    }
}

/// Groups, as far as they are found.
pub(super) struct Fold {
    prepared: Arc<Prepared>,
    groups: Groups,
    /// Of each group.
    rows: Vec<u64>,
    measures: Vec<Measure>,
}

impl Fold {
    pub fn new(prepared: Arc<Prepared>) -> Self {
        let measures = prepared.measured.iter();
        Self {
            groups: Groups::new(prepared.keys.len()),
            rows: Vec::new(),
            measures: measures
                .map(|measured| Measure::new(&measured.functions, measured.is_integer))
                .collect(),
            prepared,
        }
    }

    /// Bytes that it takes, roughly.
    pub fn size(&self) -> usize {
        let measures: usize = self.measures.iter().map(Measure::size).sum();
        self.groups.size() + self.rows.capacity() * size_of::<u64>() + measures
    }

    pub fn add(&mut self, mut block: Block) -> Result<()> {
        let prepared = Arc::clone(&self.prepared);
        let chosen = chosen(&prepared, &mut block)?;
        let rows = chosen.as_ref().map_or(block.rows, Vec::len);
        if rows == 0 {
            return Ok(());
        }
        let mut groups = Vec::new();
        let mut keys = self.groups.begin(rows, &mut groups);
        for term in &prepared.keys {
            let key = block.column(term.column)?.of_term(term)?;
            keys.add(&key, chosen.as_deref());
        }
        self.rows.resize(self.groups.len(), 0);
        count(&mut self.rows, &groups);
        let bounds = std::mem::take(&mut block.bounds);
        let measures = self.measures.iter_mut().zip(&bounds);
        for (measured, (measure, bounds)) in prepared.measured.iter().zip(measures) {
            if let Some(bounds) = bounds {
                measure.add_bounds(rows as u64, *bounds);
                continue;
            }
            let is_counted = measured.rows(&mut block, chosen.as_deref())?;
            let of = measured.of.as_ref();
            let of = of
                .map(|term| block.column(term.column)?.of_term(term))
                .transpose()?;
            let rows = Rows {
                groups: &groups,
                is_counted: is_counted.as_deref(),
            };
            measure.add(self.rows.len(), &rows, of.as_deref(), chosen.as_deref());
        }
        Ok(())
    }

    /// Adds what another one has found.
    pub fn merge(&mut self, other: Self) {
        let places = self.groups.merge(&other.groups);
        self.rows.resize(self.groups.len(), 0);
        for (place, rows) in places.iter().zip(&other.rows) {
            self.rows[*place as usize] += rows;
        }
        for (measure, other) in self.measures.iter_mut().zip(other.measures) {
            measure.merge(self.rows.len(), &places, other);
        }
    }

    pub fn finish(mut self) -> Result<RecordBatch> {
        if self.prepared.keys.is_empty() {
            // Of no rows, too, there is one answer.
            self.rows.resize(1, 0);
        }
        for measure in &mut self.measures {
            measure.finish(self.rows.len());
        }
        let all = self.rows.iter().enumerate();
        // Values that no row of those that count has are no groups.
        let found = all.filter(|(_, rows)| **rows > 0 || self.prepared.keys.is_empty());
        let found: Vec<u32> = found.map(|(group, _)| group as u32).collect();
        let fields = self.prepared.schema.fields();
        let (of_keys, of_calculations) = fields.split_at(self.prepared.keys.len());
        let types: Vec<_> = of_keys.iter().map(|field| field.data_type()).collect();
        let mut columns = self.groups.arrays(&found, &types)?;
        for ((function, measured), field) in self.prepared.calculations.iter().zip(of_calculations)
        {
            columns.push(match measured {
                None => counts_of(&found, |group| self.rows[group]),
                Some(place) => self.measures[*place].array(*function, &found, field.data_type())?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(found.len()));
        let schema = Arc::clone(&self.prepared.schema);
        Ok(RecordBatch::try_new_with_options(
            schema, columns, &options,
        )?)
    }
}

/// How many there are of some groups.
pub(super) fn counts_of(groups: &[u32], count: impl Fn(usize) -> u64) -> ArrayRef {
    let counts = groups.iter().map(|group| count(*group as usize));
    Arc::new(counts.map(u64::cast_signed).collect::<Int64Array>())
}

/// The rows that fulfil all conditions; all of them without.
pub(super) fn chosen(prepared: &Prepared, block: &mut Block) -> Result<Option<Vec<u32>>> {
    let mut chosen = None;
    for (condition, is_fulfilled) in prepared.conditions.iter().zip(block.fulfilled.clone()) {
        if !is_fulfilled {
            narrow(&mut chosen, block, condition)?;
        }
    }
    Ok(chosen)
}

/// Leaves the rows that fulfil one more condition.
fn narrow(chosen: &mut Option<Vec<u32>>, block: &mut Block, condition: &PlainTerm) -> Result<()> {
    if chosen.as_ref().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    let column = block.column(condition.column)?;
    let fulfilling = column.fulfilling(condition)?;
    if fulfilling.iter().all(|is_fulfilled| !is_fulfilled) {
        *chosen = Some(Vec::new());
        return Ok(());
    }
    let is_chosen = |row: u32| fulfilling[column.codes[row as usize] as usize];
    match chosen {
        Some(rows) => rows.retain(|row| is_chosen(*row)),
        None if fulfilling.iter().all(|is_fulfilled| *is_fulfilled) => {}
        None => {
            *chosen = Some(
                (0..column.codes.len() as u32)
                    .filter(|row| is_chosen(*row))
                    .collect(),
            )
        }
    }
    Ok(())
}

impl Measured {
    /// The column, if nothing but its least and greatest integer is asked for.
    pub fn bounded(&self) -> Option<usize> {
        let is_bound = |function| matches!(function, &Function::Least | &Function::Greatest);
        let of = self
            .of
            .as_ref()
            .filter(|of| of.is_column && self.is_integer)?;
        self.functions.iter().all(is_bound).then_some(of.column)
    }

    /// For each chosen row, whether it fulfils the conditions; nothing where there are none.
    fn rows(&self, block: &mut Block, chosen: Option<&[u32]>) -> Result<Option<Vec<bool>>> {
        let mut is_counted: Option<Vec<bool>> = None;
        for condition in &self.conditions {
            let column = block.column(condition.column)?;
            let fulfilling = column.fulfilling(condition)?;
            let codes = column.codes_of(chosen);
            let one = codes.iter().map(|code| fulfilling[*code as usize]);
            match &mut is_counted {
                None => is_counted = Some(one.collect()),
                Some(all) => all.iter_mut().zip(one).for_each(|(all, one)| *all &= one),
            }
        }
        Ok(is_counted)
    }
}
