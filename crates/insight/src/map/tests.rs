//! The map against brute force and against its own queries: known shops, wild ones, long traces.

mod brute_force;

use crawlspace_model::UnixNanos;
use crawlspace_query::Range;
use proptest::prelude::*;

use super::{Changed, EDGES_MAX, Edge, EdgeKind, Figures, Map, MapRequest, Node, NodeKind, Vendor};
use crate::tests::spans::{BEGIN, TestSpan};
use crate::tests::{Store, run};
use crate::{Evidence, Insight};
use brute_force::{BruteForce, Measured};

const MILLISECOND: i64 = 1_000_000;
const MINUTE: i64 = 60_000 * MILLISECOND;

/// Half an hour.
fn range() -> Range {
    Range::between(Some(UnixNanos(BEGIN)), Some(UnixNanos(BEGIN + 30 * MINUTE)))
}

fn request(condition: Option<&str>) -> MapRequest {
    MapRequest {
        range: range(),
        condition: condition.map(str::to_owned),
        base: None,
    }
}

async fn draw(store: &Store, request: &MapRequest) -> Map {
    let now = UnixNanos(BEGIN + 600 * MINUTE);
    store.insight.map(request, now).await.unwrap()
}

/// The map has what brute force finds, and each query gives its numbers again.
async fn check(store: &Store, spans: &[TestSpan], condition: Option<&str>) -> Map {
    let map = draw(store, &request(condition)).await;
    let service = condition.map(|_| "api");
    let brute_force = BruteForce::new(spans, BEGIN..BEGIN + 30 * MINUTE, service);
    let mut edges = brute_force.edges();
    for edge in &map.edges {
        let key = (edge.from.clone(), edge.to.clone(), edge.kind);
        let expected = edges.remove(&key);
        let (caller, server, unanswered) = expected.unwrap_or_else(|| panic!("{key:?} is there"));
        assert_eq!(measured(&edge.figures), caller, "{key:?}");
        assert!((edge.unanswered - unanswered).abs() < 1e-9, "{key:?}");
        let of_server = Measured {
            calls: server.calls,
            errors: edge.server_errors,
            p50: edge.server_p50_ns,
            p95: edge.server_p95_ns,
            p99: edge.server_p99_ns,
        };
        assert_eq!(of_server, server, "{key:?}");
        edge_gives_its_numbers_again(store, edge).await;
    }
    assert!(edges.is_empty(), "{edges:?} are missing");
    let mut nodes = brute_force.nodes();
    for node in &map.nodes {
        let (spans, asked) = nodes
            .remove(&node.id)
            .unwrap_or_else(|| panic!("{} is there", node.id));
        assert!((node.spans - spans).abs() < 1e-9, "{}", node.id);
        assert_eq!(measured(&node.figures), asked, "{}", node.id);
        let numbers = figures_again(store, &node.figures, &node.query).await;
        if numbers.contains_key("spans") {
            assert_eq!(numbers["spans"], Some(node.spans), "{}", node.query.0);
        }
    }
    assert!(nodes.is_empty(), "{nodes:?} are missing");
    assert!((map.unnamed_calls - brute_force.unnamed()).abs() < 1e-9);
    let numbers = store.numbers(&map.unnamed_calls_query).await;
    assert_eq!(numbers["calls"], Some(map.unnamed_calls));
    map
}

fn measured(figures: &Figures) -> Measured {
    Measured {
        calls: figures.calls,
        errors: figures.errors,
        p50: figures.p50_ns,
        p95: figures.p95_ns,
        p99: figures.p99_ns,
    }
}

