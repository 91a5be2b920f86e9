//! How whole the spans of a period are: what is missing, late, refused or sampled out, each with its question. Below a
//! floor nothing should be concluded from them, and it says so.

mod refused;
mod sql;

use crawlspace_model::UnixNanos;
use crawlspace_query::{Range, Snapshot};

pub use refused::{Ledger, Refused};

use crate::spans::period::Period;
use crate::spans::{Plain, Spans};
use crate::words::share;
use crate::{Error, Evidence, Insight};

/// Beyond one span in five without its parent, what calls what is a guess: most services make more than five spans of
/// a request, so that of most requests a piece is missing.
pub const ORPHANS_SHARE_MAX: f64 = 0.2;
/// Beyond one trace in five without its first span, what people asked for is a guess.
pub const MISSING_ROOTS_SHARE_MAX: f64 = 0.2;
/// With one span in ten that came late, the newest minutes lack about as many that are still to come: a change of less
/// than that cannot be told from waiting. Of a time that is over for [`WAIT_NANOS`], what came late is there by now.
pub const LATE_SHARE_MAX: f64 = 0.1;
/// With one span in ten refused, a change of less than that cannot be told from a refusal.
pub const REFUSED_SHARE_MAX: f64 = 0.1;
/// With one child in ten that begins before its parent, some machine's clock is wrong, and with it which span is in
/// the period and how long hops took.
pub const SKEWED_SHARE_MAX: f64 = 0.1;

/// So long after its end a span has been received late: exporters wait for seconds, and try again for about a minute.
pub const LATE_NANOS: i64 = 300_000_000_000;
/// So long after a time has ended, hardly anything of it is still to come.
pub const WAIT_NANOS: i64 = 3_600_000_000_000;
/// A child that begins less than this before its parent shows how exact clocks are, not that one is wrong.
pub const SKEW_NANOS_MIN: i64 = 1_000_000;
/// Longer ways round are not counted: the question behind the count has a join for each hop.
pub const CYCLE_HOPS_MAX: usize = 8;

/// Whether conclusions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Whole,
    /// Too much is missing: the answer shows what is there, and nothing should be concluded from it.
    CannotTell,
}

/// So many of so many. The query gives both, as `count` and `of`.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Share {
    pub count: u64,
    pub of: u64,
    /// From 0 to 1; 0 of nothing.
    pub share: f64,
    pub query: Evidence,
}

/// How whole the spans of a period are.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Completeness {
    pub verdict: Verdict,
    /// Why it cannot be told, a sentence each.
    pub doubts: Vec<String>,
    /// What is stored, and what it stands for.
    pub sampled: Sampled,
    /// Spans whose parent is not there, of those that name one.
    pub orphans: Share,
    /// Traces without a span that has no parent, of all.
    pub missing_roots: Share,
    /// Spans received more than five minutes after their end.
    pub late: Share,
    /// Spans that begin more than a millisecond before their parent, of those whose parent is there. One that ends
    /// after its parent is no sign of a wrong clock: that is what asynchronous work does.
    pub skewed: Share,
    /// Spans that are their own ancestor within eight hops, of all.
    pub cycles: Share,
    /// Absent where no ledger is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refused>,
    /// Parts set aside as damaged: their rows are missing everywhere.
    pub damaged_parts: u64,
}

/// Stored spans, and the events that they stand for. The query gives the numbers in columns of their names.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Sampled {
    pub spans: u64,
    /// The sum of all weights.
    pub events: f64,
    /// The largest weight: how many events one span stands for at most.
    pub weight_max: f64,
    pub query: Evidence,
}

impl Insight {
    /// How whole the spans of a range are, in a snapshot.
    ///
    /// # Errors
    /// The range is wrong or holds too many spans, or data can't be read.
    pub async fn completeness(
        &self,
        snapshot: &Snapshot,
        range: &Range,
        now: UnixNanos,
    ) -> Result<Completeness, Error> {
        let period = Period::new(range, now)?;
        let _turn = self.whole_spans.lock().await;
        let spans =
            Spans::read(&self.engine, snapshot, &period, &mut Plain, self.spans_max).await?;
        Ok(self.completeness_of(&spans, snapshot, &period))
    }

    /// The same of spans that are read already.
    pub(crate) fn completeness_of(
        &self,
        spans: &Spans,
        snapshot: &Snapshot,
        period: &Period,
    ) -> Completeness {
        let counts = Counts::of(spans);
        let (cycles, longest) = cycles(spans);
        let share = |count: u64, of: u64, query: String| Share {
            count,
            of,
            share: ratio(count, of),
            query: Evidence(query),
        };
        let mut completeness = Completeness {
            verdict: Verdict::Whole,
            doubts: Vec::new(),
            sampled: Sampled {
                spans: counts.spans,
                events: counts.events,
                weight_max: counts.weight_max,
                query: Evidence(sql::sampled(period)),
            },
            orphans: share(counts.orphans, counts.children, sql::orphans(period)),
            missing_roots: share(counts.rootless, counts.traces, sql::missing_roots(period)),
            late: share(counts.late, counts.spans, sql::late(period)),
            skewed: share(
                counts.skewed,
                counts.children - counts.orphans,
                sql::skewed(period),
            ),
            cycles: share(cycles, counts.spans, sql::cycles(period, longest)),
            refused: self
                .ledger
                .as_ref()
                .map(|ledger| Refused::of(&ledger(), period)),
            damaged_parts: snapshot.damaged_parts as u64,
        };
        completeness.judge(period.ended_since() < WAIT_NANOS);
        completeness
    }
}

