//! `backup` and `restore`: all data to a directory or a bucket, and back into a data directory of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use crawlspace_disk::{FileSystem, RealFs};
use crawlspace_ingest::{Headroom, Ingest};
use crawlspace_lake::backup::{BackedUp, Backups, Progress, Sources};
use crawlspace_lake::{AtStart, Error, Lake, LocalStore};
use crawlspace_model::{Clock, SystemClock};
use indicatif::ProgressBar;
use object_store::ObjectStore;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::config::ServerArguments;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use crate::print;
use crate::print::progress;
use crate::store::{PlaceArguments, keep_everything, open_lake};

/// Databases in a data directory that are no part of the lake.
const DATABASES: [&str; 1] = ["control.sqlite"];

/// Copy all data to a directory or a bucket, of a server that runs or of a data directory
#[derive(Debug, Args)]
#[command(after_help = BACKUP_EXAMPLES)]
pub struct BackupArguments {
    /// A directory of the server's machine, or s3://BUCKET/PREFIX; what an earlier backup left there is not copied again
    pub to: String,
    #[command(flatten)]
    pub server: ServerArguments,
    #[command(flatten)]
    pub place: PlaceArguments,
}

const BACKUP_EXAMPLES: &str = "\
Examples:
  crawlspace backup /srv/backup
  crawlspace backup s3://backups/crawlspace
  crawlspace backup /srv/backup --data-dir ./crawlspace-data

A server writes the backup itself: a directory is one of its machine's, and it needs an admin key if it asks for keys.
With --data-dir, a directory that no server uses is copied from here; `--store…` says where its parts are.";

/// Put a backup into a new data directory
#[derive(Debug, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub struct RestoreArguments {
    /// The directory or s3://BUCKET/PREFIX that was given to `backup`
    pub from: String,
    /// The new data directory: absent or empty
    #[arg(long, value_name = "DIR")]
    pub data_dir: PathBuf,
    #[command(flatten)]
    pub place: PlaceArguments,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  crawlspace restore /srv/backup --data-dir ./restored
  crawlspace restore s3://backups/crawlspace --data-dir ./restored --store s3://telemetry/new

Every byte is checked on the way. Start it with `crawlspace serve --data-dir ./restored`.";

/// What takes backups of the lake in a data directory.
pub fn backups(place: &PlaceArguments, data_dir: &DataDir, lake: &Arc<Lake>) -> Backups {
    let databases = DATABASES.map(|name| (name.to_owned(), data_dir.database(name)));
    let sources = Sources {
        scratch: data_dir.scratch(),
        databases: databases.into(),
    };
    let place = place.clone();
    let open = move |to: &str| open_place(&place, to);
    Backups::new(Arc::clone(lake), sources, Box::new(open))
}

/// A directory by its absolute path, or a bucket.
fn open_place(place: &PlaceArguments, to: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    if !Path::new(to).is_absolute() {
        return place.bucket(to);
    }
    let files: Arc<dyn FileSystem> = Arc::new(RealFs);
    Ok(Arc::new(LocalStore::new(files, to.into())))
}

/// As seen from where the command runs.
fn absolute(place: &str) -> anyhow::Result<String> {
    if place.contains("://") {
        return Ok(place.to_owned());
    }
    let path = std::path::absolute(place).with_context(|| format!("`{place}` is no directory"))?;
    path.into_os_string()
        .into_string()
        .map_err(|path| anyhow!("directory `{}` is not UTF-8", path.display()))
}

pub async fn backup(arguments: BackupArguments) -> Result<(), Failure> {
    let to = absolute(&arguments.to)?;
    let bar = Bar::new(arguments.server.json);
    // A data directory that no server uses is copied from here.
    let unused = |path: &&PathBuf| data_dir::running_at(path).is_err();
    let done = match arguments.server.data_dir.as_ref().filter(unused) {
        Some(path) => of_directory(&arguments.place, path, &to, &bar).await?,
        None => of_server(&arguments.server, &to, &bar).await?,
    };
    bar.end();
    show("backup", &to, done, arguments.server.json)
}

async fn of_directory(
    place: &PlaceArguments,
    path: &Path,
    to: &str,
    bar: &Bar,
) -> anyhow::Result<BackedUp> {
    if !path.join("crawlspace.json").exists() {
        bail!("`{}` is no data directory of crawlspace", path.display());
    }
    let fs: Arc<dyn FileSystem> = Arc::new(RealFs);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let data_dir = DataDir::open(fs.as_ref(), path)?;
    let lake = open_lake(
        keep_everything(AtStart::CheckParts),
        place,
        &data_dir,
        &fs,
        &clock,
    )
    .await?;
    let dependencies = crawlspace_ingest::Dependencies {
        headroom: Headroom::new(Arc::clone(&fs), data_dir.root()),
        fs,
        lake: Arc::clone(&lake),
        clock,
    };
    let config = crawlspace_ingest::Config::new(data_dir.wal());
    let ingest = Ingest::open(config, dependencies).await?;
    ingest.flush().await?;
    let backups = backups(place, &data_dir, &lake);
    let done = backups.take(to, &|step| bar.show(step)).await;
    ingest.shutdown().await?;
    lake.close().await;
    Ok(done?)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Done {
        done: Done,
    },
    Error {
        error: Value,
    },
    Step {
        parts: usize,
        parts_total: usize,
        bytes: u64,
        bytes_total: u64,
    },
}

