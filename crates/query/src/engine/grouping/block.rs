//! Rows that are looked at together: a row group of a part, or a batch in memory, each column as codes.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use crawlspace_lake::catalogue::Part;
use crawlspace_lake::{ABSENT, Lake, MemoryBatch, PartGroups, StoredChunk, Values, scan_memory};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::physical_plan::metrics::Count;
use tokio::sync::Mutex;

use super::fold::{Held, PlainTerm, Prepared};
use crate::error::Error;
use crate::table::external;

/// The blocks of some parts and of memory, for whoever takes the next.
pub(super) struct Blocks {
    lake: Arc<Lake>,
    prepared: Arc<Prepared>,
    left: Mutex<Left>,
    bytes: Count,
    /// The columns that groups can be asked for later.
    schema: SchemaRef,
    /// Blocks of older rows alone are passed over.
    least: AtomicI64,
}

struct Left {
    memory: VecDeque<Arc<MemoryBatch>>,
    parts: VecDeque<Arc<Part>>,
    /// The part that is being read, and its next group.
    reading: Option<(Arc<PartGroups>, usize)>,
}

pub(super) struct Block {
    pub of: Of,
    pub rows: usize,
    /// Conditions that all rows fulfil.
    pub fulfilled: Vec<bool>,
    /// For each of what is measured: the least and the greatest value of all rows, where more is not asked for.
    pub bounds: Vec<Option<(i64, i64)>>,
    columns: Vec<Source>,
}

/// Where rows are.
pub(super) enum Of {
    Memory(Arc<MemoryBatch>),
    Group(Arc<PartGroups>, usize),
}

/// A column that may not be needed.
enum Source {
    Absent,
    Array(ArrayRef),
    Chunk(StoredChunk, Arc<PartGroups>),
    Read(Arc<Coded>),
}

/// A column as codes.
pub(super) struct Coded {
    pub values: Arc<Values>,
    /// Of each row; 0 where it has no value, else the value's place and one.
    pub codes: Arc<Vec<u32>>,
    /// Whether each row has a value of its own, in their order.
    pub is_own: bool,
}

impl Blocks {
    pub fn new(
        lake: &Arc<Lake>,
        prepared: &Arc<Prepared>,
        parts: Vec<Arc<Part>>,
        memory: Vec<Arc<MemoryBatch>>,
        bytes: Count,
    ) -> Self {
        let left = Left {
            memory: memory.into(),
            parts: parts.into(),
            reading: None,
        };
        Self {
            lake: Arc::clone(lake),
            prepared: Arc::clone(prepared),
            left: Mutex::new(left),
            bytes,
            schema: Arc::new(Schema::empty()),
            least: AtomicI64::new(i64::MIN),
        }
    }

    /// Of groups, rows with the columns of a scan's schema are asked for later.
    pub fn with_rows_of(self, schema: SchemaRef) -> Self {
        Self { schema, ..self }
    }

    /// From now on, blocks that have nothing but older rows are not needed.
    pub fn pass_over(&self, least: Option<i64>) {
        if let Some(least) = least {
            self.least.fetch_max(least, Ordering::Relaxed);
        }
    }

    /// The oldest that is needed, so far.
    pub fn least(&self) -> Option<i64> {
        let least = self.least.load(Ordering::Relaxed);
        (least > i64::MIN).then_some(least)
    }

    pub async fn next(&self) -> Result<Option<Block>> {
        loop {
            let mut left = self.left.lock().await;
            if let Some(batch) = left.memory.pop_front() {
                drop(left);
                return self.of_memory(&batch).map(Some);
            }
            match left.reading.take() {
                Some((groups, index)) if index < groups.count() => {
                    left.reading = Some((Arc::clone(&groups), index + 1));
                    drop(left);
                    if let Some(block) = self.of_group(&groups, index).await? {
                        return Ok(Some(block));
                    }
                }
                _ => {
                    let Some(part) = left.parts.pop_front() else {
                        return Ok(None);
                    };
                    if self
                        .least()
                        .is_some_and(|least| part.meta.time_max.0 < least)
                    {
                        continue;
                    }
                    let groups = self
                        .lake
                        .part_groups(&part, &self.schema)
                        .await
                        .map_err(of_lake)?;
                    left.reading = Some((Arc::new(groups), 0));
                }
            }
        }
    }

