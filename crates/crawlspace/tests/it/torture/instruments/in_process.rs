//! The write path in this process, on simulated files and a store of the rig's choice: faults can be put anywhere, and a
//! power cut takes no time. The catalogue is a real file, durable at every commit.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use bytes::Bytes;
use crawlspace_disk::{FileSystem, SimFs};
use crawlspace_ingest::{
    Config, ContentType, Dependencies, Door, Encoding, Error, Headroom, Ingest, Origin, Request,
};
use crawlspace_lake::{AtStart, Lake, LocalStore, SqliteCatalogue};
use crawlspace_model::{Clock, Signal, SystemClock};
use crawlspace_query::Engine;
use object_store::ObjectStore;
use opentelemetry_proto::tonic::common::v1::any_value::Value;

use crate::otlp::{attribute, request, span};

/// DataFusion's plans take more than the usual.
const THREAD_STACK_BYTES: usize = 8 << 20;

/// Of the simulated disk, whose ballast is a hundredth of it, and in memory.
const DISK_BYTES: u64 = 64 << 20;

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(THREAD_STACK_BYTES)
        .enable_all()
        .build()
        .unwrap()
}

/// Where the catalogue is: in memory, if there is such a place, as its syncs have nothing to survive here.
pub fn home() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Parts among the simulated files.
pub fn local_store(fs: &SimFs) -> Arc<dyn ObjectStore> {
    Arc::new(LocalStore::new(Arc::new(fs.clone()), "/lake".into()))
}

pub struct InProcess {
    ingest: Arc<Ingest>,
    lake: Arc<Lake>,
}

impl InProcess {
    /// Opens what is in `home`, which holds the catalogue, and in the files and the store. Flushes and compactions happen
    /// only when they are asked for.
    pub async fn open(
        home: &Path,
        fs: &SimFs,
        store: Arc<dyn ObjectStore>,
        at_start: AtStart,
    ) -> anyhow::Result<Self> {
        fs.set_size(DISK_BYTES);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let files: Arc<dyn FileSystem> = Arc::new(fs.clone());
        let catalogue = home.join("catalogue.sqlite");
        let data = Path::new("/lake/data");
        files.create_dir_all(data)?;
        let catalogue = SqliteCatalogue::open(&catalogue, data, Arc::clone(&clock)).await?;
        let config = crawlspace_lake::Config {
            flush_age: Duration::from_secs(3_600),
            at_start,
            ..crawlspace_lake::Config::default()
        };
        let dependencies = crawlspace_lake::Dependencies {
            store,
            catalogue: Arc::new(catalogue),
            clock: Arc::clone(&clock),
        };
        let lake = Lake::open(config, dependencies).await?;
        let dependencies = Dependencies {
            headroom: Headroom::new(Arc::clone(&files), Path::new("/")),
            fs: files,
            lake: Arc::clone(&lake),
            clock,
        };
        let ingest = Ingest::open(Config::new("/wal".into()), dependencies).await?;
        Ok(Self { ingest, lake })
    }

    /// One request, of spans with these numbers.
    pub async fn send(&self, numbers: &[i64]) -> Result<(), Error> {
        let spans = numbers.iter().map(|number| {
            let attributes = vec![attribute("number", Value::IntValue(*number))];
            span(1, number.cast_unsigned() + 1, "numbered", attributes)
        });
        let mut spans: Vec<_> = spans.collect();
        for span in &mut spans {
            // The same numbers are the same request, whenever they are sent.
            span.start_time_unix_nano = 1_700_000_000_000_000_000;
            span.end_time_unix_nano = 1_700_000_000_000_000_001;
        }
        let body = Bytes::from(request("rig", spans));
        let reservation = self.ingest.reserve(body.len())?;
        let origin = Origin {
            door: Door::OtlpHttp,
            signal: Signal::Traces,
            key: 0,
            user_agent: String::new(),
        };
        let request = Request {
            origin,
            content_type: ContentType::Protobuf,
            body,
            encoding: Encoding::Identity,
            reservation,
        };
        self.ingest.accept(request).await.map(|_| ())
    }

    pub async fn flush(&self) -> Result<(), Error> {
        self.ingest.flush().await.map(|_| ())
    }

    pub async fn compact(&self) -> Result<(), Error> {
        self.ingest.compact().await.map(|_| ())
    }

    /// How often each number is there.
    pub async fn numbers(&self) -> anyhow::Result<BTreeMap<i64, u64>> {
        let engine = Engine::new(Arc::clone(&self.lake), crawlspace_query::Config::default());
        let mut found = BTreeMap::new();
        // Before the first row there is no such field.
        let answer = match engine.sql("SELECT number FROM spans").await {
            Ok(answer) => answer,
            Err(_) if self.count(&engine).await? == 0 => return Ok(found),
            Err(error) => return Err(error.into()),
        };
        for batch in &answer.batches {
            for number in batch.column(0).as_primitive::<Int64Type>().values() {
                *found.entry(*number).or_default() += 1;
            }
        }
        Ok(found)
    }

    pub fn engine(&self, time_limit: Duration) -> Engine {
        let config = crawlspace_query::Config {
            time_limit,
            ..crawlspace_query::Config::default()
        };
        Engine::new(Arc::clone(&self.lake), config)
    }

    async fn count(&self, engine: &Engine) -> anyhow::Result<i64> {
        let answer = engine.sql("SELECT count(*) FROM spans").await?;
        Ok(answer.batches[0]
            .column(0)
            .as_primitive::<Int64Type>()
            .value(0))
    }

    /// Requests that the ledger has as stored.
    pub fn stored(&self) -> u64 {
        let account = self.ingest.ledger().account;
        let totals = account.counts(|line| line.outcome);
        let stored = crawlspace_model::account::Outcome::Stored;
        totals
            .iter()
            .filter(|(outcome, _)| **outcome == stored)
            .map(|(_, count)| count.requests)
            .sum()
    }

    /// Ends as the death of a process does: nothing is written any more.
    pub async fn die(self) {
        drop(self.ingest);
        self.lake.close().await;
    }
}
