//! Entities of a shop: the odd one is told from ordinary ones, and every number is what its query gives.

mod shop;

use crawlspace_model::{Table, UnixNanos};
use crawlspace_query::{Asking, Range};

use super::{Entity, EntityRequest, EntityVerdict, Measure};
use crate::PlaceKind;
use crate::tests::{Store, run};
use shop::{Carried, MINUTE, START, Shop, user};

const NOW: UnixNanos = UnixNanos(START + 120 * MINUTE);

async fn opened(shop: &Shop) -> Store {
    let mut store = Store::new().await;
    store.publish(Table::Spans, shop.spans());
    store
}

async fn ask(store: &Store, field: &str, value: &str) -> Entity {
    let request = EntityRequest {
        field: field.to_owned(),
        value: value.to_owned(),
        range: Range {
            last: Some("1d".to_owned()),
            ..Range::default()
        },
        limit: None,
    };
    store.insight.entity(&request, NOW).await.unwrap()
}

#[test]
fn whose_vendor_is_slow_is_told_so_wherever_the_id_is() {
    run(async {
        for carried in [Carried::ByAll, Carried::ByRoot, Carried::ByCheckout] {
            let shop = Shop {
                carried,
                slow: Some((47, 12.0)),
                ..Shop::default()
            };
            let store = opened(&shop).await;
            let answer = ask(&store, "user.id", &user(47)).await;
            assert_eq!(
                answer.verdict,
                EntityVerdict::Different,
                "{carried:?}: {}",
                answer.statement
            );
            let source = answer.findings[0].source.as_ref().unwrap();
            assert_eq!(answer.findings[0].measure, Measure::Latency);
            assert_eq!(
                (source.kind, source.name.as_str(), source.hop),
                (PlaceKind::Vendor, "pay.example", 3)
            );
            assert_eq!(
                (source.operation.as_str(), source.service.as_deref()),
                ("POST /charge", Some("checkout"))
            );
            for part in [
                "slower than 100% of users",
                "it comes from vendor `pay.example`, third hop",
            ] {
                assert!(
                    answer.statement.contains(part),
                    "{carried:?}: {}",
                    answer.statement
                );
            }
            check_numbers(&store, &answer).await;
        }
    });
}

#[test]
fn a_slow_place_is_told_of_where_whole_requests_do_not_stand_out() {
    run(async {
        // Users differ so much that nobody's requests stand out by taking longer.
        let shop = Shop {
            slow: Some((8, 4.0)),
            temper: 0.5,
            requests_each: 40,
            ..Shop::default()
        };
        let store = opened(&shop).await;
        let answer = ask(&store, "user.id", &user(8)).await;
        assert_eq!(answer.findings[0].measure, Measure::Hop, "{answer:#?}");
        let statement = &answer.statement;
        assert!(
            statement.contains("but vendor `pay.example`, third hop, takes "),
            "{statement}"
        );
        check_numbers(&store, &answer).await;
    });
}

#[test]
fn whose_requests_fail_is_told_where() {
    run(async {
        let shop = Shop {
            refused: Some((3, 0.5)),
            ..Shop::default()
        };
        let store = opened(&shop).await;
        let answer = ask(&store, "user.id", &user(3)).await;
        let finding = answer
            .findings
            .iter()
            .find(|finding| finding.measure == Measure::Errors);
        let finding = finding.unwrap_or_else(|| panic!("{}", answer.statement));
        assert!(
            finding
                .statement
                .contains("most fail in vendor `pay.example`, third hop"),
            "{finding:?}"
        );
        let trace = answer.traces.iter().find(|trace| trace.failed).unwrap();
        assert!(
            trace
                .statement
                .contains("vendor `pay.example` failed (card refused)"),
            "{}",
            trace.statement
        );
        check_numbers(&store, &answer).await;
    });
}

