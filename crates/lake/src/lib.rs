//! Where rows live: in memory first, then in sorted Parquet parts on an object store, with a catalogue that says what
//! exists. Leaves the log to `wal` and questions to `query`; knows tables and columns, not protocols.

pub mod backup;
pub mod catalogue;
mod columns;
mod conform;
mod doctor;
mod error;
mod flush;
mod lake;
mod memory;
mod part;
mod scan;
mod snapshot;
mod store;
mod upkeep;

pub use catalogue::{Catalogue, Posting, SEEN_LIFE, Seen, SqliteCatalogue};
pub use columns::{Columns, memory_type, scan_type};
pub use conform::{Spill, Target, conform, json_at, map_entries};
pub use doctor::{Finding, Severity};
pub use error::Error;
pub use flush::Flushed;
pub use lake::{AtStart, Config, Dependencies, FOLLOWERS_MAX, Follower, Lake, News};
pub use memory::MemoryBatch;
pub use scan::{ABSENT, Chunk, PartGroups, PartScan, StoredChunk, Texts, Values, scan_memory};
pub use snapshot::{Attribute, Snapshot, TableOutline, TableSnapshot};
pub use store::{CachedStore, LocalStore, S3, is_unreachable};
pub use upkeep::{Compacted, Retention, Retired};
