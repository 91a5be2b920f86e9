//! The traces that are read whole: the entity's newest, and others to compare them with.

use std::collections::BTreeSet;

use crawlspace_model::UnixNanos;
use crawlspace_query::{Asking, Piece, REACH_NANOS, Scan, Stored};

use super::TRACES_MAX;
use super::answer::EntityCompleteness;
use super::subject::Subject;
use super::whole::completeness;
use crate::completeness::WAIT_NANOS;
use crate::trees::{Kinds, PEERS, STORED, Span, Texts, Tree, spans_of, trees_of};
use crate::{Error, Insight, sql};

/// Spans of others that are read, about. Parts are sorted by trace, so that traces with ids in a range are read cheaply;
/// ids are random in most places, and where they begin with a time, traces next to each other are of the same time.
const OTHER_SPANS: u64 = 60_000;
/// Where ids are neither, reading ends here.
const OTHER_SPANS_MAX: usize = 4 * 60_000;
/// Ranges of ids: each begins at a trace of the entity.
const RANGES_MAX: usize = 8;
/// Spans of the entity that are looked through for its newest traces.
const OWN_SPANS_MAX: usize = 3_000;
/// Spans of the entity's traces that are read.
const TRACE_SPANS_MAX: usize = 200_000;

/// The entity's traces.
#[derive(Debug, Default)]
pub(super) struct Its {
    /// The newest first.
    pub traces: Vec<Tree>,
    /// Where these are all, which spans they have, in SQL: parts are sorted by trace, so that is found sooner.
    pub condition: Option<String>,
    /// Rows of the range that had to be looked through.
    pub rows: u64,
}

/// Traces of others.
#[derive(Debug)]
pub(super) struct Sample {
    pub traces: Vec<Tree>,
    /// Whether these are all of the range.
    pub is_whole: bool,
    /// Which spans these are, in SQL.
    pub condition: String,
    pub completeness: EntityCompleteness,
}

impl Insight {
    /// The newest traces of the entity, newest first.
    pub(super) async fn its_traces(
        &self,
        subject: &Subject,
        texts: &mut Texts,
        asking: &Asking,
    ) -> Result<Its, Error> {
        let newest = format!(
            "SELECT trace_id, time FROM spans WHERE {} AND {} ORDER BY time DESC, trace_id LIMIT {OWN_SPANS_MAX}",
            subject.is_it(),
            subject.during
        );
        let found = self.rows(&newest, asking).await?;
        let (mut order, mut known) = (Vec::new(), BTreeSet::new());
        let mut is_whole = found.iter().count() < OWN_SPANS_MAX;
        let mut times: Option<(i64, i64)> = None;
        for row in found.iter() {
            let (Some(id), Some(time)) = (row.text("trace_id"), row.time("time")) else {
                continue;
            };
            if !known.contains(&id) && known.len() == TRACES_MAX {
                is_whole = false;
                continue;
            }
            let (first, last) = times.unwrap_or((time, time));
            times = Some((first.min(time), last.max(time)));
            if known.insert(id.clone()) {
                order.push(id);
            }
        }
        let rows = found.footer.rows_scanned;
        let Some((first, last)) = times else {
            return Ok(Its {
                rows,
                ..Its::default()
            });
        };
        let around = sql::during(
            Some(UnixNanos(first.saturating_sub(REACH_NANOS))),
            Some(UnixNanos(last.saturating_add(REACH_NANOS))),
        );
        let ids = sql::list(order.iter().map(String::as_str));
        let condition = format!("trace_id IN ({ids}) AND {around}");
        let spans = self
            .spans(subject, &condition, TRACE_SPANS_MAX, texts, asking)
            .await?;
        let mut trees = trees_of(spans, Kinds::new(texts));
        let place = |tree: &Tree| order.iter().position(|id| *id == id_of(tree));
        trees.sort_by_key(place);
        Ok(Its {
            traces: trees,
            condition: is_whole.then(|| format!("trace_id IN ({ids})")),
            rows,
        })
    }

