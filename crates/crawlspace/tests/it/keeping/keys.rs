//! Keys of the running program: made, asked for, revoked, and never told.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use reqwest::blocking::{RequestBuilder, Response};
use serde_json::{Value, json};

use crate::otlp::{plain_spans, request};
use crate::server::{PROTOBUF, Server, files_below, new_data_directory};

const KEY_HEADER: &str = "x-crawlspace-key";

fn first_key(server: &Server) -> String {
    server.ready("first_key").unwrap().to_owned()
}

fn send(server: &Server, key: &str) -> Response {
    let body = request("keys", plain_spans(1, 1));
    server.export(body).header(KEY_HEADER, key).send().unwrap()
}

fn status(request: RequestBuilder, key: &str) -> u16 {
    request.bearer_auth(key).send().unwrap().status().as_u16()
}

fn tables(server: &Server) -> RequestBuilder {
    server
        .client()
        .get(format!("{}/api/v1/tables", server.http()))
}

fn revoke(server: &Server, admin: &str, number: u32) -> u16 {
    let url = format!("{}/api/v1/keys/{number}", server.http());
    status(server.client().delete(url), admin)
}

/// The command line without any of the environment that could stand for a flag.
fn crawlspace(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crawlspace"))
        .args(arguments)
        .env_remove("CRAWLSPACE_KEY")
        .env_remove("CRAWLSPACE_SERVER")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[test]
fn first_keys_are_made_once_and_a_revoked_key_stays_revoked_after_kill_nine() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--auth"]);
    let admin = first_key(&server);
    let ingest = server.ready("first_ingest_key").unwrap().to_owned();
    assert_eq!(send(&server, &ingest).status(), 200);
    let without = server.export(Vec::new()).send().unwrap();
    assert_eq!(
        (
            without.status().as_u16(),
            &without.headers()["content-type"]
        ),
        (401, &PROTOBUF.parse().unwrap())
    );
    assert_eq!(status(tables(&server), &ingest), 403);
    assert_eq!(status(tables(&server), &admin), 200);
    let ledger = server
        .client()
        .get(format!("{}/api/v1/ledger", server.http()));
    let ledger: Value = ledger.bearer_auth(&admin).send().unwrap().json().unwrap();
    let stored = |key| {
        ledger["lines"]
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["key"] == key)
            .unwrap()["stored"]["records"]
            .clone()
    };
    assert_eq!(stored(2), 1, "{ledger}");
    assert_eq!(
        ledger["total"]["refused"]["unauthorized"]["requests"], 1,
        "{ledger}"
    );
    assert_eq!(revoke(&server, &admin, 2), 200);
    server.kill();

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data.join("control.sqlite")), 0o600);
    let mut server = Server::start_with(&data, &["--auth"]);
    assert_eq!(
        (server.ready("first_key"), server.ready("first_ingest_key")),
        (None, None)
    );
    assert_eq!(send(&server, &ingest).status(), 401);
    assert_eq!(status(tables(&server), &admin), 200);
    assert_eq!(status(tables(&server), &ingest), 401);
    server.use_key(&admin);
    server.stop();
}

#[test]
fn beyond_loopback_a_key_is_asked_for_and_on_loopback_not() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    assert_eq!(server.ready("first_key"), None);
    assert_eq!(server.get("/api/v1/tables").status(), 200);
    server.stop();
    for door in ["--http", "--otlp-http", "--otlp-grpc"] {
        let (_home, data) = new_data_directory();
        let server = Server::start_with(&data, &[door, "0.0.0.0:0"]);
        let without = tables(&server).send().unwrap();
        assert_eq!(without.status(), 401, "{door}");
        assert_eq!(
            server.export(Vec::new()).send().unwrap().status(),
            401,
            "{door}"
        );
        assert_eq!(status(tables(&server), &first_key(&server)), 200, "{door}");
    }
}

