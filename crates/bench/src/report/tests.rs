//! The page of one made-up run: rates, differences between phases, and the peers' columns.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Circumstances, Cpu, Run, page};
use crate::corpus::Shape;
use crate::load::Load;
use crate::peers;
use crate::queries::Timing;

fn run() -> Run {
    Run {
        shape: Shape::Sdk,
        load: Load {
            spans: 2_000_000,
            bytes: 1_600_000_000,
            wall: Duration::from_secs(40),
            first_nanos: 1,
            last_nanos: 2,
            refusals: BTreeMap::from([("503 a|b\nc".to_owned(), 3)]),
            spans_lost: 0,
            latencies: (1..=100).map(Duration::from_millis).collect(),
        },
        flush: Duration::from_secs(1),
        compact: Duration::from_millis(2_500),
        cpu: Cpu {
            before: 1.0,
            loaded: 9.0,
            flushed: 15.0,
            compacted: 17.0,
        },
        peak_memory_bytes: 300 << 20,
        peak_asked_bytes: 400 << 20,
        data_dir_bytes: 150 << 20,
        part_bytes: BTreeMap::from([
            ("main/logs".to_owned(), 20_000_000),
            ("main/spans".to_owned(), 130_000_000),
        ]),
        timings: vec![
            Timing {
                label: crate::queries::MAP,
                cold: Duration::from_secs(2),
                warm_p50: Duration::from_secs(1),
                warm_p99: Duration::from_secs(1),
                cpu: Duration::from_millis(840),
                peer: peers::NONE,
            },
            Timing {
                label: "trace by id",
                cold: Duration::from_millis(30),
                warm_p50: Duration::from_micros(2_500),
                warm_p99: Duration::from_millis(9),
                cpu: Duration::from_micros(1_550),
                peer: peers::TRACE_BY_ID,
            },
        ],
        until_visible: (1..=50).map(Duration::from_millis).collect(),
    }
}

#[test]
fn the_page_gives_figures_per_span_and_per_phase() {
    let circumstances = Circumstances {
        machine: "2 cores".to_owned(),
        date: "2026-11-22".to_owned(),
        commit: "abc".to_owned(),
        command: "crawlspace-bench run".to_owned(),
    };
    let wide = [Timing {
        label: "count and p99 by service",
        ..run().timings.remove(1)
    }];
    let page = page(&circumstances, &[run()], &wide);
    for line in [
        "The map takes 0.42 CPU-s per million spans.",
        "## Requests of one service's 512 spans, as SDKs export",
        "| OTLP bytes per span | 800.0 |  |",
        "| spans per second, acknowledged | 50000 | 9,500–13,000 (VictoriaTraces) |",
        "| request p50 / p99, ms | 50.0 / 99.0 |  |",
        "| acknowledged to visible p50 / p99, ms | 25.0 / 50.0 |  |",
        "| CPU-s per million: load | 4.00 |  |",
        "| … flush | 3.00 |  |",
        "| … compact | 1.00 |  |",
        "| … all of these | 8.00 | 46–56 (VictoriaTraces, ClickHouse) |",
        "| peak memory while loading and merging, MiB | 300.0 | 348 (VictoriaTraces) |",
        "| bytes per span in parts | 75.0 | 111 (VictoriaTraces) |",
        "| … `main/spans` | 65.0 |  |",
        "| refused: 503 a/b c | 3 |  |",
        "| trace by id | 30.0 | 2.5 | 9.0 | 1.6 | 14 / 46 | 12 | VictoriaTraces |",
        "## 500 columns in 100 parts",
        "| count and p99 by service | 30.0 | 2.5 | 9.0 | 1.6 | 14 / 46 | 12 | VictoriaTraces |",
    ] {
        assert!(
            page.lines().any(|found| found == line),
            "no line `{line}` in:\n{page}"
        );
    }
}
