//! The catalogue: which parts and columns exist, and up to which position of the log their rows reach. Kept in the open
//! DuckLake 1.0 layout, so that DuckDB can attach it; what DuckLake has no place for stands in side tables of ours.

mod check;
mod commit;
mod expiry;
mod failure;
mod layout;
mod opening;
mod posting;
mod read;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use async_trait::async_trait;
use crawlspace_model::attribute::{Kind, Kinds};
use crawlspace_model::{Table, UnixNanos};

use crate::Error;
pub use layout::{object_path, time_text};
pub use posting::{Books, Posting, SEEN_LIFE, Seen};
pub use sqlite::{SqliteCatalogue, copy_database};

/// Where committed state lives. One process commits at a time; every commit is one transaction and one snapshot.
#[async_trait]
pub trait Catalogue: Send + Sync + std::fmt::Debug + 'static {
    /// Everything that is live now.
    async fn load(&self) -> Result<Contents, Error>;
    /// Makes a change durable and visible, all of it or nothing.
    async fn commit(&self, change: &Change) -> Result<Committed, Error>;
    /// The paths (below the data path) of all objects the catalogue names: live, ended, scheduled for deletion, or
    /// announced.
    async fn objects(&self) -> Result<BTreeSet<String>, Error>;
    /// Notes the path (below the data path) of an object that is about to be written: if it is never committed, it is
    /// found without listing the store.
    async fn announce(&self, path: &str) -> Result<(), Error>;
    /// Gives up the objects announced before that time and not committed: they are scheduled for deletion, and can't be
    /// committed any more. Answers their paths.
    async fn give_up(&self, before: UnixNanos) -> Result<Vec<String>, Error>;
    /// Forgets snapshots older than `before` (never the newest) and schedules the objects that only they used.
    /// Answers the number of snapshots forgotten.
    async fn expire(&self, before: UnixNanos) -> Result<u64, Error>;
    /// The paths (below the data path) of objects scheduled for deletion before that time.
    async fn scheduled(&self, before: UnixNanos) -> Result<Vec<String>, Error>;
    /// What is wrong with it, a sentence each; nothing, as a rule.
    async fn check(&self) -> Result<Vec<String>, Error>;
    /// Writes a copy to a new file; it names no data path, since nobody knows where its parts will be.
    async fn copy_to(&self, path: &Path) -> Result<(), Error>;
    /// Ends all work and folds what SQLite keeps beside its file into it.
    async fn close(&self);
    /// Strikes deleted objects off the schedule.
    async fn forget(&self, paths: &[String]) -> Result<(), Error>;
}

/// The live state of the catalogue.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    pub snapshot: i64,
    /// Records of the log below this position are in parts.
    pub wal_position: u64,
    pub tables: BTreeMap<Table, TableContents>,
    pub books: Books,
}

#[derive(Debug, Clone, Default)]
pub struct TableContents {
    /// Fixed columns first, in their order; then attribute columns by id.
    pub columns: Vec<Arc<Column>>,
    /// The next free column id; nested columns take several.
    pub next_column_id: i64,
    pub parts: Vec<Arc<Part>>,
}

/// A column of a table. Its id is the Parquet field id; a map's key and value have the two ids after it, a list's
/// element the one after it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Column {
    pub id: i64,
    /// The name in queries.
    pub name: String,
    /// The name in parts and in the catalogue: unique in any case.
    pub stored_name: String,
    pub column_type: ColumnType,
    pub nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ColumnType {
    Time,
    Int,
    Int32,
    UInt,
    Double,
    Bool,
    Text,
    /// 16 bytes.
    TraceId,
    /// 8 bytes.
    SpanId,
    DoubleList,
    UIntList,
    /// Text to text.
    Map,
}

impl ColumnType {
    /// The type that keeps an attribute's values of this kind.
    #[must_use]
    pub fn of_kind(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int,
            Kind::Double => Self::Double,
            Kind::Bool => Self::Bool,
            Kind::String | Kind::Other => Self::Text,
        }
    }

    /// The kind of an attribute's values in a column of this type.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Int => Kind::Int,
            Self::Double => Kind::Double,
            Self::Bool => Kind::Bool,
            _ => Kind::String,
        }
    }

    /// The type that columns of this Arrow type have; dictionaries are text.
    #[must_use]
    pub fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Timestamp(TimeUnit::Nanosecond, None) => Self::Time,
            DataType::Int64 => Self::Int,
            DataType::Int32 => Self::Int32,
            DataType::UInt64 => Self::UInt,
            DataType::Float64 => Self::Double,
            DataType::Boolean => Self::Bool,
            DataType::Utf8 => Self::Text,
            DataType::Dictionary(_, values) if **values == DataType::Utf8 => Self::Text,
            DataType::FixedSizeBinary(16) => Self::TraceId,
            DataType::FixedSizeBinary(8) => Self::SpanId,
            DataType::List(element) if *element.data_type() == DataType::Float64 => {
                Self::DoubleList
            }
            DataType::List(element) if *element.data_type() == DataType::UInt64 => Self::UIntList,
            DataType::Map(..) => Self::Map,
            _ => return None,
        })
    }

    /// How many ids a column of this type takes.
    #[must_use]
    pub fn ids(self) -> i64 {
        match self {
            Self::Map => 3,
            Self::DoubleList | Self::UIntList => 2,
            _ => 1,
        }
    }
}

/// A committed Parquet file.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub id: i64,
    pub meta: PartMeta,
}

/// What is known of a part when it has been written.
#[derive(Debug, Clone, PartialEq)]
pub struct PartMeta {
    pub table: Table,
    /// Below the table's own path.
    pub file_name: String,
    pub rows: u64,
    pub size_bytes: u64,
    /// The length of the Parquet footer without its eight closing bytes.
    pub footer_bytes: u64,
    pub time_min: UnixNanos,
    pub time_max: UnixNanos,
    pub received_min: UnixNanos,
    pub received_max: UnixNanos,
    /// Ids of the columns the file holds.
    pub columns: Vec<i64>,
    /// Keys found in the overflow column, with their kinds; those that have a column too are always listed.
    pub overflow: BTreeMap<String, Kinds>,
    /// Whether `overflow` lists every key. If not, any key without a column may be there.
    pub overflow_complete: bool,
    /// Whether some row's `sample_weight` is not 1.
    pub weighted: bool,
    /// CRC32C of each block of 32 KiB of the file.
    pub checksums: Arc<[u32]>,
    /// Bounds for DuckLake's own pruning; columns without any are left out.
    pub stats: Vec<ColumnStats>,
}

/// Bounds of one column of a part, in DuckLake's text form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnStats {
    pub column_id: i64,
    pub null_count: u64,
    /// Both or neither.
    pub bounds: Option<(String, String)>,
}

/// What one commit does.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub wal_position: Option<u64>,
    pub new_columns: Vec<(Table, Column)>,
    pub dropped_columns: Vec<(Table, i64)>,
    pub new_parts: Vec<PartMeta>,
    /// Ids of parts that end with this commit.
    pub removed_parts: Vec<i64>,
    /// What the books gain with it.
    pub posting: Posting,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub snapshot: i64,
    /// Ids of `new_parts`, in their order.
    pub part_ids: Vec<i64>,
}

#[cfg(test)]
mod tests;
