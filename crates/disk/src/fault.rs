//! Faults on purpose, for the rigs that have to find them: moments at which the program dies, and defects that break a
//! promise. Armed at run time, and only in builds with debug assertions: what people run has none of this.

use std::str::FromStr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// A moment at which the program can be made to die, as by `kill -9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A segment of the log exists, and nothing is in it.
    SegmentBegun,
    /// Records are written and not synced.
    LogWritten,
    /// Records are durable and not visible.
    LogSynced,
    /// Rows are visible, and nobody has been answered.
    RowsPublished,
    /// The catalogue expects an object that was not begun.
    ObjectAnnounced,
    /// A flush's parts are durable and not committed.
    FlushWritten,
    /// … and are committed, while memory and log have their rows too.
    FlushCommitted,
    /// Some segments that are no longer needed are gone.
    SegmentRemoved,
    /// A compaction's part is durable and not committed.
    MergeWritten,
    /// … and is committed, while readers still see the parts that it is made of.
    MergeCommitted,
    /// Old snapshots are forgotten, and their objects still there.
    SnapshotsExpired,
    /// A record of the log has become rows again.
    RecordReplayed,
}

impl Moment {
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::SegmentBegun, "segment-begun"),
        (Self::LogWritten, "log-written"),
        (Self::LogSynced, "log-synced"),
        (Self::RowsPublished, "rows-published"),
        (Self::ObjectAnnounced, "object-announced"),
        (Self::FlushWritten, "flush-written"),
        (Self::FlushCommitted, "flush-committed"),
        (Self::SegmentRemoved, "segment-removed"),
        (Self::MergeWritten, "merge-written"),
        (Self::MergeCommitted, "merge-committed"),
        (Self::RecordReplayed, "record-replayed"),
        (Self::SnapshotsExpired, "snapshots-expired"),
    ];
}

/// A promise that the program can be made to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Requests are acknowledged that were never logged.
    AckUnlogged,
    /// The log is not synced.
    SyncSkipped,
    /// A failed write or sync of the log is taken for a good one.
    SyncErrorIgnored,
    /// Damaged records of the log are taken for good ones.
    ChecksumIgnored,
    /// The first record that is replayed is left out.
    RecordSkipped,
    /// Rows stay in memory once they are in a part.
    FlushDoubled,
    /// Rows leave memory before their parts are committed.
    FlushGap,
    /// Parts stay once they are merged into another.
    MergeDoubled,
    /// A repeated request is stored again.
    RepeatStored,
    /// What was stored before a restart is not recognised when it is repeated.
    RepeatsForgotten,
    /// A flush does not say up to where the log is in parts.
    PositionForgotten,
    /// What is stored is not entered into the ledger.
    BooksForgotten,
}

impl Defect {
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::AckUnlogged, "ack-unlogged"),
        (Self::SyncSkipped, "sync-skipped"),
        (Self::SyncErrorIgnored, "sync-error-ignored"),
        (Self::ChecksumIgnored, "checksum-ignored"),
        (Self::RecordSkipped, "record-skipped"),
        (Self::FlushDoubled, "flush-doubled"),
        (Self::FlushGap, "flush-gap"),
        (Self::MergeDoubled, "merge-doubled"),
        (Self::RepeatStored, "repeat-stored"),
        (Self::RepeatsForgotten, "repeats-forgotten"),
        (Self::PositionForgotten, "position-forgotten"),
        (Self::BooksForgotten, "books-forgotten"),
    ];
}

/// What is to go wrong: `crash:<moment>:<n>` at the n-th time that it comes, or `defect:<name>`.
#[derive(Debug)]
pub enum Fault {
    Crash { moment: Moment, passes: AtomicU64 },
    Defect(Defect),
}

/// A text that names no fault.
#[derive(Debug, thiserror::Error)]
#[error(
    "there is no fault `{0}`: write `crash:<moment>:<n>` or `defect:<name>`, in a build with debug assertions"
)]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        if !cfg!(debug_assertions) {
            return Err(unknown());
        }
        let mut words = text.split(':');
        let (kind, name) = (words.next(), words.next().ok_or_else(unknown)?);
        match (kind, words.next()) {
            (Some("crash"), Some(passes)) => {
                let moment = Moment::ALL.into_iter().find(|(_, known)| *known == name);
                Ok(Self::Crash {
                    moment: moment.ok_or_else(unknown)?.0,
                    passes: AtomicU64::new(passes.parse().map_err(|_| unknown())?),
                })
            }
            (Some("defect"), None) => {
                let defect = Defect::ALL.into_iter().find(|(_, known)| *known == name);
                Ok(Self::Defect(defect.ok_or_else(unknown)?.0))
            }
            _ => Err(unknown()),
        }
    }
}

static ARMED: OnceLock<Fault> = OnceLock::new();

/// From now on this goes wrong in this process. Only the first one that is armed does.
pub fn arm(fault: Fault) {
    _ = ARMED.set(fault);
}

/// Dies here, without tidying anything up, if that was armed.
pub fn crash_at(reached: Moment) {
    if !cfg!(debug_assertions) {
        return;
    }
    if let Some(Fault::Crash { moment, passes }) = ARMED.get()
        && *moment == reached
        && passes.fetch_sub(1, Ordering::Relaxed) == 1
    {
        std::process::abort();
    }
}

/// Whether this promise is to be broken.
#[must_use]
pub fn has(defect: Defect) -> bool {
    cfg!(debug_assertions) && matches!(ARMED.get(), Some(Fault::Defect(armed)) if *armed == defect)
}

#[cfg(test)]
mod tests {
    use super::{Defect, Fault, Moment};

    #[test]
    fn faults_are_known_by_their_names_and_nothing_else_is() {
        for (moment, name) in Moment::ALL {
            let fault = format!("crash:{name}:3").parse().unwrap();
            assert!(matches!(fault, Fault::Crash { moment: found, .. } if found == moment));
        }
        for (defect, name) in Defect::ALL {
            let fault = format!("defect:{name}").parse().unwrap();
            assert!(matches!(fault, Fault::Defect(found) if found == defect));
        }
        for text in [
            "",
            "crash",
            "crash:log-written",
            "crash:log-written:x",
            "defect:none",
            "x:y:1",
        ] {
            text.parse::<Fault>().unwrap_err();
        }
    }
}
