//! What can go wrong on the write path.

use std::sync::Arc;

use crawlspace_model::ErrorKind;
use crawlspace_model::account::Reason;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Wire(#[from] crawlspace_wire::Error),
    #[error("too much is in flight (over {} MiB): try again soon", bytes_max >> 20)]
    Busy { bytes_max: usize },
    #[error("the request takes over {} MiB, which is all that there is for requests: send less at a time", bytes_max >> 20)]
    OverMemory { bytes_max: usize },
    #[error("rows in memory wait for a flush (over {} MiB): try again soon", bytes_max >> 20)]
    MemoryFull { bytes_max: u64 },
    #[error("the log holds over {} MiB of requests that wait for a flush: try again soon", bytes_max >> 20)]
    LogFull { bytes_max: u64 },
    #[error(
        "the disk is almost full ({} MiB are free, {} MiB needed): nothing is taken until there is room; \
         questions are answered",
        free_bytes >> 20, needed_bytes >> 20
    )]
    DiskFull { free_bytes: u64, needed_bytes: u64 },
    #[error(
        "key {key} sends more than {bytes_per_second} bytes per second: send less, or again later"
    )]
    OverRate { key: u32, bytes_per_second: u64 },
    #[error("crawlspace is closing")]
    Closing,
    /// Shared by all requests of a group.
    #[error("the write-ahead log did not take the request: {}", sentence(.0.as_ref()))]
    Append(Arc<crawlspace_wal::Error>),
    #[error("write-ahead log: {}", sentence(.0))]
    OpenLog(crawlspace_wal::Error),
    #[error(transparent)]
    Lake(#[from] crawlspace_lake::Error),
    #[error(
        "a record of the log came through door {door} as content type {content_type}, which this program does not know"
    )]
    UnknownDoor { door: u8, content_type: u8 },
    #[error("the committer thread can't start: {source}")]
    Thread { source: std::io::Error },
    #[error("a defect of crawlspace ended it: {0}")]
    Panicked(String),
    #[error("a background task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Wire(error) => error.kind(),
            Self::Lake(error) => error.kind(),
            Self::Busy { .. }
            | Self::MemoryFull { .. }
            | Self::LogFull { .. }
            | Self::DiskFull { .. }
            | Self::OverRate { .. }
            | Self::Closing
            | Self::Append(_)
            | Self::OpenLog(_)
            | Self::Thread { .. } => ErrorKind::Unavailable,
            Self::OverMemory { .. } => ErrorKind::TooLarge,
            Self::UnknownDoor { .. } => ErrorKind::Corrupt,
            Self::Panicked(_) | Self::Task(_) => ErrorKind::Internal,
        }
    }
}

impl Error {
    /// Under which heading the ledger has a request that this refused.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::OverRate { .. } => Reason::OverLimit,
            _ => Reason::of(self.kind()),
        }
    }
}

/// An error of the log with its causes, which its own message leaves out.
pub(crate) fn sentence(error: &crawlspace_wal::Error) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
