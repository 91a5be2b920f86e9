//! Stores of wide events from a seed, made column by column, with a planted cause of what is slow.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampNanosecondArray, new_null_array,
};
use arrow::datatypes::{Field, Schema};
use crawlspace_model::Table;

/// Rows of a batch.
const BATCH_ROWS: usize = 50_000;
const USERS: usize = 100_000;
const GUILTY_USER: usize = 4_711;
const TEXTS: usize = 36;
const NUMBERS: usize = 8;
const FLAGS: usize = 4;
pub(super) const SLOW: &str = "duration_ns >= 1000000000";

/// What makes events slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Nothing,
    OneUser,
    MarkOfTheBad,
    Conjunction,
    Rare,
    NumericShift,
    Sampled,
    Redundant,
}

/// Splitmix64 (G. Steele and others, 2014).
pub(super) struct Draws(pub u64);

impl Draws {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, probability: f64) -> bool {
        self.part() < probability
    }

    /// Small values are more frequent.
    fn skewed(&mut self, end: usize) -> usize {
        let part = self.part();
        ((part * part) * end as f64) as usize
    }

    /// Roughly normal.
    fn normal(&mut self) -> f64 {
        (0..6).map(|_| self.part()).sum::<f64>() * 1.414 - 4.242
    }
}

/// Columns while they are filled.
#[derive(Default)]
struct Columns {
    texts: HashMap<String, Vec<Option<i32>>>,
    ints: HashMap<String, Vec<Option<i64>>>,
    doubles: HashMap<String, Vec<Option<f64>>>,
    flags: HashMap<String, Vec<Option<bool>>>,
    traces: Vec<[u8; 16]>,
    times: Vec<i64>,
    durations: Vec<i64>,
    weights: Vec<f64>,
}

/// What a trace's events have in common.
struct Trace {
    id: [u8; 16],
    user: usize,
    region: usize,
    version: usize,
    plan: usize,
    texts: [usize; TEXTS],
    coin: i64,
}

fn cardinality(text: usize) -> usize {
    [2, 3, 5, 8, 12, 20, 50, 200, 1_000][text % 9]
}

/// The batches of a store.
pub(super) fn store(seed: u64, events: usize, cause: Cause) -> Vec<RecordBatch> {
    let mut draws = Draws(seed.wrapping_mul(0x1234_5678_9ABC_DEF1));
    let (mut columns, mut batches, mut made) = (Columns::default(), Vec::new(), 0);
    let words = Words::new(events);
    let (mut number, mut guilty) = (0_u64, 40);
    while made < events {
        number += 1;
        // The guilty user's traces are somewhere among the others.
        let is_guilty = guilty > 0 && draws.is(40.0 * 10.0 / events as f64 * 1.5);
        guilty -= usize::from(is_guilty);
        let trace = trace(&mut draws, seed, number, is_guilty);
        let length = 1 + draws.below(12) + if draws.is(0.05) { draws.below(100) } else { 0 };
        for _ in 0..length {
            made += usize::from(event(&mut draws, &mut columns, &trace, cause, made));
        }
        if columns.times.len() >= BATCH_ROWS || made >= events {
            batches.push(std::mem::take(&mut columns).finish(&words));
        }
    }
    batches
}

fn trace(draws: &mut Draws, seed: u64, number: u64, is_guilty: bool) -> Trace {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&Draws(seed ^ number).next().to_be_bytes());
    id[8..].copy_from_slice(&number.to_be_bytes());
    Trace {
        id,
        user: if is_guilty {
            GUILTY_USER
        } else {
            draws.below(USERS)
        },
        region: draws.below(4),
        version: draws.below(5),
        plan: draws.below(10),
        texts: std::array::from_fn(|text| draws.skewed(cardinality(text))),
        coin: draws.below(1_000_003) as i64,
    }
}

