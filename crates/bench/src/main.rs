//! The benchmark: starts a Crawlspace, loads a corpus made from a seed, flushes, compacts, asks, and reports
//! beside the peers. It depends on none of our crates: it sees what a user sees.
#![expect(clippy::print_stdout, reason = "its output is for people")]

mod corpus;
mod corpus_file;
mod draws;
mod http;
mod load;
mod peers;
mod queries;
mod report;
mod server;
mod shop;
mod trace;
mod usage;
mod visible;
mod wide;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};

use corpus::{Corpus, Shape};
use corpus_file::CorpusFile;
use report::{Circumstances, Cpu, Run};
use server::Server;

/// Measures a Crawlspace beside its peers.
#[derive(Parser)]
#[command(args_override_self = true)]
enum Arguments {
    /// Loads, asks, and prints a page of figures.
    Run(Options),
    /// Writes the corpus to a file, for the benches of single crates.
    Corpus {
        file: PathBuf,
        #[arg(long, default_value_t = 50_000)]
        spans: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[arg(long, default_value = "sdk")]
        shape: Shape,
    },
}

#[derive(clap::Args)]
struct Options {
    /// The program to measure.
    #[arg(long)]
    crawlspace: PathBuf,
    /// How many spans to load, at least.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(5_000..))]
    spans: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long, default_value = "both")]
    shape: ShapeChoice,
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..))]
    connections: u8,
    /// Compresses requests.
    #[arg(long)]
    gzip: bool,
    /// Writes the page here as well.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Where corpus and data are while it runs; a folder in the system's temporary one unless given.
    #[arg(long)]
    scratch: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ShapeChoice {
    Sdk,
    Trace,
    Both,
}

fn main() -> Result<()> {
    let options = match Arguments::parse() {
        Arguments::Run(options) => options,
        Arguments::Corpus {
            file,
            spans,
            seed,
            shape,
        } => {
            corpus_file::write(&file, Corpus::new(seed, shape, spans))?;
            return Ok(());
        }
    };
    let shapes: &[Shape] = match options.shape {
        ShapeChoice::Sdk => &[Shape::Sdk],
        ShapeChoice::Trace => &[Shape::Trace],
        ShapeChoice::Both => &[Shape::Sdk, Shape::Trace],
    };
    let parent = options.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let scratch = parent.join(format!("crawlspace-bench-{}", std::process::id()));
    let mut runs = Vec::new();
    for shape in shapes {
        fs::create_dir_all(&scratch).with_context(|| format!("creating {}", scratch.display()))?;
        let run = measure(&options, *shape, &scratch)
            .with_context(|| format!("what it left is in {}", scratch.display()))?;
        runs.push(run);
        fs::remove_dir_all(&scratch)?;
    }
    println!(
        "asking of {} columns in {} parts",
        wide::COLUMNS,
        wide::PARTS
    );
    fs::create_dir_all(&scratch)?;
    let wide = wide::run(&options.crawlspace, &scratch)
        .with_context(|| format!("what it left is in {}", scratch.display()))?;
    fs::remove_dir_all(&scratch)?;
    let command: Vec<String> = std::env::args().collect();
    let page = report::page(&Circumstances::read(command.join(" ")), &runs, &wide);
    println!("{page}");
    if let Some(out) = &options.out {
        fs::write(out, &page).with_context(|| format!("writing {}", out.display()))?;
    }
    Ok(())
}

/// One shape, from an empty data directory to the last answer.
fn measure(options: &Options, shape: Shape, scratch: &Path) -> Result<Run> {
    println!("making {} spans ({shape:?})", options.spans);
    let mut corpus = Corpus::new(options.seed, shape, options.spans);
    let file = scratch.join("corpus");
    corpus_file::write(&file, corpus.by_ref())?;

    let server = Server::start(&options.crawlspace, scratch)?;
    println!("loading");
    let before = server.cpu_seconds()?;
    let requests = CorpusFile::open(&file)?;
    let connections = usize::from(options.connections);
    let load = load::run(&server.otlp_http, requests, connections, options.gzip)?;
    let loaded = server.cpu_seconds()?;
    println!("flushing and compacting");
    let began = Instant::now();
    server.maintain("flush")?;
    let (flushed, flush) = (server.cpu_seconds()?, began.elapsed());
    let began = Instant::now();
    server.maintain("compact")?;
    let (compacted, compact) = (server.cpu_seconds()?, began.elapsed());
    let peak_memory_bytes = server.peak_memory_bytes()?;

    let (made, lost) = (corpus.spans, load.spans_lost);
    let reasons = load.refusals.keys().cloned().collect::<Vec<_>>().join("; ");
    ensure!(lost == 0, "{lost} of {made} spans were refused: {reasons}");

    println!("asking");
    let timings = queries::run(
        &server,
        &corpus.samples,
        (load.first_nanos, load.last_nanos),
    )?;
    // Asked last, so that the timed questions come first to the parts.
    let stored = server.count("SELECT count(*) FROM spans")?;
    ensure!(
        stored == made,
        "{stored} spans are stored, {made} were acknowledged"
    );
    let (peak_asked_bytes, part_bytes) = (server.peak_memory_bytes()?, server.part_bytes()?);
    Ok(Run {
        shape,
        load,
        flush,
        compact,
        cpu: Cpu {
            before,
            loaded,
            flushed,
            compacted,
        },
        peak_memory_bytes,
        peak_asked_bytes,
        data_dir_bytes: usage::folder_bytes(&server.data_dir)?,
        part_bytes,
        timings,
        // Last, since it sends more.
        until_visible: visible::run(&server, options.seed + 1)?,
    })
}