#[derive(Deserialize)]
struct Done {
    parts: usize,
    bytes: u64,
    copied_parts: usize,
    copied_bytes: u64,
}

async fn of_server(server: &ServerArguments, to: &str, bar: &Bar) -> Result<BackedUp, Failure> {
    let request = json!({ "to": to });
    let client = Client::new(server)?;
    let request = client.post("/api/v1/backup").json(&request);
    let mut response = client.answer(request, None).await?;
    let mut text = Vec::new();
    let mut done = None;
    while let Some(piece) = response
        .chunk()
        .await
        .map_err(|error| client.unreachable(&error))?
    {
        text.extend_from_slice(&piece);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            match serde_json::from_slice(&line).map_err(anyhow::Error::from)? {
                Line::Step {
                    parts,
                    parts_total,
                    bytes,
                    bytes_total,
                } => bar.show(Progress {
                    parts,
                    parts_total,
                    bytes,
                    bytes_total,
                }),
                Line::Error { error } => {
                    let detail = error["detail"].as_str().unwrap_or("for no known reason");
                    return Err(anyhow!("the backup failed: {detail}").into());
                }
                Line::Done { done: found } => {
                    done = Some(BackedUp {
                        parts: found.parts,
                        bytes: found.bytes,
                        copied_parts: found.copied_parts,
                        copied_bytes: found.copied_bytes,
                    });
                }
            }
        }
    }
    done.ok_or_else(|| anyhow!("the server broke off: the backup is not complete").into())
}

pub async fn restore(arguments: RestoreArguments) -> Result<(), Failure> {
    let from = absolute(&arguments.from)?;
    let bar = Bar::new(arguments.json);
    let done = restore_into(&arguments, &from, &bar).await;
    let done = done.map_err(|error| Failure::Wrong(format!("{error:#}")))?;
    bar.end();
    show(
        "restored",
        &arguments.data_dir.display().to_string(),
        done,
        arguments.json,
    )
}

async fn restore_into(
    arguments: &RestoreArguments,
    from: &str,
    bar: &Bar,
) -> anyhow::Result<BackedUp> {
    let target = &arguments.data_dir;
    let is_used = std::fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        bail!(
            "`{}` is not empty: choose a new directory with --data-dir, for nothing is overwritten",
            target.display()
        );
    }
    let source = open_place(&arguments.place, from)?;
    let fs: Arc<dyn FileSystem> = Arc::new(RealFs);
    // Under another name until all is there.
    let draft = target.with_extension("restoring");
    if draft.join("crawlspace.json").exists() {
        std::fs::remove_dir_all(&draft)
            .context("an earlier restore was cut short and can't be removed")?;
    }
    let data_dir = DataDir::open(fs.as_ref(), &draft)?;
    let restored = async {
        let store: Arc<dyn ObjectStore> = match &arguments.place.store {
            Some(url) => arguments.place.bucket(url)?,
            None => Arc::new(LocalStore::new(Arc::clone(&fs), data_dir.lake())),
        };
        let place = |name: &str| data_dir.database(name);
        crawlspace_lake::backup::restore(source.as_ref(), &store, &fs, &place, &|step| {
            bar.show(step)
        })
        .await
    };
    let restored = restored.await;
    let control = data_dir.control();
    drop(data_dir);
    let finish = || match &restored {
        Ok(_) => {
            crawlspace_control::keep_from_others(&control)?;
            _ = std::fs::remove_dir(target);
            std::fs::rename(&draft, target)
        }
        Err(_) => std::fs::remove_dir_all(&draft),
    };
    finish().with_context(|| format!("directory `{}`", draft.display()))?;
    Ok(restored?)
}

fn show(what: &str, place: &str, done: BackedUp, json: bool) -> Result<(), Failure> {
    let BackedUp {
        parts,
        bytes,
        copied_parts,
        copied_bytes,
    } = done;
    let text = if json {
        json!({"parts": parts, "bytes": bytes, "copied_parts": copied_parts, "copied_bytes": copied_bytes})
            .to_string()
    } else {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        format!(
            "{what}: {place}\n{parts} parts, {:.1} MiB; copied now {copied_parts} parts, {:.1} MiB",
            mib(bytes),
            mib(copied_bytes)
        )
    };
    print::write_text(&text)?;
    Ok(())
}

/// How far the copying is.
struct Bar(ProgressBar);

impl Bar {
    fn new(is_hidden: bool) -> Self {
        Self(match is_hidden {
            true => ProgressBar::hidden(),
            false => progress::of_bytes(0),
        })
    }

    fn show(&self, step: Progress) {
        self.0.set_length(step.bytes_total);
        self.0.set_position(step.bytes);
        self.0
            .set_message(format!("part {} of {}", step.parts, step.parts_total));
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
