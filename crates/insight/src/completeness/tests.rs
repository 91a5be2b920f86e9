//! Completeness against brute force, and against its own queries.

use std::collections::BTreeSet;

use crawlspace_model::account::{Account, Count, Line, Outcome, Reason, day_of};
use crawlspace_model::{Signal, UnixNanos};
use crawlspace_query::{REACH_NANOS, Range};
use proptest::prelude::*;

use super::{CYCLE_HOPS_MAX, Completeness, LATE_NANOS, SKEW_NANOS_MIN, Verdict};
use crate::tests::spans::{BEGIN, TestSpan};
use crate::tests::{Store, run};

const MINUTE: i64 = 60_000_000_000;

/// Half an hour.
fn range() -> Range {
    Range::between(Some(UnixNanos(BEGIN)), Some(UnixNanos(BEGIN + 30 * MINUTE)))
}

async fn completeness(store: &Store) -> Completeness {
    let snapshot = store.engine.snapshot();
    let now = UnixNanos(BEGIN + 600 * MINUTE);
    let found = store.insight.completeness(&snapshot, &range(), now).await;
    found.unwrap()
}

/// Some way before the range, in it, and after it, near and far.
fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 0..30 * MINUTE,
        1 => -70 * MINUTE..0,
        1 => 30 * MINUTE..100 * MINUTE,
    ]
}

fn span() -> impl Strategy<Value = TestSpan> {
    let received = prop_oneof![0..MINUTE, 4 * MINUTE..6 * MINUTE];
    let parent = prop::option::weighted(0.8, 1u64..12);
    (0u8..4, 1u64..10, parent, time(), received, 1u8..4).prop_map(
        |(trace, id, parent, time, received_after, weight)| TestSpan {
            trace: trace + 1,
            id,
            parent,
            time: BEGIN + time,
            received_after,
            weight: f64::from(weight),
            duration: (weight > 1).then_some(i64::from(weight) * MINUTE / 3),
            ..TestSpan::default()
        },
    )
}

fn in_window(span: &TestSpan) -> bool {
    (BEGIN - REACH_NANOS..BEGIN + 30 * MINUTE + REACH_NANOS).contains(&span.time)
}

fn is_own(span: &&TestSpan) -> bool {
    (BEGIN..BEGIN + 30 * MINUTE).contains(&span.time)
}

/// The first one of an id.
fn find(spans: &[TestSpan], trace: u8, id: u64) -> Option<&TestSpan> {
    let same = spans
        .iter()
        .filter(|span| (span.trace, span.id) == (trace, id));
    same.filter(|span| in_window(span))
        .min_by_key(|span| (span.time, span.time + span.received_after))
}

fn parent<'a>(spans: &'a [TestSpan], span: &TestSpan) -> Option<&'a TestSpan> {
    find(spans, span.trace, span.parent?)
}

fn is_its_own_ancestor(spans: &[TestSpan], span: &TestSpan) -> bool {
    let mut at = parent(spans, span);
    for _ in 0..CYCLE_HOPS_MAX {
        match at {
            Some(found) if found.id == span.id => return true,
            Some(found) => at = parent(spans, found),
            None => return false,
        }
    }
    false
}

/// Every count, the plain way.
fn expected(spans: &[TestSpan]) -> Vec<(&'static str, u64, u64)> {
    let own: Vec<&TestSpan> = spans.iter().filter(is_own).collect();
    let count = |is: &dyn Fn(&TestSpan) -> bool| own.iter().filter(|span| is(span)).count() as u64;
    let all = own.len() as u64;
    let named = count(&|span| span.parent.is_some());
    let traces: BTreeSet<u8> = own.iter().map(|span| span.trace).collect();
    let has_root = |trace: &&u8| {
        let mut of_trace = spans.iter().filter(|span| span.trace == **trace);
        of_trace.any(|span| in_window(span) && span.parent.is_none())
    };
    let roots = traces.iter().filter(has_root).count();
    let found = count(&|span| parent(spans, span).is_some());
    let ids: BTreeSet<(u8, u64)> = spans.iter().map(|span| (span.trace, span.id)).collect();
    let firsts = ids
        .iter()
        .filter_map(|(trace, id)| find(spans, *trace, *id));
    let cycles = firsts.filter(|span| is_own(span) && is_its_own_ancestor(spans, span));
    vec![
        ("orphans", named - found, named),
        (
            "missing_roots",
            (traces.len() - roots) as u64,
            traces.len() as u64,
        ),
        (
            "late",
            count(&|span| span.received_after - span.duration.unwrap_or(0) > LATE_NANOS),
            all,
        ),
        (
            "skewed",
            count(&|span| {
                parent(spans, span).is_some_and(|other| other.time - span.time > SKEW_NANOS_MIN)
            }),
            found,
        ),
        ("cycles", cycles.count() as u64, all),
    ]
}

