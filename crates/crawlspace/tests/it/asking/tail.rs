//! The live tail: what comes while one follows, each event once, until either side closes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::otlp::{attribute, plain_spans, request, span, text};
use crate::server::{Server, new_data_directory, poll};

const WITHIN: Duration = Duration::from_secs(120);

/// More than any of these tests is sent.
const SENT_MAX: usize = 10_000;

/// A server-sent event: its name, and its data.
type Sent = (String, Value);

/// One who follows, in a thread of its own.
struct Follower(mpsc::Receiver<Sent>);

impl Follower {
    fn start(server: &Server, path: &str) -> Self {
        let response = server.get(path);
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let (sender, receiver) = mpsc::sync_channel(SENT_MAX);
        std::thread::spawn(move || {
            let mut name = String::new();
            for line in BufReader::new(response).lines() {
                let Ok(line) = line else { return };
                if let Some(of) = line.strip_prefix("event: ") {
                    of.clone_into(&mut name);
                } else if let Some(data) = line.strip_prefix("data: ") {
                    let data = serde_json::from_str(data).unwrap();
                    if sender.send((std::mem::take(&mut name), data)).is_err() {
                        return;
                    }
                }
            }
        });
        let follower = Self(receiver);
        assert_eq!(follower.next().0, "start");
        follower
    }

    fn next(&self) -> Sent {
        self.0.recv_timeout(WITHIN).unwrap()
    }

    fn names(&self, count: usize) -> Vec<String> {
        let name = |_| self.next().1["name"].as_str().unwrap().to_owned();
        (0..count).map(name).collect()
    }
}

fn named(ids: std::ops::Range<u64>, kind: &str) -> Vec<u8> {
    let spans = ids.map(|id| {
        let attributes = vec![attribute("new.kind", text(kind))];
        span(3, id, &format!("{kind}-{id}"), attributes)
    });
    request("tailed", spans.collect())
}

#[test]
fn a_tail_gives_each_new_event_once_and_ends_with_the_server() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    server.send(named(1..4, "a"));
    let all = Follower::start(&server, "/api/v1/tail");
    let some = Follower::start(
        &server,
        "/api/v1/tail?from=spans&where=new.kind%20%3D%20%27b%27",
    );
    for (ids, kind) in [(4..6, "a"), (6..9, "b")] {
        server.send(named(ids, kind));
        // What is flushed or compacted meanwhile does not come again.
        server.flush();
        server.compact();
    }
    let both = ["a-4", "a-5", "b-6", "b-7", "b-8"];
    assert_eq!(all.names(5), both);
    assert_eq!(some.names(3), both[2..]);
    for wrong in [
        "from=nothing",
        "where=new.kid%20%3D%201",
        "where=1%20%3D",
        "x=1",
    ] {
        assert_eq!(
            server.get(&format!("/api/v1/tail?{wrong}")).status(),
            400,
            "{wrong}"
        );
    }
    let (status, _) = server.terminate();
    assert!(status.success());
    assert_eq!(all.next().0, "end");
    assert_eq!(some.next().0, "end");
    let closed = all.0.recv_timeout(WITHIN);
    assert_eq!(closed, Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn what_is_too_much_for_a_tail_is_counted() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let tail = Follower::start(&server, "/api/v1/tail");
    let sent = 2_000;
    server.send(request("load", plain_spans(9, sent)));
    let (mut given, mut left_out) = (0, 0);
    while given + left_out < sent {
        let (name, data) = tail.next();
        if name == "left_out" {
            left_out += data["events"].as_u64().unwrap() + data["unread"].as_u64().unwrap();
        } else {
            given += 1;
        }
    }
    assert!(
        given > 0 && left_out > 0,
        "{given} given, {left_out} left out"
    );
    assert_eq!(given + left_out, sent);
    server.stop();
}

#[test]
fn who_leaves_makes_room_for_the_next() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let follow = || {
        let address = server.http().strip_prefix("http://").unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        write!(
            client,
            "GET /api/v1/tail HTTP/1.1\r\nhost: {address}\r\n\r\n"
        )
        .unwrap();
        let mut status = [0; 12];
        client.read_exact(&mut status).unwrap();
        (client, String::from_utf8(status.to_vec()).unwrap())
    };
    let mut clients: Vec<TcpStream> = Vec::new();
    let refused = loop {
        let (client, status) = follow();
        if status != "HTTP/1.1 200" {
            break status;
        }
        clients.push(client);
    };
    assert_eq!(refused, "HTTP/1.1 503", "after {} tails", clients.len());
    clients.pop();
    assert!(
        poll(WITHIN, || follow().1 == "HTTP/1.1 200"),
        "nobody was forgotten"
    );
    server.stop();
}