/// Adds an event, unless it is sampled out.
fn event(
    draws: &mut Draws,
    columns: &mut Columns,
    trace: &Trace,
    cause: Cause,
    number: usize,
) -> bool {
    let version = if cause == Cause::Redundant {
        trace.version
    } else {
        draws.below(5)
    };
    let (is_marked, is_poisoned) = (draws.is(0.02), draws.is(0.000_5));
    let is_debug = draws.is(0.05);
    let slow = match cause {
        Cause::OneUser if trace.user == GUILTY_USER => 0.5,
        Cause::MarkOfTheBad if is_marked => 1.0,
        Cause::Conjunction if trace.region == 1 && version == 2 => 0.3,
        Cause::Rare if is_poisoned => 1.0,
        Cause::NumericShift => 0.01,
        Cause::Sampled if trace.plan == 3 => 0.05,
        Cause::Redundant if version == 4 => 0.03,
        _ => 0.002,
    };
    let is_slow = draws.is(slow);
    let mut weight = 1.0;
    if cause == Cause::Sampled && !is_slow && !is_debug {
        if !draws.is(0.05) {
            return false;
        }
        weight = 20.0;
    }
    columns.weights.push(weight);
    columns.traces.push(trace.id);
    columns
        .times
        .push(1_764_000_000_000_000_000 + number as i64 * 1_000);
    let usual = 10_000_000.0 * (draws.normal() * 0.7).exp();
    let duration = if is_slow {
        1_000_000_000.0 + usual
    } else {
        usual.min(900_000_000.0)
    };
    columns.durations.push(duration as i64);
    let shift = if cause == Cause::NumericShift && is_slow {
        3.0
    } else {
        1.0
    };
    let bytes = shift * 5_000.0 * (draws.normal() * 0.8).exp();
    columns.int("payload.bytes", Some(bytes as i64));
    for (name, code) in [
        ("user.id", trace.user),
        ("session.id", trace.coin as usize % 200_000),
        ("region", trace.region),
        ("app.version", version),
        ("pod", version),
        ("host", version),
        ("plan", trace.plan),
        ("request.id", number),
    ] {
        let code = if name == "pod" || name == "host" {
            (cause == Cause::Redundant)
                .then_some(code)
                .unwrap_or_else(|| draws.below(5))
        } else {
            code
        };
        columns.text(name, Some(code));
    }
    let has_mark = is_marked && (cause != Cause::MarkOfTheBad || is_slow);
    columns.text(
        "retry",
        (cause == Cause::MarkOfTheBad && has_mark).then_some(0),
    );
    let state = if cause == Cause::Rare && is_poisoned {
        3
    } else {
        draws.below(3)
    };
    columns.text("cache.state", Some(state));
    columns
        .flags
        .entry("debug".to_owned())
        .or_default()
        .push(Some(is_debug));
    columns.others(draws, trace);
    true
}

impl Columns {
    fn text(&mut self, name: &str, code: Option<usize>) {
        let code = code.map(|code| code as i32);
        match self.texts.get_mut(name) {
            Some(codes) => codes.push(code),
            None => _ = self.texts.insert(name.to_owned(), vec![code]),
        }
    }

    fn int(&mut self, name: &str, value: Option<i64>) {
        match self.ints.get_mut(name) {
            Some(values) => values.push(value),
            None => _ = self.ints.insert(name.to_owned(), vec![value]),
        }
    }

    /// Fields that have nothing to do with it: of traces and of events, dense and sparse.
    fn others(&mut self, draws: &mut Draws, trace: &Trace) {
        for text in 0..TEXTS {
            let code = if text % 2 == 0 {
                trace.texts[text]
            } else {
                draws.skewed(cardinality(text))
            };
            let is_there = text % 5 != 4 || draws.is(0.2);
            self.text(TEXT_NAMES[text], is_there.then_some(code));
        }
        for (number, name) in NUMBER_NAMES.iter().enumerate() {
            if number % 2 == 0 {
                let end = [4, 100, 60_000, 1 << 40][number / 2];
                self.int(name, Some(draws.below(end) as i64));
            } else {
                let value = (draws.normal() * f64::from(number as u32)).exp();
                let values = self.doubles.entry((*name).to_owned()).or_default();
                values.push((number != 3 || draws.is(0.5)).then_some(value));
            }
        }
        for name in FLAG_NAMES {
            let flag = draws.is(0.3);
            self.flags
                .entry(name.to_owned())
                .or_default()
                .push(Some(flag));
        }
        self.int("coin.event", Some(draws.below(1_000_003) as i64));
        self.int("coin.trace", Some(trace.coin));
    }

