//! The lake itself: its state, what makes rows visible, and consistent snapshots for readers.

mod follow;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::Field;
use crawlspace_disk::fault::{self, Moment};
use crawlspace_model::account::Account;
use crawlspace_model::{Clock, Table, UnixNanos};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use object_store::ObjectStore;

use crate::catalogue::{
    Books, Catalogue, Change, Column, Contents, Part, Posting, Seen, TableContents,
};
use crate::columns::Columns;
use crate::error::Error;
use crate::memory::Memory;
use crate::part::{PartWriter, Term};
use crate::scan::KnownIdPages;
use crate::snapshot::{Snapshot, TableSnapshot};
use crate::store::VerifiedStore;
use crate::upkeep::Retention;
use follow::Followers;
pub use follow::{FOLLOWERS_MAX, Follower, News};

/// Footers of parts are kept up to one of so many shares of what plans may take, …
const FOOTERS_SHARES: u64 = 8;
/// … and at least up to this. That of a part with 500 columns takes most of a megabyte, and a millisecond to read.
const FOOTERS_BYTES_MIN: usize = 48 << 20;
/// What [`Config::plan_bytes_max`] usually is.
const PLAN_BYTES_MAX: u64 = 1 << 30;

/// When to write and what to keep. Plain data.
#[derive(Debug, Clone)]
pub struct Config {
    /// Rows in memory that make a flush due.
    pub flush_rows: u64,
    /// Age of the oldest row in memory that makes a flush due.
    pub flush_age: Duration,
    /// Memory that query plans may take together. What compaction has in memory at a time is a share of it, on top.
    pub plan_bytes_max: u64,
    /// So many small parts of one hour are merged.
    pub compact_parts: usize,
    /// How long catalogue snapshots (and so the parts only they name) stay for readers of other programs.
    pub snapshot_life: Duration,
    /// How long an object outlives its last snapshot: longer than the longest query.
    pub object_grace: Duration,
    /// How long and how much to keep.
    pub retention: Retention,
    pub at_start: AtStart,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            flush_rows: 100_000,
            flush_age: Duration::from_secs(60),
            plan_bytes_max: PLAN_BYTES_MAX,
            compact_parts: 20,
            snapshot_life: Duration::from_secs(3_600),
            object_grace: Duration::from_secs(600),
            retention: Retention::default(),
            at_start: AtStart::CheckParts,
        }
    }
}

/// What is done about the store when a lake is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtStart {
    /// Parts that are missing or cut short are set aside, and what was never committed is deleted.
    CheckParts,
    /// The store is another machine's, and need not be there: only what was never committed is deleted.
    TrustStore,
    /// Nothing: for who only looks.
    Look,
}

/// What the lake is given to work with.
#[derive(Debug)]
pub struct Dependencies {
    pub store: Arc<dyn ObjectStore>,
    pub catalogue: Arc<dyn Catalogue>,
    pub clock: Arc<dyn Clock>,
}

/// Memory and parts behind one door.
#[derive(Debug)]
pub struct Lake {
    pub(crate) config: Config,
    pub(crate) store: Arc<VerifiedStore>,
    pub(crate) catalogue: Arc<dyn Catalogue>,
    pub(crate) clock: Arc<dyn Clock>,
    runtime: Arc<RuntimeEnv>,
    state: Mutex<State>,
    pub(crate) id_pages: KnownIdPages,
    /// Held by a flush: one at a time.
    pub(crate) flushing: tokio::sync::Mutex<()>,
    /// Held by whoever ends parts: compaction, and setting damaged ones aside. Flushes go on meanwhile.
    pub(crate) merging: tokio::sync::Mutex<()>,
    /// Held, for reading, by who needs objects that may end meanwhile; for writing, by the sweep.
    pub(crate) sweeping: tokio::sync::RwLock<()>,
    /// Held during a commit, so that readers see commits in their order.
    pub(crate) committing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub tables: [TableState; 4],
    /// Rows of log records below this are visible.
    pub position: u64,
    /// Rows of log records below this are in parts.
    pub committed: u64,
    pub damaged: Vec<String>,
    /// When the oldest row in memory came, or the oldest entry of `posting`.
    pub oldest: Option<UnixNanos>,
    pub books: Books,
    /// What is in `books` but not in the catalogue yet.
    pub posting: Posting,
    pub followers: Followers,
}

