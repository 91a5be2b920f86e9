//! The program under test: started on free ports, asked over HTTP, stopped by a signal or killed.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use crawlspace_wal::FILLER;
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::answers::Answer;

pub const PROTOBUF: &str = "application/x-protobuf";

/// Between two looks at a condition.
const POLL_PAUSE: Duration = Duration::from_millis(10);
/// Machines are slow at times: these only end a test that would never end.
const READY_WITHIN: Duration = Duration::from_secs(120);
const STOPPED_WITHIN: Duration = Duration::from_secs(120);
const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// Looks until the condition holds. False when it didn't in time.
pub fn poll(within: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::park_timeout(POLL_PAUSE);
    }
}

/// A variable of the test run's environment.
#[allow(
    clippy::disallowed_methods,
    reason = "tests take their settings from the environment"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// With this variable set, data directories stay after a test, to be looked into.
const KEEP: &str = "CRAWLSPACE_KEEP";

/// A temporary directory, and in it the path of a data directory that does not exist yet.
pub fn new_data_directory() -> (tempfile::TempDir, PathBuf) {
    let mut home = tempfile::tempdir().unwrap();
    if std::env::var_os(KEEP).is_some() {
        home.disable_cleanup(true);
        eprintln!("kept: {}", home.path().display());
    }
    let data = home.path().join("data");
    (home, data)
}

pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// A start that did not come to be.
#[derive(Debug)]
pub struct Refusal {
    pub status: ExitStatus,
    pub log: String,
}

pub struct Server {
    child: Child,
    client: Client,
    log: PathBuf,
    http: String,
    otlp_http: String,
    ready: Value,
    /// What [`Server::get`] and [`Server::post`] ask with.
    key: Option<String>,
    otlp_grpc: String,
    pub ready_after: Duration,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub fn start_with(data: &Path, flags: &[&str]) -> Self {
        Self::try_start(data, flags).unwrap_or_else(|refusal| panic!("no start: {refusal:?}"))
    }

    pub fn try_start(data: &Path, flags: &[&str]) -> Result<Self, Refusal> {
        Self::try_start_by(&[], data, flags)
    }

    /// The same, by a program that runs another: its name and arguments come before the server's.
    pub fn try_start_by(words: &[&str], data: &Path, flags: &[&str]) -> Result<Self, Refusal> {
        let log = data.with_extension("log");
        let _ = std::fs::remove_file(&log);
        let doors = ["--http", "--otlp-http", "--otlp-grpc"];
        let free_ports = doors.into_iter().filter(|door| !flags.contains(door));
        let started = Instant::now();
        let program = [words, &[env!("CARGO_BIN_EXE_crawlspace")]].concat();
        let mut child = Command::new(program[0])
            .args(&program[1..])
            .args(["serve", "--json"])
            .args(free_ports.flat_map(|flag| [flag, "127.0.0.1:0"]))
            .arg("--data-dir")
            .arg(data)
            .args(flags)
            // What the S3 server of tests takes; without a bucket nobody reads them.
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(
                OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        let line = first_line(child.stdout.take().unwrap());
        let ready_after = started.elapsed();
        let Some(line) = line else {
            let _ = child.kill();
            let status = child.wait().unwrap();
            return Err(Refusal {
                status,
                log: std::fs::read_to_string(&log).unwrap(),
            });
        };
        let ready: Value = serde_json::from_str(&line).unwrap();
        let url = |door: &str| format!("http://{}", ready[door].as_str().unwrap());
        Ok(Self {
            child,
            client: Client::builder()
                .no_proxy()
                .timeout(ANSWER_WITHIN)
                .build()
                .unwrap(),
            log,
            http: url("http"),
            otlp_http: url("otlp_http"),
            otlp_grpc: url("otlp_grpc"),
            ready_after,
            key: ready["first_key"].as_str().map(str::to_owned),
            ready,
        })
    }

    /// A member of the line that the program printed once it was ready.
    pub fn ready(&self, member: &str) -> Option<&str> {
        self.ready[member].as_str()
    }

    pub fn http(&self) -> &str {
        &self.http
    }

    pub fn otlp_http(&self) -> &str {
        &self.otlp_http
    }

    pub fn otlp_grpc(&self) -> &str {
        &self.otlp_grpc
    }

    pub fn traces_url(&self) -> String {
        format!("{}/v1/traces", self.otlp_http)
    }

    /// What the program has written to standard error since it started.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn get(&self, path: &str) -> Response {
        let request = self.client.get(format!("{}{path}", self.http));
        self.with_key(request).send().unwrap()
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.with_key(self.client.post(format!("{}{path}", self.http)))
    }

    /// From now on asks with this key.
    pub fn use_key(&mut self, key: &str) {
        self.key = Some(key.to_owned());
    }

    fn with_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// A request to the OTLP door, not yet sent.
    pub fn export(&self, body: Vec<u8>) -> RequestBuilder {
        self.client
            .post(self.traces_url())
            .header("content-type", PROTOBUF)
            .body(body)
    }

    /// Sends spans that the program has to take.
    pub fn send(&self, body: Vec<u8>) {
        let response = self.export(body).send().unwrap();
        assert_eq!(response.status(), 200, "{}", self.log());
        assert_eq!(response.bytes().unwrap().len(), 0, "something was refused");
    }

    pub fn flush(&self) {
        self.maintain("flush");
    }

