//! `/metrics`: how the store fares, in Prometheus' text format 0.0.4, with names that OpenMetrics has too (units last,
//! counters end in `_total`). Labels are names and numbers of ours: no text of a client's, and no secret, can be in them.

use std::fmt::{Display, Write as _};

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use crawlspace_model::Table;
use crawlspace_model::account::{Count, Outcome};

use crate::Dependencies;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Processor time of a process is counted in this by Linux, whatever the machine.
const TICKS_PER_SECOND: f64 = 100.0;

/// How the store fares, for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operate",
    responses((status = 200, description = "Prometheus' text format.", body = String, content_type = "text/plain", example = "crawlspace_ready 1\n"))
)]
pub(crate) async fn metrics(State(dependencies): State<Dependencies>) -> impl IntoResponse {
    let mut text = Text::default();
    text.gauge("crawlspace_build_info", "The program's version.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    ledger(&mut text, &dependencies);
    writing(&mut text, &dependencies);
    stored(&mut text, &dependencies);
    let engine = &dependencies.engine;
    text.gauge("crawlspace_queries_running", "Queries that run now.");
    text.sample(&[], engine.running());
    text.gauge(
        "crawlspace_queries_waiting",
        "Queries that wait for their turn now.",
    );
    text.sample(&[], engine.waiting());
    text.counter(
        "crawlspace_queries_total",
        "Queries that got a turn to run since the start.",
    );
    text.sample(&[], engine.begun());
    sql_workers(&mut text, &dependencies);
    connections(&mut text, &dependencies);
    process(&mut text);
    ([(CONTENT_TYPE, TEXT)], text.text)
}

fn ledger(text: &mut Text, dependencies: &Dependencies) {
    let account = dependencies.ingest.ledger().account;
    let totals = account.counts(|line| (line.key, line.signal, line.outcome));
    let mut family = |name, help, of: fn(&Count) -> u64| {
        text.counter(name, help);
        for ((key, signal, outcome), count) in &totals {
            let (outcome, reason) = match outcome {
                Outcome::Refused(reason) if reason.is_temporary() => ("deferred", reason.name()),
                Outcome::Refused(reason) => ("refused", reason.name()),
                other => (other.name(), ""),
            };
            let key = key.to_string();
            let labels = [
                ("key", key.as_str()),
                ("signal", signal.name()),
                ("outcome", outcome),
                ("reason", reason),
            ];
            text.sample(&labels, of(count));
        }
    };
    family(
        "crawlspace_requests_total",
        "Telemetry requests by what became of them, over restarts.",
        |count| count.requests,
    );
    family(
        "crawlspace_records_total",
        "Spans, log records and data points by what became of them, over restarts.",
        |count| count.records,
    );
}

fn writing(text: &mut Text, dependencies: &Dependencies) {
    let ingest = &dependencies.ingest;
    text.gauge("crawlspace_ready", "1 if /readyz says so.");
    text.sample(&[], u8::from(ingest.healthy().is_ok()));
    let statistics = ingest.statistics();
    text.gauge(
        "crawlspace_in_flight_bytes",
        "Bytes of requests that are being read, decoded or logged.",
    );
    text.sample(&[], statistics.in_flight_bytes);
    text.gauge("crawlspace_wal_bytes", "The write-ahead log's size.");
    text.sample(&[], statistics.log_bytes);
    text.gauge("crawlspace_wal_segments", "The write-ahead log's files.");
    text.sample(&[], statistics.log_segments);
    text.counter(
        "crawlspace_shortened_total",
        "Values that were cut, and lists of attributes of which only the first were kept, since the start.",
    );
    let shortened = statistics.shortened;
    text.sample(&[("what", "text")], shortened.texts);
    text.sample(&[("what", "attributes")], shortened.attribute_lists);
    let disk = statistics.disk;
    text.gauge(
        "crawlspace_disk_free_bytes",
        "What may still be written to the disk of the data directory.",
    );
    text.sample(&[], disk.free_bytes);
    text.gauge(
        "crawlspace_disk_needed_bytes",
        "With less than this free, no telemetry is taken.",
    );
    text.sample(&[], disk.needed_bytes);
    text.gauge(
        "crawlspace_disk_full",
        "1 while no telemetry is taken because the disk is almost full.",
    );
    text.sample(&[], u8::from(disk.is_short));
    let work = [
        ("flush", statistics.flushes),
        ("compaction", statistics.compactions),
        ("sweep", statistics.sweeps),
    ];
    text.counter(
        "crawlspace_background_runs_total",
        "Runs of background work since the start, by how they ended.",
    );
    for (name, runs) in work {
        text.sample(&[("work", name), ("result", "done")], runs.done);
        text.sample(&[("work", name), ("result", "failed")], runs.failed);
    }
    text.counter(
        "crawlspace_background_seconds_total",
        "Time of background work since the start.",
    );
    for (name, runs) in work {
        text.sample(&[("work", name)], runs.time.as_secs_f64());
    }
}

fn sql_workers(text: &mut Text, dependencies: &Dependencies) {
    let Some(statistics) = dependencies.engine.sql_workers() else {
        return;
    };
    text.counter(
        "crawlspace_sql_workers_started_total",
        "Processes for SQL that were started.",
    );
    text.sample(&[], statistics.started);
    text.counter(
        "crawlspace_sql_workers_ended_total",
        "Processes for SQL that ended with their question: it took too much time or memory, whoever asked left, or it died.",
    );
    for (reason, count) in statistics.ended {
        text.sample(&[("reason", reason)], count);
    }
    text.gauge(
        "crawlspace_sql_memory_bytes",
        "Memory of the processes that run SQL now.",
    );
    text.sample(&[], statistics.memory_bytes);
}

fn connections(text: &mut Text, dependencies: &Dependencies) {
    let connections = &dependencies.connections;
    text.gauge("crawlspace_connections", "Connections of all doors.");
    text.sample(&[], connections.open());
    text.counter(
        "crawlspace_connections_refused_total",
        "Connections that were closed at once, as there were too many.",
    );
    text.sample(&[], connections.refused());
    text.counter(
        "crawlspace_connections_silent_total",
        "Connections that were closed since no request came.",
    );
    text.sample(&[], connections.silent());
    text.counter(
        "crawlspace_connections_broken_total",
        "Connections that ended before their time: no head of a request came in time or it was too long, HTTP/2 was used to flood, or the client left.",
    );
    for (reason, count) in connections.broken() {
        text.sample(&[("reason", reason)], count);
    }
    text.counter(
        "crawlspace_answers_total",
        "Requests of all kinds since the start, by the status of their answers.",
    );
    for ((door, status), count) in connections.answers() {
        let status = status.to_string();
        text.sample(&[("door", door.name()), ("status", &status)], count);
    }
}

fn stored(text: &mut Text, dependencies: &Dependencies) {
    let lake = &dependencies.lake;
    text.gauge("crawlspace_memory_bytes", "Rows that are not in parts yet.");
    text.sample(&[], lake.memory_bytes());
    text.gauge("crawlspace_damaged_parts", "Parts that were set aside.");
    text.sample(&[], lake.damaged_parts().len());
    let snapshot = lake.snapshot();
    let tables = Table::ALL.map(|table| snapshot.table(table));
    text.gauge("crawlspace_memory_rows", "Rows that are not in parts yet.");
    for table in tables {
        text.sample(&[("table", table.table.name())], table.memory_rows());
    }
    text.gauge("crawlspace_rows", "All rows.");
    for table in tables {
        text.sample(&[("table", table.table.name())], table.rows());
    }
    text.gauge("crawlspace_parts", "Live parts.");
    for table in tables {
        text.sample(&[("table", table.table.name())], table.parts.len());
    }
    text.gauge("crawlspace_part_bytes", "The size of live parts.");
    for table in tables {
        let bytes: u64 = table.parts.iter().map(|part| part.meta.size_bytes).sum();
        text.sample(&[("table", table.table.name())], bytes);
    }
}

/// What Linux knows of this process; nothing elsewhere.
fn process(text: &mut Text) {
    if let Some(seconds) = std::fs::read_to_string("/proc/self/stat")
        .ok()
        .and_then(|stat| processor_seconds(&stat))
    {
        text.counter("process_cpu_seconds_total", "Processor time.");
        text.sample(&[], seconds);
    }
    if let Some(bytes) = std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| resident_bytes(&status))
    {
        text.gauge("process_resident_memory_bytes", "Memory in RAM.");
        text.sample(&[], bytes);
    }
}