async fn figures_again(
    store: &Store,
    figures: &Figures,
    query: &Evidence,
) -> std::collections::BTreeMap<String, Option<f64>> {
    let numbers = store.numbers(query).await;
    for (name, expected) in [
        ("calls", Some(figures.calls)),
        ("rate", figures.rate),
        ("errors", Some(figures.errors)),
        ("p50_ns", figures.p50_ns.map(|nanos| nanos as f64)),
        ("p95_ns", figures.p95_ns.map(|nanos| nanos as f64)),
        ("p99_ns", figures.p99_ns.map(|nanos| nanos as f64)),
    ] {
        assert_eq!(numbers[name], expected, "{name} of {}", query.0);
    }
    numbers
}

async fn edge_gives_its_numbers_again(store: &Store, edge: &Edge) {
    let numbers = figures_again(store, &edge.figures, &edge.query).await;
    for (name, expected) in [
        ("unanswered", Some(edge.unanswered)),
        ("server_errors", Some(edge.server_errors)),
        (
            "server_p50_ns",
            edge.server_p50_ns.map(|nanos| nanos as f64),
        ),
        (
            "server_p95_ns",
            edge.server_p95_ns.map(|nanos| nanos as f64),
        ),
        (
            "server_p99_ns",
            edge.server_p99_ns.map(|nanos| nanos as f64),
        ),
    ] {
        assert_eq!(numbers[name], expected, "{name} of {}", edge.query.0);
    }
}

/// A visit of a page, of the shop that everything is known of.
fn visit(trace: u8) -> Vec<TestSpan> {
    let at = BEGIN + i64::from(trace) * 1_000 * MILLISECOND;
    let span = |id: u64, parent: u64, service, kind, duration: i64| TestSpan {
        trace,
        id,
        parent: (parent > 0).then_some(parent),
        service: Some(service),
        kind,
        time: at + i64::try_from(id).unwrap() * MILLISECOND,
        duration: Some(duration * MILLISECOND + i64::from(trace)),
        ..TestSpan::default()
    };
    let failed = |span: TestSpan, failed: bool| TestSpan {
        is_error: failed,
        ..span
    };
    vec![
        span(1, 0, "shop", "internal", 900).with(&[("telemetry.sdk.language", "webjs")]),
        span(2, 1, "shop", "client", 800).with(&[
            ("telemetry.sdk.language", "webjs"),
            ("server.address", "shop.example"),
        ]),
        failed(span(3, 2, "api", "server", 700), trace % 4 == 0),
        span(4, 3, "api", "internal", 600),
        span(5, 4, "api", "client", 100).with(&[
            ("db.system.name", "postgresql"),
            ("db.namespace", "orders"),
            ("server.address", "pg-1.internal"),
        ]),
        failed(span(6, 4, "api", "client", 300), trace % 2 == 0)
            .with(&[("server.address", "api.stripe.com")]),
        span(7, 4, "api", "client", 30)
            .with(&[("url.full", "https://u:p@Mail.Example:443/send?to=x")]),
        span(8, 4, "api", "producer", 2).with(&[
            ("messaging.system", "kafka"),
            ("messaging.destination.name", "orders"),
        ]),
        // Of the queue it knows nothing: the span that it is linked to does.
        TestSpan {
            trace: trace + 100,
            link: Some((trace, 8)),
            ..span(9, 0, "worker", "consumer", 50)
        },
        TestSpan {
            trace: trace + 100,
            ..span(10, 9, "worker", "client", 5)
        }
        .with(&[("server.address", "api"), ("peer.service", "API")]),
        TestSpan {
            trace: trace + 200,
            ..span(11, 0, "cron", "internal", 5)
        },
    ]
}

/// In an order that no sender keeps to.
fn shuffled(mut spans: Vec<TestSpan>) -> Vec<TestSpan> {
    spans.sort_by_key(|span| (span.id * 7 + u64::from(span.trace) * 13) % 31);
    spans
}

