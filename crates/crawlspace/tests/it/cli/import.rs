//! Imports: whatever form the data has, from a server that is busy at first, and what is seen of it meanwhile.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::json;

use super::PROGRAM;
use crate::server::{Server, gzip, new_data_directory};

const LINES: i64 = 300;

/// Lines as programs log them, without times: so none repeats another.
fn lines() -> Vec<u8> {
    let line = |n: i64| json!({"level": "info", "msg": "tick", "n": n}).to_string() + "\n";
    (1..=LINES).map(line).collect::<String>().into_bytes()
}

fn import(server: &str, arguments: &[&str], stdin: Option<&[u8]>) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(["import", "--server", server])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(stdin.unwrap_or_default()).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

fn file(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn files_and_streams_are_imported_whatever_they_are_compressed_with() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    let (plain, half) = (lines(), lines().len() / 2);
    let zipped = gzip(&plain);
    let parted = [gzip(&plain[..half]), gzip(&plain[half..])].concat();
    let zstd = zstd::encode_all(&plain[..], 3).unwrap();
    // The name of a file says nothing: its first bytes do.
    let forms = [
        ("plain", &plain),
        ("gzip", &zipped),
        ("gzip in parts", &parted),
        ("zstd", &zstd),
    ];
    for (form, bytes) in forms {
        let path = file(home.path(), form, bytes);
        for (from, name, stdin) in [
            ("file", path.to_str().unwrap(), None),
            ("stdin", "-", Some(bytes.as_slice())),
        ] {
            let service = format!("{form} from {from}");
            let imported = import(server.http(), &["--service", &service, name], stdin);
            assert!(imported.status.success(), "{service}: {imported:?}");
            let told = String::from_utf8_lossy(&imported.stdout);
            assert_eq!(told, "300 log records read: 300 accepted, 0 refused\n");
            assert!(imported.stderr.is_empty(), "no progress for a pipe");
            let found = server.sql(&format!(
                "SELECT count(*), sum(n), count(DISTINCT n) FROM logs
                 WHERE service.name = '{service}' AND body = 'tick'"
            ));
            let expected = [LINES, LINES * (LINES + 1) / 2, LINES].map(|number| json!(number));
            assert_eq!(found.rows, [expected], "{service}");
        }
    }
    let cut = file(home.path(), "cut.gz", &zipped[..zipped.len() / 2]);
    let failed = import(server.http(), &[cut.to_str().unwrap()], None);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let told = String::from_utf8_lossy(&failed.stderr);
    assert!(told.contains("cut.gz` can't be read"), "{told}");
    server.stop();
}

/// What a busy server says.
const BUSY: [&str; 2] = [
    "503 Service Unavailable\r\nretry-after: 1",
    "429 Too Many Requests",
];

/// Stands before a server and is busy twice; then it hands on what comes. Gives the times of all requests.
fn busy_at_first(server: &Server) -> (String, JoinHandle<Vec<Instant>>) {
    let upstream: SocketAddr = server.http()["http://".len()..].parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let mut times = Vec::new();
        for busy in BUSY.iter().map(Some).chain([None]) {
            let (mut client, _) = listener.accept().unwrap();
            let request = whole_request(&mut client);
            times.push(Instant::now());
            match busy {
                Some(status) => {
                    let answer = format!(
                        "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    client.write_all(answer.as_bytes()).unwrap();
                }
                None => {
                    let mut server = TcpStream::connect(upstream).unwrap();
                    server.write_all(&request).unwrap();
                    std::io::copy(&mut server, &mut client).unwrap();
                }
            }
        }
        times
    });
    (address, thread)
}

/// A request as it came, but that its connection ends with its answer.
fn whole_request(client: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
            if bytes.len() == head + 4 + length {
                bytes.splice(head..head, *b"\r\nconnection: close");
                return bytes;
            }
        }
        let mut chunk = [0; 65_536];
        let read = client.read(&mut chunk).unwrap();
        assert!(read > 0, "the client went away");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

#[test]
fn a_busy_server_is_waited_for_as_it_says_and_gets_everything_once() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    let path = file(home.path(), "app.log", &lines());
    let (busy, requests) = busy_at_first(&server);
    let imported = import(&busy, &[path.to_str().unwrap()], None);
    assert!(imported.status.success(), "{imported:?}");
    let told = String::from_utf8_lossy(&imported.stdout);
    assert_eq!(told, "300 log records read: 300 accepted, 0 refused\n");
    assert!(imported.stderr.is_empty(), "{imported:?}");
    let times = requests.join().unwrap();
    assert_eq!(times.len(), 3);
    assert!(times[1] - times[0] >= Duration::from_secs(1), "{times:?}");
    assert_eq!(server.number("SELECT count(*) FROM logs"), LINES);
    server.stop();
}

#[test]
fn progress_is_shown_on_a_terminal() {
    let (home, data) = new_data_directory();
    let server = Server::start(&data);
    let path = file(home.path(), "app.log", &lines());
    let (busy, requests) = busy_at_first(&server);
    // A terminal of its own for the command.
    let command = format!("{PROGRAM} import --server {busy} {}", path.display());
    let shown = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(shown.status.success(), "{shown:?}");
    requests.join().unwrap();
    let text = String::from_utf8_lossy(&shown.stdout);
    let size = std::fs::metadata(&path).unwrap().len() as f64 / 1_024.0;
    let bar = format!("{size:.2} KiB of {size:.2} KiB");
    assert!(text.contains(&bar), "{bar} in {text:?}");
    assert!(text.contains("300 records"), "{text:?}");
    // The bar goes, the count stays.
    let last = text.trim_end().rsplit(['\r', '\n', 'K']).next().unwrap();
    assert_eq!(last, "300 log records read: 300 accepted, 0 refused");
    server.stop();
}