#[derive(Debug, Default)]
pub(crate) struct TableState {
    pub columns: Arc<Columns>,
    pub parts: Arc<Vec<Arc<Part>>>,
    pub memory: Memory,
}

impl From<TableContents> for TableState {
    fn from(contents: TableContents) -> Self {
        let columns = Arc::new(Columns::new(contents.columns, contents.next_column_id));
        Self {
            columns,
            parts: Arc::new(contents.parts),
            memory: Memory::default(),
        }
    }
}

impl State {
    fn post(&mut self, posting: Posting, now: UnixNanos) {
        self.books.account.add_all(&posting.account);
        self.posting.add(posting);
        self.oldest.get_or_insert(now);
    }
}

impl Lake {
    /// Loads what the catalogue knows, and sets aside parts whose object is missing or has another size.
    ///
    /// # Errors
    /// The catalogue or the store can't be read.
    pub async fn open(config: Config, dependencies: Dependencies) -> Result<Arc<Self>, Error> {
        let Dependencies {
            store,
            catalogue,
            clock,
        } = dependencies;
        let store = Arc::new(VerifiedStore::new(store));
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(
                usize::try_from(config.plan_bytes_max).unwrap_or(usize::MAX),
                1.0,
            )
            .with_metadata_cache_limit(footers_bytes(config.plan_bytes_max))
            .build_arc()?;
        runtime.register_object_store(store_url().as_ref(), Arc::clone(&store) as _);
        let Contents {
            wal_position,
            mut tables,
            books,
            ..
        } = catalogue.load().await?;
        let state = State {
            tables: Table::ALL.map(|table| tables.remove(&table).unwrap_or_default().into()),
            position: wal_position,
            committed: wal_position,
            books,
            ..State::default()
        };
        let parts = state.tables.iter().flat_map(|table| table.parts.iter());
        parts.for_each(|part| store.expect(part));
        let lake = Self {
            config,
            store,
            catalogue,
            clock,
            runtime,
            state: Mutex::new(state),
            id_pages: KnownIdPages::default(),
            flushing: tokio::sync::Mutex::default(),
            merging: tokio::sync::Mutex::default(),
            sweeping: tokio::sync::RwLock::default(),
            committing: tokio::sync::Mutex::default(),
        };
        match lake.take_stock().await {
            Err(error) if lake.config.at_start == AtStart::TrustStore => {
                tracing::warn!(%error, "the store can't be asked now: what earlier runs left in it stays for now");
            }
            result => result?,
        }
        Ok(Arc::new(lake))
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no holder of the state panics")
    }

    /// Rows of log records below this position are in parts: replay starts here.
    #[must_use]
    pub fn wal_position(&self) -> u64 {
        self.state().committed
    }

    /// Makes rows visible, all at once. `end` is the position after the log records they came from; calls come in the
    /// order of the log.
    pub fn publish(&self, end: u64, batches: Vec<(Table, RecordBatch)>) {
        self.publish_with(end, batches, Posting::default());
    }

    /// The same, for rows that have an entry in the books: both are committed together.
    pub fn publish_with(&self, end: u64, batches: Vec<(Table, RecordBatch)>, posting: Posting) {
        let now = self.clock.now();
        let mut state = self.state();
        for (table, rows) in batches {
            state.followers.tell(table, &rows);
            if let Err(error) = state.tables[table as usize].memory.push(table, rows) {
                // Cannot happen for batches that a decoder built; the log still has the rows.
                tracing::error!(%error, table = table.name(), "rows could not be made visible");
            }
        }
        state.position = end;
        state.post(posting, now);
    }

    /// Enters into the books what has no record in the log: it is committed with the next flush, and due for one like
    /// rows are.
    pub fn post(&self, posting: Posting) {
        let now = self.clock.now();
        self.state().post(posting, now);
    }

    /// Everything that was ever counted, committed or not.
    #[must_use]
    pub fn account(&self) -> Account {
        self.state().books.account.clone()
    }

    /// When counting began.
    #[must_use]
    pub fn counted_since(&self) -> UnixNanos {
        self.state().books.since
    }