impl Completeness {
    /// Whether conclusions hold.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.verdict == Verdict::Whole
    }

    /// `is_recent` says whether late spans may still come.
    fn judge(&mut self, is_recent: bool) {
        let refused = self.refused.as_ref().map_or(0.0, |refused| refused.share);
        let of = |part: f64, floor: f64, what: &str| {
            (part > floor).then(|| {
                let (part, floor) = (share(part), share(floor));
                format!("{part} of {what}, more than {floor}")
            })
        };
        let empty = (self.sampled.spans == 0).then(|| "there are no spans in this time".to_owned());
        let doubts = [
            empty,
            of(
                self.orphans.share,
                ORPHANS_SHARE_MAX,
                "the spans that name a parent lack it",
            ),
            of(
                self.missing_roots.share,
                MISSING_ROOTS_SHARE_MAX,
                "the traces lack their first span",
            ),
            of(
                if is_recent { self.late.share } else { 0.0 },
                LATE_SHARE_MAX,
                "the spans came more than five minutes late",
            ),
            of(
                refused,
                REFUSED_SHARE_MAX,
                "the spans that came in these days were refused",
            ),
            of(
                self.skewed.share,
                SKEWED_SHARE_MAX,
                "the spans begin before their parent: some clock is wrong",
            ),
        ];
        self.doubts = doubts.into_iter().flatten().collect();
        if !self.doubts.is_empty() {
            self.verdict = Verdict::CannotTell;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of counts")]
fn ratio(part: u64, of: u64) -> f64 {
    match of {
        0 => 0.0,
        of => part as f64 / of as f64,
    }
}

#[derive(Debug, Default)]
struct Counts {
    spans: u64,
    events: f64,
    weight_max: f64,
    late: u64,
    /// Spans that name a parent.
    children: u64,
    orphans: u64,
    skewed: u64,
    traces: u64,
    rootless: u64,
}

impl Counts {
    fn of(spans: &Spans) -> Self {
        let mut counts = Self::default();
        let mut is_own = vec![false; spans.traces()];
        let mut has_root = vec![false; spans.traces()];
        for (place, span) in spans.all.iter().enumerate() {
            has_root[span.trace as usize] |= span.parent_id == 0;
            if !span.is_own {
                continue;
            }
            is_own[span.trace as usize] = true;
            counts.spans += 1;
            counts.events += span.weight;
            counts.weight_max = counts.weight_max.max(span.weight);
            let length = if span.duration == i64::MIN {
                0
            } else {
                span.duration
            };
            let waited = span.received.wrapping_sub(span.time).wrapping_sub(length);
            counts.late += u64::from(waited > LATE_NANOS);
            if span.parent_id == 0 {
                continue;
            }
            counts.children += 1;
            match spans.parent(place) {
                None => counts.orphans += 1,
                Some(parent) => {
                    let ahead = spans.all[parent].time.wrapping_sub(span.time);
                    counts.skewed += u64::from(ahead > SKEW_NANOS_MIN);
                }
            }
        }
        for (is_own, has_root) in is_own.into_iter().zip(has_root) {
            counts.traces += u64::from(is_own);
            counts.rootless += u64::from(is_own && !has_root);
        }
        counts
    }
}

/// How many spans of the period are their own ancestors, and how many hops the longest way round has, two at least.
fn cycles(spans: &Spans) -> (u64, usize) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Unseen,
        OnTheWay,
        Done,
    }
    let mut states = vec![State::Unseen; spans.all.len()];
    let (mut count, mut longest) = (0, 2);
    let mut way = Vec::new();
    for start in 0..spans.all.len() {
        let mut at = Some(start);
        while let Some(place) = at.filter(|place| states[*place] == State::Unseen) {
            states[place] = State::OnTheWay;
            way.push(place);
            at = spans.parent(place);
        }
        if let Some(place) = at.filter(|place| states[*place] == State::OnTheWay) {
            let first = way.iter().position(|other| *other == place);
            let round = &way[first.unwrap_or_default()..];
            if round.len() <= CYCLE_HOPS_MAX {
                let own = round.iter().filter(|place| spans.all[**place].is_own);
                count += own.count() as u64;
                longest = longest.max(round.len());
            }
        }
        way.drain(..).for_each(|place| states[place] = State::Done);
    }
    (count, longest)
}

#[cfg(test)]
mod tests;