#[test]
fn a_known_shop_is_drawn_exactly() {
    run(async {
        let spans = shuffled((1..=20).flat_map(visit).collect());
        let mut store = Store::new().await;
        store.take(&spans, 9).await;
        let map = check(&store, &spans, None).await;
        let edges: Vec<String> = map.edges.iter().map(shown).collect();
        let mut expected = [
            "browser:shop -Call-> service:api 20, 0 failed",
            "service:api -Query-> store:postgresql/pg-1.internal/orders 20, 0 failed",
            "service:api -Call-> vendor:Stripe 20, 10 failed",
            "service:api -Call-> vendor:mail.example 20, 0 failed",
            "service:api -Send-> queue:kafka/orders 20, 0 failed",
            "queue:kafka/orders -Receive-> service:worker 20, 0 failed",
            "service:worker -Call-> service:api 20, 0 failed",
        ];
        expected.sort_unstable();
        let mut found = edges.clone();
        found.sort_unstable();
        assert_eq!(found, expected);
        let nodes: Vec<(&str, NodeKind, Option<&str>)> = map
            .nodes
            .iter()
            .map(|node| (node.name.as_str(), node.kind, node.category.as_deref()))
            .collect();
        for node in [
            ("shop", NodeKind::Browser, None),
            ("api", NodeKind::Service, None),
            ("worker", NodeKind::Service, None),
            ("cron", NodeKind::Service, None),
            ("postgresql orders", NodeKind::Store, None),
            ("kafka orders", NodeKind::Queue, None),
            ("Stripe", NodeKind::Vendor, Some("payments")),
            ("mail.example", NodeKind::Vendor, None),
        ] {
            assert!(nodes.contains(&node), "{node:?} in {nodes:?}");
        }
        assert_eq!(nodes.len(), 8);
        // The caller waits longer than the called side works.
        let call = map
            .edges
            .iter()
            .find(|edge| edge.from == "browser:shop")
            .unwrap();
        assert_eq!(call.figures.p50_ns, Some(800 * MILLISECOND + 10));
        assert_eq!(call.server_p50_ns, Some(700 * MILLISECOND + 10));
        assert!((call.server_errors - 5.0).abs() < 1e-9);
        assert!(map.completeness.is_whole(), "{:?}", map.completeness);
        check(&store, &spans, Some("service.name = 'api'")).await;
    });
}

fn shown(edge: &Edge) -> String {
    let Edge {
        from,
        to,
        kind,
        figures,
        ..
    } = edge;
    format!(
        "{from} -{kind:?}-> {to} {}, {} failed",
        figures.calls, figures.errors
    )
}

#[test]
fn own_vendors_go_before_known_ones() {
    run(async {
        let spans: Vec<TestSpan> = (1..=3).flat_map(visit).collect();
        let mut store = Store::new().await;
        store.take(&spans, 5).await;
        store.insight = Insight::new(store.engine.clone()).with_vendors(vec![Vendor {
            name: "Post".to_owned(),
            category: "mail".to_owned(),
            hosts: vec!["example".to_owned()],
        }]);
        let map = draw(&store, &request(None)).await;
        let is_post = |node: &&Node| node.name == "Post";
        let post = map.nodes.iter().find(is_post).unwrap();
        assert_eq!(post.category.as_deref(), Some("mail"));
        figures_again(&store, &post.figures, &post.query).await;
    });
}