    fn of_memory(&self, batch: &Arc<MemoryBatch>) -> Result<Block> {
        let prepared = &self.prepared;
        let batches = scan_memory(
            prepared.table,
            &prepared.columns,
            std::slice::from_ref(batch),
        );
        let batches = batches.map_err(of_lake)?;
        let columns = batches.iter().flat_map(RecordBatch::columns);
        Ok(Block {
            of: Of::Memory(Arc::clone(batch)),
            rows: batch.rows.num_rows(),
            fulfilled: vec![false; prepared.conditions.len()],
            bounds: vec![None; prepared.measured.len()],
            columns: columns
                .map(|column| Source::Array(Arc::clone(column)))
                .collect(),
        })
    }

    /// Nothing where no row of the group fulfils the conditions.
    async fn of_group(&self, groups: &Arc<PartGroups>, index: usize) -> Result<Option<Block>> {
        let prepared = &self.prepared;
        let columns = &prepared.columns;
        let held = |condition: &PlainTerm| {
            let bounds = groups.bounds(index, &columns[condition.column]);
            let within = condition.within.zip(bounds);
            within.map_or(Held::BySome, |(within, bounds)| within.held_by(bounds))
        };
        let held_by: Vec<Held> = prepared.conditions.iter().map(held).collect();
        if held_by.contains(&Held::ByNone) {
            return Ok(None);
        }
        for condition in &prepared.conditions {
            let (column, texts) = (&columns[condition.column], &condition.texts);
            if !texts.is_empty()
                && !groups
                    .may_have(index, column, texts)
                    .await
                    .map_err(of_lake)?
            {
                return Ok(None);
            }
        }
        let fulfilled: Vec<bool> = held_by.iter().map(|held| *held == Held::ByAll).collect();
        let is_whole = prepared.keys.is_empty() && !fulfilled.contains(&false);
        let bounds = prepared.measured.iter().map(|measured| {
            let column = measured.bounded().filter(|_| is_whole)?;
            let is_held = |condition| held(condition) == Held::ByAll;
            let bounds = groups.bounds(index, &columns[column]);
            bounds.filter(|_| measured.conditions.iter().all(is_held))
        });
        let bounds: Vec<Option<(i64, i64)>> = bounds.collect();
        let needed = prepared.needed(&fulfilled, &bounds);
        let read = columns
            .iter()
            .zip(&needed)
            .filter(|(_, is_needed)| **is_needed);
        let read = read.map(|(column, _)| column.as_ref());
        let mut chunks = groups
            .chunks(index, read)
            .await
            .map_err(of_lake)?
            .into_iter();
        let columns = needed.iter().map(|is_needed| {
            let chunk = is_needed.then(|| chunks.next()).flatten().flatten();
            let Some(chunk) = chunk else {
                return Source::Absent;
            };
            self.bytes
                .add(usize::try_from(chunk.bytes()).unwrap_or_default());
            Source::Chunk(chunk, Arc::clone(groups))
        });
        let columns = columns.collect();
        Ok(Some(Block {
            of: Of::Group(Arc::clone(groups), index),
            rows: groups.rows_of(index),
            fulfilled,
            bounds,
            columns,
        }))
    }
}

pub(super) fn of_lake(error: crawlspace_lake::Error) -> datafusion::common::DataFusionError {
    external(Error::Lake(error))
}

