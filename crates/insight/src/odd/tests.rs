//! A month, asked about at each of its hours: what was planted is found, and hardly anything else; and every number is
//! what its query gives.

mod days;

use std::collections::BTreeSet;

use crawlspace_model::{Table, UnixNanos};
use crawlspace_query::Asking;

use super::windows::HOUR;
use super::{Change, Odd, OddFigures, OddMeasure, OddRequest, OddVerdict, Reference};
use crate::tests::{Store, run};
use days::{FLOWS, PLANTED, START, What, hour};

const HOURS: usize = 30 * 24;

/// With `CRAWLSPACE_LONG=1`, several months.
fn seeds() -> u64 {
    let is_long = std::env::var_os("CRAWLSPACE_LONG").is_some_and(|value| value == "1");
    if is_long { 8 } else { 1 }
}

/// Three hours a batch: each question looks at every batch in memory, and a server would have written parts by now.
async fn month(seed: u64) -> Store {
    let mut store = Store::new().await;
    for first in (0..HOURS).step_by(3) {
        let hours = [first, first + 1, first + 2].map(|number| hour(number, seed));
        let rows = arrow::compute::concat_batches(&hours[0].schema(), &hours).unwrap();
        store.publish(Table::Spans, rows);
    }
    store
}

fn at(number: usize) -> UnixNanos {
    UnixNanos(START + number as i64 * HOUR)
}

#[test]
fn planted_changes_of_a_month_are_found_and_hardly_anything_else() {
    run(async {
        for seed in 1..=seeds() {
            let store = month(seed).await;
            let (mut found, mut false_alarms) = (BTreeSet::new(), Vec::new());
            for number in 1..=HOURS {
                let odd = store.insight.look(at(number)).await.unwrap();
                for finding in &odd.findings {
                    let is_it = |planted: &days::Planted| {
                        let flow = &FLOWS[planted.flow];
                        planted.hours.contains(&(number - 1))
                            && finding.service_name.as_deref() == Some(flow.service)
                            && finding.flow.as_deref().is_none_or(|name| name == flow.name)
                    };
                    match PLANTED.iter().position(is_it) {
                        Some(index) => {
                            if is_told_as(finding.measure, PLANTED[index].what) {
                                found.insert(index);
                            }
                        }
                        None => {
                            false_alarms.push((number, finding.statement.clone(), finding.p_value))
                        }
                    }
                }
            }
            let weeks = HOURS as f64 / 168.0;
            let missed: Vec<usize> = (0..PLANTED.len())
                .filter(|index| !found.contains(index))
                .collect();
            println!("{false_alarms:#?}");
            println!(
                "month {seed}: {} of 10 found, {} false in {weeks:.1} weeks",
                found.len(),
                false_alarms.len()
            );
            assert!(found.len() >= 9, "month {seed}: missed {missed:?}");
            assert!(
                false_alarms.len() as f64 <= weeks,
                "month {seed}: {false_alarms:#?}"
            );
        }
    });
}

fn is_told_as(measure: OddMeasure, what: What) -> bool {
    match what {
        What::Rate(_) | What::Appears => measure == OddMeasure::Rate,
        What::Errors(_) => measure == OddMeasure::Errors,
        What::Slower(_) => measure == OddMeasure::Latency,
        What::Tail(_) => measure == OddMeasure::Tail,
    }
}

async fn ask(store: &Store, number: usize) -> Odd {
    store
        .insight
        .odd(&OddRequest::default(), at(number))
        .await
        .unwrap()
}

