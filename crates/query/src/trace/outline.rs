//! The outline of a trace: what a picture of it needs and no more, column by column, so that one of many thousand spans
//! is there at once.

use std::collections::HashMap;

use arrow::array::{Int32Array, Int64Array, RecordBatch};
use crawlspace_model::id::TraceId;

use super::TraceRecords;
use super::found::{Found, Ids, Texts, Times};
use super::read::{SPAN_EVENT, by_time, in_order};

pub(super) const SPAN_COLUMNS: &[&str] = &[
    "trace_id",
    "span_id",
    "parent_span_id",
    "name",
    "service.name",
    "kind",
    "time",
    "duration_ns",
    "status_code",
    "links",
];
pub(super) const LOG_COLUMNS: &[&str] = &[
    "trace_id",
    "span_id",
    "time",
    "record_type",
    "event.name",
    "severity_number",
];

/// No place: a span without a parent, a record without a span.
const NONE: i64 = -1;
/// The place of a parent that is not here.
const MISSING: i64 = -2;

/// What a picture of a trace needs, in lists that go together.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct TraceOutline {
    pub trace_id: String,
    /// When the first span begins, or else the first record; nanoseconds since 1970, as text. Other times count from it.
    pub base_time: String,
    /// Each text once; the lists name it by its place here.
    pub texts: Vec<String>,
    pub spans: OutlineSpans,
    pub events: OutlineEvents,
    pub logs: OutlineLogs,
    /// Parts that are damaged and set aside: spans may be missing.
    pub damaged_parts: usize,
}

/// The spans by start.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OutlineSpans {
    pub span_id: Vec<String>,
    /// The parent's place in these lists; -1 without one, -2 if it is not here.
    pub parent: Vec<i64>,
    pub name: Vec<usize>,
    #[serde(rename = "service.name")]
    pub service_name: Vec<Option<usize>>,
    pub kind: Vec<usize>,
    pub status_code: Vec<usize>,
    pub start_ns: Vec<i64>,
    /// `null` while the span has no end.
    pub duration_ns: Vec<Option<i64>>,
    /// The places of the spans that link to others.
    pub linked: Vec<usize>,
}

/// The events of spans by time.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OutlineEvents {
    /// The span's place; -1 if it is not here.
    pub span: Vec<i64>,
    pub time_ns: Vec<i64>,
    pub name: Vec<Option<usize>>,
}

/// The log records by time.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct OutlineLogs {
    /// The span's place; -1 if it names none, or one that is not here.
    pub span: Vec<i64>,
    pub time_ns: Vec<i64>,
    pub severity_number: Vec<Option<i32>>,
}

impl TraceOutline {
    pub(super) fn of(id: TraceId, records: &TraceRecords) -> Self {
        let order = in_order(&records.spans);
        let times = Times::new(&records.spans, "time");
        let base = order
            .first()
            .map_or_else(|| first_time(&records.logs), |row| times.nanos(*row));
        let mut texts = TextList::default();
        let places = places(&records.spans, &order);
        Self {
            trace_id: id.to_string(),
            base_time: base.to_string(),
            spans: spans(&records.spans, &order, &places, base, &mut texts),
            events: events(&records.logs, &places, base, &mut texts),
            logs: logs(&records.logs, &places, base),
            texts: texts.list,
            damaged_parts: records.damaged_parts,
        }
    }
}

/// Each text once.
#[derive(Default)]
struct TextList {
    list: Vec<String>,
    places: HashMap<String, usize>,
}

impl TextList {
    fn place(&mut self, text: &str) -> usize {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = self.list.len();
        self.list.push(text.to_owned());
        self.places.insert(text.to_owned(), place);
        place
    }
}

type Places<'a> = HashMap<&'a [u8], usize>;

/// Where the spans are, by their ids; of several with one id, the first.
fn places<'a>(rows: &'a RecordBatch, order: &[usize]) -> Places<'a> {
    let ids = Ids::new(rows, "span_id");
    let mut places = Places::with_capacity(order.len());
    for (place, row) in order.iter().enumerate() {
        if let Some(id) = ids.at(*row) {
            places.entry(id).or_insert(place);
        }
    }
    places
}

fn place_of(id: Option<&[u8]>, places: &Places<'_>, missing: i64) -> i64 {
    let Some(id) = id else {
        return NONE;
    };
    let place = places.get(id);
    place.map_or(missing, |place| i64::try_from(*place).unwrap_or(missing))
}

fn first_time(rows: &RecordBatch) -> i64 {
    let times = Times::new(rows, "time");
    let first = (0..rows.num_rows()).map(|row| times.nanos(row)).min();
    first.unwrap_or_default()
}

fn spans(
    rows: &RecordBatch,
    order: &[usize],
    places: &Places<'_>,
    base: i64,
    texts: &mut TextList,
) -> OutlineSpans {
    let (ids, parents) = (Ids::new(rows, "span_id"), Ids::new(rows, "parent_span_id"));
    let [names, services, kinds, statuses, links] =
        ["name", "service.name", "kind", "status_code", "links"].map(|name| Texts::new(rows, name));
    let times = Times::new(rows, "time");
    let durations = Found::<Int64Array>::new(rows, "duration_ns");
    let mut outline = OutlineSpans::default();
    for (place, row) in order.iter().copied().enumerate() {
        let mut known = |column: &Texts<'_>| texts.place(column.at(row).unwrap_or_default());
        outline.span_id.push(ids.text(row).unwrap_or_default());
        outline
            .parent
            .push(place_of(parents.at(row), places, MISSING));
        outline.name.push(known(&names));
        outline.kind.push(known(&kinds));
        outline.status_code.push(known(&statuses));
        let service = services.at(row).map(|name| texts.place(name));
        outline.service_name.push(service);
        outline.start_ns.push(times.nanos(row).saturating_sub(base));
        outline.duration_ns.push(durations.at(row));
        if links.at(row).is_some_and(|links| links != "[]") {
            outline.linked.push(place);
        }
    }
    outline
}

fn events(
    rows: &RecordBatch,
    places: &Places<'_>,
    base: i64,
    texts: &mut TextList,
) -> OutlineEvents {
    let (times, ids) = (Times::new(rows, "time"), Ids::new(rows, "span_id"));
    let (kinds, names) = (
        Texts::new(rows, "record_type"),
        Texts::new(rows, "event.name"),
    );
    let mut outline = OutlineEvents::default();
    for row in by_time(rows, |row| kinds.at(row) == Some(SPAN_EVENT)) {
        outline.span.push(place_of(ids.at(row), places, NONE));
        outline.time_ns.push(times.nanos(row).saturating_sub(base));
        let name = names.at(row).map(|name| texts.place(name));
        outline.name.push(name);
    }
    outline
}

fn logs(rows: &RecordBatch, places: &Places<'_>, base: i64) -> OutlineLogs {
    let (times, ids) = (Times::new(rows, "time"), Ids::new(rows, "span_id"));
    let kinds = Texts::new(rows, "record_type");
    let severities = Found::<Int32Array>::new(rows, "severity_number");
    let mut outline = OutlineLogs::default();
    for row in by_time(rows, |row| kinds.at(row) != Some(SPAN_EVENT)) {
        outline.span.push(place_of(ids.at(row), places, NONE));
        outline.time_ns.push(times.nanos(row).saturating_sub(base));
        outline.severity_number.push(severities.at(row));
    }
    outline
}
