use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use crawlspace_control::{Access, Actor, KeyRequest, Keys, Scope};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::Gate;
use crate::openapi::DOCUMENT;
use crate::router;
use crate::tests::{Store, store};

const PAGE: &str = "https://shop.example";
const OTHER_PAGE: &str = "https://evil.example";

/// What everybody may see.
const OPEN: [&str; 4] = ["/", "/api/v1/openapi.json", "/livez", "/readyz"];
const GRPC: [&str; 3] = [
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
];

async fn secret(keys: &Keys, scope: Scope) -> String {
    let origins: &[&str] = if scope == Scope::Browser {
        &[PAGE]
    } else {
        &[]
    };
    let request = KeyRequest::new("test", scope, origins).unwrap();
    let created = keys.create(request, Actor::CommandLine).await.unwrap();
    created.secret.expose().to_owned()
}

fn routes_of(store: &Store, key_required: bool) -> Router {
    let gate = &store.dependencies.gate;
    let gate = Gate {
        keys: Arc::clone(&gate.keys),
        key_required,
        hosts: gate.hosts.clone(),
    };
    let mut dependencies = store.dependencies.clone();
    dependencies.gate = Arc::new(gate);
    router(dependencies)
}

struct Route {
    method: Method,
    path: String,
    /// None: for everybody.
    access: Option<Access>,
    is_grpc: bool,
}

/// Every operation of the description, and the calls of gRPC.
fn all_routes() -> Vec<Route> {
    let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let steps = path.split('/').map(|step| match step.starts_with('{') {
                true => "4294967295",
                false => step,
            });
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: steps.collect::<Vec<_>>().join("/"),
                access: described_access(operation),
                is_grpc: false,
            });
        }
    }
    routes.extend(GRPC.map(|path| Route {
        method: Method::POST,
        path: path.to_owned(),
        access: Some(Access::Send),
        is_grpc: true,
    }));
    routes
}

fn described_access(operation: &Value) -> Option<Access> {
    let ways = operation["security"].as_array()?;
    let scopes = |way: &Value| way.as_object().unwrap().values().next().cloned().unwrap();
    let same = ways.iter().all(|way| scopes(way) == scopes(&ways[0]));
    assert!(
        same,
        "the ways to send a key differ in their scopes: {ways:?}"
    );
    Some(match scopes(&ways[0]) {
        scopes if scopes == json!(["ingest", "browser", "admin"]) => Access::Send,
        scopes if scopes == json!(["read", "admin"]) => Access::Read,
        scopes if scopes == json!(["admin"]) => Access::Administer,
        other => panic!("no access needs {other}"),
    })
}

/// One who calls: how, and what becomes of it where telemetry is sent, where it is read, and where one administers.
struct Case {
    name: &'static str,
    key: Option<String>,
    in_url: bool,
    origin: Option<&'static str>,
    expected: [u16; 3],
}

impl Route {
    async fn call(&self, routes: &Router, case: &Case) -> Response<Body> {
        let mut uri = self.path.clone();
        let mut request = Request::builder().method(self.method.clone());
        match &case.key {
            Some(key) if case.in_url => uri = format!("{uri}?key={key}"),
            Some(key) => request = request.header("authorization", format!("Bearer {key}")),
            None => {}
        }
        if let Some(origin) = case.origin {
            request = request.header("origin", origin);
        }
        let content_type = match (self.is_grpc, self.access) {
            (true, _) => "application/grpc",
            (false, Some(Access::Send)) => "application/x-protobuf",
            _ => "application/json",
        };
        let request = request.uri(uri).header("content-type", content_type);
        let request = request.body(Body::from("{}")).unwrap();
        routes.clone().oneshot(request).await.unwrap()
    }

    /// 401, 403, or 200 for let in, whatever came of it.
    fn verdict(&self, response: &Response<Body>) -> u16 {
        let headers = response.headers();
        let status = response.status().as_u16();
        if self.is_grpc {
            let status = headers
                .get("grpc-status")
                .map(|status| status.to_str().unwrap());
            return match status {
                Some("16") => 401,
                Some("7") => 403,
                _ => 200,
            };
        }
        if status != 401 && status != 403 {
            return 200;
        }
        let form = match self.access {
            Some(Access::Send) => "application/x-protobuf",
            _ => "application/problem+json",
        };
        assert_eq!(headers["content-type"], form, "{}", self.path);
        let challenge = headers
            .get("www-authenticate")
            .map(|value| value.to_str().unwrap());
        assert_eq!(
            challenge,
            (status == 401).then_some("Bearer"),
            "{}",
            self.path
        );
        status
    }

