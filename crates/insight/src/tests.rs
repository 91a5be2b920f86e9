//! A real store for tests: a lake in a directory of its own, with an engine over it.

pub(crate) mod spans;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use crawlspace_disk::RealFs;
use crawlspace_lake::{Config as LakeConfig, Dependencies, Lake, LocalStore, SqliteCatalogue};
use crawlspace_model::{Clock, SystemClock, Table};
use crawlspace_query::{Config, Engine};
use tempfile::TempDir;

use crate::Insight;

pub(crate) struct Store {
    pub lake: Arc<Lake>,
    pub engine: Arc<Engine>,
    pub insight: Insight,
    published: u64,
    _directory: TempDir,
}

impl Store {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(directory.path()).await;
        // Tests are no benchmark: a busy machine may take its time.
        let config = Config {
            time_limit: Duration::from_secs(600),
            ..Config::default()
        };
        let engine = Arc::new(Engine::new(Arc::clone(&lake), config));
        Self {
            lake,
            insight: Insight::new(Arc::clone(&engine)),
            engine,
            published: 0,
            _directory: directory,
        }
    }

    /// Makes rows visible, in memory.
    pub(crate) fn publish(&mut self, table: Table, rows: RecordBatch) {
        self.published += 1;
        self.lake.publish(self.published, vec![(table, rows)]);
    }
}

async fn open(root: &Path) -> Arc<Lake> {
    std::fs::create_dir_all(root.join("data")).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let catalogue = SqliteCatalogue::open(
        &root.join("catalogue.sqlite"),
        &root.join("data"),
        Arc::clone(&clock),
    )
    .await;
    let dependencies = Dependencies {
        catalogue: Arc::new(catalogue.unwrap()),
        store: Arc::new(LocalStore::new(Arc::new(RealFs), root.to_owned())),
        clock,
    };
    let config = LakeConfig {
        flush_age: Duration::from_secs(3_600),
        ..LakeConfig::default()
    };
    Lake::open(config, dependencies).await.unwrap()
}

/// Runs a test's work where queries have the stack that they need.
pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}
