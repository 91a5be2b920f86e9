use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use crawlspace_control::{Actor, KeyRequest, Scope};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::tests::{Store, store};
use crate::{Gate, router};

/// What the routes of a server say that asks for keys.
struct Asked {
    routes: Router,
    store: Store,
}

impl Asked {
    async fn start() -> Self {
        let store = store().await;
        let gate = Gate {
            keys: Arc::clone(&store.dependencies.gate.keys),
            key_required: true,
            hosts: Vec::new(),
        };
        let mut dependencies = store.dependencies.clone();
        dependencies.gate = Arc::new(gate);
        Self {
            routes: router(dependencies),
            store,
        }
    }

    async fn key(&self, name: &str, scope: Scope) -> String {
        let keys = &self.store.dependencies.gate.keys;
        let request = KeyRequest::new(name, scope, &[""; 0]).unwrap();
        let created = keys.create(request, Actor::CommandLine).await.unwrap();
        created.secret.expose().to_owned()
    }

    async fn call(&self, key: &str, line: &str, body: &Value) -> (u16, Value) {
        call(&self.routes, Some(key), line, body).await
    }
}

/// `line` is the method and the path.
async fn call(routes: &Router, key: Option<&str>, line: &str, body: &Value) -> (u16, Value) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = routes.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 22).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

const NOTHING: Value = Value::Null;

