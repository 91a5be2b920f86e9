//! The Crawlspace under test: started on free ports with a data directory of its own, and stopped at the end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http::Connection;
use crate::usage;

const STOP_TIMEOUT: Duration = Duration::from_secs(30);

pub struct Server {
    process: Child,
    /// Where queries go, as `host:port`.
    pub http: String,
    /// Where OTLP goes, as `host:port`.
    pub otlp_http: String,
    pub data_dir: PathBuf,
}

impl Server {
    /// Starts `program`; its log goes beside the data directory. Returns when it says that it is ready.
    pub fn start(program: &Path, directory: &Path) -> Result<Self> {
        let data_dir = directory.join("data");
        let log = directory.join("server.log");
        let mut process = Command::new(program)
            .args([
                "serve",
                "--json",
                "--http",
                "127.0.0.1:0",
                "--otlp-http",
                "127.0.0.1:0",
                "--otlp-grpc",
                "127.0.0.1:0",
            ])
            .arg("--data-dir")
            .arg(&data_dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut output = BufReader::new(process.stdout.take().context("no standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let mut server = Self {
            process,
            http: String::new(),
            otlp_http: String::new(),
            data_dir,
        };
        let greeting = serde_json::from_str::<Value>(&line)
            .with_context(|| format!("it did not start: see {}", log.display()))?;
        let field = |name: &str| -> Result<String> {
            let text = greeting[name].as_str();
            Ok(text
                .with_context(|| format!("no `{name}` in {line}"))?
                .to_owned())
        };
        server.http = field("http")?;
        server.otlp_http = field("otlp_http")?;
        // Someone has to read on, or a server that prints more would stop at a full pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Ok(server)
    }

    pub fn cpu_seconds(&self) -> Result<f64> {
        Ok(usage::cpu_seconds(self.process.id())?)
    }

    pub fn peak_memory_bytes(&self) -> Result<u64> {
        Ok(usage::peak_memory_bytes(self.process.id())?)
    }

    /// `flush` or `compact`: returns when it is done.
    pub fn maintain(&self, work: &str) -> Result<()> {
        let path = format!("/api/v1/maintenance/{work}");
        let answer = Connection::open(&self.http)?.post(&path, "", &[])?;
        answer.success().with_context(|| path)?;
        Ok(())
    }

    /// The bytes of each table's live parts. Parts that were merged stay in the folder for a while and don't count.
    pub fn part_bytes(&self) -> Result<BTreeMap<String, u64>> {
        let answer = Connection::open(&self.http)?.get("/api/v1/tables")?;
        let tables: Vec<Value> = serde_json::from_slice(&answer.success()?)?;
        let bytes = tables.iter().filter_map(|table| {
            let bytes = table["part_bytes"].as_u64().filter(|bytes| *bytes > 0)?;
            Some((table["table"].as_str()?.to_owned(), bytes))
        });
        Ok(bytes.collect())
    }

    /// The number that `sql` gives, whether it comes as a JSON number or as text.
    pub fn count(&self, sql: &str) -> Result<u64> {
        let answer = query(&mut Connection::open(&self.http)?, sql)?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let value = &answer["rows"][0][0];
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        number.with_context(|| format!("no number in {answer}"))
    }
}

/// The JSON that answers `sql`.
pub fn query(connection: &mut Connection, sql: &str) -> Result<Vec<u8>> {
    let body = json!({ "sql": sql }).to_string();
    let headers = "Content-Type: application/json\r\n";
    let answer = connection.post("/api/v1/sql", headers, body.as_bytes())?;
    answer.success().with_context(|| sql.to_owned())
}

impl Drop for Server {
    /// Asks it to end, so that its workers end with it, and insists when it does not.
    fn drop(&mut self) {
        let pid = self.process.id().to_string();
        let asked = Command::new("kill").arg(pid).status();
        let deadline = Instant::now() + STOP_TIMEOUT;
        while asked.is_ok() && Instant::now() < deadline {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Already ended is fine, and there is no one left to tell of anything else.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
