//! All spans of a period, with those of the same traces an hour around: each finds its parent, wherever that is stored
//! and in whatever order they came.

pub(crate) mod hash;
pub(crate) mod period;

use arrow::array::{Array, AsArray, FixedSizeBinaryArray, Float64Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use crawlspace_model::Table;
use crawlspace_query::{Asking, Engine, Piece, Scan, Snapshot, Stored};

use crate::Error;
use crate::spans::hash::HashMap;
use crate::spans::period::Period;

/// Spans held at one time: 80 bytes each, and up to 48 more where calls are measured. Beyond it the answer is refused,
/// as half of them would give a wrong one.
pub(crate) const SPANS_MAX: usize = 6_000_000;

/// No parent, no trace.
const NONE: u32 = u32::MAX;

const STORED: [&str; 7] = [
    "trace_id",
    "span_id",
    "parent_span_id",
    "time",
    "received_at",
    "duration_ns",
    "sample_weight",
];

/// A span, as far as all questions need it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub id: u64,
    /// 0 for none: no id is all zero.
    pub parent_id: u64,
    pub time: i64,
    pub received: i64,
    /// `i64::MIN` for a span without an end.
    pub duration: i64,
    pub weight: f64,
    pub trace: u32,
    /// Whether it is of the period itself, and not of the hours around.
    pub is_own: bool,
    pub more: Description,
}

/// What a question wants to know of a span besides.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Description {
    pub node: u32,
    pub target: u32,
    pub flags: u8,
}

/// The first link of a span: the trace, and the span in it.
pub(crate) type Link = ([u8; 16], u64);

/// Makes descriptions of rows.
pub(crate) trait Describe {
    /// Fields to read.
    fn fields(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Names and conditions, a column of booleans each.
    fn marks(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    /// Whether links are looked at.
    fn has_links(&self) -> bool {
        false
    }

    /// Gets ready for the rows of a batch.
    fn begin(&mut self, rows: &RecordBatch) -> Result<(), Error> {
        _ = rows;
        Ok(())
    }

    fn row(&mut self, row: usize) -> (Description, Option<Link>) {
        _ = row;
        (Description::default(), None)
    }
}

/// Nothing besides.
pub(crate) struct Plain;

impl Describe for Plain {}

/// Spans by trace and id.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    pub all: Vec<Span>,
    /// Beyond so many the answer is refused.
    max: usize,
    /// The place in `all` of each span's parent.
    parents: Vec<u32>,
    /// Places in `all`: trace by trace, within one by id; of a span that was stored twice, the first one first.
    order: Vec<u32>,
    /// Where in `order` each trace begins, and at the end its length.
    begins: Vec<usize>,
    traces: HashMap<[u8; 16], u32>,
    /// By place in `all`.
    links: HashMap<u32, Link>,
}

impl Spans {
    pub(crate) async fn read(
        engine: &Engine,
        snapshot: &Snapshot,
        period: &Period,
        describe: &mut impl Describe,
        max: usize,
    ) -> Result<Self, Error> {
        let mut spans = Self {
            max,
            ..Self::default()
        };
        // What is not filled takes no memory, and what grows is copied.
        let rows = snapshot.table(Table::Spans).rows();
        let rows = usize::try_from(rows).unwrap_or(max).min(max);
        spans.all.reserve(rows);
        spans.scan(engine, snapshot, period, describe, true).await?;
        let linked: Vec<Link> = spans.links.values().copied().collect();
        for (trace, _) in linked {
            spans.trace(trace);
        }
        spans
            .scan(engine, snapshot, period, describe, false)
            .await?;
        spans.group();
        Ok(spans)
    }

    /// The place of the parent, if it is there.
    pub(crate) fn parent(&self, place: usize) -> Option<usize> {
        let parent = self.parents[place];
        (parent != NONE).then_some(parent as usize)
    }

    /// The place of the span that the first link names, if it is there.
    pub(crate) fn linked(&self, place: usize) -> Option<usize> {
        let (trace, id) = self.links.get(&u32::try_from(place).ok()?)?;
        self.same(*self.traces.get(trace)?, *id).next()
    }

    /// The places of all spans of that id: more than one if it was stored twice.
    pub(crate) fn same(&self, trace: u32, id: u64) -> impl Iterator<Item = usize> {
        let of_trace = self.trace_places(trace);
        let first = of_trace.partition_point(|place| self.all[*place as usize].id < id);
        of_trace[first..]
            .iter()
            .map(|place| *place as usize)
            .take_while(move |place| self.all[*place].id == id)
    }

    pub(crate) fn traces(&self) -> usize {
        self.traces.len()
    }

    /// Places in `all`, by id.
    pub(crate) fn trace_places(&self, trace: u32) -> &[u32] {
        let trace = trace as usize;
        &self.order[self.begins[trace]..self.begins[trace + 1]]
    }

