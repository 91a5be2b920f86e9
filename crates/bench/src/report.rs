//! The figures as a Markdown page, beside the peers' best.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::corpus::Shape;
use crate::load::Load;
use crate::peers;
use crate::queries::{MAP, Timing, nearest_rank};
use crate::wide;

#[cfg(test)]
mod tests;

/// The server's CPU seconds, at each step counted from its start.
pub struct Cpu {
    pub before: f64,
    pub loaded: f64,
    pub flushed: f64,
    pub compacted: f64,
}

/// Everything measured with one shape of request.
pub struct Run {
    pub shape: Shape,
    pub load: Load,
    pub flush: Duration,
    pub compact: Duration,
    pub cpu: Cpu,
    /// While spans were taken and parts merged.
    pub peak_memory_bytes: u64,
    /// After all questions, workers included.
    pub peak_asked_bytes: u64,
    pub data_dir_bytes: u64,
    /// Parquet bytes by the folder of the lake.
    pub part_bytes: BTreeMap<String, u64>,
    pub timings: Vec<Timing>,
    /// From acknowledgements to answers that have what was sent, the fastest first.
    pub until_visible: Vec<Duration>,
}

/// Where and when it was measured.
pub struct Circumstances {
    pub machine: String,
    pub date: String,
    pub commit: String,
    pub command: String,
}

impl Circumstances {
    /// Reads them from the system; what cannot be read is `unknown`.
    pub fn read(command: String) -> Self {
        let processor = proc_value("/proc/cpuinfo", "model name");
        let memory = proc_value("/proc/meminfo", "MemTotal");
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        Self {
            machine: format!("{cores} cores of {processor}, memory {memory}"),
            date: output_of("date", &["-u", "+%Y-%m-%d"]),
            commit: output_of("git", &["describe", "--always", "--dirty"]),
            command,
        }
    }
}

fn proc_value(file: &str, key: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(key));
    let value = line.and_then(|line| line.split_once(':'));
    value
        .map_or("unknown", |(_, value)| value.trim())
        .to_owned()
}