#[tokio::test(flavor = "multi_thread")]
async fn those_who_read_save_and_change_what_is_theirs_and_admins_everything() {
    let asked = Asked::start().await;
    let grace = asked.key("Grace", Scope::Read).await;
    let alan = asked.key("Alan", Scope::Read).await;
    let admin = asked.key("", Scope::Admin).await;
    for (path, body) in [
        ("/api/v1/saved", json!({"name": "x", "address": "explore"})),
        ("/api/v1/notes", json!({"text": "x"})),
    ] {
        let post = format!("POST {path}");
        let (status, made) = asked.call(&grace, &post, &body).await;
        assert_eq!(status, 200, "{made}");
        assert_eq!(
            (&made["id"], &made["created_by"]),
            (&json!(1), &json!("Grace"))
        );
        assert_eq!(made["may_change"], true);
        let get = format!("GET {path}/1");
        for (key, may_change) in [(&alan, false), (&grace, true), (&admin, true)] {
            let (_, seen) = asked.call(key, &get, &NOTHING).await;
            assert_eq!(seen["may_change"], may_change, "{seen}");
        }
        for line in [format!("PUT {path}/1"), format!("DELETE {path}/1")] {
            let (status, refused) = asked.call(&alan, &line, &body).await;
            assert_eq!(status, 403, "{refused}");
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains("made by Grace"), "{detail}");
        }
        let (status, changed) = asked.call(&admin, &format!("PUT {path}/1"), &body).await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!(changed["created_by"], "Grace");
        assert_eq!(changed["changed_by"], "key 3");
        let delete = format!("DELETE {path}/1");
        assert_eq!(asked.call(&grace, &delete, &NOTHING).await.0, 200);
        for line in [
            &get,
            &delete,
            &format!("GET {path}/one"),
            &format!("GET {path}/-1"),
        ] {
            assert_eq!(asked.call(&grace, line, &NOTHING).await.0, 404, "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_keys_everyone_may_change_everything() {
    let store = store().await;
    let routes = router(store.dependencies.clone());
    let content = json!({"name": "Slow", "description": "why", "address": "explore?last=3h"});
    let (_, made) = call(&routes, None, "POST /api/v1/saved", &content).await;
    assert_eq!(made["created_by"], "local");
    let renamed = json!({"name": "Slower", "address": ""});
    let (status, changed) = call(&routes, None, "PUT /api/v1/saved/1", &renamed).await;
    assert_eq!(status, 200, "{changed}");
    let (_, all) = call(&routes, None, "GET /api/v1/saved", &NOTHING).await;
    assert_eq!(all, json!([changed]));
    let seen = ["name", "description", "address"].map(|member| all[0][member].clone());
    assert_eq!(seen, ["Slower", "", ""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_read_by_their_time() {
    let store = store().await;
    let routes = router(store.dependencies.clone());
    let about = json!([{"field": "service.name", "value": "cart"}]);
    for body in [
        json!({"text": "a deploy", "time": "2025-11-26T09:00:00Z", "about": about}),
        json!({"text": "an outage", "time": "1764147600", "end": "2025-11-26T10:00:00.5Z"}),
        json!({"text": "now"}),
    ] {
        let (status, made) = call(&routes, None, "POST /api/v1/notes", &body).await;
        assert_eq!(status, 200, "{made}");
    }
    for (parameters, expected, cut) in [
        ("", &[3, 2, 1][..], false),
        ("?limit=1", &[3], true),
        ("?last=1h", &[3], false),
        (
            "?start=2025-11-26T09:00:01Z&end=2025-11-26T11:00:00Z",
            &[2],
            false,
        ),
        ("?end=2025-11-26T09:00:00Z", &[], false),
    ] {
        let line = format!("GET /api/v1/notes{parameters}");
        let (_, listed) = call(&routes, None, &line, &NOTHING).await;
        let notes = listed["notes"].as_array().unwrap();
        let ids: Vec<u64> = notes
            .iter()
            .map(|note| note["id"].as_u64().unwrap())
            .collect();
        assert_eq!(ids, expected, "{parameters}");
        assert_eq!(listed["cut"], cut, "{parameters}");
    }
    let (_, note) = call(&routes, None, "GET /api/v1/notes/1", &NOTHING).await;
    assert_eq!(
        (&note["time"], &note["end"]),
        (&json!("1764147600000000000"), &NOTHING)
    );
    assert_eq!(note["about"], about);
    let (_, note) = call(&routes, None, "GET /api/v1/notes/2", &NOTHING).await;
    assert_eq!(note["end"], "1764151200500000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_refused_with_what_to_do() {
    let store = store().await;
    let routes = router(store.dependencies.clone());
    for (line, body, expected) in [
        ("POST /api/v1/saved", json!({}), "missing field `name`"),
        (
            "POST /api/v1/saved",
            json!({"name": "x", "address": "", "by": "me"}),
            "unknown field `by`",
        ),
        (
            "POST /api/v1/saved",
            json!({"name": "x", "address": "https://evil.example"}),
            "the saved question's `address` is no address of the window",
        ),
        (
            "PUT /api/v1/saved/1",
            json!({"name": "", "address": ""}),
            "the saved question's `name` is one line",
        ),
        (
            "POST /api/v1/notes",
            json!({"text": ""}),
            "the note's `text` is empty",
        ),
        (
            "POST /api/v1/notes",
            json!({"text": "x", "time": "noon"}),
            "`noon` is no time",
        ),
        (
            "POST /api/v1/notes",
            json!({"text": "x", "time": "2026-11-26T09:00:00Z", "end": "2026-11-26T08:00:00Z"}),
            "the note's `end` is before",
        ),
        (
            "GET /api/v1/notes?limit=0",
            NOTHING,
            "a number from 1 to 1000",
        ),
        (
            "GET /api/v1/notes?limit=x",
            NOTHING,
            "a number from 1 to 1000",
        ),
        (
            "GET /api/v1/notes?last=1h&end=1795683600",
            NOTHING,
            "either `last` or `start`",
        ),
        ("GET /api/v1/notes?from=1", NOTHING, "unknown field `from`"),
    ] {
        let (status, refused) = call(&routes, None, line, &body).await;
        assert_eq!(status, 400, "{line}: {refused}");
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains(expected), "{line}: {detail}");
    }
    let large = json!({"text": "x".repeat(1 << 20)});
    let (status, _) = call(&routes, None, "POST /api/v1/notes", &large).await;
    assert_eq!(status, 413);
}
