//! How whole the traces are that the entity was compared with, its own among them.

use super::answer::EntityCompleteness;
use crate::completeness::{
    LATE_NANOS, LATE_SHARE_MAX, MISSING_ROOTS_SHARE_MAX, ORPHANS_SHARE_MAX, SKEW_NANOS_MIN,
    SKEWED_SHARE_MAX,
};
use crate::trees::Tree;
use crate::{Evidence, Sampled, Share, Verdict, words};

/// Looks at the trees of all spans of a condition. `is_recent` says whether late ones may still come.
pub(super) fn completeness(
    trees: &[Tree],
    condition: &str,
    is_recent: bool,
    damaged_parts: u64,
) -> EntityCompleteness {
    let mut counts = Counts::default();
    trees.iter().for_each(|tree| counts.add(tree));
    let share = |count: u64, of: u64, query: String| Share {
        count,
        of,
        #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
        share: if of == 0 {
            0.0
        } else {
            count as f64 / of as f64
        },
        query: Evidence(query),
    };
    let spans = counts.spans;
    let mut whole = EntityCompleteness {
        verdict: Verdict::Whole,
        doubts: Vec::new(),
        sampled: Sampled {
            spans,
            events: counts.events,
            weight_max: counts.weight_max,
            query: Evidence(sampled(condition)),
        },
        orphans: share(counts.orphans, counts.children, orphans(condition)),
        missing_roots: share(counts.rootless, counts.traces, missing_roots(condition)),
        late: share(counts.late, spans, late(condition)),
        skewed: share(
            counts.skewed,
            counts.children - counts.orphans,
            skewed(condition),
        ),
        damaged_parts,
    };
    whole.doubts = doubts(&whole, is_recent);
    if !whole.doubts.is_empty() {
        whole.verdict = Verdict::CannotTell;
    }
    whole
}

fn doubts(whole: &EntityCompleteness, is_recent: bool) -> Vec<String> {
    let of = [
        (
            &whole.orphans,
            ORPHANS_SHARE_MAX,
            "the spans that name a parent lack it",
        ),
        (
            &whole.missing_roots,
            MISSING_ROOTS_SHARE_MAX,
            "the traces lack their first span",
        ),
        (
            &whole.late,
            LATE_SHARE_MAX,
            "the spans came more than five minutes late",
        ),
        (
            &whole.skewed,
            SKEWED_SHARE_MAX,
            "the spans begin before their parent: some clock is wrong",
        ),
    ];
    let beyond = of.into_iter().filter(|(share, floor, _)| {
        // What came late of a time that is long over is there by now.
        let is_over = std::ptr::eq(*share, &whole.late) && !is_recent;
        share.share > *floor && !is_over
    });
    let told = beyond.map(|(share, floor, what)| {
        format!(
            "{} of {what}, more than {}",
            words::share(share.share),
            words::share(floor)
        )
    });
    told.collect()
}

#[derive(Default)]
struct Counts {
    spans: u64,
    events: f64,
    weight_max: f64,
    children: u64,
    orphans: u64,
    skewed: u64,
    late: u64,
    traces: u64,
    rootless: u64,
}

impl Counts {
    fn add(&mut self, tree: &Tree) {
        self.traces += 1;
        self.rootless += u64::from(tree.root().is_none());
        for node in &tree.nodes {
            let span = &node.span;
            self.spans += 1;
            self.events += span.weight;
            self.weight_max = self.weight_max.max(span.weight);
            let waited = span
                .received
                .saturating_sub(span.time)
                .saturating_sub(span.duration);
            self.late += u64::from(waited > LATE_NANOS);
            if !span.has_parent() {
                continue;
            }
            self.children += 1;
            match node.parent.map(|parent| &tree.nodes[parent].span) {
                None => self.orphans += 1,
                Some(parent) => {
                    let ahead = parent.time.saturating_sub(span.time);
                    self.skewed += u64::from(ahead > SKEW_NANOS_MIN);
                }
            }
        }
    }
}

/// Each span once, however often it is stored, as trees have them.
fn once(condition: &str) -> String {
    let first = |column: &str| format!("first_value({column} ORDER BY \"time\", received_at)");
    format!(
        "(SELECT \"$trace_id\" AS \"$trace\", \"$span_id\" AS \"$span\", {} AS \"$parent\", \
         CAST(min(\"time\") AS BIGINT) AS \"$time\", {} AS \"$weight\", \
         CAST({} AS BIGINT) AS \"$received\", greatest(coalesce({}, 0), 0) AS \"$duration\" \
         FROM spans WHERE {condition} GROUP BY \"$trace_id\", \"$span_id\")",
        first("\"$parent_span_id\""),
        first("sample_weight"),
        first("received_at"),
        first("duration_ns"),
    )
}

fn sampled(condition: &str) -> String {
    format!(
        "SELECT count(*) AS \"spans\", coalesce(sum(\"$weight\"), 0.0) AS \"events\", \
         coalesce(max(\"$weight\"), 0.0) AS \"weight_max\" FROM {}",
        once(condition)
    )
}

fn late(condition: &str) -> String {
    format!(
        "SELECT count(CASE WHEN \"$received\" - \"$time\" - \"$duration\" > {LATE_NANOS} THEN 1 END) AS \"count\", \
         count(*) AS \"of\" FROM {}",
        once(condition)
    )
}

/// Each span that names a parent, with that if it is there.
fn with_parents(condition: &str) -> String {
    format!(
        "{} AS child LEFT JOIN (SELECT \"$trace_id\" AS \"parent.$trace\", \"$span_id\" AS \"parent.$span\", \
         CAST(min(\"time\") AS BIGINT) AS \"parent.$time\" FROM spans WHERE {condition} \
         GROUP BY \"$trace_id\", \"$span_id\") \
         ON \"$trace\" = \"parent.$trace\" AND \"$parent\" = \"parent.$span\" AND \"$parent\" <> \"$span\" \
         WHERE \"$parent\" IS NOT NULL",
        once(condition)
    )
}

fn orphans(condition: &str) -> String {
    format!(
        "SELECT count(*) - count(\"parent.$span\") AS \"count\", count(*) AS \"of\" FROM {}",
        with_parents(condition)
    )
}

fn skewed(condition: &str) -> String {
    format!(
        "SELECT count(CASE WHEN \"parent.$time\" - \"$time\" > {SKEW_NANOS_MIN} THEN 1 END) AS \"count\", \
         count(*) AS \"of\" FROM {} AND \"parent.$span\" IS NOT NULL",
        with_parents(condition)
    )
}

fn missing_roots(condition: &str) -> String {
    format!(
        "SELECT count(CASE WHEN \"$roots\" = 0 THEN 1 END) AS \"count\", count(*) AS \"of\" FROM \
         (SELECT \"$trace_id\" AS \"$trace\", count(CASE WHEN parent_span_id IS NULL THEN 1 END) AS \"$roots\" \
         FROM spans WHERE {condition} GROUP BY \"$trace_id\")"
    )
}