#[test]
fn findings_say_what_differs_and_every_number_is_what_its_query_gives() {
    run(async {
        let mut store = Store::new().await;
        for number in 5 * 24..11 * 24 + 18 {
            store.publish(Table::Spans, hour(number, 1));
        }
        let errors = ask(&store, 10 * 24 + 12).await;
        assert_eq!(
            (errors.verdict, errors.days),
            (OddVerdict::Odd, 5),
            "{errors:#?}"
        );
        let finding = &errors.findings[0];
        assert_eq!(
            (finding.measure, finding.change, finding.reference),
            (OddMeasure::Errors, Change::More, Reference::SameHour)
        );
        assert!(
            finding
                .statement
                .starts_with("`GET /cart` at storefront fails in "),
            "{}",
            finding.statement
        );
        assert!(
            finding.statement.ends_with("% usually at this hour"),
            "{}",
            finding.statement
        );
        assert_eq!(
            finding.compare.as_ref().unwrap()["selection"]["where"],
            "(parent_span_id IS NULL OR kind IN ('server', 'consumer')) AND \"service.name\" = 'storefront' \
             AND \"name\" = 'GET /cart' AND status_code = 'error'"
        );
        let slower = ask(&store, 11 * 24 + 17).await;
        assert_eq!(
            slower.findings[0].measure,
            OddMeasure::Latency,
            "{slower:#?}"
        );
        for odd in [&errors, &slower] {
            check_numbers(&store, odd).await;
        }
    });
}

#[test]
fn an_hour_like_others_is_typical_and_one_without_spans_cannot_be_told() {
    run(async {
        let mut store = Store::new().await;
        for number in 5 * 24..10 * 24 + 21 {
            store.publish(Table::Spans, hour(number, 1));
        }
        let typical = ask(&store, 10 * 24 + 20).await;
        assert_eq!(
            (typical.verdict, typical.found),
            (OddVerdict::Typical, 0),
            "{typical:#?}"
        );
        assert_eq!(
            typical.statement,
            "typical: 9 flows of 5 services are as at the same hour of 5 earlier days"
        );
        // Two hours after the very first spans there is only the hour before.
        let young = ask(&store, 5 * 24 + 2).await;
        assert_eq!(
            (young.verdict, young.days),
            (OddVerdict::Typical, 0),
            "{young:#?}"
        );
        assert!(
            young.statement.ends_with("are as in the hour before"),
            "{}",
            young.statement
        );
        let nothing = ask(&store, 2 * 24).await;
        assert_eq!(nothing.verdict, OddVerdict::CannotTell);
        assert!(
            nothing
                .statement
                .contains("there are no spans in this time"),
            "{}",
            nothing.statement
        );
    });
}

#[test]
fn a_flow_that_comes_and_one_that_goes_are_told() {
    run(async {
        let mut store = Store::new().await;
        for number in 20 * 24 + 7..20 * 24 + 10 {
            store.publish(Table::Spans, hour(number, 3));
        }
        let new = ask(&store, 20 * 24 + 10).await;
        let finding = &new.findings[0];
        assert_eq!(
            (finding.flow.as_deref(), finding.change),
            (Some("GET /suggest"), Change::New),
            "{new:#?}"
        );
        assert!(
            finding
                .statement
                .contains("`GET /suggest` at search is new: "),
            "{}",
            finding.statement
        );
        check_numbers(&store, &new).await;

        let mut store = Store::new().await;
        for number in 11 * 24 + 8..15 * 24 + 11 {
            store.publish(Table::Spans, hour(number, 3));
        }
        let gone = ask(&store, 15 * 24 + 11).await;
        let finding = &gone.findings[0];
        assert_eq!(
            (finding.flow.as_deref(), finding.change),
            (Some("GET /stock"), Change::Gone),
            "{gone:#?}"
        );
        assert_eq!((finding.reference, finding.hours), (Reference::SameHour, 4));
        assert!(
            finding.statement.contains("has no requests any more"),
            "{}",
            finding.statement
        );
        check_numbers(&store, &gone).await;
    });
}

/// Asks the queries of every finding, and holds their first rows against the numbers beside them.
async fn check_numbers(store: &Store, odd: &Odd) {
    for finding in &odd.findings {
        for figures in [&finding.now, &finding.usual] {
            let OddFigures {
                requests,
                errors,
                error_share,
                p50_ns,
                p99_ns,
                evidence,
            } = figures;
            let rows = store
                .insight
                .rows(&evidence.0, &Asking::default())
                .await
                .unwrap();
            let row = rows.first().unwrap();
            let given = [
                Some(*requests),
                Some(*errors),
                *error_share,
                *p50_ns,
                *p99_ns,
            ];
            let asked = ["requests", "errors", "error_share", "p50_ns", "p99_ns"]
                .map(|name| row.number(name));
            assert_eq!(given, asked, "{}: {}", finding.statement, evidence.0);
        }
    }
}