#[test]
fn ordinary_users_are_typical() {
    run(async {
        for (seed, temper, carried) in [(5, 0.1, Carried::ByRoot), (7, 0.5, Carried::ByCheckout)] {
            let shop = Shop {
                slow: Some((59, 12.0)),
                seed,
                temper,
                carried,
                ..Shop::default()
            };
            let store = opened(&shop).await;
            let mut typical = 0;
            let mut others = Vec::new();
            for number in 0..50 {
                let answer = ask(&store, "user.id", &user(number)).await;
                match answer.verdict {
                    EntityVerdict::Typical => typical += 1,
                    _ => others.push(answer.statement.clone()),
                }
                if number % 10 == 0 {
                    check_numbers(&store, &answer).await;
                }
            }
            assert!(typical >= 48, "users that differ by {temper}: {others:#?}");
        }
    });
}

#[test]
fn any_field_names_entities() {
    run(async {
        let store = opened(&Shop::default()).await;
        for (field, value, request) in [
            (
                "tenant.number",
                "3",
                "a trace whose root has this tenant.number",
            ),
            (
                "service.name",
                "checkout",
                "a span (server) that has this service.name",
            ),
            (
                "name",
                "GET /stock",
                "a span of inventory (server) that has this name",
            ),
        ] {
            let answer = ask(&store, field, value).await;
            assert_eq!(answer.request, request);
            assert_eq!(
                answer.verdict,
                if field == "name" {
                    EntityVerdict::CannotTell
                } else {
                    answer.verdict
                }
            );
            assert!(
                answer.figures.requests > 100.0 && answer.traces.len() == 10,
                "{answer:?}"
            );
            check_numbers(&store, &answer).await;
        }
        let nobody = ask(&store, "user.id", "nobody").await;
        assert_eq!(
            (nobody.verdict, nobody.traces.len()),
            (EntityVerdict::CannotTell, 0)
        );
        let no_number = ask(&store, "tenant.number", "three").await;
        assert_eq!(
            no_number.statement,
            "nothing is known of `tenant.number` = `three` in this range"
        );
        for (field, part) in [
            ("userid", "did you mean `user.id`"),
            ("time", "names no entity"),
            ("trace_id", "crawlspace trace"),
        ] {
            let request = EntityRequest {
                field: field.to_owned(),
                ..EntityRequest::default()
            };
            let error = store
                .insight
                .entity(&request, NOW)
                .await
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        }
    });
}

/// Asks every query of the answer, and holds its first row against the numbers beside it.
async fn check_numbers(store: &Store, answer: &Entity) {
    let all = serde_json::to_value(answer).unwrap();
    let mut checked = 0;
    check_object(store, &all, &mut checked).await;
    assert!(checked >= 15, "only {checked} numbers were checked");
    for trace in &answer.traces {
        let rows = store
            .insight
            .rows(&trace.evidence.0, &Asking::default())
            .await
            .unwrap();
        for hop in &trace.hops {
            #[allow(clippy::cast_precision_loss)]
            let is_it = |row: crate::rows::Row<'_>| {
                row.text("name").as_deref() == Some(&hop.operation)
                    && row.number("duration_ns") == Some(hop.duration_ns as f64)
            };
            assert!(rows.iter().any(is_it), "{hop:?} of {}", trace.trace_id);
        }
    }
}

/// The members of an object are columns of its evidence; those with a prefix, of that with this prefix.
async fn check_object(store: &Store, value: &serde_json::Value, checked: &mut usize) {
    let Some(members) = value.as_object() else {
        for item in value.as_array().into_iter().flatten() {
            Box::pin(check_object(store, item, checked)).await;
        }
        return;
    };
    for (key, prefix) in [
        ("evidence", ""),
        ("query", ""),
        ("others_evidence", "others_"),
    ] {
        let Some(sql) = members.get(key).and_then(|value| value.as_str()) else {
            continue;
        };
        let rows = store.insight.rows(sql, &Asking::default()).await.unwrap();
        let row = rows.first().unwrap();
        for (name, value) in members {
            let Some(column) = name
                .strip_prefix(prefix)
                .filter(|_| prefix.is_empty() != name.starts_with("others_"))
            else {
                continue;
            };
            let found = row
                .number(column)
                .or_else(|| row.number(&format!("{column}_half")));
            if let (Some(number), Some(found)) = (value.as_f64(), found) {
                assert_eq!(number, found, "{name} of {sql}");
                *checked += 1;
            }
        }
    }
    for item in members.values() {
        Box::pin(check_object(store, item, checked)).await;
    }
}