impl Block {
    pub fn column(&mut self, place: usize) -> Result<Arc<Coded>> {
        let coded = match &self.columns[place] {
            Source::Read(coded) => return Ok(Arc::clone(coded)),
            Source::Absent => Coded {
                values: Arc::new(Values::Ints(Vec::new())),
                codes: Arc::new(vec![ABSENT; self.rows]),
                is_own: false,
            },
            Source::Array(array) => Coded::of_array(array)?,
            Source::Chunk(chunk, groups) => {
                let chunk = chunk
                    .decode_codes()
                    .map_err(|source| of_lake(groups.error(source)))?;
                let is_own = chunk.is_own;
                let (values, codes) = chunk.into_rows();
                Coded {
                    values: Arc::new(values),
                    codes: Arc::new(codes),
                    is_own,
                }
            }
        };
        let coded = Arc::new(coded);
        self.columns[place] = Source::Read(Arc::clone(&coded));
        Ok(coded)
    }
}

impl Coded {
    fn of_array(array: &ArrayRef) -> Result<Self> {
        let coded = Values::of_array(array);
        let (values, codes) =
            coded.ok_or_else(|| exec_datafusion_err!("{} has no codes", array.data_type()))?;
        Ok(Self {
            is_own: codes.iter().copied().eq(1..=values.len() as u32),
            values: Arc::new(values),
            codes: Arc::new(codes),
        })
    }

    /// What an expression makes of each code.
    fn evaluated(&self, term: &PlainTerm) -> Result<ArrayRef> {
        let values = self.values.to_array(term.schema.field(0).data_type())?;
        let count = values.len();
        let values = RecordBatch::try_new(Arc::clone(&term.schema), vec![values])?;
        term.expression.evaluate(&values)?.into_array(count)
    }

    /// The codes of some rows, or of all.
    pub fn codes_of(&self, chosen: Option<&[u32]>) -> Cow<'_, [u32]> {
        let of_row = |row: &u32| self.codes[*row as usize];
        match chosen {
            Some(rows) => Cow::Owned(rows.iter().map(of_row).collect()),
            None => Cow::Borrowed(&self.codes),
        }
    }

    /// For each code, whether it fulfils a condition.
    pub fn fulfilling(&self, condition: &PlainTerm) -> Result<Vec<bool>> {
        if let (Values::Texts(texts), [_, ..]) = (self.values.as_ref(), &condition.texts[..]) {
            let is_text = |place| {
                let text = texts.value(place);
                condition
                    .texts
                    .iter()
                    .any(|wanted| wanted.as_bytes() == text)
            };
            let texts = (0..self.values.len()).map(is_text);
            return Ok(std::iter::once(false).chain(texts).collect());
        }
        let fulfilling = self.evaluated(condition)?;
        let fulfilling = fulfilling.as_boolean().iter();
        Ok(fulfilling
            .map(|is_fulfilled| is_fulfilled == Some(true))
            .collect())
    }

    /// What an expression makes of the rows.
    pub fn of_term(self: &Arc<Self>, term: &PlainTerm) -> Result<Arc<Self>> {
        if term.is_column {
            return Ok(Arc::clone(self));
        }
        if let (Some(shape), Values::Ints(integers)) = (&term.shape, self.values.as_ref())
            && let Some((values, of_integers)) = shape.coded(integers)
        {
            let code = |code: &u32| match *code {
                ABSENT => ABSENT,
                code => of_integers[code as usize - 1],
            };
            let codes = match self.is_own {
                true => of_integers,
                false => self.codes.iter().map(code).collect(),
            };
            return Ok(Arc::new(Self {
                values: Arc::new(values),
                codes: Arc::new(codes),
                is_own: false,
            }));
        }
        let evaluated = self.evaluated(term)?;
        let is_plain = evaluated.null_count() == 1 && evaluated.is_null(ABSENT as usize);
        if is_plain && *evaluated.data_type() != DataType::Boolean {
            // Each value has become one.
            let values = Self::of_array(&evaluated.slice(1, evaluated.len() - 1))?.values;
            return Ok(Arc::new(Self {
                values,
                codes: Arc::clone(&self.codes),
                is_own: self.is_own,
            }));
        }
        let of_codes = Self::of_array(&evaluated)?;
        let codes = self.codes.iter();
        let codes = codes.map(|code| of_codes.codes[*code as usize]).collect();
        Ok(Arc::new(Self {
            values: of_codes.values,
            codes: Arc::new(codes),
            is_own: false,
        }))
    }
}