/// Two services call each other in turn, ten thousand deep.
#[test]
fn a_trace_of_ten_thousand_spans_is_drawn() {
    run(async {
        let span = |id: u64| TestSpan {
            id,
            parent: (id > 1).then_some(id - 1),
            service: Some(if id % 2 == 0 { "api" } else { "worker" }),
            kind: "server",
            time: BEGIN + i64::try_from(id).unwrap(),
            ..TestSpan::default()
        };
        let mut spans: Vec<TestSpan> = (1..=10_000).map(span).collect();
        spans.sort_by_key(|span| span.id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut store = Store::new().await;
        store.take(&spans, 2_500).await;
        let map = draw(&store, &request(None)).await;
        let mut edges: Vec<String> = map.edges.iter().map(shown).collect();
        edges.sort_unstable();
        assert_eq!(
            edges,
            [
                "service:api -Call-> service:worker 4999, 0 failed",
                "service:worker -Call-> service:api 5000, 0 failed",
            ]
        );
        for edge in &map.edges {
            edge_gives_its_numbers_again(&store, edge).await;
        }
    });
}

#[test]
fn a_difference_tells_what_appeared_vanished_and_changed() {
    run(async {
        let mut spans: Vec<TestSpan> = (1..=50).flat_map(visit).collect();
        // An hour later a vendor is another one, and the store is slow.
        let later = spans.clone().into_iter().map(|span| {
            let is_mail = span.attribute("url.full").is_some();
            let is_store = span.attribute("db.namespace").is_some();
            let mut span = TestSpan {
                time: span.time + 180 * MINUTE,
                id: span.id + 1_000,
                parent: span.parent.map(|id| id + 1_000),
                link: span.link.map(|(trace, id)| (trace, id + 1_000)),
                ..span
            };
            if is_mail {
                span.attributes = vec![("server.address", "api.sendgrid.com".to_owned())];
            }
            if is_store {
                span.duration = span.duration.map(|nanos| nanos * 3);
            }
            span
        });
        spans.extend(later.collect::<Vec<_>>());
        let mut store = Store::new().await;
        store.take(&spans, 100).await;
        let start = BEGIN + 180 * MINUTE;
        let later = Range::between(Some(UnixNanos(start)), Some(UnixNanos(start + 30 * MINUTE)));
        let request = MapRequest {
            range: later,
            condition: None,
            base: Some((range(), None)),
        };
        let map = draw(&store, &request).await;
        let difference = map.difference.unwrap();
        let edges: Vec<(String, Vec<Changed>)> = difference
            .edges
            .iter()
            .map(|change| {
                let edge = change.now.as_ref().or(change.base.as_ref()).unwrap();
                (edge.to.clone(), change.changed.clone())
            })
            .collect();
        let expected = [
            ("vendor:SendGrid", Changed::Appeared),
            ("vendor:mail.example", Changed::Vanished),
            ("store:postgresql/pg-1.internal/orders", Changed::Latency),
        ];
        let expected = expected.map(|(to, changed)| (to.to_owned(), vec![changed]));
        assert_eq!(edges, expected);
        for change in difference.edges {
            for edge in change.now.iter().chain(&change.base) {
                edge_gives_its_numbers_again(&store, edge).await;
            }
        }
        // Two selections of one time: those of the vendor's failures, and those without.
        let request = MapRequest {
            range: range(),
            condition: Some("status_code = 'error'".to_owned()),
            base: Some((range(), Some("status_code <> 'error'".to_owned()))),
        };
        let map = draw(&store, &request).await;
        let to_store = |edge: &Edge| edge.kind == EdgeKind::Query;
        assert!(!map.edges.iter().any(to_store));
        let vanished = map.difference.unwrap().edges;
        let vanished = vanished
            .iter()
            .filter(|change| change.changed == [Changed::Vanished]);
        assert!(
            vanished
                .filter_map(|change| change.base.as_ref())
                .any(to_store)
        );
    });
}

#[test]
fn a_condition_speaks_of_the_span_itself() {
    run(async {
        let mut store = Store::new().await;
        store.take(&visit(1), 20).await;
        for condition in ["parent.service.name = 'api'", "nonsense = 1", "TRUE; DROP"] {
            let request = request(Some(condition));
            let refused = store.insight.map(&request, UnixNanos(BEGIN)).await;
            assert!(refused.is_err(), "{condition}");
        }
        // The last hour, long after: nothing is there, and nothing can be told.
        let now = UnixNanos(BEGIN + 6_000 * MINUTE);
        let map = store
            .insight
            .map(&MapRequest::default(), now)
            .await
            .unwrap();
        assert!(map.edges.is_empty() && map.nodes.is_empty());
        assert!(!map.completeness.is_whole());
    });
}

#[test]
fn what_is_too_much_is_refused_or_named() {
    run(async {
        let mut store = Store::new().await;
        store.take(&visit(1), 20).await;
        let mut map = draw(&store, &request(None)).await;
        let least = map.edges.last().unwrap().clone();
        map.edges.resize(EDGES_MAX + 2, least);
        map.cut();
        assert_eq!(map.edges.len(), EDGES_MAX);
        assert_eq!((map.left_out.nodes, map.left_out.edges), (0, 2));
        assert!((map.left_out.calls - 2.0).abs() < 1e-9);
        store.insight.spans_max = visit(1).len() - 1;
        let now = UnixNanos(BEGIN + 600 * MINUTE);
        let refused = store.insight.map(&request(None), now).await.unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with("there are more than 10 spans"),
            "{refused}"
        );
    });
}