    /// Traces of others. Where there are too many to read all, those with ids next to the entity's.
    pub(super) async fn others(
        &self,
        subject: &Subject,
        Its {
            traces: its, rows, ..
        }: &Its,
        texts: &mut Texts,
        asking: &Asking,
    ) -> Result<Sample, Error> {
        let is_whole = *rows <= OTHER_SPANS;
        let condition = match is_whole {
            true => subject.during.clone(),
            false => format!("({}) AND {}", ranges(its, *rows), subject.during),
        };
        let spans = self
            .spans(subject, &condition, OTHER_SPANS_MAX, texts, asking)
            .await?;
        let mut traces = trees_of(spans, Kinds::new(texts));
        let damaged_parts = self.engine.snapshot().damaged_parts as u64;
        let newest = its
            .first()
            .and_then(|tree| tree.nodes.first())
            .map(|node| node.span.time);
        let is_recent =
            newest.is_some_and(|newest| asking.now.0.saturating_sub(newest) < WAIT_NANOS);
        let completeness = completeness(&traces, &condition, is_recent, damaged_parts);
        let own = texts.number(&subject.value);
        traces.retain(|tree| tree.nodes.iter().all(|node| node.span.value != Some(own)));
        let ids: Vec<String> = its.iter().map(id_of).collect();
        let condition = match ids.is_empty() {
            true => condition,
            false => format!(
                "{condition} AND trace_id NOT IN ({})",
                sql::list(ids.iter().map(String::as_str))
            ),
        };
        Ok(Sample {
            traces,
            is_whole,
            condition,
            completeness,
        })
    }

    async fn spans(
        &self,
        subject: &Subject,
        condition: &str,
        spans_max: usize,
        texts: &mut Texts,
        asking: &Asking,
    ) -> Result<Vec<Span>, Error> {
        let mut fields: Vec<&str> = PEERS.to_vec();
        fields.push(&subject.field);
        let scan = Scan {
            from: "spans",
            condition: Some(condition),
            stored: Stored::Named(STORED.iter().map(|name| (*name).to_owned()).collect()),
            fields: &fields,
            ..Scan::default()
        };
        let mut scanning = self
            .engine
            .scan(&self.engine.snapshot(), &scan, asking)
            .await?;
        let mut spans = Vec::new();
        while let Piece::Rows(rows) = scanning.next().await? {
            spans_of(&rows, &subject.field, texts, &mut spans)?;
            if spans.len() >= spans_max {
                break;
            }
        }
        Ok(spans)
    }
}

/// A trace's id in hex.
pub(super) fn id_of(tree: &Tree) -> String {
    let id = tree.nodes.first().map(|node| node.span.trace);
    format!("{:032x}", u128::from_be_bytes(id.unwrap_or_default()))
}

/// Ranges of ids after those of the entity's traces that have about as many spans as are wanted of all `rows`.
fn ranges(its: &[Tree], rows: u64) -> String {
    let mut starts: Vec<u128> = its
        .iter()
        .take(RANGES_MAX)
        .filter_map(|tree| Some(u128::from_be_bytes(tree.nodes.first()?.span.trace)))
        .collect();
    if starts.is_empty() {
        starts.push(0);
    }
    let count = starts.len() as u128;
    let width = u128::MAX / u128::from(rows.max(1)) * u128::from(OTHER_SPANS) / count;
    let range = |start: u128| {
        // Where the ids end, the range before is as good.
        let (from, to) = match start.checked_add(width) {
            Some(end) => (start, end),
            None => (start - width, start),
        };
        format!("trace_id >= '{from:032x}' AND trace_id <= '{to:032x}'")
    };
    let ranges: Vec<String> = starts.into_iter().map(range).collect();
    ranges.join(" OR ")
}