    fn expected(&self, case: &Case) -> u16 {
        let [send, read, administer] = case.expected;
        match self.access {
            None => 200,
            Some(Access::Send) => send,
            Some(Access::Read) => read,
            Some(Access::Administer) => administer,
        }
    }
}

async fn check(routes: &Router, cases: &[Case]) -> usize {
    let mut cells = 0;
    for route in all_routes() {
        for case in cases {
            let response = route.call(routes, case).await;
            let what = format!("{}: {} {}", case.name, route.method, route.path);
            assert_eq!(route.verdict(&response), route.expected(case), "{what}");
            let is_listed_page = route.access == Some(Access::Send) && case.origin == Some(PAGE);
            assert_eq!(has_cors(response.headers()), is_listed_page, "CORS, {what}");
            cells += 1;
        }
    }
    cells
}

fn has_cors(headers: &HeaderMap) -> bool {
    headers
        .keys()
        .any(|name| name.as_str().starts_with("access-control-"))
}

fn case(
    name: &'static str,
    key: Option<&String>,
    origin: Option<&'static str>,
    expected: [u16; 3],
) -> Case {
    Case {
        name,
        key: key.cloned(),
        in_url: false,
        origin,
        expected,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_only_the_keys_that_the_description_names() {
    let store = store().await;
    let keys = &store.dependencies.gate.keys;
    let revoked = secret(keys, Scope::Admin).await;
    keys.revoke(1, Actor::Start).await.unwrap();
    let ingest = secret(keys, Scope::Ingest).await;
    let browser = secret(keys, Scope::Browser).await;
    let read = secret(keys, Scope::Read).await;
    let admin = secret(keys, Scope::Admin).await;
    let unknown = admin.replace("_5_", "_6_");
    let foreign = "somebody else's".to_owned();
    let in_url = |mut case: Case| {
        case.in_url = true;
        case
    };
    let cases = [
        case("no key", None, None, [401, 401, 401]),
        case("no key, from a page", None, Some(PAGE), [401, 401, 401]),
        case("unknown", Some(&unknown), None, [401, 401, 401]),
        case("foreign", Some(&foreign), None, [401, 401, 401]),
        case("revoked", Some(&revoked), None, [401, 401, 401]),
        case("ingest", Some(&ingest), None, [200, 403, 403]),
        case(
            "ingest, from a page",
            Some(&ingest),
            Some(PAGE),
            [403, 403, 403],
        ),
        in_url(case(
            "ingest in the URL",
            Some(&ingest),
            None,
            [200, 401, 401],
        )),
        case("browser", Some(&browser), Some(PAGE), [200, 403, 403]),
        case(
            "browser, wrong page",
            Some(&browser),
            Some(OTHER_PAGE),
            [403, 403, 403],
        ),
        case(
            "browser, hidden page",
            Some(&browser),
            Some("null"),
            [403, 403, 403],
        ),
        case("browser, no page", Some(&browser), None, [403, 403, 403]),
        in_url(case(
            "browser in the URL",
            Some(&browser),
            Some(PAGE),
            [200, 401, 401],
        )),
        case("read", Some(&read), None, [403, 200, 403]),
        in_url(case("read in the URL", Some(&read), None, [403, 401, 401])),
        case("admin", Some(&admin), None, [200, 200, 200]),
        case(
            "admin, wrong page",
            Some(&admin),
            Some(OTHER_PAGE),
            [403, 403, 403],
        ),
        in_url(case(
            "admin in the URL",
            Some(&admin),
            None,
            [200, 401, 401],
        )),
    ];
    let cells = check(&routes_of(&store, true), &cases).await;
    assert!(cells > 200, "only {cells} cells");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_need_for_keys_wrong_ones_and_pages_are_still_refused() {
    let store = store().await;
    let read = secret(&store.dependencies.gate.keys, Scope::Read).await;
    let unknown = read.replace("_1_", "_2_");
    let foreign = "a proxy's".to_owned();
    let cases = [
        case("no key", None, None, [200, 200, 200]),
        case("foreign", Some(&foreign), None, [200, 200, 200]),
        case("unknown", Some(&unknown), None, [401, 401, 401]),
        case("read", Some(&read), None, [403, 200, 403]),
        case(
            "no key, from a page",
            None,
            Some(OTHER_PAGE),
            [403, 403, 403],
        ),
        case("no key, hidden page", None, Some("null"), [403, 403, 403]),
    ];
    check(&routes_of(&store, false), &cases).await;
}

#[test]
fn only_four_routes_are_for_everybody() {
    let open: Vec<_> = all_routes()
        .into_iter()
        .filter(|route| route.access.is_none())
        .collect();
    let open: Vec<_> = open.iter().map(|route| route.path.as_str()).collect();
    assert_eq!(open, OPEN);
}

async fn ask(routes: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let response = routes.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    (
        head.status,
        head.headers,
        serde_json::from_slice(&body).unwrap_or_default(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn other_names_of_the_server_are_refused_by_the_api_and_its_own_pages_are_let_in() {
    let store = store().await;
    let routes = routes_of(&store, false);
    for (host, origin, api, doors) in [
        ("127.0.0.1:4320", None, 200, 200),
        ("localhost:4320", None, 200, 200),
        ("crawlspace.example", None, 200, 200),
        ("evil.example:4320", None, 421, 200),
        ("localhost:4320", Some("http://localhost:4320"), 200, 200),
        (
            "crawlspace.example",
            Some("https://crawlspace.example"),
            200,
            200,
        ),
        ("localhost:4320", Some("http://localhost:5173"), 403, 403),
        (
            "evil.example:4320",
            Some("http://evil.example:4320"),
            421,
            403,
        ),
    ] {
        for (path, expected) in [("/api/v1/tables", api), ("/v1/traces", doors)] {
            let method = if path == "/v1/traces" {
                Method::POST
            } else {
                Method::GET
            };
            let mut request = Request::builder()
                .method(method)
                .uri(path)
                .header("host", host);
            request = request.header("content-type", "application/x-protobuf");
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let (status, _, problem) = ask(&routes, request.body(Body::empty()).unwrap()).await;
            assert_eq!(status.as_u16(), expected, "{path}, {host}, {origin:?}");
            if status == 421 {
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.ends_with("--host evil.example"), "{detail}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_proxy_hands_on_needs_a_key_and_pages_of_other_sites_fetch_nothing() {
    let store = store().await;
    let routes = routes_of(&store, false);
    let read = secret(&store.dependencies.gate.keys, Scope::Read).await;
    for (headers, expected) in [
        (&[][..], 200),
        (&[("x-forwarded-for", "203.0.113.7")][..], 401),
        (&[("forwarded", "for=203.0.113.7")], 401),
        (&[("via", "1.1 proxy")], 401),
        (
            &[("via", "1.1 proxy"), ("x-crawlspace-key", read.as_str())],
            200,
        ),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-dest", "empty"),
            ],
            403,
        ),
        (
            &[("sec-fetch-site", "same-site"), ("sec-fetch-dest", "image")],
            403,
        ),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-dest", "document"),
            ],
            200,
        ),
        (
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-dest", "empty"),
            ],
            200,
        ),
        (&[("sec-fetch-site", "none")], 200),
    ] {
        let mut request = Request::get("/api/v1/tables");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (status, ..) = ask(&routes, request.body(Body::empty()).unwrap()).await;
        assert_eq!(status.as_u16(), expected, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_before_it_gives_what_came_after_its_key_was_revoked() {
    let store = store().await;
    let routes = routes_of(&store, true);
    let keys = &store.dependencies.gate.keys;
    let read = secret(keys, Scope::Read).await;
    let request = Request::get("/api/v1/tail").header("x-crawlspace-key", &read);
    let response = routes
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    keys.revoke(1, Actor::Anyone).await.unwrap();
    let ingest = secret(keys, Scope::Ingest).await;
    let send = Request::post("/v1/traces")
        .header("content-type", "application/x-protobuf")
        .header("x-crawlspace-key", &ingest);
    let body = crate::tests::spans(&[vec![1; 16]]);
    let (status, ..) = ask(&routes, send.body(Body::from(body)).unwrap()).await;
    assert_eq!(status, 200);
    let told = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let told = String::from_utf8_lossy(&told);
    assert!(
        told.contains("key revoked") && !told.contains("span_id"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_learn_by_pre_flight_whether_they_may_send() {
    let store = store().await;
    let routes = routes_of(&store, true);
    let preflight = |path: &str, origin: &str| {
        let request = Request::options(path).header("origin", origin);
        let request = request.header("access-control-request-method", "POST");
        request.body(Body::empty()).unwrap()
    };
    let (status, headers, _) = ask(&routes, preflight("/v1/traces", PAGE)).await;
    assert_eq!(
        (status.as_u16(), has_cors(&headers)),
        (403, false),
        "no key lists the page yet"
    );

    secret(&store.dependencies.gate.keys, Scope::Browser).await;
    let (status, headers, _) = ask(&routes, preflight("/v1/logs?key=x", PAGE)).await;
    assert_eq!(status, 204);
    assert_eq!(headers["access-control-allow-origin"], PAGE);
    assert_eq!(headers["access-control-allow-methods"], "POST");
    assert_eq!(headers["vary"], "origin");
    let allowed = headers["access-control-allow-headers"].to_str().unwrap();
    for name in [
        "content-type",
        "content-encoding",
        "traceparent",
        "tracestate",
        "baggage",
        "authorization",
        "x-crawlspace-key",
    ] {
        assert!(allowed.split(", ").any(|header| header == name), "{name}");
    }
    assert!(!headers.contains_key("access-control-allow-credentials"));
    for (path, origin, expected) in [
        ("/v1/traces", OTHER_PAGE, 403),
        ("/v1/traces", "http://shop.example", 403),
        ("/api/v1/sql", PAGE, 405),
        ("/api/v1/keys", PAGE, 405),
    ] {
        let (status, headers, _) = ask(&routes, preflight(path, origin)).await;
        assert_eq!(
            (status.as_u16(), has_cors(&headers)),
            (expected, false),
            "{path}, {origin}"
        );
    }
    store
        .dependencies
        .gate
        .keys
        .revoke(1, Actor::Start)
        .await
        .unwrap();
    let (status, ..) = ask(&routes, preflight("/v1/traces", PAGE)).await;
    assert_eq!(status, 403, "its key is revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_listed_and_revoked_by_admins() {
    let store = store().await;
    let routes = routes_of(&store, true);
    let admin = secret(&store.dependencies.gate.keys, Scope::Admin).await;
    let request = |method: &str, path: &str, key: &str, body: Value| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("x-crawlspace-key", key);
        request.body(Body::from(body.to_string())).unwrap()
    };
    let wanted = json!({"scope": "read", "name": "a colleague"});
    let (status, headers, made) =
        ask(&routes, request("POST", "/api/v1/keys", &admin, wanted)).await;
    assert_eq!(
        (status.as_u16(), &headers["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    assert_eq!(
        (&made["number"], &made["scope"], &made["revoked_at"]),
        (&json!(2), &json!("read"), &Value::Null)
    );
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(
        ask(
            &routes,
            request("GET", "/api/v1/tables", secret, json!(null))
        )
        .await
        .0,
        200
    );

    let (_, _, listed) = ask(&routes, request("GET", "/api/v1/keys", &admin, json!(null))).await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[1]["name"], "a colleague");
    assert!(listed[1]["used_at"].is_string());
    assert!(!listed.to_string().contains("cspace_"), "{listed}");

    let (status, _, revoked) = ask(
        &routes,
        request("DELETE", "/api/v1/keys/2", &admin, json!(null)),
    )
    .await;
    assert!(
        status == 200 && revoked["revoked_at"].is_string(),
        "{revoked}"
    );
    assert_eq!(
        ask(
            &routes,
            request("GET", "/api/v1/tables", secret, json!(null))
        )
        .await
        .0,
        401
    );

    for (method, path, body, expected, words) in [
        (
            "POST",
            "/api/v1/keys",
            json!({"scope": "root"}),
            400,
            "unknown scope `root`",
        ),
        (
            "POST",
            "/api/v1/keys",
            json!({"scope": "browser"}),
            400,
            "needs the origins",
        ),
        ("POST", "/api/v1/keys", json!({}), 400, "scope"),
        ("DELETE", "/api/v1/keys/9", json!(null), 404, "no key 9"),
        ("DELETE", "/api/v1/keys/x", json!(null), 404, "not `x`"),
    ] {
        let (status, _, problem) = ask(&routes, request(method, path, &admin, body)).await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            status == expected && detail.contains(words),
            "{status} {detail}"
        );
    }
}