fn time() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => 0..30 * MINUTE,
        1 => -70 * MINUTE..0,
        1 => 30 * MINUTE..100 * MINUTE,
    ]
}

fn attributes() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::sample::select(vec![
        vec![],
        vec![],
        vec![("db.system", "redis"), ("server.address", "cache-1")],
        vec![("db.system.name", "mysql"), ("db.namespace", "o'reilly")],
        vec![("server.address", "api.stripe.com")],
        vec![
            ("server.address", "files.stripe.com"),
            ("service.peer.name", ""),
        ],
        vec![("server.address", "cache-1")],
        vec![
            ("net.peer.name", "mail.example"),
            ("peer.service", "Legacy"),
        ],
        vec![("server.address", "API")],
        vec![("url.full", "https://a@mail.example:8443/x?y://z")],
        vec![("http.url", "/no/host")],
        vec![
            ("messaging.system", "kafka"),
            ("messaging.destination.name", "orders"),
        ],
        vec![("messaging.destination.name", "orders")],
        vec![
            ("messaging.system", "sqs"),
            ("messaging.operation.type", "receive"),
        ],
        vec![
            ("messaging.system", "sqs"),
            ("messaging.operation.type", "settle"),
        ],
        vec![("telemetry.sdk.language", "webjs")],
        vec![("browser.platform", "Linux"), ("server.address", "api")],
    ])
}

fn span() -> impl Strategy<Value = TestSpan> {
    let services = prop::sample::select(vec![
        Some("api"),
        Some("api"),
        Some("shop"),
        Some("worker"),
        None,
    ]);
    let kinds = prop::sample::select(vec![
        "client", "client", "server", "producer", "consumer", "internal",
    ]);
    let ids = (0u8..3, 1u64..14, prop::option::weighted(0.85, 1u64..14));
    let link = prop::option::weighted(0.3, (1u8..4, 1u64..14));
    (
        ids,
        services,
        kinds,
        time(),
        1u8..4,
        any::<bool>(),
        link,
        attributes(),
    )
        .prop_map(
            |((trace, id, parent), service, kind, time, weight, is_error, link, attributes)| {
                TestSpan {
                    trace: trace + 1,
                    id,
                    parent,
                    service,
                    kind,
                    time: BEGIN + time,
                    duration: (time % 7 != 0).then_some(time % 1_000),
                    weight: f64::from(weight),
                    is_error,
                    link,
                    ..TestSpan::default()
                }
                .with(&attributes)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 60, ..ProptestConfig::default() })]
    #[test]
    fn wild_traces_are_drawn_as_brute_force_does(spans in prop::collection::vec(span(), 1..45), portion in 3usize..30, is_chosen: bool) {
        run(async {
            let mut store = Store::new().await;
            store.take(&spans, portion).await;
            let condition = is_chosen.then_some("service.name = 'api'");
            check(&store, &spans, condition).await;
        });
    }
}