/// User and system time: fields 14 and 15 of proc_pid_stat(5). The second field, the program's name, may hold anything
/// but ends at the last parenthesis.
fn processor_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut ticks = fields.split_whitespace().skip(11);
    let mut next = || ticks.next()?.parse::<f64>().ok();
    Some((next()? + next()?) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// The text as it grows: a family, then its samples.
#[derive(Default)]
struct Text {
    text: String,
    family: &'static str,
}

impl Text {
    fn gauge(&mut self, name: &'static str, help: &str) {
        self.begin(name, "gauge", help);
    }

    fn counter(&mut self, name: &'static str, help: &str) {
        self.begin(name, "counter", help);
    }

    fn begin(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(self.family);
        for (i, (name, value)) in labels.iter().enumerate() {
            let before = if i == 0 { '{' } else { ',' };
            _ = write!(self.text, "{before}{name}=\"{value}\"");
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::{Text, processor_seconds, resident_bytes};

    #[test]
    fn samples_stand_below_their_family() {
        let mut text = Text::default();
        text.counter("runs_total", "How often.");
        text.sample(&[("work", "flush"), ("result", "done")], 3);
        text.gauge("bytes", "How much.");
        text.sample(&[], 0.5);
        assert_eq!(
            text.text,
            "# HELP runs_total How often.\n# TYPE runs_total counter\n\
             runs_total{work=\"flush\",result=\"done\"} 3\n\
             # HELP bytes How much.\n# TYPE bytes gauge\nbytes 0.5\n"
        );
    }

    #[test]
    fn the_kernels_words_are_read_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 0 0 250 150 0 0 20 0 9 0 100";
        assert_eq!(processor_seconds(stat), Some(4.0));
        assert_eq!(processor_seconds("7 (a"), None);
        assert_eq!(
            resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"),
            Some(2 << 20)
        );
        assert_eq!(resident_bytes("Name:\tx\n"), None);
    }
}