#[test]
fn the_command_line_makes_lists_and_revokes_keys_with_a_server_and_without() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--auth"]);
    let admin = first_key(&server);
    let url = server.http().to_owned();
    let key = |arguments: &[&str]| {
        crawlspace(&[&["key"], arguments, &["--server", &url, "--key", &admin]].concat())
    };
    let made = key(&[
        "create",
        "--scope",
        "browser",
        "--name",
        "shop",
        "--origin",
        "https://shop.example/",
    ]);
    let secret = text(&made.stdout);
    assert!(
        secret.starts_with("cspace_browser_3_") && !secret.contains(char::is_whitespace),
        "{secret}"
    );
    let listed = text(&key(&["list"]).stdout);
    assert!(
        listed.contains("https://shop.example") && !listed.contains("cspace_"),
        "{listed}"
    );
    assert_eq!(
        text(&key(&["revoke", "3"]).stdout),
        "key 3 is revoked (shop)"
    );

    let taken = crawlspace(&["key", "list", "--data-dir", data.to_str().unwrap()]);
    assert!(
        !taken.status.success() && text(&taken.stderr).contains("in use by another crawlspace")
    );
    let refused = crawlspace(&["sql", "SELECT 1", "--server", &url, "--key", &secret]);
    assert!(
        !refused.status.success() && text(&refused.stderr).contains("key 3 is revoked"),
        "{refused:?}"
    );
    server.stop();

    let data_dir = data.to_str().unwrap();
    let made = crawlspace(&[
        "key",
        "create",
        "--scope",
        "admin",
        "--data-dir",
        data_dir,
        "--json",
    ]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let server = Server::start_with(&data, &["--auth"]);
    assert_eq!(
        status(tables(&server), made["secret"].as_str().unwrap()),
        200,
        "back in"
    );
    let nowhere = crawlspace(&["key", "list", "--data-dir", "/nowhere"]);
    assert!(!nowhere.status.success() && text(&nowhere.stderr).contains("no data directory"));
}

#[test]
fn secrets_are_in_no_log_no_answer_and_no_file() {
    let (_home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--auth", "--log", "trace"]);
    let admin = first_key(&server);
    let ingest = server.ready("first_ingest_key").unwrap().to_owned();
    let mut wrong = ingest.clone();
    wrong.replace_range(wrong.len() - 4.., "0000");
    let client = server.client();
    let url = |path: &str| format!("{}{path}", server.http());
    let mut seen = String::new();
    let mut note = |request: RequestBuilder| {
        let response = request.send().unwrap();
        _ = write!(seen, "{:?}", response.headers());
        seen.push_str(&String::from_utf8_lossy(&response.bytes().unwrap()));
    };
    for key in [&admin, &ingest, &wrong] {
        note(
            client
                .post(format!("{}?key={key}", server.traces_url()))
                .header("content-type", PROTOBUF),
        );
        note(
            client
                .post(url("/v1/logs"))
                .header(KEY_HEADER, key)
                .body("no protobuf"),
        );
        note(
            client
                .get(url(&format!("/api/v1/nowhere?key={key}")))
                .bearer_auth(key),
        );
        note(
            client
                .get(url(&format!("/api/v1/sql?key={key}")))
                .bearer_auth(key),
        );
        for path in [
            "/",
            "/readyz",
            "/metrics",
            "/api/v1/ledger",
            "/api/v1/keys",
            "/api/v1/tables",
        ] {
            note(client.get(url(path)).bearer_auth(key));
        }
        note(
            client
                .post(url("/api/v1/sql"))
                .bearer_auth(key)
                .json(&json!({"sql": "SELECT nothing"})),
        );
        note(
            client
                .post(url("/api/v1/maintenance/flush"))
                .bearer_auth(key),
        );
        note(client.delete(url("/api/v1/keys/77")).bearer_auth(key));
    }
    let address = server.http().to_owned();
    for (at, key) in [
        (&*address, &*admin),
        (&address, &wrong),
        ("http://127.0.0.1:1", &admin),
        (&address, &format!("{admin}\n")),
    ] {
        let asked = crawlspace(&[
            "--log",
            "trace",
            "sql",
            "SELECT nothing",
            "--server",
            at,
            "--key",
            key,
        ]);
        assert!(!asked.status.success(), "{asked:?}");
        seen.push_str(&text(&asked.stderr));
        seen.push_str(&text(&asked.stdout));
    }
    seen.push_str(&server.log());
    server.stop();
    assert!(
        seen.contains("Unauthorized") && seen.contains("TRACE"),
        "the places that are searched are full"
    );
    for secret in [&admin, &ingest, &wrong] {
        let (_, random) = secret.rsplit_once('_').unwrap();
        assert!(!seen.contains(random), "in an answer, an error or the log");
        for path in files_below(&data, "") {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes
                .windows(random.len())
                .any(|window| window == random.as_bytes());
            assert!(!is_there, "{}", path.display());
        }
    }
}