async fn check(spans: &[TestSpan], portion: usize) {
    let mut store = Store::new().await;
    store.take(spans, portion).await;
    let found = completeness(&store).await;
    let shares = [
        &found.orphans,
        &found.missing_roots,
        &found.late,
        &found.skewed,
        &found.cycles,
    ];
    for (share, (name, count, of)) in shares.into_iter().zip(expected(spans)) {
        assert_eq!((share.count, share.of), (count, of), "{name}");
        let numbers = store.numbers(&share.query).await;
        assert_eq!(
            numbers["count"],
            Some(count as f64),
            "{name}: {}",
            share.query.0
        );
        assert_eq!(numbers["of"], Some(of as f64), "{name}: {}", share.query.0);
    }
    let own: Vec<&TestSpan> = spans.iter().filter(is_own).collect();
    let events: f64 = own.iter().map(|span| span.weight).sum();
    assert_eq!(found.sampled.spans, own.len() as u64);
    assert!((found.sampled.events - events).abs() < 1e-9);
    let numbers = store.numbers(&found.sampled.query).await;
    assert_eq!(numbers["spans"], Some(own.len() as f64));
    assert_eq!(numbers["events"], Some(found.sampled.events));
    assert_eq!(numbers["weight_max"], Some(found.sampled.weight_max));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 100, ..ProptestConfig::default() })]
    #[test]
    fn counts_are_those_of_brute_force_and_of_their_queries(spans in prop::collection::vec(span(), 1..40), portion in 1usize..20) {
        run(check(&spans, portion));
    }
}

fn chain(length: u64, is_whole: bool) -> Vec<TestSpan> {
    let span = |id| TestSpan {
        id,
        parent: (id > 1).then_some(id - 1),
        time: BEGIN + i64::try_from(id).unwrap(),
        ..TestSpan::default()
    };
    (1..=length)
        .filter(|id| is_whole || id % 2 == 1)
        .map(span)
        .collect()
}

#[test]
fn below_a_floor_it_cannot_be_told_and_the_reason_is() {
    run(async {
        let mut store = Store::new().await;
        let found = completeness(&store).await;
        assert_eq!(found.verdict, Verdict::CannotTell);
        assert_eq!(found.doubts, ["there are no spans in this time"]);
        store.take(&chain(100, true), 7).await;
        let found = completeness(&store).await;
        assert!(found.is_whole(), "{found:?}");

        let mut store = Store::new().await;
        store.take(&chain(100, false), 7).await;
        let found = completeness(&store).await;
        assert_eq!(found.verdict, Verdict::CannotTell);
        assert_eq!(
            found.doubts,
            ["100% of the spans that name a parent lack it, more than 20%"]
        );
    });
}

#[test]
fn late_spans_are_a_doubt_as_long_as_more_may_come() {
    run(async {
        let mut store = Store::new().await;
        let late = chain(10, true).into_iter().map(|span| TestSpan {
            received_after: 6 * MINUTE,
            ..span
        });
        store.take(&late.collect::<Vec<_>>(), 7).await;
        let snapshot = store.engine.snapshot();
        for (minutes, is_whole) in [(31, false), (91, true)] {
            let now = UnixNanos(BEGIN + minutes * MINUTE);
            let found = store.insight.completeness(&snapshot, &range(), now).await;
            let found = found.unwrap();
            assert_eq!(found.is_whole(), is_whole, "{:?}", found.doubts);
            assert_eq!((found.late.count, found.late.of), (10, 10));
        }
    });
}

#[test]
fn refusals_of_the_days_of_the_range_are_counted() {
    run(async {
        let mut store = Store::new().await;
        store.take(&chain(10, true), 7).await;
        let mut account = Account::default();
        let mut enter = |day, signal, outcome, requests, records| {
            let line = Line {
                day,
                key: 0,
                signal,
                outcome,
            };
            account.add(line, Count::new(requests, records));
        };
        let day = day_of(UnixNanos(BEGIN));
        enter(day, Signal::Traces, Outcome::Stored, 3, 60);
        enter(
            day,
            Signal::Traces,
            Outcome::Refused(Reason::InvalidRecord),
            0,
            20,
        );
        enter(
            day,
            Signal::Traces,
            Outcome::Refused(Reason::Undecodable),
            2,
            0,
        );
        enter(
            day,
            Signal::Traces,
            Outcome::Refused(Reason::Unavailable),
            9,
            900,
        );
        enter(
            day,
            Signal::Logs,
            Outcome::Refused(Reason::InvalidRecord),
            0,
            500,
        );
        enter(
            day - 1,
            Signal::Traces,
            Outcome::Refused(Reason::InvalidRecord),
            0,
            500,
        );
        enter(
            day + 1,
            Signal::Traces,
            Outcome::Refused(Reason::InvalidRecord),
            0,
            500,
        );
        let insight = crate::Insight::new(store.engine.clone())
            .with_ledger(std::sync::Arc::new(move || account.clone()));
        store.insight = insight;
        let found = completeness(&store).await;
        let refused = found.refused.unwrap();
        assert_eq!((refused.count, refused.of, refused.requests), (20, 80, 2));
        assert_eq!(found.doubts.len(), 1, "{:?}", found.doubts);
        assert!(found.doubts[0].starts_with("25% of the spans that came"));
    });
}
