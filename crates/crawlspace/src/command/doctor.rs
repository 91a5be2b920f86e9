//! `doctor`: examines a data directory that no server uses, says in plain words what is wrong, and mends what it can.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use clap::Args;
use crawlspace_disk::{FileSystem, RealFs};
use crawlspace_lake::{AtStart, Finding, Severity};
use crawlspace_model::{Clock, SystemClock, Table, UnixNanos};
use crawlspace_wal::{Position, Wal};
use serde_json::json;

use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::print;
use crate::store::{PlaceArguments, keep_everything, open_lake};

/// With less than this the next flush or compaction may fail.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// Rows that came so much later than now: one of the two clocks was wrong.
const AHEAD_NANOS_MAX: i64 = 600_000_000_000;

/// Examine a data directory while no server runs: files, catalogue, parts, log
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArguments {
    /// The data directory
    #[arg(
        long,
        value_name = "DIR",
        env = "CRAWLSPACE_DATA_DIR",
        default_value = "crawlspace-data"
    )]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Read every byte of every part, and hold it against its checksums
    #[arg(long)]
    pub deep: bool,
    /// Mend what can be mended: damaged parts are set aside, unknown objects moved out of the way; good data is not touched
    #[arg(long)]
    pub repair: bool,
    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "\
Examples:
  crawlspace doctor --data-dir ./crawlspace-data
  crawlspace doctor --data-dir ./crawlspace-data --deep --repair

Exit codes: 0 healthy, 1 something is wrong, 2 it could not be examined.
A running server is examined by GET /api/v1/doctor.";

pub async fn doctor(arguments: DoctorArguments) -> Result<(), Failure> {
    let could_not_run = |error: anyhow::Error| Failure::Usage(format!("{error:#}"));
    let path = &arguments.data_dir;
    if !path.join("crawlspace.json").exists() {
        let problem = anyhow!("`{}` is no data directory of crawlspace", path.display());
        return Err(could_not_run(problem));
    }
    let data_dir = DataDir::open(&RealFs, path).map_err(could_not_run)?;
    let before = examine(&arguments, &data_dir, false)
        .await
        .map_err(could_not_run)?;
    let after = if arguments.repair && before.iter().any(is_problem) {
        examine(&arguments, &data_dir, true)
            .await
            .map_err(could_not_run)?
    } else {
        before.clone()
    };
    let repaired: Vec<&Finding> = before
        .iter()
        .filter(|finding| is_problem(finding) && !after.contains(finding))
        .collect();
    let text = if arguments.json {
        json!({"healthy": !after.iter().any(is_problem), "findings": after, "repaired": repaired})
            .to_string()
    } else {
        shown(&after, &repaired)
    };
    print::write_text(&text)?;
    if after.iter().any(is_problem) {
        return Err(Failure::Wrong("something is to be done".to_owned()));
    }
    Ok(())
}

fn is_problem(finding: &Finding) -> bool {
    finding.severity == Severity::Problem
}

fn shown(findings: &[Finding], repaired: &[&Finding]) -> String {
    let mut lines = Vec::new();
    for finding in repaired {
        lines.push(format!(
            "repaired: {}: {}",
            finding.subject, finding.problem
        ));
    }
    for finding in findings {
        let severity = match finding.severity {
            Severity::Problem => "problem",
            Severity::Notice => "notice",
        };
        lines.push(format!(
            "{severity}: {}: {}",
            finding.subject, finding.problem
        ));
        lines.push(format!("  {}", finding.advice));
    }
    if !findings.iter().any(is_problem) {
        lines.push("healthy".to_owned());
    }
    lines.join("\n")
}