    fn finish(self, words: &Words) -> RecordBatch {
        let rows = self.times.len();
        let mut attributes: Vec<(String, ArrayRef)> = Vec::new();
        for (name, codes) in self.texts {
            let values = words.of(&name);
            let codes = Int32Array::from(codes);
            let column = DictionaryArray::new(codes, Arc::new(values.clone()));
            attributes.push((name, Arc::new(column)));
        }
        attributes.extend(
            self.ints
                .into_iter()
                .map(|(name, values)| (name, Arc::new(Int64Array::from(values)) as ArrayRef)),
        );
        attributes.extend(
            self.doubles
                .into_iter()
                .map(|(name, values)| (name, Arc::new(Float64Array::from(values)) as ArrayRef)),
        );
        attributes.extend(
            self.flags
                .into_iter()
                .map(|(name, values)| (name, Arc::new(BooleanArray::from(values)) as ArrayRef)),
        );
        attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
        let schema = Table::Spans.fixed_schema();
        let mut fields = schema.fields().to_vec();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        let times = || Arc::new(TimestampNanosecondArray::from(self.times.clone())) as ArrayRef;
        let same = |text: &str| {
            let values: ArrayRef = Arc::new(StringArray::from(vec![text]));
            Arc::new(DictionaryArray::new(
                Int32Array::from(vec![0; rows]),
                values,
            )) as ArrayRef
        };
        for field in schema.fields() {
            arrays.push(match field.name().as_str() {
                "time" | "received_at" => times(),
                "duration_ns" => Arc::new(Int64Array::from(self.durations.clone())),
                "trace_id" => Arc::new(ids(self.traces.iter().map(<[u8; 16]>::as_slice))),
                "span_id" => {
                    let numbers = (1..=rows as u64).map(u64::to_be_bytes);
                    Arc::new(FixedSizeBinaryArray::try_from_iter(numbers).unwrap())
                }
                "name" => same("work"),
                "kind" => same("server"),
                "status_code" => same("unset"),
                "service.name" => same("shop"),
                "sample_weight" => Arc::new(Float64Array::from(self.weights.clone())),
                _ => new_null_array(field.data_type(), rows),
            });
        }
        for (name, column) in attributes {
            fields.push(Arc::new(Field::new(name, column.data_type().clone(), true)));
            arrays.push(column);
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    }
}

fn ids<'a>(ids: impl Iterator<Item = &'a [u8]>) -> FixedSizeBinaryArray {
    FixedSizeBinaryArray::try_from_iter(ids).unwrap()
}

/// The values behind codes.
struct Words {
    users: StringArray,
    requests: StringArray,
    sessions: StringArray,
    others: StringArray,
}

impl Words {
    fn new(events: usize) -> Self {
        let numbered = |name: &str, end: usize| {
            StringArray::from_iter_values((0..end).map(|number| format!("{name}{number}")))
        };
        Self {
            users: numbered("", USERS),
            requests: numbered("request-of-one-event-", events + 200),
            sessions: numbered("session-", 200_000),
            others: numbered("value-", 1_000),
        }
    }

    fn of(&self, name: &str) -> &StringArray {
        match name {
            "user.id" => &self.users,
            "request.id" => &self.requests,
            "session.id" => &self.sessions,
            _ => &self.others,
        }
    }
}

const TEXT_NAMES: [&str; TEXTS] = [
    "t00", "t01", "t02", "t03", "t04", "t05", "t06", "t07", "t08", "t09", "t10", "t11", "t12",
    "t13", "t14", "t15", "t16", "t17", "t18", "t19", "t20", "t21", "t22", "t23", "t24", "t25",
    "t26", "t27", "t28", "t29", "t30", "t31", "t32", "t33", "t34", "t35",
];
const NUMBER_NAMES: [&str; NUMBERS] = ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"];
const FLAG_NAMES: [&str; FLAGS] = ["f0", "f1", "f2", "f3"];
