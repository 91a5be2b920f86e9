//! What can go wrong in the lake.

use std::path::PathBuf;

use crawlspace_model::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("catalogue `{path}`: {source}")]
    Catalogue { path: PathBuf, source: sqlx::Error },
    #[error("catalogue `{path}` {problem}")]
    CatalogueUnknown { path: PathBuf, problem: String },
    #[error("catalogue `{path}` refused a change: {problem}")]
    CatalogueRefused { path: PathBuf, problem: String },
    #[error("part `{path}`: {source}")]
    Parquet {
        path: String,
        source: parquet::errors::ParquetError,
    },
    #[error(
        "`{url}` is no store: give s3://BUCKET/PREFIX, or for a backup a directory by its absolute path"
    )]
    StoreUrl { url: String },
    #[error("a backup is being taken already: wait until it has ended")]
    BackupRuns,
    #[error("there is no backup: its `index.json`, which is written last, is missing")]
    NoBackup,
    #[error(
        "the backup has format version {version}, this program knows up to {}: restore it with a newer crawlspace",
        crawlspace_model::table::FORMAT_VERSION
    )]
    BackupVersion { version: u32 },
    #[error("the backup's `{path}` is damaged: restore from another backup")]
    BackupDamaged { path: String },
    #[error("object store: {0}")]
    ObjectStore(#[from] object_store::Error),
    #[error("{what}: {source}")]
    File {
        what: String,
        source: std::io::Error,
    },
    #[error("arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    #[error("query engine: {0}")]
    DataFusion(#[from] datafusion::error::DataFusionError),
    #[error("a background task ended: {0}")]
    Task(#[from] tokio::task::JoinError),
    #[error("{limit} already follow new rows: end one of them first")]
    Followed { limit: usize },
}

impl Error {
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::CatalogueUnknown { .. }
            | Self::Parquet { .. }
            | Self::BackupVersion { .. }
            | Self::BackupDamaged { .. } => ErrorKind::Corrupt,
            Self::Catalogue { source, .. } => kind_of_sql(source),
            Self::ObjectStore(_) | Self::File { .. } | Self::Followed { .. } | Self::BackupRuns => {
                ErrorKind::Unavailable
            }
            Self::StoreUrl { .. } | Self::NoBackup => ErrorKind::BadInput,
            Self::CatalogueRefused { .. }
            | Self::Arrow(_)
            | Self::DataFusion(_)
            | Self::Task(_) => ErrorKind::Internal,
        }
    }
}

fn kind_of_sql(error: &sqlx::Error) -> ErrorKind {
    /// SQLite's primary result codes, from <https://sqlite.org/rescode.html>.
    const CORRUPT: i64 = 11;
    const CONSTRAINT: i64 = 19;
    const NOT_A_DATABASE: i64 = 26;
    match error {
        sqlx::Error::Database(source) => {
            match source.code().and_then(|code| code.parse::<i64>().ok()) {
                Some(code) if matches!(code & 0xff, CORRUPT | NOT_A_DATABASE) => ErrorKind::Corrupt,
                Some(code) if code & 0xff == CONSTRAINT => ErrorKind::Internal,
                _ => ErrorKind::Unavailable,
            }
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => ErrorKind::Corrupt,
        _ => ErrorKind::Unavailable,
    }
}