async fn examine(
    arguments: &DoctorArguments,
    data_dir: &DataDir,
    repair: bool,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = around(data_dir)?;
    let catalogue = data_dir.catalogue();
    if !catalogue.exists() {
        // A new one would be empty, and every part unknown to it.
        findings.push(Finding::problem(
            &catalogue.display().to_string(),
            "the catalogue is gone",
            "restore a backup into a new data directory; the parts of this one are below `lake/data`",
        ));
        return Ok(findings);
    }
    let (fs, clock): (Arc<dyn FileSystem>, Arc<dyn Clock>) =
        (Arc::new(RealFs), Arc::new(SystemClock));
    let lake = match open_lake(
        keep_everything(AtStart::Look),
        &arguments.place,
        data_dir,
        &fs,
        &clock,
    )
    .await
    {
        Ok(lake) => lake,
        Err(error) => {
            findings.push(Finding::problem(
                &catalogue.display().to_string(),
                format!("{error:#}"),
                "if it is damaged, restore a backup into a new data directory",
            ));
            return Ok(findings);
        }
    };
    if repair {
        lake.mend(arguments.deep).await?;
    }
    findings.extend(lake.examine(arguments.deep).await?);
    let snapshot = lake.snapshot();
    let parts = Table::ALL.map(|table| Arc::clone(&snapshot.table(table).parts));
    let newest = parts
        .iter()
        .flat_map(|parts| parts.iter().map(|part| part.meta.received_max));
    findings.extend(newest.max().and_then(|newest| ahead(newest, clock.now())));
    findings.extend(log(data_dir, &fs, Position(lake.wal_position()))?);
    lake.close().await;
    Ok(findings)
}

/// The directory itself: room, and whether it can be written.
fn around(data_dir: &DataDir) -> anyhow::Result<Vec<Finding>> {
    let root = data_dir.root();
    let subject = root.display().to_string();
    let mut findings = Vec::new();
    let space = RealFs.space(root);
    let free = space
        .with_context(|| format!("`{subject}` can't be examined"))?
        .free_bytes;
    if free < FREE_BYTES_MIN {
        findings.push(Finding::problem(
            &subject,
            format!("only {} MiB are free on its disk", free >> 20),
            "make room, or keep less: --retention-size and --retention-age of `crawlspace serve`",
        ));
    }
    for directory in [root.to_owned(), data_dir.wal(), data_dir.lake()] {
        let probe = directory.join("doctor.probe");
        let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
        match written {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                findings.push(Finding::problem(
                    &directory.display().to_string(),
                    format!("it can't be written: {error}"),
                    "give it to the user that crawlspace runs as",
                ));
            }
            _ => {}
        }
    }
    Ok(findings)
}

fn ahead(newest: UnixNanos, now: UnixNanos) -> Option<Finding> {
    let ahead = newest.0.saturating_sub(now.0);
    (ahead > AHEAD_NANOS_MAX).then(|| {
        Finding::problem(
            "the clock",
            format!(
                "the newest row came {} minutes after now",
                ahead / 60_000_000_000
            ),
            "set the machine's clock: retention counts from when rows came",
        )
    })
}

/// The log's segments, as the next start would find them.
fn log(
    data_dir: &DataDir,
    fs: &Arc<dyn FileSystem>,
    from: Position,
) -> anyhow::Result<Vec<Finding>> {
    let directory = data_dir.wal();
    let mut findings = Vec::new();
    let segments = match fs.list(&directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(findings),
        segments => segments?,
    };
    let ends_with = |path: &Path, ending: &str| path.to_string_lossy().ends_with(ending);
    for path in &segments {
        let subject = path.display().to_string();
        if ends_with(path, ".damaged") {
            findings.push(Finding::notice(
                &subject,
                "a segment of the log that could not be read was set aside: rows in it may be missing",
                "delete it once you have looked at it",
            ));
        } else if let Err(error) = fs.read_range(path, 0..1) {
            findings.push(Finding::problem(
                &subject,
                format!("it can't be read: {error}"),
                "make it readable before the next start, which would set it aside",
            ));
        }
    }
    if findings.iter().any(is_problem) {
        return Ok(findings);
    }
    let config = crawlspace_wal::Config {
        dir: directory.clone(),
        segment_bytes_max: crawlspace_wal::SEGMENT_BYTES_MAX,
        ahead_bytes: crawlspace_wal::AHEAD_BYTES,
    };
    // Opening reads; only appending would change anything.
    let (_, found) = Wal::open(Arc::clone(fs), config, from, &mut |_, _| Ok(()))?;
    let subject = directory.display().to_string();
    if found.torn_bytes > 0 {
        findings.push(Finding::notice(
            &subject,
            format!(
                "{} bytes at the end are no whole record, as after a crash",
                found.torn_bytes
            ),
            "nothing: they were never acknowledged, and the next start cuts them off",
        ));
    }
    if found.damaged > 0 {
        findings.push(Finding::problem(
            &subject,
            format!("{} records are damaged", found.damaged),
            "start `crawlspace serve`: it skips them and keeps the segment aside; all others come back",
        ));
    }
    Ok(findings)
}