    /// Reads the period itself, or of the hours around it the traces that are in it.
    async fn scan(
        &mut self,
        engine: &Engine,
        snapshot: &Snapshot,
        period: &Period,
        describe: &mut impl Describe,
        is_own: bool,
    ) -> Result<(), Error> {
        let ranges = match is_own {
            true => vec![period.range()],
            false => period.around(),
        };
        let links = describe.has_links().then_some("links");
        let stored = STORED.into_iter().chain(links).map(str::to_owned);
        let stored = Stored::Named(stored.collect());
        let asking = Asking {
            now: period.end,
            ..Asking::default()
        };
        for range in ranges {
            let (fields, marks) = (describe.fields(), describe.marks());
            let scan = Scan {
                from: "spans",
                range: Some(range),
                stored: stored.clone(),
                fields: &fields,
                marks: &marks,
                ..Scan::default()
            };
            let mut scanning = engine.scan(snapshot, &scan, &asking).await?;
            while let Piece::Rows(rows) = scanning.next().await? {
                describe.begin(&rows)?;
                self.take(&rows, describe, is_own)?;
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        rows: &RecordBatch,
        describe: &mut impl Describe,
        is_own: bool,
    ) -> Result<(), Error> {
        let columns = Columns::of(rows)?;
        let mut last = ([0; 16], NONE);
        for row in 0..rows.num_rows() {
            let id = bytes(&columns.trace_id, row);
            if id != last.0 {
                let known = self.traces.get(&id).copied();
                let trace = known.or_else(|| is_own.then(|| self.trace(id)));
                last = (id, trace.unwrap_or(NONE));
            }
            if last.1 == NONE {
                continue;
            }
            let (more, link) = describe.row(row);
            if let Some(link) = link {
                self.links.insert(place(self.all.len()), link);
            }
            self.all.push(columns.span(row, last.1, is_own, more));
        }
        let max = self.max;
        if self.all.len() > max {
            return Err(Error::Request(format!(
                "there are more than {max} spans in this time, too many to put together at once: \
                 ask about a shorter one"
            )));
        }
        Ok(())
    }

    fn trace(&mut self, id: [u8; 16]) -> u32 {
        let next = place(self.traces.len());
        *self.traces.entry(id).or_insert(next)
    }

    /// Puts the spans of each trace together, by counting, and finds their parents.
    fn group(&mut self) {
        let mut begins = vec![0; self.traces.len() + 1];
        for span in &self.all {
            begins[span.trace as usize + 1] += 1;
        }
        for trace in 1..begins.len() {
            begins[trace] += begins[trace - 1];
        }
        let mut next = begins.clone();
        self.order = vec![0; self.all.len()];
        for (number, span) in self.all.iter().enumerate() {
            let at = &mut next[span.trace as usize];
            self.order[*at] = place(number);
            *at += 1;
        }
        self.parents = vec![NONE; self.all.len()];
        // A trace's spans lie far from each other: what they are sorted and found by is copied side by side.
        let mut keys = Vec::new();
        for pair in begins.windows(2) {
            let order = &mut self.order[pair[0]..pair[1]];
            keys.clear();
            keys.extend(order.iter().map(|place| {
                let span = &self.all[*place as usize];
                let key = (span.id, span.time, span.received, *place);
                (key, span.parent_id)
            }));
            keys.sort_unstable();
            for (at, (key, parent_id)) in order.iter_mut().zip(&keys) {
                *at = key.3;
                let first = keys.partition_point(|(other, _)| other.0 < *parent_id);
                if let Some((parent, _)) = keys.get(first)
                    && parent.0 == *parent_id
                    && parent.0 != 0
                {
                    self.parents[key.3 as usize] = parent.3;
                }
            }
        }
        self.begins = begins;
    }
}

fn place(number: usize) -> u32 {
    u32::try_from(number).expect("far fewer spans are held than 32 bits count")
}

fn bytes<const N: usize>(ids: &FixedSizeBinaryArray, row: usize) -> [u8; N] {
    ids.value(row)
        .try_into()
        .expect("trace ids have 16 bytes, span ids 8")
}

struct Columns {
    trace_id: FixedSizeBinaryArray,
    span_id: FixedSizeBinaryArray,
    parent_span_id: FixedSizeBinaryArray,
    time: Int64Array,
    received_at: Int64Array,
    duration: Int64Array,
    weight: Float64Array,
}

impl Columns {
    fn of(rows: &RecordBatch) -> Result<Self, Error> {
        let column = |name: &str| rows.column_by_name(name).expect("the scan gives it");
        let id = |name: &str| column(name).as_fixed_size_binary().clone();
        let integer = |name: &str| -> Result<Int64Array, Error> {
            let column = cast(column(name), &DataType::Int64)?;
            Ok(column.as_primitive::<Int64Type>().clone())
        };
        Ok(Self {
            trace_id: id("trace_id"),
            span_id: id("span_id"),
            parent_span_id: id("parent_span_id"),
            time: integer("time")?,
            received_at: integer("received_at")?,
            duration: integer("duration_ns")?,
            weight: column("sample_weight")
                .as_primitive::<Float64Type>()
                .clone(),
        })
    }

    fn span(&self, row: usize, trace: u32, is_own: bool, more: Description) -> Span {
        let has_parent = self.parent_span_id.is_valid(row);
        Span {
            id: u64::from_be_bytes(bytes(&self.span_id, row)),
            parent_id: match has_parent {
                true => u64::from_be_bytes(bytes(&self.parent_span_id, row)),
                false => 0,
            },
            time: self.time.value(row),
            received: self.received_at.value(row),
            duration: match self.duration.is_valid(row) {
                true => self.duration.value(row),
                false => i64::MIN,
            },
            weight: self.weight.value(row),
            trace,
            is_own,
            more,
        }
    }
}