fn output_of(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().ok();
    let output = output.filter(|output| output.status.success());
    output.map_or_else(
        || "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// The page.
pub fn page(circumstances: &Circumstances, runs: &[Run], wide: &[Timing]) -> String {
    let Circumstances {
        machine,
        date,
        commit,
        command,
    } = circumstances;
    let mut page = format!(
        "# Performance\n\n\
         Made by `cargo xtask bench`; do not edit. {date}, commit {commit}, {machine}.\n\n\
         ```\n{command}\n```\n\n\
         The corpus is made from a seed: 6 services, 12 spans per trace on average, 20 attributes per \
         span and 12 per resource, 3% errors. The peers' figures are the best that any of \
         VictoriaTraces, Tempo, ClickHouse and DuckDB reached on a million spans of the same corpus \
         with whole traces in a request, on two contended virtual cores in November 2026: wall-clock \
         times of different machines do not compare, CPU times roughly do.\n"
    );
    for run in runs {
        page.push_str(&section(run));
    }
    let _ = write!(
        page,
        "\n## {} columns in {} parts\n\nA table of few rows: what a question costs whatever it asks.\n\n{}",
        wide::COLUMNS,
        wide::PARTS,
        questions(wide)
    );
    page
}

fn section(run: &Run) -> String {
    let title = match run.shape {
        Shape::Sdk => "Requests of one service's 512 spans, as SDKs export",
        Shape::Trace => "Requests of 25 whole traces",
    };
    format!(
        "\n## {title}\n\n{}\n{}{}",
        ingest(run),
        questions(&run.timings),
        map(run)
    )
}

fn ingest(run: &Run) -> String {
    let mut table = Table("| ingest | Crawlspace | best peer |\n|---|---:|---:|\n".to_owned());
    rates(run, &mut table);
    costs(run, &mut table);
    sizes(run, &mut table);
    for (reason, count) in &run.load.refusals {
        let reason = reason.replace('|', "/").replace(['\n', '\r'], " ");
        table.line(&format!("refused: {reason}"), count.to_string(), "");
    }
    table.0
}

struct Table(String);

impl Table {
    fn line(&mut self, what: &str, ours: String, peer: &str) {
        let _ = writeln!(self.0, "| {what} | {ours} | {peer} |");
    }
}

fn rates(run: &Run, table: &mut Table) {
    let spans = run.load.spans as f64;
    let rate = spans / run.load.wall.as_secs_f64();
    let latency = |percent| milliseconds(nearest_rank(&run.load.latencies, percent));
    table.line("spans stored", run.load.spans.to_string(), "");
    table.line(
        "OTLP bytes per span",
        format!("{:.1}", run.load.bytes as f64 / spans),
        "",
    );
    table.line(
        "spans per second, acknowledged",
        format!("{rate:.0}"),
        peers::INGEST_RATE,
    );
    table.line(
        "request p50 / p99, ms",
        format!("{} / {}", latency(50), latency(99)),
        "",
    );
    let visible = |percent| milliseconds(nearest_rank(&run.until_visible, percent));
    table.line(
        "acknowledged to visible p50 / p99, ms",
        format!("{} / {}", visible(50), visible(99)),
        "",
    );
}

fn costs(run: &Run, table: &mut Table) {
    let cpu = &run.cpu;
    let millions = run.load.spans as f64 / 1e6;
    let mut phase = |what: &str, from: f64, to: f64, peer: &str| {
        table.line(what, format!("{:.2}", (to - from) / millions), peer);
    };
    phase("CPU-s per million: load", cpu.before, cpu.loaded, "");
    phase("… flush", cpu.loaded, cpu.flushed, "");
    phase("… compact", cpu.flushed, cpu.compacted, "");
    phase(
        "… all of these",
        cpu.before,
        cpu.compacted,
        peers::INGEST_CPU,
    );
    table.line("flush, s", format!("{:.1}", run.flush.as_secs_f64()), "");
    table.line(
        "compact, s",
        format!("{:.1}", run.compact.as_secs_f64()),
        "",
    );
}

fn sizes(run: &Run, table: &mut Table) {
    let mebibytes = |bytes: u64| format!("{:.1}", bytes as f64 / f64::from(1 << 20));
    let per_span = |bytes: u64| format!("{:.1}", bytes as f64 / run.load.spans as f64);
    table.line(
        "peak memory while loading and merging, MiB",
        mebibytes(run.peak_memory_bytes),
        peers::PEAK_MEMORY,
    );
    table.line(
        "peak memory with all questions and workers, MiB",
        mebibytes(run.peak_asked_bytes),
        "",
    );
    table.line(
        "data directory, merged parts and log included, MiB",
        mebibytes(run.data_dir_bytes),
        "",
    );
    let parts: u64 = run.part_bytes.values().sum();
    table.line(
        "bytes per span in parts",
        per_span(parts),
        peers::BYTES_PER_SPAN,
    );
    for (folder, bytes) in &run.part_bytes {
        table.line(&format!("… `{folder}`"), per_span(*bytes), "");
    }
}

fn questions(timings: &[Timing]) -> String {
    let mut table = String::from(
        "| query, ms | first | p50 | p99 | CPU | best peer | its CPU | which |\n\
         |---|---:|---:|---:|---:|---:|---:|---|\n",
    );
    for timing in timings {
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            timing.label,
            milliseconds(timing.cold),
            milliseconds(timing.warm_p50),
            milliseconds(timing.warm_p99),
            milliseconds(timing.cpu),
            timing.peer.wall.unwrap_or("–"),
            timing.peer.cpu.unwrap_or("–"),
            timing.peer.store,
        );
    }
    table
}

/// What the map costs for each span that it reads.
fn map(run: &Run) -> String {
    let timing = run.timings.iter().find(|timing| timing.label == MAP);
    let millions = run.load.spans as f64 / 1e6;
    timing.map_or_else(String::new, |timing| {
        let cost = timing.cpu.as_secs_f64() / millions;
        format!("\nThe map takes {cost:.2} CPU-s per million spans.\n")
    })
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1e3)
}
