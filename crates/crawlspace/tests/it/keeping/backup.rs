//! Backups of a running program, put back: the same answers, or none at all.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::bucket::Bucket;
use crate::otlp::{plain_spans, request};
use crate::server::{Server, damage, files_below, new_data_directory};

const QUESTION: &str =
    "SELECT service.name, trace_id, span_id, name, time, duration_ns, received_at FROM spans
    ORDER BY trace_id, span_id";
const TRACES: u128 = 5;
const SPANS: u64 = 200;

fn crawlspace(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_crawlspace"))
        .args(arguments)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_backup_of_a_running_program_answers_as_it_did() {
    back_up_and_restore(None);
}

#[test]
fn a_backup_of_a_running_program_answers_as_it_did_in_a_bucket() {
    back_up_and_restore(Some(&Bucket::start()));
}

/// With a bucket, parts are in one prefix of it, the backup in another, and the restored ones in a third.
fn back_up_and_restore(bucket: Option<&Bucket>) {
    let (home, data) = new_data_directory();
    let flags = |prefix: &str| bucket.map_or_else(Vec::new, |bucket| bucket.flags(prefix));
    let live = flags("live");
    let live: Vec<&str> = live.iter().map(String::as_str).collect();
    let server = Server::start_with(&data, &live);
    for trace in 1..=TRACES {
        server.send(request("kept", plain_spans(trace, SPANS)));
        server.flush();
    }
    let backup = match bucket {
        Some(_) => "s3://telemetry/backup".to_owned(),
        None => text(&home.path().join("backup")).to_owned(),
    };
    let take = || {
        json(&crawlspace(&[
            "backup",
            &backup,
            "--server",
            server.http(),
            "--json",
        ]))
    };
    let first = take();
    assert_eq!(first["parts"], first["copied_parts"], "{first}");

    // In memory only: the backup has it nevertheless, and copies nothing else.
    server.send(request("late", plain_spans(TRACES + 1, SPANS)));
    let second = take();
    assert_eq!(second["copied_parts"], 1, "{second}");
    let expected = server.sql(QUESTION);
    assert_eq!(expected.rows.len() as u64, (TRACES as u64 + 1) * SPANS);
    server.send(request("after", plain_spans(TRACES + 2, SPANS)));
    server.compact();
    drop(server);

    let restored = home.path().join("restored");
    let new = flags("new");
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    let mut arguments = vec!["restore", &backup, "--data-dir", text(&restored), "--json"];
    arguments.extend(new.iter().copied());
    let found = json(&crawlspace(&arguments));
    assert_eq!(found["parts"], second["parts"]);
    let server = Server::start_with(&restored, &new);
    assert_eq!(server.sql(QUESTION), expected);
    server.send(request("new", plain_spans(TRACES + 3, SPANS)));
    server.flush();
    assert_eq!(
        server.number("SELECT count(*) FROM spans") as u64,
        (TRACES as u64 + 2) * SPANS
    );
    drop(server);

    let again = crawlspace(&arguments);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("not empty"));
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(request("kept", plain_spans(1, SPANS)));
    server.flush();
    server.stop();
    let backup = home.path().join("backup");
    let taken = crawlspace(&["backup", text(&backup), "--data-dir", text(&data), "--json"]);
    assert_eq!(json(&taken)["parts"], 1);
    let parts = files_below(&backup, ".parquet");
    damage(&parts[0], |length| length / 2..length / 2 + 1);
    let restored = home.path().join("restored");
    let refused = crawlspace(&["restore", text(&backup), "--data-dir", text(&restored)]);
    assert_eq!(refused.status.code(), Some(1));
    let problem = String::from_utf8_lossy(&refused.stderr);
    assert!(problem.contains("is damaged"), "{problem}");
    assert!(!restored.exists());
    let nothing = crawlspace(&["restore", text(home.path()), "--data-dir", text(&restored)]);
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("there is no backup"));
}

#[test]
fn keys_of_the_time_of_the_backup_work_in_what_was_restored() {
    let (home, data) = new_data_directory();
    let server = Server::start_with(&data, &["--auth"]);
    let admin = server.ready("first_key").unwrap().to_owned();
    let ingest = server.ready("first_ingest_key").unwrap().to_owned();
    let url = server.http().to_owned();
    let as_admin = |arguments: &[&str]| {
        let flags = ["--server", &url, "--key", &admin, "--json"];
        json(&crawlspace(&[arguments, &flags].concat()))
    };
    let create = || as_admin(&["key", "create", "--scope", "read"])["secret"].clone();
    let before = create();
    let revoked = create();
    as_admin(&["key", "revoke", "4"]);
    let sent = server
        .export(request("kept", plain_spans(1, SPANS)))
        .bearer_auth(&ingest);
    assert_eq!(sent.send().unwrap().status(), 200);
    let backup = home.path().join("backup");
    as_admin(&["backup", text(&backup)]);
    let after = create();
    drop(server);

    let restored = home.path().join("restored");
    let arguments = ["restore", text(&backup), "--data-dir", text(&restored)];
    assert!(crawlspace(&arguments).status.success());
    let mode = std::fs::metadata(restored.join("control.sqlite")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o077, 0, "for its owner alone");
    let server = Server::start_with(&restored, &["--auth"]);
    assert_eq!(server.ready("first_key"), None, "there are keys");
    for (secret, status) in [
        (&Value::from(admin.as_str()), 200),
        (&before, 200),
        (&revoked, 401),
        (&after, 401),
        (&Value::from(ingest.as_str()), 403),
    ] {
        let url = format!("{}/api/v1/tables", server.http());
        let ask = server.client().get(url);
        let ask = ask.bearer_auth(secret.as_str().unwrap());
        assert_eq!(ask.send().unwrap().status(), status, "{secret}");
    }
    let again = server
        .export(request("kept", plain_spans(2, SPANS)))
        .bearer_auth(&ingest);
    assert_eq!(again.send().unwrap().status(), 200);
}

#[test]
fn saved_questions_and_notes_of_the_time_of_the_backup_are_restored() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    let keep = |path: &str, body: &Value| -> Value {
        server.post(path).json(body).send().unwrap().json().unwrap()
    };
    let question = json!({"name": "Slow", "address": "explore?last=3h"});
    let note = json!({"text": "a deploy", "about": [{"field": "service.name", "value": "cart"}]});
    let saved = keep("/api/v1/saved", &question);
    let pinned = keep("/api/v1/notes", &note);
    let backup = home.path().join("backup");
    let url = server.http().to_owned();
    assert!(
        crawlspace(&["backup", text(&backup), "--server", &url])
            .status
            .success()
    );
    assert_eq!(keep("/api/v1/saved", &question)["id"], 2);
    server.stop();

    let restored = home.path().join("restored");
    let arguments = ["restore", text(&backup), "--data-dir", text(&restored)];
    assert!(crawlspace(&arguments).status.success());
    let server = Server::start(&restored);
    let found = |path: &str| -> Value { server.get(path).json().unwrap() };
    assert_eq!(found("/api/v1/saved"), json!([saved]));
    assert_eq!(
        found("/api/v1/notes"),
        json!({"notes": [pinned], "cut": false})
    );
}