    pub fn compact(&self) {
        self.maintain("compact");
    }

    fn maintain(&self, step: &str) {
        let response = self
            .post(&format!("/api/v1/maintenance/{step}"))
            .send()
            .unwrap();
        let status = response.status();
        assert!(
            status.is_success(),
            "{step}: {status} {}",
            response.text().unwrap()
        );
    }

    pub fn sql(&self, sql: &str) -> Answer {
        self.ask("/api/v1/sql", &json!({ "sql": sql }))
            .unwrap_or_else(|problem| panic!("{sql}\n{problem}"))
    }

    pub fn query(&self, query: &Value) -> Answer {
        self.ask("/api/v1/query", query)
            .unwrap_or_else(|problem| panic!("{query}\n{problem}"))
    }

    /// The whole answer, or the problem that says why there is none or why it broke off.
    pub fn ask(&self, path: &str, body: &Value) -> Result<Answer, Value> {
        let response = self.post(path).json(body).send().unwrap();
        let begun = response.status().is_success();
        let body: Value = response.json().unwrap();
        match &body["error"] {
            Value::Null if begun => Ok(Answer::parse(&body)),
            Value::Null => Err(body),
            broke_off => Err(broke_off.clone()),
        }
    }

    /// The one integer that `sql` answers.
    pub fn number(&self, sql: &str) -> i64 {
        self.sql(sql).number()
    }

    /// The whole trace; null when there is none.
    pub fn trace(&self, id: &str) -> Value {
        let response = self.get(&format!("/api/v1/traces/{id}"));
        if response.status() == 404 {
            return Value::Null;
        }
        assert_eq!(response.status(), 200);
        response.json().unwrap()
    }

    /// The program's process id.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where the program writes what it has to say.
    pub fn log_file(&self) -> &Path {
        &self.log
    }

    /// Memory in RAM.
    pub fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Asks the program to stop and waits until it has: how it ended, and how long that took.
    pub fn terminate(mut self) -> (ExitStatus, Duration) {
        let started = Instant::now();
        self.signal("TERM");
        let mut status = None;
        poll(STOPPED_WITHIN, || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let status = status.unwrap_or_else(|| panic!("still running: {}", self.log()));
        (status, started.elapsed())
    }

    /// What became of everything that was sent. Both sides of the ledger have to be equal.
    pub fn ledger(&self) -> Value {
        let response = self.get("/api/v1/ledger");
        assert_eq!(response.status(), 200);
        let ledger: Value = response.json().unwrap();
        let total = &ledger["total"];
        for unit in ["requests", "records"] {
            let of = |part: &Value| part[unit].as_u64().unwrap();
            let refused = total["refused"].as_object().unwrap();
            let parts = ["stored", "deduplicated", "sampled_out"].map(|part| of(&total[part]));
            let sum = parts.iter().sum::<u64>() + refused.values().map(of).sum::<u64>();
            assert_eq!(of(&total["received"]), sum, "{unit}: {total}");
        }
        ledger
    }

    /// Stops it as a signal does. Its ledger has to be right, and no more there than it says was stored.
    pub fn stop(self) {
        if self.get("/api/v1/ledger").status() == 200 {
            let ledger = self.ledger();
            let lines = ledger["lines"].as_array().unwrap();
            for (signal, table) in [("traces", "spans"), ("metrics", "metrics")] {
                let lines = lines.iter().filter(|line| line["signal"] == signal);
                let stored = lines.map(|line| line["stored"]["records"].as_i64().unwrap());
                let rows = self.number(&format!("SELECT count(*) FROM {table}"));
                assert!(rows <= stored.sum(), "{rows} {table}: {ledger}");
            }
        }
        let log = self.log.clone();
        let (status, _) = self.terminate();
        assert!(
            status.success(),
            "{status}: {}",
            std::fs::read_to_string(log).unwrap()
        );
    }

    /// Stops it in the midst of what it does.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status();
        assert!(status.unwrap().success());
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kills it at once, as `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line of the program's output, if there is one in time; the rest is read and dropped.
fn first_line(stdout: ChildStdout) -> Option<String> {
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let length = stdout.read_line(&mut line).unwrap_or(0);
        let _ = sender.send((length > 0).then_some(line));
        let _ = std::io::copy(&mut stdout, &mut std::io::sink());
    });
    receiver.recv_timeout(READY_WITHIN).unwrap_or_default()
}

/// All files below `directory`, at any depth, whose names end so.
pub fn files_below(directory: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Inverts the bytes of a file in the range that `part` chooses by the file's length.
pub fn damage(path: &Path, part: fn(usize) -> Range<usize>) {
    let mut bytes = std::fs::read(path).unwrap();
    invert(&mut bytes, part);
    std::fs::write(path, bytes).unwrap();
}

/// Inverts bytes in the middle of a log's records: filler follows them.
pub fn damage_records(segment: &Path) {
    let mut bytes = std::fs::read(segment).unwrap();
    let records = bytes.iter().rposition(|byte| *byte != FILLER).unwrap();
    invert(&mut bytes[..records], |length| length / 2..length / 2 + 16);
    std::fs::write(segment, bytes).unwrap();
}

pub fn invert(bytes: &mut [u8], part: fn(usize) -> Range<usize>) {
    let range = part(bytes.len());
    bytes[range].iter_mut().for_each(|byte| *byte = !*byte);
}
