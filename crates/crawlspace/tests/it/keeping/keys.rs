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

/// What every route that could tell something says to that key.
fn told_by_routes(server: &Server, key: &str, seen: &mut String) {
    let client = server.client();
    let url = |path: &str| format!("{}{path}", server.http());
    let mut note = |request: RequestBuilder| {
        let response = request.send().unwrap();
        _ = write!(seen, "{:?}", response.headers());
        seen.push_str(&String::from_utf8_lossy(&response.bytes().unwrap()));
    };
    let in_query = format!("{}?key={key}", server.traces_url());
    note(client.post(in_query).header("content-type", PROTOBUF));
    let logs = client.post(url("/v1/logs")).body("no protobuf");
    note(logs.header(KEY_HEADER, key));
    for path in ["/api/v1/nowhere", "/api/v1/sql", "/api/v1/doctor"] {
        let path = format!("{path}?key={key}");
        note(client.get(url(&path)).bearer_auth(key));
    }
    for path in [
        "/",
        "/readyz",
        "/metrics",
        "/api/v1/ledger",
        "/api/v1/ledger?by=day",
        "/api/v1/keys",
        "/api/v1/tables",
        "/api/v1/doctor?deep=true",
        "/api/v1/openapi.json",
    ] {
        note(client.get(url(path)).bearer_auth(key));
    }
    let sql = client.post(url("/api/v1/sql")).bearer_auth(key);
    note(sql.json(&json!({"sql": "SELECT nothing"})));
    let flush = client.post(url("/api/v1/maintenance/flush"));
    note(flush.bearer_auth(key));
    note(client.delete(url("/api/v1/keys/77")).bearer_auth(key));
}

/// What a command prints, on either way.
fn told_by(command: &mut Command, seen: &mut String) -> bool {
    let output = command.output().unwrap();
    for stream in [&output.stdout, &output.stderr] {
        seen.push_str(&text(stream));
    }
    output.status.success()
}

/// What commands print, of which some fail.
fn told_by_commands(server: &Server, admin: &str, wrong: &str, seen: &mut String) {
    let address = server.http().to_owned();
    let program = env!("CARGO_BIN_EXE_crawlspace");
    for (at, key) in [
        (&*address, admin),
        (&address, wrong),
        ("http://127.0.0.1:1", admin),
        (&address, &format!("{admin}\n")),
    ] {
        let mut asked = Command::new(program);
        asked.args(["--log", "trace", "sql", "SELECT nothing"]);
        assert!(!told_by(asked.args(["--server", at, "--key", key]), seen));
    }
    for arguments in [
        &["ledger"][..],
        &["ledger", "--by-day", "--json"],
        &["key", "list"],
        &["key", "list", "--json"],
        &["--help"],
        &["sql", "--help"],
    ] {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("CRAWLSPACE_SERVER", &address)
            .env("CRAWLSPACE_KEY", admin);
        assert!(told_by(&mut command, seen), "{arguments:?}");
    }
}

/// A backup of the running server, keys included.
fn back_up(server: &Server, admin: &str, backup: &Path, seen: &mut String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crawlspace"));
    command.args(["backup", backup.to_str().unwrap(), "--key", admin]);
    command.args(["--log", "trace", "--server", server.http()]);
    assert!(told_by(&mut command, seen));
    assert!(!files_below(backup, "control.sqlite").is_empty());
}

fn examine(data: &Path, seen: &mut String) {
    for flags in [&["--deep"][..], &["--deep", "--json"], &["--repair"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crawlspace"));
        command.args(["--log", "trace", "doctor", "--data-dir"]);
        command.arg(data).args(flags);
        assert!(told_by(&mut command, seen), "{flags:?}");
    }
}

#[test]
fn secrets_are_in_no_log_no_answer_and_no_file() {
    let (home, data) = new_data_directory();
    let backup = home.path().join("backup");
    let mut server = Server::start_with(&data, &["--auth", "--log", "trace"]);
    let admin = first_key(&server);
    let ingest = server.ready("first_ingest_key").unwrap().to_owned();
    let mut wrong = ingest.clone();
    wrong.replace_range(wrong.len() - 4.., "0000");
    server.use_key(&admin);
    let mut seen = String::new();
    assert_eq!(send(&server, &ingest).status(), 200);
    for key in [&admin, &ingest, &wrong] {
        told_by_routes(&server, key, &mut seen);
    }
    told_by_commands(&server, &admin, &wrong, &mut seen);
    back_up(&server, &admin, &backup, &mut seen);
    seen.push_str(&server.log());
    server.stop();
    examine(&data, &mut seen);
    for full in [
        "Unauthorized",
        "TRACE",
        "openapi",
        "crawlspace_ready",
        " received = ",
        "\"lines\"",
        "healthy",
        "\"findings\"",
    ] {
        assert!(seen.contains(full), "the places searched are full: {full}");
    }
    for secret in [&admin, &ingest, &wrong] {
        let (_, random) = secret.rsplit_once('_').unwrap();
        assert!(!seen.contains(random), "in an answer, an error or the log");
        for path in [files_below(&data, ""), files_below(&backup, "")].concat() {
            let bytes = std::fs::read(&path).unwrap();
            let is_there = bytes
                .windows(random.len())
                .any(|window| window == random.as_bytes());
            assert!(!is_there, "{}", path.display());
        }
    }
}