    /// The requests that were stored lately, as the catalogue knew them at the start. For whoever recognises repeated
    /// ones, and only once.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().books.seen)
    }

    /// Whether memory is full, or what is not committed yet old enough, to be written to parts.
    #[must_use]
    pub fn flush_due(&self) -> bool {
        let now = self.clock.now();
        let state = self.state();
        let rows: u64 = state.tables.iter().map(|table| table.memory.rows()).sum();
        let age = state
            .oldest
            .map_or(0, |oldest| now.0.saturating_sub(oldest.0));
        rows >= self.config.flush_rows
            || ((rows > 0 || !state.posting.is_empty())
                && u128::from(age.unsigned_abs()) >= self.config.flush_age.as_nanos())
    }

    #[must_use]
    pub fn memory_rows(&self) -> u64 {
        self.state()
            .tables
            .iter()
            .map(|table| table.memory.rows())
            .sum()
    }

    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.state()
            .tables
            .iter()
            .map(|table| table.memory.bytes())
            .sum()
    }

    /// The parts that were found damaged and set aside.
    #[must_use]
    pub fn damaged_parts(&self) -> Vec<String> {
        self.state().damaged.clone()
    }

    /// Everything visible now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let tables = Table::ALL.map(|table| {
            let TableState {
                columns,
                parts,
                memory,
            } = &state.tables[table as usize];
            let memory = memory.batches().to_vec();
            TableSnapshot {
                table,
                columns: Arc::clone(columns),
                parts: Arc::clone(parts),
                memory,
            }
        });
        Snapshot {
            tables,
            position: state.position,
            damaged_parts: state.damaged.len(),
        }
    }

    /// What plans over the lake run in: the object store is registered, memory is bounded.
    #[must_use]
    pub fn runtime(&self) -> &Arc<RuntimeEnv> {
        &self.runtime
    }

    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store) as _
    }

    /// Commits a change to the catalogue and shows it to readers in one step.
    pub(crate) async fn commit(
        &self,
        change: &Change,
        columns: Vec<(Table, Columns)>,
        also: impl FnOnce(&mut State),
    ) -> Result<(), Error> {
        let _committing = self.committing.lock().await;
        let is_merge = !change.removed_parts.is_empty();
        let (written, done) = if is_merge {
            (Moment::MergeWritten, Moment::MergeCommitted)
        } else {
            (Moment::FlushWritten, Moment::FlushCommitted)
        };
        fault::crash_at(written);
        let committed = self.catalogue.commit(change).await?;
        fault::crash_at(done);
        let mut state = self.state();
        for (table, columns) in columns {
            state.tables[table as usize].columns = Arc::new(columns);
        }
        for table in &mut state.tables {
            if table
                .parts
                .iter()
                .any(|part| change.removed_parts.contains(&part.id))
            {
                Arc::make_mut(&mut table.parts)
                    .retain(|part| !change.removed_parts.contains(&part.id));
            }
        }
        for (id, meta) in committed.part_ids.into_iter().zip(&change.new_parts) {
            let meta = meta.clone();
            let parts = &mut state.tables[meta.table as usize].parts;
            let part = Arc::new(Part { id, meta });
            self.store.expect(&part);
            Arc::make_mut(parts).push(part);
        }
        if let Some(position) = change.wal_position {
            state.committed = position;
        }
        also(&mut state);
        Ok(())
    }

    /// Begins a part. The catalogue knows of its object before the store does.
    pub(crate) async fn begin_part(
        &self,
        table: Table,
        columns: Vec<Arc<Column>>,
        fields: &[Arc<Field>],
        known: BTreeSet<String>,
        term: &Term,
    ) -> Result<PartWriter, Error> {
        let store = self.store();
        let writer = PartWriter::new(&store, table, columns, fields, known, term)?;
        self.catalogue.announce(&writer.object_path()).await?;
        fault::crash_at(Moment::ObjectAnnounced);
        Ok(writer)
    }

    /// Closes the catalogue, once nothing more is written or asked.
    pub async fn close(&self) {
        self.catalogue.close().await;
    }
}

/// The store's name in plans.
pub(crate) fn store_url() -> ObjectStoreUrl {
    ObjectStoreUrl::parse("crawlspace://lake").expect("a constant URL is valid")
}

fn footers_bytes(plan_bytes: u64) -> usize {
    let share = usize::try_from(plan_bytes / FOOTERS_SHARES).unwrap_or(usize::MAX);
    share.max(FOOTERS_BYTES_MIN)
}
