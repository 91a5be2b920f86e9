//! The start: rows of the log that are in no part yet become visible again.

use std::sync::Arc;

use crawlspace_disk::FileSystem;
use crawlspace_disk::fault::{self, Defect, Moment};
use crawlspace_lake::{Lake, Posting};
use crawlspace_model::UnixNanos;
use crawlspace_wal::{Entry, Position, Wal};
use tokio::runtime::Handle;

use crate::committer::{Batches, Publish};
use crate::ledger::{Repeats, hash_of, posting_of, posting_of_repeat};
use crate::{Config, Error, decode};

/// What was found in the log at the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Records whose rows are back.
    pub records: u64,
    /// Records skipped because their bytes are damaged.
    pub damaged: u64,
    /// Intact records that no longer decode.
    pub undecodable: u64,
    /// Bytes cut from the end of the log: records that were never acknowledged.
    pub torn_bytes: u64,
    /// Segments that can't be read, put aside under another name.
    pub set_aside: usize,
}

/// Opens the log and publishes its records from the lake's position on. Flushes on the way when the lake asks for it,
/// so that memory stays bounded.
pub(crate) async fn replay(
    config: Config,
    fs: Arc<dyn FileSystem>,
    lake: Arc<Lake>,
    repeats: Option<Arc<Repeats>>,
    mut publish: Publish,
) -> Result<(Wal, Replayed, Publish), Error> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let repeats = repeats.as_deref();
        let (wal, replayed) = replay_blocking(config, fs, &lake, repeats, &mut publish, &runtime)?;
        Ok((wal, replayed, publish))
    })
    .await?
}

fn replay_blocking(
    config: Config,
    fs: Arc<dyn FileSystem>,
    lake: &Arc<Lake>,
    repeats: Option<&Repeats>,
    publish: &mut Publish,
    runtime: &Handle,
) -> Result<(Wal, Replayed), Error> {
    let wal_config = crawlspace_wal::Config {
        dir: config.wal_dir,
        segment_bytes_max: config.segment_bytes_max,
        ahead_bytes: crawlspace_wal::AHEAD_BYTES,
    };
    let from = Position(lake.wal_position());
    let (mut undecodable, mut is_flushable) = (0, true);
    let (wal, replay) = Wal::open(fs, wal_config, from, &mut |position, entry| {
        let (batches, posting) = match record(&entry, repeats) {
            Ok(record) => record,
            Err(error) => {
                undecodable += 1;
                tracing::warn!(%position, %error, "a record of the log no longer decodes and is skipped");
                Default::default()
            }
        };
        if position == from && fault::has(Defect::RecordSkipped) {
            return Ok(());
        }
        publish(position.0 + 1, batches, posting);
        fault::crash_at(Moment::RecordReplayed);
        // What is in the log fitted into memory before, so a store that can't be written now keeps nobody from starting.
        if is_flushable && lake.flush_due() && let Err(error) = runtime.block_on(lake.flush()) {
            tracing::warn!(%error, "rows stay in memory: the flush failed");
            is_flushable = false;
        }
        Ok(())
    })
    .map_err(Error::OpenLog)?;
    for path in &replay.set_aside {
        tracing::warn!(path = %path.display(), "a segment of the log can't be read and is set aside");
    }
    if replay.damaged > 0 {
        tracing::warn!(
            damaged = replay.damaged,
            "damaged records of the log are skipped"
        );
    }
    let replayed = Replayed {
        records: replay.records - undecodable,
        damaged: replay.damaged,
        undecodable,
        torn_bytes: replay.torn_bytes,
        set_aside: replay.set_aside.len(),
    };
    tracing::info!(%from, records = replayed.records, torn_bytes = replayed.torn_bytes, "log replayed");
    Ok((wal, replayed))
}

/// The rows of a record, and what the books gain with it. A request that was refused because its sync failed may be in
/// the log all the same, before the same request sent again: that one is a repeat then.
fn record(entry: &Entry, repeats: Option<&Repeats>) -> Result<(Batches, Posting), Error> {
    let signal = decode::signal_of(entry)?;
    if let Some((accepted, rejected)) = decode::repeated(entry) {
        let posting = posting_of_repeat(signal, entry, accepted, rejected);
        return Ok((Vec::new(), posting));
    }
    let body = decode::body_of(entry, &mut |_| Ok(()))?;
    let hash = repeats.map(|_| hash_of(entry.project, entry.door, &body));
    let seen = repeats
        .zip(hash)
        .and_then(|(repeats, hash)| repeats.seen(hash, UnixNanos(entry.received_at)));
    if let Some(seen) = seen {
        let posting = posting_of_repeat(signal, entry, seen.accepted.into(), seen.rejected.into());
        return Ok((Vec::new(), posting));
    }
    let decoded = decode::decode(entry, &body)?;
    let posting = posting_of(signal, entry, &decoded, hash);
    Ok((decoded.batches, posting))
}
